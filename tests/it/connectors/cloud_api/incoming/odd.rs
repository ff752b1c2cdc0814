//! Kinds that are not in Meta's examples, kinds that nobody knows, and JSON of any shape: nothing is lost, nothing
//! breaks, and nothing is refused that is rightly signed.

use super::rig::{LINE, Rig, change, contact, examples, value};
use crate::harness::visitor::Visitor;
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

const AT: i64 = 1_780_300_740;

fn message(kind: &str, content: Value) -> Value {
    json!({"contacts": [contact("Sheena", "16505551234")], "messages": [{
        "from": "16505551234", "id": format!("wamid.{kind}"), "timestamp": AT.to_string(), "type": kind, kind: content}]})
}

#[tokio::test]
async fn kinds_that_the_examples_lack() {
    let file = |more: Value| {
        let mut file = json!({"mime_type": "application/octet-stream", "sha256": "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "id": "7"});
        file.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        file
    };
    for (kind, content, text, file_kind) in [
        ("video", file(json!({"caption": "Look", "mime_type": "video/mp4"})), "Look", Some("video")),
        ("audio", file(json!({"voice": true})), "", Some("audio")),
        ("document", file(json!({"caption": "The bill", "filename": "bill.pdf"})), "The bill", Some("document")),
        ("sticker", file(json!({"animated": false})), "", Some("sticker")),
        ("image", json!({"mime_type": "image/png"}), "", None),
        ("reaction", json!({"message_id": "wamid.theirs"}), "", None),
        ("location", json!({"latitude": 24.7, "longitude": 46.7}), "24.7, 46.7", None),
        ("contacts", json!([{"name": {}, "phones": [{"phone": "+1 650 555 0100"}]}]), "+1 650 555 0100", None),
        (
            "interactive",
            json!({"type": "nfm_reply", "nfm_reply": {"body": "Sent", "response_json": "{}"}}),
            "Sent",
            None,
        ),
        ("poll", json!({"question": "?"}), "", None),
        ("a kind of next year", json!({"deep": {"er": 1}}), "", None),
    ] {
        let rig = Rig::start().await;
        rig.bring_value(message(kind, content.clone())).await;
        let row = rig.row("SELECT kind, body, raw FROM inbound_messages").await;
        assert_eq!((&row["kind"], &row["body"]), (&json!(kind), &json!(text)), "{kind}");
        let is_plain = ["video", "audio", "document", "sticker", "image", "reaction"].contains(&kind);
        let raw = row["raw"].as_str().map(|raw| serde_json::from_str::<Value>(raw).expect("JSON"));
        assert_eq!(raw.map(|raw| raw[kind].clone()), (!is_plain).then_some(content), "{kind}");
        let files = rig.rows("SELECT kind, file_name FROM media").await;
        let name = if kind == "document" { json!("bill.pdf") } else { Value::Null };
        let expected: Vec<Value> = file_kind.map(|k| json!({"kind": k, "file_name": name})).into_iter().collect();
        assert_eq!(files, expected, "{kind}");
        assert_eq!(rig.event_names().await, ["message.received", "conversation.updated"], "{kind}");
    }
}

/// Words that nobody knows yet: a message is shown and told with what it is, a status and a field are kept as they came,
/// and what stands beside them in the same call is heard.
#[tokio::test]
async fn what_nobody_knows_yet_is_kept_and_holds_nothing_up() {
    let rig = Rig::start().await;
    let status = |word: &str| json!({"id": "wamid.9", "status": word, "timestamp": AT.to_string(), "recipient_id": "16505551234"});
    let known = message("text", json!({"body": "Heard beside it"}));
    for (n, word) in ["deleted", "warning", "held_for_quality_assessment", "", "SENT"].iter().enumerate() {
        let mut told = json!({"statuses": [status(word)]});
        if n == 0 {
            told["messages"] = known["messages"].clone();
            told["contacts"] = known["contacts"].clone();
        }
        rig.bring_value(told).await;
        let news = rig.rows("SELECT kind, raw FROM provider_news ORDER BY id").await;
        assert_eq!((news.len(), &news[n]["kind"]), (n + 1, &json!("unknown_status")), "{word}");
        assert!(news[n]["raw"].as_str().is_some_and(|raw| raw.contains(&format!("\"status\":\"{word}\""))), "{word}");
    }
    assert_eq!(rig.row("SELECT body FROM inbound_messages").await["body"], "Heard beside it");
    rig.bring(&change("a_field_of_next_year", value(json!({"what": "is this"})))).await;
    let newest = rig.rows("SELECT kind, raw FROM provider_news ORDER BY id DESC LIMIT 1").await;
    assert_eq!(newest[0]["kind"], "a_field_of_next_year");
    assert!(newest[0]["raw"].as_str().is_some_and(|raw| raw.contains("is this")));
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let page = owner.get(&format!("/instances/{LINE}/manage?tab=connection")).await.body;
    for told in ["unknown_status", "held_for_quality_assessment", "a_field_of_next_year", "is this"] {
        assert!(page.contains(told), "the page has it, too: {told}");
    }
    // A kind of message: in the log, in the event, in the chat.
    rig.bring_value(message("hologram", json!({"caption": "Look at me"}))).await;
    let events = rig.events().await;
    let told = events.iter().rfind(|e| e["event"] == "message.received").expect("an event");
    assert_eq!(
        (&told["message_type"], &told["raw"]["hologram"]["caption"]),
        (&json!("hologram"), &json!("Look at me"))
    );
    let page = owner.get(&format!("/chat?instance={LINE}&chat=c1")).await.body;
    assert!(page.contains("does not know: hologram"), "{page}");
    assert!(owner.get("/inbound-logs").await.body.contains("hologram"));
}

#[tokio::test]
async fn a_message_in_a_group_names_the_group_that_is_known() {
    let rig = Rig::start().await;
    rig.bring(&examples()["Group Create Message"]).await;
    let group = "Y2FwaV9ncm91cDoxODA1NTU1MDE3MjoxMjAzNjMyMjI3NzE5NjMwNjcZD";
    let mut told = message("text", json!({"body": "STOP"}));
    told["messages"][0]["group_id"] = json!(group);
    rig.bring_value(told).await;
    let event = rig.events().await.pop().expect("an event");
    assert_eq!(
        (&event["event"], &event["group_name"]),
        (&json!("group.message_received"), &json!("your-group-subject"))
    );
    assert_eq!(rig.counts().await["suppressions"], 0, "a word in a group is no opt-out");
    // It is listed among the chats, and opens.
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let page = format!("/chat?instance={LINE}&chat={group}");
    assert!(owner.get("/chat").await.body.contains(&page.replace('&', "&amp;")));
    let shown = owner.get(&page).await;
    assert!(shown.status == 200 && shown.body.contains("STOP"), "{}: {}", shown.status, shown.body);
}

/// Some are as long as a number, and some as no number is.
#[tokio::test]
async fn a_group_whose_id_is_digits_alone_opens() {
    let rig = Rig::start().await;
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    for group in ["966501234999", "120363222771963067"] {
        let mut told = message("text", json!({"body": format!("Hello, group {group}")}));
        told["messages"][0]["id"] = json!(format!("wamid.{group}"));
        told["messages"][0]["group_id"] = json!(group);
        rig.bring_value(told).await;
        let page = format!("/chat?instance={LINE}&chat={group}");
        assert!(owner.get("/chat").await.body.contains(&page.replace('&', "&amp;")), "{group}");
        let shown = owner.get(&page).await;
        // Once in the list of chats, and once in the chat.
        let said = shown.body.matches(&format!("Hello, group {group}")).count();
        assert_eq!((shown.status, said), (200, 2), "{group}: {}", shown.body);
    }
    let number = owner.get(&format!("/chat?instance={LINE}&chat=966501234998")).await;
    assert_eq!((number.status, number.body.matches("Hello, group").count()), (200, 2), "a number of nobody's");
}

#[tokio::test]
async fn what_has_no_shape_is_kept_as_it_came() {
    let rig = Rig::start().await;
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    let bodies = [
        (b"".to_vec(), "unreadable"),
        (b"no JSON".to_vec(), "unreadable"),
        (b"{\"object\":\"whatsapp_business_account\"".to_vec(), "unreadable"),
        (b"\xff\xfe{}".to_vec(), "unreadable"),
        (deep.into_bytes(), "unreadable"),
        (b"{}".to_vec(), "unknown_object"),
        (b"null".to_vec(), "unknown_object"),
        (json!({"object": "page", "entry": []}).to_string().into_bytes(), "unknown_object"),
        (json!({"object": "whatsapp_business_account", "entry": 7}).to_string().into_bytes(), "unknown_object"),
        (json!({"object": "whatsapp_business_account", "entry": [7]}).to_string().into_bytes(), "unknown_entry"),
        (change("", json!(null)).to_string().into_bytes(), "unknown_field"),
        (change("messages", json!([])).to_string().into_bytes(), "messages"),
        (change("messages", value(json!({"messages": [7]}))).to_string().into_bytes(), "message_without_id"),
        (change("messages", value(json!({"statuses": [{}]}))).to_string().into_bytes(), "unknown_status"),
        (change("messages", value(json!({"errors": [{"code": 130429}]}))).to_string().into_bytes(), "errors"),
        (change("calls", value(json!({"calls": {}}))).to_string().into_bytes(), "calls"),
    ];
    for (n, (body, kind)) in bodies.iter().enumerate() {
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        assert_eq!(rig.bring_bytes(body).await.status, 200, "{shown}");
        let news = rig.rows("SELECT kind FROM provider_news ORDER BY id").await;
        assert_eq!(news.len(), n + 1, "{shown}");
        assert_eq!(news[n]["kind"], *kind, "{shown}");
    }
    // A message without a time, a sender or a kind is one all the same.
    rig.bring_value(json!({"messages": [{"id": "wamid.bare"}]})).await;
    let row = rig.row("SELECT kind, contact_id, chat FROM inbound_messages").await;
    assert_eq!(row, json!({"kind": "unknown", "contact_id": 1, "chat": "contact:1"}));
    assert_eq!(rig.event_names().await, ["message.received", "conversation.updated"]);
}

/// Who is not named, or by what is no number, wrote all the same: it is told, it stands in a chat, and nothing can be sent
/// there.
#[tokio::test]
async fn somebody_whom_no_number_names_is_heard_and_shown() {
    let rig = Rig::start().await;
    let said = |n: usize, from: &Value| {
        let mut message = json!({"id": format!("wamid.{n}"), "timestamp": AT.to_string(), "type": "text", "text": {"body": format!("Words {n}")}});
        if !from.is_null() {
            message["from"] = from.clone();
        }
        json!({"messages": [message]})
    };
    for (n, (from, contact, phone)) in [
        (Value::Null, 1, Value::Null),
        (json!(""), 1, Value::Null),
        (json!("12345"), 2, Value::Null),
        (json!(12345), 2, Value::Null),
        (json!("0000000"), 3, Value::Null),
        (json!("a word"), 4, Value::Null),
        // Niue's numbers are the shortest in the world.
        (json!("6834002"), 5, json!("+6834002")),
    ]
    .into_iter()
    .enumerate()
    {
        rig.bring_value(said(n, &from)).await;
        let events = rig.events().await;
        let told = events.iter().rfind(|event| event["event"] == "message.received").expect("an event");
        assert_eq!(
            (&told["contact_id"], &told["from"], &told["message_text"]),
            (&json!(contact), &phone, &json!(format!("Words {n}"))),
            "{from}"
        );
    }
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let page = owner.get(&format!("/chat?instance={LINE}&chat=c1")).await.body;
    for words in ["Somebody whom WhatsApp did not name", "Words 0", "Words 1"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(owner.get(&format!("/chat?instance={LINE}&chat=c2")).await.body.contains("12345"));
    let answer =
        json!({"instance_id": LINE, "phone": "contact:1", "message": "Who are you?", "message_purpose": "support"});
    let reply = rig.world.send(&answer).await;
    assert_eq!((reply.status, reply.error().as_str()), (422, "validation_error"));
    assert!(reply.body.contains("named neither a number nor a hidden id"), "{}", reply.body);
}

/// One thing where Meta has a list, texts for numbers and numbers for texts, a member that is missing, half a character: what
/// was said is in the chat and told, not merely kept.
#[tokio::test]
async fn what_is_written_otherwise_is_heard_all_the_same() {
    let rig = Rig::start().await;
    let said = |words: &str| {
        json!({"contacts": [contact("Sheena", "16505551234")], "messages": [{
        "from": "16505551234", "id": format!("wamid.{words}"), "timestamp": AT.to_string(), "type": "text", "text": {"body": words}}]})
    };
    let told = |words: &str, alter: fn(&mut Value)| {
        let mut body = change("messages", value(said(words)));
        alter(&mut body);
        body.to_string()
    };
    let bodies: [(&str, Vec<u8>); 10] = [
        ("mark", format!("\u{feff}{}", told("mark", |_| ())).into_bytes()),
        ("half", told("half", |_| ()).replace("Sheena", r"She\ud83d").into_bytes()),
        ("no type", told("no type", |b| drop(message_of(b).remove("type"))).into_bytes()),
        (
            "number",
            told("number", |b| drop(message_of(b).insert("from".into(), json!(16_505_551_234_u64)))).into_bytes(),
        ),
        ("time", told("time", |b| drop(message_of(b).insert("timestamp".into(), json!(1_780_300_740.5)))).into_bytes()),
        (
            "no field",
            told("no field", |b| drop(b["entry"][0]["changes"][0].as_object_mut().expect("one").remove("field")))
                .into_bytes(),
        ),
        (
            "one",
            told("one", |b| {
                let mut value = b["entry"][0]["changes"][0].take();
                for list in ["messages", "contacts"] {
                    value["value"][list] = value["value"][list][0].take();
                }
                b["entry"] = json!({"id": b["entry"][0]["id"], "changes": value});
            })
            .into_bytes(),
        ),
        ("below", change("standby", json!({"standby": [value(said("below"))]})).to_string().into_bytes()),
        (
            "24.71, 46.67",
            change("messages", value(message("location", json!({"latitude": "24.71", "longitude": "46.67"}))))
                .to_string()
                .into_bytes(),
        ),
        (
            "changed",
            change(
                "messages",
                value(message(
                    "edit",
                    json!({"original_message_id": "wamid.mark", "message": {"text": {"body": "changed"}}}),
                )),
            )
            .to_string()
            .into_bytes(),
        ),
    ];
    for (n, (words, body)) in bodies.iter().enumerate() {
        assert_eq!(rig.bring_bytes(body).await.status, 200, "{words}");
        let row = rig.rows("SELECT body, chat FROM inbound_messages ORDER BY id DESC LIMIT 1").await;
        assert_eq!(row, [json!({"body": words, "chat": "contact:1"})], "{words}");
        let events = rig.events().await;
        let told = events.iter().filter(|event| event["event"] == "message.received").count();
        assert_eq!(told, n + 1, "{words}");
    }
    let not_utf8 = told("bytes", |_| ()).into_bytes();
    let at = not_utf8.windows(6).position(|six| six == b"Sheena").expect("the name");
    let not_utf8 = [&not_utf8[..at], b"\xff", &not_utf8[at + 1..]].concat();
    assert_eq!(rig.bring_bytes(&not_utf8).await.status, 200);
    assert_eq!(rig.rows("SELECT id FROM inbound_messages").await.len(), bodies.len() + 1);
    assert_eq!(rig.counts().await["provider_news"], 0, "all of it was understood");

    // A call that lasted was taken, however its length is written.
    for (id, duration, missed) in [("long", json!("12"), json!(null)), ("short", json!("0"), json!(1))] {
        let call = |event: &str| json!({"id": id, "from": "16505551234", "timestamp": AT.to_string(), "event": event, "duration": duration});
        for event in ["connect", "terminate"] {
            rig.bring(&change("calls", value(json!({"calls": call(event)})))).await;
        }
        let row = rig.row(&format!("SELECT nullif(missed, 0) AS missed FROM calls WHERE call_id = '{id}'")).await;
        assert_eq!(row["missed"], missed, "{id}");
    }
}

fn message_of(body: &mut Value) -> &mut serde_json::Map<String, Value> {
    body["entry"][0]["changes"][0]["value"]["messages"][0].as_object_mut().expect("a message")
}

#[tokio::test]
async fn a_time_of_tomorrow_opens_no_longer_window() {
    let rig = Rig::start().await;
    let mut told = message("text", json!({"body": "Hi"}));
    told["messages"][0]["timestamp"] = json!("99999999999999999");
    rig.bring_value(told).await;
    let now = rig.row("SELECT created_at, heard_at FROM inbound_messages").await;
    assert_eq!(now["created_at"], now["heard_at"]);
}

/// JSON of any shape.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(&WORDS[..]).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(&WORDS[..]), inner), 0..4)
                .prop_map(|members| members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Value>()),
        ]
    })
}

