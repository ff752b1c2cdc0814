//! What Meta's webhooks say, in the gateway's own words.
//!
//! A call holds entries (one for each business account), an entry holds changes, a change has a `field`, by which it is
//! told what it is, and a `value`. A value of a number's own names that number; one of the account's does not. Nothing
//! here trusts a shape: what is missing is none, what is not understood becomes news that are kept as they came.
//!
//! Pure: bytes in, values out.

mod message;
mod news;
mod people;
mod status;

pub(super) use people::recipient;

use crate::{
    connectors::{EventKind, inbound_event::ProviderNews},
    model::clock::Time,
};
use serde_json::{Value, json};

/// Something told, with when it happened.
pub(super) type Parsed = (Time, EventKind);

/// Which number and account the instance is.
pub(super) struct OwnIds {
    pub(super) phone_number_id: String,
    /// Empty: not known.
    pub(super) waba_id: String,
}

/// One change, with what stands around it.
#[derive(Clone, Copy)]
struct WebhookChange<'a> {
    field: &'a str,
    value: &'a Value,
    entry: &'a Value,
    /// When the entry was made, or now.
    at: Time,
}

/// Reads a body that is rightly signed.
pub(super) fn read(body: &[u8], mine: &OwnIds, now: Time) -> Vec<Parsed> {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        // Too deep, or no JSON: kept as a text.
        let raw = json!(String::from_utf8_lossy(body)).to_string();
        return vec![(now, kept("unreadable", raw))];
    };
    let entries = body["entry"].as_array().filter(|_| body["object"] == "whatsapp_business_account");
    let Some(entries) = entries else { return vec![plain_news("unknown_object", &body, now)] };
    let mut told = Vec::new();
    for entry in entries {
        let Some(changes) = entry["changes"].as_array() else {
            told.push(plain_news("unknown_entry", entry, now));
            continue;
        };
        for change in changes {
            let at = time(&entry["time"]).unwrap_or(now);
            let field = change["field"].as_str().unwrap_or_default();
            read_change(&WebhookChange { field, value: &change["value"], entry, at }, mine, &mut told);
        }
    }
    told
}

fn read_change(change: &WebhookChange<'_>, mine: &OwnIds, told: &mut Vec<Parsed>) {
    let WebhookChange { field, value, .. } = *change;
    let number = text(&value["metadata"]["phone_number_id"]);
    if number.as_ref().is_some_and(|id| *id != mine.phone_number_id) {
        return told.push(elsewhere("other_number", "phone_number_id", number, change));
    }
    let account = text(&change.entry["id"]);
    let is_foreign = !mine.waba_id.is_empty() && account.as_ref().is_some_and(|id| *id != mine.waba_id);
    // Who names our number is right, whatever account it is said to be of.
    if number.is_none() && is_foreign {
        return told.push(elsewhere("other_account", "account", account, change));
    }
    match field {
        "messages" => messages(change, told),
        "calls" => status::calls(change, told),
        _ => news::read(change, told),
    }
}

/// Messages and statuses, in their order; whatever else such a value holds.
fn messages(change: &WebhookChange<'_>, told: &mut Vec<Parsed>) {
    let value = change.value;
    let list = |name: &str| value[name].as_array().map_or(&[][..], Vec::as_slice);
    let before = told.len();
    people::known(change, told);
    for one in list("messages") {
        message::read(change, one, told);
    }
    for one in list("statuses") {
        status::read(change, one, told);
    }
    if !list("errors").is_empty() {
        told.push(news_of(change, "errors", &value["errors"], None, Vec::new()));
    }
    if told.len() == before {
        told.push(news_of(change, "messages", value, None, Vec::new()));
    }
}

/// News of somebody else's: acknowledged, and noted without what it says.
fn elsewhere(kind: &str, name: &str, id: Option<String>, change: &WebhookChange<'_>) -> Parsed {
    let count = |name: &str| change.value[name].as_array().map_or(0, Vec::len);
    let raw = json!({
        "field": change.field, name: id, "messages": count("messages"), "statuses": count("statuses"),
        "time": change.entry["time"],
    });
    (change.at, kept(kind, raw.to_string()))
}

/// News of a change; together with what makes two alike ones two.
fn news_of(
    change: &WebhookChange<'_>,
    kind: &str,
    value: &Value,
    notice: Option<String>,
    then: Vec<EventKind>,
) -> Parsed {
    let raw = json!({
        "field": change.field, "account": change.entry["id"], "time": change.entry["time"], "value": value,
    });
    let kind = if kind.is_empty() { "unknown_field" } else { kind }.chars().take(KIND_MAX).collect();
    (change.at, EventKind::News(ProviderNews { kind, raw: raw.to_string(), notice, then }))
}

/// News that nobody is told of and from which nothing follows.
fn kept(kind: &str, raw: String) -> EventKind {
    EventKind::News(ProviderNews { kind: kind.into(), raw, notice: None, then: Vec::new() })
}

fn plain_news(kind: &str, value: &Value, now: Time) -> Parsed {
    (now, kept(kind, value.to_string()))
}

/// Longest word of Meta's that is taken for a kind, in characters.
const KIND_MAX: usize = 60;

/// A word of Meta's, as long as a word may be.
fn word(value: &Value) -> Option<String> {
    text(value).map(|word| word.chars().take(KIND_MAX).collect())
}

/// A text that is not empty.
fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|t| !t.is_empty()).map(str::to_owned)
}

/// An id: a text, or a number where Meta's examples have one.
fn id(value: &Value) -> Option<String> {
    text(value).or_else(|| value.as_u64().map(|n| n.to_string()))
}

/// Seconds, as a text or a number.
fn time(value: &Value) -> Option<Time> {
    let seconds = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
    (seconds > 0).then(|| Time::from_millis(seconds.saturating_mul(1000)))
}
