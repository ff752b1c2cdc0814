//! The lists of the guarded API.

use super::{
    Operation,
    schema::{header, json_answer, named, object, refusals},
};
use crate::{
    api::guarded::paging::{LIMIT, LIMIT_MAX},
    model::code::Code,
    web::problem,
};
use serde_json::{Value, json};

/// What the lists refuse with.
pub(super) const REFUSED: &[Code] = &[
    Code::InvalidApiKey,
    Code::RevokedApiKey,
    Code::AddressNotAllowed,
    Code::InsufficientScope,
    Code::ValidationError,
    Code::InternalError,
    Code::ServiceUnavailable,
];

pub fn operations() -> Vec<Operation> {
    let text = || json!({"type": "string"});
    let mut messages = vec![
        instance(),
        query("status", "In one state.", named("Status")),
        query("to", "To one person, under each form of the number.", text()),
        query("reference", "With one of your own ids.", text()),
        query("q", "With this in its text; needs since.", text()),
    ];
    messages.extend(paging());
    let mut heard = vec![instance(), query("from", "From one person.", text())];
    heard.extend(paging());
    vec![
        list("list_messages", "/api/messages", messages, page("ListedMessage")),
        list("list_inbound_messages", "/api/inbound-messages", heard, page("InboundMessage")),
        list("list_contacts", "/api/contacts", people(instance()), page("Contact")),
        list("list_conversations", "/api/conversations", people(instance()), page("Conversation")),
        list(
            "list_instances",
            "/api/instances",
            vec![instance()],
            object(&["data"], json!({"data": items("Instance")})),
        ),
        list("list_suppressions", "/api/suppressions", paging().into(), page("Suppression")),
        list(
            "list_templates",
            "/api/templates",
            vec![instance()],
            object(&["data"], json!({"data": items("Template")})),
        ),
        list("get_usage", "/api/usage", Vec::new(), named("Usage")),
    ]
}

/// What the lists of people and conversations take.
fn people(instance: Value) -> Vec<Value> {
    let mut all = vec![instance, query("phone", "The person with this number.", json!({"type": "string"}))];
    all.extend(paging());
    all
}

fn list(id: &'static str, path: &'static str, mut parameters: Vec<Value>, schema: Value) -> Operation {
    parameters.push(header("If-None-Match", "The ETag of an answer that you have.", json!({"type": "string"})));
    let tag = json!({"ETag": {"required": true, "schema": {"type": "string"}}});
    let mut found = json_answer("From the newest to the oldest.", schema);
    found["headers"] = tag.clone();
    let mut answers = vec![(200, found), (304, json!({"description": "It is the one that you have.", "headers": tag}))];
    answers.extend(refusals(REFUSED, problem::describe));
    Operation { id, method: "GET", path, security: &["bearer"], parameters, body: None, answers }
}

/// What each list with pages takes.
fn paging() -> [Value; 3] {
    let limit = json!({"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT});
    [
        query("since", "Not older than this moment.", json!({"type": "string", "format": "date-time"})),
        query("limit", "Rows of a page.", limit),
        query("cursor", "next_cursor of the page before.", json!({"type": "string"})),
    ]
}

pub(super) fn instance() -> Value {
    query("instance_id", "Of one instance.", json!({"type": "string"}))
}

pub(super) fn query(name: &str, text: &str, schema: Value) -> Value {
    json!({"name": name, "in": "query", "required": false, "description": text, "schema": schema})
}

fn items(name: &str) -> Value {
    json!({"type": "array", "items": named(name)})
}

fn page(name: &str) -> Value {
    let next = json!({"type": ["string", "null"], "description": "null: this was the last page"});
    object(&["data", "next_cursor"], json!({"data": items(name), "next_cursor": next}))
}

/// The rows of the lists.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let (text, number) = (json!({"type": "string"}), json!({"type": "integer"}));
    let (maybe, maybe_number) = (json!({"type": ["string", "null"]}), json!({"type": ["integer", "null"]}));
    let time = json!({"type": "string", "format": "date-time"});
    let all_of = |properties: Value| {
        let names: Vec<&str> = properties.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        object(&names, properties.clone())
    };
    let message = json!({
        "log_id": number, "message_id": text, "provider_message_id": maybe, "status": named("Status"), "reason": maybe,
        "instance_id": text, "reference": maybe, "to": maybe, "message_purpose": text, "message_text": text,
        "created_at": time, "updated_at": time,
    });
    let heard = json!({
        "message_id": text, "provider_message_id": text, "instance_id": text, "contact_id": maybe_number,
        "contact_name": maybe, "from": maybe, "message_type": text, "message_text": text,
        "conversation_id": maybe_number, "sequence": maybe_number, "group_id": maybe, "reply_to": maybe,
        "timestamp": time, "created_at": time,
    });
    let instance = json!({
        "instance_id": text, "instance_name": text, "connector": text, "state": text, "reason": maybe,
        "health": text, "phone": maybe, "paused_at": maybe, "created_at": time,
    });
    let suppression = json!({
        "phone": maybe, "contact_id": number, "source": text, "reason": text, "since": time,
    });
    let contact = json!({
        "contact_id": number, "contact_name": maybe, "phone": maybe, "suppressed": {"type": "boolean"},
        "imported_at": maybe, "first_outbound_at": maybe, "last_inbound_at": maybe, "created_at": time,
    });
    let conversation = json!({
        "conversation_id": number, "instance_id": text, "contact_id": number, "contact_name": maybe, "from": maybe,
        "unread_count": number, "sequence": number, "last_inbound_at": maybe, "last_heard_at": time,
        "created_at": time,
    });
    let mut all = vec![
        ("Contact", all_of(contact)),
        ("Conversation", all_of(conversation)),
        ("ListedMessage", all_of(message)),
        ("InboundMessage", all_of(heard)),
        ("Instance", all_of(instance)),
        ("Suppression", all_of(suppression)),
    ];
    all.extend(before_sending(&all_of));
    all
}

/// Templates and what is used of the plan.
fn before_sending(all_of: &dyn Fn(Value) -> Value) -> [(&'static str, Value); 2] {
    let text = json!({"type": "string"});
    let (maybe, maybe_number) = (json!({"type": ["string", "null"]}), json!({"type": ["integer", "null"]}));
    let template = json!({
        "instance_id": text, "template_name": text, "language": text, "category": maybe, "status": maybe,
        "quality": maybe, "reason": maybe, "text": maybe, "variables": maybe_number,
        "can_be_sent": {"type": "boolean"}, "updated_at": {"type": "string", "format": "date-time"},
    });
    let period = all_of(json!({
        "period": text, "used": {"type": "integer"}, "limit": maybe_number, "remaining": maybe_number,
    }));
    let usage = json!({
        "plan": maybe, "plan_until": {"type": ["string", "null"], "format": "date-time"}, "timezone": text,
        "day": period, "month": period,
    });
    [("Template", all_of(template)), ("Usage", all_of(usage))]
}
