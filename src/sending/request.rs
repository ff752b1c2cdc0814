//! A request to send: strings become types, or a refusal that names every field that is wrong.
//!
//! The fields are read in the documented order: instance_id, phone, message, then ours. What depends on the account or
//! its instance (is there such an instance, does its connector do templates) is a gate's business.

pub use super::upload::{FileFrom, Uploaded};

use super::Malformed;
use crate::{
    connectors::{Content, outgoing::MediaKind},
    model::{
        clock::Time,
        emoji, file_name,
        ids::{AccountId, InstanceId, KeyId, MessageId},
        phone::{PhoneReading, Recipient},
        plan::Module,
        purpose::Purpose,
        string_enum::string_enum,
    },
    people::media::kind_of_url,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::convert::Infallible;

/// Longest text, in characters.
pub const MAX_CHARS: usize = 4096;
/// With one of these, the text may be absent or empty.
const MAY_STAND_ALONE: [&str; 3] = ["template", "media_url", "reaction"];
/// Longest address of a file, in characters.
const MAX_URL: usize = 2048;
/// Longest id of a message, in characters.
const MAX_ID: usize = 256;
/// What a reaction cannot stand beside.
const NO_REACTION_BESIDE: [&str; 5] = ["template", "media_url", "media_type", "file_name", "reply_to"];
/// Longest reference and Idempotency-Key, in characters.
const MAX_REFERENCE: usize = 128;

string_enum! {
    /// Which part of the gateway sends.
    Source {
        /// Contract 1.
        Api = "api",
        /// The command line.
        Cli = "cli",
        /// The demo's first message.
        Demo = "demo",
        /// A person on the portal.
        Portal = "portal",
        /// A telephone system (contract 2).
        ThreeCx = "3cx",
        /// The Chattu dialect (contract 3).
        Chattu = "chattu",
        /// Something that was scheduled.
        Schedule = "schedule",
        /// An answer that an endpoint gave to somebody who wrote or called.
        AutoReply = "auto_reply",
    }
}

/// On whose behalf something is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sender {
    /// Whose quota it is.
    pub account: AccountId,
    /// By which key; none: not by the API.
    pub key: Option<KeyId>,
    /// By which part of the gateway.
    pub source: Source,
    /// The module that the account needs for it; none: needs none.
    pub module: Option<Module>,
    /// The request it came with.
    pub request_id: Option<String>,
}

/// A readable request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// The instance as the caller named it.
    pub instance: InstanceId,
    pub recipient: Recipient,
    pub draft: Draft,
    /// Why; judged by a gate.
    pub purpose: PurposeField,
    /// The caller's own id.
    pub reference: Option<String>,
    /// The message that this one answers: our id, or the provider's.
    pub reply_to: Option<String>,
    /// Never sent after it.
    pub expires_at: Option<Time>,
    /// The caller's Idempotency-Key.
    pub idempotency_key: Option<String>,
    /// The message's id where its caller chose it beforehand; the log takes an id once, so that a caller who does not
    /// know whether a request got through may make it again.
    pub message_id: Option<MessageId>,
}

/// What a caller asks to be sent: a file by where it is had, the message that a reaction is about by our id of it or
/// the provider's. A draft that is kept for later has its files' addresses alone: `Draft<String>`.
pub type Draft<F = FileFrom> = Content<FileWanted<F>, String>;

/// The file that a caller asks to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileWanted<F = FileFrom> {
    /// Where it is had.
    pub from: F,
    /// The name shown; none: the address's own.
    pub file_name: Option<String>,
}

/// The purpose as stated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PurposeField {
    /// Missing, null or empty.
    Missing,
    /// One of the five.
    Allowed(Purpose),
    /// Anything else, as it was spelt (shortened).
    NotAllowed(String),
}

impl From<Draft<String>> for Draft {
    fn from(kept: Draft<String>) -> Self {
        let file = |FileWanted { from, file_name }| FileWanted { from: FileFrom::Address(from), file_name };
        let Ok(draft) = kept.resolve::<_, _, Infallible>(|named| Ok(file(named)), Ok);
        draft
    }
}

impl Draft {
    /// JSON of what a text alone does not hold.
    pub fn content(&self) -> Option<String> {
        match self {
            Self::Text(_) => None,
            Self::Media { file: FileWanted { from, file_name }, .. } => Some(match from {
                FileFrom::Address(url) => json!({"media_url": url, "file_name": file_name}).to_string(),
                FileFrom::Here(file) => json!({"sha256": file.sha256(), "file_name": file_name}).to_string(),
            }),
            Self::Template { name, language, variables, file_name } => {
                let mut content = json!({"template": {"name": name, "language": language, "variables": variables}});
                if let Some(file_name) = file_name {
                    content["file_name"] = json!(file_name);
                }
                Some(content.to_string())
            }
            Self::Reaction { about, .. } => Some(json!({"reaction": {"message_id": about}}).to_string()),
        }
    }
}

