//! Many connections: the good client among them is served, and a full house makes room where it can.

use super::{connect, head, whole};
use crate::harness::{
    wire::Wire,
    world::{World, message, message_to},
};
use std::time::Duration;
use wa_gateway::config::Config;

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n";
/// A second client, as far as the gateway can tell.
const OTHER: &str = "127.0.0.2";
const THIRD: &str = "127.0.0.3";

fn room_for(connections: u32, per_address: u32) -> impl FnOnce(&mut Config) {
    move |config| {
        (config.limits.connections, config.limits.connections_per_address) = (connections, per_address);
        // Nothing but the lack of room closes a connection here.
        for limit in
            [&mut config.limits.header_timeout, &mut config.limits.body_timeout, &mut config.limits.idle_timeout]
        {
            *limit = Duration::from_secs(600);
        }
    }
}

/// A connection on which one request was answered: it has its place, and is idle.
async fn idle(world: &World, from: &str) -> Wire {
    let mut wire = Wire::open_from(from, world.address()).await;
    assert!(is_served(&mut wire).await);
    wire
}

async fn is_served(wire: &mut Wire) -> bool {
    wire.send(HEALTH).await && wire.answer().await.is_some_and(|r| r.status == 200)
}

/// A connection whose request waits for its body.
async fn busy(world: &World, from: &str, length: usize) -> Wire {
    let mut wire = Wire::open_from(from, world.address()).await;
    assert!(wire.send(head(world, &format!("Expect: 100-continue\r\nContent-Length: {length}\r\n"))).await);
    assert_eq!(wire.answer().await.expect("it waits for the body").status, 100);
    wire
}

#[tokio::test]
async fn a_good_client_is_served_among_hundreds_of_bad_ones() {
    let world = World::start_with(room_for(1024, 256)).await;
    let mut kept = idle(&world, "127.0.0.1").await;
    let mut held = Vec::new();
    for from in ["127.0.0.1", OTHER] {
        for _ in 0..75 {
            held.push(Wire::open_from(from, world.address()).await);
            let mut dripping = Wire::open_from(from, world.address()).await;
            assert!(dripping.send("GET /healthz HT").await);
            held.push(dripping);
            held.push(busy(&world, from, 1000).await);
        }
    }
    for i in 0..100 {
        assert_eq!(world.get("/healthz").await.status, 200, "request {i}");
        assert!(is_served(&mut kept).await, "request {i} on a kept connection");
        if i % 20 == 0 {
            let reply = world.send(&message_to(&format!("+9665012345{i:02}"))).await;
            assert_eq!(reply.status, 200, "message {i}: {}", reply.body);
        }
    }
    // They were there all the time: each can still finish what it began.
    for wire in held.iter_mut().skip(1).step_by(3) {
        assert!(wire.send("TP/1.1\r\nHost: gateway\r\n\r\n").await);
        assert_eq!(wire.answer().await.expect("never closed").status, 200);
    }
    drop(held);
    world.stop().await;
}

#[tokio::test]
async fn silent_sockets_of_the_same_address_keep_nobody_out() {
    let world = World::start_with(room_for(32, 32)).await;
    let mut held = Vec::new();
    for _ in 0..300 {
        held.push(connect(&world).await);
        if held.len() % 10 == 0 {
            assert_eq!(world.get("/healthz").await.status, 200, "with {} silent ones", held.len());
        }
    }
    // Most of them had to go.
    for wire in held.iter_mut().take(300 - 32) {
        wire.is_closed().await;
    }
    world.stop().await;
}

#[tokio::test]
async fn the_oldest_idle_connection_makes_room_and_no_other() {
    let world = World::start_with(room_for(5, 5)).await;
    let mut first = idle(&world, "127.0.0.1").await;
    let mut rest = Vec::new();
    for _ in 0..4 {
        rest.push(idle(&world, "127.0.0.1").await);
    }
    let mut newcomer = idle(&world, "127.0.0.1").await;
    first.is_closed().await;
    for wire in &mut rest {
        assert!(is_served(wire).await);
    }
    assert!(is_served(&mut newcomer).await);
    world.stop().await;
}

#[tokio::test]
async fn who_owes_a_body_makes_room_where_nobody_is_idle() {
    let world = World::start_with(room_for(3, 3)).await;
    let body = message().to_string();
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(busy(&world, "127.0.0.1", body.len()).await);
    }
    let mut newcomer = idle(&world, OTHER).await;
    held[0].is_closed().await;
    // The others can still finish what they began.
    for (wire, text) in held[1..].iter_mut().zip(["2042", "2043"]) {
        assert!(wire.send(body.replace("2041", text)).await);
        assert_eq!(wire.answer().await.expect("an answer").status, 200);
    }
    assert!(is_served(&mut newcomer).await);
    assert_eq!(world.inbox().await.len(), 2, "half a message is none");
    world.stop().await;
}

#[tokio::test]
async fn an_address_that_fills_the_house_does_not_shut_the_others_out() {
    let world = World::start_with(room_for(4, 3)).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(busy(&world, "127.0.0.1", 1000).await);
    }
    let mut kept = idle(&world, OTHER).await;
    // It makes room who has most, although the other address has one that is idle.
    let mut newcomer = idle(&world, THIRD).await;
    held[0].is_closed().await;
    assert!(is_served(&mut kept).await);
    assert!(is_served(&mut newcomer).await);
    drop(held);
    world.stop().await;
}

// On several threads: the connection's task and the accept loop race for real.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_kept_connection_that_is_told_to_go_never_loses_a_request() {
    // Two places and many who want one: each request is either answered, or its connection closed before it was read.
    let world = World::start_with(room_for(2, 2)).await;
    let body = whole(&world, "{}");
    let mut answered = 0;
    for _ in 0..300 {
        let mut kept = idle(&world, "127.0.0.1").await;
        let newcomer = || async { is_served(&mut connect(&world).await).await };
        let (said, first, second) = tokio::join!(
            async { if kept.send(&body).await { kept.answer().await } else { None } },
            newcomer(),
            newcomer()
        );
        assert!(first || second, "there is room for one at least");
        answered += usize::from(said.is_some_and(|r| r.status == 422));
    }
    let seen = world
        .gateway()
        .store
        .read(|tx| tx.one("SELECT coalesce(sum(1 + repeats), 0) FROM messages", [], |r| r.get::<_, usize>(0)));
    let seen = seen.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("a count");
    assert_eq!(seen, answered, "what was recorded was answered");
    world.stop().await;
}
