//! A message on its way out, in Meta's words; and what Meta's answer means for it.
//!
//! Pure: values in, values out. What an error means is said by `meta_error.rs` alone; here it becomes what the sender
//! decides on, and a [`Demand`] on the line.

use super::{client::GraphResponse, reading, structured};
use crate::{
    connectors::{
        Ack, Address, Content, Outgoing, SendError,
        inbound_event::RemoteParty,
        location::Location,
        meta_error::{ErrorClass, GraphError, words_of},
        outgoing::MediaKind,
        provider_text::retry_after,
        templates::{Category, FLOW, PlaceholderSlot, Slot, SlotKind, Template},
    },
    egress::EgressError,
    model::{clock::Time, file_name},
};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How long Meta's work on an account is waited for before the next try.
const MAINTENANCE: Duration = Duration::from_secs(120);
/// Meta's limit for the text that comes back in statuses; our ids are far shorter.
const CALLBACK_MAX: usize = 512;
/// As many blanks in a row as a template's variable may not have (Meta's code 132018 and its words for it).
const BLANKS_MAX: usize = 4;

/// Meta could not be reached at all.
pub(super) const UNREACHABLE: &str = "unreachable";

/// A message that did not get through: what its sender is told, and what follows for the others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Failure {
    pub(super) error: SendError,
    pub(super) demand: Demand,
}

/// What an answer asks of the line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Demand {
    None,
    /// All wait: as long as Meta says, if it says so.
    SlowLine(Option<Duration>),
    /// Messages to this recipient wait.
    SlowRecipient(Option<Duration>),
    /// The owner should know: others go on.
    Warn,
    /// Nothing goes any more until a person has seen to it.
    Close,
}

/// The request for a message; `media_id` is that of its file. The template, if it is known, says which placeholders its
/// variables fill.
///
/// # Errors
/// What Meta has no words for.
pub(super) fn request(out: &Outgoing, media_id: Option<&str>, template: Option<&Template>) -> Result<Value, SendError> {
    let mut body = Map::new();
    body.insert("messaging_product".into(), json!("whatsapp"));
    body.insert("recipient_type".into(), json!("individual"));
    match &out.to {
        // Without the plus sign Meta may put the business's own country code in front (its page on phone numbers).
        Address::Phone(phone) => body.insert("to".into(), json!(phone.as_str())),
        // A hidden number: Meta takes the id of the person with this business, under another name.
        Address::Bsuid(id) => body.insert("recipient".into(), json!(id)),
        Address::Lid(_) | Address::Group(_) => {
            return Err(SendError::permanent("recipient", "the Cloud API cannot reach this kind of recipient"));
        }
    };
    if let Some(id) = &out.reply_to {
        body.insert("context".into(), json!({"message_id": id}));
    }
    let (kind, content) = content(out, media_id, template)?;
    body.insert("type".into(), json!(kind));
    body.insert(kind.into(), content);
    if out.outside_window {
        body.insert("category".into(), json!("utility"));
    }
    let ours = out.message_id.as_str();
    if ours.len() <= CALLBACK_MAX {
        body.insert("biz_opaque_callback_data".into(), json!(ours));
    }
    Ok(Value::Object(body))
}

fn content(
    out: &Outgoing,
    media_id: Option<&str>,
    template: Option<&Template>,
) -> Result<(&'static str, Value), SendError> {
    Ok(match &out.content {
        Content::Text(text) => ("text", json!({"body": text, "preview_url": false})),
        Content::Media { kind, file, caption } => {
            let mut content = Map::from_iter([("id".to_owned(), json!(media_id.unwrap_or_default()))]);
            if !caption.is_empty() && kind.has_caption() {
                content.insert("caption".into(), json!(caption));
            }
            if *kind == MediaKind::Voice {
                content.insert("voice".into(), json!(true));
            }
            if *kind == MediaKind::Document {
                content.insert("filename".into(), json!(file.file_name.as_deref().unwrap_or("document")));
            }
            let kind = if *kind == MediaKind::Voice { MediaKind::Audio } else { *kind };
            (kind.as_str(), Value::Object(content))
        }
        Content::Template { name, language, variables, file_name } => {
            let mut content = json!({"name": name, "language": {"code": language}});
            let mut components = components(template, variables, file_name.as_deref());
            components.extend(template.into_iter().flat_map(|known| flow_buttons(known, out.message_id.as_str())));
            if !components.is_empty() {
                content["components"] = Value::Array(components);
            }
            ("template", content)
        }
        Content::Structured(structured) => structured::content(structured),
        // An empty emoji is Meta's way to take one back, too.
        Content::Reaction { about, emoji } => {
            ("reaction", json!({"message_id": about.provider_message_id, "emoji": emoji}))
        }
        Content::Change { .. } => {
            return Err(SendError::permanent("request", "Meta's API neither edits nor takes back what was sent"));
        }
    })
}

