//! The 18 events of the contract, as typed values that become one flat JSON object each.
//!
//! Every one has event, event_id, instance_id, instance_name, timestamp; the documented further fields follow. Members
//! may be added, never renamed.

use super::{
    StatusStep,
    conversation::is_group,
    echo_ref::{ChangedRef, EchoRef, changed},
};
use crate::model::{
    clock::Time,
    ids::{ContactId, InstanceId, LogId},
    instance::{Health, InstanceState},
    qr,
    string_enum::string_enum,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

string_enum! {
    /// The names of the events.
    EventName {
        /// An inbound one-to-one message.
        MessageReceived = "message.received",
        /// The provider acknowledged an outbound one.
        MessageSent = "message.sent",
        /// It had been accepted, and was refused or failed later.
        MessageFailed = "message.failed",
        /// It reached the phone.
        MessageDelivered = "message.delivered",
        /// It was read.
        MessageRead = "message.read",
        /// Each change of an outbound status.
        MessageStatusUpdated = "message.status_updated",
        /// Somebody wants no more messages.
        RecipientOptedOut = "recipient.opted_out",
        /// The edge to open.
        InstanceConnected = "instance.connected",
        /// The edge from open.
        InstanceDisconnected = "instance.disconnected",
        /// Each change of state or health.
        InstanceConnectionUpdated = "instance.connection_updated",
        /// A new QR or pairing code.
        InstanceQrUpdated = "instance.qr_updated",
        /// New message, read, name changed.
        ConversationUpdated = "conversation.updated",
        CallReceived = "call.received",
        /// Nobody answered.
        CallMissed = "call.missed",
        /// A call was ended by itself, because the instance is set to do so.
        CallRejected = "call.rejected",
        /// A message in a group.
        GroupMessageReceived = "group.message_received",
        /// Something about a group changed.
        GroupUpdated = "group.updated",
        /// A test, asked for by the customer.
        Test = "test",
    }
}

/// A person, as events name one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventPerson {
    /// Their number here.
    pub contact_id: Option<ContactId>,
    /// E.164, or null for a hidden number.
    pub phone: Option<String>,
}

/// An outbound message, as events name one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutboundRef {
    pub log_id: LogId,
    /// Its stable id.
    pub message_id: String,
    /// The provider's id, once known.
    pub provider_message_id: Option<String>,
    /// The caller's own id.
    pub reference: Option<String>,
    pub to: EventPerson,
    /// The same as the log has it: E.164, a hidden id, or a group's.
    pub recipient: String,
    pub message_purpose: String,
    pub message_text: String,
    /// By which part of the gateway.
    pub source: String,
    /// The message that it changes, of an edit or a deletion.
    pub changed: Option<ChangedRef>,
}

impl OutboundRef {
    /// The group that it goes to; none: it goes to a person.
    fn group(&self) -> Option<&str> {
        is_group(&self.recipient).then_some(&*self.recipient)
    }
}

