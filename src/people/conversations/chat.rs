//! Conversations: one of an instance with one person, its unread count, and the number of its next inbound message.

use crate::{
    model::{
        clock::Time,
        ids::{AccountId, ContactId, InstanceId},
        message::EchoOrigin,
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;
use std::time::Duration;

/// Whom an instance (`?1`) talked with: `contact_id`, `at`, `unread`, a row for each time. Those who only were written to
/// are found in the newest `?2` messages of its log, the others in its newest `?3` conversations; a negative number is all.
pub const TALKED_WITH: &str = "SELECT contact_id, at, unread FROM
          (SELECT contact_id, last_message_at AS at, unread_count AS unread FROM conversations
           WHERE instance_id = ?1 ORDER BY last_message_at DESC LIMIT ?3)
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

/// With whom a conversation is, and when something happened in it.
#[derive(Clone, Copy)]
pub struct InConversation<'a> {
    pub account: AccountId,
    pub instance: &'a InstanceId,
    pub contact: ContactId,
    /// By the provider's clock.
    pub at: Time,
    /// By ours.
    pub now: Time,
}

/// What was written in a conversation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhoWrote {
    /// By the person: one message more is unread, and the window is open.
    ByThem,
    /// By the person, about an earlier message of theirs: one more is unread. That it opened a window is not known.
    AboutEarlier,
    /// By the person, long ago: nothing is unread by it.
    LongAgo,
    /// By the number's own phone: whoever wrote there has read what came before.
    ByOurPhone,
    /// The same, long ago: what came since is as unread as it was.
    ByOurPhoneLongAgo,
}

/// Something was written: the conversation is there from now on. `before` is what [`find_conversation`] finds.
pub fn note_message(
    tx: &WriteTx<'_>,
    in_it: &InConversation<'_>,
    before: Option<Conversation>,
    written: WhoWrote,
) -> Result<Conversation, StoreError> {
    let InConversation { account, instance, contact, at, now } = *in_it;
    let inbound = i64::from(!matches!(written, WhoWrote::ByOurPhone | WhoWrote::ByOurPhoneLongAgo));
    let unread = i64::from(matches!(written, WhoWrote::ByThem | WhoWrote::AboutEarlier));
    let opened_at = matches!(written, WhoWrote::ByThem | WhoWrote::LongAgo).then_some(at);
    let Some(before) = before else {
        let id = tx.insert(
            "INSERT INTO conversations (account_id, instance_id, contact_id, unread_count, sequence, last_message_at,
                                        last_inbound_at, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![account, instance, contact, unread, inbound, at, opened_at, now],
        )?;
        return Ok(Conversation { id, sequence: inbound, unread_count: unread, last_message_at: at });
    };
    let after = Conversation {
        id: before.id,
        sequence: before.sequence + inbound,
        unread_count: if written == WhoWrote::ByOurPhone { 0 } else { before.unread_count + unread },
        last_message_at: before.last_message_at.max(at),
    };
    // FAIL: SQLite copies no page for the case that its trigger fails, which undoes the transaction anyway.
    tx.execute(
        "UPDATE OR FAIL conversations SET unread_count = ?2, sequence = ?3, last_message_at = ?4,
             last_inbound_at = nullif(max(coalesce(last_inbound_at, 0), coalesce(?5, 0)), 0)
         WHERE id = ?1",
        params![after.id, after.unread_count, after.sequence, after.last_message_at, opened_at],
    )?;
    Ok(after)
}

/// Who has the conversation of an instance with a person: a provider's agent, or (none) we. Where there is no
/// conversation yet, nobody has it.
pub fn note_holder(
    tx: &WriteTx<'_>,
    instance: &InstanceId,
    contact: ContactId,
    by: Option<EchoOrigin>,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE conversations SET held_by = ?3 WHERE instance_id = ?1 AND contact_id = ?2 AND held_by IS NOT ?3",
        params![instance, contact, by.map(EchoOrigin::as_str)],
    )?;
    Ok(())
}

/// Whether a provider's agent has the conversation.
pub fn is_held(tx: &Tx<'_>, instance: &InstanceId, contact: ContactId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM conversations WHERE instance_id = ?1 AND contact_id = ?2 AND held_by IS NOT NULL";
    Ok(tx.find(sql, params![instance, contact], |_| Ok(()))?.is_some())
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
