//! A message on its way out, in the server's words; and what the server's answer means for it.
//!
//! The server's code decides here, not its documents:
//! - 201 with a `key.id` and `PENDING` is in hand, not sent;
//! - a 200 or 201 can hold an error instead of a message: the server's own, or Meta's where it speaks with the Cloud
//!   API (its mode WHATSAPP-BUSINESS), and then Meta's code decides, as in answers of Meta's own;
//! - 400 tells of a number without WhatsApp as an object in a list, and of everything else, too: also of what went
//!   wrong after the message had left.
//!
//! Pure but for [`file`]: values in, values out.

use super::client::{self, EvolutionError, EvolutionResponse, is_licence, words};
use crate::{
    connectors::{
        AboutMessage, Ack, Address, Content, Outgoing, SendError, SendErrorKind,
        inbound_event::RemoteParty,
        meta_error::{ErrorClass, GraphError},
        outgoing::{MediaFile, MediaKind},
        provider_text::retry_after,
    },
    egress::EgressError,
    model::{aside::aside, clock::Time, file_name},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// What a server that wants us to slow down gets when it does not say for how long, or not so that one can read it.
const SLOW_DOWN: Duration = Duration::from_secs(5);
/// How long Meta's work on an account is waited for.
const MAINTENANCE: Duration = Duration::from_secs(120);

/// The file that goes out, in the only form that this server takes bytes in; none for what has no file.
pub(super) async fn file(out: &Outgoing) -> Result<Option<String>, SendError> {
    let Content::Media { file, .. } = &out.content else { return Ok(None) };
    let path = file.path.clone();
    let read = aside(move || std::fs::read(path).map(|bytes| (bytes.len() as u64, STANDARD.encode(bytes))));
    match read.await.unwrap_or_else(|e| Err(std::io::Error::other(e))) {
        Ok((size, encoded)) if size == file.size => Ok(Some(encoded)),
        Ok((size, _)) => {
            let problem = format!("the file has {size} bytes instead of {}", file.size);
            Err(permanent("media_unreadable", &problem))
        }
        Err(e) => Err(permanent("media_unreadable", &format!("the file cannot be read: {e}"))),
    }
}

/// What the server is asked: by which method, under which route, with what.
pub(super) type EvolutionRequest = (Method, &'static str, Value);

/// What is asked of the server; the refusal of what it has no words for.
/// `chat` is the one of the earlier message that this one is about, as the server names it. `over_meta`: it goes by the
/// Cloud API.
pub(super) fn request(
    out: &Outgoing,
    base64: Option<String>,
    chat: Option<&str>,
    over_meta: bool,
) -> Result<EvolutionRequest, SendError> {
    let chat = chat.unwrap_or_default();
    match &out.content {
        Content::Reaction { about, emoji } => {
            Ok((Method::POST, "/message/sendReaction", reaction(about, emoji, chat)?))
        }
        // It compares the chat of the key with the number, so that both are the chat as it names it.
        Content::Change { about, text: Some(text) } => {
            let body = json!({"number": chat, "key": own_key(about, chat), "text": text});
            Ok((Method::POST, "/chat/updateMessage", body))
        }
        Content::Change { about, text: None } => {
            Ok((Method::DELETE, "/chat/deleteMessageForEveryone", own_key(about, chat)))
        }
        _ => new_message(out, base64, over_meta),
    }
}

/// The key of a message of our own.
fn own_key(about: &AboutMessage, chat: &str) -> Value {
    json!({"id": about.provider_message_id, "fromMe": true, "remoteJid": chat})
}

fn new_message(out: &Outgoing, base64: Option<String>, over_meta: bool) -> Result<EvolutionRequest, SendError> {
    let mut body = Map::new();
    body.insert("number".into(), json!(number(&out.to)?));
    let route = match &out.content {
        Content::Text(text) => {
            body.insert("text".into(), json!(text));
            // Else the server fetches the link's page itself before it sends.
            body.insert("linkPreview".into(), json!(false));
            "/message/sendText"
        }
        // The server makes the two into what phones want: it records the sound anew, and paints the picture as WebP. For the
        // Cloud API it only calls the sound an MP3, whatever it is.
        Content::Media { kind: MediaKind::Voice, .. } if !over_meta => {
            body.insert("audio".into(), Value::String(base64.unwrap_or_default()));
            "/message/sendWhatsAppAudio"
        }
        Content::Media { kind: MediaKind::Sticker, .. } => {
            body.insert("sticker".into(), Value::String(base64.unwrap_or_default()));
            "/message/sendSticker"
        }
        Content::Media { kind, file, caption } => {
            let theirs = if *kind == MediaKind::Voice { MediaKind::Audio } else { *kind };
            body.insert("mediatype".into(), json!(theirs.as_str()));
            body.insert("mimetype".into(), json!(file.mime_type));
            body.insert("media".into(), Value::String(base64.unwrap_or_default()));
            if !caption.is_empty() && kind.has_caption() {
                body.insert("caption".into(), json!(caption));
            }
            body.insert("fileName".into(), json!(named(*kind, file)));
            "/message/sendMedia"
        }
        Content::Template { .. } | Content::Structured(_) | Content::Reaction { .. } | Content::Change { .. } => {
            return Err(permanent("template", "an Evolution server sends no templates, buttons, places or cards"));
        }
    };
    if let Some(id) = &out.reply_to {
        body.insert("quoted".into(), json!({"key": {"id": id}}));
    }
    Ok((Method::POST, route, Value::Object(body)))
}

/// What the file is called. A document in base64 is refused without a name; over the Cloud API the server takes the type of
/// each file from its name's ending, whatever the request says beside it, and calls a picture without a name `image.png`.
fn named(kind: MediaKind, file: &MediaFile) -> String {
    let name = file.file_name.as_deref().unwrap_or(kind.as_str());
    file_name::with_ending(name, &file.mime_type)
}

/// A sign on a message. The body has no `number`: the server sends to the chat in the message's key, and hands that key
/// on as it is, so that in a group it must say who wrote the message.
fn reaction(about: &AboutMessage, emoji: &str, chat: &str) -> Result<Value, SendError> {
    let mut key = json!({"remoteJid": chat, "fromMe": about.from_me, "id": about.provider_message_id});
    if let Some(author) = about.author.as_ref().filter(|_| !about.from_me) {
        key["participant"] = json!(jid(author)?);
    }
    Ok(json!({"key": key, "reaction": emoji}))
}

/// The whole id of somebody.
fn jid(of: &Address) -> Result<String, SendError> {
    let number = number(of)?;
    Ok(if matches!(of, Address::Phone(_)) { format!("{number}@s.whatsapp.net") } else { number })
}

/// How the server wants to be told to whom: bare digits, or a whole id.
fn number(to: &Address) -> Result<String, SendError> {
    match to {
        Address::Phone(phone) => Ok(phone.digits().to_owned()),
        Address::Lid(id) | Address::Group(id) => Ok(id.clone()),
        Address::Bsuid(_) => Err(permanent("recipient", "an Evolution server cannot reach this kind of hidden id")),
    }
}

/// What an answer to a message means.
///
/// # Errors
/// Everything but a message in hand.
pub(super) fn outcome(answer: Result<EvolutionResponse, EgressError>, now: Time) -> Result<Ack, SendError> {
    let answer = answer.map_err(|e| from_trouble(&client::trouble(&e)))?;
    let value = serde_json::from_slice::<Value>(&answer.body).ok();
    if is_licence(answer.status, value.as_ref()) {
        return Err(from_trouble(&EvolutionError::Licence));
    }
    if let Some(error) = value.as_ref().and_then(GraphError::passed_on) {
        return Err(refused_by_meta(&error));
    }
    if answer.status.is_success() {
        return taken(&answer, value.as_ref());
    }
    let said = value.as_ref().map_or_else(|| "without saying why".to_owned(), words);
    let reason = format!("the Evolution server answered {}: {said}", answer.status.as_u16());
    let code = answer.status.as_str().to_owned();
    match answer.status {
        StatusCode::TOO_MANY_REQUESTS => {
            let wait = answer.retry_after.as_deref().and_then(|text| retry_after(text, now)).unwrap_or(SLOW_DOWN);
            Err(temporary(&code, &reason, Some(wait)))
        }
        StatusCode::BAD_REQUEST => Err(bad_request(value.as_ref(), &said, &reason)),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Err(from_trouble(&EvolutionError::Refused { status: answer.status.as_u16(), words: said }))
        }
        status if status.is_server_error() => Err(ambiguous(&code, &reason)),
        status if status.is_redirection() => {
            Err(permanent(&code, "the Evolution server answered with a redirect: base_url is not its own address"))
        }
        _ => Err(permanent(&code, &reason)),
    }
}

/// What a failed call means for the message that it carried.
fn from_trouble(trouble: &EvolutionError) -> SendError {
    let reason = trouble.text();
    match trouble {
        EvolutionError::NotSent(_) => temporary("unreachable", &reason, None),
        EvolutionError::Forbidden(_) => permanent("forbidden", &reason),
        EvolutionError::Unclear(_) => ambiguous("no_answer", &reason),
        EvolutionError::Refused { status, .. } => permanent(&status.to_string(), &reason),
        EvolutionError::Licence => permanent("LICENSE_REQUIRED", &reason),
    }
}

/// Meta's error in an answer that a server passed on.
pub(super) fn metas(answer: &EvolutionResponse) -> Option<GraphError> {
    serde_json::from_slice::<Value>(&answer.body).ok().as_ref().and_then(GraphError::passed_on)
}

/// Meta refused a message, and its code came through.
fn refused_by_meta(error: &GraphError) -> SendError {
    let code = error.code.to_string();
    // The token is the server's.
    let reason = error.text().replace("set access_token anew", "set it anew at the Evolution server");
    match error.class() {
        ErrorClass::Retry => temporary(&code, &reason, None),
        ErrorClass::SlowLine | ErrorClass::SlowRecipient => temporary(&code, &reason, Some(SLOW_DOWN)),
        ErrorClass::Maintenance => temporary(&code, &reason, Some(MAINTENANCE)),
        ErrorClass::Recipient => SendError { recipient_fault: true, ..permanent(&code, &reason) },
        _ => permanent(&code, &reason),
    }
}

/// Whether an id is one of Meta's: the server has it from the Cloud API, which has the message then.
pub(super) fn is_metas(id: &str) -> bool {
    id.starts_with("wamid.")
}

/// A good status: a message in hand, an error all the same, or nothing that can be read.
fn taken(answer: &EvolutionResponse, value: Option<&Value>) -> Result<Ack, SendError> {
    let key = match value {
        Some(value) => value["key"].clone(),
        // The answer to a file repeats the file; the key stands in front of it.
        None if answer.truncated => leading_key(&answer.body),
        None => Value::Null,
    };
    let status = value.and_then(|v| v["status"].as_str()).unwrap_or("PENDING");
    if let Some(id) = key["id"].as_str().filter(|id| !id.is_empty()) {
        if status == "ERROR" {
            return Err(permanent("ERROR", "WhatsApp refused the message"));
        }
        let acknowledged = is_metas(id) || super::hook::receipt(Some(status)).is_some();
        return Ok(Ack { provider_message_id: id.to_owned(), acknowledged, names: recipient(&key) });
    }
    let error = value.filter(|v| ["error", "message", "response"].iter().any(|k| is_something(&v[k])));
    if let Some(error) = error {
        let code = ["code", "status", "statusCode"].iter().find_map(|k| number_or_text(&error["error"][k]));
        let code = code.or_else(|| number_or_text(&error["status"])).unwrap_or_else(|| "error".to_owned());
        return Err(permanent(&code, &format!("the Evolution server could not send it: {}", words(error))));
    }
    Err(ambiguous("no_key", "the Evolution server took the message and its answer names none"))
}

/// By which names the key of a message that we sent knows its recipient.
pub(super) fn recipient(key: &Value) -> RemoteParty {
    let mut names = RemoteParty::default();
    let fields = ["remoteJid", "remoteJidAlt", "senderPn", "senderLid", "previousRemoteJid"];
    fields.iter().filter_map(|name| key[*name].as_str()).for_each(|jid| super::reading::name(&mut names, jid));
    names
}

fn is_something(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

fn number_or_text(value: &Value) -> Option<String> {
    match value {
        Value::Number(n) => Some(n.to_string()),
        Value::String(text) if text.len() <= 40 => Some(text.clone()),
        _ => None,
    }
}

/// The key at the beginning of an answer whose end is missing.
fn leading_key(body: &[u8]) -> Value {
    let Some(rest) = body.strip_prefix(b"{\"key\":") else { return Value::Null };
    let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
    values.next().and_then(Result::ok).unwrap_or_default()
}

/// 400 is this server's answer to nearly everything that goes wrong.
fn bad_request(value: Option<&Value>, said: &str, reason: &str) -> SendError {
    let messages = value.map(|v| &v["response"]["message"]);
    let list = messages.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if list.iter().chain(messages).any(|m| m["exists"] == false) {
        return not_on_whatsapp();
    }
    let says = |words: &[&str]| words.iter().any(|w| said.contains(w));
    if says(&["Connection Closed", "Connection was lost", "Connection Terminated"]) {
        // The server's own line to WhatsApp was down before anything could leave.
        return temporary("400", reason, None);
    }
    if says(&["Timed Out", "timed out", "timeout", "Prisma", "prisma", "upload", "Cannot read properties of undefined"])
    {
        // It also answers so when the message is out and something after it failed; over the Cloud API, when Meta's answer
        // did not come, or could not be read.
        return ambiguous("400", reason);
    }
    permanent("400", reason)
}

/// The recipient cannot be reached at all.
pub(super) fn not_on_whatsapp() -> SendError {
    let unknown = permanent("not_on_whatsapp", "the recipient's number has no WhatsApp");
    SendError { recipient_fault: true, ..unknown }
}

/// A question that comes before the message failed: the message has certainly not left.
pub(super) fn not_asked(trouble: &EvolutionError) -> SendError {
    match from_trouble(trouble) {
        SendError { kind: SendErrorKind::Ambiguous, code, reason, .. } => temporary(&code, &reason, None),
        error => error,
    }
}

pub(super) fn permanent(code: &str, reason: &str) -> SendError {
    let (code, reason) = (code.to_owned(), reason.to_owned());
    SendError { kind: SendErrorKind::Permanent, code, reason, recipient_fault: false }
}

fn temporary(code: &str, reason: &str, retry_after: Option<Duration>) -> SendError {
    SendError { kind: SendErrorKind::Temporary { retry_after }, ..permanent(code, reason) }
}

fn ambiguous(code: &str, reason: &str) -> SendError {
    SendError { kind: SendErrorKind::Ambiguous, ..permanent(code, reason) }
}

#[cfg(test)]
#[path = "outgoing_tests.rs"]
mod tests;
