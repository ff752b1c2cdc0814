//! The listener alone, with routes of its own, against clients that are slow, silent, too many, too large or just normal
//! (reliability.md, E). `../clients` tries the same server with the real routes behind it.
//!
//! Times are small; tests wait for what they expect (an answer, a closed socket) and not for time to pass.

mod crowd;
mod ending;
mod rig;
mod tls;

use rig::{Rig, answer, connect, connect_narrow, get, send, soon, until_closed};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use wa_gateway::web::server::ServerLimits;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Times that a test can wait for.
fn quick() -> ServerLimits {
    ServerLimits {
        handshake: ms(300),
        header: ms(300),
        body: ms(300),
        idle: ms(600),
        drain: ms(600),
        ..ServerLimits::default()
    }
}

/// Sends a byte every now and then until the other side has closed.
async fn drip(stream: &mut (impl tokio::io::AsyncWrite + Unpin), byte: &[u8]) {
    let mut every = tokio::time::interval(ms(30));
    soon(async {
        while stream.write_all(byte).await.is_ok() {
            every.tick().await;
        }
    })
    .await;
}

#[tokio::test]
async fn who_says_nothing_or_not_all_of_a_header_is_closed() {
    let rig = Rig::start(quick()).await;
    for start in ["", "G", "GET /hello HTTP/1.1\r\nHost: x\r\nX-Slow: ", "\r\n\r\n"] {
        let mut stream = connect(rig.address, 1).await;
        send(&mut stream, start).await;
        assert_eq!(until_closed(&mut stream).await, b"", "{start:?}");
    }
}

#[tokio::test]
async fn who_drips_a_header_is_closed() {
    // Idle time is long: it must be the header's time that ends it.
    let rig = Rig::start(ServerLimits { idle: Duration::from_secs(600), ..quick() }).await;
    let mut stream = connect(rig.address, 1).await;
    send(&mut stream, "GET /hello HTTP/1.1\r\nX-Slow: ").await;
    drip(&mut stream, b"a").await;
    // The same as a second request on a good connection.
    let mut stream = connect(rig.address, 1).await;
    assert_eq!(get(&mut stream, "/hello").await.body, "hello");
    drip(&mut stream, b"A").await;
}

#[tokio::test]
async fn a_body_that_stops_or_drips_ends_with_an_answer() {
    let rig = Rig::start(quick()).await;
    for head in ["Content-Length: 1000\r\n\r\n12345", "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"] {
        let mut stream = connect(rig.address, 1).await;
        send(&mut stream, format!("POST /read HTTP/1.1\r\nHost: x\r\n{head}")).await;
        let reply = answer(&mut stream).await;
        assert_eq!((reply.status, reply.body.as_str()), (408, "too slow"), "{head:?}");
    }
    let stream = connect(rig.address, 1).await;
    let (mut reading, mut writing) = stream.into_split();
    send(&mut writing, "POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n").await;
    let dripping = tokio::spawn(async move { drip(&mut writing, b"a").await });
    assert_eq!(answer(&mut reading).await.status, 408, "each byte comes in time, all of them do not");
    drop(reading);
    dripping.await.expect("it ended");
}

#[tokio::test]
async fn a_large_body_has_as_long_as_it_keeps_coming() {
    let rig = Rig::start(ServerLimits { body: ms(500), body_rate: 1000, ..quick() }).await;
    let mut stream = connect(rig.address, 1).await;
    send(&mut stream, "POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n").await;
    let mut every = tokio::time::interval(ms(60));
    for _ in 0..25 {
        every.tick().await;
        send(&mut stream, [b'a'; 400]).await;
    }
    assert_eq!(answer(&mut stream).await.body, "10000");
    // The earned time does not let it stop: it came at once, and then nothing more.
    send(&mut stream, "POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n").await;
    send(&mut stream, vec![b'a'; 900_000]).await;
    assert_eq!(answer(&mut stream).await.status, 408);
}