/// The variables where they belong: by the template's own placeholders if those are known and as many, else all of them
/// in its text, where Meta counts them.
fn components(template: Option<&Template>, variables: &[String], file_name: Option<&str>) -> Vec<Value> {
    let text = |value: &String| json!({"type": "text", "text": in_one_line(value)});
    // A one-time code stands in the text and in the button that copies it: people give it once.
    let code = template.filter(|t| t.category == Category::Authentication && t.slots.len() == 2).zip(variables.first());
    let twice = code.filter(|_| variables.len() == 1).map(|(_, code)| [code.clone(), code.clone()]);
    let variables = twice.as_ref().map_or(variables, <[String; 2]>::as_slice);
    let slots = template.map(|t| t.slots.as_slice()).filter(|slots| slots.len() == variables.len());
    let Some(slots) = slots else {
        let parameters: Vec<Value> = variables.iter().map(text).collect();
        return if parameters.is_empty() {
            Vec::new()
        } else {
            vec![json!({"type": "body", "parameters": parameters})]
        };
    };
    let mut components: Vec<(PlaceholderSlot, Value)> = Vec::new();
    for (slot, value) in slots.iter().zip(variables) {
        let mut parameter = match slot.media {
            Some(kind) => json!({"type": kind.as_str(), kind.as_str(): special(kind, value, file_name)}),
            None => text(value),
        };
        if let Some(name) = &slot.name {
            parameter["parameter_name"] = json!(name);
        }
        let known = components.iter().position(|(place, _)| *place == slot.place);
        let at = known.unwrap_or_else(|| {
            components.push((slot.place, component(slot)));
            components.len() - 1
        });
        if let Some(parameters) = components[at].1["parameters"].as_array_mut() {
            parameters.push(parameter);
        }
    }
    components.into_iter().map(|(_, component)| component).collect()
}

/// The buttons that open a form: Meta wants each one named. What is filled in comes back with this message's id.
fn flow_buttons(template: &Template, token: &str) -> Vec<Value> {
    let flows = template.frame.buttons.iter().enumerate().filter(|(_, button)| button.kind == FLOW);
    let named = |(at, _)| {
        let action = json!({"type": "action", "action": {"flow_token": token}});
        json!({"type": "button", "sub_type": FLOW, "index": usize::to_string(&at), "parameters": [action]})
    };
    flows.map(named).collect()
}

/// What is no text: the file or the place at a template's head, or the code that a button copies. A document without a
/// name is shown as "Untitled"; Meta takes PDF there alone.
fn special(kind: SlotKind, value: &str, named: Option<&str>) -> Value {
    match kind {
        SlotKind::CouponCode => json!(value),
        // What is no place was refused beforehand where the template was known: Meta says what is wrong.
        SlotKind::Location => Location::read(value).map_or(Value::Null, |place| structured::place(&place)),
        SlotKind::Image | SlotKind::Video => json!({"link": value}),
        SlotKind::Document => {
            let name = named.map(str::to_owned).or_else(|| file_name::of_address(value));
            let name = name.unwrap_or_else(|| "document".to_owned());
            json!({"link": value, "filename": file_name::with_ending(&name, "application/pdf")})
        }
    }
}

/// A variable as Meta takes one: without line breaks, tabs and long runs of blanks, each of which becomes one blank.
fn in_one_line(value: &str) -> String {
    let mut line = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(start) = rest.find(char::is_whitespace) {
        let (before, from_blank) = rest.split_at(start);
        let end = from_blank.find(|c: char| !c.is_whitespace()).unwrap_or(from_blank.len());
        let (run, after) = from_blank.split_at(end);
        let is_too_much = run.contains(|c: char| c.is_control()) || run.chars().count() >= BLANKS_MAX;
        line.push_str(before);
        line.push_str(if is_too_much { " " } else { run });
        rest = after;
    }
    line.push_str(rest);
    line
}

