//! 3CX over HTTP: what each request is answered.

mod bounds;
mod call_events;
mod conversation;
mod examples;
mod management;
mod order;
mod proof;
mod silence;

use crate::harness::{
    pbx::{call, reply_to},
    world::{INSTANCE, PHONE, World},
};
use serde_json::json;
use std::time::Duration;
use wa_gateway::app::commands::ThreecxSettings;

#[tokio::test]
async fn a_test_says_what_is_configured_and_sends_nothing() {
    let world = World::start().await;
    let pbx = world.pbx(ThreecxSettings::default()).await;
    let reply = world.event(&pbx, &json!({"event_type": "test"})).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let body = reply.json();
    assert_eq!((&body["success"], &body["status"], &body["event_type"]), (&json!(true), &json!("ok"), &json!("test")));
    let set = &body["integration"];
    assert_eq!((&set["instance_id"], &set["instance_state"]), (&json!(INSTANCE), &json!("open")));
    for (switch, expected) in [
        ("inbound_enabled", true),
        ("outbound_enabled", true),
        ("call_event_enabled", false),
        ("strict_mode", true),
        ("signing_enabled", false),
        ("forwarding", false),
    ] {
        assert_eq!(set[switch], expected, "{switch}");
    }
    assert_eq!(set["templates_enabled"], json!([]));
    assert!(world.inbox().await.is_empty());
    world.stop().await;
}

#[tokio::test]
async fn an_agents_reply_goes_out_through_the_guard() {
    let world = World::start().await;
    let pbx = world.pbx(ThreecxSettings::default()).await;
    world.hears(PHONE, "Hello?").await;
    for (event, text) in [("outbound_message", "One moment, please."), ("inbound_reply", "Here is your answer.")] {
        let mut body = reply_to(PHONE);
        (body["event_type"], body["message_text"]) = (json!(event), json!(text));
        let reply = world.event(&pbx, &body).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let body = reply.json();
        assert_eq!((&body["status"], &body["event_type"]), (&json!("sent"), &json!(event)));
        assert!(body["message_id"].as_str().is_some_and(|id| id.starts_with("msg_")), "{body}");
        let row = world.row(&body["log_id"]).await;
        assert_eq!((&row["source"], &row["status"]), (&json!("3cx"), &json!("sent")));
        assert_eq!((&row["message_purpose"], &row["reference"]), (&json!("support"), &json!("3cx-chat-123")));
        let line = world.last_request(&pbx).await;
        assert_eq!((&line["outcome"], &line["event_type"]), (&json!("sent"), &json!(event)));
        assert_eq!((&line["log_id"], &line["agent_extension"]), (&body["log_id"], &json!("101")));
        assert!(!line.to_string().contains(PHONE) && !line.to_string().contains(text), "{line}");
        assert_eq!(world.inbox().await.last().expect("a message")["text"], text);
    }
    assert_eq!(world.used().await, (2, 2));
    world.stop().await;
}

#[tokio::test]
async fn a_missed_call_is_answered_once_in_fifteen_minutes() {
    let world = World::start().await;
    let pbx = world.pbx(ThreecxSettings { call_events: Some(true), ..Default::default() }).await;
    world.template(&pbx, "missed_call", Some("Sorry, {{customer_phone}}! {{business_name}}, {{queue}}")).await;
    world.hears(PHONE, "Hello?").await;
    let missed = call("missed_call", PHONE);
    let reply = world.event(&pbx, &missed).await;
    assert_eq!((reply.status, &reply.json()["status"]), (200, &json!("sent")), "{}", reply.body);
    assert_eq!(world.inbox().await[0]["text"], format!("Sorry, {PHONE}! Shop, Sales"));
    world.later(Duration::from_secs(15 * 60 - 1));
    let reply = world.event(&pbx, &missed).await;
    let expected = json!({"success": true, "status": "skipped", "event_type": "missed_call", "reason": "cooldown"});
    assert_eq!((reply.status, reply.json()), (200, expected));
    world.later(Duration::from_secs(1));
    assert_eq!(world.event(&pbx, &missed).await.json()["status"], "sent");
    assert_eq!(world.inbox().await.len(), 2);
    world.stop().await;
}
