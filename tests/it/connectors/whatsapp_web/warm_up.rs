//! A number that was linked lately begins few chats, and more each day; whoever is known is written to at any time.

use super::{
    friend::Friend,
    rig::{LINE, OWN, Rig},
};
use crate::harness::{http::Reply, visitor::Visitor};
use serde_json::json;
use std::time::Duration;
use wa_gateway::{
    app::commands::InstanceSet,
    connectors::{Content, warm_up::WarmUp},
    model::ids::InstanceId,
};

/// Numbers of people who were never written to, and whose phone they all are.
const FIRST: u64 = 966_500_000_300;
const READER: u64 = 966_500_000_100;
const DAY: Duration = Duration::from_secs(24 * 3600);

async fn set(rig: &Rig, settings: &[(&str, &str)]) {
    let settings = settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    rig.world.command(InstanceSet { id: LINE.into(), settings, ..Default::default() }).await.expect("set");
    rig.until_connected().await;
}

/// Writes to the `n`th stranger.
async fn begin(rig: &Rig, n: u64) -> Reply {
    let number = FIRST + n;
    rig.service.alias(number, READER);
    let mut body = rig.message(&format!("Your order {n} is ready."));
    body["phone"] = json!(format!("+{number}"));
    rig.world.send(&body).await
}

fn passes(reply: &Reply) {
    assert_eq!(reply.status, 200, "{}", reply.body);
}

fn refused(reply: &Reply) -> bool {
    reply.error() == "sending_throttled" && reply.json()["details"]["rate"] == "warm_up"
}

#[tokio::test]
async fn a_number_that_was_just_linked_begins_few_chats() {
    let mut rig = Rig::start().await;
    let _reader = Friend::with(&rig.service, &rig.world.clock, READER).await;
    rig.subscribe(&["message.received"]).await;
    set(&rig, &[("warm_up_chats", "2")]).await;
    for n in 0..2 {
        passes(&begin(&rig, n).await);
    }
    let third = begin(&rig, 2).await;
    assert!(refused(&third), "{}", third.body);
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let page = owner.get(&format!("/instances/{LINE}/manage")).await.body;
    assert!(page.contains("Day 1 of 14 since it was linked: 0 of 2 people"), "{page}");
    // Whoever was written to, and whoever wrote, is no new chat.
    passes(&begin(&rig, 1).await);
    rig.customer.write(OWN, "msg_01ASK", Content::Text("Is it ready?".into())).await.expect("taken");
    rig.events("message.received", 1).await;
    passes(&rig.send("Yes, your order is ready.").await);
    assert_eq!(rig.service.taken().iter().filter(|taken| taken.0 == OWN).count(), 4);

    // It is not begun anew by a restart, and the next day allows more.
    rig.world.restart_after(DAY).await;
    rig.until_connected().await;
    for n in 2..6 {
        passes(&begin(&rig, n).await);
    }
    assert!(refused(&begin(&rig, 6).await));
    set(&rig, &[("warm_up_days", "0")]).await;
    passes(&begin(&rig, 6).await);

    // A login that ends takes it along: the next one begins at its first day.
    set(&rig, &[("warm_up_days", "14")]).await;
    rig.service.unlink(OWN);
    rig.closed().await;
    let warm_up = || rig.world.gateway().registry.warm_up(&InstanceId::from_text(LINE));
    rig.until("it is forgotten", async || warm_up().is_none()).await;
    rig.reconnect().await;
    rig.link().await;
    assert_eq!(warm_up(), Some(WarmUp { day: 1, days: 14, new_chats: 2 }));
}
