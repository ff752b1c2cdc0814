//! What a connector hears, in the gateway's own words, and the ear that takes it.

use crate::{
    connectors::{
        Address, Boxed, ConnectionStatus,
        templates::{Template, TemplateChange},
    },
    model::{
        clock::Time,
        ids::{InstanceId, MessageId},
        message::{EchoOrigin, Receipt},
    },
};

/// Takes what connectors hear. When the future ends with `Ok` it is on disk, and the provider may be told so.
pub trait Ear: Send + Sync + 'static {
    /// Records one thing heard.
    fn hear(&self, heard: ProviderEvent) -> Boxed<'_, Result<(), NotRecorded>>;

    /// Records several things that came together, in their order. An ear over a database takes all or none of them.
    fn record_all(&self, all: Vec<ProviderEvent>) -> Boxed<'_, Result<(), NotRecorded>> {
        Box::pin(async move {
            for heard in all {
                self.hear(heard).await?;
            }
            Ok(())
        })
    }

    /// What an instance may ask its provider about after a silence. An ear without a memory has none.
    fn backlog<'a>(&'a self, _instance: &'a InstanceId) -> Boxed<'a, Result<Backlog, NotRecorded>> {
        Box::pin(std::future::ready(Ok(Backlog::default())))
    }
}

/// How far an instance has heard, and which of its messages are open.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Backlog {
    /// The time of the newest message that was heard; before the first one, when the instance was made.
    pub heard_until: Option<Time>,
    /// Messages of the last day that are in hand, or of which nobody can tell; the newest first.
    pub unsettled: Vec<Unsettled>,
    /// The provider's ids that are other messages' to the same people: none of these is an unsettled one.
    pub taken: Vec<String>,
}

/// A message that left, or may have left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unsettled {
    /// Our own id.
    pub message_id: MessageId,
    /// The provider's, where its answer was heard.
    pub provider_message_id: Option<String>,
    /// To whom, as [`Address`](crate::connectors::Address) is displayed.
    pub to: String,
    /// Its text or caption; empty for what is about an earlier message, whose words another message may have.
    pub text: String,
    /// When it was handed over.
    pub at: Time,
}

/// It could not be recorded now; the provider must offer it again.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("what was heard could not be recorded: {0}")]
pub struct NotRecorded(pub String);

/// One thing that an instance heard.
#[derive(Clone, PartialEq, Debug)]
pub struct ProviderEvent {
    /// Which instance heard it.
    pub instance: InstanceId,
    /// When it happened, by the provider's clock where it gives one.
    pub at: Time,
    /// What it was.
    pub what: EventKind,
}

/// The kinds of things that are heard.
#[derive(Clone, PartialEq, Debug)]
pub enum EventKind {
    Message(InboundMessage),
    /// A message of our number's own that did not leave through this gateway.
    Echo(Echo),
    /// An edit or a deletion of which the provider tells only the message that it is about: chat and writer are that one's.
    Change(HeardChange),
    /// Another program or a person has a conversation now, or we have it again. It makes no contact.
    Held {
        /// With whom it is.
        with: RemoteParty,
        /// Who has it; none: we.
        by: Option<EchoOrigin>,
    },
    /// Something became of a message that we sent.
    Receipt(ReceiptHeard),
    /// The connection changed, or says why it did not.
    State(ConnectionStatus),
    /// A new QR or pairing code to show.
    Qr {
        /// The code's text.
        code: String,
        /// When it runs out.
        expires_at: Time,
    },
    Call(CallHeard),
    /// Something about a group changed.
    GroupUpdated {
        /// The group's id.
        group_id: String,
        /// Its name now.
        group_name: String,
        /// subject, description, participants, read_only, picture.
        change: String,
    },
    /// Names of one person. It makes no contact, unless it says that a name took the place of another: calls come in any
    /// order, and a word under the former name holds under the new one.
    Person {
        /// The names that are good.
        names: RemoteParty,
        /// Names that they had and do not use any more.
        former: RemoteParty,
    },
    /// The provider knows somebody by these names, whom we know by another one: all are names of one person. Like
    /// [`EventKind::Person`] without former names it makes no contact. A number of another country than the one that was
    /// written to is not learnt: the owner is told that the message went astray.
    Named {
        /// Whom we mean.
        whom: Whom,
        /// The names by which the provider knows them.
        names: RemoteParty,
    },
    /// All templates that the provider holds for the instance: one that is missing here is gone.
    Templates(Vec<Template>),
    /// One template changed. What is none stays as it was.
    TemplateChanged(TemplateChange),
    /// A setting of the instance's is off from now on, because its provider does not let it any more.
    SettingEnded(&'static str),
    /// Something else that the provider tells. It is kept as it came, once.
    News(ProviderNews),
}

/// What a provider says became of a message that we sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReceiptHeard {
    /// The provider's id of the message.
    pub provider_message_id: String,
    /// Our own id, where the provider returned it.
    pub message_id: Option<MessageId>,
    /// What became of it.
    pub receipt: Receipt,
    /// The provider's code, for a failure.
    pub code: Option<String>,
    /// Plain words, for a failure.
    pub reason: Option<String>,
    /// Whether a failure lies with the recipient: counts for the health of the number.
    pub recipient_fault: bool,
    /// What the provider says that it costs: JSON in its own words.
    pub pricing: Option<String>,
}

