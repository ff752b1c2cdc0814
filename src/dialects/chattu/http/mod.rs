//! Contract 3: the Chattu-style API. A mapping and no more: what may be sent, seen or changed is decided where it is for
//! everybody else.
//!
//! - [`auth`]: an account key, a client key (`x-api-key`), or the portal's session; how often they may ask.
//! - [`error`]: the dialect's errors, the one place that knows their statuses.
//! - one file for each kind of thing: clients, messages, scheduled messages, chats, groups.
//!
//! A client is an instance; `clientId` is its id. Another account's is answered like one that does not exist.

pub mod auth;
pub mod chats;
pub mod clients;
mod error;
pub mod groups;
pub mod messages;
pub mod schedules;

use crate::{
    connectors::outgoing::MediaKind,
    dialects::chattu::Chattu,
    model::{clock::Time, purpose::Purpose, text},
    people::{chats::Snippet, media},
    sending::{
        Answer,
        request::{Draft, FileWanted, MAX_CHARS},
    },
    web::{Incoming, body, reply},
};
use ::http::StatusCode;
use auth::Who;
use error::ApiError;
use serde_json::{Map, Value, json};
use warp::{Reply, reply::Response};

/// Longest address of a file, in bytes.
pub const MAX_URL: usize = 2048;

type ChattuResult = Result<Response, ApiError>;

fn ok(body: &Value) -> Response {
    warp::reply::json(body).into_response()
}

fn created(body: &Value) -> Response {
    warp::reply::with_status(warp::reply::json(body), StatusCode::CREATED).into_response()
}

/// The request's JSON object.
async fn object(incoming: &mut Incoming) -> Result<Map<String, Value>, ApiError> {
    if !body::is_json(incoming.header("content-type")) {
        return Err(ApiError::invalid("Content-Type must be application/json."));
    }
    let arriving = std::mem::take(&mut incoming.body);
    let bytes = body::read(arriving, body::API_MAX).await;
    let bytes = bytes.map_err(|_| ApiError::invalid("The request body is too large or broke off."))?;
    body::json_object(&bytes).map_err(|_| ApiError::invalid("The request body must be a JSON object."))
}

/// A field's text without blanks around it; an empty or null one is none. What is no text is refused: a file that is named
/// wrongly must not be left out of a message that is sent.
fn text<'a>(object: &'a Map<String, Value>, field: &str) -> Result<Option<&'a str>, ApiError> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim()).filter(|t| !t.is_empty())),
        Some(_) => Err(ApiError::invalid(format!("{field} must be a text."))),
    }
}

/// A field's text that must be there.
fn needed<'a>(object: &'a Map<String, Value>, field: &str) -> Result<&'a str, ApiError> {
    text(object, field)?.ok_or_else(|| ApiError::invalid(format!("{field} is required.")))
}

/// A phone number that must be there: a text, or the bare number that a script writes.
fn needed_number(object: &Map<String, Value>, field: &str) -> Result<String, ApiError> {
    match object.get(field) {
        Some(Value::Number(number)) if number.is_u64() => Ok(number.to_string()),
        Some(Value::Number(_)) => {
            Err(ApiError::invalid(format!("{field} must be a number without sign and fraction.")))
        }
        Some(Value::String(_)) => Ok(needed(object, field)?.to_owned()),
        None | Some(Value::Null) => Err(ApiError::invalid(format!("{field} is required."))),
        Some(_) => Err(ApiError::invalid(format!("{field} must be a text or a number."))),
    }
}

