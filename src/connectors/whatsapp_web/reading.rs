//! A message as WhatsApp brings it, in the gateway's own words.
//!
//! A person is named by a number, a hidden id or both, and either may stand first; in a group the writer is the sender.
//! A content that is not known keeps WhatsApp's own word for it, and what fields cannot hold is kept as it came: never
//! dropped. What was written on our own phone is told as such.
//!
//! Pure: values in, values out.

use super::{ids, media};
use crate::{
    connectors::{
        EventKind,
        inbound_event::{Echo, GroupRef, InboundMessage, RemoteParty, Told},
    },
    model::message::{EDIT, EchoOrigin, REVOKE},
};
use serde_json::Value;
use whatsapp_rust::{
    Jid,
    prelude::{InboundMessage as Brought, MessageExt as _, wa},
    wacore_binary::JidExt as _,
    waproto::whatsapp::message::protocol_message::Type as ProtocolType,
};

/// What somebody wrote, or what was written on our own phone; none for what is no conversation (status, channels), and for
/// what phones tell each other (keys, settings). `known` is what is known of the other side besides.
pub(super) fn told(
    brought: &Brought,
    known: RemoteParty,
    group_name: impl Fn(&str) -> Option<String>,
) -> Option<EventKind> {
    let source = &brought.info.source;
    if !ids::is_conversation(&source.chat) {
        return None;
    }
    let written =
        BroughtMessage { id: &brought.info.id, chat: &source.chat, content: &brought.message, told: Told::Live };
    if !source.is_from_me {
        return message(&written, sender(brought, known), group_name).map(EventKind::Message);
    }
    let to = if source.chat.is_group() { RemoteParty::default() } else { recipient(brought, known) };
    ours(&written, to, group_name)
}

/// A message, live or of long ago.
pub(super) struct BroughtMessage<'a> {
    pub(super) id: &'a str,
    pub(super) chat: &'a Jid,
    pub(super) content: &'a wa::Message,
    pub(super) told: Told,
}

/// What was written on our own phone.
pub(super) fn ours(
    written: &BroughtMessage<'_>,
    to: RemoteParty,
    group_name: impl Fn(&str) -> Option<String>,
) -> Option<EventKind> {
    let message = message(written, RemoteParty::default(), group_name)?;
    Some(EventKind::Echo(Echo { to, origin: EchoOrigin::Phone, message }))
}

/// What somebody wrote. The files of what is told long after stay on the phone.
pub(super) fn message(
    written: &BroughtMessage<'_>,
    from: RemoteParty,
    group_name: impl Fn(&str) -> Option<String>,
) -> Option<InboundMessage> {
    let content = written.content.get_base_message();
    let changed = change(content);
    let (kind, words) = match &changed {
        Some((_, words)) => (if words.is_some() { EDIT } else { REVOKE }.to_owned(), words.clone()),
        None => described(content)?,
    };
    let group = written.chat.is_group().then(|| {
        let id = written.chat.to_string();
        GroupRef { name: group_name(&id).unwrap_or_else(|| id.clone()), id }
    });
    Some(InboundMessage {
        provider_message_id: written.id.to_owned(),
        from,
        group,
        may_opt_out: matches!(kind.as_str(), "text" | "button" | EDIT),
        payload: content.template_button_reply_message.as_option().and_then(|button| button.selected_id.clone()),
        reply_to: changed.map(|(about, _)| about).or_else(|| reply_to(content)),
        media: if written.told == Told::History { None } else { media::heard(&kind, content) },
        raw: raw(&kind, content),
        told: written.told,
        text: words,
        kind,
    })
}

/// Who wrote it: what the message says, then what is known besides.
fn sender(brought: &Brought, known: RemoteParty) -> RemoteParty {
    let source = &brought.info.source;
    let name = Some(brought.info.push_name.clone()).filter(|n| !n.is_empty() && n != "-");
    let mut sender = RemoteParty { name, ..RemoteParty::default() };
    for jid in [Some(&source.sender), source.sender_alt.as_ref()].into_iter().flatten() {
        ids::name(&mut sender, jid);
    }
    RemoteParty { phone: sender.phone.or(known.phone), lid: sender.lid.or(known.lid), ..sender }
}

/// To whom we wrote it.
fn recipient(brought: &Brought, known: RemoteParty) -> RemoteParty {
    let source = &brought.info.source;
    let mut other = RemoteParty::default();
    for jid in [Some(&source.chat), source.recipient_alt.as_ref()].into_iter().flatten() {
        ids::name(&mut other, jid);
    }
    RemoteParty { phone: other.phone.or(known.phone), lid: other.lid.or(known.lid), ..other }
}

/// The message that this one edits or takes back, and its new words; an edit to nothing has empty ones.
fn change(content: &wa::Message) -> Option<(String, Option<String>)> {
    let told = content.protocol_message.as_option()?;
    let about = told.key.as_option()?.id.clone()?;
    match told.r#type? {
        ProtocolType::REVOKE => Some((about, None)),
        ProtocolType::MESSAGE_EDIT => {
            let words = described(told.edited_message.as_option()?.get_base_message())?.1;
            Some((about, Some(words.unwrap_or_default())))
        }
        _ => None,
    }
}