/// A call, when it rings and when it has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallHeard {
    /// The provider's id of the call.
    pub call_id: String,
    pub from: RemoteParty,
    pub is_video: bool,
    /// Nobody answered.
    pub missed: bool,
}

/// Something that a provider tells and that is none of the other kinds.
#[derive(Clone, PartialEq, Debug)]
pub struct ProviderNews {
    /// The provider's word for it, or ours where it has none.
    pub kind: String,
    /// As it came: JSON.
    pub raw: String,
    /// Whether the owner should know: then in a few words.
    pub notice: Option<String>,
    /// What follows from it, when it is heard for the first time.
    pub then: Vec<EventKind>,
}

/// Somebody whom we know already.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Whom {
    /// The one to whom a message of ours went, such as a receipt's.
    Recipient {
        /// The provider's id of the message.
        provider_message_id: String,
        /// Our own id, where the provider returned it.
        message_id: Option<MessageId>,
    },
    /// The one whom we write to under this address, such as the number that a provider was asked about.
    Address(Address),
}

/// Who wrote or called: every identity that the provider gave, and the name it gave.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RemoteParty {
    /// E.164 with `+`.
    pub phone: Option<String>,
    /// WhatsApp Web's hidden id.
    pub lid: Option<String>,
    /// The Cloud API's business-scoped user id.
    pub bsuid: Option<String>,
    /// The provider's word for somebody, where it is neither a number nor a hidden id.
    pub other: Option<String>,
    /// The name that the person gave themself.
    pub name: Option<String>,
}

/// A message of our number's own that did not leave through this gateway.
#[derive(Clone, PartialEq, Debug)]
pub struct Echo {
    /// To whom it went: every identity that the provider gave. In a group: nobody.
    pub to: RemoteParty,
    /// What wrote it.
    pub origin: EchoOrigin,
    /// What it says. Its `from` is empty: it is ours.
    pub message: InboundMessage,
}

/// An edit or a deletion, where the provider says only what it is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeardChange {
    /// An id of its own: the provider's, or one that is made of what it says.
    pub provider_message_id: String,
    /// The provider's id of the message that it changes.
    pub about: String,
    /// The new text; none: it was taken back.
    pub text: Option<String>,
    /// As it came: JSON.
    pub raw: String,
}

/// In which connection a message is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Told {
    /// Now, as it was written.
    #[default]
    Live,
    /// While the provider's own agent has the conversation: whoever answers takes it over.
    Standby,
    /// Long after it was written, with the rest of a chat that was held elsewhere. It is shown, and no program is told.
    History,
}

/// One inbound message.
#[derive(Clone, PartialEq, Debug)]
pub struct InboundMessage {
    /// The provider's id; the same id is the same message.
    pub provider_message_id: String,
    /// Who wrote it.
    pub from: RemoteParty,
    /// The group it was written in; none for one to one.
    pub group: Option<GroupRef>,
    /// text, image, video, audio, document, location, contacts, button, interactive, reaction, unsupported, …
    /// [`EDIT`](crate::model::message::EDIT) and [`REVOKE`](crate::model::message::REVOKE) change the message that `reply_to` names: the chat shows it as it is now.
    /// `system` is the provider's own note: nobody wrote it.
    pub kind: String,
    /// Text, caption or button title.
    pub text: Option<String>,
    /// The provider's id of the message that it answers, reacts to or changes.
    pub reply_to: Option<String>,
    /// Whether a whole-message opt-out word counts here: text and template quick replies, not interactive ones.
    pub may_opt_out: bool,
    /// What a template's quick reply stands for where its title says something else; none: it has no other word.
    pub payload: Option<String>,
    /// The file that came with it.
    pub media: Option<HeardMedia>,
    /// The message as it came, as JSON, where it holds more than these fields do: a place, an order, an unknown kind.
    pub raw: Option<String>,
    /// In which connection it is told.
    pub told: Told,
}

/// A file that came with a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeardMedia {
    /// image, video, audio, document or sticker.
    pub kind: String,
    /// Its type as the provider says; not to be believed.
    pub mime_type: String,
    /// Its name as the sender's phone says; not to be believed.
    pub file_name: Option<String>,
    /// Its size in bytes, where the provider says.
    pub size: Option<u64>,
    /// Its bytes, or how to get them.
    pub source: MediaSource,
}

/// Where a file's bytes are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MediaSource {
    Bytes(Vec<u8>),
    /// At the provider: [`Connector::fetch_media`](crate::connectors::Connector::fetch_media) gets them by this handle.
    Later(String),
}

/// A group, as far as a message in it tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupRef {
    /// The provider's id.
    pub id: String,
    pub name: String,
}
