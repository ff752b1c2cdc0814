//! Sizes, framing and contents that are at the border of what is allowed, or beyond it.

use super::{chunked, connect, head, head_with, padded, still_serves, whole};
use crate::harness::world::{World, message};

const MAX: usize = 262_144;

#[tokio::test]
async fn a_body_is_measured_to_the_byte_however_it_is_framed() {
    let world = World::start().await;
    for (bytes, expected) in [(MAX, (200, None)), (MAX + 1, (413, Some("payload_too_large")))] {
        let body = padded(bytes);
        let one = whole(&world, &body);
        let in_chunks = |size| head(&world, "Transfer-Encoding: chunked\r\n") + &chunked(&body, size);
        for request in [one, in_chunks(1000), in_chunks(MAX * 2)] {
            let mut wire = connect(&world).await;
            wire.send(&request).await;
            let reply = wire.answer().await.expect("an answer");
            assert_eq!(reply.status, expected.0, "{bytes}: {}", reply.body);
            if let Some(code) = expected.1 {
                assert_eq!(reply.error(), code);
            }
        }
    }
    assert_eq!(world.inbox().await.len(), 3);
    world.stop().await;
}

#[tokio::test]
async fn two_megabytes_are_refused_and_the_refusal_arrives() {
    let world = World::start().await;
    let body = padded(2 << 20);
    let long = whole(&world, &body);
    let in_chunks = head(&world, "Transfer-Encoding: chunked\r\n") + &chunked(&body, 8000);
    let bad_key = head_with("wg_live_nobody", &format!("Content-Length: {}\r\n", body.len())) + &body;
    for (request, expected) in
        [(&long, "payload_too_large"), (&in_chunks, "payload_too_large"), (&bad_key, "invalid_api_key")]
    {
        for _ in 0..10 {
            let mut wire = connect(&world).await;
            wire.send(request).await;
            assert_eq!(wire.answer().await.expect("the refusal").error(), expected);
            wire.is_closed().await;
        }
    }
    still_serves(&world).await;
    world.stop().await;
}

#[tokio::test]
async fn a_small_chunked_body_works() {
    let world = World::start().await;
    let mut wire = connect(&world).await;
    assert!(wire.send(head(&world, "Transfer-Encoding: chunked\r\n") + &chunked(&message().to_string(), 7)).await);
    assert_eq!(wire.answer().await.expect("an answer").status, 200);
    world.stop().await;
}

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n";

#[tokio::test]
async fn a_header_has_64_lines_and_16_kib_at_most() {
    let world = World::start().await;
    let lines = |n: usize, size: usize| {
        let lines: String = (0..n).map(|i| format!("X-{i}: {}\r\n", "a".repeat(size))).collect();
        format!("GET /healthz HTTP/1.1\r\nHost: gateway\r\n{lines}\r\n")
    };
    for (request, expected) in [
        (lines(63, 1), 200),
        (lines(64, 1), 431),
        (lines(5000, 1), 431),
        (lines(1, 15_000), 200),
        (lines(1, 17_000), 431),
        (lines(1, 5 << 20), 431),
        (lines(60, 300), 431),
        (format!("GET /{} HTTP/1.1\r\nHost: gateway\r\n\r\n", "a".repeat(100_000)), 431),
        ("a".repeat(1 << 20), 431),
    ] {
        let mut wire = connect(&world).await;
        wire.send(&request).await;
        let said = wire.answer().await;
        let start = &request[..request.len().min(60)];
        // Who writes on and on may find the connection closed before he reads the answer.
        assert_eq!(said.map_or(431, |r| r.status), expected, "{start:?}… of {} bytes", request.len());
        if expected != 200 {
            wire.is_closed().await;
        }
    }
    still_serves(&world).await;
    world.stop().await;
}

#[tokio::test]
async fn one_connection_serves_many_requests_in_their_order() {
    let world = World::start().await;
    let mut wire = connect(&world).await;
    for _ in 0..200 {
        assert!(wire.send(HEALTH).await);
        assert_eq!(wire.answer().await.expect("an answer").status, 200);
    }
    let pipelined = [
        HEALTH.to_owned(),
        HEALTH.replace("/healthz", "/nothing"),
        whole(&world, &message().to_string()),
        whole(&world, "{}"),
        HEALTH.replace("GET", "PUT"),
        HEALTH.to_owned(),
    ];
    assert!(wire.send(pipelined.concat()).await);
    let mut statuses = Vec::new();
    while statuses.len() < pipelined.len() {
        statuses.push(wire.answer().await.expect("an answer").status);
    }
    assert_eq!(statuses, [200, 404, 200, 422, 405, 200]);
    world.stop().await;
}

