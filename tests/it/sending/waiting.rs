//! Messages that wait: for their time, or until the guard lets them pass; cancelled, expired, missed; over a restart.

use crate::{
    api::lists::key,
    harness::{
        contract::{assert_refused, assert_refused_with},
        http::{self, Reply},
        wait::until,
        world::{PHONE, SPAM, World, message, message_with},
    },
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::{
    app::commands::{KeyList, KeyRevoke},
    model::clock::Clock,
};

const LATER: &str = "2026-06-01T10:00:00Z";

fn later(members: Value) -> Value {
    let mut all = json!({"send_at": LATER});
    all.as_object_mut().expect("an object").extend(members.as_object().expect("members").clone());
    message_with(all)
}

async fn status(world: &World, log_id: &Value) -> Value {
    world.get(&format!("/api/messages/{log_id}")).await.json()
}

async fn cancel(world: &World, log_id: &Value) -> Reply {
    let headers = [format!("Authorization: Bearer {}", world.key), "Content-Type: application/json".to_owned()];
    http::call(world.address(), "POST", &format!("/api/messages/{log_id}/cancel"), &headers, b"").await
}

#[tokio::test]
async fn what_a_key_put_in_goes_also_when_the_key_was_replaced() {
    let world = World::start().await;
    let id = world.send(&later(json!({}))).await.json()["log_id"].clone();
    let keys = world.command(KeyList { account: world.account }).await.expect("keys");
    let key = keys.as_array().expect("a list")[0]["id"].as_i64().expect("a number");
    world.command(KeyRevoke { id: key }).await.expect("revoked");
    assert_eq!(world.send(&message()).await.status, 401, "it is good for nothing new");
    world.later(Duration::from_secs(7201));
    until("it went", async || world.inbox().await.len() == 1).await;
    world.settle().await;
    assert_eq!(world.row(&id).await["status"], "sent");
    world.stop().await;
}

/// Until the message is in this state; the schedule's worker does it.
async fn until_status(world: &World, log_id: &Value, wanted: &str) {
    until(wanted, async || status(world, log_id).await["status"] == wanted).await;
}

#[tokio::test]
async fn a_message_waits_for_its_time_and_counts_then() {
    let world = World::start().await;
    let reply = world.send(&later(json!({"reference": "r-1"}))).await;
    assert_eq!((reply.status, &reply.json()["status"]), (202, &json!("accepted")), "{}", reply.body);
    assert_eq!(reply.header("x-message-status"), Some("accepted"));
    let id = reply.json()["log_id"].clone();
    let waits = status(&world, &id).await;
    assert_eq!(
        (&waits["status"], &waits["send_at"], &waits["reference"]),
        (&json!("accepted"), &json!(LATER), &json!("r-1"))
    );
    assert_eq!(world.used().await, (0, 0));
    world.clock.advance(Duration::from_secs(7199));
    world.settle().await;
    assert!(world.inbox().await.is_empty(), "not before");
    world.clock.advance(Duration::from_secs(1));
    until_status(&world, &id, "sent").await;
    let inbox = world.inbox().await;
    assert_eq!((inbox.len(), &inbox[0]["message_id"]), (1, &reply.json()["message_id"]));
    assert_eq!(world.used().await, (1, 1));
    assert_eq!(status(&world, &id).await.get("send_at"), None);
    let rows = world.number("SELECT count(*) FROM messages").await;
    assert_eq!(rows, 1, "one row, from the beginning to the end");
    world.stop().await;
}

#[tokio::test]
async fn what_time_does_not_heal_is_refused_at_once() {
    let world = World::start().await;
    assert_eq!(world.send(&later(json!({"message": SPAM}))).await.error(), "policy_violation");
    assert_refused(&world.send(&later(json!({"instance_id": "nobodys"}))).await, "invalid_instance");
    assert_refused(&world.send(&later(json!({"message_purpose": "marketing"}))).await, "message_purpose_not_allowed");
    for (members, field) in [
        (json!({"send_at": "2026-06-01T08:00:00Z"}), "send_at"),
        (json!({"send_at": "2028-06-01T08:00:00Z"}), "send_at"),
        (json!({"send_at": "tomorrow"}), "send_at"),
        (json!({"send_at": 5}), "send_at"),
        (json!({"queue": "yes"}), "queue"),
        (json!({"send_at": LATER, "expires_at": "2026-06-01T09:00:00Z"}), "send_at"),
        (json!({"send_at": LATER, "media_base64": "iVBORw0KGgo="}), "send_at"),
        (json!({"queue": true, "media_base64": "iVBORw0KGgo="}), "queue"),
    ] {
        let reply = world.send(&message_with(members.clone())).await;
        assert_eq!((reply.status, reply.error()), (422, "validation_error".into()), "{members}: {}", reply.body);
        assert_eq!(reply.json()["details"]["fields"], json!([field]), "{members}");
    }
    // Beside what time heals, too: the day's limit, which is asked about before.
    world.grant(Some(1), None).await;
    assert_eq!(world.send(&message()).await.status, 200);
    world.hears(PHONE, "STOP").await;
    assert_refused(&world.send(&later(json!({}))).await, "recipient_suppressed");
    assert_refused(&world.send(&message_with(json!({"queue": true}))).await, "recipient_suppressed");
    assert_refused_with(&world.send(&message()).await, "daily_message_limit_exceeded", json!({"limit": 1, "used": 1}));
    assert_eq!(world.number("SELECT count(*) FROM schedules").await, 0);
    world.stop().await;
}

#[tokio::test]
async fn the_guard_judges_when_it_is_due() {
    let world = World::start().await;
    let id = world.send(&later(json!({}))).await.json()["log_id"].clone();
    world.hears(PHONE, "STOP").await;
    world.clock.advance(Duration::from_secs(7200));
    until_status(&world, &id, "blocked").await;
    assert_eq!(status(&world, &id).await["reason"], "recipient_suppressed");
    assert!(world.inbox().await.is_empty());
    assert_eq!(world.used().await, (0, 0));
    world.stop().await;
}

#[tokio::test]
async fn a_queued_message_is_sent_when_it_is_allowed_and_not_after_its_end() {
    let world = World::start().await;
    world.grant(Some(1), None).await;
    assert_eq!(world.send(&message()).await.status, 200);
    let queued = |end: &str| message_with(json!({"queue": true, "message": "Your parcel waits.", "expires_at": end}));
    assert_refused_with(&world.send(&message()).await, "daily_message_limit_exceeded", json!({"limit": 1, "used": 1}));
    let (tomorrow, soon) = (queued("2026-06-02T12:00:00Z"), queued("2026-06-01T08:30:00Z"));
    let kept = world.send(&tomorrow).await;
    assert_eq!(kept.status, 202, "{}", kept.body);
    let (kept, short) = (kept.json()["log_id"].clone(), world.send(&soon).await.json()["log_id"].clone());
    world.clock.advance(Duration::from_secs(1800));
    until_status(&world, &short, "failed").await;
    let why = status(&world, &short).await["reason"].clone();
    assert!(why.as_str().is_some_and(|why| why.contains("expires_at")), "{why}");
    // Hour by hour: it is tried, and waits on; then the next day has room for one.
    for _ in 0..40 {
        if status(&world, &kept).await["status"] == "sent" {
            break;
        }
        world.clock.advance(Duration::from_secs(3600));
        let now = world.clock.now().rfc3339();
        until("it was tried", async || {
            let row = status(&world, &kept).await;
            row["status"] == "sent" || row["send_at"].as_str().is_some_and(|at| at > now.as_str())
        })
        .await;
    }
    assert_eq!(status(&world, &kept).await["status"], "sent");
    assert_eq!(world.inbox().await.len(), 2);
    world.stop().await;
}

#[tokio::test]
async fn a_waiting_message_is_cancelled_once_and_told_as_failed() {
    let world = World::start().await;
    key(&world, &["read"], &[]).await;
    let sent = world.send_with(&world.key, &later(json!({})), &["Idempotency-Key: k1"]).await.json();
    let again = world.send_with(&world.key, &later(json!({})), &["Idempotency-Key: k1"]).await;
    assert_eq!(
        (again.status, again.header("idempotent-replayed"), &again.json()["log_id"]),
        (202, Some("true"), &sent["log_id"])
    );
    let reused = world.send_with(&world.key, &message(), &["Idempotency-Key: k1"]).await;
    assert_refused(&reused, "idempotency_key_reused");
    let id = &sent["log_id"];
    assert_eq!(cancel(&world, id).await.json(), json!({"success": true, "status": "failed", "log_id": id}));
    assert_refused(&cancel(&world, id).await, "not_cancellable");
    assert_refused(&cancel(&world, &json!(999_999)).await, "not_found");
    let row = status(&world, id).await;
    assert_eq!((&row["status"], &row["reason"]), (&json!("failed"), &json!("cancelled")));
    assert_eq!(world.number("SELECT count(*) FROM events WHERE name = 'message.failed'").await, 1);
    world.clock.advance(Duration::from_secs(7200));
    world.settle().await;
    assert!(world.inbox().await.is_empty());
    // Whoever never got the first answer and asks again sends nothing that was cancelled since.
    let repeated = world.send_with(&world.key, &later(json!({})), &["Idempotency-Key: k1"]).await;
    assert_eq!((repeated.status, &repeated.json()["log_id"]), (202, id));
    assert_refused(&world.send_with(&world.key, &message(), &["Idempotency-Key: k1"]).await, "idempotency_key_reused");
    let anonymous = http::call(world.address(), "POST", &format!("/api/messages/{id}/cancel"), &[], b"").await;
    assert_refused(&anonymous, "invalid_api_key");
    let other = world.new_account("Other", "scale").await;
    let stranger = world.new_key(other, &[]).await;
    let waits = world.send(&later(json!({"send_at": "2026-06-02T10:00:00Z"}))).await.json()["log_id"].clone();
    let headers = [format!("Authorization: Bearer {stranger}"), "Content-Type: application/json".to_owned()];
    let path = format!("/api/messages/{waits}/cancel");
    assert_refused(&http::call(world.address(), "POST", &path, &headers, b"").await, "not_found");
    world.stop().await;
}

#[tokio::test]
async fn what_waits_outlives_a_restart_and_what_was_due_long_ago_is_missed() {
    let mut world = World::start().await;
    let ids: Vec<Value> = {
        let mut ids = Vec::new();
        for at in [LATER, "2026-06-03T10:00:00Z"] {
            ids.push(world.send(&later(json!({"send_at": at}))).await.json()["log_id"].clone());
        }
        ids
    };
    world.restart().await;
    for id in &ids {
        assert_eq!(status(&world, id).await["status"], "accepted", "a start settles only what was under way");
    }
    let crashed = world.after_a_crash().await;
    assert_eq!(status(&crashed, &ids[0]).await["status"], "accepted");
    crashed.stop().await;
    world.restart_after(Duration::from_secs(24 * 3600)).await;
    until_status(&world, &ids[0], "failed").await;
    let why = status(&world, &ids[0]).await["reason"].clone();
    assert!(why.as_str().is_some_and(|why| why.contains("grace")), "{why}");
    world.clock.advance(Duration::from_secs(26 * 3600));
    until_status(&world, &ids[1], "sent").await;
    assert_eq!(world.inbox().await.len(), 1);
    world.stop().await;
}
