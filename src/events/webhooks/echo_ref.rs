//! What events say of messages that did not leave through this gateway, and of messages about earlier ones.

use super::event::EventPerson;
use crate::model::message::EchoOrigin;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Value, json};

/// A message of the number's own that did not leave through this gateway.
#[derive(Clone, PartialEq, Debug)]
pub struct EchoRef {
    /// To whom it went; in a group: nobody.
    pub to: EventPerson,
    /// The group it was written in.
    pub group_id: Option<String>,
    /// text, image, …
    pub message_type: String,
    /// Text or caption.
    pub message_text: Option<String>,
    /// The gateway's id of it: `inb_…`.
    pub message_id: String,
    /// The provider's id.
    pub provider_message_id: String,
    /// What wrote it.
    pub source: EchoOrigin,
    /// The provider's id of the message that it answers or changes.
    pub reply_to: Option<String>,
    /// Its file: type, mime_type, file_name, size, url.
    pub media: Option<Value>,
    /// As the provider told it, where it holds more than the other members do.
    pub raw: Option<Value>,
    /// The message that it changes, of an edit or a deletion.
    pub changed: Option<ChangedRef>,
}

/// The message that an edit or a deletion is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangedRef {
    /// The gateway's id of it, where it was heard here.
    pub message_id: Option<String>,
    /// The provider's id of it.
    pub provider_message_id: String,
    /// What it said at first, where it was heard here.
    pub text: Option<String>,
}

impl ChangedRef {
    /// Words for a deletion, for receivers that read nothing but a text.
    pub fn taken_back(&self) -> String {
        match self.text.as_deref().filter(|text| !text.is_empty()) {
            Some(text) => format!("[deleted] {text}"),
            None => "[deleted a message]".to_owned(),
        }
    }
}

/// The members of `message.sent`, with null for what only a message of this gateway's has.
impl Serialize for EchoRef {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut all = s.serialize_map(None)?;
        all.serialize_entry("to", &self.to.phone)?;
        all.serialize_entry("contact_id", &self.to.contact_id)?;
        all.serialize_entry("message_id", &self.message_id)?;
        all.serialize_entry("provider_message_id", &self.provider_message_id)?;
        for only_ours in ["log_id", "reference", "message_purpose"] {
            all.serialize_entry(only_ours, &())?;
        }
        all.serialize_entry("message_text", &self.message_text)?;
        all.serialize_entry("source", &self.source)?;
        all.serialize_entry("message_type", &self.message_type)?;
        all.serialize_entry("group_id", &self.group_id)?;
        all.serialize_entry("reply_to", &self.reply_to)?;
        all.serialize_entry("media", &self.media)?;
        all.serialize_entry("raw", &self.raw)?;
        all.end()
    }
}

/// The members that name the message that an edit or a deletion is about; null where there is none.
pub(super) fn changed(about: Option<&ChangedRef>) -> Value {
    json!({
        "changed_message_id": about.and_then(|about| about.message_id.as_ref()),
        "changed_provider_message_id": about.map(|about| &about.provider_message_id),
    })
}
