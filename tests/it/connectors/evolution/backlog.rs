//! After a silence: what came meanwhile, what became of open messages, and an instance that is deaf.

use super::rig::{LINE, PHONE, Rig, SECOND, THEIRS};
use crate::harness::evolution::Fault;
use serde_json::json;
use std::time::Duration;

const JID: &str = "966501234567@s.whatsapp.net";

/// The gateway was down, the server was not.
#[tokio::test]
async fn what_came_while_nobody_listened_is_heard_after_a_restart() {
    let mut rig = Rig::start().await;
    rig.subscribe(&["instance.disconnected", "conversation.updated"]).await;
    let first = rig.server.receive(THEIRS, JID, "A1", json!({"conversation": "before"}));
    rig.tell("messages.upsert", first).await;
    for n in 0..120 {
        rig.world.later(Duration::from_secs(1));
        rig.server.receive(THEIRS, JID, &format!("M{n}"), json!({"conversation": format!("text {n}")}));
    }
    rig.world.restart().await;
    rig.server.hooks_go_to(rig.world.address());
    rig.until("all is heard", async || rig.heard().await.len() == 121).await;
    let texts: Vec<String> = rig.heard().await.into_iter().map(|(_, text, _)| text).collect();
    let wanted: Vec<String> = std::iter::once("before".into()).chain((0..120).map(|n| format!("text {n}"))).collect();
    assert_eq!(texts, wanted, "in their order, once each");
    let told = rig.world.number("SELECT count(*) FROM events WHERE name = 'conversation.updated'").await;
    assert_eq!(told, 121, "the control");
    let disconnected = rig.world.number("SELECT count(*) FROM events WHERE name = 'instance.disconnected'").await;
    assert_eq!(disconnected, 0, "a restart of the gateway is no disconnection");
    // The server's own retry brings one of them again.
    let again = rig.server.with(THEIRS, |i| i.log.last().expect("one").clone());
    rig.tell("messages.upsert", again).await;
    assert_eq!(rig.heard().await.len(), 121);
}

/// Messages that were in hand when the gateway stopped are settled by what the server's log says.
#[tokio::test]
async fn pending_acknowledgements_survive_a_restart() {
    let mut rig = Rig::start().await;
    let by_log = rig.send_past_the_deadline("Your order #1 is ready.").await;
    let by_hook = rig.send_past_the_deadline("Your order #2 is ready.").await;
    assert_eq!((by_log.status, by_hook.status), (202, 202));
    let ids: Vec<String> = rig.sent().into_iter().map(|(_, _, id)| id).collect();
    // The gateway does not hear this one.
    rig.server.update(THEIRS, &ids[0], Some("SERVER_ACK"));
    rig.server.update(THEIRS, &ids[0], Some("DELIVERY_ACK"));
    rig.world.restart().await;
    rig.server.hooks_go_to(rig.world.address());
    assert_eq!(rig.row(&by_hook).await["status"], "unknown");
    rig.pass_until("the log was read", SECOND, async || rig.row(&by_log).await["status"] == "delivered").await;
    rig.tell_status(&ids[1], "SERVER_ACK").await;
    assert_eq!(rig.row(&by_hook).await["status"], "sent");
    assert_eq!((rig.sent().len(), rig.world.used().await), (2, (2, 2)), "nothing is sent again");
}

/// No answer, no event: the server's log names the message, in the chat that the server itself names.
#[tokio::test]
async fn an_unknown_message_is_found_in_the_servers_log() {
    let rig = Rig::start().await;
    rig.server.fault_next(Fault::Reset);
    let mut body = rig.message("Seu pedido saiu.");
    body["phone"] = json!("+5511987654321");
    let reply = rig.world.send(&body).await;
    assert_eq!(reply.header("x-message-status"), Some("unknown"), "{}", reply.body);
    let id = rig.last_id();
    assert_eq!(rig.row(&reply).await["provider_message_id"], json!(null));
    rig.server.update(THEIRS, &id, Some("DELIVERY_ACK"));
    rig.pass_until("it was found", SECOND, async || rig.row(&reply).await["status"] == "delivered").await;
    assert_eq!(rig.row(&reply).await["provider_message_id"], json!(id));
    assert_eq!((rig.sent().len(), rig.world.used().await), (1, (1, 1)));
}

