//! What comes late, or in another order than it happened: Meta brings a call again for days, and promises no order. Each
//! event says when it happened; a hidden id's change is kept, whatever is heard before it.

use super::rig::{LINE, Rig, SHEENA, change, contact, text, value};
use crate::harness::{
    http,
    world::{message_to, update},
};
use serde_json::{Value, json};
use wa_gateway::app::commands::{KeyCreate, PersonErase, PersonExport, ThreecxSettings};
use wa_gateway::model::clock::{Clock as _, Time};

const HOUR: i64 = 3600;
/// The hidden ids of one person, one after the other.
const IDS: [&str; 3] = ["US.1111", "US.2222", "US.3333"];

/// When the gateway hears it.
fn now(rig: &Rig) -> i64 {
    rig.world.clock.now().seconds()
}

fn shown(seconds: i64) -> Value {
    json!(Time::from_millis(seconds * 1000).to_second())
}

fn says(id: &str, user: &str, at: i64, words: &str) -> Value {
    json!({"contacts": [{"profile": {"name": "Sheena"}, "user_id": user}],
           "messages": [{"from_user_id": user, "id": id, "timestamp": at.to_string(), "type": "text",
                         "text": {"body": words}}]})
}

/// The note as it usually comes: with nobody beside it.
fn note(from: &str, to: &str, at: i64) -> Value {
    json!({"messages": [{"id": format!("wamid.{from}.{to}"), "timestamp": at.to_string(), "type": "system",
        "system": {"body": "User ID changed", "type": "user_changed_user_id", "user_id": to, "previous_user_id": from}}]})
}

/// The same by the field of its own.
fn updated(from: &str, to: &str, at: i64) -> Value {
    json!({"user_id_update": [{"detail": "The user id changed.", "timestamp": at.to_string(),
                               "user_id": {"previous": from, "current": to}}]})
}

/// Whether a message to whoever has this hidden id is refused, because the person said STOP under a former one.
async fn is_suppressed(rig: &Rig, user: &str) -> bool {
    let contact = rig.row(&format!("SELECT contact_id FROM contact_identities WHERE value = '{user}'")).await;
    let mut to = message_to(&format!("contact:{}", contact["contact_id"]));
    to["instance_id"] = json!(LINE);
    rig.world.send(&to).await.error() == "recipient_suppressed"
}

#[tokio::test]
async fn a_stop_under_a_former_hidden_id_holds_in_whatever_order_it_is_told() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for by_field in [false, true] {
            let rig = Rig::start().await;
            let at = now(&rig) - HOUR;
            for part in order {
                let (first, second) = ((IDS[0], IDS[1], at + 10), (IDS[1], IDS[2], at + 20));
                let changed = if part == 1 { first } else { second };
                match (part, by_field) {
                    (0, _) => rig.bring_value(says("wamid.stop", IDS[0], at, "STOP")).await,
                    (_, false) => rig.bring_value(note(changed.0, changed.1, changed.2)).await,
                    (_, true) => {
                        let told = value(updated(changed.0, changed.1, changed.2));
                        rig.bring(&change("user_id_update", told)).await;
                    }
                }
            }
            rig.bring_value(says("wamid.hi", IDS[2], at + 30, "Hello")).await;
            assert!(is_suppressed(&rig, IDS[2]).await, "{order:?}, by the field of its own: {by_field}");
            assert_eq!(rig.counts().await["contacts"], 1, "{order:?}");
            let good = "SELECT value FROM contact_identities WHERE kind = 'bsuid' AND former_at IS NULL";
            assert_eq!(rig.row(good).await["value"], IDS[2], "{order:?}");
        }
    }
}

