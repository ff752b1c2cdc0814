//! Each connector's inbound: what a person says to a provider under one form holds for the other, and is answered there.

use super::FAMILIES;
use crate::connectors::{cloud_api, evolution};
use serde_json::{Value, json};
use std::time::Duration;

/// A gateway at a provider that brings what people write.
enum Provider {
    CloudApi(Box<cloud_api::outgoing::rig::Rig>),
    Evolution(Box<evolution::rig::Rig>),
}

impl Provider {
    async fn both() -> [Self; 2] {
        let cloud = Self::CloudApi(Box::new(cloud_api::outgoing::rig::Rig::start().await));
        [cloud, Self::Evolution(Box::new(evolution::rig::Rig::start().await))]
    }

    fn name(&self) -> &'static str {
        match self {
            Self::CloudApi(_) => "cloud-api",
            Self::Evolution(_) => "evolution",
        }
    }

    /// Somebody writes; `n` makes the message's id.
    async fn brings(&self, from: &str, n: usize, text: &str) {
        let digits = from.trim_start_matches('+');
        match self {
            Self::CloudApi(rig) => {
                let at = wa_gateway::model::clock::Clock::now(&*rig.world.clock).seconds().to_string();
                let message = json!({"from": digits, "id": format!("wamid.in-{digits}-{n}"), "timestamp": at,
                                     "type": "text", "text": {"body": text}});
                rig.call(json!({"messages": [message]})).await;
            }
            Self::Evolution(rig) => {
                let jid = format!("{digits}@s.whatsapp.net");
                let message = json!({"conversation": text});
                let data = rig.server.receive(evolution::rig::THEIRS, &jid, &format!("IN{digits}{n}"), message);
                rig.tell("messages.upsert", data).await;
            }
        }
    }

    /// Sends by the guarded API; an empty text where it was taken, else the error's code.
    async fn sends(&self, to: &str, text: &str) -> String {
        let (world, mut body) = match self {
            Self::CloudApi(rig) => (&rig.world, rig.message(text)),
            Self::Evolution(rig) => (&rig.world, rig.message(text)),
        };
        body["phone"] = json!(to);
        // No rate is what this is about.
        world.later(Duration::from_secs(120));
        let reply = tokio::select! {
            reply = world.send(&body) => reply,
            () = self.takes_the_next() => unreachable!("it waits for ever"),
        };
        if reply.status == 200 { String::new() } else { reply.error() }
    }

    /// Evolution answers before WhatsApp does: this one tells that WhatsApp took it.
    async fn takes_the_next(&self) {
        if let Self::Evolution(rig) = self {
            let before = rig.sent().len();
            rig.until("the server has it", async || rig.sent().len() > before).await;
            rig.tell_status(&rig.last_id(), "SERVER_ACK").await;
        }
        std::future::pending().await
    }

    /// To whom the provider was asked to send, in its own spelling, without a plus sign.
    fn sent_to(&self) -> Vec<String> {
        match self {
            Self::CloudApi(rig) => {
                let to = |sent: &crate::harness::graph::Sent| text(&sent.body["to"]);
                rig.graph.sent().iter().map(to).collect()
            }
            Self::Evolution(rig) => rig.sent().into_iter().map(|(to, ..)| digits(&to)).collect(),
        }
    }
}

fn text(value: &Value) -> String {
    digits(value.as_str().unwrap_or_default())
}

fn digits(name: &str) -> String {
    name.trim_start_matches('+').split('@').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn who_said_stop_to_a_provider_under_one_form_gets_nothing_under_the_other() {
    for provider in Provider::both().await {
        let name = provider.name();
        for (n, [a, b]) in FAMILIES.into_iter().enumerate() {
            for (m, (said, asked)) in [(a, b), (b, a)].into_iter().enumerate() {
                let number = 10 * n + 4 * m;
                provider.brings(said, number, "STOP").await;
                for to in [asked, said] {
                    let told = provider.sends(to, "Your order is ready.").await;
                    assert_eq!(told, "recipient_suppressed", "{name}: {said} said stop, to {to}");
                }
                provider.brings(asked, number + 1, "START").await;
                assert_eq!(provider.sends(said, "Welcome back.").await, "", "{name}: {asked} is {said}");
            }
        }
        let welcomes = 2 * FAMILIES.len();
        assert_eq!(provider.sent_to().len(), welcomes, "{name}: nothing left but what START allowed");
    }
}

#[tokio::test]
async fn who_wrote_to_a_provider_under_one_form_is_answered_under_the_one_that_was_asked_for() {
    for provider in Provider::both().await {
        let name = provider.name();
        for [a, b] in FAMILIES {
            for (m, (wrote, asked)) in [(a, b), (b, a)].into_iter().enumerate() {
                provider.brings(wrote, m, "Hello, is my order ready?").await;
                let told = provider.sends(asked, &format!("Yes, {asked}, it is.")).await;
                assert_eq!(told, "", "{name}: {wrote} wrote a moment ago, to {asked}");
                assert_eq!(provider.sent_to().last(), Some(&digits(asked)), "{name}: to the one that was asked for");
            }
        }
    }
}
