//! Who is who: hidden numbers, people who change their number, numbers that are not ours.

use super::rig::{LINE, Rig, SHEENA, change, contact, text, value};
use serde_json::{Value, json};
use wa_gateway::{app::commands::PersonErase, model::clock::Time};

const AT: i64 = 1_780_300_740;
const HIDDEN: &str = "US.13491208655302741918";
const LATER: &str = "US.99991208655302741918";

/// A text of somebody whose number is hidden.
fn hidden(id: &str, user: &str, body: &str) -> Value {
    json!({
        "contacts": [{"profile": {"name": "Sheena", "username": "@sheena"}, "user_id": user}],
        "messages": [{"from_user_id": user, "id": id, "timestamp": AT.to_string(), "type": "text", "text": {"body": body}}],
    })
}

/// What Meta calls people.
async fn identities(rig: &Rig) -> Vec<(i64, String)> {
    let rows = rig.rows("SELECT contact_id, value FROM contact_identities WHERE kind <> 'jid' ORDER BY value").await;
    let one = |row: &Value| {
        (row["contact_id"].as_i64().expect("a number"), row["value"].as_str().expect("a text").to_owned())
    };
    rows.iter().map(one).collect()
}

#[tokio::test]
async fn somebody_without_a_number_is_a_contact_like_any_other() {
    let rig = Rig::start().await;
    rig.bring_value(hidden("wamid.1", HIDDEN, "STOP")).await;
    assert_eq!(identities(&rig).await, [(1, HIDDEN.to_owned())]);
    let events = rig.events().await;
    assert_eq!(
        (&events[0]["from"], &events[0]["contact_id"], &events[0]["contact_name"]),
        (&json!(null), &json!(1), &json!("Sheena"))
    );
    assert_eq!(events[2]["event"], "recipient.opted_out");
    // The same person, named in the field of the number.
    let mut other = hidden("wamid.2", HIDDEN, "Hello");
    other["messages"][0]["from"] = other["messages"][0]["from_user_id"].take();
    rig.bring_value(other).await;
    // With the number beside it they are one person, and the opt-out holds for the number.
    rig.bring_value(json!({
        "contacts": [{"profile": {"name": "Sheena"}, "wa_id": SHEENA, "user_id": HIDDEN}],
        "messages": [text("wamid.3", SHEENA, AT, "It is me")],
    }))
    .await;
    assert_eq!(identities(&rig).await, [(1, format!("+{SHEENA}")), (1, HIDDEN.to_owned())]);
    let to =
        json!({"instance_id": LINE, "phone": format!("+{SHEENA}"), "message": "Hello", "message_purpose": "support"});
    assert_eq!(rig.world.send(&to).await.error(), "recipient_suppressed");
}

#[tokio::test]
async fn a_status_links_a_number_with_a_hidden_id_and_makes_no_contact() {
    let rig = Rig::start().await;
    let link = json!({
        "contacts": [{"wa_id": SHEENA, "user_id": HIDDEN, "profile": {"name": "Sheena"}}],
        "statuses": [{"id": "wamid.x", "status": "delivered", "timestamp": AT.to_string(), "recipient_id": SHEENA,
                      "recipient_user_id": HIDDEN}],
    });
    rig.bring_value(link.clone()).await;
    assert_eq!(rig.counts().await["contacts"], 0);
    rig.bring_value(
        json!({"contacts": [contact("Sheena", SHEENA)], "messages": [text("wamid.1", SHEENA, AT, "STOP")]}),
    )
    .await;
    rig.bring_value(link).await;
    rig.bring_value(hidden("wamid.2", HIDDEN, "Hello")).await;
    assert_eq!(identities(&rig).await, [(1, format!("+{SHEENA}")), (1, HIDDEN.to_owned())]);
    assert_eq!(rig.row("SELECT count(*) AS n FROM suppressions WHERE lifted_at IS NULL").await["n"], 1);
}