#[tokio::test]
async fn head_has_no_body_and_http_1_0_no_second_request() {
    let world = World::start().await;
    let mut wire = connect(&world).await;
    assert!(
        wire.send(HEALTH.replace("GET", "HEAD") + &HEALTH.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")).await
    );
    let said = wire.rest().await;
    let (first, second) = said.split_once("\r\n\r\n").expect("two answers");
    assert!(first.starts_with("HTTP/1.1 200 "), "{said}");
    assert!(second.starts_with("HTTP/1.1 200 ") && second.ends_with("{\"status\":\"ok\"}"), "{said}");

    let mut wire = connect(&world).await;
    assert!(wire.send("GET /healthz HTTP/1.0\r\n\r\nGET /healthz HTTP/1.0\r\n\r\n").await);
    let said = wire.rest().await;
    assert!(said.starts_with("HTTP/1.0 200 ") && said.matches("HTTP/1.").count() == 1, "{said}");
    world.stop().await;
}

#[tokio::test]
async fn what_could_be_read_as_two_requests_is_answered_once_at_most() {
    let world = World::start().await;
    let send = |lines: &str, body: &str| head(&world, lines) + body;
    let rows = [
        send("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        send("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n"),
        send("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"),
        send("Transfer-Encoding: identity\r\n", ""),
        send("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
        send("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"),
        send("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n"),
        send("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
        send("Content-Length: 2\r\nContent-Length: 3\r\n", "{}"),
        send("Content-Length: 2, 3\r\n", "{}"),
        send("Content-Length: +2\r\n", "{}"),
        send("Content-Length: -2\r\n", "{}"),
        send("Content-Length: 0x2\r\n", "{}"),
        send("Content-Length: 2 2\r\n", "{}"),
        send("Content-Length: 18446744073709551617\r\n", "{}"),
        send("Content-Length : 2\r\n", "{}"),
        send("X-A: a\r\n folded: yes\r\nContent-Length: 2\r\n", "{}"),
        send(" Content-Length: 2\r\n", "{}"),
        send("X-A: a\0b\r\nContent-Length: 2\r\n", "{}"),
        send("X-A: a\rContent-Length: 2\r\n", "{}"),
        send("Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n"),
        send("Transfer-Encoding: chunked\r\n", "-2\r\n{}\r\n0\r\n\r\n"),
        send("Transfer-Encoding: chunked\r\n", "0x2\r\n{}\r\n0\r\n\r\n"),
        send("Transfer-Encoding: chunked\r\n", "\r\n{}\r\n0\r\n\r\n"),
        send("Transfer-Encoding: chunked\r\n", "2\r\n{}0\r\n\r\n"),
        send("Transfer-Encoding: chunked\r\n", "10000000000000002\r\n{}\r\n0\r\n\r\n"),
        send("Transfer-Encoding: chunked\r\n", "2\n{}\r\n0\r\n\r\n"),
        send("Transfer-Encoding: chunked\r\n", &format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "a".repeat(1 << 20))),
        send("Transfer-Encoding: chunked\r\n", &format!("0\r\nX: {}\r\n\r\n", "a".repeat(1 << 20))),
        head(&world, "Transfer-Encoding: chunked\r\n").replace("HTTP/1.1", "HTTP/1.0") + "0\r\n\r\n",
    ];
    for row in rows {
        let mut wire = connect(&world).await;
        wire.send(row.clone() + HEALTH).await;
        let said = wire.rest().await;
        let shown = &row[row.find("Bearer").expect("a key")..].chars().take(200).collect::<String>();
        let answers = said.matches("HTTP/1.").count();
        assert!(answers <= 1, "{answers} answers to {shown:?}: {said}");
        assert!(said.is_empty() || said.contains(" 400 "), "{shown:?}: {said}");
    }
    assert!(world.inbox().await.is_empty());
    still_serves(&world).await;
    world.stop().await;
}
