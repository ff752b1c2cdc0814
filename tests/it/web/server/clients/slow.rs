//! Clients that take their time, and clients that keep a good connection.

use super::{BODY, HEADER, IDLE, connect, head, impatient, still_serves, whole};
use crate::harness::{
    wire::Wire,
    world::{World, message},
};
use std::time::Duration;

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n";

/// A byte every 50 ms until the gateway has had enough.
async fn drip(wire: &mut Wire, text: &str) {
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    for byte in text.as_bytes().iter().cycle().take(400) {
        tick.tick().await;
        if !wire.send([*byte]).await {
            return;
        }
    }
    panic!("dripped for 20 s and nobody minded");
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let world = World::start_with(impatient).await;
    connect(&world).await.is_closed().await;
    still_serves(&world).await;
    world.stop().await;
}

#[tokio::test]
async fn a_header_that_is_never_finished_is_closed() {
    let world = World::start_with(impatient).await;
    let mut wire = connect(&world).await;
    assert!(wire.send("POST /api/send-message HTTP/1.1\r\nHost: ga").await);
    wire.is_closed().await;
    still_serves(&world).await;
    world.stop().await;
}

#[tokio::test]
async fn a_dripped_header_is_closed() {
    // Idle is far away: it is the header's own time that ends this.
    let world = World::start_with(|c| {
        impatient(c);
        c.limits.idle_timeout = Duration::from_secs(600);
    });
    let world = world.await;
    let mut wire = connect(&world).await;
    drip(&mut wire, "GET /healthz HTTP/1.1\r\nX-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").await;
    wire.is_closed().await;

    let mut wire = connect(&world).await;
    assert!(wire.send(HEALTH).await);
    assert_eq!(wire.answer().await.expect("an answer").status, 200);
    drip(&mut wire, "GET /healthz HTTP/1.1\r\nX-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").await;
    wire.is_closed().await;
    world.stop().await;
}

#[tokio::test]
async fn a_slow_body_is_refused_in_its_time_and_no_message_is_sent() {
    let world = World::start_with(|c| {
        impatient(c);
        c.limits.idle_timeout = Duration::from_secs(600);
    });
    let world = world.await;
    for framing in ["Content-Length: 400\r\n", "Transfer-Encoding: chunked\r\n"] {
        let mut wire = connect(&world).await;
        assert!(wire.send(head(&world, framing) + "9").await);
        let reply = wire.answer().await.expect("an answer");
        assert_eq!((reply.status, reply.error().as_str()), (400, "invalid_json"), "{framing}");
        wire.is_closed().await;
    }
    // Bytes that trickle do not buy time.
    let mut wire = connect(&world).await;
    assert!(wire.send(head(&world, "Content-Length: 100000\r\n")).await);
    drip(&mut wire, "{").await;
    assert_eq!(wire.answer().await.expect("an answer").error(), "invalid_json");
    assert!(world.inbox().await.is_empty());
    assert_eq!(world.used().await, (0, 0));
    world.stop().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_only_after_the_idle_time() {
    let world = World::start_with(|c| {
        impatient(c);
        c.limits.idle_timeout = Duration::from_secs(4);
    });
    let world = world.await;
    // The second has its body in a piece of its own: what was read for it is no part of a next header.
    let body = message().to_string();
    let mut plain = connect(&world).await;
    let mut in_pieces = connect(&world).await;
    assert!(plain.send(whole(&world, &body)).await);
    assert_eq!(plain.answer().await.expect("an answer").status, 200);
    assert!(in_pieces.send(head(&world, &format!("Content-Length: {}\r\n", body.len()))).await);
    in_pieces.is_quiet_for(HEADER / 3).await;
    assert!(in_pieces.send(&body).await);
    assert_eq!(in_pieces.answer().await.expect("an answer").status, 200);
    for wire in [&mut plain, &mut in_pieces] {
        wire.is_quiet_for(HEADER * 3).await;
        assert!(wire.send(HEALTH).await);
        assert_eq!(wire.answer().await.expect("still served").status, 200);
    }
    plain.is_closed().await;
    in_pieces.is_closed().await;
    world.stop().await;
}

#[tokio::test]
async fn a_request_that_works_for_long_is_not_idle() {
    let world = World::start_with(impatient).await;
    world.sandbox("latency_ms", "5000").await;
    let mut wire = connect(&world).await;
    assert!(wire.send(whole(&world, &message().to_string())).await);
    // All time-outs pass while the provider is asked.
    wire.is_quiet_for(IDLE + HEADER + BODY).await;
    // The sandbox waits twice, each time for half of its latency.
    let stepping = async {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        for _ in 0..400 {
            tick.tick().await;
            world.later(Duration::from_millis(100));
        }
        panic!("40 s passed on the gateway's clock, and no answer came");
    };
    let reply = tokio::select! { reply = wire.answer() => reply.expect("an answer"), () = stepping => unreachable!() };
    assert_eq!(reply.status, 200, "{}", reply.body);
    world.stop().await;
}