#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// `message.received`
    MessageReceived {
        from: EventPerson,
        contact_name: Option<String>,
        /// text, image, …
        message_type: String,
        /// Text or caption.
        message_text: Option<String>,
        /// The gateway's id of the inbound message.
        message_id: String,
        /// The provider's id.
        provider_message_id: String,
        conversation_id: i64,
        /// Its number in the chat.
        sequence: i64,
        /// The provider's id of the message it answers.
        reply_to: Option<String>,
        /// Its file: type, mime_type, file_name, size, url.
        media: Option<Value>,
        /// As the provider told it, where it holds more than the other members do.
        raw: Option<Value>,
        /// The message that it changes, of an edit or a deletion.
        changed: Option<ChangedRef>,
        /// Whether the provider's own agent has the conversation: whoever answers takes it over.
        is_standby: bool,
    },
    /// `message.sent`
    MessageSent(OutboundRef),
    /// `message.sent`, of a message that was written on the number's own phone or by the provider's agent.
    MessageEchoed(EchoRef),
    /// `message.failed`
    MessageFailed(OutboundRef, StatusStep),
    /// `message.delivered`
    MessageDelivered(OutboundRef),
    /// `message.read`
    MessageRead(OutboundRef),
    /// `message.status_updated`
    MessageStatusUpdated(OutboundRef, StatusStep),
    /// `recipient.opted_out`
    RecipientOptedOut {
        from: EventPerson,
        /// What they wrote.
        message_text: String,
    },
    /// `instance.connected`
    InstanceConnected { phone: Option<String> },
    /// `instance.disconnected`
    InstanceDisconnected { phone: Option<String>, reason: Option<String> },
    /// `instance.connection_updated`
    InstanceConnectionUpdated {
        state: InstanceState,
        previous_state: InstanceState,
        /// Whether it hears.
        health: Health,
        /// Why it is not open, and what to do; or what an open one has to be looked at for.
        reason: Option<String>,
    },
    /// `instance.qr_updated`
    InstanceQrUpdated {
        /// The code's text.
        qr: String,
        /// When it runs out.
        expires_at: Time,
    },
    /// `conversation.updated`
    ConversationUpdated {
        conversation_id: i64,
        from: EventPerson,
        contact_name: Option<String>,
        /// Not read yet.
        unread_count: i64,
        /// When anybody last wrote.
        last_message_at: Time,
    },
    /// `call.received` or `call.missed`
    Call {
        /// Nobody answered.
        missed: bool,
        from: EventPerson,
        /// The provider's id.
        call_id: String,
        is_video: bool,
        /// When it began.
        started_at: Time,
        /// When it ended.
        ended_at: Option<Time>,
    },
    /// `call.rejected`
    CallRejected {
        from: EventPerson,
        /// The provider's id.
        call_id: String,
        is_video: bool,
        /// When it began.
        started_at: Time,
    },
    /// `group.message_received`
    GroupMessageReceived {
        group_id: String,
        group_name: String,
        from: EventPerson,
        /// text, image, …
        message_type: String,
        /// Text or caption.
        message_text: Option<String>,
        /// The gateway's id of the inbound message.
        message_id: String,
        /// The provider's id.
        provider_message_id: String,
        /// Its file: type, mime_type, file_name, size, url.
        media: Option<Value>,
        /// As the provider told it, where it holds more than the other members do.
        raw: Option<Value>,
        /// The message that it changes, of an edit or a deletion.
        changed: Option<ChangedRef>,
    },
    /// `group.updated`
    GroupUpdated {
        group_id: String,
        group_name: String,
        /// subject, description, participants, read_only.
        change: String,
    },
    /// `test`
    Test,
}

/// Where and when it happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventContext<'a> {
    /// The event's id; `webhook-id`.
    pub event_id: &'a str,
    pub instance_id: &'a InstanceId,
    pub instance_name: &'a str,
    pub at: Time,
}

impl Event {
    /// The event's name.
    pub const fn name(&self) -> EventName {
        match self {
            Self::MessageReceived { .. } => EventName::MessageReceived,
            Self::MessageSent(_) | Self::MessageEchoed(_) => EventName::MessageSent,
            Self::MessageFailed(..) => EventName::MessageFailed,
            Self::MessageDelivered(_) => EventName::MessageDelivered,
            Self::MessageRead(_) => EventName::MessageRead,
            Self::MessageStatusUpdated(..) => EventName::MessageStatusUpdated,
            Self::RecipientOptedOut { .. } => EventName::RecipientOptedOut,
            Self::InstanceConnected { .. } => EventName::InstanceConnected,
            Self::InstanceDisconnected { .. } => EventName::InstanceDisconnected,
            Self::InstanceConnectionUpdated { .. } => EventName::InstanceConnectionUpdated,
            Self::InstanceQrUpdated { .. } => EventName::InstanceQrUpdated,
            Self::ConversationUpdated { .. } => EventName::ConversationUpdated,
            Self::Call { missed: false, .. } => EventName::CallReceived,
            Self::Call { missed: true, .. } => EventName::CallMissed,
            Self::CallRejected { .. } => EventName::CallRejected,
            Self::GroupMessageReceived { .. } => EventName::GroupMessageReceived,
            Self::GroupUpdated { .. } => EventName::GroupUpdated,
            Self::Test => EventName::Test,
        }
    }

    /// The event's JSON, as every attempt sends it.
    pub fn body(&self, place: &EventContext<'_>) -> String {
        let mut all = Map::new();
        all.insert("event".into(), json!(self.name()));
        all.insert("event_id".into(), json!(place.event_id));
        all.insert("instance_id".into(), json!(place.instance_id));
        all.insert("instance_name".into(), json!(place.instance_name));
        self.fields(&mut all);
        all.insert("timestamp".into(), json!(place.at));
        Value::Object(all).to_string()
    }

