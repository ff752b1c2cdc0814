//! Endpoints that misbehave: nothing is dropped, nobody else is held up, and of an answer only its beginning is kept.
//! How long it takes is measured in `examples/webhook_bench`.

use crate::harness::{
    bad_receiver::{BadReceiver, Vice},
    receiver::Receiver,
    world::{World, message_to},
};
use serde_json::Value;
use std::time::Duration;
use wa_gateway::{
    app::commands::{WebhookCreate, WebhookDeliveries},
    model::clock::{Clock, SystemClock},
};

const EVENTS: usize = 12;

async fn add(world: &World, url: String) -> i64 {
    let events = vec!["message.sent".to_owned()];
    let made = world.command(WebhookCreate { account: world.account, url, events, ..Default::default() }).await;
    made.expect("an endpoint")["id"].as_i64().expect("an id")
}

async fn deliveries(world: &World, endpoint: i64) -> Vec<Value> {
    let asked = WebhookDeliveries { endpoint: Some(endpoint), ..Default::default() };
    world.command(asked).await.expect("a list").as_array().expect("a list").clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_endpoints_lose_nothing_and_hold_nobody_up() {
    let mut bad = Vec::new();
    for vice in Vice::ALL {
        bad.push((vice, BadReceiver::start(vice).await));
    }
    let good = [Receiver::start().await, Receiver::start().await, Receiver::start().await];
    let allow: Vec<_> = bad.iter().map(|(_, b)| b.address).chain(good.iter().map(|g| g.address)).collect();
    let allow = allow.into_iter().map(|a| a.to_string().parse().expect("an entry")).collect();
    let now = SystemClock.now().rfc3339();
    let world = World::start_at(&now, |config| config.egress.allow = allow).await;
    let mut ids = Vec::new();
    for (vice, receiver) in &bad {
        ids.push((*vice, add(&world, receiver.url()).await));
    }
    for receiver in &good {
        add(&world, receiver.url()).await;
    }
    for n in 0..EVENTS {
        let reply = world.send(&message_to(&format!("+96650123{n:04}"))).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
    // The clock stands still: the one that drips holds its attempt open, and still everybody else gets everything.
    for receiver in &good {
        let got = receiver.wait_for(EVENTS).await;
        let mut seen: Vec<&str> = got.iter().map(|g| g.header("webhook-id")).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), EVENTS);
    }
    tried_all(&world, &ids).await;
    for (vice, receiver) in &bad {
        assert!(receiver.calls() > 0, "{vice:?} was never called");
    }
    for (vice, id) in ids {
        let rows = deliveries(&world, id).await;
        assert_eq!(rows.len(), EVENTS, "{vice:?}: nothing is dropped");
        judge(&world, vice, &rows).await;
    }
    world.stop().await;
}

/// Waits until each bad endpoint but the dripping one was tried at least once.
async fn tried_all(world: &World, ids: &[(Vice, i64)]) {
    for (_, id) in ids.iter().filter(|(vice, _)| *vice != Vice::Drips) {
        let begun = crate::harness::program::now();
        while deliveries(world, *id).await.iter().all(|d| d["attempts"] == 0) {
            assert!(begun.elapsed() < Duration::from_secs(30), "endpoint {id} was never tried");
            tokio::task::yield_now().await;
        }
    }
}

async fn judge(world: &World, vice: Vice, rows: &[Value]) {
    let tried: Vec<&Value> = rows.iter().filter(|r| r["attempts"].as_i64() > Some(0)).collect();
    for row in &tried {
        match vice {
            Vice::Gigabyte | Vice::Bomb => assert_eq!(row["state"], "delivered", "{vice:?} answered 200: {row}"),
            Vice::Redirects => assert_eq!((&row["state"], &row["last_status"]), (&"pending".into(), &302.into())),
            Vice::NotFound => assert_eq!((&row["state"], &row["last_status"]), (&"pending".into(), &404.into())),
            Vice::Down => assert_eq!((&row["state"], &row["last_status"]), (&"pending".into(), &Value::Null)),
            Vice::Flapping | Vice::Drips => {}
        }
        if row["state"] == "pending" {
            assert!(row["due_at"].is_string(), "{vice:?}: it says when it is tried again: {row}");
        }
        let attempts = world.gateway().webhooks.attempts(row["id"].as_i64().expect("an id")).await.expect("attempts");
        assert!(attempts.iter().all(|a| a.answer.len() <= 1024), "{vice:?}: only the beginning is kept");
    }
}
