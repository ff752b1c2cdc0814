//! Chats and lines as pages show them: the same values for the first view, which a template writes, and for what comes
//! later, which the script writes. All words are in the reader's language; the script knows none.

use crate::{
    connectors::message_limits::{DELETABLE_FOR, EDITABLE_FOR, has_editable_words},
    model::{clock::Time, ids::InstanceId, message::Status, percent::encode},
    people::{
        chats::{Chat, ChatFile, ChatId, ChatMessage},
        conversations::NOBODY,
    },
    texts::locale::Locale,
};
use serde::Serialize;

/// What a reference begins with that the page itself gave.
pub const OWN_REFERENCE: &str = "chat-";

/// A chat of the list.
#[derive(Serialize)]
pub struct ShownChat {
    pub id: String,
    /// The name, or the number.
    pub title: String,
    /// The number or hidden id; empty for a group.
    pub address: String,
    /// Stands where a picture would.
    pub initials: String,
    /// The newest line.
    pub last: String,
    /// Its state, of one that we wrote.
    pub last_status: Option<&'static str>,
    /// When, for people.
    pub time: String,
    /// When, for programs.
    pub machine: String,
    /// When, in milliseconds.
    pub at: i64,
    /// Not read yet.
    pub unread: i64,
    /// Of a group or channel.
    pub is_group: bool,
}

/// A line of a chat.
#[derive(Serialize)]
pub struct ShownLine {
    /// `msg_…` or `inb_…`.
    pub id: String,
    /// Its place among the lines: time, side, row.
    pub key: [i64; 3],
    /// Whether we wrote it.
    pub mine: bool,
    pub text: String,
    /// Name and language of the template that it was.
    pub template: Option<String>,
    /// That it was edited or taken back, in words; empty: it was not.
    pub note: String,
    /// What it said before that, earliest first.
    pub former: Vec<String>,
    /// A word for what has no text.
    pub kind: String,
    /// sent, delivered, …
    pub status: Option<&'static str>,
    /// The same for people.
    pub status_word: String,
    /// Why it was refused or failed.
    pub reason: Option<String>,
    /// What to do then.
    pub advice: Option<String>,
    /// Whether a message can answer it: its provider knows it.
    pub is_answerable: bool,
    /// Whether it is ours and can still be edited.
    pub may_edit: bool,
    /// Whether it is ours and can still be taken back.
    pub may_delete: bool,
    /// What the page called it before it had an id.
    pub nonce: Option<String>,
    /// Who wrote it, in a group; or by what it was sent, where not by a person here.
    pub writer: Option<String>,
    /// What it answers.
    pub quoted: Option<String>,
    pub file: Option<ShownFile>,
    /// Signs and who gave them.
    pub reactions: Vec<(String, String)>,
    /// Our own among them.
    pub own_sign: Option<String>,
    /// Hours and minutes.
    pub time: String,
    pub full: String,
    /// When, for programs.
    pub machine: String,
    /// The day.
    pub day: String,
    /// Whether the day stands above it: the line before it, on the page, is of another one. What comes later is asked
    /// by the script.
    #[serde(skip)]
    pub begins_day: bool,
    /// Its timeline's page, of one that we wrote.
    pub story: Option<String>,
}

/// A line's file.
#[derive(Serialize)]
pub struct ShownFile {
    /// image, video, audio, document or sticker.
    pub kind: String,
    /// stored, pending, failed or removed.
    pub state: String,
    /// The state in words, where it is not here.
    pub state_word: String,
    /// Its name, or a word for its kind.
    pub name: String,
    pub size: String,
    /// Where it is, if it is here.
    pub url: Option<String>,
    /// Whether a browser shows it as a picture.
    pub is_picture: bool,
}

/// A chat for the list.
pub fn chat(v: &Locale, chat: &Chat) -> ShownChat {
    let is_group = matches!(chat.id, ChatId::Group(_));
    let address = if chat.address == NOBODY { v.t("chat.nobody").to_owned() } else { chat.address.clone() };
    let title = chat.name.clone().unwrap_or_else(|| address.clone());
    let (last, last_status) = chat.last.as_ref().map_or_else(Default::default, |last| {
        let text = if last.text.trim().is_empty() { v.kind(&last.kind) } else { last.text.clone() };
        (text.chars().take(140).collect(), last.status.map(Status::as_str))
    });
    ShownChat {
        id: chat.id.to_string(),
        initials: initials(&title),
        title,
        address: if is_group { String::new() } else { address },
        last,
        last_status,
        time: when(v, chat.at),
        machine: v.machine(&chat.at),
        at: chat.at.millis(),
        unread: chat.unread,
        is_group,
    }
}