impl PurposeField {
    /// As it stands in the log.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Missing => "",
            Self::Allowed(purpose) => purpose.as_str(),
            Self::NotAllowed(text) => text,
        }
    }
}

impl Request {
    /// A plain text, as other parts of the gateway send one; what else a request can have is set on the result.
    pub fn text(instance: InstanceId, recipient: Recipient, purpose: Purpose, text: String) -> Self {
        Self {
            instance,
            recipient,
            draft: Draft::Text(text),
            purpose: PurposeField::Allowed(purpose),
            reference: None,
            reply_to: None,
            expires_at: None,
            idempotency_key: None,
            message_id: None,
        }
    }

    /// A file from an address, such as a telephone system names, of the kind that its ending stands for; with a text
    /// beside it, sound goes as a document, since it takes none.
    pub fn file(instance: InstanceId, recipient: Recipient, purpose: Purpose, url: String, caption: String) -> Self {
        let kind = match kind_of_url(&url) {
            Some(MediaKind::Audio) if !caption.trim().is_empty() => MediaKind::Document,
            kind => kind.unwrap_or(MediaKind::Document),
        };
        let file = FileWanted { from: FileFrom::Address(url), file_name: None };
        let draft = Draft::Media { kind, file, caption };
        Self { draft, ..Self::text(instance, recipient, purpose, String::new()) }
    }

    /// A sign on an earlier message of the recipient's chat, by our id of it or the provider's; an empty `emoji` takes
    /// back what was given before. That it is one emoji is for the caller to see to ([`emoji::is_one`]).
    pub fn reaction(
        instance: InstanceId,
        recipient: Recipient,
        purpose: Purpose,
        about: String,
        emoji: String,
    ) -> Self {
        Self { draft: Draft::Reaction { about, emoji }, ..Self::text(instance, recipient, purpose, String::new()) }
    }

    /// SHA-256 of the request's meaning: two spellings and two forms of one phone are the same request, two texts are not.
    pub fn hash(&self) -> [u8; 32] {
        self.hash_to(&self.recipient.canonical())
    }

    /// Whether `hash` is of this request; one that was kept before the forms of a number counted as one is, too.
    pub fn has_hash(&self, hash: &[u8; 32]) -> bool {
        *hash == self.hash() || *hash == self.hash_to(&self.recipient.to_string())
    }

    fn hash_to(&self, recipient: &str) -> [u8; 32] {
        let meaning = json!([
            self.instance.as_str(),
            recipient,
            self.draft.kind(),
            self.draft.text(),
            self.draft.content(),
            self.purpose.as_str(),
            self.reference,
            self.reply_to,
            self.expires_at.map(Time::millis),
        ]);
        Sha256::digest(meaning.to_string().as_bytes()).into()
    }
}

/// Reads a request's JSON object.
///
/// # Errors
/// All fields that are missing or malformed, in the documented order, and why the phone is none.
pub fn parse(
    object: &Map<String, Value>,
    how: impl Into<PhoneReading>,
    idempotency_key: Option<&str>,
) -> Result<Request, Malformed> {
    let mut wrong = FieldErrors::default();
    let instance = wrong.unless("instance_id", read_instance(object));
    let given = object.get("phone").and_then(Value::as_str).map(|text| Recipient::parse(text, how));
    let (recipient, phone) = given.map_or((None, None), |read| (read.as_ref().ok().cloned(), read.err()));
    let recipient = wrong.unless("phone", recipient);
    let template = wrong.template(object);
    let message =
        wrong.unless("message", read_message(object, MAY_STAND_ALONE.iter().any(|f| present(object, f).is_some())));
    let reference = wrong.maybe("reference", present(object, "reference").map(|v| read_text(v, MAX_REFERENCE)));
    let media = wrong.media(object, message.as_deref().unwrap_or_default());
    let reply_to = wrong.maybe("reply_to", present(object, "reply_to").map(|v| read_text(v, MAX_ID)));
    let reaction = wrong.reaction(object, message.as_deref().unwrap_or_default());
    let expires_at = wrong
        .maybe("expires_at", present(object, "expires_at").map(|v| v.as_str().and_then(|text| Time::parse(text).ok())));
    let key = wrong.maybe("Idempotency-Key", idempotency_key.map(read_idempotency_key));
    match (instance, recipient, message, wrong.0) {
        (Some(instance), Some(recipient), Some(message), fields) if fields.is_empty() => Ok(Request {
            instance,
            recipient,
            draft: reaction.or(template).or(media).unwrap_or(Draft::Text(message)),
            purpose: read_purpose(object),
            reference,
            reply_to,
            expires_at,
            idempotency_key: key,
            message_id: None,
        }),
        (.., fields) => Err(Malformed { fields, phone }),
    }
}