#[tokio::test]
async fn bodies_come_whole_in_chunks_or_not_at_all() {
    let rig = Rig::start(ServerLimits { body_bytes: 100_000, ..quick() }).await;
    let mut stream = connect(rig.address, 1).await;
    send(&mut stream, "POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    send(&mut stream, "5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nTrailer: t\r\n\r\n").await;
    assert_eq!(answer(&mut stream).await.body, "11");
    send(&mut stream, "POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n").await;
    send(&mut stream, "hello").await;
    assert_eq!(answer(&mut stream).await.body, "5");
    assert_eq!(get(&mut stream, "/read").await.body, "0");
    assert_eq!(get(&mut stream, "/none").await.body, r#"{"error":"not_found"}"#, "a rejection is our own answer");
    send(&mut stream, "POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n19000\r\n").await;
    send(&mut stream, vec![b'a'; 0x19000]).await;
    let reply = answer(&mut stream).await;
    assert_eq!((reply.status, reply.body.as_str()), (413, "larger than anything"));
    let mut stream = connect(rig.address, 1).await;
    send(&mut stream, "POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n").await;
    assert_eq!(answer(&mut stream).await.body, "broken");
}

#[tokio::test]
async fn an_early_answer_reaches_who_still_sends() {
    let rig = Rig::start(ServerLimits { header: Duration::from_secs(5), ..quick() }).await;
    let body = vec![b'a'; 2 << 20];
    for (path, status) in [("/small", 413), ("/unread", 401), ("/none", 404)] {
        for head in [format!("Content-Length: {}", body.len()), "Transfer-Encoding: chunked".into()] {
            let mut stream = connect_narrow(rig.address).await;
            send(&mut stream, format!("POST {path} HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n")).await;
            if head.starts_with('T') {
                send(&mut stream, format!("{:x}\r\n", body.len())).await;
            }
            // As simple clients do: all of the body first, then the answer.
            soon(stream.write_all(&body)).await.expect("the server takes it all");
            assert_eq!(answer(&mut stream).await.status, status, "{path} {head}");
            drop(stream);
        }
    }
    assert_eq!(get(&mut connect(rig.address, 1).await, "/hello").await.status, 200);
}

#[tokio::test]
async fn who_sends_for_ever_after_its_answer_is_cut() {
    let rig = Rig::start(quick()).await;
    let mut stream = connect(rig.address, 1).await;
    send(&mut stream, "POST /unread HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    drip(&mut stream, b"1\r\na\r\n").await;
}

#[tokio::test]
async fn large_headers_are_refused() {
    let rig = Rig::start(quick()).await;
    let many = |n: usize| (0..n).map(|i| format!("X-{i}: y\r\n")).collect::<String>();
    let long = |n: usize| format!("X: {}\r\n", "y".repeat(n));
    let rows = [(many(63), 200), (many(64), 431), (many(1000), 431), (long(15_000), 200), (long(20_000), 431)];
    for (headers, status) in rows {
        let mut stream = connect(rig.address, 1).await;
        send(&mut stream, format!("GET /hello HTTP/1.1\r\nHost: x\r\n{headers}\r\n")).await;
        assert_eq!(answer(&mut stream).await.status, status, "{} bytes", headers.len());
    }
    let mut stream = connect(rig.address, 1).await;
    send(&mut stream, format!("GET /{} HTTP/1.1\r\n\r\n", "y".repeat(20_000))).await;
    assert!(matches!(answer(&mut stream).await.status, 414 | 431));
}

#[tokio::test]
async fn what_two_readers_could_read_in_two_ways_is_refused() {
    let rig = Rig::start(quick()).await;
    for odd in [
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "Content-Length: 5, 6\r\n\r\nhello!",
        "Content-Length: +5\r\n\r\nhello",
        "Content-Length: 0x5\r\n\r\nhello",
        "Content-Length : 5\r\n\r\nhello",
        "Transfer-Encoding: gzip\r\n\r\nhello",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "X: a\r\n folded\r\n\r\n",
        "X: a\0b\r\n\r\n",
    ] {
        let mut stream = connect(rig.address, 1).await;
        send(&mut stream, format!("POST /hello HTTP/1.1\r\nHost: x\r\n{odd}")).await;
        assert_eq!(answer(&mut stream).await.status, 400, "{odd:?}");
        assert_eq!(until_closed(&mut stream).await, b"", "and closed: {odd:?}");
    }
}

#[tokio::test]
async fn one_connection_takes_many_requests() {
    let rig = Rig::start(quick()).await;
    let mut stream = connect(rig.address, 1).await;
    for _ in 0..1000 {
        assert_eq!(get(&mut stream, "/hello").await.body, "hello");
    }
    send(&mut stream, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100)).await;
    for _ in 0..100 {
        assert_eq!(answer(&mut stream).await.body, "hello");
    }
}
