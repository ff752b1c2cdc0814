//! The webhook events, their schemas made from the typed events themselves: once with everything that can be there,
//! once with nothing that may be missing.

use super::schema::{header, json_answer, named, shape};
use crate::{
    events::webhooks::{EchoRef, Event, EventContext, EventName, EventPerson, OutboundRef, StatusStep},
    model::{
        clock::Time,
        ids::{ContactId, InstanceId, LogId},
        instance::{Health, InstanceState},
        message::{EchoOrigin, Retry, Status},
    },
    sending::Source,
    texts::locale::{self, Lang},
};
use serde_json::{Map, Value, json};

/// 2026-05-08T10:00:00Z
const AT: Time = Time::from_millis(1_778_234_400_000);

/// The `webhooks` member: an entry for each event.
pub(super) fn webhooks() -> Value {
    let all: Map<String, Value> =
        EventName::ALL.iter().map(|name| (name.as_str().to_owned(), json!({"post": described(*name)}))).collect();
    Value::Object(all)
}

fn described(name: EventName) -> Value {
    let full = body(&example(name, true));
    // What the phone or another program sent has no row in the log.
    let least = if name == EventName::MessageSent { Event::MessageEchoed(echoed()) } else { example(name, false) };
    let bare = body(&least);
    let mut schema = shape(&full, &bare);
    schema["properties"]["event"] = json!({"const": name});
    name_words(&mut schema["properties"]);
    if matches!(name, EventName::MessageReceived | EventName::GroupMessageReceived) {
        let what = "The message as the provider told it; only where the other members cannot hold all of it.";
        schema["properties"]["raw"] = json!({"type": "object", "description": what});
    }
    if matches!(name, EventName::MessageReceived | EventName::GroupMessageReceived | EventName::MessageSent) {
        let ours = "Our id of the message that an edit or a deletion changes; only where it was heard here.";
        schema["properties"]["changed_message_id"] = json!({"type": "string", "description": ours});
        let theirs = "The provider's id of the message that an edit or a deletion changes.";
        schema["properties"]["changed_provider_message_id"] = json!({"type": "string", "description": theirs});
    }
    if name == EventName::MessageReceived {
        let what = "There, and true, while the provider's own agent has the conversation: an answer takes it over.";
        schema["properties"]["standby"] = json!({"type": "boolean", "description": what});
    }
    let text = json!({"type": "string"});
    let signed = [
        ("webhook-id", "The event's id, the same at each attempt."),
        ("webhook-timestamp", "Unix seconds of this attempt."),
        ("webhook-signature", "Standard Webhooks 1.0."),
        ("X-WhatsApp-Gateway-Event", "The event's name."),
        ("X-WhatsApp-Gateway-Timestamp", "Unix seconds of this attempt."),
        ("X-WhatsApp-Gateway-Signature", "sha256= and HMAC-SHA256 over timestamp, a dot, and the body."),
    ];
    let parameters: Vec<Value> = signed.iter().map(|(name, what)| header(name, what, text.clone())).collect();
    let key = format!("event.{name}");
    json!({
        "operationId": format!("event_{}", name.as_str().replace('.', "_")),
        "summary": locale::all(Lang::En).get(&key).map_or(name.as_str(), String::as_str),
        "security": [],
        "parameters": parameters,
        "requestBody": {"required": true, "content": {"application/json": {"schema": schema, "example": full}}},
        "responses": {"2XX": json_answer("Taken. Anything else is tried again.", json!({}))},
    })
}

/// Says which words and forms the members have that are no free text.
fn name_words(properties: &mut Value) {
    let words = |all: &[&str]| json!({"type": "string", "enum": all});
    let states: Vec<&str> = InstanceState::ALL.iter().map(|s| s.as_str()).collect();
    let health: Vec<&str> = Health::ALL.iter().map(|h| h.as_str()).collect();
    let sources: Vec<&str> = Source::ALL.iter().map(|s| s.as_str()).collect();
    for (member, schema) in properties.as_object_mut().into_iter().flatten() {
        match member.as_str() {
            "timestamp" | "expires_at" | "last_message_at" | "started_at" | "ended_at" => {
                schema["format"] = json!("date-time");
            }
            "message_purpose" => *schema = named("Purpose"),
            "status" | "previous_status" => *schema = named("Status"),
            "state" | "previous_state" => *schema = words(&states),
            "health" => *schema = words(&health),
            "source" => *schema = words(&sources),
            _ => {}
        }
    }
}

fn body(event: &Event) -> Value {
    let instance_id = InstanceId::from_text("demo-support-line");
    let place =
        EventContext { event_id: "evt_example", instance_id: &instance_id, instance_name: "Demo Support Line", at: AT };
    serde_json::from_str(&event.body(&place)).unwrap_or_default()
}

