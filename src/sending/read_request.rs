//! Strings become types, field by field in the documented order, or a refusal that names every field that is wrong.

use super::{
    Malformed, Request, field_reasons, read_structured,
    request::{Draft, FileFrom, FileWanted, GivenFile, MAX_CHARS, PurposeField, SendLater},
};
use crate::{
    connectors::{location::Location, outgoing::MediaKind},
    model::{
        clock::Time,
        emoji, file_name,
        ids::InstanceId,
        phone::{PhoneReading, Recipient},
        purpose::Purpose,
        text,
    },
};
use serde_json::{Map, Value};

/// With one of these, the text may be absent or empty.
const MAY_STAND_ALONE: [&str; 6] = ["template", "media_url", "reaction", "delete", "location", "contact"];
/// Longest address of a file, in characters.
const MAX_URL: usize = 2048;
/// Longest value of a template's variable, in characters.
const MAX_VARIABLE: usize = 1024;
/// Longest id of a message, in characters.
const MAX_ID: usize = 256;
/// What is about an earlier message: the field, and its member that names the message.
const ABOUT_EARLIER: [(&str, &str); 3] =
    [("reaction", "reaction.message_id"), ("edit", "edit.message_id"), ("delete", "delete.message_id")];
/// What none of these can stand beside.
const NOT_BESIDE: [&str; 5] = ["template", "media_url", "media_type", "file_name", "reply_to"];
/// Longest reference and Idempotency-Key, in characters.
const MAX_REFERENCE: usize = 128;

/// Reads a request's JSON object.
///
/// # Errors
/// All fields that are missing or malformed, in the documented order, and why the phone is none.
pub fn parse(
    object: &Map<String, Value>,
    how: impl Into<PhoneReading>,
    idempotency_key: Option<&str>,
) -> Result<Request, Malformed> {
    parse_with(object, how, idempotency_key, None)
}

/// The same for a request with which a file came.
///
/// # Errors
/// As [`parse`]; also for a file beside another one, a template or a reaction.
pub fn parse_with(
    object: &Map<String, Value>,
    how: impl Into<PhoneReading>,
    idempotency_key: Option<&str>,
    file: Option<GivenFile>,
) -> Result<Request, Malformed> {
    let how = how.into();
    let mut wrong = FieldErrors::default();
    let instance = wrong.unless("instance_id", read_instance(object));
    let written = object.get("phone").and_then(Value::as_str);
    let given = written.map(|text| Recipient::parse(text, how));
    let (recipient, phone) = given.map_or((None, None), |read| (read.as_ref().ok().cloned(), read.err()));
    let recipient = wrong.unless("phone", recipient);
    let stands_alone = file.is_some() || MAY_STAND_ALONE.iter().any(|f| present(object, f).is_some());
    let message = wrong.unless("message", read_message(object, stands_alone));
    let reference = wrong.maybe("reference", present(object, "reference").map(|v| read_text(v, MAX_REFERENCE)));
    let has_file = file.is_some();
    let media = match file {
        Some(file) => wrong.given(object, message.as_deref().unwrap_or_default(), file),
        None => wrong.media(object, message.as_deref().unwrap_or_default()),
    };
    let template = wrong.template(object);
    let reply_to = wrong.maybe("reply_to", present(object, "reply_to").map(|v| read_text(v, MAX_ID)));
    let reaction = wrong.reaction(object, message.as_deref().unwrap_or_default());
    let change = wrong.change(object, message.as_deref().unwrap_or_default());
    let structured = wrong.structured(object, message.as_deref(), (how, template.is_some() || media.is_some()));
    let expires_at = wrong
        .maybe("expires_at", present(object, "expires_at").map(|v| v.as_str().and_then(|text| Time::parse(text).ok())));
    let later = wrong.later(object, recipient.as_ref(), has_file);
    let key = wrong.maybe("Idempotency-Key", idempotency_key.map(read_idempotency_key));
    if idempotency_key.is_some() && key.is_none() {
        wrong.because.push("Idempotency-Key: it has 1 to 255 characters, none of them a control character".to_owned());
    }
    let FieldErrors { fields, mut because } = wrong;
    match (instance, recipient, message, fields) {
        (Some(instance), Some(recipient), Some(message), fields) if fields.is_empty() => Ok(Request {
            instance,
            unusual: recipient.unusual_as_written(written.unwrap_or_default(), how),
            recipient,
            draft: reaction.or(change).or(template).or(structured).or(media).unwrap_or(Draft::Text(message)),
            purpose: read_purpose(object),
            reference,
            reply_to,
            expires_at,
            later,
            idempotency_key: key,
            message_id: None,
        }),
        (.., fields) => {
            let unsaid: Vec<_> = fields.iter().copied().filter(|f| *f != "phone" || phone.is_none()).collect();
            because.extend(field_reasons::reasons(object, &unsaid, &because));
            Err(Malformed { fields, phone, because })
        }
    }
}

