//! Each of Meta's own examples: which rows and events it becomes. Some share one message id, so each has a database of
//! its own.

use super::rig::{LINE, Rig, SHEENA, examples};
use serde_json::{Value, json};

/// What one example becomes.
struct Expected {
    name: &'static str,
    /// kind, text and reply_to of the message; none: it is no message.
    message: Option<(&'static str, &'static str, Option<&'static str>)>,
    /// Whether it is kept as it came, too.
    raw: bool,
    events: &'static [&'static str],
}

const RECEIVED: &[&str] = &["message.received", "conversation.updated"];

const fn received(name: &'static str, kind: &'static str, text: &'static str) -> Expected {
    Expected { name, message: Some((kind, text, None)), raw: false, events: RECEIVED }
}

const EXPECTED: [Expected; 16] = [
    received("Text Message", "text", "Does it come in another color?"),
    Expected {
        message: Some((
            "text",
            "Is this still available?",
            Some("wamid.HBgLMTY1MDM4Nzk0MzkVAgARGA9wcm9kdWN0X2lucXVpcnkA"),
        )),
        raw: true,
        ..received("Text Message with Context (Product Inquiry)", "", "")
    },
    Expected {
        raw: true,
        ..received("Text Message from Click to WhatsApp Ad", "text", "Hello! Can I get more info on this?")
    },
    Expected {
        message: Some(("reaction", "👍", Some("wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBI0RTJEOTc2ODVERUY5RDlGNkYA"))),
        ..received("Reaction Message", "", "")
    },
    received("Image Message", "image", "Taj Mahal"),
    Expected {
        raw: true,
        ..received("Location Message", "location", "Philz Coffee, 101 Forest Ave, Palo Alto, CA 94301")
    },
    Expected { raw: true, ..received("Contact Sharing Message", "contacts", "Lucía Gómez") },
    Expected { raw: true, ..received("Unsupported Message", "unsupported", "") },
    // The word on a template's button is the recipient's own will.
    Expected {
        message: Some(("button", "Unsubscribe", Some("wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBJFNjk2OTMwNEZCQjhGMzUyQUYA"))),
        raw: true,
        events: &["message.received", "conversation.updated", "recipient.opted_out"],
        ..received("Button Message", "", "")
    },
    Expected {
        message: Some((
            "interactive",
            "Priority Mail Express",
            Some("wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBJGMzEyNzhENTZDMzNGODlDRDgA"),
        )),
        raw: true,
        ..received("Interactive List Reply Message", "", "")
    },
    // A choice that is called Cancel is no opt-out.
    Expected {
        message: Some(("interactive", "Cancel", Some("wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBI3MEM2RUJFNkI0RENGQTVDRjUA"))),
        raw: true,
        ..received("Interactive Button Reply Message", "", "")
    },
    Expected { raw: true, ..received("Order Message", "order", "") },
    // Nobody wrote it: it is kept, opens no window, and is told to nobody.
    Expected {
        raw: true,
        events: &[],
        ..received("System Message", "system", "User Sheena Nelson changed from 16505551234 to 12195555358")
    },
    Expected { message: None, events: &["group.updated"], ..received("Group Create Message", "", "") },
    Expected { message: None, events: &["group.updated"], ..received("Group Settings Update", "", "") },
    Expected { message: None, events: &["group.updated"], ..received("Group Remove Participants", "", "") },
];

#[tokio::test]
async fn every_example_becomes_its_rows_and_events_once() {
    let all = examples();
    assert_eq!(all.len(), EXPECTED.len());
    for expected in EXPECTED {
        let name = expected.name;
        let body = all.get(name).unwrap_or_else(|| panic!("there is no example {name}"));
        let rig = Rig::start().await;
        rig.bring(body).await;
        as_expected(&rig, &expected, body).await;
        let (counts, events) = (rig.counts().await, rig.events().await);
        rig.bring(body).await;
        assert_eq!(rig.counts().await, counts, "{name}, again");
        assert_eq!(rig.events().await, events, "{name}, again");
    }
}

