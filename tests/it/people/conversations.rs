//! What endpoints are told of conversations: a new message, what was read, what we wrote.

use crate::harness::{
    visitor::Visitor,
    world::{INSTANCE, PHONE, World, message, message_to},
};
use serde_json::Value;
use std::time::Duration;
use wa_gateway::{app::commands::WebhookCreate, store::StoreError};

/// The bodies of all that was told, oldest first.
async fn told(world: &World) -> Vec<Value> {
    let sql = "SELECT body FROM events WHERE name = 'conversation.updated' ORDER BY id";
    let read = world.gateway().store.read(move |tx| tx.list(sql, [], |r| r.get::<_, String>(0)));
    let bodies: Result<Vec<String>, StoreError> = read.await;
    bodies.expect("events").iter().map(|body| serde_json::from_str(body).expect("JSON")).collect()
}

#[tokio::test]
async fn a_conversation_is_told_of_when_it_is_read_and_when_we_write() {
    let world = World::start().await;
    let hook = WebhookCreate {
        account: world.account,
        url: "https://crm.example/hook".into(),
        events: vec!["conversation.updated".into()],
        ..Default::default()
    };
    world.command(hook).await.expect("an endpoint");
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let read = format!("/chat/{INSTANCE}/c1/read");
    let unread = |all: &[Value]| all.iter().map(|e| e["unread_count"].as_i64().expect("a count")).collect::<Vec<_>>();

    world.hears(PHONE, "are you open?").await;
    world.hears(PHONE, "hello?").await;
    assert_eq!(unread(&told(&world).await), [1, 2]);
    assert_eq!(owner.post(&read, &[]).await.status, 303);
    assert_eq!(unread(&told(&world).await), [1, 2, 0]);
    assert_eq!(owner.post(&read, &[]).await.status, 303);
    assert_eq!(told(&world).await.len(), 3, "what was read before is no news");

    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.send(&message()).await.json()["status"], "sent");
    let all = told(&world).await;
    let (before, now) = (&all[2], &all[3]);
    assert_eq!((all.len(), &now["conversation_id"], &now["from"]), (4, &before["conversation_id"], &before["from"]));
    assert_eq!(now["from"], PHONE);
    let at = |event: &Value| event["last_message_at"].as_str().expect("a time").to_owned();
    assert!(at(now) > at(before), "{} {}", at(now), at(before));

    // To somebody who never wrote there is no conversation yet.
    assert_eq!(world.send(&message_to("+966507654321")).await.json()["status"], "sent");
    assert_eq!(told(&world).await.len(), 4);
}
