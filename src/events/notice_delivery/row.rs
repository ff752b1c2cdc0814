//! Rows of letters: what is due, what came of it, what is shown to people.

use super::{AccountNotice, Channel};
use crate::{
    accounts::notices::{self, Notice},
    model::clock::Time,
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;
use std::time::Duration;

/// How long after each failure the next attempt is made; after the last one a letter is given up.
const AGAIN_AFTER_MINUTES: [u64; 10] = [1, 5, 15, 60, 180, 360, 360, 720, 720, 1440];
/// Letters tried in one step.
const AT_ONCE: u32 = 20;

/// A letter that is to be tried.
pub(super) struct Due {
    pub id: i64,
    pub channel: Channel,
    pub recipient: String,
    pub language: String,
    pub created_at: Time,
    pub told: Vec<AccountNotice>,
}

/// A letter, for people.
#[derive(Clone, PartialEq, Debug)]
pub struct Digest {
    pub id: i64,
    /// `mail` or `webhook`.
    pub channel: String,
    pub recipient: String,
    /// `pending`, `sent` or `failed`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, while it is pending.
    pub due_at: Time,
    pub created_at: Time,
    /// What the last failure was.
    pub last_error: Option<String>,
    /// How many notices it is about.
    pub notices: u64,
}

/// The newest letters, 50 at most.
pub fn list(tx: &Tx<'_>) -> Result<Vec<Digest>, StoreError> {
    tx.list(
        "SELECT id, channel, recipient, state, attempts, due_at, created_at, last_error,
                (SELECT count(*) FROM digest_notices WHERE digest_id = digests.id)
         FROM digests ORDER BY id DESC LIMIT 50",
        [],
        |r| {
            Ok(Digest {
                id: r.get(0)?,
                channel: r.get(1)?,
                recipient: r.get(2)?,
                state: r.get(3)?,
                attempts: r.get(4)?,
                due_at: r.get(5)?,
                created_at: r.get(6)?,
                last_error: r.get(7)?,
                notices: r.get(8)?,
            })
        },
    )
}

/// What a clock that was ahead has put off is due: it was never meant to wait for so long.
pub(super) fn believe_no_future(tx: &WriteTx<'_>, now: Time) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE digests SET due_at = ?1 WHERE state = 'pending' AND due_at > ?1 AND coalesce(last_at, created_at) > ?1",
        params![now],
    )
    .map(drop)
}

/// Letters whose time has come, the longest waiting first.
pub(super) fn due(tx: &Tx<'_>, now: Time) -> Result<Vec<Due>, StoreError> {
    let rows = tx.list(
        "SELECT id, channel, recipient, language, created_at FROM digests
         WHERE state = 'pending' AND due_at <= ?1 ORDER BY due_at, id LIMIT ?2",
        params![now, AT_ONCE],
        |r| {
            let channel = Channel::parse(&r.get::<_, String>(1)?).unwrap_or(Channel::Mail);
            let (recipient, language) = (r.get(2)?, r.get(3)?);
            Ok(Due { id: r.get(0)?, channel, recipient, language, created_at: r.get(4)?, told: Vec::new() })
        },
    )?;
    rows.into_iter().map(|due| Ok(Due { told: told(tx, due.id)?, ..due })).collect()
}

fn told(tx: &Tx<'_>, digest: i64) -> Result<Vec<AccountNotice>, StoreError> {
    let sql = format!(
        "SELECT {}, coalesce((SELECT name FROM accounts a WHERE a.id = notices.account_id), '')
         FROM digest_notices t JOIN notices ON notices.id = t.notice_id WHERE t.digest_id = ?1 ORDER BY notices.id",
        notices::COLUMNS
    );
    tx.list(&sql, params![digest], |r| Ok(AccountNotice { notice: Notice::read(r)?, account: r.get(8)? }))
}

/// What an attempt came to. The time of the next one stands in the row before anybody could try it again.
pub(super) fn record(tx: &WriteTx<'_>, id: i64, problem: Option<&str>, now: Time) -> Result<(), StoreError> {
    let Some(problem) = problem else {
        let sql =
            "UPDATE digests SET state = 'sent', attempts = attempts + 1, last_at = ?2, sent_at = ?2 WHERE id = ?1";
        tx.execute(sql, params![id, now])?;
        return Ok(());
    };
    let tried = tx.one("SELECT attempts FROM digests WHERE id = ?1", params![id], |r| r.get::<_, usize>(0))?;
    let again = AGAIN_AFTER_MINUTES.get(tried).map(|minutes| now.plus(Duration::from_secs(minutes * 60)));
    tx.execute(
        "UPDATE digests SET state = ?2, attempts = attempts + 1, last_at = ?3, last_error = ?4, due_at = coalesce(?5, due_at)
         WHERE id = ?1",
        params![id, if again.is_some() { "pending" } else { "failed" }, now, short(problem), again],
    )?;
    Ok(())
}

/// The beginning of what went wrong: a server may say much.
fn short(problem: &str) -> String {
    problem.chars().take(300).collect()
}
