//! Messages for later over HTTP: both changes of the clocks, a restart, an opt-out in between; fired once, or missed or
//! failed with the reason. What is beneath is tested in `sending/schedule.rs`.

use super::Shop;
use crate::harness::{
    wait::until,
    world::{INSTANCE, PHONE},
};
use serde_json::{Value, json};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MINUTE: Duration = Duration::from_secs(60);

async fn schedule(shop: &Shop, text: &str, time: &str) -> Value {
    let body = json!({"clientId": INSTANCE, "number": PHONE, "message": text, "scheduleTime": time});
    let reply = shop.post("/schedule-message", &body).await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    reply.json()
}

async fn listed(shop: &Shop, id: &Value) -> Value {
    let all = shop.get("/scheduled-messages").await.json();
    all.as_array().expect("a list").iter().find(|one| one["id"] == *id).expect("it is listed").clone()
}

/// Steps the worker until nothing is pending any more.
async fn settled(shop: &Shop, id: &Value) -> Value {
    until("the message is settled", async || {
        shop.world.gateway().schedules.step().await.expect("a step");
        listed(shop, id).await["status"] != "pending"
    })
    .await;
    listed(shop, id).await
}

async fn texts(shop: &Shop) -> Vec<String> {
    shop.world.inbox().await.iter().map(|m| m["text"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn both_changes_of_the_clocks_fire_once() {
    // What is asked for in local time, and what that is in UTC: a time that is skipped, and one that comes twice.
    for (begins, local, moment) in [
        ("2026-03-25T20:00:00Z", "2026-03-27T02:30:00", "2026-03-27T00:30:00Z"),
        ("2026-10-23T20:00:00Z", "2026-10-25T01:30:00", "2026-10-24T22:30:00Z"),
    ] {
        let shop = Shop::start_at(begins, |_| {}).await;
        shop.world.move_to("Asia/Jerusalem").await;
        // The zone of the account changes with its next day.
        shop.world.later(DAY);
        let made = schedule(&shop, "at half past", local).await;
        assert_eq!(made["scheduleTime"], moment, "{local}");
        shop.world.clock.set(wa_gateway::model::clock::Time::parse(moment).expect("a time").minus(MINUTE));
        shop.world.gateway().schedules.step().await.expect("a step");
        assert_eq!(
            (listed(&shop, &made["id"]).await["status"].clone(), texts(&shop).await.len()),
            (json!("pending"), 0)
        );
        shop.world.later(MINUTE);
        let sent = settled(&shop, &made["id"]).await;
        assert_eq!((&sent["status"], &sent["sentTime"]), (&json!("sent"), &json!(moment)), "{local}");
        // The same time of day comes again in autumn.
        for _ in 0..3 {
            shop.world.later(60 * MINUTE);
            shop.world.settle().await;
            shop.world.gateway().schedules.step().await.expect("a step");
        }
        assert_eq!(texts(&shop).await, ["at half past"], "{local}");
        shop.world.stop().await;
    }
}

#[tokio::test]
async fn what_was_due_while_it_was_off_is_sent_or_missed_with_the_reason() {
    let mut shop = Shop::start().await;
    let early = schedule(&shop, "early", "2026-06-01T08:01:00Z").await;
    let late = schedule(&shop, "late", "2026-06-01T08:45:00Z").await;
    shop.world.restart_after(90 * MINUTE).await;
    let missed = settled(&shop, &early["id"]).await;
    assert_eq!((&missed["status"], &missed["sentTime"]), (&json!("missed"), &Value::Null));
    assert!(missed["reason"].as_str().is_some_and(|why| why.contains("grace")), "{missed}");
    assert_eq!(settled(&shop, &late["id"]).await["status"], "sent");
    assert_eq!(texts(&shop).await, ["late"]);
    shop.world.stop().await;
}

#[tokio::test]
async fn whoever_opts_out_in_between_is_not_written_to_and_the_reason_is_told() {
    let shop = Shop::start().await;
    let made = schedule(&shop, "Your order is on its way.", "2026-06-01T08:10:00Z").await;
    shop.world.hears(PHONE, "STOP").await;
    shop.world.later(10 * MINUTE);
    let refused = settled(&shop, &made["id"]).await;
    assert_eq!((&refused["status"], &refused["reason"]), (&json!("failed"), &json!("recipient_suppressed")));
    assert!(texts(&shop).await.is_empty());
    shop.world.stop().await;
}

#[tokio::test]
async fn what_cannot_be_scheduled_is_said() {
    let shop = Shop::start().await;
    let body = |time: &str| json!({"clientId": INSTANCE, "number": PHONE, "message": "x", "scheduleTime": time});
    for time in ["2026-06-01T08:00:00Z", "2025-10-06T18:30:00Z", "tomorrow", "", "2026-06-01T25:00:00Z"] {
        let refused = shop.post("/schedule-message", &body(time)).await;
        assert_eq!((refused.status, &refused.json()["code"]), (400, &json!("INVALID_REQUEST")), "{time:?}");
    }
    let made = schedule(&shop, "never", "2026-06-01T09:00:00Z").await;
    let path = format!("/scheduled-messages/{}", made["id"]);
    let cancel = async || {
        let headers = [format!("x-api-key: {}", shop.key), "Content-Type: application/json".to_owned()];
        crate::harness::http::call(shop.world.address(), "DELETE", &path, &headers, &[]).await
    };
    assert_eq!(cancel().await.status, 200);
    assert_eq!(cancel().await.status, 400, "it is cancelled already");
    assert_eq!(listed(&shop, &made["id"]).await["status"], "cancelled");
    shop.world.later(2 * 60 * MINUTE);
    shop.world.gateway().schedules.step().await.expect("a step");
    assert!(texts(&shop).await.is_empty());
    shop.world.stop().await;
}