/// Text, or a file with a caption.
fn draft(object: &Map<String, Value>) -> Result<Draft<String>, ApiError> {
    let message = match object.get("message") {
        None | Some(Value::Null) => "",
        // What shows nothing is no text.
        Some(Value::String(message)) if text::is_blank(message) => "",
        Some(Value::String(message)) => message,
        Some(_) => return Err(ApiError::invalid("message must be a text.")),
    };
    if message.contains('\0') {
        return Err(ApiError::invalid("message cannot hold the character U+0000."));
    }
    if message.chars().count() > MAX_CHARS {
        return Err(ApiError::invalid(format!("message has at most {MAX_CHARS} characters.")));
    }
    let Some(url) = text(object, "mediaUrl")? else {
        return match message.is_empty() {
            true => Err(ApiError::invalid("Either message or mediaUrl is required.")),
            false => Ok(Draft::Text(message.to_owned())),
        };
    };
    if !(url.starts_with("https://") || url.starts_with("http://")) || url.len() > MAX_URL {
        return Err(ApiError::media("mediaUrl must be an http or https address."));
    }
    let plain = |word: &str| MediaKind::parse(word).filter(|kind| MediaKind::PLAIN.contains(kind));
    let named = text(object, "mediaType")?.map(|word| plain(word).ok_or(word));
    let kind = match named {
        Some(Ok(kind)) => kind,
        Some(Err(_)) => return Err(ApiError::invalid("mediaType must be image, video, audio or document.")),
        None => media::kind_of_url(url).ok_or_else(|| {
            ApiError::media("mediaUrl must end in .jpg, .jpeg, .png, .gif, .webp, .pdf, .mp4 or .mp3.")
        })?,
    };
    // Sound has no caption on WhatsApp; as a document it has, and nothing of what was asked for is lost.
    let kind = if kind.has_caption() || message.is_empty() { kind } else { MediaKind::Document };
    let file = FileWanted { from: url.to_owned(), file_name: None };
    Ok(Draft::Media { kind, file, caption: message.to_owned() })
}

/// The purpose that the request names, else the caller's.
fn purpose(object: &Map<String, Value>, who: &Who) -> Result<Purpose, ApiError> {
    match text(object, "message_purpose")? {
        None => Ok(who.purpose()),
        Some(word) => Purpose::parse(word).ok_or_else(|| ApiError::purpose(word)),
    }
}

/// What a message is called in the dialect.
fn kind(kind: &str) -> &str {
    match kind {
        "text" | "template" | "button" | "interactive" => "chat",
        other => other,
    }
}

/// A message that was sent, or why it was not. What `more` names is shown as it says.
fn sent<F>(chattu: &Chattu, answer: &Answer, draft: &Draft<F>, more: Value) -> ChattuResult {
    chattu.gateway.metrics.message(answer.outcome);
    let mut response = match &answer.refusal {
        Some(refusal) => ApiError::refused(refusal).into_response(),
        None => {
            let mut message = said(chattu, answer, draft);
            message["type"] = json!(kind(draft.kind()));
            let mut body = json!({"success": true, "message": message});
            if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
                body.extend(more);
            }
            ok(&body)
        }
    };
    reply::message_headers(&mut response, answer);
    Ok(response)
}

/// A message that was sent, as a chat's answer shows it; all others show its type, too.
fn said<F>(chattu: &Chattu, answer: &Answer, draft: &Draft<F>) -> Value {
    json!({
        "id": {"_serialized": answer.message_id}, "body": draft.text(), "timestamp": chattu.gateway.clock.now().seconds(),
    })
}

/// Digits with `@c.us`, or a hidden id as it is.
fn serialized(address: &str) -> String {
    match address.strip_prefix('+') {
        Some(digits) => format!("{digits}@c.us"),
        None => address.to_owned(),
    }
}

/// Digits alone, or a hidden id as it is.
fn digits(address: &str) -> &str {
    address.strip_prefix('+').unwrap_or(address)
}

/// A chat's newest message.
fn last(last: Option<&Snippet>) -> Value {
    last.map_or(Value::Null, |last| json!({"body": last.text, "timestamp": last.at.seconds(), "fromMe": last.is_ours}))
}

/// Whole seconds, or null.
fn seconds(at: Option<Time>) -> Value {
    at.map_or(Value::Null, |at| json!(at.seconds()))
}