#[tokio::test]
async fn a_note_about_whoever_was_not_known_stands_in_their_chat_once() {
    let rig = Rig::start().await;
    let at = now(&rig) - HOUR;
    // In one call, the note before what it is about; and the call comes again.
    let mut both = change("messages", value(note(IDS[0], IDS[1], at + 10)));
    let stop = change("messages", value(says("wamid.stop", IDS[0], at, "STOP")));
    let stop = stop["entry"][0]["changes"][0].clone();
    both["entry"][0]["changes"].as_array_mut().expect("changes").push(stop);
    for _ in 0..2 {
        rig.bring(&both).await;
    }
    let rows = rig.rows("SELECT kind, chat FROM inbound_messages ORDER BY kind").await;
    assert_eq!(json!(rows), json!([{"kind": "system", "chat": "contact:1"}, {"kind": "text", "chat": "contact:1"}]));
    assert!(is_suppressed(&rig, IDS[1]).await);
    // Nothing is told of a person but what they said.
    let names: Vec<String> = rig.event_names().await.into_iter().filter(|n| n != "conversation.updated").collect();
    assert_eq!(names, ["message.received", "recipient.opted_out"]);
    // Back to the id of before: it is good again, and the other one is not.
    rig.bring_value(note(IDS[1], IDS[0], at + 20)).await;
    let good = "SELECT value FROM contact_identities WHERE kind = 'bsuid' AND former_at IS NULL";
    assert_eq!(rig.row(good).await["value"], IDS[0]);
}

#[tokio::test]
async fn an_event_says_when_it_happened_and_never_the_future() {
    let rig = Rig::start().await;
    let (at, now) = (now(&rig) - HOUR, now(&rig));
    let said = |id: &str, at: i64, words: &str| json!({"contacts": [contact("Sheena", SHEENA)], "messages": [text(id, SHEENA, at, words)]});
    rig.bring_value(said("wamid.1", at, "Hello")).await;
    let mut ours = message_to(&format!("+{SHEENA}"));
    ours["instance_id"] = json!(LINE);
    rig.world.send(&ours).await;
    rig.change("UPDATE messages SET status = 'sending', provider_message_id = 'wamid.ours'").await;
    let status =
        json!({"id": "wamid.ours", "status": "delivered", "timestamp": (at + 60).to_string(), "recipient_id": SHEENA});
    rig.bring_value(json!({"statuses": [status]})).await;
    let call = json!({"id": "wacid.1", "from": SHEENA, "to": "15550783881", "event": "terminate", "status": "FAILED",
                      "timestamp": (at + 120).to_string(), "direction": "USER_INITIATED"});
    rig.bring(&change("calls", value(json!({"calls": [call]})))).await;
    rig.bring_value(said("wamid.2", at + 180, "STOP")).await;
    // A clock that is a day ahead of ours.
    rig.bring_value(said("wamid.3", now + 24 * HOUR, "Are you there?")).await;
    let told: Vec<(String, Value)> = rig
        .events()
        .await
        .into_iter()
        .map(|e| (e["event"].as_str().expect("a name").to_owned(), e["timestamp"].clone()))
        .filter(|(name, _)| {
            !["message.status_updated", "message.failed", "conversation.updated"].contains(&name.as_str())
        })
        .collect();
    let expected = [
        ("message.received", at),
        ("message.sent", at + 60),
        ("message.delivered", at + 60),
        ("call.received", at + 120),
        ("call.missed", at + 120),
        ("message.received", at + 180),
        ("recipient.opted_out", at + 180),
        ("message.received", now),
    ];
    assert_eq!(told, expected.map(|(name, at)| (name.to_owned(), shown(at))));
    // How a conversation stands is news of now.
    let conversations: Vec<Value> =
        rig.events().await.into_iter().filter(|e| e["event"] == "conversation.updated").collect();
    assert!(
        !conversations.is_empty() && conversations.iter().all(|e| e["timestamp"] == shown(now)),
        "{conversations:?}"
    );
    let since = rig.row("SELECT since FROM suppressions").await;
    assert_eq!(since["since"], json!((at + 180) * 1000));
}

