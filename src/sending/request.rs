//! A request to send, as types; `read_request.rs` makes one of a caller's strings. What depends on the account or its
//! instance (is there such an instance, does its connector do templates) is a gate's business.

pub use super::{
    read_request::{NO_TEXT, parse, parse_with},
    upload::{FileFrom, Uploaded},
};

use crate::{
    connectors::{Content, outgoing::MediaKind},
    model::{
        clock::Time,
        ids::{AccountId, InstanceId, KeyId, MessageId},
        phone::{Recipient, Unusual},
        plan::Module,
        purpose::Purpose,
        string_enum::string_enum,
        text,
    },
    people::media::kind_of_url,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::convert::Infallible;

/// Longest text, in characters.
pub const MAX_CHARS: usize = 4096;

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
    /// What is unusual about the recipient's number as the caller wrote it.
    pub unusual: Option<Unusual>,
    pub draft: Draft,
    /// Why; judged by a gate.
    pub purpose: PurposeField,
    /// The caller's own id.
    pub reference: Option<String>,
    /// The message that this one answers: our id, or the provider's.
    pub reply_to: Option<String>,
    /// Never sent after it.
    pub expires_at: Option<Time>,
    /// That it may wait; none: now or never.
    pub later: Option<Box<SendLater>>,
    /// The caller's Idempotency-Key.
    pub idempotency_key: Option<String>,
    /// The message's id where its caller chose it beforehand; the log takes an id once, so that a caller who does not
    /// know whether a request got through may make it again.
    pub message_id: Option<MessageId>,
}

/// When a request may be sent that need not be sent now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SendLater {
    /// Not before; none: as soon as it passes.
    pub send_at: Option<Time>,
    /// What time alone stands against does not refuse it: it is tried again until it passes or expires.
    pub queue: bool,
    /// The request as JSON, to be read again when it is due; without its time, and with the number as it was understood.
    pub kept: String,
}

/// What a caller asks to be sent: a file by where it is had, the earlier message that it is about by our id of it or
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

/// A file that came with the request itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GivenFile {
    pub file: Uploaded,
    /// What its bytes stand for.
    pub kind: MediaKind,
    /// As its sender calls it.
    pub name: Option<String>,
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
            Self::Structured(structured) => Some(json!({"structured": structured}).to_string()),
            Self::Reaction { about, .. } => Some(json!({"reaction": {"message_id": about}}).to_string()),
            Self::Change { about, text } => {
                let field = if text.is_some() { "edit" } else { "delete" };
                Some(json!({field: {"message_id": about}}).to_string())
            }
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
            unusual: recipient.unusual(),
            recipient,
            draft: Draft::Text(text),
            purpose: PurposeField::Allowed(purpose),
            reference: None,
            reply_to: None,
            expires_at: None,
            later: None,
            idempotency_key: None,
            message_id: None,
        }
    }

    /// A file from an address, such as a telephone system names, of the kind that its ending stands for; with a text
    /// beside it, sound goes as a document, since it takes none.
    pub fn file(instance: InstanceId, recipient: Recipient, purpose: Purpose, url: String, caption: String) -> Self {
        let kind = match kind_of_url(&url) {
            Some(kind) if !kind.has_caption() && !text::is_blank(&caption) => MediaKind::Document,
            kind => kind.unwrap_or(MediaKind::Document),
        };
        let file = FileWanted { from: FileFrom::Address(url), file_name: None };
        let draft = Draft::Media { kind, file, caption };
        Self { draft, ..Self::text(instance, recipient, purpose, String::new()) }
    }

    /// A sign on an earlier message of the recipient's chat, by our id of it or the provider's; an empty `emoji` takes
    /// back what was given before. That it is one emoji is for the caller to see to ([`crate::model::emoji::is_one`]).
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

    pub(super) fn hash_to(&self, recipient: &str) -> [u8; 32] {
        let mut meaning = json!([
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
        if let (Some(later), Some(meaning)) = (&self.later, meaning.as_array_mut()) {
            meaning.extend([json!(later.send_at.map(Time::millis)), json!(later.queue)]);
        }
        Sha256::digest(meaning.to_string().as_bytes()).into()
    }
}