#[tokio::test]
async fn a_hidden_id_that_changes_stays_the_same_person() {
    let rig = Rig::start().await;
    rig.bring_value(hidden("wamid.1", HIDDEN, "STOP")).await;
    // They write under the new id before Meta tells that it is theirs.
    rig.bring_value(hidden("wamid.2", LATER, "Hello again")).await;
    assert_eq!(rig.counts().await["contacts"], 2);
    let update = value(json!({
        "contacts": [{"profile": {"name": "Sheena"}, "wa_id": SHEENA, "user_id": LATER}],
        "user_id_update": [{"wa_id": SHEENA, "detail": "The user id changed.", "timestamp": (AT + 5).to_string(),
                            "user_id": {"previous": HIDDEN, "current": LATER}}],
    }));
    for _ in 0..2 {
        rig.bring(&change("user_id_update", update.clone())).await;
        let known = identities(&rig).await;
        let names: Vec<&str> = known.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["+16505551234", HIDDEN, LATER]);
        assert!(known.iter().all(|(id, _)| *id == known[0].0), "{known:?}");
    }
    assert_eq!(rig.counts().await["contacts"], 1);
    assert_eq!(rig.counts().await["inbound_messages"], 2);
    let former = rig.row("SELECT value FROM contact_identities WHERE former_at IS NOT NULL").await;
    assert_eq!(former["value"], HIDDEN);
    let suppressed = rig.row("SELECT contact_id FROM suppressions WHERE lifted_at IS NULL").await;
    assert_eq!(suppressed["contact_id"], identities(&rig).await[0].0, "their will goes with them");
    // A late message of before the change does not bring the old id back; a new one does.
    rig.bring_value(hidden("wamid.late", HIDDEN, "late")).await;
    assert_eq!(rig.row("SELECT value FROM contact_identities WHERE former_at IS NOT NULL").await["value"], HIDDEN);
}

#[tokio::test]
async fn who_changes_the_number_is_written_to_at_the_new_one() {
    let rig = Rig::start().await;
    // The new number sorts behind the old one: it is no chance which is taken.
    let system = json!({"messages": [{"from": SHEENA, "id": "wamid.s", "timestamp": AT.to_string(), "type": "system",
        "system": {"body": "changed", "wa_id": "19995555358", "type": "user_changed_number"}}]});
    rig.bring_value(
        json!({"contacts": [contact("Sheena", SHEENA)], "messages": [text("wamid.1", SHEENA, AT - 60, "Hi")]}),
    )
    .await;
    rig.bring_value(system).await;
    let to = json!({"instance_id": LINE, "phone": "contact:1", "message": "Hello", "message_purpose": "support"});
    rig.world.send(&to).await;
    assert_eq!(rig.row("SELECT recipient FROM messages").await["recipient"], "+19995555358");
}

/// Meta promises no order, and brings calls again for days.
#[tokio::test]
async fn the_last_word_counts_and_not_the_one_that_came_last() {
    let rig = Rig::start().await;
    let open = "SELECT count(*) AS n FROM suppressions WHERE lifted_at IS NULL";
    let mut id = 0;
    for (said, suppressed) in [
        (&[(-60, "STOP"), (-600, "START")][..], 1),
        (&[(10, "START"), (5, "STOP")], 0),
        (&[(20, "STOP"), (20, "START")], 0),
        (&[(30, "STOP"), (40, "Hello"), (35, "START")], 0),
        (&[(50, "STOP"), (45, "UNSUBSCRIBE"), (49, "START")], 1),
    ] {
        for (at, words) in said {
            id += 1;
            rig.bring_value(json!({"messages": [text(&format!("wamid.{id}"), SHEENA, AT + at, words)]})).await;
        }
        assert_eq!(rig.row(open).await["n"], suppressed, "{said:?}");
    }
}

#[tokio::test]
async fn a_known_number_is_told_also_where_the_provider_names_the_hidden_id_alone() {
    let rig = Rig::start().await;
    let mut both = text("wamid.1", SHEENA, AT, "Hello");
    both["from_user_id"] = json!(HIDDEN);
    rig.bring_value(json!({"messages": [both]})).await;
    rig.bring_value(hidden("wamid.2", HIDDEN, "STOP")).await;
    let call = json!({"id": "wacid.1", "from_user_id": HIDDEN, "to": "15550783881", "event": "connect",
                      "timestamp": AT.to_string(), "direction": "USER_INITIATED"});
    rig.bring(&change("calls", value(json!({"calls": [call]})))).await;
    let events = rig.events().await;
    let told: Vec<_> = events.iter().map(|event| (event["event"].as_str().expect("a name"), &event["from"])).collect();
    let number = json!(format!("+{SHEENA}"));
    assert!(told.iter().all(|(_, from)| **from == number), "{told:?}");
    for name in ["message.received", "conversation.updated", "recipient.opted_out", "call.received"] {
        assert!(told.iter().any(|(told, _)| *told == name), "{name}: {told:?}");
    }
}

