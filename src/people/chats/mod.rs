//! Conversations as whoever answers sees them: the list of an instance's chats, and what was said in one, with files,
//! reactions and what became of each message.
//!
//! A chat is with one person ([`ChatId::Person`], whatever their numbers and hidden ids) or a group. Its lines come from
//! two tables, what was heard and what was sent, and stand in one order ([`Cursor`]): by time, then heard before sent, then
//! by row. That order is total, so a page that is read upwards by key shows each line once.
//!
//! - `list.rs`: the chats; `unread.rs`: how many of them wait; `thread.rs`: the lines of one, `line.rs`: what a line is; `quote.rs`: what a line refers to;
//!   `since.rs`: what became of it; `standing.rs`: what whoever
//!   types should know first.
//!
//! It sends nothing; what is sent goes through the guarded sender. It knows nothing of pages.

mod inbox;
mod line;
mod list;
mod quote;
mod send_hints;
mod since;
mod thread;
mod unread;

pub use inbox::{InboxFilter, InboxRow, inbox, newest_heard};
pub use line::{ChatFile, ChatMessage, Cursor, LineWindow, MessagePage, Reaction, Reactor};
pub use list::{Chat, Filter, Snippet, find, group_standing, heard_groups, list, list_people};
pub use quote::answerable;
pub use send_hints::{SendHints, standing};
pub use thread::{heard, lines, sent};
pub use unread::{COUNTED, count_unread};

use crate::{
    model::{
        clock::Time,
        ids::{AccountId, ContactId, InstanceId},
        phone::Phone,
    },
    people::conversations::{self, Identity},
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;
use std::{fmt, str::FromStr};

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ChatId {
    /// With a person: `c12`.
    Person(ContactId),
    /// Of a group or channel: its id.
    Group(String),
}

/// A text that names no chat.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoChat;

impl fmt::Display for ChatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(contact) => write!(f, "c{contact}"),
            Self::Group(id) => f.write_str(id),
        }
    }
}

impl FromStr for ChatId {
    type Err = NoChat;

    fn from_str(text: &str) -> Result<Self, NoChat> {
        if is_group(text) {
            return Ok(Self::Group(text.to_owned()));
        }
        let digits = text.strip_prefix('c').filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
        digits.and_then(|d| d.parse().ok()).map(Self::Person).ok_or(NoChat)
    }
}

impl ChatId {
    /// The word of its messages' column `chat`.
    fn chat_key(&self) -> String {
        match self {
            Self::Person(contact) => format!("contact:{contact}"),
            Self::Group(id) => id.clone(),
        }
    }
}

/// Whether an address is a group's or a channel's. Meta's groups have ids of its own: long, without a server, in the letters
/// of base64 (its reference of the Groups API).
pub fn is_group(address: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || b"_-=".contains(&b);
    let is_metas = || (20..=256).contains(&address.len()) && address.bytes().all(is_letter) && !is_person(address);
    address.ends_with("@g.us") || address.ends_with("@newsletter") || is_metas()
}

/// A number, or `c12`.
fn is_person(address: &str) -> bool {
    address.strip_prefix('c').unwrap_or(address).bytes().all(|b| b.is_ascii_digit())
}

/// The chat with whoever has this number, if they are known.
pub fn with_phone(tx: &Tx<'_>, account: AccountId, phone: &Phone) -> Result<Option<ChatId>, StoreError> {
    let found = conversations::find(tx, account, &Identity::phone(phone.as_str()))?;
    Ok(found.map(|contact| ChatId::Person(contact.id)))
}

/// The chat, if there is one: with a contact of the account, who may have become a part of another one, or of a group that
/// the instance heard of.
pub fn known(
    tx: &Tx<'_>,
    account: AccountId,
    instance: &InstanceId,
    chat: ChatId,
) -> Result<Option<ChatId>, StoreError> {
    match chat {
        ChatId::Person(contact) => {
            let found = conversations::find_by_id(tx, account, contact)?;
            Ok(found.map(|(contact, _)| ChatId::Person(contact.id)))
        }
        ChatId::Group(id) => {
            let sql = "SELECT group_id FROM groups WHERE instance_id = ?1 AND group_id = ?2";
            tx.find(sql, params![instance, id], |r| r.get(0).map(ChatId::Group))
        }
    }
}

