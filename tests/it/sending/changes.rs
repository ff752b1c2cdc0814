//! Edits and deletions of our own messages: through the guard like any message, to the very message that was meant, told
//! to programs, and shown on it.

use crate::harness::{
    contract::{assert_refused, assert_refused_with},
    visitor::Visitor,
    world::{INSTANCE, PHONE, World, message},
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::{app::commands::WebhookCreate, store::StoreError};

const OTHER: &str = "+966507654321";

fn edit(about: &Value, text: &str) -> Value {
    json!({"instance_id": INSTANCE, "phone": PHONE, "message_purpose": "transactional", "message": text,
           "edit": {"message_id": about}})
}

fn delete(about: &Value) -> Value {
    json!({"instance_id": INSTANCE, "phone": PHONE, "message_purpose": "transactional",
           "delete": {"message_id": about}})
}

#[tokio::test]
async fn an_edit_and_a_deletion_reach_the_phone_and_count_like_messages() {
    let world = World::start().await;
    let sent = world.send(&message()).await.json();
    let at_provider = world.inbox().await[0]["provider_message_id"].clone();
    for about in [&sent["message_id"], &at_provider] {
        let reply = world.send(&edit(about, "Your order 2042 has been shipped.")).await;
        assert_eq!((reply.status, &reply.json()["status"]), (200, &json!("sent")), "{}", reply.body);
        let inbox = world.inbox().await;
        let last = inbox.last().expect("it");
        assert_eq!((&last["kind"], &last["reply_to"]), (&json!("edit"), &at_provider));
        assert_eq!(last["text"], "Your order 2042 has been shipped.");
        let row = world.row(&reply.json()["log_id"]).await;
        assert_eq!((&row["kind"], &row["quota"]), (&json!("edit"), &json!("counted")));
        world.later(Duration::from_secs(60));
    }
    let reply = world.send(&delete(&sent["message_id"])).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let inbox = world.inbox().await;
    let last = inbox.last().expect("it");
    assert_eq!((&last["kind"], &last["text"], &last["reply_to"]), (&json!("revoke"), &json!(""), &at_provider));
    assert_eq!(world.used().await, (4, 4));
    for body in [edit(&sent["message_id"], "Too late."), delete(&sent["message_id"])] {
        let field = if body["edit"].is_null() { "delete.message_id" } else { "edit.message_id" };
        let reply = world.send(&body).await;
        assert_refused_with(&reply, "validation_error", json!({"fields": [field]}));
        let details = &reply.json()["details"];
        assert!(details["reason"].as_str().is_some_and(|why| why.contains("taken back")), "{details}");
    }
    world.stop().await;
}

#[tokio::test]
async fn what_is_too_old_or_not_ours_is_named_with_what_would_be_right() {
    let world = World::start().await;
    let sent = world.send(&message()).await.json();
    let ours = &sent["message_id"];
    world.hears(PHONE, "Thank you").await;
    let theirs = json!("inb_1");
    let why = async |body: &Value| {
        let reply = world.send(body).await;
        assert_eq!((reply.status, reply.error()), (422, "validation_error".into()), "{}", reply.body);
        let details = reply.json()["details"].clone();
        (details["fields"].clone(), details["reason"].as_str().unwrap_or_default().to_owned())
    };
    for (body, field, told) in [
        (edit(&theirs, "x"), "edit.message_id", "this number's own"),
        (delete(&theirs), "delete.message_id", "this number's own"),
        (edit(&json!("msg_unknown"), "x"), "edit.message_id", ""),
        (delete(&json!("wamid.unknown")), "delete.message_id", ""),
        (edit(&json!(5), "x"), "edit.message_id", ""),
    ] {
        let (fields, reason) = why(&body).await;
        assert_eq!(fields, json!([field]), "{body}");
        assert!(reason.contains(told), "{body}: {reason}");
    }
    let mut to_another = edit(ours, "x");
    to_another["phone"] = json!(OTHER);
    assert_eq!(why(&to_another).await.0, json!(["edit.message_id"]));
    world.later(Duration::from_secs(15 * 60 + 1));
    let (fields, reason) = why(&edit(ours, "x")).await;
    assert_eq!(fields, json!(["edit.message_id"]));
    assert!(reason.contains("15 minutes"), "{reason}");
    world.later(Duration::from_secs(59 * 3600));
    assert_eq!(world.send(&delete(ours)).await.status, 200, "two days later it is still taken back");
    world.stop().await;
}

#[tokio::test]
async fn a_change_stands_alone() {
    let world = World::start().await;
    let sent = world.send(&message()).await.json();
    let ours = &sent["message_id"];
    for (field, value, fields) in [
        ("reply_to", ours.clone(), vec!["edit"]),
        ("template", json!({"name": "n", "language": "en"}), vec!["edit"]),
        ("media_url", json!("https://files.example/a.png"), vec!["media_type", "edit"]),
        ("reaction", json!({"message_id": ours, "emoji": "👍"}), vec!["reaction", "edit"]),
        ("delete", json!({"message_id": ours}), vec!["edit"]),
        ("buttons", json!([{"title": "Yes"}]), vec!["buttons"]),
        ("message", json!(null), vec!["message"]),
        ("message", json!("  "), vec!["message"]),
        ("edit", json!("msg_1"), vec!["edit"]),
    ] {
        let mut body = edit(ours, "x");
        body[field] = value;
        let reply = world.send(&body).await;
        assert_refused_with(&reply, "validation_error", json!({"fields": fields}));
    }
    let mut with_words = delete(ours);
    with_words["message"] = json!("x");
    assert_refused_with(&world.send(&with_words).await, "validation_error", json!({"fields": ["delete"]}));
    assert_eq!(world.inbox().await.len(), 1);
    world.stop().await;
}

#[tokio::test]
async fn the_guard_judges_the_new_words_and_whom_they_reach() {
    let world = World::start().await;
    let sent = world.send(&message()).await.json();
    let ours = &sent["message_id"];
    let offer = "MEGA SALE!!! 70% OFF everything, buy now, limited offer, click https://bit.ly/x";
    assert_eq!(world.send(&edit(ours, offer)).await.error(), "policy_violation");
    world.pause().await;
    assert_refused(&world.send(&delete(ours)).await, "instance_paused_for_review");
    world.resume().await;
    world.suppress(PHONE).await;
    assert_refused(&world.send(&edit(ours, "Your order 2042 is here.")).await, "recipient_suppressed");
    assert_eq!(world.inbox().await.len(), 1);
    world.stop().await;
}

#[tokio::test]
async fn programs_hear_which_message_changed_and_the_chat_shows_it_as_it_is_now() {
    let world = World::start().await;
    let endpoint = WebhookCreate {
        account: world.account,
        url: "https://shop.example/events".into(),
        events: vec!["message.sent".into()],
        ..Default::default()
    };
    world.command(endpoint).await.expect("an endpoint");
    let sent = world.send(&message()).await.json();
    let at_provider = world.inbox().await[0]["provider_message_id"].clone();
    let edited = world.send(&edit(&sent["message_id"], "Your order 2042 has been shipped.")).await.json();
    let newest = world
        .gateway()
        .store
        .read(|tx| tx.one("SELECT body FROM events ORDER BY id DESC LIMIT 1", [], |r| r.get::<_, String>(0)));
    let told = newest.await.map_err(|e: StoreError| e.to_string()).expect("an event");
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["message_id"], edited["message_id"]);
    assert_eq!(told["message_text"], "Your order 2042 has been shipped.");
    assert_eq!(
        (&told["changed_message_id"], &told["changed_provider_message_id"]),
        (&sent["message_id"], &at_provider)
    );
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let chat = format!("/chat?instance={INSTANCE}&chat=c1");
    let page = owner.get(&chat).await.body;
    assert!(page.contains("Your order 2042 has been shipped."), "{page}");
    assert_eq!(page.matches("<li class=\"line ").count(), 2, "the message and the line that waits to be sent: {page}");
    assert!(page.contains("data-edit") && page.contains("data-delete"), "{page}");
    world.send(&delete(&sent["message_id"])).await;
    let page = owner.get(&chat).await.body;
    assert!(page.contains("Deleted by whoever wrote it") && !page.contains("data-edit"), "{page}");
    world.stop().await;
}
