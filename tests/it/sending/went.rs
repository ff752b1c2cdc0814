//! A message that waited for its time counts for when it went, not for when it was put in: before and after a restart, and
//! for how long it is kept.

use crate::harness::{
    http,
    visitor::Visitor,
    wait::until,
    world::{INSTANCE, PHONE, World, message_with},
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::{model::clock::Clock as _, store::StoreError};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MINUTE: Duration = Duration::from_secs(60);

fn to_customer(n: u32, more: Value) -> Value {
    let mut all = json!({"phone": format!("+9665012300{n:02}"), "message_purpose": "support",
                         "message": format!("Ticket {n}: we have looked into it.")});
    all.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    message_with(all)
}

async fn gone(world: &World, count: usize) {
    until("they went", async || world.inbox().await.len() == count).await;
    world.settle().await;
}

#[tokio::test]
async fn strangers_who_were_written_to_later_count_after_a_restart() {
    // The second wait is longer than the hour that counts.
    for wait in [20, 3 * 60 * 60] {
        let mut world = World::start_with(|config| config.guard.outreach_support = 3).await;
        let due = world.clock.now().plus(Duration::from_secs(wait)).to_second();
        for n in 1..=3 {
            let waits = world.send(&to_customer(n, json!({"send_at": due}))).await;
            assert_eq!(waits.status, 202, "{}", waits.body);
        }
        world.later(Duration::from_secs(wait + 1));
        gone(&world, 3).await;
        assert_eq!(world.send(&to_customer(4, json!({}))).await.status, 429, "before, after {wait} s");
        world.restart().await;
        assert_eq!(world.send(&to_customer(5, json!({}))).await.status, 429, "after {wait} s");
        world.later(Duration::from_secs(3600));
        assert_eq!(world.send(&to_customer(6, json!({}))).await.status, 200, "an hour later");
        world.stop().await;
    }
}

#[tokio::test]
async fn codes_that_waited_count_after_a_restart() {
    let mut world = World::start().await;
    let code = |n: u32, more: Value| {
        let mut all = json!({"message": format!("{n}{n}{n}{n} is your code."), "message_purpose": "authentication"});
        all.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        message_with(all)
    };
    let due = world.clock.now().plus(20 * MINUTE).to_second();
    for n in 1..=5 {
        assert_eq!(world.send(&code(n, json!({"send_at": due}))).await.status, 202);
    }
    world.later(20 * MINUTE + Duration::from_secs(1));
    gone(&world, 5).await;
    world.restart().await;
    assert_eq!(world.send(&code(6, json!({}))).await.status, 429, "five in ten minutes");
    world.stop().await;
}

#[tokio::test]
async fn what_waits_is_kept_until_long_after_it_went() {
    let world = World::start_with(|config| {
        config.retention.texts_days = 7;
        config.retention.log_days = 7;
    })
    .await;
    let due = world.clock.now().plus(10 * DAY).to_second();
    let waits = world.send(&to_customer(1, json!({"send_at": due}))).await;
    let stays = world.send(&to_customer(2, json!({"send_at": due}))).await;
    let of = |reply: &http::Reply| reply.json()["log_id"].clone();
    let has_text = async |id: &Value| {
        let (sql, id) = ("SELECT count(*) FROM messages WHERE id = ?1 AND body <> ''", id.as_i64());
        let read = world.gateway().store.read(move |tx| tx.one(sql, [id], |r| r.get::<_, i64>(0)));
        read.await.map_err(|e: StoreError| e.to_string()).expect("a count") == 1
    };
    let step = async || world.gateway().retention.step().await.expect("a step");
    world.later(9 * DAY);
    step().await;
    assert!(has_text(&of(&waits)).await, "it waits");
    let headers = [format!("Authorization: Bearer {}", world.key)];
    let cancel = format!("/api/messages/{}/cancel", of(&stays));
    assert_eq!(http::call(world.address(), "POST", &cancel, &headers, b"").await.status, 200);
    world.later(DAY + MINUTE);
    gone(&world, 1).await;
    step().await;
    assert!(has_text(&of(&waits)).await, "said a minute ago");
    world.later(8 * DAY);
    step().await;
    assert_eq!(world.number("SELECT count(*) FROM messages").await, 0, "both are over for a week");
    world.stop().await;
}

#[tokio::test]
async fn in_the_chat_it_stands_where_it_went() {
    let world = World::start().await;
    world.hears(PHONE, "Where is it?").await;
    let due = world.clock.now().plus(120 * MINUTE).to_second();
    let later = message_with(json!({"message": "It waited for you.", "send_at": due}));
    assert_eq!(world.send(&later).await.status, 202);
    world.later(MINUTE);
    assert_eq!(world.send(&message_with(json!({"message": "It is on its way."}))).await.status, 200);
    world.later(60 * MINUTE);
    world.hears(PHONE, "And now?").await;
    world.later(60 * MINUTE);
    gone(&world, 2).await;
    let page = Visitor::logged_in(&world, "owner").await.get(&format!("/chat?instance={INSTANCE}&chat=c1")).await.body;
    let lines = &page[page.find("class=\"line").expect("lines")..];
    let at = |text: &str| lines.find(text).unwrap_or_else(|| panic!("{text}: {page}"));
    assert!(at("Where is it?") < at("It is on its way.") && at("It is on its way.") < at("And now?"));
    assert!(at("And now?") < at("It waited for you."), "{page}");
    world.stop().await;
}
