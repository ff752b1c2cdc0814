//! A number that others write from, too: the owner's own phone beside the Cloud API, Meta's agent, and messages about
//! earlier ones. The shapes are those of pywa 4.5 and of courier's and two other projects' tests, with other names.

use super::rig::{LINE, Rig, SHEENA, change, contact, text, value};
use crate::harness::visitor::Visitor;
use serde_json::{Value, json};

const AT: i64 = 1_780_300_740;
const OWN: &str = "15550783881";

/// What the owner wrote on the phone.
fn echo(id: &str, at: i64, body: &str) -> Value {
    json!({"from": OWN, "to": SHEENA, "id": id, "timestamp": at.to_string(), "type": "text", "text": {"body": body}})
}

fn edit(id: &str, of: &str, at: i64, body: &str) -> Value {
    json!({"from": SHEENA, "id": id, "timestamp": at.to_string(), "type": "edit",
           "edit": {"original_message_id": of, "message": {"context": {"id": "wamid.c"}, "type": "text",
                                                           "text": {"body": body}}}})
}

fn revoke(id: &str, of: &str, at: i64) -> Value {
    json!({"from": SHEENA, "id": id, "timestamp": at.to_string(), "type": "revoke", "revoke": {"original_message_id": of}})
}

fn heard(message: Value) -> Value {
    json!({"contacts": [contact("Sheena", SHEENA)], "messages": [message]})
}

async fn suppressed(rig: &Rig) -> i64 {
    rig.row("SELECT count(*) AS n FROM suppressions WHERE lifted_at IS NULL").await["n"].as_i64().expect("a number")
}

/// Type, text and whether it is ours of each line that the Chattu dialect lists.
async fn chattu_lines(owner: &mut Visitor) -> Vec<(String, String, bool)> {
    let listed = owner.get(&format!("/api/chats/{LINE}/{SHEENA}@c.us/messages")).await;
    assert_eq!(listed.status, 200, "{}", listed.body);
    let told = listed.json();
    let word = |m: &Value, name: &str| m[name].as_str().expect("a word").to_owned();
    let lines = told["messages"].as_array().expect("a list");
    lines.iter().map(|m| (word(m, "type"), word(m, "body"), m["fromMe"] == true)).collect()
}

fn owned((kind, text, is_ours): (&str, &str, bool)) -> (String, String, bool) {
    (kind.to_owned(), text.to_owned(), is_ours)
}