fn component(slot: &Slot) -> Value {
    match slot.place {
        PlaceholderSlot::Header => json!({"type": "header", "parameters": []}),
        PlaceholderSlot::Body => json!({"type": "body", "parameters": []}),
        PlaceholderSlot::Button(index) => {
            let kind = if slot.media == Some(SlotKind::CouponCode) { "copy_code" } else { "url" };
            json!({"type": "button", "sub_type": kind, "index": index.to_string(), "parameters": []})
        }
    }
}

/// That a message was read, and that somebody is writing an answer.
pub(super) fn read_mark(message: &str, typing: bool) -> Value {
    let mut body = json!({"messaging_product": "whatsapp", "status": "read", "message_id": message});
    if typing {
        body["typing_indicator"] = json!({"type": "text"});
    }
    body
}

/// That a call which rings is not taken.
pub(super) fn call_rejection(call_id: &str) -> Value {
    json!({"messaging_product": "whatsapp", "call_id": call_id, "action": "reject"})
}

/// What an answer to a message means.
///
/// # Errors
/// Everything but a message that Meta took.
pub(super) fn outcome(answer: Result<GraphResponse, EgressError>, now: Time) -> Result<Ack, Failure> {
    let answer = answer.map_err(|e| without_answer(&e))?;
    let value = answer.json();
    if let Some(error) = value.as_ref().and_then(GraphError::find) {
        return Err(refused(&error, &answer, now));
    }
    if answer.status.is_success() {
        return taken(value.as_ref());
    }
    Err(without_code(&answer, now))
}

/// What an answer to a file on its way there means: its id. A file that may have arrived is no message that may have:
/// what nobody can tell is simply tried again.
///
/// # Errors
/// Everything but a file that Meta took.
pub(super) fn uploaded(answer: Result<GraphResponse, EgressError>, now: Time) -> Result<String, Failure> {
    let certain = |failure: Failure| match failure.error.kind {
        crate::connectors::SendErrorKind::Ambiguous => {
            let SendError { code, .. } = &failure.error;
            plain(SendError::temporary(code, "Meta did not answer as it should when it was given the file", None))
        }
        _ => failure,
    };
    let answer = answer.map_err(|e| certain(without_answer(&e)))?;
    let value = answer.json();
    if let Some(error) = value.as_ref().and_then(GraphError::find) {
        return Err(refused(&error, &answer, now));
    }
    let id = value.as_ref().and_then(|v| v["id"].as_str()).filter(|id| !id.is_empty());
    match id {
        Some(id) if answer.status.is_success() => Ok(id.to_owned()),
        _ if answer.status.is_success() => {
            Err(plain(SendError::temporary("no_id", "Meta took the file and its answer names none", None)))
        }
        _ => Err(certain(without_code(&answer, now))),
    }
}

fn plain(error: SendError) -> Failure {
    Failure { error, demand: Demand::None }
}

/// No answer, or none to its end.
fn without_answer(e: &EgressError) -> Failure {
    plain(match e {
        EgressError::BadUrl(_) | EgressError::Forbidden { .. } => {
            SendError::permanent("forbidden", &format!("Meta's API may not be called: {e}"))
        }
        e if e.leaves_no_doubt() => {
            SendError::temporary(UNREACHABLE, &format!("Meta's API cannot be reached: {e}"), None)
        }
        e => SendError::ambiguous("no_answer", &format!("Meta's API did not answer as it should: {e}")),
    })
}

/// A good status: a message that was taken, or nothing that can be read.
fn taken(value: Option<&Value>) -> Result<Ack, Failure> {
    let message = value.map_or(&Value::Null, |v| &v["messages"][0]);
    let Some(id) = message["id"].as_str().filter(|id| !id.is_empty()) else {
        return Err(plain(SendError::ambiguous("no_id", "Meta took the message and its answer names none")));
    };
    // A template on trial: Meta has it, and says later whether it goes.
    let is_held = matches!(message["message_status"].as_str(), Some(status) if status != "accepted");
    let names = value.map_or_else(RemoteParty::default, |v| reading::recipient(&v["contacts"][0]));
    Ok(Ack { provider_message_id: id.to_owned(), acknowledged: !is_held, names })
}

