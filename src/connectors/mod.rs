//! How an instance reaches WhatsApp. One connector per instance; all of them behind the same two doors.
//!
//! - [`Registry`]: everything but sending. State, health, capabilities, pairing, start and stop; anybody may hold it.
//! - [`Wire`]: sending. [`Registry::new`] hands out exactly one, it cannot be cloned, and the composition root moves
//!   it into `sending`. Whoever does not hold it cannot send: the type system keeps the guard's door the only one.
//!
//! What a connector hears (messages, receipts, state, calls, groups) goes to the one [`Ear`] given at start, and is
//! acknowledged to the provider only after the ear said that it is on disk.
//!
//! A connector knows nothing of accounts, limits, the database or HTTP towards customers.
//!
//! Adding a connector: a file (or folder) here that implements [`Connector`], a word in
//! [`ConnectorKind`](crate::model::instance::ConnectorKind), an arm in [`Registry::start`], and a run of
//! [`contract::check`] over it in `tests/it/connectors/contract.rs`.

pub mod cloud_api;
mod connection;
mod connector_settings;
pub mod contract;
pub mod evolution;
pub mod groups;
pub mod hook;
pub mod inbound_event;
mod instance_setup;
pub mod location;
pub mod message_limits;
pub mod meta_error;
mod neighbours;
pub mod new_chats;
pub mod outgoing;
mod provider_text;
pub mod registry;
pub mod sandbox;
pub mod setup_check;
pub mod state_words;
pub mod structured;
pub mod template_draft;
pub mod templates;
pub mod warm_up;
#[cfg(feature = "whatsapp-web")]
pub mod whatsapp_web;

pub use connection::is_without_answer;
pub use groups::GroupInfo;
pub use hook::{HookAnswer, HookRequest};
pub use inbound_event::{Ear, EventKind, NotRecorded, ProviderEvent};
pub use outgoing::{AboutMessage, Ack, Address, Content, Outgoing, SendError, SendErrorKind};
pub use registry::{InstanceSetup, Registry, Wire};

use crate::model::{
    clock::Time,
    instance::{Health, InstanceState},
    phone::Phone,
};
use message_limits::MessageLimits;
use new_chats::NewChatAllowance;
use setup_check::SetupFinding;
use std::{future::Future, pin::Pin};
use template_draft::TemplateDraft;
use templates::TemplateName;
use warm_up::WarmUp;

/// A boxed future: the traits here are used as objects.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One way to WhatsApp, for one instance. Only [`Registry`] and [`Wire`] call it.
///
/// Time-outs are the caller's: it drops the future of [`Connector::send`] at its deadline, after which nothing of that
/// message may go to the wire.
pub trait Connector: Send + Sync {
    /// What this connector can do at all; constant over its life.
    fn capabilities(&self) -> Capabilities;
    /// How it stands right now.
    fn standing(&self) -> ConnectionStatus;
    /// Hands one message to the provider. The row is already `sending` on disk.
    fn send<'a>(&'a self, out: &'a Outgoing) -> Boxed<'a, Result<Ack, SendError>>;
    /// Ends connections and background work; what was acknowledged stays so.
    fn stop(&self) -> Boxed<'_, ()>;