/// Remembers a group's name; answers with the one that is known where the news has none.
///
/// # Errors
/// The store's.
pub fn note_group(
    tx: &WriteTx<'_>,
    instance: &InstanceId,
    id: &str,
    name: &str,
    now: Time,
) -> Result<String, StoreError> {
    tx.execute(
        "INSERT INTO groups (instance_id, group_id, name, updated_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET name = excluded.name, updated_at = excluded.updated_at
         WHERE name <> excluded.name AND excluded.name <> ''",
        params![instance, id, name, now],
    )?;
    let sql = "SELECT name FROM groups WHERE instance_id = ?1 AND group_id = ?2";
    tx.one(sql, params![instance, id], |r| r.get(0))
}

/// Messages that are told to have been read at once; of those before them nobody asks any more.
const TOLD_MAX: i64 = 100;

/// All that was written in a chat was read: the provider's ids of the newest messages that were not read before, oldest
/// first.
pub fn mark_read(tx: &WriteTx<'_>, instance: &InstanceId, chat: &ChatId, now: Time) -> Result<Vec<String>, StoreError> {
    let unread = unread(tx, instance, chat)?;
    match chat {
        ChatId::Person(contact) => tx.execute(
            "UPDATE conversations SET unread_count = 0
             WHERE instance_id = ?1 AND contact_id = ?2 AND unread_count <> 0",
            params![instance, contact],
        )?,
        ChatId::Group(id) => tx.execute(
            "UPDATE groups SET read_at = ?3 WHERE instance_id = ?1 AND group_id = ?2
               AND EXISTS (SELECT 1 FROM inbound_messages WHERE instance_id = ?1 AND chat = ?2
                           AND kind <> 'reaction' AND origin IS NULL AND heard_at > coalesce(groups.read_at, 0))",
            params![instance, id, now],
        )?,
    };
    Ok(unread)
}

/// The provider's ids of what is not read, oldest first.
fn unread(tx: &Tx<'_>, instance: &InstanceId, chat: &ChatId) -> Result<Vec<String>, StoreError> {
    const NEWEST: &str = "SELECT provider_message_id FROM inbound_messages
                          WHERE instance_id = ?1 AND chat = ?2 AND origin IS NULL AND kind NOT IN ('edit', 'revoke')";
    const END: &str = "ORDER BY heard_at DESC, id DESC LIMIT ?3";
    let id = |r: &rusqlite::Row<'_>| r.get(0);
    let mut found = match chat {
        // A reaction counts as a message that somebody wrote, and is marked like one.
        ChatId::Person(contact) => {
            let sql = "SELECT unread_count FROM conversations WHERE instance_id = ?1 AND contact_id = ?2";
            let count: i64 = tx.find(sql, params![instance, contact], |r| r.get(0))?.unwrap_or(0);
            let sql = format!("{NEWEST} {END}");
            tx.list(&sql, params![instance, chat.chat_key(), count.min(TOLD_MAX)], id)?
        }
        ChatId::Group(group) => {
            let sql = "SELECT coalesce(read_at, 0) FROM groups WHERE instance_id = ?1 AND group_id = ?2";
            let read_at: i64 = tx.find(sql, params![instance, group], |r| r.get(0))?.unwrap_or(i64::MAX);
            let sql = format!("{NEWEST} AND kind <> 'reaction' AND heard_at > ?4 {END}");
            tx.list(&sql, params![instance, group, TOLD_MAX, read_at], id)?
        }
    };
    found.reverse();
    Ok(found)
}

/// The provider's id of what was written last in a chat.
pub fn last_heard(tx: &Tx<'_>, instance: &InstanceId, chat: &ChatId) -> Result<Option<String>, StoreError> {
    let sql = "SELECT provider_message_id FROM inbound_messages
               WHERE instance_id = ?1 AND chat = ?2 AND kind NOT IN ('reaction', 'edit', 'revoke') AND origin IS NULL
               ORDER BY heard_at DESC, id DESC LIMIT 1";
    tx.find(sql, params![instance, chat.chat_key()], |r| r.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chats_are_named_and_what_names_none_is_none() {
        let metas = "Y2FwaV9ncm91cDoxODA1NTU1MDE3MjoxMjAzNjMyMjI3NzE5NjMwNjcZD";
        for text in ["c1", "c9000000001", "120363000000000001@g.us", "120363000000000001@newsletter", metas] {
            assert_eq!(text.parse::<ChatId>().map(|id| id.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "c", "c-1", "c+1", "1", "c99999999999999999999", "+966501234567", "x@c.us", "C1", "nobody"] {
            assert_eq!(text.parse::<ChatId>(), Err(NoChat), "{text}");
        }
    }
}