/// Meta refused, and said by which code.
fn refused(error: &GraphError, answer: &GraphResponse, now: Time) -> Failure {
    let (code, reason) = (error.code.to_string(), error.text());
    let wait = asked_wait(&answer.headers, now);
    let temporary = |wait| SendError::temporary(&code, &reason, wait);
    let permanent = || SendError::permanent(&code, &reason);
    match error.class() {
        ErrorClass::Retry => plain(temporary(wait)),
        // The line fills in how long.
        ErrorClass::SlowLine => Failure { error: temporary(wait), demand: Demand::SlowLine(wait) },
        ErrorClass::Maintenance => {
            let wait = Some(wait.unwrap_or(MAINTENANCE));
            Failure { error: temporary(wait), demand: Demand::SlowLine(wait) }
        }
        ErrorClass::SlowRecipient => Failure { error: temporary(wait), demand: Demand::SlowRecipient(wait) },
        ErrorClass::CloseLine => Failure { error: permanent(), demand: Demand::Close },
        ErrorClass::Recipient => plain(SendError { recipient_fault: true, ..permanent() }),
        ErrorClass::Restricted => Failure { error: permanent(), demand: Demand::Warn },
        ErrorClass::Request if words_of(error.code).is_none() => {
            plain(SendError::permanent(&code, &format!("Meta does not take the request ({code}): {}", error.words)))
        }
        ErrorClass::NeedsTemplate
        | ErrorClass::Marketing
        | ErrorClass::Template
        | ErrorClass::Media
        | ErrorClass::Group
        | ErrorClass::Request => plain(permanent()),
        // Its own server failed: Meta said so itself, hence it has not gone.
        ErrorClass::Other if answer.status.is_server_error() => plain(temporary(wait)),
        ErrorClass::Other if answer.status == StatusCode::TOO_MANY_REQUESTS => {
            Failure { error: temporary(wait), demand: Demand::SlowLine(wait) }
        }
        ErrorClass::Other => plain(permanent()),
    }
}

/// A bad status without a code of Meta's: somebody between us and Meta, or a part of Meta that is not its API.
fn without_code(answer: &GraphResponse, now: Time) -> Failure {
    let status = answer.status;
    let code = status.as_str();
    let reason = format!("Meta's API answered {code} without a code of its own");
    match status {
        StatusCode::TOO_MANY_REQUESTS => {
            let wait = asked_wait(&answer.headers, now);
            Failure { error: SendError::temporary(code, &reason, wait), demand: Demand::SlowLine(wait) }
        }
        status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
            plain(SendError::ambiguous(code, &reason))
        }
        status if status.is_redirection() => {
            let reason = "Meta's API answered with a redirect: base_url is not its own address";
            plain(SendError::permanent(code, reason))
        }
        _ => plain(SendError::permanent(code, &reason)),
    }
}

/// How long Meta wants us to wait: `Retry-After`, or the minutes in its usage header; the longest of all.
fn asked_wait(headers: &HeaderMap, now: Time) -> Option<Duration> {
    let texts = |name: &str| headers.get_all(name).iter().filter_map(|v| v.to_str().ok()).collect::<Vec<_>>();
    let plain = texts(header::RETRY_AFTER.as_str()).into_iter().filter_map(|text| retry_after(text, now));
    let usage = texts("x-business-use-case-usage").into_iter().filter_map(regained_in);
    plain.chain(usage).max()
}

/// `X-Business-Use-Case-Usage`: per account a list of uses, each with the minutes after which calls are taken again.
fn regained_in(text: &str) -> Option<Duration> {
    let value: Value = serde_json::from_str(text).ok()?;
    let uses = value.as_object()?.values().filter_map(Value::as_array).flatten();
    let minutes = uses.filter_map(|one| one["estimated_time_to_regain_access"].as_u64()).max()?;
    (minutes > 0).then(|| Duration::from_secs(minutes.min(24 * 60) * 60))
}

#[cfg(test)]
#[path = "outgoing_tests.rs"]
mod tests;