/// A word that counted is found again by when it was said: START after it lifts, one from before it does not.
#[tokio::test]
async fn an_opt_out_that_comes_late_is_of_its_time() {
    let rig = Rig::start().await;
    let (at, now) = (now(&rig) - HOUR, now(&rig));
    let said = |id: &str, at: i64, words: &str| json!({"messages": [text(id, SHEENA, at, words)]});
    let in_force = "SELECT count(*) AS n FROM suppressions WHERE lifted_at IS NULL";
    rig.bring_value(said("wamid.1", at, "CANCEL")).await;
    assert_eq!(rig.row(in_force).await["n"], 1);
    rig.bring_value(said("wamid.2", at - 60, "START")).await;
    assert_eq!(rig.row(in_force).await["n"], 1, "they said the other thing after that");
    rig.bring_value(said("wamid.3", now, "START")).await;
    assert_eq!(rig.row(in_force).await["n"], 0);
}

#[tokio::test]
async fn other_shapes_of_an_event_have_the_same_time() {
    let rig = Rig::start().await;
    rig.world.enable_threecx().await;
    let settings = ThreecxSettings {
        destination: Some("https://pbx.example/sms".into()),
        mode: Some("sms".into()),
        trunk_number: Some("+966112345678".into()),
        ..Default::default()
    };
    rig.world.another_pbx(LINE, settings).await;
    let mut request = update(rig.world.account);
    request.modules = Some(vec!["api_access".into(), "3cx".into(), "chattu".into()]);
    rig.world.update_account(request).await;
    let make =
        KeyCreate { account: rig.world.account, name: "chattu".into(), kind: "chattu".into(), ..Default::default() };
    let key = rig.world.command(make).await.expect("a key")["key"].as_str().expect("its text").to_owned();
    let headers = [format!("x-api-key: {key}"), "Content-Type: application/json".to_owned()];
    let hook = json!({"clientId": LINE, "webhookUrl": "https://shop.example/chattu"}).to_string();
    let reply = http::call(rig.world.address(), "POST", "/api/update-webhook", &headers, hook.as_bytes()).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let at = now(&rig) - HOUR;
    rig.bring_value(json!({"messages": [text("wamid.1", SHEENA, at, "Hello")]})).await;
    let events = rig.events().await;
    let sms = events.iter().find(|e| e["data"]["event_type"] == "message.received").expect("a text message");
    assert_eq!((&sms["data"]["occurred_at"], &sms["data"]["payload"]["received_at"]), (&shown(at), &shown(at)));
    let chattu = events.iter().find(|e| e["event"] == "message_received").expect("the dialect's");
    assert_eq!(chattu["data"]["timestamp"], json!(at * 1000));
}

#[tokio::test]
async fn a_name_that_is_known_stands_where_the_call_has_none() {
    let rig = Rig::start().await;
    let at = now(&rig);
    rig.bring_value(
        json!({"contacts": [contact("Sheena", SHEENA)], "messages": [text("wamid.1", SHEENA, at, "2 pieces")]}),
    )
    .await;
    rig.bring_value(json!({"messages": [text("wamid.2", SHEENA, at + 1, "Hello?")]})).await;
    rig.bring_value(json!({"contacts": [{"profile": {}, "wa_id": SHEENA}], "messages": [text("wamid.3", SHEENA, at + 2, "Hello??")]})).await;
    let edit = json!({"from": SHEENA, "id": "wamid.4", "timestamp": (at + 3).to_string(), "type": "edit",
        "edit": {"original_message_id": "wamid.1", "message": {"type": "text", "text": {"body": "3 pieces"}}}});
    rig.bring_value(json!({"messages": [edit]})).await;
    let revoke = json!({"from": SHEENA, "id": "wamid.5", "timestamp": (at + 4).to_string(), "type": "revoke",
                        "revoke": {"original_message_id": "wamid.2"}});
    rig.bring_value(json!({"messages": [revoke]})).await;
    // Written on the number's own phone: the chat is read, and still the same person's.
    let echo = json!({"from": "15550783881", "to": SHEENA, "id": "wamid.6", "timestamp": (at + 5).to_string(), "type": "text",
                      "text": {"body": "Coming up"}});
    rig.bring(&change("smb_message_echoes", value(json!({"message_echoes": [echo]})))).await;
    let events = rig.events().await;
    let named: Vec<&Value> = events.iter().filter(|e| e.get("contact_name").is_some()).collect();
    assert_eq!(named.len(), 11, "{named:?}");
    for event in named {
        assert_eq!(event["contact_name"], "Sheena", "{event}");
    }
}

