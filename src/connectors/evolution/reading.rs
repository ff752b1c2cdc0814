//! A message as the server tells it, in the gateway's own words.
//!
//! Only `messageTimestamp` is a time: the envelope's `date_time` is local time that claims to be UTC. A person is named
//! by a number, a hidden id or both, and either may stand first; in a group the writer is the participant. A content that
//! is not known keeps the server's own word for it, and what fields cannot hold is kept as it came: never dropped.
//!
//! Pure: values in, values out.

use crate::{
    connectors::inbound_event::{Echo, GroupRef, HeardMedia, InboundMessage, MediaSource, RemoteParty, Told},
    model::{
        clock::Time,
        message::{EDIT, EchoOrigin, REVOKE},
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// A message of somebody else's, or one of our own.
pub(super) struct ParsedMessage {
    pub(super) id: String,
    pub(super) from_me: bool,
    /// The chat: a person's, a group's, or what is neither.
    pub(super) chat: String,
    pub(super) at: Option<Time>,
    pub(super) kind: String,
    pub(super) text: Option<String>,
    pub(super) status: Option<String>,
    payload: Option<String>,
    sender: RemoteParty,
    reply_to: Option<String>,
    media: Option<HeardMedia>,
    raw: Option<String>,
}

/// Reads the `data` of a message event, or a row of the server's own log; none when it has no id or no chat.
pub(super) fn read(data: &Value) -> Option<ParsedMessage> {
    let key = &data["key"];
    let (id, chat) = (text(&key["id"])?, text(&key["remoteJid"])?);
    let content = unwrapped(&data["message"]);
    let changed = change_in(content);
    let (kind, words) = match &changed {
        Some((_, text)) => (if text.is_some() { EDIT } else { REVOKE }.to_owned(), text.clone()),
        None => pressed(data).unwrap_or_else(|| described(content)),
    };
    let group = chat.ends_with("@g.us");
    let sides = match group {
        true => ["participant", "participantAlt", "participantPn", "participantLid"].map(|name| &key[name]),
        // Servers that put the number in the hidden id's place keep that one beside it.
        false => ["remoteJidAlt", "senderPn", "senderLid", "previousRemoteJid"].map(|name| &key[name]),
    };
    let mut sender = RemoteParty { name: text(&data["pushName"]), ..RemoteParty::default() };
    let first = if group { &data["participant"] } else { &key["remoteJid"] };
    let broadcaster = [&key["participant"], &data["participant"]].into_iter().filter(|_| is_broadcast(&chat));
    std::iter::once(first).chain(sides).chain(broadcaster).filter_map(text).for_each(|jid| name(&mut sender, &jid));
    if sender.phone.is_none() && sender.lid.is_none() {
        let given = if group { text(&key["participant"]) } else { Some(chat.clone()) };
        sender.other = given.filter(|jid| jid.len() <= OTHER_MAX);
    }
    Some(ParsedMessage {
        media: media(&id, &kind, content, data),
        reply_to: changed.map(|(about, _)| about).or_else(|| reply_to(content, data)),
        from_me: key["fromMe"] == true,
        at: time(&data["messageTimestamp"]),
        status: text(&data["status"]),
        payload: text(&content["templateButtonReplyMessage"]["selectedId"]),
        raw: raw(&kind, data),
        text: words,
        id,
        chat,
        kind,
        sender,
    })
}

impl ParsedMessage {
    /// As an inbound message; none for what is no conversation: status updates, broadcasts, channels.
    pub(super) fn inbound(self, group_name: impl Fn(&str) -> Option<String>) -> Option<InboundMessage> {
        let group = self.chat.ends_with("@g.us");
        let person = self.chat.split_once('@').is_some_and(|(_, server)| server_kind(server).is_some())
            || is_broadcast(&self.chat) && (self.sender.phone.is_some() || self.sender.lid.is_some());
        if self.from_me || !(group || person) {
            return None;
        }
        let group = group
            .then(|| GroupRef { name: group_name(&self.chat).unwrap_or_else(|| self.chat.clone()), id: self.chat });
        Some(InboundMessage {
            provider_message_id: self.id,
            from: self.sender,
            group,
            may_opt_out: matches!(self.kind.as_str(), "text" | "button" | EDIT),
            payload: self.payload,
            kind: self.kind,
            text: self.text,
            reply_to: self.reply_to,
            media: self.media,
            raw: self.raw,
            told: Told::Live,
        })
    }
}

impl ParsedMessage {
    /// As a message of the number's own; none for what is no conversation.
    pub(super) fn echo(self, group_name: impl Fn(&str) -> Option<String>) -> Option<Echo> {
        let is_group = self.chat.ends_with("@g.us");
        let to = if is_group { RemoteParty::default() } else { RemoteParty { name: None, ..self.sender.clone() } };
        let message = Self { from_me: false, sender: RemoteParty::default(), ..self }.inbound(group_name)?;
        Some(Echo { to, origin: EchoOrigin::Phone, message })
    }
}

/// The message that a protocol message edits or takes back, and its new text; none for other protocol messages.
pub(super) fn change_in(content: &Value) -> Option<(String, Option<String>)> {
    let edited = &content["editedMessage"]["message"]["protocolMessage"];
    let told = if edited.is_object() { edited } else { &content["protocolMessage"] };
    let about = text(&told["key"]["id"])?;
    if told["editedMessage"].is_object() {
        let edited = &told["editedMessage"];
        let edited = if edited["message"].is_object() { &edited["message"] } else { edited };
        let (_, words) = described(unwrapped(edited));
        return words.map(|words| (about, Some(words)));
    }
    // REVOKE is 0, which some versions leave out.
    let is_revoke = told["type"] == "REVOKE" || told["type"] == 0 || told["type"].is_null();
    is_revoke.then_some((about, None))
}

/// Adds what an id tells to a person: a number or a hidden id.
pub(super) fn name(sender: &mut RemoteParty, jid: &str) {
    let Some((user, server)) = jid.split_once('@') else { return };
    let user = user.split([':', '_']).next().unwrap_or_default();
    match server_kind(server) {
        Some(PersonServer::Numbers) if is_number(user) => {
            sender.phone.get_or_insert_with(|| format!("+{user}"));
        }
        Some(PersonServer::HiddenIds) => drop(sender.lid.get_or_insert_with(|| format!("{user}@lid"))),
        _ => {}
    }
}

/// What stands before the `@` of a person's id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PersonServer {
    Numbers,
    HiddenIds,
}

/// By what people of this server are known; none: it is none of people. Hosted accounts, whose messages Meta keeps for a
/// business, have servers of their own.
pub(super) fn server_kind(server: &str) -> Option<PersonServer> {
    match server {
        "s.whatsapp.net" | "c.us" | "hosted" => Some(PersonServer::Numbers),
        "lid" | "hosted.lid" => Some(PersonServer::HiddenIds),
        _ => None,
    }
}

/// Whether the digits can be a number's: the shortest in the world are Niue's, +683 and four.
fn is_number(user: &str) -> bool {
    (7..=15).contains(&user.len()) && !user.starts_with('0') && user.bytes().all(|b| b.is_ascii_digit())
}

/// Longest id of somebody that is kept as a name, in bytes.
const OTHER_MAX: usize = 128;

/// Whether it is somebody's list of people to write to at once: each of them has it in the chat with the writer.
fn is_broadcast(chat: &str) -> bool {
    chat.ends_with("@broadcast") && chat != "status@broadcast"
}

/// The number of an id such as `966501234567:12@s.whatsapp.net`.
pub(super) fn phone(jid: &str) -> Option<String> {
    let mut sender = RemoteParty::default();
    name(&mut sender, jid);
    sender.phone
}

/// Seconds: a number, a text of digits, or the halves of a 64-bit number.
pub(super) fn time(value: &Value) -> Option<Time> {
    let seconds = match value {
        Value::Number(n) => n.as_i64()?,
        Value::String(text) => text.parse().ok()?,
        Value::Object(o) => o.get("low")?.as_i64()?,
        _ => return None,
    };
    (seconds > 0).then(|| Time::from_millis(seconds.saturating_mul(1000)))
}

pub(super) fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|t| !t.is_empty()).map(str::to_owned)
}

