//! Idempotency-Key: the same request again gets the same answer and sends nothing; everything else is told apart.

use crate::harness::{
    contract::{assert_logged, assert_refused, log_id},
    http::Reply,
    world::{PHONE, World, message, message_with},
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::app::commands::MessageSettle;

const KEY: &str = "Idempotency-Key: order-2041";

async fn send(world: &World, body: &Value) -> Reply {
    world.send_with(&world.key, body, &[KEY]).await
}

fn is_replayed(reply: &Reply) -> bool {
    reply.header("idempotent-replayed") == Some("true")
}

/// A send that the provider takes and never answers.
async fn send_into_the_unknown(world: &World) -> Reply {
    world.send_into_silence(&message(), &[KEY]).await
}

#[tokio::test]
async fn the_same_request_again_gets_the_same_answer_and_sends_nothing() {
    let world = World::start().await;
    let first = send(&world, &message()).await;
    assert_eq!((first.status, is_replayed(&first)), (200, false), "{}", first.body);
    // In every spelling of the phone, and whatever fields we do not know.
    for phone in [PHONE, "00966 50 123 4567", "966-50-1234567", "+966 (50) 123.45.67", "+٩٦٦٥٠١٢٣٤٥٦٧"] {
        let again = send(&world, &message_with(json!({"phone": phone, "colour": "blue"}))).await;
        assert_eq!((again.status, &again.body, is_replayed(&again)), (200, &first.body, true), "{phone}");
        assert_logged(&again, "sent");
        assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
        assert_eq!(again.header("ratelimit"), first.header("ratelimit"));
    }
    assert_eq!((world.inbox().await.len(), world.used().await), (1, (1, 1)));
    world.stop().await;
}

#[tokio::test]
async fn a_replay_asks_no_gate_again() {
    let world = World::start().await;
    let first = send(&world, &message()).await;
    world.hears(PHONE, "STOP").await;
    world.pause().await;
    let again = send(&world, &message()).await;
    assert_eq!((again.status, &again.body, is_replayed(&again)), (200, &first.body, true));
    world.stop().await;
}

#[tokio::test]
async fn each_part_of_a_request_makes_it_another_one() {
    let world = World::start().await;
    world.new_instance(world.account, "second-line").await;
    assert_eq!(send(&world, &message()).await.status, 200);
    let others = [
        json!({"instance_id": "second-line"}),
        json!({"phone": "+966501234568"}),
        json!({"message": "Your order #2042 has been shipped."}),
        json!({"message_purpose": "operational"}),
        json!({"reference": "2041"}),
        json!({"expires_at": "2026-06-02T00:00:00Z"}),
    ];
    for members in others {
        let reply = send(&world, &message_with(members.clone())).await;
        assert_refused(&reply, "idempotency_key_reused");
        assert!(!is_replayed(&reply), "{members}");
    }
    assert_eq!(world.inbox().await.len(), 1);
    assert!(is_replayed(&send(&world, &message()).await), "the first one is still remembered");
    world.stop().await;
}

#[tokio::test]
async fn a_request_under_way_is_told_to_wait() {
    let world = World::start().await;
    world.sandbox("latency_ms", "4000").await;
    let first = world.send_meanwhile(&message(), &[KEY]);
    world.somebody_waits(2).await;
    let reply = send(&world, &message()).await;
    assert_refused(&reply, "idempotency_in_progress");
    assert_eq!(reply.header("retry-after"), Some("1"));
    world.step(&[2, 2]).await;
    let first = first.await.expect("an answer");
    assert_eq!(first.status, 200);
    let again = send(&world, &message()).await;
    assert_eq!((is_replayed(&again), again.body), (true, first.body));
    world.stop().await;
}

#[tokio::test]
async fn of_many_at_once_one_is_sent() {
    let world = World::start().await;
    let all: Vec<_> = (0..20).map(|_| world.send_meanwhile(&message(), &[KEY])).collect();
    for reply in all {
        let reply = reply.await.expect("an answer");
        if reply.status != 200 {
            assert_refused(&reply, "idempotency_in_progress");
        }
    }
    assert_eq!((world.inbox().await.len(), world.used().await), (1, (1, 1)));
    world.stop().await;
}

#[tokio::test]
async fn a_refusal_is_not_remembered() {
    let world = World::start().await;
    world.pause().await;
    assert_refused(&send(&world, &message()).await, "instance_paused_for_review");
    world.resume().await;
    let second = send(&world, &message()).await;
    assert_eq!((second.status, is_replayed(&second)), (200, false), "{}", second.body);
    world.stop().await;
}

#[tokio::test]
async fn a_failure_is_not_remembered() {
    let world = World::start().await;
    world.sandbox("fail", "refuse").await;
    let failed = send(&world, &message()).await;
    assert_refused(&failed, "gateway_send_failed");
    world.sandbox("fail", "").await;
    let second = send(&world, &message()).await;
    assert_eq!((second.status, is_replayed(&second)), (200, false), "{}", second.body);
    assert_ne!(log_id(&failed), log_id(&second));
    world.stop().await;
}

#[tokio::test]
async fn what_nobody_knows_is_remembered_and_never_sent_again() {
    let world = World::start().await;
    let first = send_into_the_unknown(&world).await;
    assert_refused(&first, "gateway_send_failed");
    let again = send(&world, &message()).await;
    assert_refused(&again, "gateway_send_failed");
    assert_logged(&again, "unknown");
    assert_eq!((is_replayed(&again), log_id(&again)), (true, log_id(&first)));
    assert_eq!(world.inbox().await.len(), 1);
    world.stop().await;
}

#[tokio::test]
async fn once_a_person_settled_the_unknown_the_key_follows() {
    let world = World::start().await;
    let first = log_id(&send_into_the_unknown(&world).await);
    settle(&world, first, "sent").await;
    let again = send(&world, &message()).await;
    assert_eq!((again.status, is_replayed(&again), log_id(&again)), (200, true, first), "{}", again.body);
    world.stop().await;

    let world = World::start().await;
    let first = log_id(&send_into_the_unknown(&world).await);
    settle(&world, first, "failed").await;
    assert_eq!(world.used().await, (0, 0));
    let again = send(&world, &message()).await;
    assert_eq!((again.status, is_replayed(&again)), (200, false), "{}", again.body);
    world.stop().await;
}

async fn settle(world: &World, log_id: i64, status: &str) {
    let (status, note) = (status.into(), "asked the customer".into());
    world.command(MessageSettle { log_id, status, note }).await.expect("settled");
}

#[tokio::test]
async fn a_key_under_way_when_the_gateway_died_answers_unknown() {
    let world = World::start().await;
    world.sandbox("latency_ms", "6000").await;
    let first = world.send_meanwhile(&message(), &[KEY]);
    world.somebody_waits(3).await;
    let after = world.after_a_crash().await;
    let reply = send(&after, &message()).await;
    assert_refused(&reply, "gateway_send_failed");
    assert_logged(&reply, "unknown");
    assert!(is_replayed(&reply));
    assert_eq!(after.used().await, (1, 1), "it may have gone");
    assert!(after.inbox().await.is_empty(), "and is not sent again");
    after.stop().await;
    world.step(&[3, 3]).await;
    assert_eq!(first.await.expect("an answer").status, 200);
    world.stop().await;
}

#[tokio::test]
async fn what_waited_for_its_slot_when_the_gateway_died_may_be_tried_again() {
    let world = World::start().await;
    for _ in 0..5 {
        assert_eq!(world.send(&message()).await.status, 200);
    }
    let first = world.send_meanwhile(&message(), &[KEY]);
    world.somebody_waits(6).await;
    let after = world.after_a_crash().await;
    assert_eq!(after.used().await, (5, 5), "it certainly did not go");
    after.later(Duration::from_secs(6));
    assert_eq!(first.await.expect("an answer").status, 200, "where the power did not go");
    after.later(Duration::from_secs(6));
    let second = send(&after, &message()).await;
    assert_eq!((second.status, is_replayed(&second)), (200, false), "{}", second.body);
    after.stop().await;
    world.stop().await;
}

#[tokio::test]
async fn an_answer_is_remembered_for_24_hours_and_over_a_restart() {
    let mut world = World::start().await;
    let first = send(&world, &message()).await;
    world.restart().await;
    world.later(Duration::from_millis(24 * 3_600_000 - 1));
    let again = send(&world, &message()).await;
    assert_eq!((is_replayed(&again), &again.body), (true, &first.body));
    world.later(Duration::from_millis(1));
    let other = send(&world, &message_with(json!({"message": "Your order #2042 has been shipped."}))).await;
    assert_eq!((other.status, is_replayed(&other)), (200, false), "{}", other.body);
    assert_eq!(world.inbox().await.len(), 2);
    world.stop().await;
}

#[tokio::test]
async fn a_key_belongs_to_its_account() {
    let world = World::start().await;
    let other = world.new_account("Other", "scale").await;
    world.new_instance(other, "other-line").await;
    let theirs = world.new_key(other, &[]).await;
    let ours = world.new_key(world.account, &[]).await;
    let first = send(&world, &message()).await;
    let elsewhere = world.send_with(&theirs, &message_with(json!({"instance_id": "other-line"})), &[KEY]).await;
    assert_eq!((elsewhere.status, is_replayed(&elsewhere)), (200, false), "{}", elsewhere.body);
    let same_account = world.send_with(&ours, &message(), &[KEY]).await;
    assert_eq!((is_replayed(&same_account), same_account.body), (true, first.body));
    world.stop().await;
}