/// Words that mean something in a webhook.
const WORDS: [&str; 33] = [
    "object",
    "entry",
    "changes",
    "field",
    "value",
    "metadata",
    "phone_number_id",
    "contacts",
    "messages",
    "statuses",
    "errors",
    "calls",
    "groups",
    "from",
    "id",
    "type",
    "text",
    "body",
    "image",
    "system",
    "wa_id",
    "user_id",
    "status",
    "failed",
    "code",
    "timestamp",
    "group_id",
    "user_id_update",
    "profile",
    "context",
    "interactive",
    "16505551234",
    "",
];

/// A value somewhere inside `body` becomes `other`; `at` chooses where.
fn spoil(body: &mut Value, mut at: usize, other: Value) {
    let mut here = body;
    loop {
        let children = match here {
            Value::Object(members) => members.len(),
            Value::Array(items) => items.len(),
            _ => 0,
        };
        if children == 0 || usize::is_multiple_of(at, 7) {
            *here = other;
            return;
        }
        let child = at % children;
        at = at / children + 1;
        here = match here {
            Value::Object(members) => members.values_mut().nth(child).expect("a member"),
            Value::Array(items) => &mut items[child],
            _ => return,
        };
    }
}

#[tokio::test]
async fn whatever_is_rightly_signed_is_taken() {
    let rig = Rig::start().await;
    let all: Vec<Value> = examples().into_iter().map(|(_, body)| body).collect();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let bodies = (any_json(), 0..all.len() * 2, any::<usize>(), any_json());
    for _ in 0..400 {
        let (any, which, at, other) = bodies.new_tree(&mut runner).expect("a value").current();
        // Half of them are Meta's examples with a part that is another thing.
        let body = match all.get(which) {
            Some(example) => {
                let mut body = example.clone();
                spoil(&mut body, at, other);
                body
            }
            None => change("messages", any),
        };
        let reply = rig.bring_bytes(body.to_string().as_bytes()).await;
        assert_eq!(reply.status, 200, "{body}: {}", reply.body);
    }
    let kept = rig.counts().await;
    assert!(kept["provider_news"] > 100 && kept["inbound_messages"] > 0, "{kept:?}");
}
