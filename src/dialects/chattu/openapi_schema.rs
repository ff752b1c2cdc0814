//! What the operations of the dialect are described with: schemas made of examples, with the words, lengths and nulls
//! that an example does not show.

use super::http::MAX_URL;
use crate::{
    api::openapi::schema::{json_answer, json_body, named, object, shape},
    sending::request::MAX_CHARS,
};
use serde_json::{Value, json};

/// Members that may be null.
const NULLABLE: [&str; 12] = [
    "qrCode",
    "sentTime",
    "profilePic",
    "lastMessage",
    "description",
    "owner",
    "createdAt",
    "end_time",
    "duration",
    "filename",
    "reactions",
    "connectedNumber",
];
/// `{"error","code"}` and what it is refused with.
const CODES: [&str; 13] = [
    "AUTH_ERROR",
    "ACCESS_DENIED",
    "PLAN_LIMIT_EXCEEDED",
    "READ_ONLY_CHAT",
    "CLIENT_NOT_FOUND",
    "GROUP_NOT_FOUND",
    "SCHEDULE_NOT_FOUND",
    "INVALID_REQUEST",
    "INVALID_CHAT_TYPE",
    "MEDIA_ERROR",
    "RATE_LIMITED",
    "POLICY_BLOCKED",
    "SEND_FAILED",
];
const MEDIA_TYPES: [&str; 4] = ["image", "video", "audio", "document"];
/// The schemas of this dialect that are referred to by name.
pub(crate) fn components() -> Vec<(&'static str, Value)> {
    vec![("ChattuMessage", message_form()), ("ChattuSent", shape_of(&sent_message())), ("ChattuError", error())]
}

/// The body of `POST /api/send-message` with `x-api-key`.
fn message_form() -> Value {
    let mut form = object(
        &["clientId", "number"],
        json!({
            "clientId": {"type": "string", "minLength": 1},
            "number": {"type": ["string", "integer"], "minLength": 1},
            "message": {"type": "string", "maxLength": MAX_CHARS},
            "mediaUrl": {"type": "string", "maxLength": MAX_URL},
            "mediaType": {"type": "string", "enum": MEDIA_TYPES},
            "message_purpose": named("Purpose"),
        }),
    );
    form["description"] = json!("One of message and mediaUrl must be there, or both.");
    form
}

fn error() -> Value {
    object(
        &["error"],
        json!({
            "error": {"type": "string"},
            "code": {"type": "string", "enum": CODES},
            "reason": {"type": "string"},
        }),
    )
}

pub(super) fn answered(example: &Value) -> Value {
    json_answer("Done.", shape_of(example))
}

#[expect(clippy::unnecessary_wraps, reason = "it stands in an operation's optional body")]
pub(super) fn posted(example: Value) -> Option<Value> {
    let mut schema = shape(&example, &example);
    for (name, member) in schema["properties"].as_object_mut().into_iter().flatten() {
        match name.as_str() {
            // Empty: no webhook any more.
            "webhookUrl" => {}
            "number" | "phoneNumber" => *member = json!({"type": ["string", "integer"], "minLength": 1}),
            _ => member["minLength"] = json!(1),
        }
    }
    Some(json_body(schema, example))
}

/// The same, where a file may come instead of the text or beside it.
pub(super) fn with_file(mut body: Option<Value>) -> Option<Value> {
    if let Some(schema) = body.as_mut().and_then(|body| body.pointer_mut("/content/application~1json/schema")) {
        schema["properties"]["mediaUrl"] = json!({"type": "string", "maxLength": MAX_URL});
        schema["properties"]["mediaType"] = json!({"type": "string", "enum": MEDIA_TYPES});
        schema["properties"]["message"] = json!({"type": "string", "maxLength": MAX_CHARS});
        if let Some(required) = schema["required"].as_array_mut() {
            required.retain(|name| name != "message");
        }
    }
    body
}

/// The shape of an example, with the members that may be null.
pub(super) fn shape_of(example: &Value) -> Value {
    let mut shape = shape(example, &without(example));
    name_words(&mut shape);
    shape
}

/// Says which words the members have that are no free text; times of text are RFC 3339.
fn name_words(schema: &mut Value) {
    // Asked for by index, members that are not there would become null.
    for (name, member) in schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        let at_time =
            name.ends_with("_time") || name.ends_with("_at") || name.ends_with("Time") || name.ends_with("At");
        if at_time && member["type"].to_string().contains("string") {
            member["format"] = json!("date-time");
        }
        name_words(member);
    }
    if let Some(items) = schema.get_mut("items") {
        name_words(items);
    }
}

fn without(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let is_nullable = NULLABLE.contains(&name.as_str());
                (name.clone(), if is_nullable { Value::Null } else { without(value) })
            })
            .collect(),
        Value::Array(items) => items.iter().map(without).collect(),
        plain => plain.clone(),
    }
}

pub(super) fn sent_message() -> Value {
    json!({"success": true, "message": {
        "id": {"_serialized": "3EB0C767F26AFC1F8B"}, "body": "Hello", "timestamp": 1_778_234_400, "type": "chat"}})
}