#[tokio::test]
async fn a_number_that_changed_hands_is_its_new_owners() {
    let rig = Rig::start().await;
    let new_number = "19995555358";
    let said = |id: &str, (number, user): (&str, &str), words: &str| {
        let mut message = text(id, number, AT + 60, words);
        message["from_user_id"] = json!(user);
        json!({"contacts": [{"profile": {"name": user}, "wa_id": number, "user_id": user}], "messages": [message]})
    };
    let moves = json!({"messages": [{"from": SHEENA, "id": "wamid.s", "timestamp": AT.to_string(), "type": "system",
        "system": {"body": "changed", "wa_id": new_number, "user_id": LATER, "previous_user_id": HIDDEN,
                   "type": "user_changed_number"}}]});
    let mut before = said("wamid.1", (SHEENA, HIDDEN), "STOP");
    before["messages"][0]["timestamp"] = json!((AT - 60).to_string());
    rig.bring_value(before).await;
    rig.bring_value(moves).await;
    // Without a hidden id nobody knows that it is somebody else.
    rig.bring_value(json!({"messages": [text("wamid.2", SHEENA, AT + 30, "Is it me?")]})).await;
    assert_eq!(rig.counts().await["contacts"], 1);
    let again = json!({"messages": [{"from": SHEENA, "id": "wamid.t", "timestamp": (AT + 40).to_string(),
        "type": "system", "system": {"body": "changed", "wa_id": new_number, "user_id": LATER,
                                     "type": "user_changed_number"}}]});
    rig.bring_value(again.clone()).await;
    rig.bring_value(said("wamid.3", (SHEENA, "US.77777"), "START")).await;
    rig.bring_value(said("wamid.4", (new_number, LATER), "Where is my parcel?")).await;
    let of = async |number: &str| {
        let sql = format!("SELECT contact_id FROM contact_identities WHERE value = '+{number}'");
        rig.row(&sql).await["contact_id"].clone()
    };
    let (hers, other) = (of(new_number).await, of(SHEENA).await);
    assert_ne!(hers, other);
    let suppressed = rig.row("SELECT contact_id FROM suppressions WHERE lifted_at IS NULL").await;
    assert_eq!(suppressed["contact_id"], hers, "a stranger's START is the stranger's");
    // Late news of the time before, and news told again, make nobody one person.
    rig.bring_value(said("wamid.5", (SHEENA, LATER), "late")).await;
    rig.bring_value(again).await;
    assert_eq!(rig.counts().await["contacts"], 2);
    assert_eq!(of(SHEENA).await, other);
    let given_up =
        format!("SELECT count(*) AS n FROM contact_identities WHERE value = '+{SHEENA}' AND former_at IS NOT NULL");
    assert_eq!(rig.row(&given_up).await["n"], 0, "it is the other one's to give up");
    let sql = "SELECT provider_message_id FROM inbound_messages WHERE chat = 'contact:2' AND kind <> 'system'";
    let chats = rig.rows(sql).await;
    assert_eq!(json!(chats), json!([{"provider_message_id": "wamid.3"}]));
    let to = |whom: String| json!({"instance_id": LINE, "phone": whom, "message": "Your parcel is here.", "message_purpose": "support"});
    assert_eq!(rig.world.send(&to(format!("contact:{hers}"))).await.error(), "recipient_suppressed");
    rig.world.send(&to(format!("contact:{other}"))).await;
    let sent = "SELECT recipient FROM messages ORDER BY id DESC LIMIT 1";
    assert_eq!(rig.row(sent).await["recipient"], format!("+{SHEENA}"));
}

