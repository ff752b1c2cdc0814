//! What a caller hears of the gateway's own trouble: that it is there and when to come back, and not what it is.

use crate::harness::{
    contract::assert_refused,
    world::{World, message, message_with},
};
use serde_json::json;

#[tokio::test]
async fn an_internal_error_says_nothing_of_its_cause() {
    let world = World::start().await;
    world.sql("ALTER TABLE policy_decisions RENAME COLUMN verdict TO lost").await;
    let reply = world.send(&message()).await;
    assert_refused(&reply, "internal_error");
    let all = format!("{:?} {}", reply.headers, reply.body).to_lowercase();
    for word in ["sql", "table", "column", "verdict", "policy_decisions", "database", ".rs"] {
        assert!(!all.contains(word), "{word}: {all}");
    }
    assert_eq!(world.number("SELECT count(*) FROM messages").await, 0, "nothing is left half written");
    assert!(world.inbox().await.is_empty());
    world.stop().await;
}

#[tokio::test]
async fn a_gateway_that_stops_or_whose_disk_is_full_says_when_to_come_back() {
    let world = World::start().await;
    world.gateway().sending.stop().await;
    assert_refused(&world.send(&message()).await, "service_unavailable");
    world.stop().await;

    let world = World::start().await;
    fill_disk(&world).await;
    // Two pages of the file at least.
    let text = "Ваш заказ отправлен. ".repeat(190);
    let reply = world.send(&message_with(json!({"message": text}))).await;
    assert_refused(&reply, "service_unavailable");
    assert!(world.inbox().await.is_empty());
    world.stop().await;
}

/// From now on the database file may not grow, and nothing in it is free.
async fn fill_disk(world: &World) {
    let full = world.gateway().store.write(|tx| {
        tx.list("PRAGMA incremental_vacuum", [], |_| Ok(()))?;
        tx.one("PRAGMA max_page_count = 1", [], |r| r.get::<_, i64>(0))
    });
    full.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("a bound");
}