/// The content below what only says how it is shown.
fn unwrapped(message: &Value) -> &Value {
    const WRAPPERS: [&str; 7] = [
        "ephemeralMessage",
        "viewOnceMessage",
        "viewOnceMessageV2",
        "viewOnceMessageV2Extension",
        "documentWithCaptionMessage",
        "groupMentionedMessage",
        "associatedChildMessage",
    ];
    let mut content = message;
    for _ in 0..8 {
        match WRAPPERS.iter().map(|w| &content[w]["message"]).find(|inner| inner.is_object()) {
            Some(inner) => content = inner,
            None => break,
        }
    }
    content
}

/// Over the Cloud API the title of a button or a row comes as if it were typed; only the word beside it tells.
fn pressed(data: &Value) -> Option<(String, Option<String>)> {
    let word = data["messageType"].as_str()?;
    let kind = match word {
        "buttonMessage" => "button",
        "interactiveMessage" => "interactive",
        _ => return None,
    };
    let is_it = data["message"][word].is_null();
    is_it.then(|| (kind.to_owned(), text(&data["message"]["conversation"])))
}

/// The kind and the words of a content.
fn described(content: &Value) -> (String, Option<String>) {
    const KINDS: &[(&str, &str, &[&str])] = &[
        ("extendedTextMessage", "text", &["text"]),
        ("imageMessage", "image", &["caption"]),
        ("videoMessage", "video", &["caption"]),
        ("ptvMessage", "video", &["caption"]),
        ("audioMessage", "audio", &[]),
        ("documentMessage", "document", &["caption"]),
        ("stickerMessage", "sticker", &[]),
        ("locationMessage", "location", &["name", "address"]),
        ("liveLocationMessage", "location", &["caption"]),
        ("contactMessage", "contacts", &["displayName"]),
        ("contactsArrayMessage", "contacts", &["displayName"]),
        ("reactionMessage", "reaction", &["text"]),
        ("templateButtonReplyMessage", "button", &["selectedDisplayText"]),
        ("buttonsResponseMessage", "interactive", &["selectedDisplayText"]),
        ("listResponseMessage", "interactive", &["title"]),
        ("interactiveResponseMessage", "interactive", &[]),
        ("pollCreationMessage", "poll", &["name"]),
        ("pollCreationMessageV2", "poll", &["name"]),
        ("pollCreationMessageV3", "poll", &["name"]),
        ("orderMessage", "order", &["message"]),
    ];
    if let Some(words) = content["conversation"].as_str() {
        return ("text".to_owned(), Some(words.to_owned()));
    }
    let found = KINDS.iter().find(|(name, ..)| content[name].is_object());
    let Some((name, kind, fields)) = found else { return (own_word(content), None) };
    let words = fields.iter().find_map(|f| text(&content[name][f]));
    let words = words.or_else(|| text(&content[name]["body"]["text"]));
    ((*kind).to_owned(), words.or_else(|| lies_at(&content[name])))
}