/// Whoever is only told of, as everybody in a phone's address book is, can be shown and erased.
#[tokio::test]
async fn who_is_only_in_a_providers_news_is_exported_and_erased() {
    let rig = Rig::start().await;
    let (theirs, other) = ("966507654321", "966507654322");
    let entry = |name: &str, number: &str| {
        json!({"type": "contact", "action": "add",
        "contact": {"full_name": name, "phone_number": number}, "metadata": {"timestamp": now(&rig).to_string()}})
    };
    let book = json!({"state_sync": [entry("Book Person", theirs), entry("Someone Else", other), entry("Longer", "9665076543210")]});
    rig.bring(&change("smb_app_state_sync", value(book))).await;
    let wants = json!({"wa_id": theirs, "detail": "User requested to stop marketing messages", "category": "marketing_messages",
                       "value": "stop", "timestamp": now(&rig)});
    rig.bring(&change(
        "user_preferences",
        value(json!({"contacts": [contact("Book Person", theirs)], "user_preferences": [wants]})),
    ))
    .await;
    let nameless =
        json!({"from": theirs, "timestamp": now(&rig).to_string(), "type": "text", "text": {"body": "no id"}});
    rig.bring_value(json!({"messages": [nameless]})).await;
    let raw =
        async || rig.rows("SELECT raw FROM provider_news").await.iter().map(ToString::to_string).collect::<String>();
    let person = || format!("+{theirs}");
    let exported = rig.world.command(PersonExport { phone: person() }).await.expect("exported");
    let news = exported["provider_news"].as_array().expect("a list");
    assert!(
        !news.is_empty() && news.iter().all(|row| row["raw"].as_str().is_some_and(|raw| raw.contains(theirs))),
        "{exported}"
    );
    for stranger in [other, "9665076543210"] {
        assert!(!exported.to_string().contains(stranger), "{exported}");
    }
    assert!(raw().await.contains("Book Person"), "the control");
    let report = rig.world.command(PersonErase { phone: person() }).await.expect("erased");
    assert_eq!(report["news"], json!(news.len()), "{report}");
    let left = raw().await;
    assert!(!left.contains(&format!("{theirs}\\\"")) && !left.contains("Book Person"), "{left}");
    assert!(left.contains(other) && left.contains("9665076543210"), "others stay: {left}");
    let again = rig.world.command(PersonErase { phone: person() }).await.expect_err("gone");
    assert!(again.contains("nobody"), "{again}");
}

/// What telephone systems asked about a person says only how it ended, once the person is erased.
#[tokio::test]
async fn a_telephone_systems_requests_about_who_was_erased_are_empty() {
    let rig = Rig::start().await;
    let pbx = rig.world.pbx(ThreecxSettings { outbound: Some(true), ..Default::default() }).await;
    let marker = "Zaytoun-88";
    rig.world.hears(&format!("+{SHEENA}"), "Hello").await;
    let add = wa_gateway::app::commands::SuppressAdd {
        account: rig.world.account,
        phone: format!("+{SHEENA}"),
        reason: Some(marker.into()),
    };
    rig.world.command(add).await.expect("suppressed");
    let mut body = crate::harness::pbx::reply_to(&format!("+{SHEENA}"));
    body["conversation_id"] = json!(marker);
    assert_eq!(rig.world.event(&pbx, &body).await.error(), "recipient_suppressed");
    let mut others = crate::harness::pbx::reply_to("+966501234567");
    others["conversation_id"] = json!("another chat");
    rig.world.event(&pbx, &others).await;
    let kept = async || json!(rig.rows("SELECT * FROM threecx_requests").await).to_string();
    assert!(kept().await.contains(marker), "the control");
    rig.world.command(PersonErase { phone: format!("+{SHEENA}") }).await.expect("erased");
    let left = kept().await;
    assert!(!left.contains(marker) && left.contains("another chat"), "{left}");
    assert!(left.contains("recipient_suppressed"), "how it ended stays: {left}");
}
