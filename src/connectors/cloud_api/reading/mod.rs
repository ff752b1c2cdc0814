//! What Meta's webhooks say, in the gateway's own words.
//!
//! A call holds entries (one for each business account), an entry holds changes, a change has a `field`, by which it is
//! told what it is, and a `value`. A value of a number's own names that number; one of the account's does not. Nothing
//! here trusts a shape: what is missing is none, what is not understood becomes news that are kept as they came.
//!
//! Pure: bytes in, values out.

mod coexistence;
mod message;
mod news;
mod people;
mod status;

pub(super) use people::recipient;

use crate::{
    connectors::{
        EventKind,
        inbound_event::{ProviderNews, Told},
        provider_text::{json_of, repeated, whole},
    },
    model::{clock::Time, message::EchoOrigin},
};
use serde_json::{Value, json};

/// Something told, with when it happened.
pub(super) type Parsed = (Time, EventKind);

/// Which number and account the instance is.
pub(super) struct OwnIds {
    pub(super) phone_number_id: String,
    /// Empty: not known.
    pub(super) waba_id: String,
    /// The number itself, as far as it is known.
    pub(super) phone: Option<String>,
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

/// Reads a body that is rightly signed with the secret of an app, for the numbers of that app: whose of them it is, and
/// what. The first number is the one to whose address it came: what is nobody's is noted there, and its owner told.
pub(super) fn read(body: &[u8], app: &[OwnIds], now: Time) -> Vec<(usize, Parsed)> {
    let Some(body) = json_of(body) else {
        // Too deep, or no JSON: kept as a text.
        let raw = json!(String::from_utf8_lossy(body)).to_string();
        return vec![(0, (now, kept("unreadable", raw)))];
    };
    if body["object"] != "whatsapp_business_account" || !is_list(&body["entry"]) {
        return vec![(0, plain_news("unknown_object", &body, now))];
    }
    let mut told = Vec::new();
    for entry in list(&body["entry"]) {
        if !is_list(&entry["changes"]) {
            told.push((0, plain_news("unknown_entry", entry, now)));
        }
        for change in list(&entry["changes"]) {
            let at = time(&entry["time"]).unwrap_or(now);
            let field = change["field"].as_str().unwrap_or_default();
            let change = WebhookChange { field, value: &change["value"], entry, at };
            let all = whose(&change, app);
            if all.is_empty() {
                told.push((0, elsewhere(&change)));
            }
            for whose in all {
                let mut parts = Vec::new();
                read_change(&change, &mut parts);
                told.extend(parts.into_iter().map(|part| (whose, part)));
            }
        }
    }
    told
}

/// Which numbers of the app a change is about: the one that it names, else those of its account.
fn whose(change: &WebhookChange<'_>, app: &[OwnIds]) -> Vec<usize> {
    if let Some(number) = number_of(change.value) {
        return app.iter().position(|own| own.phone_number_id == number).into_iter().collect();
    }
    let account = id(&change.entry["id"]);
    let is_of = |(at, own): &(usize, &OwnIds)| match &account {
        // Where an instance does not say which account it is in, all that comes to its address is its.
        Some(account) => own.waba_id == *account || (*at == 0 && own.waba_id.is_empty()),
        None => *at == 0,
    };
    let of_account: Vec<usize> = app.iter().enumerate().filter(is_of).map(|(at, _)| at).collect();
    // News of one number name it as people see it.
    let places = [&change.value["display_phone_number"], &change.value["metadata"]["display_phone_number"]];
    let shown = digits(&places.into_iter().find_map(id).unwrap_or_default());
    let is_its = |at: &usize| !shown.is_empty() && app[*at].phone.as_deref().map(digits).as_ref() == Some(&shown);
    let named: Vec<usize> = of_account.iter().copied().filter(is_its).collect();
    match named.is_empty() {
        false => named,
        // What somebody said was said to one number: to the one whose address it came to, where it names none.
        true if is_talk(change) => of_account.into_iter().take(1).collect(),
        true => of_account,
    }
}

/// Whether a change is what people said or what became of it, and not news of the account.
fn is_talk(change: &WebhookChange<'_>) -> bool {
    let value = change.value;
    ["messages", "statuses", "message_echoes", "calls"]
        .iter()
        .any(|part| !list(&value[*part]).is_empty() || !list(&value["standby"][*part]).is_empty())
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Which number a value is about. A handover names it as the one that was written to.
fn number_of(value: &Value) -> Option<String> {
    let places = [&value["metadata"], &value["recipient"], &value["standby"]["metadata"]];
    places.into_iter().find_map(|place| id(&place["phone_number_id"]))
}

fn read_change(change: &WebhookChange<'_>, told: &mut Vec<Parsed>) {
    let has_messages = |name: &&str| !list(&change.value[*name]).is_empty();
    match change.field {
        "messages" => messages(change, told),
        "" if ["messages", "statuses"].iter().any(has_messages) => messages(change, told),
        "calls" => status::calls(change, told),
        "smb_message_echoes" | "message_echoes" => coexistence::echoes(change, told),
        "history" => coexistence::history(change, told),
        "smb_app_state_sync" => coexistence::address_book(change, told),
        "standby" => coexistence::standby(change, told),
        "messaging_handovers" => coexistence::handover(change, told),
        _ => news::read(change, told),
    }
}

/// Messages and statuses, in their order; whatever else such a value holds.
fn messages(change: &WebhookChange<'_>, told: &mut Vec<Parsed>) {
    let value = change.value;
    let before = told.len();
    people::known(change, told);
    for one in list(&value["messages"]) {
        match is_own(change, one) {
            true => message::echo(change, one, (EchoOrigin::Phone, Told::Live), told),
            false => message::read(change, one, Told::Live, told),
        }
    }
    for one in list(&value["message_echoes"]) {
        message::echo(change, one, (EchoOrigin::Phone, Told::Live), told);
    }
    for one in list(&value["statuses"]) {
        status::read(change, one, told);
    }
    if !list(&value["errors"]).is_empty() {
        told.push(news_of(change, "errors", &value["errors"], None, Vec::new()));
    }
    if told.len() == before {
        told.push(news_of(change, "messages", value, None, Vec::new()));
    }
}

/// Whether a message is the number's own, whatever list it stands in.
fn is_own(change: &WebhookChange<'_>, message: &Value) -> bool {
    let number = |value: &Value| digits(&id(value).unwrap_or_default());
    let own = number(&change.value["metadata"]["display_phone_number"]);
    !own.is_empty() && own == number(&message["from"])
}

/// What is about a number or an account that nobody here has: noted without what it says, and told.
fn elsewhere(change: &WebhookChange<'_>) -> Parsed {
    let (what, member, whose) = match number_of(change.value) {
        Some(number) => ("number", "phone_number_id", number),
        None => ("account", "account", id(&change.entry["id"]).unwrap_or_default()),
    };
    let count = |name: &str| list(&change.value[name]).len();
    let raw = json!({
        "field": change.field, member: whose, "messages": count("messages"), "statuses": count("statuses"),
        "time": change.entry["time"],
    });
    let told = format!(
        "{:?} of the {what} {}, which no instance here has with this app's secret, came to this address and is lost: \
         make an instance for it, or give it an address of its own at Meta",
        repeated(change.field),
        repeated(&whose)
    );
    let kind = format!("other_{what}");
    (change.at, EventKind::News(ProviderNews { kind, raw: raw.to_string(), notice: Some(told), then: Vec::new() }))
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

/// A word of Meta's in capitals, as its lists of events have them; empty for none.
fn capitals(value: &Value) -> String {
    word(value).unwrap_or_default().to_ascii_uppercase()
}

/// The members of a list; what stands there without one, as the only member.
fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(all) => all,
        Value::Object(_) => std::slice::from_ref(value),
        _ => &[],
    }
}

const fn is_list(value: &Value) -> bool {
    matches!(value, Value::Array(_) | Value::Object(_))
}

/// An id: a text, or a number where Meta's examples have one.
fn id(value: &Value) -> Option<String> {
    text(value).or_else(|| whole(value).map(|n| n.to_string()))
}

/// Seconds, as a text or a number; or the time in words.
fn time(value: &Value) -> Option<Time> {
    let seconds = whole(value).filter(|seconds| *seconds > 0);
    let in_words = || Time::parse(value.as_str()?).ok();
    seconds.map(|seconds| Time::from_millis(seconds.saturating_mul(1000))).or_else(in_words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_of_one_number_are_not_told_of_the_others_of_its_account() {
        let own = |number: &str, phone: Option<&str>| OwnIds {
            phone_number_id: number.to_owned(),
            waba_id: "900".to_owned(),
            phone: phone.map(str::to_owned),
        };
        let app = [own("1", Some("+15550783881")), own("2", Some("+15550009999")), own("3", None)];
        let whose_of = |field: &str, value: Value| -> Vec<usize> {
            let change = json!({"field": field, "value": value});
            let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "900", "changes": [change]}]});
            let now = Time::parse("2026-06-01T08:00:00Z").expect("a time");
            read(body.to_string().as_bytes(), &app, now).into_iter().map(|(whose, _)| whose).collect()
        };
        let whose = |value: Value| whose_of("phone_number_quality_update", value);
        assert_eq!(whose(json!({"display_phone_number": "15550009999", "event": "FLAGGED"})), [1]);
        assert_eq!(whose(json!({"display_phone_number": "+1 555-078-3881", "event": "FLAGGED"})), [0]);
        assert_eq!(
            whose(json!({"display_phone_number": "15550001111", "event": "FLAGGED"})),
            [0, 1, 2],
            "which, is not known"
        );
        assert_eq!(whose(json!({"event": "FLAGGED"})), [0, 1, 2], "the account's");
        // What somebody said, they said to one number.
        let said = json!([{"id": "wamid.1", "from": "966501234567", "type": "text", "text": {"body": "Hello"}}]);
        assert_eq!(whose_of("messages", json!({"messages": said})), [0]);
        let metadata = json!({"display_phone_number": "+1 555 000 9999"});
        assert_eq!(whose_of("messages", json!({"messages": said, "metadata": metadata})), [1]);
    }
}