#[tokio::test]
async fn what_waits_for_who_gave_a_number_up_goes_to_them() {
    let rig = Rig::start().await;
    let said = |id: &str, user: &str, at: i64| {
        let mut message = text(id, SHEENA, at, "Hello");
        message["from_user_id"] = json!(user);
        json!({"messages": [message]})
    };
    rig.bring_value(said("wamid.1", HIDDEN, AT)).await;
    let waits = json!({"instance_id": LINE, "phone": format!("+{SHEENA}"), "message": "Your order 7 is on its way.",
                       "message_purpose": "support", "send_at": Time::from_millis((AT + 3600) * 1000).to_second()});
    let reply = rig.world.send(&waits).await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    rig.bring_value(json!({"messages": [{"from": SHEENA, "id": "wamid.s", "timestamp": (AT + 1).to_string(),
        "type": "system", "system": {"body": "changed", "wa_id": "19995555358", "user_id": LATER,
                                     "previous_user_id": HIDDEN, "type": "user_changed_number"}}]}))
        .await;
    rig.bring_value(said("wamid.2", "US.77777", AT + 2)).await;
    let kept = rig.row("SELECT recipient, request ->> '$.phone' AS phone FROM schedules").await;
    assert_eq!(kept, json!({"recipient": "contact:1", "phone": "contact:1"}));
    let row = rig.row("SELECT contact_id, recipient FROM messages").await;
    assert_eq!(row["recipient"], format!("former:+{SHEENA}:1"), "{row}");
}

#[tokio::test]
async fn another_number_is_acknowledged_and_noted_without_what_it_says() {
    let rig = Rig::start().await;
    let mut foreign = value(json!({"contacts": [contact("Somebody", "16505550000")],
        "messages": [text("wamid.1", "16505550000", AT, "a secret of theirs")], "statuses": []}));
    foreign["metadata"]["phone_number_id"] = json!("999");
    rig.bring(&change("messages", foreign)).await;
    let news = rig.row("SELECT kind, raw FROM provider_news").await;
    assert_eq!(news["kind"], "other_number");
    let raw = news["raw"].as_str().expect("a text");
    assert!(raw.contains("999") && raw.contains("\"messages\":1"), "{raw}");
    assert!(!raw.contains("secret") && !raw.contains("16505550000"), "{raw}");
    let counts = rig.counts().await;
    assert_eq!((counts["inbound_messages"], counts["contacts"], counts["events"]), (0, 0, 0));
}

#[tokio::test]
async fn calls_ring_and_are_missed_once() {
    let rig = Rig::start().await;
    let call = |event: &str, at: i64| {
        let mut call = json!({"id": "wacid.1", "from": SHEENA, "to": "15550783881", "event": event,
                              "timestamp": at.to_string(), "direction": "USER_INITIATED"});
        if event == "terminate" {
            call["status"] = json!("FAILED");
        }
        change("calls", value(json!({"contacts": [contact("Sheena", SHEENA)], "calls": [call]})))
    };
    for body in [call("connect", AT), call("connect", AT), call("terminate", AT + 20), call("terminate", AT + 20)] {
        rig.bring(&body).await;
    }
    assert_eq!(rig.event_names().await, ["call.received", "call.missed"]);
    let row = rig.row("SELECT call_id, missed, started_at, ended_at FROM calls").await;
    assert_eq!(row, json!({"call_id": "wacid.1", "missed": 1, "started_at": AT * 1000, "ended_at": (AT + 20) * 1000}));
    // A call that we make, and one that was taken, are no missed calls.
    let ours = json!({"id": "wacid.2", "to": SHEENA, "event": "terminate", "direction": "BUSINESS_INITIATED"});
    let taken =
        json!({"id": "wacid.3", "from": SHEENA, "event": "terminate", "duration": 7, "direction": "USER_INITIATED"});
    rig.bring(&change("calls", value(json!({"calls": [ours, taken]})))).await;
    assert_eq!(rig.counts().await["calls"], 1);
    assert_eq!(rig.counts().await["provider_news"], 2, "kept as they came");
}

