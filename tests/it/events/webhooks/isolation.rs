//! Receivers that misbehave stand beside good ones: nothing is lost, nothing is followed, nobody is held up.

use crate::harness::{
    receiver::Receiver,
    wait,
    wild::{self, hear},
    world::{World, message},
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::{io::AsyncWriteExt, net::TcpStream, sync::Notify};
use wa_gateway::app::commands::{WebhookCreate, WebhookDeliveries};

const EVENTS: usize = 5;

/// Gives a status and one byte of a long answer, and never the rest.
async fn drip(mut stream: TcpStream, status: &str, said: Arc<Notify>) {
    if hear(&mut stream).await.is_none() {
        return;
    }
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: 1000000000\r\n\r\nx");
    if stream.write_all(head.as_bytes()).await.is_ok() {
        said.notify_one();
        // Open, and silent from here on: the other end has to end it.
        std::future::pending::<()>().await;
    }
}

/// Says 200, and then as much as anybody reads, with this header.
async fn flood(mut stream: TcpStream, header: &str) {
    if hear(&mut stream).await.is_none() {
        return;
    }
    let head = format!("HTTP/1.1 200 OK\r\n{header}Content-Length: 1073741824\r\n\r\n");
    let _ = stream.write_all(head.as_bytes()).await;
    while stream.write_all(&[b'z'; 16_384]).await.is_ok() {}
}

async fn world_allowing(addresses: &[std::net::SocketAddr]) -> World {
    let allow = addresses.iter().map(|a| a.to_string().parse().expect("an entry")).collect();
    World::start_with(|config| config.egress.allow = allow).await
}

async fn subscribe(world: &World, url: String) -> i64 {
    let events = vec!["message.sent".to_owned()];
    let request = WebhookCreate { account: world.account, url, events, ..Default::default() };
    world.command(request).await.expect("an endpoint")["id"].as_i64().expect("an id")
}

async fn deliveries(world: &World, endpoint: i64) -> Vec<Value> {
    let request = WebhookDeliveries { endpoint: Some(endpoint), ..Default::default() };
    world.command(request).await.expect("a list").as_array().expect("a list").clone()
}

/// Waits until every delivery of an endpoint was tried.
async fn tried(world: &World, endpoint: i64) -> Vec<Value> {
    let all = async || deliveries(world, endpoint).await;
    wait::until("all were tried", async || all().await.iter().all(|d| d["attempts"].as_i64() > Some(0))).await;
    all().await
}

#[tokio::test]
async fn a_status_that_came_in_time_counts_however_slow_the_rest_is() {
    for (status, state, code) in [("200 OK", "delivered", 200), ("500 Internal Server Error", "pending", 500)] {
        let said = Arc::new(Notify::new());
        let told = said.clone();
        let bad = wild::Receiver::start("127.0.0.1", move |stream, _| drip(stream, status, told.clone())).await;
        let good = Receiver::start().await;
        let world = world_allowing(&[bad.addr, good.address]).await;
        let endpoint = subscribe(&world, format!("http://{}/", bad.addr)).await;
        subscribe(&world, good.url()).await;
        world.send(&message()).await;
        good.wait_for(1).await;
        assert_eq!(deliveries(&world, endpoint).await[0]["attempts"], 0, "the slow one is still open");
        said.notified().await;
        // One thread: the status is in our socket now, and is read as soon as the runtime has looked at its sockets,
        // which it does every few dozen turns.
        for _ in 0..2000 {
            tokio::task::yield_now().await;
        }
        world.step(&[15]).await;
        let all = tried(&world, endpoint).await;
        assert_eq!((all[0]["state"].as_str(), all[0]["last_status"].as_i64()), (Some(state), Some(code)), "{all:?}");
        world.stop().await;
    }
}

#[tokio::test]
async fn floods_and_bombs_are_cut_at_one_kib() {
    for header in ["", "Content-Encoding: gzip\r\n"] {
        let bad = wild::Receiver::start("127.0.0.1", move |stream, _| flood(stream, header)).await;
        let good = Receiver::start().await;
        let world = world_allowing(&[bad.addr, good.address]).await;
        let endpoint = subscribe(&world, format!("http://{}/", bad.addr)).await;
        subscribe(&world, good.url()).await;
        for _ in 0..EVENTS {
            assert_eq!(world.send(&message()).await.status, 200);
        }
        good.wait_for(EVENTS).await;
        let all = tried(&world, endpoint).await;
        assert_eq!(all.len(), EVENTS);
        assert!(all.iter().all(|d| d["state"] == "delivered"), "{all:?}");
        let kept = "SELECT max(length(CAST(answer AS BLOB))) FROM attempts";
        assert_eq!(world.number(kept).await, 1024);
        world.stop().await;
    }
}

#[tokio::test]
async fn refusals_and_redirects_stay_pending_and_no_redirect_is_followed() {
    let trap = wild::Receiver::trap("127.0.0.1").await;
    let lure = format!("302 Found\r\nLocation: http://{}/", trap.addr);
    let (bad, good) = (Receiver::start().await, Receiver::start().await);
    // The trap is allowed, so that only the rule against redirects keeps it from being called.
    let world = world_allowing(&[bad.address, good.address, trap.addr]).await;
    let endpoint = subscribe(&world, bad.url()).await;
    subscribe(&world, good.url()).await;
    let answers = ["404 Not Found", &lure, "302 Found\r\nLocation: http://169.254.169.254/", "503 Busy"];
    for (n, answer) in answers.into_iter().enumerate() {
        bad.answer_next(answer);
        assert_eq!(world.send(&message()).await.status, 200);
        good.wait_for(n + 1).await;
        let all = tried(&world, endpoint).await;
        assert!(all.iter().all(|d| d["state"] == "pending" && d["due_at"].is_string()), "{all:?}");
    }
    assert_eq!(trap.calls(), 0);
    world.later(Duration::from_secs(6));
    bad.wait_for(2 * answers.len()).await;
    assert_eq!(bad.got().len(), 2 * answers.len());
    world.stop().await;
}

#[tokio::test]
async fn who_only_fails_rests_and_then_gets_everything() {
    const ALL: usize = 30;
    const CALLS: usize = 9;
    let (bad, good) = (Receiver::start().await, Receiver::start().await);
    let world = world_allowing(&[bad.address, good.address]).await;
    for url in [bad.url(), good.url()] {
        let events = vec!["message.received".to_owned()];
        let request = WebhookCreate { account: world.account, url, events, ..Default::default() };
        world.command(request).await.expect("an endpoint");
    }
    (0..CALLS).for_each(|_| bad.answer_next("500 Broken"));
    for n in 0..ALL {
        world.hears("+966501234567", &format!("Message {n}")).await;
        // The first failure is written before there are more, so that it is called one at a time from then on.
        let failing = "SELECT count(*) FROM endpoints WHERE failing_since IS NOT NULL";
        wait::until("the failure is written", async || n > 0 || world.number(failing).await == 1).await;
    }
    good.wait_for(ALL).await;
    bad.wait_for(CALLS).await;
    for _ in 0..2000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bad.got().len(), CALLS, "the clock stands, so it rests");
    world.later(Duration::from_secs(1));
    bad.wait_for(ALL).await;
    world.later(Duration::from_secs(6));
    bad.wait_for(ALL + CALLS).await;
    world.stop().await;
}
