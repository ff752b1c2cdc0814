//! A machine goes on from a copy of the database that may lack what came last: another machine's, or a backup that was
//! restored. What may have been sent since the copy was made is not sent again: it is `unknown`, or missed, and says why;
//! endpoints' answers that were not taken yet are taken no more.
//!
//! In a copy a message that waits for its slot, and one of the schedule that is due, look as if they had not left; the
//! first machine may have sent them a moment after the copy was made. [`recover`](super::recover) believes a database
//! that nobody else went on from; so this is done before.

use super::{announce, answer::Outcome, idempotency};
use crate::{
    events::webhooks,
    model::{
        clock::Time,
        ids::{LogId, MessageId},
        message::Status,
        moment::Moment,
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;
use serde::{Deserialize, Serialize};

/// What is not sent, because it may have been.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Uncertain {
    /// Messages on their way.
    pub messages: usize,
    /// Messages that were to be sent by themselves.
    pub scheduled: usize,
}

/// Why it may have been sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CopyOf {
    /// Another machine, which served.
    Machine,
    /// A backup, after which the gateway may have gone on.
    Backup,
}

impl CopyOf {
    const fn why(self) -> &'static str {
        match self {
            Self::Machine => "another machine took over, and the first one may have sent it",
            Self::Backup => "a backup was restored, and it may have been sent after that was made",
        }
    }
}

/// Settles what may have been sent until `until` by whoever went on from where the copy was made.
///
/// # Errors
/// The store's.
pub fn hand_over(tx: &WriteTx<'_>, copy: CopyOf, until: Time, moment: Moment<'_>) -> Result<Uncertain, StoreError> {
    // The next start makes `unknown` of what is `sending`, with all that goes with it.
    let messages =
        tx.execute("UPDATE messages SET status = 'sending' WHERE status = 'accepted' AND quota <> 'none'", [])?;
    webhooks::drop_answers(tx, moment.now)?;
    let due: Vec<MessageId> = tx.list(
        "SELECT s.message_id FROM schedules s
         WHERE s.state IN ('pending', 'claimed') AND (s.state = 'claimed' OR s.due_at <= ?1)
           AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.message_id = s.message_id
                           AND NOT (m.status = 'accepted' AND m.quota = 'none'))",
        params![until],
        |r| r.get(0),
    )?;
    for message_id in &due {
        let sql = "UPDATE schedules SET state = 'missed', reason = ?2, ended_at = ?3 WHERE message_id = ?1";
        tx.execute(sql, params![message_id, copy.why(), moment.now])?;
        if let Some(id) = super::waiting::find(tx, message_id)? {
            became_unknown(tx, id, copy.why(), moment)?;
        }
    }
    Ok(Uncertain { messages, scheduled: due.len() })
}

/// How far the log of a database goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Reach {
    /// The last number in the message log.
    pub message: i64,
    /// The last number among the inbound messages.
    pub inbound: i64,
}

/// What lies beyond it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Beyond {
    pub messages: i64,
    pub inbound: i64,
    /// The first number of the messages.
    pub from: i64,
}

/// How far it goes.
///
/// # Errors
/// The store's.
pub fn reach(tx: &Tx<'_>) -> Result<Reach, StoreError> {
    let sql = "SELECT coalesce((SELECT max(id) FROM messages), 0), coalesce((SELECT max(id) FROM inbound_messages), 0)";
    tx.one(sql, [], |r| Ok(Reach { message: r.get(0)?, inbound: r.get(1)? }))
}

/// What a machine took beyond what another one went on from.
///
/// # Errors
/// The store's.
pub fn beyond(tx: &Tx<'_>, reach: Reach) -> Result<Beyond, StoreError> {
    let sql = "SELECT count(*), coalesce(min(id), 0), (SELECT count(*) FROM inbound_messages WHERE id > ?2)
               FROM messages WHERE id > ?1";
    tx.one(sql, params![reach.message, reach.inbound], |r| {
        Ok(Beyond { messages: r.get(0)?, from: r.get(1)?, inbound: r.get(2)? })
    })
}

/// The row in the log of a message that waited.
fn became_unknown(tx: &WriteTx<'_>, id: LogId, why: &str, moment: Moment<'_>) -> Result<(), StoreError> {
    let sql = "UPDATE messages SET status = 'unknown', reason = ?2, updated_at = ?3 WHERE id = ?1";
    tx.execute(sql, params![id, why, moment.now])?;
    idempotency::finish(tx, id, Outcome::Unknown)?;
    announce::step(tx, id, Status::Accepted, Status::Unknown, moment)
}