/// The names of the fields that are wrong, each once, in the order in which they are read.
#[derive(Default)]
struct FieldErrors {
    fields: Vec<&'static str>,
    /// What is wrong with them, where more can be said.
    because: Vec<String>,
}

impl FieldErrors {
    fn unless<T>(&mut self, field: &'static str, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.fields.contains(&field) {
            self.fields.push(field);
        }
        value
    }

    /// For a field that may be absent: the outer option.
    fn maybe<T>(&mut self, field: &'static str, value: Option<Option<T>>) -> Option<T> {
        self.unless(field, value?)
    }

    /// `send_at` and `queue`. What waits is kept as text: a file that came with the request itself is not.
    fn later(
        &mut self,
        object: &Map<String, Value>,
        recipient: Option<&Recipient>,
        has_file: bool,
    ) -> Option<Box<SendLater>> {
        let time = present(object, "send_at").map(|v| v.as_str().and_then(|text| Time::parse(text).ok()));
        let send_at = self.maybe("send_at", time);
        let queue = self.maybe("queue", present(object, "queue").map(Value::as_bool)).unwrap_or(false);
        let field = if send_at.is_some() { "send_at" } else { "queue" };
        if send_at.is_none() && !queue {
            return None;
        }
        if has_file {
            self.unless(field, None::<()>);
            self.because
                .push(format!("{field}: a message with a file in the request cannot wait; name it by media_url"));
        }
        let mut kept = object.clone();
        kept.remove("send_at");
        kept.insert("phone".to_owned(), Value::String(recipient?.to_string()));
        Some(Box::new(SendLater { send_at, queue, kept: Value::Object(kept).to_string() }))
    }

    /// A sign on a message, which stands alone.
    fn reaction(&mut self, object: &Map<String, Value>, message: &str) -> Option<Draft> {
        let value = present(object, "reaction")?;
        let is_alone = message.is_empty() && is_alone(object);
        let reaction = self.unless("reaction", value.as_object().filter(|_| is_alone))?;
        let about = reaction.get("message_id").and_then(|v| read_text(v, MAX_ID));
        let about = self.unless("reaction.message_id", about);
        let emoji = reaction.get("emoji").and_then(Value::as_str).filter(|e| e.is_empty() || emoji::is_one(e));
        let emoji = self.unless("reaction.emoji", emoji).map(str::to_owned);
        Some(Draft::Reaction { about: about?, emoji: emoji? })
    }

    /// New words for an earlier message, which stand beside it in `message`, or taking it back.
    fn change(&mut self, object: &Map<String, Value>, message: &str) -> Option<Draft> {
        let asked = ABOUT_EARLIER[1..].iter().find(|(field, _)| present(object, field).is_some());
        let (field, id) = *asked?;
        let is_edit = field == "edit";
        let is_alone = is_alone(object) && (is_edit || message.is_empty());
        let change = self.unless(field, object[field].as_object().filter(|_| is_alone))?;
        let about = self.unless(id, change.get("message_id").and_then(|v| read_text(v, MAX_ID)))?;
        Some(Draft::Change { about, text: is_edit.then(|| message.to_owned()) })
    }

    /// Buttons, a list, a link, a place or a card: one of them, and `has_more` (a file or a template) not beside it.
    fn structured(
        &mut self,
        object: &Map<String, Value>,
        message: Option<&str>,
        (how, has_more): (PhoneReading, bool),
    ) -> Option<Draft> {
        // A client that sends all its members always says so where it asks for none.
        let is_asked = |field: &&str| {
            present(object, field).is_some_and(|value| *field != "contact_request" || *value != Value::Bool(false))
        };
        let mut asked = read_structured::FIELDS.into_iter().filter(is_asked);
        let Some(field) = asked.next() else {
            if present(object, "footer").is_some() {
                self.unless("footer", None::<()>);
                self.because.push("footer: it goes with buttons, list or link_button".to_owned());
            }
            return None;
        };
        let is_about_earlier = ABOUT_EARLIER.iter().any(|(other, _)| present(object, other).is_some());
        let other = asked.next().or((has_more || is_about_earlier).then_some(field));
        let read = match other {
            Some(other) => Err((other, "it stands alone: one of them goes with a message".to_owned())),
            None => read_structured::read(field, object, message?, how),
        };
        match read {
            Ok(structured) => Some(Draft::Structured(structured)),
            Err((field, why)) => {
                self.unless(field, None::<()>);
                self.because.push(format!("{field}: {why}"));
                None
            }
        }
    }

    /// A template; the file at its head may be called by `file_name`.
    fn template(&mut self, object: &Map<String, Value>) -> Option<Draft> {
        let read = present(object, "template").map(read_template);
        if let Some(Err(Some(why))) = &read {
            self.because.push(format!("template: {why}"));
        }
        let mut template = self.maybe("template", read.map(Result::ok));
        if let Some(Draft::Template { file_name, .. }) = &mut template {
            *file_name = self.maybe("file_name", present(object, "file_name").map(read_file_name));
        }
        template
    }

    /// A file that came with the request: alone, of the kind that its bytes stand for where none is named. Sound has no
    /// caption: with a text beside it, it goes as a document unless it is to be sound.
    fn given(&mut self, object: &Map<String, Value>, caption: &str, given: GivenFile) -> Option<Draft> {
        let GivenFile { file, kind, name } = given;
        let others = ["media_url", "template", "reaction", "edit", "delete"];
        let beside = others.iter().find(|field| present(object, field).is_some());
        if let Some(other) = beside {
            self.unless(file.field(), None::<()>);
            self.because.push(format!("{}: it stands alone, without {other}", file.field()));
        }
        let named = present(object, "media_type").map(|v| v.as_str().and_then(MediaKind::parse));
        let has_caption = !text::is_blank(caption);
        let kind = match self.maybe("media_type", named) {
            None if !kind.has_caption() && has_caption => MediaKind::Document,
            named => named.unwrap_or(kind),
        };
        let asked = self.maybe("file_name", present(object, "file_name").map(read_file_name));
        let file_name = asked.or_else(|| name.as_deref().and_then(file_name::clean));
        if !kind.has_caption() && has_caption {
            self.unless("message", None::<()>);
        }
        let file = FileWanted { from: FileFrom::Here(file), file_name };
        Some(Draft::Media { kind, file, caption: caption.to_owned() })
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
        if kind.is_some_and(|kind| !kind.has_caption()) && !text::is_blank(caption) {
            self.unless("message", None::<()>);
        }
        let file = FileWanted { from: FileFrom::Address(url?), file_name };
        Some(Draft::Media { kind: kind?, file, caption: caption.to_owned() })
    }
}

