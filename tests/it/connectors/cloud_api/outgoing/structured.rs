//! Buttons, lists, links, places and cards: as Meta takes them, judged like texts, told apart where they are shown.

use super::rig::{LINE, PHONE, Rig};
use crate::harness::visitor::Visitor;
use serde_json::{Value, json};
use std::time::Duration;

fn with(rig: &Rig, message: Option<&str>, members: Value) -> Value {
    let mut body = rig.message("");
    body["message"] = json!(message);
    body.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
    body
}

fn list(rows: usize) -> Value {
    let rows: Vec<Value> =
        (1..=rows).map(|n| json!({"id": format!("slot-{n}"), "title": format!("Slot {n}")})).collect();
    json!({"button": "Choose", "sections": [{"title": "Monday", "rows": rows}]})
}

#[tokio::test]
async fn each_kind_goes_as_meta_takes_it_and_is_shown_as_what_it_is() {
    let rig = Rig::start().await;
    let rows = [
        (
            with(
                &rig,
                Some("Is 9:00 good?"),
                json!({"buttons": [{"id": "y", "title": "Yes"}, {"title": "No"}], "footer": "Shop"}),
            ),
            "buttons",
            json!({"type": "button", "body": {"text": "Is 9:00 good?"}, "footer": {"text": "Shop"}, "action": {"buttons": [
                {"type": "reply", "reply": {"id": "y", "title": "Yes"}}, {"type": "reply", "reply": {"id": "No", "title": "No"}}]}}),
            "Is 9:00 good?\nYes\nNo\nShop",
        ),
        (
            with(&rig, Some("When shall we come?"), json!({"list": list(1)})),
            "list",
            json!({"type": "list", "body": {"text": "When shall we come?"}, "action": {"button": "Choose", "sections": [
                {"title": "Monday", "rows": [{"id": "slot-1", "title": "Slot 1"}]}]}}),
            "When shall we come?\nChoose\nMonday\nSlot 1",
        ),
        (
            with(
                &rig,
                Some("Your invoice 2041."),
                json!({"link_button": {"title": "Open", "url": "https://shop.example/2041"}}),
            ),
            "link",
            json!({"type": "cta_url", "body": {"text": "Your invoice 2041."}, "action": {"name": "cta_url", "parameters": {
                "display_text": "Open", "url": "https://shop.example/2041"}}}),
            "Your invoice 2041.\nOpen\nhttps://shop.example/2041",
        ),
        (
            with(&rig, None, json!({"location": {"latitude": 24.7136, "longitude": 46.6753, "name": "Shop"}})),
            "location",
            json!({"latitude": 24.7136, "longitude": 46.6753, "name": "Shop"}),
            "Shop\n24.7136, 46.6753",
        ),
        (
            with(
                &rig,
                None,
                json!({"contact": {"name": "Amal Haddad", "phone": "00966 50 111 2222", "organization": "Shop"}}),
            ),
            "contacts",
            json!([{"name": {"formatted_name": "Amal Haddad", "first_name": "Amal"}, "org": {"company": "Shop"},
                    "phones": [{"phone": "+966501112222", "wa_id": "966501112222", "type": "CELL"}]}]),
            "Amal Haddad\n+966501112222\nShop",
        ),
        (
            with(&rig, Some("May we call you?"), json!({"contact_request": true})),
            "contact_request",
            json!({"type": "request_contact_info", "body": {"text": "May we call you?"},
                   "action": {"name": "request_contact_info"}}),
            "May we call you?",
        ),
    ];
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    for (body, kind, content, words) in rows {
        rig.world.later(Duration::from_secs(60));
        let reply = rig.world.send(&body).await;
        assert_eq!(reply.status, 200, "{kind}: {}", reply.body);
        let sent = rig.last().body;
        let meta = sent["type"].as_str().expect("a type").to_owned();
        assert_eq!(sent[&meta], content, "{kind}");
        let log_id = reply.header("x-log-id").expect("a row").to_owned();
        let page = owner.get(&format!("/message-logs/{log_id}")).await.body;
        let word = match kind {
            "buttons" => "Buttons",
            "list" => "List",
            "link" => "Link",
            "location" => "Location",
            "contact_request" => "Request for contact details",
            _ => "Contact card",
        };
        let first = words.lines().next().expect("a line");
        assert!(page.contains(&format!("<dd>{word}</dd>")) && page.contains(first), "{kind}");
        let found = rig.world.number("SELECT count(*) FROM messages WHERE body LIKE '%Slot 1%'").await;
        assert_eq!(found, i64::from(kind != "buttons"), "{kind}: all words are in the log");
        let chat = owner.get(&format!("/chat?instance={LINE}&chat=c1")).await.body;
        assert!(chat.contains(words.lines().last().expect("a line")), "{kind}: the chat shows it");
    }
    rig.assert_good_manners();
}