/// Where a place without a name lies.
fn lies_at(place: &Value) -> Option<String> {
    let (latitude, longitude) = (place["degreesLatitude"].as_f64()?, place["degreesLongitude"].as_f64()?);
    Some(format!("{latitude}, {longitude}"))
}

/// What the server calls a content that is not known here; `unsupported` where it has none.
fn own_word(content: &Value) -> String {
    const BESIDE: [&str; 5] =
        ["messageContextInfo", "senderKeyDistributionMessage", "contextInfo", "base64", "mediaUrl"];
    const LONGEST: usize = 64;
    let is_word = |name: &str| name.len() <= LONGEST && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let mut names = content.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    let found = names.find(|name| !BESIDE.contains(name) && !name.is_empty() && is_word(name));
    found.unwrap_or("unsupported").to_owned()
}

/// The message as it came, where it may say more than the fields hold; without its file and small pictures.
fn raw(kind: &str, data: &Value) -> Option<String> {
    const PLAIN: [&str; 7] = ["text", "image", "video", "audio", "document", "sticker", "reaction"];
    (!PLAIN.contains(&kind)).then(|| as_came(data))
}

/// What came, without its file and small pictures, and without what the number's own devices tell each other: the keys of its
/// account among them, which the server passes on like edits.
pub(super) fn as_came(data: &Value) -> String {
    const BYTES: [&str; 5] = [
        "base64",
        "jpegThumbnail",
        "appStateSyncKeyShare",
        "historySyncNotification",
        "peerDataOperationRequestResponseMessage",
    ];
    fn without_bytes(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.retain(|name, _| !BYTES.contains(&name.as_str()));
                members.values_mut().for_each(without_bytes);
            }
            Value::Array(items) => items.iter_mut().for_each(without_bytes),
            _ => {}
        }
    }
    let mut told = data.clone();
    without_bytes(&mut told);
    told.to_string()
}