/// Whether what is about an earlier message has no other content beside it.
fn is_alone(object: &Map<String, Value>) -> bool {
    let asked = ABOUT_EARLIER.iter().filter(|(field, _)| present(object, field).is_some()).count();
    asked == 1 && NOT_BESIDE.iter().all(|field| present(object, field).is_none())
}

/// Members of a request that are no text: a form says them as JSON.
pub const NO_TEXT: [&str; 11] = [
    "template",
    "reaction",
    "edit",
    "delete",
    "buttons",
    "list",
    "link_button",
    "location",
    "contact",
    "contact_request",
    "queue",
];
/// Beside those, optional fields that are no free text: an empty one is wrong, for whoever meant a time, or an edit, and has
/// none, must not have something else sent.
const NO_FREE_TEXT: [&str; 3] = ["variables", "send_at", "expires_at"];

/// A field that is there. Null stands for "absent", and so does a text of nothing but blanks where a text is asked for: clients
/// that are made like forms send every member always.
pub(super) fn present<'a>(object: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    object.get(field).filter(|value| match value {
        Value::Null => false,
        Value::String(text) => NO_TEXT.contains(&field) || NO_FREE_TEXT.contains(&field) || !text.trim().is_empty(),
        _ => true,
    })
}

fn read_instance(object: &Map<String, Value>) -> Option<InstanceId> {
    let text = object.get("instance_id")?.as_str()?.trim();
    let plausible = !text.is_empty() && text.len() <= 128 && !text.chars().any(char::is_control);
    plausible.then(|| InstanceId::from_text(text))
}