/// Two that could be meant: neither is settled by a guess.
#[tokio::test]
async fn of_two_that_could_be_meant_none_is_settled() {
    let rig = Rig::start().await;
    let mut replies = Vec::new();
    for _ in 0..2 {
        rig.server.fault_next(Fault::Reset);
        replies.push(rig.send("Your order is ready.").await);
    }
    for (_, _, id) in rig.sent() {
        rig.server.update(THEIRS, &id, Some("DELIVERY_ACK"));
    }
    let looks = || rig.server.seen("/chat/findMessages").len();
    let before = looks();
    rig.pass_until("the log was read twice", SECOND, async || looks() >= before + 2).await;
    for reply in &replies {
        assert_eq!(rig.row(reply).await["status"], "unknown");
    }
}

/// A server that keeps no log: unknown stays unknown, and nothing breaks.
#[tokio::test]
async fn a_server_without_a_log_leaves_it_to_a_person() {
    let rig = Rig::start().await;
    rig.server.with(THEIRS, |i| i.forgets = true);
    rig.server.fault_next(Fault::Reset);
    let reply = rig.send("Your order is ready.").await;
    let looks = || rig.server.seen("/chat/findMessages").len();
    let before = looks();
    rig.pass_until("the log was read twice", SECOND, async || looks() >= before + 2).await;
    assert_eq!(
        (rig.row(&reply).await["status"].clone(), rig.status().await["state"].clone()),
        (json!("unknown"), json!("open"))
    );
}

/// Its webhook leads nowhere: it is told as deaf, hears by looking, and is well again with the next call.
#[tokio::test]
async fn an_instance_whose_webhook_is_silent_is_deaf() {
    let rig = Rig::start().await;
    rig.subscribe(&["instance.connection_updated", "message.received"]).await;
    rig.world.later(Duration::from_secs(1));
    let missed = rig.server.receive(THEIRS, JID, "A1", json!({"conversation": "hello?"}));
    // The log is looked at every five minutes.
    rig.world.later(Duration::from_secs(290));
    rig.pass_until("it is deaf", SECOND, async || rig.status().await["health"] == "deaf").await;
    assert_eq!(rig.status().await["state"], "open");
    let heard = rig.events("message.received", 1).await;
    assert_eq!((&heard[0]["message_text"], &heard[0]["from"]), (&json!("hello?"), &json!(PHONE)));
    let told = rig.events("instance.connection_updated", 1).await;
    assert_eq!((&told[0]["state"], &told[0]["health"]), (&json!("open"), &json!("deaf")));
    rig.tell("messages.upsert", missed).await;
    assert_eq!(rig.status().await["health"], "ok", "{LINE}");
    assert_eq!(rig.heard().await.len(), 1);
}

/// One that the webhook lost among others that it brought is found all the same, a while later.
#[tokio::test]
async fn one_that_is_missing_among_others_is_found() {
    let rig = Rig::start().await;
    let looks = || rig.server.seen("/chat/findMessages").len();
    let lost = rig.server.receive(THEIRS, JID, "LOST", json!({"conversation": "lost"}));
    assert_eq!(lost["key"]["id"], "LOST");
    for n in 0..4 {
        rig.world.later(Duration::from_secs(70));
        let told = rig.server.receive(THEIRS, JID, &format!("M{n}"), json!({"conversation": "brought"}));
        rig.tell("messages.upsert", told).await;
    }
    let before = looks();
    rig.pass_until("the log was read", SECOND, async || looks() > before).await;
    rig.until("it is found", async || rig.heard().await.iter().any(|(id, ..)| id == "LOST")).await;
    assert_eq!(rig.heard().await.len(), 5, "each once");
    assert_eq!(rig.status().await["health"], "ok", "its webhook brings most of them");
}

/// The same text to the same person, sent before: that one is not taken for the one that never left.
#[tokio::test]
async fn an_earlier_twin_settles_nothing() {
    let mut rig = Rig::start().await;
    let text = "Your order is ready.";
    let first = rig.send_past_the_deadline(text).await;
    rig.tell_status(&rig.last_id(), "DELIVERY_ACK").await;
    assert_eq!(rig.row(&first).await["status"], "delivered");
    rig.server.fault_next(Fault::Answer("502 Bad Gateway", String::new()));
    let second = rig.send(text).await;
    assert_eq!((rig.row(&second).await["status"].clone(), rig.sent().len()), (json!("unknown"), 1));
    // What was in memory is gone.
    rig.world.restart().await;
    rig.server.hooks_go_to(rig.world.address());
    let looks = || rig.server.seen("/chat/findMessages").len();
    let before = looks();
    rig.pass_until("the log was read twice", SECOND, async || looks() >= before + 4).await;
    assert_eq!(rig.row(&second).await["status"], "unknown");
}
