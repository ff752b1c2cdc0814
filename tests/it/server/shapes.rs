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