/// The names of the fields that are wrong, each once, in the order in which they are read.
#[derive(Default)]
struct FieldErrors(Vec<&'static str>);

impl FieldErrors {
    fn unless<T>(&mut self, field: &'static str, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.0.contains(&field) {
            self.0.push(field);
        }
        value
    }

    /// For a field that may be absent: the outer option.
    fn maybe<T>(&mut self, field: &'static str, value: Option<Option<T>>) -> Option<T> {
        self.unless(field, value?)
    }

    /// A sign on a message, which stands alone.
    fn reaction(&mut self, object: &Map<String, Value>, message: &str) -> Option<Draft> {
        let value = present(object, "reaction")?;
        let is_alone = message.is_empty() && NO_REACTION_BESIDE.iter().all(|field| present(object, field).is_none());
        let reaction = self.unless("reaction", value.as_object().filter(|_| is_alone))?;
        let about = reaction.get("message_id").and_then(|v| read_text(v, MAX_ID));
        let about = self.unless("reaction.message_id", about);
        let emoji = reaction.get("emoji").and_then(Value::as_str).filter(|e| e.is_empty() || emoji::is_one(e));
        let emoji = self.unless("reaction.emoji", emoji).map(str::to_owned);
        Some(Draft::Reaction { about: about?, emoji: emoji? })
    }

    /// A template; the file at its head may be called by `file_name`.
    fn template(&mut self, object: &Map<String, Value>) -> Option<Draft> {
        let mut template = self.maybe("template", present(object, "template").map(read_template));
        if let Some(Draft::Template { file_name, .. }) = &mut template {
            *file_name = self.maybe("file_name", present(object, "file_name").map(read_file_name));
        }
        template
    }

    /// A file: an address and a kind, both or neither, and not beside a template. Sound has no caption.
    fn media(&mut self, object: &Map<String, Value>, caption: &str) -> Option<Draft> {
        let [url, kind, name] = ["media_url", "media_type", "file_name"].map(|field| present(object, field));
        let has_template = present(object, "template").is_some();
        if url.is_none() && kind.is_none() && (name.is_none() || has_template) {
            return None;
        }
        let url = url.filter(|_| !has_template).and_then(|v| read_text(v, MAX_URL));
        let url = self.unless("media_url", url.filter(|u| u.starts_with("https://") || u.starts_with("http://")));
        let kind = self.unless("media_type", kind.and_then(Value::as_str).and_then(MediaKind::parse));
        let file_name = self.maybe("file_name", name.map(read_file_name));
        if kind == Some(MediaKind::Audio) && !caption.trim().is_empty() {
            self.unless("message", None::<()>);
        }
        let file = FileWanted { from: FileFrom::Address(url?), file_name };
        Some(Draft::Media { kind: kind?, file, caption: caption.to_owned() })
    }
}

/// A field that is there and not null.
fn present<'a>(object: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    object.get(field).filter(|v| !v.is_null())
}

fn read_instance(object: &Map<String, Value>) -> Option<InstanceId> {
    let text = object.get("instance_id")?.as_str()?.trim();
    let plausible = !text.is_empty() && text.len() <= 128 && !text.chars().any(char::is_control);
    plausible.then(|| InstanceId::from_text(text))
}

/// The text; an empty one stands for "absent" where a template or a file takes its place.
fn read_message(object: &Map<String, Value>, may_be_empty: bool) -> Option<String> {
    match present(object, "message") {
        None => may_be_empty.then(String::new),
        Some(value) => {
            let text = value.as_str()?;
            let fits = !text.trim().is_empty() && text.chars().count() <= MAX_CHARS && !text.contains('\0');
            (fits || (may_be_empty && text.trim().is_empty())).then(|| text.to_owned())
        }
    }
}

fn read_purpose(object: &Map<String, Value>) -> PurposeField {
    match present(object, "message_purpose") {
        None => PurposeField::Missing,
        Some(Value::String(text)) if text.is_empty() => PurposeField::Missing,
        Some(Value::String(text)) => match Purpose::parse(text) {
            Some(purpose) => PurposeField::Allowed(purpose),
            None => PurposeField::NotAllowed(text.chars().filter(|c| !c.is_control()).take(64).collect()),
        },
        Some(_) => PurposeField::NotAllowed("(no text)".into()),
    }
}

fn read_template(value: &Value) -> Option<Draft> {
    let object = value.as_object()?;
    let name = read_text(object.get("name")?, 512)?;
    // A provider's examples spell it `en-US`, too; it takes `en_US`.
    let language = read_text(object.get("language")?, 16)?.replace('-', "_");
    let variables = match present(object, "variables") {
        None => Vec::new(),
        Some(list) => list.as_array()?.iter().map(|v| read_text(v, 1024)).collect::<Option<_>>()?,
    };
    Some(Draft::Template { name, language, variables, file_name: None })
}

fn read_file_name(value: &Value) -> Option<String> {
    read_text(value, 255).and_then(|name| file_name::clean(&name))
}

fn read_text(value: &Value, max_chars: usize) -> Option<String> {
    let text = value.as_str()?;
    let fits = !text.is_empty() && text.chars().count() <= max_chars && !text.contains('\0');
    fits.then(|| text.to_owned())
}

fn read_idempotency_key(text: &str) -> Option<String> {
    let fits = (1..=255).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