/// The text; it may be absent where a template or a file takes its place. One that shows nothing is none.
fn read_message(object: &Map<String, Value>, may_be_absent: bool) -> Option<String> {
    let shows = |value: &&Value| !value.as_str().is_some_and(text::is_blank);
    match present(object, "message").filter(shows) {
        None => may_be_absent.then(String::new),
        Some(value) => read_text(value, MAX_CHARS),
    }
}

fn read_purpose(object: &Map<String, Value>) -> PurposeField {
    match object.get("message_purpose") {
        None | Some(Value::Null) => PurposeField::Missing,
        Some(Value::String(text)) if text.is_empty() => PurposeField::Missing,
        Some(Value::String(text)) => match Purpose::parse(text) {
            Some(purpose) => PurposeField::Allowed(purpose),
            None => PurposeField::NotAllowed(text.chars().filter(|c| !c.is_control()).take(64).collect()),
        },
        Some(_) => PurposeField::NotAllowed("(no text)".into()),
    }
}

/// A template, or which of its members is wrong, where that can be said.
fn read_template(value: &Value) -> Result<Draft, Option<String>> {
    let object = value.as_object().ok_or(None)?;
    let member = |name: &str, most: usize| {
        let text = object.get(name).and_then(|value| read_text(value, most));
        text.ok_or_else(|| format!("its {name} is a text of 1 to {most} characters"))
    };
    let name = member("name", 512)?;
    // A provider's examples spell it `en-US`, too; it takes `en_US`.
    let language = member("language", 16)?.replace('-', "_");
    let mut variables = Vec::new();
    if let Some(list) = present(object, "variables") {
        let list = list.as_array().ok_or_else(|| "its variables are a list of texts".to_owned())?;
        for (at, value) in list.iter().enumerate() {
            variables.push(read_variable(value).map_err(|why| format!("its variables[{at}] {why}"))?);
        }
    }
    Ok(Draft::Template { name, language, variables, file_name: None })
}

fn read_variable(value: &Value) -> Result<String, String> {
    if value.is_object() {
        return Err(format!("is a text; a place is written as {}", Location::FORM));
    }
    // One of nothing but blanks is told of where its template is known: by its place there.
    let fits = |text: &&str| !text.is_empty() && text.chars().count() <= MAX_VARIABLE && !text.contains('\0');
    let text = value.as_str().filter(fits).map(str::to_owned);
    text.ok_or_else(|| format!("is a text of 1 to {MAX_VARIABLE} characters, in quotes"))
}

fn read_file_name(value: &Value) -> Option<String> {
    read_text(value, 255).and_then(|name| file_name::clean(&name))
}

fn read_text(value: &Value, max_chars: usize) -> Option<String> {
    let text = value.as_str()?;
    let fits = !text::is_blank(text) && text.chars().count() <= max_chars && !text.contains('\0');
    fits.then(|| text.to_owned())
}

fn read_idempotency_key(text: &str) -> Option<String> {
    let fits = (1..=255).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

#[cfg(test)]
#[path = "read_request_tests.rs"]
mod tests;