/// An event with everything (`full`), or with nothing that may be missing.
fn example(name: EventName, full: bool) -> Event {
    let maybe = |text: &str| full.then(|| text.to_owned());
    let person = || EventPerson { contact_id: Some(ContactId(17)), phone: maybe("+966501234567") };
    match name {
        EventName::MessageReceived => Event::MessageReceived {
            from: person(),
            contact_name: maybe("Noura"),
            message_type: "text".into(),
            message_text: maybe("Where is my order?"),
            message_id: "in_example".into(),
            provider_message_id: "wamid.example".into(),
            conversation_id: 9,
            sequence: 4,
            reply_to: maybe("wamid.other"),
            media: full.then(media),
            raw: None,
            changed: None,
            is_standby: false,
        },
        EventName::MessageSent => Event::MessageSent(outbound(full)),
        EventName::MessageFailed => Event::MessageFailed(outbound(full), failure(full)),
        EventName::MessageDelivered => Event::MessageDelivered(outbound(full)),
        EventName::MessageRead => Event::MessageRead(outbound(full)),
        EventName::MessageStatusUpdated => Event::MessageStatusUpdated(outbound(full), failure(full)),
        EventName::RecipientOptedOut => Event::RecipientOptedOut { from: person(), message_text: "STOP".into() },
        EventName::InstanceConnected => Event::InstanceConnected { phone: maybe("+966112345678") },
        EventName::InstanceDisconnected => {
            Event::InstanceDisconnected { phone: maybe("+966112345678"), reason: maybe("logged_out") }
        }
        EventName::InstanceConnectionUpdated => Event::InstanceConnectionUpdated {
            state: InstanceState::Connecting,
            previous_state: InstanceState::Open,
            health: Health::Ok,
            reason: maybe("the connection to WhatsApp was lost; it is made again by itself"),
        },
        EventName::InstanceQrUpdated => Event::InstanceQrUpdated { qr: "2@example".into(), expires_at: AT },
        EventName::ConversationUpdated => Event::ConversationUpdated {
            conversation_id: 9,
            from: person(),
            contact_name: maybe("Noura"),
            unread_count: 1,
            last_message_at: AT,
        },
        EventName::CallReceived => call(person(), false, full),
        EventName::CallMissed => call(person(), true, full),
        EventName::CallRejected => {
            Event::CallRejected { from: person(), call_id: "A1B2C3".into(), is_video: false, started_at: AT }
        }
        EventName::GroupMessageReceived => Event::GroupMessageReceived {
            group_id: "120363000000000000@g.us".into(),
            group_name: "Warehouse".into(),
            from: person(),
            message_type: "text".into(),
            message_text: maybe("Pallet 7 has arrived."),
            message_id: "in_example".into(),
            provider_message_id: "wamid.example".into(),
            media: full.then(media),
            raw: None,
            changed: None,
        },
        EventName::GroupUpdated => Event::GroupUpdated {
            group_id: "120363000000000000@g.us".into(),
            group_name: "Warehouse".into(),
            change: "subject".into(),
        },
        EventName::Test => Event::Test,
    }
}

/// A message that was written on the number's own phone, with nothing that may be missing.
fn echoed() -> EchoRef {
    EchoRef {
        to: EventPerson { contact_id: None, phone: None },
        group_id: None,
        message_type: "text".into(),
        message_text: None,
        message_id: "in_example".into(),
        provider_message_id: "wamid.example".into(),
        source: EchoOrigin::Phone,
        reply_to: None,
        media: None,
        raw: None,
        changed: None,
    }
}

/// A message that failed.
fn failure(full: bool) -> StatusStep {
    let maybe = |text: &str| full.then(|| text.to_owned());
    StatusStep {
        status: Status::Failed,
        previous_status: Status::Sent,
        reason: maybe("The number is not on WhatsApp."),
        provider_code: maybe("131026"),
        retry: full.then_some(Retry::Never),
    }
}

/// A file that came with a message.
fn media() -> Value {
    json!({
        "type": "image", "mime_type": "image/jpeg", "file_name": "receipt.jpg", "size": 48_213,
        "url": "https://wa.example.com/media/…",
    })
}

fn outbound(full: bool) -> OutboundRef {
    let maybe = |text: &str| full.then(|| text.to_owned());
    OutboundRef {
        log_id: LogId(123),
        message_id: "msg_example".into(),
        provider_message_id: maybe("wamid.example"),
        reference: maybe("order-2041"),
        // Nobody's: what went to a group, and what never left for somebody who was not known here.
        to: EventPerson { contact_id: full.then_some(ContactId(17)), phone: maybe("+966501234567") },
        recipient: if full { "+966501234567" } else { "120363000000000000@g.us" }.into(),
        message_purpose: "transactional".into(),
        message_text: "Your order 2041 has been shipped.".into(),
        source: "api".into(),
        changed: None,
    }
}

fn call(from: EventPerson, missed: bool, full: bool) -> Event {
    let ended_at = full.then_some(AT);
    Event::Call { missed, from, call_id: "A1B2C3".into(), is_video: false, started_at: AT, ended_at }
}
