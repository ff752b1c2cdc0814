//! Conversations: one of an instance with one person, its unread count, and the number of its next inbound message.

use crate::{
    model::{
        clock::Time,
        ids::{AccountId, ContactId, InstanceId},
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;
use std::time::Duration;

/// Whom an instance (`?1`) talked with: `contact_id`, `at`, `unread`, a row for each time. Those who only were written to
/// are found in the newest `?2` messages of its log.
pub const TALKED_WITH: &str = "SELECT contact_id, last_message_at AS at, unread_count AS unread FROM conversations
        WHERE instance_id = ?1
        UNION ALL
        SELECT contact_id, created_at, 0 FROM
          (SELECT contact_id, created_at FROM messages
           WHERE instance_id = ?1 AND contact_id IS NOT NULL AND status <> 'blocked'
           ORDER BY created_at DESC LIMIT ?2)";

/// A conversation after something happened in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Conversation {
    pub id: i64,
    /// Inbound messages so far; the newest one's number.
    pub sequence: i64,
    /// Not read yet.
    pub unread_count: i64,
    /// When anybody last wrote.
    pub last_message_at: Time,
}

/// The person wrote: the conversation is there from now on, and one message more is unread.
pub fn note_message(
    tx: &WriteTx<'_>,
    account: AccountId,
    instance: &InstanceId,
    contact: ContactId,
    (at, now): (Time, Time),
) -> Result<Conversation, StoreError> {
    tx.one(
        "INSERT INTO conversations (account_id, instance_id, contact_id, unread_count, sequence, last_message_at,
                                    last_inbound_at, created_at)
         VALUES (?1, ?2, ?3, 1, 1, ?4, ?4, ?5)
         ON CONFLICT DO UPDATE SET unread_count = unread_count + 1, sequence = sequence + 1,
             last_message_at = max(last_message_at, excluded.last_message_at),
             last_inbound_at = max(coalesce(last_inbound_at, 0), excluded.last_inbound_at)
         RETURNING id, sequence, unread_count, last_message_at",
        params![account, instance, contact, at, now],
        |r| {
            Ok(Conversation { id: r.get(0)?, sequence: r.get(1)?, unread_count: r.get(2)?, last_message_at: r.get(3)? })
        },
    )
}

/// The conversation of an instance with a person, if there is one.
pub fn find_conversation(
    tx: &Tx<'_>,
    instance: &InstanceId,
    contact: ContactId,
) -> Result<Option<Conversation>, StoreError> {
    tx.find(
        "SELECT id, sequence, unread_count, last_message_at FROM conversations
         WHERE instance_id = ?1 AND contact_id = ?2",
        params![instance, contact],
        |r| {
            Ok(Conversation { id: r.get(0)?, sequence: r.get(1)?, unread_count: r.get(2)?, last_message_at: r.get(3)? })
        },
    )
}

/// When the person last opened their conversation window with this instance: by a message, or by a call, whether or not
/// it was taken. The window is one of a number and a person, as at Meta ("customer service windows"): who wrote to
/// another number of the account has not opened it. The guard, the pages and the dialects all ask here.
pub fn window_opened_at(tx: &Tx<'_>, instance: &InstanceId, contact: ContactId) -> Result<Option<Time>, StoreError> {
    tx.one(
        "SELECT nullif(max(
             coalesce((SELECT last_inbound_at FROM conversations WHERE instance_id = ?1 AND contact_id = ?2), 0),
             coalesce((SELECT max(started_at) FROM calls WHERE instance_id = ?1 AND contact_id = ?2), 0)), 0)",
        params![instance, contact],
        |r| r.get(0),
    )
}

/// How long a window stays open at a provider that has one.
pub const WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether a window that was opened then is open at `now`, `length` after it was opened. One ahead of now was opened
/// while the clock was: it stays open for no longer than another one.
pub fn is_window_open(opened_at: Option<Time>, now: Time, length: Duration) -> bool {
    opened_at.is_some_and(|at| at <= now.plus(length) && now.since(at) < length)
}
