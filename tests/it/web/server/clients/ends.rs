//! How it ends: a stop under way, and clients that go before their answer comes; and what each listener shows.

use super::{connect, impatient, whole};
use crate::harness::{
    wire::SOON,
    world::{World, message},
};
use std::time::Duration;
use tokio::{net::TcpStream, time::timeout};

/// Looks again and again, until it is so.
async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let looking = async {
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        while !is_so().await {
            tick.tick().await;
        }
    };
    timeout(SOON, looking).await.unwrap_or_else(|_| panic!("never {what}"));
}

#[tokio::test]
async fn a_stop_lets_requests_finish_and_takes_no_more() {
    let world = World::start().await;
    world.sandbox("latency_ms", "4000").await;
    let (clock, address) = (world.clock.clone(), world.address());
    let mut idle = connect(&world).await;
    assert!(idle.send("GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n").await);
    assert_eq!(idle.answer().await.expect("an answer").status, 200);
    let mut silent = connect(&world).await;
    let mut under_way = connect(&world).await;
    assert!(under_way.send(whole(&world, &message().to_string())).await);
    until("reserved", || async { world.used().await == (1, 1) }).await;

    let stopping = tokio::spawn(world.stop());
    idle.is_closed().await;
    silent.is_closed().await;
    until("refused", || async { TcpStream::connect(address).await.is_err() }).await;
    assert!(!stopping.is_finished(), "it waits for the message under way");
    let stepping = async {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        // 8 s on the gateway's clock: within what a stop waits for.
        for _ in 0..80 {
            tick.tick().await;
            clock.advance(Duration::from_millis(100));
        }
        std::future::pending::<()>().await;
    };
    let said = tokio::select! { said = under_way.rest() => said, () = stepping => unreachable!() };
    assert!(said.starts_with("HTTP/1.1 200 ") && said.contains("\"status\":\"sent\""), "{said}");
    timeout(SOON, stopping).await.expect("it ends").expect("without a panic");
}

#[tokio::test]
async fn a_client_that_goes_before_its_answer_leaves_a_message_that_is_sent() {
    let world = World::start().await;
    world.sandbox("latency_ms", "4000").await;
    let mut wire = connect(&world).await;
    assert!(wire.send(whole(&world, &message().to_string())).await);
    until("reserved", || async { world.used().await == (1, 1) }).await;
    drop(wire);
    until("sent", || async {
        world.later(Duration::from_millis(100));
        let read = world
            .gateway()
            .store
            .read(|tx| tx.one("SELECT count(*) FROM messages WHERE status = 'sent'", [], |r| r.get::<_, i64>(0)));
        read.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()) == Ok(1)
    })
    .await;
    assert_eq!(world.inbox().await.len(), 1);
    assert_eq!(world.used().await, (1, 1));
    world.stop().await;
}

#[tokio::test]
async fn a_stop_cuts_a_body_that_never_comes() {
    let world = World::start_with(impatient).await;
    let mut wire = connect(&world).await;
    let head = whole(&world, &message().to_string()).replace("Host: gateway", "Host: gateway\r\nExpect: 100-continue");
    assert!(wire.send(&head[..head.find("\r\n\r\n").expect("its end") + 4]).await);
    assert_eq!(wire.answer().await.expect("it waits for the body").status, 100);
    timeout(SOON, world.stop()).await.expect("the body's time ends the wait");
    let said = wire.rest().await;
    assert!(said.is_empty() || said.contains(" 400 ") || said.contains(" 503 "), "{said}");
}

#[tokio::test]
async fn the_metrics_listener_shows_metrics_and_nothing_else() {
    let world = World::start_with(|c| c.listen.metrics = Some("127.0.0.1:0".parse().expect("an address"))).await;
    assert_eq!(world.send(&message()).await.status, 200);
    let metrics = world.running().metrics.expect("a metrics listener");
    let reply = crate::harness::http::call(metrics, "GET", "/metrics", &[], &[]).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(reply.body.lines().any(|l| l.starts_with("# TYPE ")), "{}", reply.body);
    let headers = ["Content-Type: application/json".to_owned(), format!("Authorization: Bearer {}", world.key)];
    for (method, path) in
        [("POST", "/api/send-message"), ("GET", "/"), ("GET", "/message-logs"), ("GET", "/login/x"), ("GET", "/readyz")]
    {
        let body = if method == "POST" { message().to_string() } else { String::new() };
        let reply = crate::harness::http::call(metrics, method, path, &headers, body.as_bytes()).await;
        assert_eq!(reply.status, 404, "{path}");
    }
    assert_eq!(world.inbox().await.len(), 1);
    world.stop().await;
}