/// A line of a chat.
pub fn line(v: &Locale, instance: &InstanceId, line: ChatMessage) -> ShownLine {
    let refused = line.status == Some(Status::Blocked);
    let (reason, advice) = match (&line.reason, line.status) {
        (Some(code), Some(Status::Blocked)) => (Some(v.word("code", code)), Some(v.word("advice", code))),
        (Some(reason), Some(Status::Failed | Status::Unknown)) => (Some(v.reason(reason)), None),
        _ => (None, None),
    };
    let advice = advice.filter(|text| refused && Some(text) != line.reason.as_ref());
    let source = line.source.as_deref().filter(|source| *source != "portal").map(|source| v.word("source", source));
    let nonce = line.reference.as_deref().and_then(|r| r.strip_prefix(OWN_REFERENCE)).map(str::to_owned);
    let at = line.key.at;
    let has_left = matches!(line.status, None | Some(Status::Sent | Status::Delivered | Status::Read));
    let is_changeable = line.is_ours && line.is_known() && has_left && !line.is_deleted;
    let age = v.now.since(at);
    ShownLine {
        may_edit: is_changeable && has_editable_words(&line.kind) && age <= EDITABLE_FOR,
        may_delete: is_changeable && age <= DELETABLE_FOR,
        story: line.status.map(|_| format!("/message-logs/{}", line.key.row)),
        key: [at.millis(), i64::from(line.key.side), line.key.row],
        mine: line.is_ours,
        former: line.former.clone(),
        template: line.template.clone(),
        note: note(v, &line),
        kind: v.kind(&line.kind),
        status: line.status.map(Status::as_str),
        status_word: line.status.map(|status| v.word("status", status)).unwrap_or_default(),
        reason,
        advice,
        is_answerable: line.is_known(),
        nonce,
        writer: line.writer.or(source),
        quoted: line.quoted.map(|text| text.chars().take(140).collect()),
        file: line.file.map(|shown| file(v, instance, &line.id, shown)),
        own_sign: line.reactions.iter().find(|r| r.by.is_none()).map(|r| r.sign.clone()),
        reactions: line
            .reactions
            .into_iter()
            .map(|r| (r.sign, r.by.map_or_else(|| v.t("chat.by_us").to_owned(), |who| who.name.unwrap_or(who.address))))
            .collect(),
        time: short(v, at),
        full: v.full(&at),
        machine: v.machine(&at),
        day: v.date(&at),
        begins_day: false,
        text: line.text,
        id: line.id,
    }
}

/// Whether a line was edited or taken back, in words.
fn note(v: &Locale, line: &ChatMessage) -> String {
    match (line.is_deleted, line.former.is_empty()) {
        (true, _) => v.t("chat.deleted").to_owned(),
        (false, false) => v.t("chat.edited").to_owned(),
        (false, true) => String::new(),
    }
}

fn file(v: &Locale, instance: &InstanceId, id: &str, file: ChatFile) -> ShownFile {
    let is_here = file.state == "stored" || file.state == "pending";
    // What a browser runs nothing of; the rest is offered to be kept.
    const PICTURES: [&str; 4] = ["image/jpeg", "image/png", "image/webp", "image/gif"];
    let is_picture = file.media_type.as_deref().is_some_and(|kind| PICTURES.contains(&kind));
    ShownFile {
        is_picture: is_picture && file.state == "stored",
        name: file.name.unwrap_or_else(|| v.kind(&file.kind)),
        size: file.size.map(|size| v.size(size)).unwrap_or_default(),
        state_word: if is_here && file.state == "stored" { String::new() } else { v.word("chat_file", &file.state) },
        url: is_here.then(|| format!("/chat/{}/file/{}", encode(instance.as_str()), encode(id))),
        kind: file.kind,
        state: file.state,
    }
}

/// Hours and minutes.
fn short(v: &Locale, at: Time) -> String {
    v.clock(&at).chars().take(5).collect()
}

/// The time of today, the date of another day.
fn when(v: &Locale, at: Time) -> String {
    if v.date(&at) == v.date(&v.now) { short(v, at) } else { v.date(&at) }
}

/// The first letters of the first and the last word; a person's sign for a number.
fn initials(title: &str) -> String {
    let letters = |word: &str| word.chars().find(|c| c.is_alphabetic());
    let mut words = title.split_whitespace().filter_map(letters);
    match (words.next(), words.next_back()) {
        (Some(first), Some(last)) => [first, last].iter().flat_map(|c| c.to_uppercase()).collect(),
        (Some(first), None) => first.to_uppercase().collect(),
        (None, _) => "#".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn initials_are_letters_of_any_script() {
        for (title, expected) in [
            ("Sara Levi", "SL"),
            ("sara", "S"),
            ("שרה בת לוי", "של"),
            ("محمد", "م"),
            ("+966501234567", "#"),
            ("🙂 Ann", "A"),
            ("", "#"),
        ] {
            assert_eq!(initials(title), expected, "{title}");
        }
    }
}