#[tokio::test]
async fn a_day_of_coexistence() {
    let rig = Rig::start().await;
    rig.world.with_chattu(rig.world.account).await;
    rig.bring_value(heard(text("wamid.1", SHEENA, AT, "2 pieces"))).await;
    rig.bring(&change("smb_message_echoes", value(json!({"message_echoes": [echo("wamid.2", AT + 1, "Coming up")]}))))
        .await;
    // Twice: it is one.
    rig.bring(&change("smb_message_echoes", value(json!({"message_echoes": [echo("wamid.2", AT + 1, "Coming up")]}))))
        .await;
    let events = rig.events().await;
    let sent: Vec<&Value> = events.iter().filter(|e| e["event"] == "message.sent").collect();
    let [sent] = sent[..] else { panic!("one of the phone's: {events:?}") };
    assert_eq!((&sent["source"], &sent["message_text"]), (&json!("phone"), &json!("Coming up")));
    assert_eq!((&sent["to"], &sent["provider_message_id"]), (&json!(format!("+{SHEENA}")), &json!("wamid.2")));
    assert_eq!((&sent["log_id"], &sent["message_purpose"]), (&Value::Null, &Value::Null));
    let row = rig.row("SELECT unread_count, sequence FROM conversations").await;
    assert_eq!(row, json!({"unread_count": 0, "sequence": 1}), "whoever answers has read it");
    assert_eq!(rig.counts().await["messages"], 0, "never ours to bill or to judge");

    rig.bring_value(heard(edit("wamid.3", "wamid.1", AT + 2, "3 pieces"))).await;
    let told = rig.events().await.into_iter().rfind(|e| e["event"] == "message.received").expect("an event");
    assert_eq!((&told["message_type"], &told["message_text"]), (&json!("edit"), &json!("3 pieces")));
    assert_eq!((&told["reply_to"], &told["changed_provider_message_id"]), (&json!("wamid.1"), &json!("wamid.1")));
    assert_eq!(told["changed_message_id"], "inb_1");
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let chat = format!("/chat?instance={LINE}&chat=c1");
    let page = owner.get(&chat).await.body;
    assert_eq!(page.matches("data-id=\"inb_").count(), 2, "two lines: {page}");
    for shown in ["3 pieces</p>", "Edited", "<p dir=\"auto\">2 pieces</p>", "Coming up", "The phone"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(page.contains("line mine"), "the phone's stands on our side");
    assert_eq!(chattu_lines(&mut owner).await, [("chat", "3 pieces", false), ("chat", "Coming up", true)].map(owned));

    rig.bring_value(heard(revoke("wamid.4", "wamid.1", AT + 3))).await;
    let told = rig.events().await.into_iter().rfind(|e| e["event"] == "message.received").expect("an event");
    assert_eq!((&told["message_type"], &told["message_text"]), (&json!("revoke"), &Value::Null));
    assert_eq!(told["changed_provider_message_id"], "wamid.1");
    let page = owner.get(&chat).await.body;
    assert!(page.contains("Deleted by whoever wrote it") && page.contains("3 pieces"), "the old text is kept: {page}");
    let deleted = [("revoked", "This message was deleted.", false), ("chat", "Coming up", true)];
    assert_eq!(chattu_lines(&mut owner).await, deleted.map(owned));

    rig.bring_value(heard(text("wamid.5", SHEENA, AT + 4, "Thanks"))).await;
    rig.bring_value(heard(edit("wamid.6", "wamid.5", AT + 5, "STOP"))).await;
    assert_eq!(suppressed(&rig).await, 1, "an edit to STOP is an opt-out");
    assert!(rig.event_names().await.contains(&"recipient.opted_out".to_owned()));
}

#[tokio::test]
async fn the_phone_edits_and_deletes_what_it_wrote_and_nobody_else_can() {
    let rig = Rig::start().await;
    let echoed = |list: Vec<Value>| change("smb_message_echoes", value(json!({"message_echoes": list})));
    rig.bring(&echoed(vec![echo("wamid.1", AT, "Open until six")])).await;
    let mut own = edit("wamid.2", "wamid.1", AT + 1, "Open until seven");
    own["from"] = json!(OWN);
    own["to"] = json!(SHEENA);
    rig.bring(&echoed(vec![own])).await;
    // Theirs about ours changes nothing.
    rig.bring_value(heard(edit("wamid.3", "wamid.1", AT + 2, "Open all night"))).await;
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let page = owner.get(&format!("/chat?instance={LINE}&chat=c1")).await.body;
    assert!(page.contains("Open until seven</p>"), "{page}");
    let events = rig.events().await;
    let sources: Vec<_> = events.iter().filter(|e| e["event"] == "message.sent").map(|e| &e["message_type"]).collect();
    assert_eq!(sources, ["text", "edit"]);
}

/// An edit may name the edit before it; one that cannot be read leaves the words as they were.
#[tokio::test]
async fn an_edit_of_an_edit_changes_what_was_written_first() {
    let rig = Rig::start().await;
    rig.bring_value(heard(text("wamid.1", SHEENA, AT, "2 pieces"))).await;
    rig.bring_value(heard(edit("wamid.2", "wamid.1", AT + 1, "3 pieces"))).await;
    rig.bring_value(heard(edit("wamid.3", "wamid.2", AT + 2, "4 pieces"))).await;
    rig.bring_value(heard(edit("wamid.4", "wamid.3", AT + 3, "5 pieces"))).await;
    let mut unread = edit("wamid.5", "wamid.1", AT + 4, "");
    unread["edit"].as_object_mut().expect("an object").remove("message");
    rig.bring_value(heard(unread)).await;
    let events = rig.events().await;
    let changed: Vec<_> = events
        .iter()
        .filter(|e| e["event"] == "message.received" && e["message_type"] == "edit")
        .map(|e| &e["reply_to"])
        .collect();
    assert_eq!(changed, ["wamid.1"; 4], "{events:?}");
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let chat = format!("/chat?instance={LINE}&chat=c1");
    let page = owner.get(&chat).await.body;
    assert!(page.contains("5 pieces</p>") && page.matches(" data-key=").count() == 1, "{page}");
    rig.bring_value(heard(revoke("wamid.6", "wamid.4", AT + 5))).await;
    assert!(owner.get(&chat).await.body.contains("Deleted by whoever wrote it"));
}

#[tokio::test]
async fn a_word_that_the_phone_offered_is_an_answer() {
    let rig = Rig::start().await;
    let offer = echo("wamid.1", AT - 60, "Reply CANCEL to cancel your table.");
    rig.bring(&change("smb_message_echoes", value(json!({"message_echoes": [offer]})))).await;
    rig.bring_value(heard(text("wamid.2", SHEENA, AT, "CANCEL"))).await;
    assert_eq!(suppressed(&rig).await, 0);
}

#[tokio::test]
async fn standby_is_heard_and_the_chat_says_who_has_it() {
    let rig = Rig::start().await;
    let standby = |inner: Value| {
        let mut told = value(json!({"contacts": [contact("Sheena", SHEENA)]}));
        told["standby"] = inner;
        change("standby", told)
    };
    rig.bring(&standby(json!({"messages": [text("wamid.1", SHEENA, AT, "When do you open?")]}))).await;
    let answer = json!({"id": "wamid.2", "timestamp": AT.to_string(),
                        "message": {"to": SHEENA, "type": "text", "text": {"body": "At nine"}}});
    rig.bring(&standby(json!({"message_echoes": [answer]}))).await;
    let events = rig.events().await;
    let received = events.iter().find(|e| e["event"] == "message.received").expect("an event");
    assert_eq!(received["standby"], json!(true));
    let sent = events.iter().find(|e| e["event"] == "message.sent").expect("an event");
    assert_eq!((&sent["source"], &sent["message_text"]), (&json!("agent"), &json!("At nine")));
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let chat = format!("/chat?instance={LINE}&chat=c1");
    let held = "agent has this conversation";
    assert!(owner.get(&chat).await.body.contains(held));
    let passed = json!({
        "messaging_product": "whatsapp", "recipient": {"display_phone_number": OWN, "phone_number_id": super::rig::NUMBER},
        "sender": {"phone_number": SHEENA}, "timestamp": AT.to_string(), "type": "control_passed",
        "control_passed": {"metadata": "m", "previous_owner_app_role": "meta_business_agent", "new_owner_role": "escalation"},
    });
    rig.bring(&change("messaging_handovers", passed)).await;
    assert!(!owner.get(&chat).await.body.contains(held), "it was handed to us");
    rig.bring(&standby(json!({"messages": [text("wamid.3", SHEENA, AT, "STOP")]}))).await;
    assert_eq!(suppressed(&rig).await, 1);
    // The other shape that is written of.
    let flat = value(json!({"messages": [text("wamid.4", SHEENA, AT + 1, "START")]}));
    rig.bring(&change("standby", flat)).await;
    assert_eq!(suppressed(&rig).await, 0);
}

#[tokio::test]
async fn history_is_shown_and_told_to_no_program() {
    let rig = Rig::start().await;
    let old = AT - 90 * 86_400;
    let thread = |messages: Value| {
        change(
            "history",
            value(json!({"history": [{"metadata": {"phase": 1, "chunk_order": 1, "progress": 50},
                                      "threads": [{"id": SHEENA, "messages": messages}]}]})),
        )
    };
    let mut ours = echo("wamid.2", old + 1, "Yes, on Monday");
    ours.as_object_mut().expect("an object").remove("to");
    ours["history_context"] = json!({"status": "READ"});
    let placeholder = json!({"from": SHEENA, "id": "wamid.3", "timestamp": (old + 2).to_string(),
                             "type": "media_placeholder", "history_context": {"status": "READ"}});
    rig.bring(&thread(json!([text("wamid.1", SHEENA, old, "Do you deliver?"), ours, placeholder]))).await;
    assert_eq!(rig.event_names().await, Vec::<String>::new());
    let counts = rig.counts().await;
    assert_eq!((counts["inbound_messages"], counts["messages"], counts["contacts"]), (3, 0, 1));
    let row = rig.row("SELECT unread_count, last_message_at FROM conversations").await;
    assert_eq!(row["unread_count"], 0);
    // The file behind a placeholder comes later, under its id.
    let file = json!({"from": SHEENA, "id": "wamid.3", "timestamp": (old + 2).to_string(), "type": "image",
                      "image": {"id": "77", "mime_type": "image/jpeg", "caption": "Our gate"}});
    rig.bring(&change("history", value(json!({"messages": [file]})))).await;
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let page = owner.get(&format!("/chat?instance={LINE}&chat=c1")).await.body;
    for shown in ["Do you deliver?", "Yes, on Monday", "Our gate"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    // What was said then holds, unless it was taken back since: the newest comes first.
    rig.bring(&thread(json!([text("wamid.5", SHEENA, old + 50, "START"), text("wamid.4", SHEENA, old + 40, "STOP")])))
        .await;
    assert_eq!(suppressed(&rig).await, 0);
    rig.bring(&thread(json!([text("wamid.6", SHEENA, old + 60, "STOP")]))).await;
    assert_eq!(suppressed(&rig).await, 1);
}

#[tokio::test]
async fn the_address_book_names_those_whom_we_know() {
    let rig = Rig::start().await;
    let nameless = json!({"messages": [text("wamid.1", SHEENA, AT, "Hi")]});
    rig.bring_value(nameless).await;
    let entry = |phone: &str, name: &str| {
        json!({"type": "contact", "contact": {"full_name": name, "first_name": name, "phone_number": phone},
               "action": "add", "metadata": {"timestamp": AT.to_string()}})
    };
    let sync = json!({"state_sync": [entry(SHEENA, "Sheena of the bakery"), entry("16505550000", "A stranger")]});
    rig.bring(&change("smb_app_state_sync", value(sync))).await;
    assert_eq!(rig.row("SELECT name FROM contacts").await["name"], "Sheena of the bakery");
    assert_eq!(rig.counts().await["provider_news"], 2, "each entry leaves a row");
}