#[tokio::test]
async fn what_is_wrong_is_said_by_field_and_reason() {
    let rig = Rig::start().await;
    let text = Some("Is 9:00 good?");
    let button = |title: &str| json!({"title": title});
    let long = "x".repeat(1025);
    for (message, members, field, told) in [
        (text, json!({"buttons": []}), "buttons", "1 to 3"),
        (text, json!({"buttons": [button("a"), button("b"), button("c"), button("d")]}), "buttons", "1 to 3"),
        (text, json!({"buttons": [button(&"x".repeat(21))]}), "buttons", "1 to 20"),
        (text, json!({"buttons": [button("a"), button("a")]}), "buttons", "stands twice"),
        (text, json!({"buttons": "yes"}), "buttons", "a list"),
        (Some(long.as_str()), json!({"buttons": [button("a")]}), "message", "1025"),
        (None, json!({"buttons": [button("a")]}), "message", ""),
        (text, json!({"list": list(11)}), "list", "11 rows"),
        (text, json!({"list": {"button": "x", "sections": []}}), "list", "at least one"),
        (text, json!({"link_button": {"title": "Open", "url": "javascript:1"}}), "link_button", "http"),
        (
            text,
            json!({"link_button": {"title": "Open", "url": "https://a.example/a b"}}),
            "link_button",
            "without blanks",
        ),
        (text, json!({"link_button": {"title": "Open"}}), "link_button", "url is missing"),
        (text, json!({"location": {"latitude": 1, "longitude": 1}}), "message", "no text"),
        (None, json!({"location": {"latitude": 91, "longitude": 1}}), "location", "from -90 to 90"),
        (None, json!({"location": {"latitude": "24", "longitude": 1}}), "location", "a number"),
        (None, json!({"contact": {"name": "Amal", "phone": "12"}}), "contact", "phone"),
        (text, json!({"buttons": [button("a")], "footer": "x".repeat(61)}), "footer", "1 to 60"),
        (text, json!({"buttons": [button("a")], "list": list(1)}), "list", "stands alone"),
    ] {
        let reply = rig.world.send(&with(&rig, message, members.clone())).await;
        assert_eq!((reply.status, reply.error()), (422, "validation_error".to_owned()), "{members}: {}", reply.body);
        let details = reply.json()["details"].clone();
        assert_eq!(details["fields"], json!([field]), "{members}: {details}");
        assert!(details["reason"].as_str().unwrap_or_default().contains(told), "{members}: {details}");
    }
    assert!(rig.graph.sent().is_empty());
}

/// Words on a button are words.
#[tokio::test]
async fn the_guard_reads_every_word() {
    let rig = Rig::start().await;
    rig.world.later(Duration::from_secs(25 * 3600));
    let late = rig.world.send(&with(&rig, Some("Good?"), json!({"buttons": [{"title": "Yes"}]}))).await;
    assert_eq!(late.error(), "conversation_window_closed");
    rig.hears(PHONE).await;
    let spam = crate::harness::world::SPAM;
    let organization: String = spam.chars().take(250).collect();
    for body in [
        with(&rig, Some(spam), json!({"buttons": [{"title": "Yes"}]})),
        with(&rig, None, json!({"contact": {"name": "Amal", "phone": "+966501112222", "organization": organization}})),
        with(&rig, None, json!({"location": {"latitude": 1, "longitude": 1, "name": organization}})),
    ] {
        let reply = rig.world.send(&body).await;
        assert_eq!(reply.error(), "policy_violation", "{body}: {}", reply.body);
    }
    assert!(rig.graph.sent().is_empty());
}
