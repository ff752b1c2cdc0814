//! What goes to a provider, and what it may answer.

use crate::connectors::{inbound_event::RemoteParty, structured::Structured};
use crate::model::{
    ids::{InstanceId, MessageId},
    message::{EDIT, REVOKE},
    phone::Phone,
};
use std::{borrow::Cow, fmt, path::PathBuf, time::Duration};

/// One message on its way out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outgoing {
    /// The instance that sends it.
    pub instance: InstanceId,
    /// Our own id; given to the provider wherever it has a field that comes back in receipts.
    pub message_id: MessageId,
    pub to: Address,
    pub content: Content,
    /// The provider's id of the message that this one answers.
    pub reply_to: Option<String>,
    /// Whether it goes although the recipient's window is closed, because its provider makes a template of it; see
    /// [`Connector::sends_directly`](crate::connectors::Connector::sends_directly).
    pub outside_window: bool,
}

/// Where a message goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Address {
    /// A telephone number.
    Phone(Phone),
    /// A hidden id of WhatsApp Web (`…@lid`).
    Lid(String),
    /// A business-scoped user id of the Cloud API.
    Bsuid(String),
    /// A group or channel (`…@g.us`, `…@newsletter`).
    Group(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phone(p) => f.write_str(p.as_str()),
            Self::Lid(id) | Self::Bsuid(id) | Self::Group(id) => f.write_str(id),
        }
    }
}

/// What is sent, at any stage of a send: `F` is what is known of its file, `A` of the earlier message that it is about.
/// A connector gets files on the disk and messages as the provider knows them; what a caller asks for only names them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content<F = MediaFile, A = AboutMessage> {
    /// Plain text, 1 to 4,096 characters.
    Text(String),
    /// A file with an optional caption.
    Media {
        /// image, video, audio, document, voice or sticker.
        kind: MediaKind,
        /// The file; a connector reads it and hands its bytes to the provider.
        file: F,
        /// The text beside it; empty for none.
        caption: String,
    },
    /// A template that the provider holds.
    Template {
        /// Its name at the provider.
        name: String,
        /// Its language code, such as `he` or `en_US`.
        language: String,
        /// Its variables in order.
        variables: Vec<String>,
        /// What the document at its head is called; none: by its address.
        file_name: Option<String>,
    },
    /// Buttons, a list, a link, a place or a card.
    Structured(Structured),
    /// A sign on an earlier message of the same chat.
    Reaction {
        about: A,
        /// One emoji; empty takes back what was given before.
        emoji: String,
    },
    /// An earlier message of our own says something else now, or was taken back.
    Change {
        about: A,
        /// Its new text or caption, 1 to 4,096 characters; none: it is taken back.
        text: Option<String>,
    },
}

impl<F, A> Content<F, A> {
    /// The same message one stage further: with its file, or the message it is about, found.
    ///
    /// # Errors
    /// What `file` or `about` says; at most one of them is asked.
    pub fn resolve<G, B, E>(
        self,
        file: impl FnOnce(F) -> Result<G, E>,
        about: impl FnOnce(A) -> Result<B, E>,
    ) -> Result<Content<G, B>, E> {
        Ok(match self {
            Self::Text(text) => Content::Text(text),
            Self::Media { kind, file: named, caption } => Content::Media { kind, file: file(named)?, caption },
            Self::Template { name, language, variables, file_name } => {
                Content::Template { name, language, variables, file_name }
            }
            Self::Structured(structured) => Content::Structured(structured),
            Self::Reaction { about: named, emoji } => Content::Reaction { about: about(named)?, emoji },
            Self::Change { about: named, text } => Content::Change { about: about(named)?, text },
        })
    }

    /// The text that people will read, for the log and the content policy.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => text.into(),
            Self::Media { caption, .. } => caption.into(),
            Self::Template { variables, .. } => variables.join("\n").into(),
            Self::Structured(structured) => structured.words(),
            Self::Reaction { emoji, .. } => emoji.into(),
            Self::Change { text, .. } => text.as_deref().unwrap_or_default().into(),
        }
    }

    /// The word for the log's `kind`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Media { kind, .. } => kind.as_str(),
            Self::Template { .. } => "template",
            Self::Structured(structured) => structured.kind(),
            Self::Reaction { .. } => "reaction",
            Self::Change { text: Some(_), .. } => EDIT,
            Self::Change { text: None, .. } => REVOKE,
        }
    }
}

