//! How connections and the server end: idle time, a clean stop, and WebSockets, which hyper hands over.

use super::{
    ms, quick,
    rig::{Rig, answer, connect, get, send, soon, until_closed},
};
use crate::harness::wait;
use std::time::Duration;
use tokio::{io::AsyncReadExt, net::TcpStream};
use wa_gateway::web::server::ServerLimits;

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "how long a socket stays open is what is tested")]
async fn a_good_connection_is_kept_for_the_idle_time() {
    let rig = Rig::start(ServerLimits { header: ms(200), idle: ms(2000), ..quick() }).await;
    let mut stream = connect(rig.address, 1).await;
    // Header and body apart: reads of a body are no part of a next header.
    send(&mut stream, "POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n").await;
    assert_eq!(answer(&mut stream).await.status, 100);
    send(&mut stream, "hello").await;
    assert_eq!(answer(&mut stream).await.body, "5");
    let answered = std::time::Instant::now();
    assert_eq!(until_closed(&mut stream).await, b"");
    let kept = answered.elapsed();
    assert!(kept > ms(1500), "it was closed after {kept:?}");
}

#[tokio::test]
async fn a_stop_lets_a_request_finish_and_takes_no_more() {
    let mut rig =
        Rig::start(ServerLimits { drain: Duration::from_secs(60), idle: Duration::from_secs(600), ..quick() }).await;
    let mut idle = connect(rig.address, 1).await;
    assert_eq!(get(&mut idle, "/hello").await.status, 200);
    let mut fresh = connect(rig.address, 1).await;
    let mut busy = connect(rig.address, 1).await;
    send(&mut busy, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await;
    rig.wait_for(1).await;
    rig.tell_to_stop();
    assert_eq!(until_closed(&mut idle).await, b"");
    assert_eq!(until_closed(&mut fresh).await, b"");
    // A process that another test is just starting has a copy of the socket for a moment.
    wait::until("nobody listens any more", async || TcpStream::connect(rig.address).await.is_err()).await;
    rig.gate.add_permits(1);
    let reply = answer(&mut busy).await;
    assert_eq!((reply.body.as_str(), reply.header("connection")), ("waited", Some("close")));
    rig.stopped().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let mut rig = Rig::start(ServerLimits { drain: ms(200), ..quick() }).await;
    let mut busy = connect(rig.address, 1).await;
    send(&mut busy, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n").await;
    rig.wait_for(1).await;
    rig.tell_to_stop();
    rig.stopped().await;
    assert_eq!(until_closed(&mut busy).await, b"");
}

/// A text frame of a client; masked with zeros, as the protocol allows.
fn frame(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("a short text");
    [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat()
}

async fn open_socket(rig: &Rig, last: u8) -> TcpStream {
    let mut stream = connect(rig.address, last).await;
    let head = "GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    send(&mut stream, head).await;
    assert_eq!(answer(&mut stream).await.status, 101);
    stream
}

async fn says(stream: &mut TcpStream, text: &str) {
    send(stream, frame(text)).await;
    let mut back = vec![0; text.len() + 2];
    soon(stream.read_exact(&mut back)).await.expect("an echo");
    assert_eq!(&back[2..], text.as_bytes());
}

#[tokio::test]
async fn a_websocket_keeps_its_place_and_ends_with_the_gateway() {
    let mut rig = Rig::start(ServerLimits { connections: 2, per_address_loopback: 1, ..quick() }).await;
    let mut socket = open_socket(&rig, 1).await;
    says(&mut socket, "one").await;
    let mut refused = connect(rig.address, 1).await;
    send(&mut refused, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(until_closed(&mut refused).await, b"", "it is no idle connection that could make room");
    // A silent connection of another address lives and ends meanwhile: the idle time does not hold for sockets.
    let mut silent = connect(rig.address, 2).await;
    assert_eq!(get(&mut silent, "/hello").await.status, 200);
    assert_eq!(until_closed(&mut silent).await, b"");
    says(&mut socket, "two").await;
    drop(socket);
    // Its place is free once the server has seen its end.
    let mut next = soon(async {
        loop {
            let mut stream = connect(rig.address, 1).await;
            send(&mut stream, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
            if !until_closed(&mut stream).await.is_empty() {
                break open_socket(&rig, 1).await;
            }
        }
    })
    .await;
    rig.tell_to_stop();
    until_closed(&mut next).await;
    rig.stopped().await;
}

#[tokio::test]
async fn who_was_let_in_before_a_stop_still_gets_an_answer() {
    let mut rig = Rig::start(ServerLimits { header: Duration::from_secs(60), ..quick() }).await;
    let mut fresh = connect(rig.address, 1).await;
    // Accepted for sure: the next one after it was answered.
    let mut next = connect(rig.address, 1).await;
    assert_eq!(get(&mut next, "/hello").await.status, 200);
    rig.tell_to_stop();
    assert_eq!(until_closed(&mut next).await, b"");
    let reply = get(&mut fresh, "/hello").await;
    assert_eq!(reply.status, 200);
    assert_eq!(until_closed(&mut fresh).await, b"", "and no second one");
    rig.stopped().await;
}
