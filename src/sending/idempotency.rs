//! Idempotency keys: the same key and the same request get the first answer again, and nothing is sent.
//!
//! Scope: the account and the key, 24 hours. What is remembered is the answer `sent`, `accepted` or `unknown`; a
//! refusal or a failure is forgotten, so that a retry after its cause is gone works; a message that was cancelled while it
//! waited stays `accepted` here. A key that was under way when the
//! gateway stopped follows its message to `unknown` (`recover.rs`).

use super::{answer::Outcome, asked::Asked};
use crate::{
    model::{
        clock::{SLACK, Time},
        ids::{LogId, MessageId},
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;

/// What is known of a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum KnownKey {
    /// Nothing, or nothing any more.
    New,
    /// The first request's answer.
    Answered(LogId, MessageId, Outcome),
    /// The first request has no answer yet.
    UnderWay,
    /// The key came with another request.
    Reused,
}

pub(super) fn look_up(tx: &Tx<'_>, asked: &Asked<'_>, key: &str) -> Result<KnownKey, StoreError> {
    let Asked { rules, sender, request, now, .. } = *asked;
    let row = tx.find(
        "SELECT i.request_hash, i.log_id, i.answer, m.message_id FROM idempotency i JOIN messages m ON m.id = i.log_id
         WHERE i.account_id = ?1 AND i.key = ?2 AND i.expires_at > ?3 AND i.expires_at <= ?4",
        // What a clock that was far ahead has kept is over: else a key would stand in the way for years.
        params![sender.account, key, now, now.plus(rules.idempotency_life).plus(SLACK)],
        |r| {
            let outcome = r.get::<_, Option<String>>(2)?.and_then(|text| Outcome::parse(&text));
            Ok((r.get::<_, [u8; 32]>(0)?, r.get::<_, LogId>(1)?, outcome, r.get::<_, MessageId>(3)?))
        },
    )?;
    Ok(match row {
        None => KnownKey::New,
        Some((hash, ..)) if !request.has_hash(&hash) => KnownKey::Reused,
        Some((_, _, None, _)) => KnownKey::UnderWay,
        Some((_, log_id, Some(outcome), message_id)) => KnownKey::Answered(log_id, message_id, outcome),
    })
}

pub(super) fn begin(tx: &WriteTx<'_>, asked: &Asked<'_>, key: &str, log_id: LogId) -> Result<(), StoreError> {
    let Asked { rules, sender, request, now, .. } = *asked;
    tx.execute(
        "INSERT INTO idempotency (account_id, key, request_hash, log_id, answer, expires_at)
         VALUES (?1, ?2, ?3, ?4, NULL, ?5)
         ON CONFLICT DO UPDATE SET request_hash = excluded.request_hash, log_id = excluded.log_id, answer = NULL,
                                   expires_at = excluded.expires_at",
        params![sender.account, key, request.hash(), log_id, now.plus(rules.idempotency_life)],
    )?;
    Ok(())
}

/// Remembers the answer of a message's key, or forgets the key when the outcome is none that is remembered.
pub(super) fn finish(tx: &WriteTx<'_>, log_id: LogId, outcome: Outcome) -> Result<(), StoreError> {
    match outcome {
        Outcome::Sent | Outcome::Accepted | Outcome::Unknown => {
            tx.execute("UPDATE idempotency SET answer = ?2 WHERE log_id = ?1", params![log_id, outcome.as_str()])?
        }
        Outcome::Failed | Outcome::Blocked => {
            tx.execute("DELETE FROM idempotency WHERE log_id = ?1", params![log_id])?
        }
    };
    Ok(())
}

/// Deletes keys that have run out; says how many.
pub(super) fn expire(tx: &WriteTx<'_>, now: Time) -> Result<usize, StoreError> {
    tx.execute("DELETE FROM idempotency WHERE expires_at <= ?1", params![now])
}
