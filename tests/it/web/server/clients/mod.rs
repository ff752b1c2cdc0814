//! The accept loop against clients that are slow, silent, rude or many, and against the real routes behind it.

mod contents;
mod crowd;
mod ends;
mod shapes;
mod slow;

use crate::harness::{
    wire::Wire,
    world::{World, message},
};
use std::time::Duration;
use wa_gateway::config::Config;

const HEADER: Duration = Duration::from_millis(300);
const BODY: Duration = Duration::from_millis(400);
const IDLE: Duration = Duration::from_millis(600);

/// Time-outs that a test can wait for.
fn impatient(config: &mut Config) {
    config.limits.header_timeout = HEADER;
    config.limits.body_timeout = BODY;
    config.limits.idle_timeout = IDLE;
}

async fn connect(world: &World) -> Wire {
    Wire::open(world.address()).await
}

/// A send's header with these lines more, and the empty line.
fn head(world: &World, more: &str) -> String {
    head_with(&world.key, more)
}

fn head_with(key: &str, more: &str) -> String {
    format!(
        "POST /api/send-message HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\nAuthorization: Bearer \
         {key}\r\n{more}\r\n"
    )
}

/// A send with a body of a stated length.
fn whole(world: &World, body: &str) -> String {
    head(world, &format!("Content-Length: {}\r\n", body.len())) + body
}

/// A body in chunks of at most `size` bytes.
fn chunked(body: &str, size: usize) -> String {
    let mut text = String::new();
    for chunk in body.as_bytes().chunks(size) {
        text += &format!("{:x}\r\n{}\r\n", chunk.len(), std::str::from_utf8(chunk).expect("ASCII"));
    }
    text + "0\r\n\r\n"
}

/// A valid send of exactly this many bytes: white space is not part of the message.
fn padded(bytes: usize) -> String {
    let body = message().to_string();
    let pad = " ".repeat(bytes - body.len());
    body + &pad
}

/// A fresh client gets its answer: whatever the test did, the gateway still serves.
async fn still_serves(world: &World) {
    assert_eq!(world.get("/healthz").await.status, 200);
}