    fn fields(&self, all: &mut Map<String, Value>) {
        let fields = match self {
            Self::MessageReceived { .. } | Self::GroupMessageReceived { .. } => self.inbound_fields(),
            Self::MessageSent(m) => with(
                with(outbound(m), changed(m.changed.as_ref())),
                json!({
                "message_purpose": m.message_purpose, "message_text": m.message_text, "source": m.source}),
            ),
            Self::MessageEchoed(echo) => with(changed(echo.changed.as_ref()), json!(echo)),
            Self::MessageFailed(m, step) => with(
                outbound(m),
                json!({
                "message_purpose": m.message_purpose, "reason": step.reason, "provider_code": step.provider_code,
                "retry": step.retry}),
            ),
            Self::MessageDelivered(m) | Self::MessageRead(m) => outbound(m),
            Self::MessageStatusUpdated(m, step) => with(outbound(m), json!(step)),
            Self::RecipientOptedOut { from, message_text } => with(
                writer(from),
                json!({
                "reason": "recipient_requested_stop", "message_text": message_text}),
            ),
            Self::InstanceConnected { phone } => json!({"phone": phone, "reason": null}),
            Self::InstanceDisconnected { phone, reason } => json!({"phone": phone, "reason": reason}),
            Self::InstanceConnectionUpdated { state, previous_state, health, reason } => {
                json!({"state": state, "previous_state": previous_state, "health": health, "reason": reason})
            }
            Self::InstanceQrUpdated { qr, expires_at } => {
                let image = qr::png(qr).map(|png| format!("data:image/png;base64,{}", STANDARD.encode(png)));
                json!({"qr": qr, "qr_image": image, "expires_at": expires_at})
            }
            Self::ConversationUpdated { conversation_id, from, contact_name, unread_count, last_message_at } => with(
                writer(from),
                json!({
                    "conversation_id": conversation_id, "contact_name": contact_name, "unread_count": unread_count,
                    "last_message_at": last_message_at}),
            ),
            Self::Call { from, call_id, is_video, started_at, ended_at, .. } => with(
                writer(from),
                json!({
                "call_id": call_id, "is_video": is_video, "started_at": started_at, "ended_at": ended_at}),
            ),
            Self::CallRejected { from, call_id, is_video, started_at } => {
                with(writer(from), json!({"call_id": call_id, "is_video": is_video, "started_at": started_at}))
            }
            Self::GroupUpdated { group_id, group_name, change } => {
                json!({"group_id": group_id, "group_name": group_name, "change": change})
            }
            Self::Test => json!({"message": "This is a test of your endpoint."}),
        };
        if let Value::Object(fields) = fields {
            all.extend(
                fields.into_iter().filter(|(name, value)| !WHERE_THERE.contains(&name.as_str()) || !value.is_null()),
            );
        }
    }

    fn inbound_fields(&self) -> Value {
        match self {
            Self::MessageReceived {
                from,
                contact_name,
                message_type,
                message_text,
                message_id,
                provider_message_id,
                conversation_id,
                sequence,
                reply_to,
                media,
                raw,
                changed: about,
                is_standby,
            } => with(
                with(writer(from), changed(about.as_ref())),
                json!({
                "contact_name": contact_name, "message_id": message_id, "provider_message_id": provider_message_id,
                "message_type": message_type, "message_text": message_text, "conversation_id": conversation_id,
                "sequence": sequence, "reply_to": reply_to, "media": media, "raw": raw,
                "standby": is_standby.then_some(true)}),
            ),
            Self::GroupMessageReceived {
                group_id,
                group_name,
                from,
                message_type,
                message_text,
                message_id,
                provider_message_id,
                media,
                raw,
                changed: about,
            } => with(
                with(writer(from), changed(about.as_ref())),
                json!({
                "group_id": group_id, "group_name": group_name, "message_id": message_id,
                "provider_message_id": provider_message_id, "message_type": message_type,
                "message_text": message_text, "media": media, "raw": raw}),
            ),
            _ => Value::Null,
        }
    }
}

fn writer(person: &EventPerson) -> Value {
    json!({"from": person.phone, "contact_id": person.contact_id})
}

/// Members that are only there where there is something to say.
const WHERE_THERE: [&str; 5] = ["raw", "changed_message_id", "changed_provider_message_id", "group_id", "standby"];

fn outbound(m: &OutboundRef) -> Value {
    json!({
        "to": m.to.phone, "contact_id": m.to.contact_id, "message_id": m.message_id,
        "provider_message_id": m.provider_message_id, "log_id": m.log_id, "reference": m.reference,
        "group_id": m.group(),
    })
}

fn with(mut first: Value, more: Value) -> Value {
    if let (Value::Object(all), Value::Object(more)) = (&mut first, more) {
        all.extend(more);
    }
    first
}