async fn as_expected(rig: &Rig, expected: &Expected, body: &Value) {
    let name = expected.name;
    assert_eq!(rig.event_names().await, expected.events, "{name}");
    let value = &body["entry"][0]["changes"][0]["value"];
    let rows = rig.rows("SELECT * FROM inbound_messages").await;
    let Some((kind, text, reply_to)) = expected.message else {
        assert_eq!(rows, [] as [Value; 0], "{name}");
        let news = rig.row("SELECT * FROM provider_news").await;
        assert_eq!(news["kind"], body["entry"][0]["changes"][0]["field"], "{name}");
        return;
    };
    let [row] = &rows[..] else { panic!("{name}: {rows:?}") };
    let message = &value["messages"][0];
    assert_eq!(
        (&row["kind"], &row["body"], &row["reply_to"]),
        (&json!(kind), &json!(text), &json!(reply_to)),
        "{name}"
    );
    assert_eq!(row["provider_message_id"], message["id"], "{name}");
    let seconds: i64 = message["timestamp"].as_str().expect("seconds").parse().expect("a number");
    assert_eq!(row["heard_at"], seconds * 1000, "{name}");
    assert_eq!(row["instance_id"], LINE, "{name}");
    let raw = row["raw"].as_str().map(|raw| serde_json::from_str::<Value>(raw).expect("JSON"));
    assert_eq!(raw.as_ref(), expected.raw.then_some(message), "{name}: kept as it came where the columns hold less");
    assert_eq!(rig.row("SELECT count(*) AS n FROM contacts").await["n"], 1, "{name}");
    if let Some(event) = rig.events().await.first() {
        assert_eq!(event["from"], format!("+{SHEENA}"), "{name}");
        assert_eq!(event["contact_name"], "Sheena Nelson", "{name}");
        assert_eq!(event["message_type"], kind, "{name}");
        assert_eq!(event["provider_message_id"], message["id"], "{name}");
        assert_eq!(event["reply_to"], json!(reply_to), "{name}");
        assert_eq!(event["raw"], raw.unwrap_or_default(), "{name}");
    }
}

#[tokio::test]
async fn what_the_examples_do_besides() {
    let all = examples();
    let rig = Rig::start().await;
    rig.bring(&all["Image Message"]).await;
    let file = rig.row("SELECT kind, state, handle, declared_type FROM media").await;
    assert_eq!(
        (&file["kind"], &file["state"], &file["declared_type"]),
        (&json!("image"), &json!("pending"), &json!("image/jpeg"))
    );
    assert_eq!(file["handle"], "1003383421387256 SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=");
    assert_eq!(rig.events().await[0]["media"]["type"], "image");

    let rig = Rig::start().await;
    rig.bring(&all["Button Message"]).await;
    assert_eq!(
        rig.row("SELECT source, lifted_at FROM suppressions").await,
        json!({"source": "recipient", "lifted_at": null})
    );
    let refused =
        json!({"instance_id": LINE, "phone": format!("+{SHEENA}"), "message": "Hello", "message_purpose": "support"});
    assert_eq!(rig.world.send(&refused).await.error(), "recipient_suppressed");

    let rig = Rig::start().await;
    rig.bring(&all["Group Create Message"]).await;
    let event = rig.events().await.remove(0);
    assert_eq!((&event["group_name"], &event["change"]), (&json!("your-group-subject"), &json!("participants")));
    for (name, change) in [("Group Settings Update", "picture"), ("Group Remove Participants", "participants")] {
        rig.bring(&all[name]).await;
        let event = rig.events().await.pop().expect("an event");
        assert_eq!((&event["group_name"], &event["change"]), (&json!("your-group-subject"), &json!(change)), "{name}");
    }
    assert_eq!(rig.counts().await["contacts"], 0, "people in a group did not write");

    let rig = Rig::start().await;
    rig.bring(&all["Text Message"]).await;
    rig.bring(&all["System Message"]).await;
    let names = rig.rows("SELECT contact_id, value, former_at FROM contact_identities ORDER BY value").await;
    assert_eq!(
        names,
        [
            json!({"contact_id": 1, "value": "+12195555358", "former_at": null}),
            json!({"contact_id": 1, "value": "+16505551234", "former_at": 1_750_269_342_000_i64}),
        ],
        "one person, with an old number and a new one"
    );
    let window = rig.row("SELECT last_inbound_at FROM contacts").await;
    assert_eq!(window["last_inbound_at"], 1_749_416_383_000_i64, "the note opened no window");
    assert_eq!(rig.row("SELECT unread_count FROM conversations").await["unread_count"], 1);
}