#[tokio::test]
async fn who_is_erased_leaves_no_trace_in_what_is_kept_as_it_came() {
    let rig = Rig::start().await;
    let order = json!({"from": SHEENA, "id": "wamid.1", "timestamp": AT.to_string(), "type": "order",
                       "order": {"text": "Zaytoun", "product_items": []}});
    rig.bring_value(json!({"contacts": [contact("Sheena", SHEENA)], "messages": [order]})).await;
    let update =
        json!({"wa_id": SHEENA, "timestamp": AT.to_string(), "user_id": {"previous": HIDDEN, "current": LATER}});
    rig.bring(&change("user_id_update", value(json!({"user_id_update": [update]})))).await;
    let raw = async || {
        let news = rig.rows("SELECT raw FROM provider_news").await;
        let messages = rig.rows("SELECT raw FROM inbound_messages").await;
        news.iter().chain(&messages).map(ToString::to_string).collect::<String>()
    };
    for trace in [SHEENA, HIDDEN, LATER, "Zaytoun"] {
        assert!(raw().await.contains(trace), "the control: {trace}");
    }
    let erase = PersonErase { phone: format!("+{SHEENA}") };
    rig.world.command(erase).await.expect("erased");
    for trace in [SHEENA, HIDDEN, LATER, "Zaytoun"] {
        assert!(!raw().await.contains(trace), "{trace}");
    }
    assert_eq!(rig.counts().await["provider_news"], 1, "that it was told stays");
}

#[tokio::test]
async fn what_is_kept_as_it_came_goes_with_the_texts() {
    let rig = Rig::start().await;
    let place = json!({"from": SHEENA, "id": "wamid.1", "timestamp": AT.to_string(), "type": "location",
                       "location": {"latitude": 1.5, "longitude": 2.5}});
    rig.bring_value(json!({"messages": [place]})).await;
    rig.bring(&change("a_field_of_next_year", json!({"some": "words"}))).await;
    let kept = "SELECT (SELECT count(*) FROM inbound_messages WHERE raw IS NOT NULL) AS messages,
                       (SELECT count(*) FROM provider_news WHERE raw <> '') AS news";
    assert_eq!(rig.row(kept).await, json!({"messages": 1, "news": 1}));
    rig.world.later(std::time::Duration::from_secs(100 * 24 * 3600));
    rig.world.gateway().retention.step().await.expect("a step");
    assert_eq!(rig.row(kept).await, json!({"messages": 0, "news": 0}));
    rig.world.later(std::time::Duration::from_secs(400 * 24 * 3600));
    rig.world.gateway().retention.step().await.expect("a step");
    assert_eq!(rig.counts().await["provider_news"], 0);
}

/// Whoever was asked for their number and shares it is one person with it: the opt-out of one holds for the other. A card
/// of somebody else's makes nobody known.
#[tokio::test]
async fn a_number_that_was_asked_for_is_the_askeds_own() {
    let card = |id: &str, origin: &str| {
        let mut told = hidden(id, HIDDEN, "");
        let phones = json!([{"phone": format!("+{SHEENA}"), "wa_id": SHEENA, "type": "CELL"}]);
        let message = told["messages"][0].as_object_mut().expect("a message");
        message.remove("text");
        message.insert("type".into(), json!("contacts"));
        let name = json!({"formatted_name": "Sheena", "first_name": "Sheena"});
        message.insert("contacts".into(), json!([{"name": name, "phones": phones, "origin": origin}]));
        told
    };
    let rig = Rig::start().await;
    rig.bring_value(card("wamid.1", "other")).await;
    assert_eq!(identities(&rig).await, [(1, HIDDEN.to_owned())], "anybody's card");
    rig.bring_value(hidden("wamid.2", HIDDEN, "STOP")).await;
    rig.bring_value(card("wamid.3", "contact_request")).await;
    assert_eq!(identities(&rig).await, [(1, format!("+{SHEENA}")), (1, HIDDEN.to_owned())]);
    let to =
        json!({"instance_id": LINE, "phone": format!("+{SHEENA}"), "message": "Hello", "message_purpose": "support"});
    assert_eq!(rig.world.send(&to).await.error(), "recipient_suppressed");
}

/// Who shows no name is called by the name that they are found by.
#[tokio::test]
async fn a_user_name_stands_where_there_is_no_other() {
    let rig = Rig::start().await;
    let mut told = hidden("wamid.1", HIDDEN, "Hello");
    told["contacts"][0]["profile"] = json!({"username": "sheena.bakes"});
    rig.bring_value(told).await;
    assert_eq!(rig.row("SELECT name FROM contacts").await["name"], "@sheena.bakes");
}