    /// Ends it for good: what it keeps of its own on disk is deleted, and its login at the provider, if it has one, ends.
    fn forget(&self) -> Boxed<'_, ()> {
        self.stop()
    }

    /// The provider calls `/hooks/{connector}/{instance}`. The request's head is judged first ([`HookRequest::body`] is
    /// empty then): the largest body that is worth reading, in bytes, or the answer that refuses it unread.
    ///
    /// # Errors
    /// The refusal.
    fn hook_limit(&self, _head: &HookRequest) -> Result<usize, HookAnswer> {
        Err(HookAnswer::not_found())
    }

    /// The same call with its body. What it brings is recorded when the answer is 2xx.
    fn hook<'a>(&'a self, _request: &'a HookRequest) -> Boxed<'a, HookAnswer> {
        Box::pin(std::future::ready(HookAnswer::not_found()))
    }

    /// Gets a file that the provider keeps, by the handle of [`MediaSource::Later`](inbound_event::MediaSource::Later).
    ///
    /// # Errors
    /// See [`MediaError`].
    fn fetch_media<'a>(&'a self, _handle: &'a str, _max_bytes: u64) -> Boxed<'a, Result<Vec<u8>, MediaError>> {
        Box::pin(std::future::ready(Err(MediaError::Gone("this connector keeps no files".into()))))
    }

    /// What a person needs to link a phone, while the instance waits for one.
    fn pairing(&self) -> Option<Pairing> {
        None
    }

    /// How far a number is that was linked lately and so begins few chats; none: it is not.
    fn warm_up(&self) -> Option<WarmUp> {
        None
    }

    /// What the provider says of the new chats that the number may begin; none: it sets no bounds, or tells none.
    fn new_chats(&self) -> Option<NewChatAllowance> {
        None
    }

    /// Where the picture of a chat lies, as far as that is known; what is not known is asked for meanwhile.
    fn picture(&self, _chat: &Address) -> Option<String> {
        None
    }

    /// Tells those who wrote that their messages were read. The ids are the provider's, of one chat.
    ///
    /// # Errors
    /// Why it cannot be, in plain words.
    fn mark_read<'a>(&'a self, _chat: &'a Address, _messages: &'a [String]) -> Boxed<'a, Result<(), ActionError>> {
        Box::pin(std::future::ready(Err(ActionError("this connector cannot mark messages as read".into()))))
    }

    /// Shows the people of a chat that an answer is being written, for some seconds; `answered` is the provider's id of
    /// their last message, which thereby counts as read.
    ///
    /// # Errors
    /// Why it cannot be, in plain words.
    fn show_typing<'a>(&'a self, _chat: &'a Address, _answered: &'a str) -> Boxed<'a, Result<(), ActionError>> {
        Box::pin(std::future::ready(Err(ActionError("this connector cannot show that somebody is writing".into()))))
    }

    /// The template that may be sent when the recipient's 24 hours are over, as it was set.
    fn window_template(&self) -> Option<TemplateName> {
        None
    }

    /// Submits a template to the provider, or changes one that it holds under this name and language. What it says of it then:
    /// the provider's word for its status.
    ///
    /// # Errors
    /// Why it cannot be, in plain words.
    fn submit_template<'a>(&'a self, _draft: &'a TemplateDraft) -> Boxed<'a, Result<String, ActionError>> {
        Box::pin(std::future::ready(Err(ActionError("this connector has no templates".into()))))
    }

    /// Deletes a template at the provider, in one language.
    ///
    /// # Errors
    /// Why it cannot be, in plain words.
    fn delete_template<'a>(&'a self, _name: &'a TemplateName) -> Boxed<'a, Result<(), ActionError>> {
        Box::pin(std::future::ready(Err(ActionError("this connector has no templates".into()))))
    }

    /// Whether texts about something that the recipient asked for may go although their 24 hours are over, without a
    /// template: as it was set, and as long as the provider lets it.
    fn sends_directly(&self) -> bool {
        false
    }

    /// Asks the provider whether it would take messages right now: what it says when it would. For the doctor.
    ///
    /// # Errors
    /// Why it would not, in plain words.
    fn examine(&self) -> Boxed<'_, Result<String, ActionError>> {
        let standing = self.standing();
        let found = match standing.reason {
            None => Ok(standing.state.to_string()),
            Some(why) => Err(ActionError(format!("{}: {why}", standing.state))),
        };
        Box::pin(std::future::ready(found))
    }

    /// What the set-up at the provider needs before messages go and come, asked now; none for a connector whose provider
    /// has no such set-up.
    fn check_setup(&self) -> Boxed<'_, Vec<SetupFinding>> {
        Box::pin(std::future::ready(Vec::new()))
    }

    /// Has the provider bring what happens to this gateway.
    ///
    /// # Errors
    /// Why it cannot be, in plain words.
    fn subscribe(&self) -> Boxed<'_, Result<(), ActionError>> {
        Box::pin(std::future::ready(Err(ActionError("this connector has nothing to subscribe to".into()))))
    }

    /// Which of some numbers have WhatsApp, in their order. Asking for many looks like a campaign: it is for the one
    /// number that a person types in.
    ///
    /// # Errors
    /// Why it cannot be told, in plain words.
    fn check_numbers<'a>(&'a self, _phones: &'a [Phone]) -> Boxed<'a, Result<Vec<bool>, ActionError>> {
        Box::pin(std::future::ready(Err(ActionError("this connector cannot tell which numbers have WhatsApp".into()))))
    }

    /// Gives up the connection and makes it anew; a connector without one says so.
    ///
    /// # Errors
    /// Why it cannot be, in plain words.
    fn reconnect(&self) -> Boxed<'_, Result<(), ActionError>> {
        Box::pin(std::future::ready(Err(ActionError(
            "this connector has no connection that could be made anew".into(),
        ))))
    }

    /// The groups and channels that the instance is in; a connector that cannot tell says so.
    ///
    /// # Errors
    /// Why it cannot be, in plain words.
    fn groups(&self) -> Boxed<'_, Result<Vec<GroupInfo>, ActionError>> {
        Box::pin(std::future::ready(Err(ActionError("this connector does not tell which groups there are".into()))))
    }

    /// Ends a call that rings.
    ///
    /// # Errors
    /// Why it cannot be, in plain words.
    fn reject_call<'a>(&'a self, _call_id: &'a str) -> Boxed<'a, Result<(), ActionError>> {
        Box::pin(std::future::ready(Err(ActionError("this connector cannot end calls".into()))))
    }

    /// Takes the gateway off the phone's list of linked devices.
    ///
    /// # Errors
    /// Why it cannot be, in plain words.
    fn log_out(&self) -> Boxed<'_, Result<(), ActionError>> {
        Box::pin(std::future::ready(Err(ActionError(
            "this connector has no login of its own that could be ended".into(),
        ))))
    }
}

