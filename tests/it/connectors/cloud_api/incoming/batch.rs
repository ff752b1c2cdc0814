//! Many things in one call, the same call twice, and what becomes of messages that we sent.

use super::rig::{LINE, Rig, change, contact, examples, text, value};
use serde_json::{Value, json};

/// 2026-06-01T07:59:00Z, a minute before the tests' clock.
const AT: i64 = 1_780_300_740;

/// A message of ours that is on its way, as the outgoing half leaves it.
pub async fn ours(rig: &Rig, message_id: &str, theirs: Option<&str>, status: &str) {
    let theirs = theirs.map_or("NULL".to_owned(), |id| format!("'{id}'"));
    let account = rig.world.account;
    rig.change(&format!(
        "INSERT INTO messages (message_id, account_id, source, instance_id, recipient, purpose, kind, body, fingerprint,
             status, provider_message_id, quota, day, month, created_at, updated_at)
         VALUES ('{message_id}', {account}, 'api', '{LINE}', '+16505551234', 'support', 'text', 'Hello', 0, '{status}',
             {theirs}, 'counted', '2026-06-01', '2026-06', 1780300700000, 1780300700000)"
    ))
    .await;
}

fn status(id: &str, what: &str) -> Value {
    json!({"id": id, "status": what, "timestamp": AT.to_string(), "recipient_id": "16505551234"})
}

#[tokio::test]
async fn five_messages_and_three_statuses_are_five_and_three_however_often_they_come() {
    let rig = Rig::start().await;
    for n in 1..=3 {
        ours(&rig, &format!("msg_{n}"), Some(&format!("wamid.out{n}")), "sent").await;
    }
    let messages = (1..=5).map(|n| text(&format!("wamid.in{n}"), "16505551234", AT + n, &format!("Line {n}")));
    let body = change(
        "messages",
        value(json!({
            "contacts": [contact("Sheena", "16505551234")],
            "messages": messages.collect::<Vec<_>>(),
            "statuses": [status("wamid.out1", "delivered"), status("wamid.out2", "read"), status("wamid.out3", "failed")],
        })),
    );
    rig.bring(&body).await;
    let first = (rig.counts().await, rig.event_names().await);
    let count = |names: &[String], name: &str| names.iter().filter(|n| *n == name).count();
    assert_eq!(first.0["inbound_messages"], 5);
    assert_eq!(count(&first.1, "message.received"), 5);
    assert_eq!(count(&first.1, "message.status_updated"), 3);
    for name in ["message.delivered", "message.read", "message.failed"] {
        assert_eq!(count(&first.1, name), 1, "{name}");
    }
    let rows = rig.rows("SELECT status FROM messages ORDER BY id").await;
    assert_eq!(rows, [json!({"status": "delivered"}), json!({"status": "read"}), json!({"status": "failed"})]);
    let chat = rig.row("SELECT sequence, unread_count FROM conversations").await;
    assert_eq!(chat, json!({"sequence": 5, "unread_count": 5}));
    for _ in 0..2 {
        rig.bring(&body).await;
        assert_eq!((rig.counts().await, rig.event_names().await), first, "again");
    }
}

#[tokio::test]
async fn several_entries_and_changes_are_one_call() {
    let rig = Rig::start().await;
    let all = examples();
    let entry = |name: &str| all[name]["entry"][0].clone();
    let mut two = entry("Text Message");
    let more = change("messages", value(json!({"messages": [text("wamid.b", "16505559999", AT, "b")]})));
    two["changes"].as_array_mut().expect("a list").push(more["entry"][0]["changes"][0].clone());
    rig.bring(&json!({"object": "whatsapp_business_account", "entry": [two, entry("Order Message")]})).await;
    assert_eq!(rig.counts().await["inbound_messages"], 3);
    assert_eq!(rig.counts().await["contacts"], 2);
}

