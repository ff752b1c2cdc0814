//! What became of a message that we sent, and calls.

use super::{Parsed, WebhookChange, capitals, id, list, news_of, people, text, time};
use crate::{
    connectors::{
        EventKind,
        inbound_event::{CallHeard, ReceiptHeard, RemoteParty, Whom},
        meta_error::{self, ErrorClass, GraphError},
        provider_text::{repeated, whole},
    },
    model::{ids::MessageId, message::Receipt},
};
use serde_json::Value;

/// Reads one of a value's statuses.
pub(super) fn read(change: &WebhookChange<'_>, status: &Value, told: &mut Vec<Parsed>) {
    let receipt = match status["status"].as_str().unwrap_or_default() {
        "sent" => Receipt::Server,
        "delivered" => Receipt::Delivered,
        // Heard or seen: a voice message that was played.
        "read" | "played" => Receipt::Read,
        "failed" => Receipt::Failed,
        _ => return told.push(news_of(change, "unknown_status", status, None, Vec::new())),
    };
    let provider_message_id = id(&status["id"]);
    let (Some(provider_message_id), true) = (provider_message_id, status["type"] != "call") else {
        return told.push(news_of(change, "unknown_status", status, None, Vec::new()));
    };
    let errors = list(&status["errors"]);
    let failed = (receipt == Receipt::Failed).then(|| errors.iter().find_map(GraphError::of));
    let code = failed.as_ref().and_then(|error| error.as_ref().map(|e| e.code));
    let ours = text(&status["biz_opaque_callback_data"]).filter(|data| data.starts_with("msg_"));
    let what = ReceiptHeard {
        provider_message_id,
        message_id: ours.map(MessageId::from_text),
        receipt,
        recipient_fault: code.is_some_and(|code| meta_error::code(code, false) == ErrorClass::Recipient),
        code: code.map(|code| code.to_string()),
        reason: failed.map(|error| error.map_or_else(|| unexplained(errors), |e| e.text())),
        pricing: status["pricing"].as_object().map(|pricing| Value::Object(pricing.clone()).to_string()),
    };
    let at = time(&status["timestamp"]).unwrap_or(change.at);
    let named = recipient(status, &what);
    told.push((at, EventKind::Receipt(what)));
    if let Some(code) = code.filter(|code| meta_error::code(*code, false) == ErrorClass::Restricted) {
        told.push((at, meta_error::restriction(code, at)));
    }
    told.extend(named.map(|what| (at, what)));
}

/// By which names Meta knows the one that a message went to. It spells some countries' numbers in its own way, and a
/// status may come before the answer to the message that it is about.
fn recipient(status: &Value, of: &ReceiptHeard) -> Option<EventKind> {
    let mut names = RemoteParty::default();
    let ids = [&status["recipient_id"], &status["recipient_user_id"]];
    ids.into_iter().filter_map(id).for_each(|name| people::add(&mut names, &name));
    let is_group = status["recipient_type"] == "group";
    let (provider_message_id, message_id) = (of.provider_message_id.clone(), of.message_id.clone());
    let whom = Whom::Recipient { provider_message_id, message_id };
    (!is_group && (names.phone.is_some() || names.bsuid.is_some())).then_some(EventKind::Named { whom, names })
}

/// Why it failed, of an error without a code: Meta's own words, if there are any.
fn unexplained(errors: &[Value]) -> String {
    let said = |error: &Value| {
        [&error["error_data"]["details"], &error["message"], &error["title"]].into_iter().find_map(text)
    };
    match errors.iter().find_map(said) {
        Some(words) => format!("Meta says that it failed: {}", repeated(&words)),
        None => "Meta says that it failed, and not why".to_owned(),
    }
}

/// Calls of people to us. A call that ends before it was taken was missed; nobody takes calls here.
pub(super) fn calls(change: &WebhookChange<'_>, told: &mut Vec<Parsed>) {
    let calls = list(&change.value["calls"]);
    people::known(change, told);
    let before = told.len();
    for call in calls {
        match (read_call(change, call), id(&call["id"])) {
            (Some(missed), Some(call_id)) => {
                let at = time(&call["timestamp"]).unwrap_or(change.at);
                let from = people::writer(change, call);
                let is_video = call["is_video"] == true || call["media_type"] == "video";
                told.push((at, EventKind::Call(CallHeard { call_id, from, is_video, missed })));
            }
            _ => told.push(news_of(change, "calls", call, None, Vec::new())),
        }
    }
    // Permissions, and statuses of calls that others make.
    if told.len() == before {
        told.push(news_of(change, "calls", change.value, None, Vec::new()));
    }
}

/// Whether a call was missed; none for what is no call to us.
fn read_call(_: &WebhookChange<'_>, call: &Value) -> Option<bool> {
    if !["", "USER_INITIATED"].contains(&&*capitals(&call["direction"])) {
        return None;
    }
    match &*capitals(&call["event"]) {
        "CONNECT" => Some(false),
        // One that was taken lasted.
        "TERMINATE" if whole(&call["duration"]).is_none_or(|seconds| seconds == 0) => Some(true),
        _ => None,
    }
}
