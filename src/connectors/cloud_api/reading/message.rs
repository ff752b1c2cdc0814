//! A message of somebody's. What the fields of an [`InboundMessage`] cannot hold is kept beside them as it came.

use super::{Parsed, WebhookChange, id, list, news_of, people, text, time, word};
use crate::connectors::{
    EventKind,
    inbound_event::{Echo, GroupRef, HeardMedia, InboundMessage, MediaSource, RemoteParty, Told},
    provider_text::whole,
};
use crate::model::{
    clock::Time,
    message::{EDIT, EchoOrigin, REVOKE},
};
use serde_json::Value;

/// Kinds whose fields hold all of them.
const PLAIN: [&str; 7] = ["text", "image", "video", "audio", "document", "sticker", "reaction"];
/// The other kinds of which more than the name is known.
const ALSO_KNOWN: [&str; 8] = ["button", "interactive", "location", "contacts", "order", "system", EDIT, REVOKE];
/// Members that the fields hold whatever the kind is.
const READ: [&str; 9] = ["id", "from", "from_user_id", "to", "to_user_id", "timestamp", "type", "context", "group_id"];
/// Longest text that is made from several parts here, in characters.
const TEXT_MAX: usize = 4096;

/// Reads one of a value's messages, told in this connection.
pub(super) fn read(change: &WebhookChange<'_>, message: &Value, how: Told, told: &mut Vec<Parsed>) {
    let Some((at, mut inbound)) = content(change, message, how) else {
        return told.push(news_of(change, "message_without_id", message, None, Vec::new()));
    };
    let moved = if inbound.kind == "system" { people::moved(message) } else { None };
    let mut from = people::writer(change, message);
    // A note that names nobody else is shown with whom it is about.
    if let (None, None, Some(EventKind::Person { former, .. })) = (&from.phone, &from.bsuid, &moved) {
        from = RemoteParty { name: from.name, ..former.clone() };
    }
    let shared = shared_number(&inbound.kind, message, &from);
    inbound.from = from;
    // First whom the note is about: it stands in their chat then, and there again when it is told again.
    told.extend(moved.map(|person| (at, person)));
    told.push((at, EventKind::Message(inbound)));
    told.extend(shared.map(|person| (at, person)));
}

/// The number that somebody shared when they were asked for it: it is their own, where a card of anybody's is not.
fn shared_number(kind: &str, message: &Value, from: &RemoteParty) -> Option<EventKind> {
    let [card] = list(&message["contacts"]) else { return None };
    let asked = [&message["origin"], &card["origin"]].into_iter().any(|origin| origin == "contact_request");
    let phone = list(&card["phones"]).first().filter(|_| kind == "contacts")?;
    let mut names = RemoteParty { name: None, ..from.clone() };
    let number = id(&phone["wa_id"]).or_else(|| text(&phone["phone"])).filter(|_| asked)?;
    people::add(&mut names, &number.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect::<String>());
    (names.phone.is_some() && names.bsuid.is_some())
        .then(|| EventKind::Person { names, former: RemoteParty::default() })
}

/// Reads a message of the number's own, which was written on its phone or by Meta's agent.
pub(super) fn echo(
    change: &WebhookChange<'_>,
    message: &Value,
    (origin, how): (EchoOrigin, Told),
    told: &mut Vec<Parsed>,
) {
    // Meta's agent's stand one level deeper.
    let mut whole = message.clone();
    if let (Some(members), Some(inner)) = (whole.as_object_mut(), message["message"].as_object()) {
        members.remove("message");
        members.extend(inner.iter().filter(|(name, _)| *name != "id").map(|(k, v)| (k.clone(), v.clone())));
    }
    let Some((at, message)) = content(change, &whole, how) else {
        return told.push(news_of(change, "message_without_id", message, None, Vec::new()));
    };
    let to = people::receiver(change, &whole);
    told.push((at, EventKind::Echo(Echo { to, origin, message })));
}

