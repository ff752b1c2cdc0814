//! What is agreed by ALPN, HTTP/2 with it, and what the public listener does not show.

use super::{HEALTH, dial, public, written};
use crate::harness::{
    wire::{SOON, Wire},
    world::{World, message},
};
use bytes::Bytes;
use h2::client::SendRequest;
use http::{Request, StatusCode};
use std::time::Duration;
use tokio::{task::JoinHandle, time::timeout};

/// An HTTP/2 connection, and the task that ends with it.
async fn connect(world: &World) -> (SendRequest<Bytes>, JoinHandle<()>) {
    let stream = dial(world, &written(world), &[b"h2", b"http/1.1"]).await.expect("a handshake");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (client, connection) = h2::client::handshake(stream).await.expect("a preface");
    let ended = tokio::spawn(async {
        let _ = connection.await;
    });
    (client.ready().await.expect("settings"), ended)
}

fn get(path: &str) -> Request<()> {
    Request::get(format!("https://localhost{path}")).body(()).expect("a request")
}

fn post(world: &World) -> Request<()> {
    Request::post("https://localhost/api/send-message")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {}", world.key))
        .body(())
        .expect("a request")
}

/// Sends a request whose body is `body`, or whose body never comes; answers with status and body.
async fn ask(
    client: &mut SendRequest<Bytes>,
    request: Request<()>,
    body: Option<&str>,
) -> Result<(StatusCode, String), h2::Error> {
    let (answer, mut stream) = client.send_request(request, body == Some(""))?;
    if let Some(body) = body.filter(|b| !b.is_empty()) {
        stream.send_data(Bytes::copy_from_slice(body.as_bytes()), true)?;
    }
    let (parts, mut body) = timeout(SOON, answer).await.expect("an answer in time")?.into_parts();
    let mut text = Vec::new();
    while let Some(chunk) = body.data().await {
        text.extend_from_slice(&chunk?);
    }
    Ok((parts.status, String::from_utf8(text).expect("a text")))
}

#[tokio::test]
async fn alpn_decides_and_http_1_is_what_is_spoken_without_it() {
    let world = World::start_with(public).await;
    for (offered, agreed) in [
        (&[&b"h2"[..], b"http/1.1"][..], Some(&b"h2"[..])),
        (&[b"http/1.1", b"h2"], Some(b"h2")),
        (&[b"http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ] {
        let stream = dial(&world, &written(&world), offered).await.expect("a handshake");
        assert_eq!(stream.get_ref().1.alpn_protocol(), agreed);
        if agreed != Some(b"h2") {
            let mut wire = Wire::over(stream);
            assert!(wire.send(HEALTH).await);
            assert_eq!(wire.answer().await.expect("an answer").status, 200);
        }
    }
    assert!(dial(&world, &written(&world), &[b"spdy/3"]).await.is_err(), "nothing in common");
    world.stop().await;
}

#[tokio::test]
async fn http_2_serves_many_at_once_and_hides_metrics() {
    let world = World::start_with(public).await;
    let (client, _ended) = connect(&world).await;
    let all = (0..100).map(|_| {
        let mut client = client.clone();
        async move { ask(&mut client, get("/healthz"), Some("")).await.expect("an answer").0 }
    });
    assert!(futures_util::future::join_all(all).await.into_iter().all(|status| status == 200));
    let mut client = client;
    let (status, body) = ask(&mut client, post(&world), Some(&message().to_string())).await.expect("an answer");
    assert_eq!(status, 200, "{body}");
    assert_eq!(world.inbox().await.len(), 1);
    assert_eq!(ask(&mut client, get("/metrics"), Some("")).await.expect("an answer").0, 404);
    let mut wire = Wire::over(dial(&world, &written(&world), &[b"http/1.1"]).await.expect("a handshake"));
    assert!(wire.send(HEALTH.replace("/healthz", "/metrics")).await);
    assert_eq!(wire.answer().await.expect("an answer").status, 404);
    // The control: it is there on the local listener.
    assert_eq!(world.get("/metrics").await.status, 200);
    world.stop().await;
}

#[tokio::test]
async fn http_2_has_the_same_bounds() {
    let world = World::start_with(|c| {
        public(c);
        c.limits.body_timeout = Duration::from_millis(300);
    });
    let world = world.await;
    let (mut client, _ended) = connect(&world).await;
    let (status, body) = ask(&mut client, post(&world), None).await.expect("an answer");
    assert_eq!(status, 400, "a body that never comes: {body}");
    let padded = |bytes: usize| message().to_string() + &" ".repeat(bytes - message().to_string().len());
    let (status, body) = ask(&mut client, post(&world), Some(&padded(262_144))).await.expect("an answer");
    assert_eq!(status, 200, "{body}");
    let (status, body) = ask(&mut client, post(&world), Some(&padded(262_145))).await.expect("an answer");
    assert_eq!(status, 413, "{body}");
    let mut bomb = get("/healthz");
    bomb.headers_mut().insert("x-a", "a".repeat(17_000).parse().expect("a value"));
    let refused = ask(&mut client, bomb, Some("")).await;
    assert!(refused.as_ref().is_ok_and(|(status, _)| *status == 431) || refused.is_err(), "{refused:?}");
    // One bad stream is not the end of the others.
    assert_eq!(ask(&mut client, get("/healthz"), Some("")).await.expect("an answer").0, 200);
    world.stop().await;
}

#[tokio::test]
async fn an_idle_http_2_connection_is_closed() {
    let world = World::start_with(|c| {
        public(c);
        c.limits.header_timeout = Duration::from_millis(300);
        c.limits.idle_timeout = Duration::from_millis(600);
    });
    let world = world.await;
    let (mut client, ended) = connect(&world).await;
    assert_eq!(ask(&mut client, get("/healthz"), Some("")).await.expect("an answer").0, 200);
    timeout(SOON, ended).await.expect("closed while idle").expect("without a panic");
    // One that agreed on HTTP/2 and never says a word.
    let silent = dial(&world, &written(&world), &[b"h2"]).await.expect("a handshake");
    Wire::over(silent).rest().await;
    world.stop().await;
}

#[tokio::test]
async fn a_stop_ends_http_2_connections() {
    let world = World::start_with(public).await;
    let (mut client, ended) = connect(&world).await;
    assert_eq!(ask(&mut client, get("/healthz"), Some("")).await.expect("an answer").0, 200);
    timeout(SOON, world.stop()).await.expect("it stops");
    timeout(SOON, ended).await.expect("the connection too").expect("without a panic");
}
