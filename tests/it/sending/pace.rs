//! How fast and how alike an instance may send: rates, what is waited for and what is refused, one-time codes, and what
//! may change while a message waits for its slot.

use crate::harness::{
    contract::{assert_logged, assert_refused, assert_refused_with, log_id},
    http::Reply,
    world::{INSTANCE, PHONE, World, message, message_to, message_with},
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::task::JoinHandle;
use wa_gateway::app::commands::InstanceDelete;

const MINUTE: Duration = Duration::from_secs(60);

/// The n-th of many customers.
pub fn customer(n: u32) -> String {
    format!("+9665{n:08}")
}

fn code() -> Value {
    message_with(json!({"message": "Your code is 482913.", "message_purpose": "authentication"}))
}

pub fn assert_throttled(reply: &Reply, rate: &str) {
    assert_refused_with(reply, "sending_throttled", json!({"rate": rate}));
    assert_logged(reply, "blocked");
}

/// Sends to so many different people; all of it must pass at once.
async fn burst(world: &World, people: std::ops::Range<u32>) {
    for n in people {
        let reply = world.send(&message_to(&customer(n))).await;
        assert_eq!(reply.status, 200, "{n}: {}", reply.body);
    }
}

async fn five_to_one_person(world: &World) {
    for _ in 0..5 {
        assert_eq!(world.send(&message()).await.status, 200);
    }
}

/// A message to a person who has had five just now: its slot is in six seconds.
async fn sixth(world: &World, body: &Value) -> JoinHandle<Reply> {
    five_to_one_person(world).await;
    let waits = world.send_meanwhile(body, &[]);
    world.somebody_waits(6).await;
    waits
}

#[tokio::test]
async fn twenty_go_at_once_eight_wait_their_turn_and_the_next_is_throttled() {
    let world = World::start().await;
    burst(&world, 0..20).await;
    let mut waiting = Vec::new();
    for n in 1..=8 {
        waiting.push(world.send_meanwhile(&message_to(&customer(20 + n)), &[]));
        world.somebody_waits(u64::from(n)).await;
    }
    assert_eq!((world.inbox().await.len(), world.used().await), (20, (28, 28)), "those that wait are reserved");
    assert_eq!(world.number("SELECT count(*) FROM messages WHERE status = 'accepted'").await, 8);
    let reply = world.send(&message_to(&customer(99))).await;
    assert_throttled(&reply, "instance");
    assert_eq!(reply.header("retry-after"), Some("1"));
    for (n, waits) in waiting.into_iter().enumerate() {
        world.step(&[1]).await;
        assert_eq!(waits.await.expect("an answer").status, 200);
        assert_eq!(world.inbox().await.len(), 21 + n);
    }
    world.stop().await;
}

#[tokio::test]
async fn over_a_minute_it_is_the_burst_and_sixty() {
    let world = World::start().await;
    burst(&world, 0..20).await;
    for second in 0..60 {
        world.later(Duration::from_secs(1));
        burst(&world, 20 + second..21 + second).await;
    }
    let waits = world.send_meanwhile(&message_to(&customer(99)), &[]);
    world.step(&[1]).await;
    assert_eq!(waits.await.expect("an answer").status, 200);
    world.stop().await;
}

#[tokio::test]
async fn an_instance_has_its_rate_alone() {
    let world = World::start().await;
    world.new_instance(world.account, "second-line").await;
    burst(&world, 0..20).await;
    let reply = world.send(&message_with(json!({"instance_id": "second-line"}))).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    world.stop().await;
}

#[tokio::test]
async fn one_person_gets_five_at_once_and_ten_a_minute() {
    let world = World::start().await;
    let sixth = sixth(&world, &message()).await;
    assert_throttled(&world.send(&message()).await, "recipient");
    assert_eq!(world.send(&message_to("+966507654321")).await.status, 200, "another person does not wait");
    world.step(&[6]).await;
    assert_eq!(sixth.await.expect("an answer").status, 200);
    world.stop().await;
}

#[tokio::test]
async fn a_person_gets_five_codes_in_ten_minutes() {
    let world = World::start().await;
    for _ in 0..5 {
        assert_eq!(world.send(&code()).await.status, 200);
        world.later(MINUTE);
    }
    let reply = world.send(&code()).await;
    assert_throttled(&reply, "authentication");
    assert_eq!(reply.header("retry-after"), Some("300"));
    assert_eq!(world.send(&message()).await.status, 200, "it is codes that are counted");
    let mut other = code();
    other["phone"] = json!("+966507654321");
    assert_eq!(world.send(&other).await.status, 200, "another person");
    world.later(MINUTE * 5 - Duration::from_millis(1));
    assert_throttled(&world.send(&code()).await, "authentication");
    world.later(Duration::from_millis(1));
    assert_eq!(world.send(&code()).await.status, 200, "the first has left the window");
    assert_throttled(&world.send(&code()).await, "authentication");
    world.stop().await;
}

#[tokio::test]
async fn rates_and_codes_are_remembered_over_a_restart() {
    let mut world = World::start().await;
    for _ in 0..5 {
        assert_eq!(world.send(&code()).await.status, 200);
    }
    burst(&world, 0..15).await;
    world.restart().await;
    let waits = world.send_meanwhile(&message_to(&customer(90)), &[]);
    world.step(&[1]).await;
    assert_eq!(waits.await.expect("an answer").status, 200, "the burst is used up");
    world.later(MINUTE);
    assert_throttled(&world.send(&code()).await, "authentication");
    five_to_one_person(&world).await;
    world.restart().await;
    let sixth = world.send_meanwhile(&message(), &[]);
    world.step(&[6]).await;
    assert_eq!(sixth.await.expect("an answer").status, 200);
    world.stop().await;
}

#[tokio::test]
async fn a_refused_message_takes_no_slot() {
    let world = World::start().await;
    let wrong = message_with(json!({"message_purpose": "marketing"}));
    for _ in 0..30 {
        assert_refused(&world.send(&wrong).await, "message_purpose_not_allowed");
    }
    five_to_one_person(&world).await;
    world.stop().await;
}

#[tokio::test]
async fn who_opts_out_while_a_message_waits_does_not_get_it() {
    let world = World::start().await;
    let waits = sixth(&world, &message()).await;
    world.hears(PHONE, "STOP").await;
    world.step(&[6]).await;
    let reply = waits.await.expect("an answer");
    assert_refused(&reply, "recipient_suppressed");
    assert_withdrawn(&world, &reply, "blocked").await;
    let row = world.row(&json!(log_id(&reply))).await;
    assert_eq!((&row["reason"], &row["decision"]["gate"]), (&json!("recipient_suppressed"), &json!("suppression")));
    world.stop().await;
}

#[tokio::test]
async fn an_instance_that_is_paused_while_a_message_waits_does_not_send_it() {
    let world = World::start().await;
    let waits = sixth(&world, &message()).await;
    world.pause().await;
    world.step(&[6]).await;
    let reply = waits.await.expect("an answer");
    assert_refused(&reply, "instance_paused_for_review");
    assert_withdrawn(&world, &reply, "blocked").await;
    world.stop().await;
}

#[tokio::test]
async fn a_message_that_expires_while_it_waits_is_not_sent() {
    for (expires, goes) in [("2026-06-01T08:00:06Z", false), ("2026-06-01T08:00:06.001Z", true)] {
        let world = World::start().await;
        let waits = sixth(&world, &message_with(json!({"expires_at": expires}))).await;
        world.step(&[6]).await;
        let reply = waits.await.expect("an answer");
        if goes {
            assert_eq!((reply.status, world.inbox().await.len()), (200, 6), "{}", reply.body);
        } else {
            assert_refused(&reply, "gateway_send_failed");
            assert_withdrawn(&world, &reply, "failed").await;
        }
        world.stop().await;
    }
}

#[tokio::test]
async fn an_instance_that_is_deleted_while_a_message_waits_does_not_send_it() {
    let world = World::start().await;
    let waits = sixth(&world, &message()).await;
    let request = InstanceDelete { id: INSTANCE.into() };
    world.command(request).await.expect("deleted");
    world.step(&[6]).await;
    let reply = waits.await.expect("an answer");
    assert_refused(&reply, "gateway_send_failed");
    assert_logged(&reply, "failed");
    assert_eq!(world.used().await, (5, 5));
    world.stop().await;
}

/// Nothing went, and nothing is counted for it.
async fn assert_withdrawn(world: &World, reply: &Reply, status: &str) {
    assert_logged(reply, status);
    assert_eq!((world.inbox().await.len(), world.used().await), (5, (5, 5)));
    let row = world.row(&json!(log_id(reply))).await;
    assert_eq!((&row["status"], &row["quota"]), (&json!(status), &json!("returned")), "{row}");
    assert_eq!(row["timeline"]["sending_at"], Value::Null, "{row}");
}

#[tokio::test]
async fn a_caller_who_goes_away_does_not_stop_his_message() {
    let world = World::start().await;
    let waits = sixth(&world, &message()).await;
    waits.abort();
    world.step(&[6]).await;
    world.gateway().sending.stop().await;
    assert_eq!((world.inbox().await.len(), world.used().await), (6, (6, 6)));
    world.stop().await;
}