/// What a message says, without who wrote it; none: it has no id.
fn content(change: &WebhookChange<'_>, message: &Value, told: Told) -> Option<(Time, InboundMessage)> {
    let provider_message_id = id(&message["id"])?;
    let kind = kind_of(message).unwrap_or_else(|| "unknown".to_owned());
    let about = id(&message[kind.as_str()]["original_message_id"]).filter(|_| kind == EDIT || kind == REVOKE);
    // An edit says what the message says now, in the shape of a message.
    let now = if kind == EDIT { &message[EDIT]["message"] } else { message };
    let now_kind = if kind == EDIT { kind_of(now).unwrap_or_default() } else { kind.clone() };
    let reply_to = about.or_else(|| id(&message["context"]["id"])).or_else(|| id(&message["reaction"]["message_id"]));
    let inbound = InboundMessage {
        from: RemoteParty::default(),
        // Its name is not told here: the one that is known stays.
        group: id(&message["group_id"]).map(|id| GroupRef { id, name: String::new() }),
        text: words(&now_kind, now),
        may_opt_out: matches!(now_kind.as_str(), "text" | "button"),
        payload: text(&now["button"]["payload"]).filter(|_| now_kind == "button"),
        media: media(&kind, &message[kind.as_str()]),
        raw: keeps_raw(&kind, message).then(|| message.to_string()),
        provider_message_id,
        reply_to,
        kind,
        told,
    };
    Some((time(&message["timestamp"]).unwrap_or(change.at), inbound))
}

/// What a message is: what it says, else what it has.
fn kind_of(message: &Value) -> Option<String> {
    let has = |kind: &&&str| !message[**kind].is_null();
    word(&message["type"]).or_else(|| PLAIN.iter().chain(&ALSO_KNOWN).find(has).map(|kind| (*kind).to_owned()))
}

/// Text, caption, title of a choice, or what comes nearest to it.
fn words(kind: &str, message: &Value) -> Option<String> {
    let content = &message[kind];
    match kind {
        "text" => text(&content["body"]),
        "image" | "video" | "document" => text(&content["caption"]),
        "button" | "order" => text(&content["text"]),
        "reaction" => text(&content["emoji"]),
        "system" => text(&content["body"]),
        "interactive" => ["button_reply", "list_reply"]
            .iter()
            .find_map(|reply| text(&content[*reply]["title"]))
            .or_else(|| text(&content["nfm_reply"]["body"])),
        "location" => place(content),
        "contacts" => {
            let cards = list(content).iter();
            let names = cards.filter_map(|card| text(&card["name"]["formatted_name"]).or_else(|| first_phone(card)));
            joined(names)
        }
        _ => None,
    }
}

/// The name and address of a place, else where it lies.
fn place(location: &Value) -> Option<String> {
    let named = joined([&location["name"], &location["address"]].into_iter().filter_map(text));
    named.or_else(|| {
        let degrees = |name: &str| location[name].as_f64().or_else(|| location[name].as_str()?.trim().parse().ok());
        let (latitude, longitude) = (degrees("latitude")?, degrees("longitude")?);
        Some(format!("{latitude}, {longitude}"))
    })
}

fn first_phone(card: &Value) -> Option<String> {
    text(&list(&card["phones"]).first()?["phone"])
}

fn joined(parts: impl Iterator<Item = String>) -> Option<String> {
    let all = parts.collect::<Vec<_>>().join(", ");
    (!all.is_empty()).then(|| all.chars().take(TEXT_MAX).collect())
}

/// A file that Meta keeps for some days.
fn media(kind: &str, content: &Value) -> Option<HeardMedia> {
    if !["image", "video", "audio", "document", "sticker"].contains(&kind) {
        return None;
    }
    let handle = super::super::media::Handle { id: id(&content["id"])?, sha256: text(&content["sha256"]) };
    Some(HeardMedia {
        kind: kind.to_owned(),
        mime_type: text(&content["mime_type"]).unwrap_or_else(|| "application/octet-stream".to_owned()),
        file_name: text(&content["filename"]),
        size: whole(&content["file_size"]).and_then(|size| size.try_into().ok()),
        source: MediaSource::Later(handle.to_string()),
    })
}

/// Whether the message says more than the fields can hold.
fn keeps_raw(kind: &str, message: &Value) -> bool {
    let Some(members) = message.as_object() else { return true };
    let has_more = members.keys().any(|name| name != kind && !READ.contains(&name.as_str()));
    let context = message["context"].as_object();
    let quotes_more =
        context.is_some_and(|c| c.keys().any(|name| !["from", "id", "from_user_id"].contains(&name.as_str())));
    !PLAIN.contains(&kind) || has_more || quotes_more
}