/// What links a phone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pairing {
    /// The text of the QR code.
    pub qr: Option<String>,
    /// The code to type on the phone instead.
    pub code: Option<String>,
    /// When both run out.
    pub expires_at: Time,
}

/// Why a file could not be had.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MediaError {
    /// It may be asked for again later.
    #[error("the file cannot be fetched now: {0}")]
    NotNow(String),
    /// It will never be had.
    #[error("the file cannot be had: {0}")]
    Gone(String),
    /// It has more bytes than may be read.
    #[error("the file is larger than {0} bytes")]
    TooLarge(u64),
}

/// Why something that a person asked a connector for was not done, in plain words.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct ActionError(pub String);

/// What a connector can do. A request for something else is a `validation_error` that names the field.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Capabilities {
    /// Sends pictures, videos, sound, documents.
    pub media: bool,
    /// Sends the provider's templates.
    pub templates: bool,
    /// Quotes an earlier message.
    pub replies: bool,
    /// Puts a sign on an earlier message.
    pub reactions: bool,
    /// Edits an earlier message of its own, and takes one back.
    pub changes: bool,
    /// Sends buttons, lists, links, places and contact cards.
    pub structured: bool,
    /// Sends to groups.
    pub groups: bool,
    /// The provider takes free text only within 24 hours of the recipient's last message.
    pub window_24h: bool,
    /// Reaches people whose number is hidden.
    pub hidden_numbers: bool,
    /// What it surely does not take.
    pub limits: MessageLimits,
}

/// How an instance stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConnectionStatus {
    /// Open, connecting, closed, waiting for its QR code.
    pub state: InstanceState,
    /// Why it is not open, in plain words; none when it is.
    pub reason: Option<String>,
    /// Whether it hears.
    pub health: Health,
    /// Its own number in E.164, once known.
    pub phone: Option<String>,
    /// When anything was last heard from the provider.
    pub last_heard_at: Option<Time>,
}