/// An earlier message that another one is about, as its provider knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AboutMessage {
    /// The provider's id of it.
    pub provider_message_id: String,
    /// Whether this instance sent it.
    pub from_me: bool,
    /// Who wrote it, in a group; none: nobody else could have, or it is not known.
    pub author: Option<Address>,
    /// The file that it has; none: it has none.
    pub file: Option<MediaKind>,
}

/// A file on this machine's disk that goes out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MediaFile {
    /// Where it lies. It stays there for longer than a send takes.
    pub path: PathBuf,
    /// What its bytes prove, such as `image/jpeg`; `application/octet-stream` when they prove nothing.
    pub mime_type: String,
    /// Bytes.
    pub size: u64,
    /// The name shown for a document.
    pub file_name: Option<String>,
}

crate::model::string_enum::string_enum! {
    /// The kinds of media that `media_type` names.
    MediaKind {
        Image = "image",
        Video = "video",
        /// Sound, without a caption.
        Audio = "audio",
        /// Any other file.
        Document = "document",
        /// Speech that a phone shows as recorded on one, without a caption.
        Voice = "voice",
        /// A picture that stands without a frame and without a caption.
        Sticker = "sticker",
    }
}

impl MediaKind {
    /// The kinds that a file is sent as unless somebody asks for another.
    pub const PLAIN: [Self; 4] = [Self::Image, Self::Video, Self::Audio, Self::Document];

    /// Whether a text may stand beside it.
    pub const fn has_caption(self) -> bool {
        matches!(self, Self::Image | Self::Video | Self::Document)
    }
}

impl<'de> serde::Deserialize<'de> for MediaKind {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let word = <String as serde::Deserialize>::deserialize(d)?;
        Self::parse(&word).ok_or_else(|| serde::de::Error::custom(format!("{word:?} is no kind of file")))
    }
}

/// The provider has the message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ack {
    /// The provider's own id.
    pub provider_message_id: String,
    /// `true`: its server acknowledged it, the message is sent. `false`: it is in hand, and a
    /// [`Receipt::Server`](crate::model::message::Receipt::Server) tells the rest.
    pub acknowledged: bool,
    /// By which names the provider says that it knows whoever it took the message for; it may spell the number in
    /// another way than it was asked, or name a hidden id. They become names of the person who was written to.
    /// Empty: it named nobody.
    pub names: RemoteParty,
}

/// Why a message was not acknowledged. The kind is all that the caller decides on.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct SendError {
    /// Which of the three it is.
    pub kind: SendErrorKind,
    /// The provider's code, as it spells it; empty when it gave none.
    pub code: String,
    /// A plain sentence for the log; no secret, no message text, no full number.
    pub reason: String,
    /// Whether the reason lies with the recipient (no WhatsApp there, blocked us): counts for the health of the number.
    pub recipient_fault: bool,
}

impl SendError {
    /// It did not leave and will not.
    pub(super) fn permanent(code: &str, reason: &str) -> Self {
        let (code, reason) = (code.to_owned(), reason.to_owned());
        Self { kind: SendErrorKind::Permanent, code, reason, recipient_fault: false }
    }

    /// It did not leave and may be tried again.
    pub(super) fn temporary(code: &str, reason: &str, retry_after: Option<Duration>) -> Self {
        Self { kind: SendErrorKind::Temporary { retry_after }, ..Self::permanent(code, reason) }
    }

    /// Nobody can tell.
    pub(super) fn ambiguous(code: &str, reason: &str) -> Self {
        Self { kind: SendErrorKind::Ambiguous, ..Self::permanent(code, reason) }
    }
}

/// What a failed send means for a second attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SendErrorKind {
    /// It certainly did not leave and may be tried again, not before `retry_after` where the provider said so.
    Temporary {
        /// The provider's own wish, bounded by the caller.
        retry_after: Option<Duration>,
    },
    /// It certainly did not leave and will not.
    Permanent,
    /// Nobody can tell whether it left: never tried again.
    Ambiguous,
}