/// The kind and the words of a content; none for what is no message to a person.
fn described(content: &wa::Message) -> Option<(String, Option<String>)> {
    let with = |kind: &str, words: Option<&String>| Some((kind.to_owned(), words.filter(|w| !w.is_empty()).cloned()));
    if let Some(text) = &content.conversation {
        return with("text", Some(text));
    }
    macro_rules! kinds {
        ($($field:ident => $kind:literal, $words:expr;)+) => {
            $(if let Some(it) = content.$field.as_option() {
                let words: fn(&_) -> Option<&String> = $words;
                return with($kind, words(it));
            })+
        };
    }
    kinds! {
        extended_text_message => "text", |m: &wa::message::ExtendedTextMessage| m.text.as_ref();
        image_message => "image", |m: &wa::message::ImageMessage| m.caption.as_ref();
        video_message => "video", |m: &wa::message::VideoMessage| m.caption.as_ref();
        ptv_message => "video", |m: &wa::message::VideoMessage| m.caption.as_ref();
        audio_message => "audio", |_: &wa::message::AudioMessage| None;
        document_message => "document", |m: &wa::message::DocumentMessage| m.caption.as_ref();
        sticker_message => "sticker", |_: &wa::message::StickerMessage| None;
        live_location_message => "location", |m: &wa::message::LiveLocationMessage| m.caption.as_ref();
        contact_message => "contacts", |m: &wa::message::ContactMessage| m.display_name.as_ref();
        contacts_array_message => "contacts", |m: &wa::message::ContactsArrayMessage| m.display_name.as_ref();
        reaction_message => "reaction", |m: &wa::message::ReactionMessage| m.text.as_ref();
        template_button_reply_message => "button",
            |m: &wa::message::TemplateButtonReplyMessage| m.selected_display_text.as_ref();
        list_response_message => "interactive", |m: &wa::message::ListResponseMessage| m.title.as_ref();
        poll_creation_message => "poll", |m: &wa::message::PollCreationMessage| m.name.as_ref();
        poll_creation_message_v2 => "poll", |m: &wa::message::PollCreationMessage| m.name.as_ref();
        poll_creation_message_v3 => "poll", |m: &wa::message::PollCreationMessage| m.name.as_ref();
        order_message => "order", |m: &wa::message::OrderMessage| m.message.as_ref();
    }
    if let Some(place) = content.location_message.as_option() {
        return Some(("location".to_owned(), lies_at(place)));
    }
    if content.buttons_response_message.is_set() || content.interactive_response_message.is_set() {
        let words = find(&serde_json::to_value(content).unwrap_or_default(), &["selected_display_text", "text"]);
        return Some(("interactive".to_owned(), words));
    }
    own_word(content).map(|word| (word, None))
}

/// A place's name, or where it lies.
fn lies_at(place: &wa::message::LocationMessage) -> Option<String> {
    let named = place.name.as_ref().or(place.address.as_ref()).filter(|n| !n.is_empty());
    named.cloned().or_else(|| Some(format!("{}, {}", place.degrees_latitude?, place.degrees_longitude?)))
}

/// WhatsApp's own word for a content that is not known here; none for what phones tell each other.
fn own_word(content: &wa::Message) -> Option<String> {
    const BESIDE: [&str; 5] = [
        "message_context_info",
        "sender_key_distribution_message",
        "fast_ratchet_key_sender_key_distribution_message",
        "protocol_message",
        "device_sent_message",
    ];
    let value = without_bytes(serde_json::to_value(content).ok()?)?;
    let name = value.as_object()?.keys().find(|name| !BESIDE.contains(&name.as_str()))?;
    // Spelt as in WhatsApp's own definition: pollUpdateMessage.
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    Some(parts.fold(first, |word, part| {
        let mut chars = part.chars();
        let head = chars.next().map(|c| c.to_ascii_uppercase());
        word + &head.into_iter().chain(chars).collect::<String>()
    }))
}

/// The message that this one answers or reacts to.
fn reply_to(content: &wa::Message) -> Option<String> {
    if let Some(reaction) = content.reaction_message.as_option() {
        return reaction.key.as_option()?.id.clone();
    }
    macro_rules! contexts {
        ($($field:ident),+) => {
            [$(content.$field.as_option().and_then(|m| m.context_info.as_option())),+]
        };
    }
    let contexts = contexts![
        extended_text_message,
        image_message,
        video_message,
        ptv_message,
        audio_message,
        document_message,
        sticker_message,
        location_message,
        live_location_message,
        contact_message,
        contacts_array_message,
        template_button_reply_message,
        list_response_message,
        buttons_response_message,
        interactive_response_message
    ];
    contexts.into_iter().flatten().find_map(|context| context.stanza_id.clone())
}

/// The message as it came, where it may say more than the fields hold; without keys, files and small pictures.
fn raw(kind: &str, content: &wa::Message) -> Option<String> {
    const PLAIN: [&str; 7] = ["text", "image", "video", "audio", "document", "sticker", "reaction"];
    if PLAIN.contains(&kind) {
        return None;
    }
    without_bytes(serde_json::to_value(content).ok()?).map(|value| value.to_string())
}

/// The value without what is empty, and without bytes, which stand as lists of numbers.
fn without_bytes(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(items) if items.iter().all(Value::is_number) => None,
        Value::Array(items) => Some(Value::Array(items.into_iter().filter_map(without_bytes).collect())),
        Value::Object(members) => {
            let kept = members.into_iter().filter_map(|(name, v)| Some((name, without_bytes(v)?)));
            let kept: serde_json::Map<_, _> = kept.collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        other => Some(other),
    }
}

/// The first text under one of these names, wherever it stands.
fn find(value: &Value, names: &[&str]) -> Option<String> {
    match value {
        Value::Object(members) => {
            let here = members.iter().find(|(name, v)| names.contains(&name.as_str()) && v.is_string());
            let here = here.and_then(|(_, v)| v.as_str()).filter(|t| !t.is_empty()).map(str::to_owned);
            here.or_else(|| members.values().find_map(|v| find(v, names)))
        }
        Value::Array(items) => items.iter().find_map(|v| find(v, names)),
        _ => None,
    }
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