/// The message that this one answers. The server tells it beside the content or in it.
fn reply_to(content: &Value, data: &Value) -> Option<String> {
    let inner = content.as_object().into_iter().flatten().find_map(|(_, v)| text(&v["contextInfo"]["stanzaId"]));
    let reacted = text(&content["reactionMessage"]["key"]["id"]);
    inner.or_else(|| text(&data["contextInfo"]["stanzaId"])).or(reacted)
}

/// The file: its bytes if the server put them in, else how to ask for them.
fn media(id: &str, kind: &str, content: &Value, data: &Value) -> Option<HeardMedia> {
    const FILES: [&str; 6] =
        ["imageMessage", "videoMessage", "ptvMessage", "audioMessage", "documentMessage", "stickerMessage"];
    let (name, file) = FILES.iter().map(|name| (name, &content[name])).find(|(_, file)| file.is_object())?;
    let bytes = [&data["message"]["base64"], &content["base64"], &data["base64"]].into_iter().find_map(decoded);
    Some(HeardMedia {
        kind: kind.to_owned(),
        // As WhatsApp Web spells it, or as Meta does.
        mime_type: text(&file["mimetype"])
            .or_else(|| text(&file["mime_type"]))
            .unwrap_or_else(|| "application/octet-stream".to_owned()),
        file_name: ["fileName", "title", "filename"].iter().find_map(|name| text(&file[*name])),
        size: length(&file["fileLength"]),
        source: bytes.map_or_else(|| MediaSource::Later(handle(id, name, file)), MediaSource::Bytes),
    })
}

/// How a file is asked for later: by its message's id, which the server looks up. Over the Cloud API it looks nothing up, and
/// wants to be told what Meta told it: then the handle is that, as JSON.
fn handle(id: &str, name: &str, file: &Value) -> String {
    match file["id"].as_str() {
        Some(_) => json!({"key": {"id": id}, "messageType": name, "message": {name: file}}).to_string(),
        None => id.to_owned(),
    }
}

/// The message of a [`handle`], as the server wants it.
pub(super) fn message_with_file(handle: &str) -> Value {
    let told = serde_json::from_str::<Value>(handle).ok().filter(Value::is_object);
    told.unwrap_or_else(|| json!({"key": {"id": handle}}))
}

/// Bytes in base64, with or without a `data:` head.
pub(super) fn decoded(value: &Value) -> Option<Vec<u8>> {
    let text = value.as_str().filter(|t| !t.is_empty())?;
    let text = text.split_once("base64,").map_or(text, |(_, rest)| rest);
    STANDARD.decode(text).ok()
}

fn length(value: &Value) -> Option<u64> {
    match value {
        Value::Number(n) => n.as_u64(),
        Value::String(text) => text.parse().ok(),
        Value::Object(o) => o.get("low")?.as_u64(),
        _ => None,
    }
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