#[tokio::test]
async fn a_message_of_which_nobody_could_tell_is_settled_by_our_own_id() {
    let rig = Rig::start().await;
    ours(&rig, "msg_01UNKNOWN", None, "unknown").await;
    let mut told = status("wamid.out", "delivered");
    told["biz_opaque_callback_data"] = json!("msg_01UNKNOWN");
    told["pricing"] = json!({"billable": true, "pricing_model": "PMP", "category": "utility", "type": "regular"});
    rig.bring_value(json!({"statuses": [told]})).await;
    let row = rig.row("SELECT status, provider_message_id, pricing FROM messages").await;
    assert_eq!((&row["status"], &row["provider_message_id"]), (&json!("delivered"), &json!("wamid.out")));
    let pricing: Value = serde_json::from_str(row["pricing"].as_str().expect("a text")).expect("JSON");
    assert_eq!(pricing["category"], "utility");
    assert!(rig.event_names().await.contains(&"message.sent".to_owned()), "it was sent, and then delivered");
    // Somebody else's words in that field name nobody.
    let mut told = status("wamid.other", "read");
    told["biz_opaque_callback_data"] = json!("order 7");
    rig.bring_value(json!({"statuses": [told]})).await;
    assert_eq!(rig.row("SELECT status FROM messages").await["status"], "delivered");
}

#[tokio::test]
async fn statuses_only_move_up_and_failures_keep_their_code() {
    let rig = Rig::start().await;
    let error = json!({"code": 131026, "title": "Message undeliverable", "message": "Message undeliverable",
                       "error_data": {"details": "Unable to deliver to 16505551234."}});
    for (n, (steps, ends, code, fault)) in [
        (&["sent", "delivered", "read"][..], "read", None, 0),
        (&["sent", "delivered", "played"], "read", None, 0),
        (&["played", "delivered", "sent"], "read", None, 0),
        (&["delivered", "delivered", "sent"], "delivered", None, 0),
        (&["failed"], "failed", Some("131026"), 1),
        (&["failed", "delivered"], "failed", Some("131026"), 1),
        (&["delivered", "failed"], "delivered", None, 0),
        (&["warned"], "sent", None, 0),
    ]
    .into_iter()
    .enumerate()
    {
        let theirs = format!("wamid.{n}");
        ours(&rig, &format!("msg_{n}"), Some(&theirs), "sent").await;
        for step in steps {
            let mut told = status(&theirs, step);
            if *step == "failed" {
                // A list as Meta documents it, and one error without one, with its code as a text.
                told["errors"] = if n % 2 == 0 { json!([error]) } else { error.clone() };
                if n % 2 == 1 {
                    told["errors"]["code"] = json!("131026");
                }
            }
            rig.bring_value(json!({"statuses": [told]})).await;
        }
        let sql =
            format!("SELECT status, provider_code, recipient_fault, reason FROM messages WHERE message_id = 'msg_{n}'");
        let row = rig.row(&sql).await;
        assert_eq!(
            (&row["status"], &row["provider_code"], &row["recipient_fault"]),
            (&json!(ends), &json!(code), &json!(fault)),
            "{steps:?}"
        );
        let reason = row["reason"].as_str().unwrap_or_default();
        assert!(!reason.contains("6505551234"), "nobody's number in {reason}");
    }
    assert_eq!(rig.row("SELECT kind FROM provider_news").await["kind"], "unknown_status");
}

/// The first error with a code counts; without any, Meta's own words do.
#[tokio::test]
async fn why_it_failed_is_told_also_without_a_code() {
    let rig = Rig::start().await;
    let words = json!({"title": "Odd", "error_data": {"details": "The 16505551234 line is odd."}});
    for (n, (errors, code, told)) in [
        (json!([words]), None, "Meta says that it failed: The ****234 line is odd."),
        (json!([{"title": "Odd"}, {"code": 131_026, "title": "x"}]), Some("131026"), "cannot be delivered"),
        (json!([]), None, "and not why"),
        (json!("odd"), None, "and not why"),
    ]
    .into_iter()
    .enumerate()
    {
        let theirs = format!("wamid.{n}");
        ours(&rig, &format!("msg_{n}"), Some(&theirs), "sent").await;
        let mut failed = status(&theirs, "failed");
        failed["errors"] = errors;
        rig.bring_value(json!({"statuses": [failed]})).await;
        let row = rig.row(&format!("SELECT provider_code, reason FROM messages WHERE message_id = 'msg_{n}'")).await;
        assert_eq!(row["provider_code"], json!(code), "{row}");
        assert!(row["reason"].as_str().is_some_and(|reason| reason.contains(told)), "{row}");
    }
}
