//! What a person looks at who reviews a paused number: why it was paused, the messages that led there, what else was
//! refused lately; and what was written about it. Reading, but for the notes.

use crate::{
    accounts::{Scope, audit},
    model::{
        clock::Time,
        ids::{AccountId, InstanceId, LogId},
        phone::Phone,
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;
use std::{collections::BTreeMap, time::Duration};

/// How far back refusals are counted from the pause.
const LATELY: Duration = Duration::from_secs(24 * 60 * 60);
/// How many messages are shown as evidence.
const SHOWN: usize = 20;

/// A number that waits for a person.
#[derive(Clone, Debug)]
pub struct Review {
    pub id: i64,
    pub instance: InstanceId,
    pub instance_name: String,
    pub account: AccountId,
    /// The account's name.
    pub account_name: String,
    pub opened_at: Time,
    pub reason: String,
    /// The messages that led here; those that retention took away are missing.
    pub evidence: Vec<Evidence>,
    /// The signals of the evidence: how many of its messages show each, the most frequent first.
    pub signals: Vec<(String, u64)>,
    /// What became of the day's messages before the pause, by status or the refusal's code, the most frequent first.
    pub outcomes: Vec<(String, u64)>,
    /// What people wrote, oldest first.
    pub notes: Vec<ReviewNote>,
}

/// One message that led to a pause.
#[derive(Clone, Debug)]
pub struct Evidence {
    pub log_id: LogId,
    pub at: Time,
    /// To whom, masked.
    pub to: String,
    /// As the caller named it.
    pub purpose: String,
    pub body: String,
    /// The refusal's code, or why it failed.
    pub reason: Option<String>,
    /// Of 100.
    pub score: i64,
    /// What made the score: id and weight.
    pub signals: Vec<(String, i64)>,
    /// Further refusals like it.
    pub repeats: i64,
}

/// What somebody wrote while a review stayed open.
#[derive(Clone, Debug)]
pub struct ReviewNote {
    pub at: Time,
    pub actor: String,
    pub note: String,
}

/// A review that was closed.
#[derive(Clone, Debug)]
pub struct Closed {
    pub instance: InstanceId,
    /// Why it was paused.
    pub reason: String,
    pub opened_at: Time,
    /// When it was resumed.
    pub closed_at: Time,
    pub closed_by: String,
    /// What was found.
    pub note: String,
}

/// Numbers that wait, those that wait longest first: of one account or of all.
pub fn list(tx: &Tx<'_>, scope: Scope) -> Result<Vec<Review>, StoreError> {
    let open = tx.list(
        "SELECT r.id, r.instance_id, i.name, i.account_id, a.name, r.opened_at, r.reason, r.evidence
         FROM reviews r JOIN instances i ON i.id = r.instance_id JOIN accounts a ON a.id = i.account_id
         WHERE r.closed_at IS NULL AND i.paused_at IS NOT NULL AND i.deleted_at IS NULL
           AND (?1 IS NULL OR i.account_id = ?1) ORDER BY r.opened_at LIMIT 50",
        params![scope],
        |r| {
            let review = Review {
                id: r.get(0)?,
                instance: r.get(1)?,
                instance_name: r.get(2)?,
                account: r.get(3)?,
                account_name: r.get(4)?,
                opened_at: r.get(5)?,
                reason: r.get(6)?,
                evidence: Vec::new(),
                signals: Vec::new(),
                outcomes: Vec::new(),
                notes: Vec::new(),
            };
            Ok((review, r.get::<_, String>(7)?))
        },
    )?;
    open.into_iter().map(|(review, evidence)| fill(tx, review, &evidence)).collect()
}

/// How many numbers wait: of one account or of all.
pub fn count(tx: &Tx<'_>, scope: Scope) -> Result<u64, StoreError> {
    tx.one(
        "SELECT count(*) FROM reviews r JOIN instances i ON i.id = r.instance_id
         WHERE r.closed_at IS NULL AND i.paused_at IS NOT NULL AND i.deleted_at IS NULL
           AND (?1 IS NULL OR i.account_id = ?1)",
        params![scope],
        |r| r.get(0),
    )
}

fn fill(tx: &Tx<'_>, mut review: Review, evidence: &str) -> Result<Review, StoreError> {
    review.evidence = tx.list(
        "SELECT m.id, m.created_at, m.recipient, m.purpose, m.body, m.reason, coalesce(d.score, 0),
                coalesce(d.signals, '[]'), m.repeats
         FROM messages m LEFT JOIN policy_decisions d ON d.log_id = m.id
         WHERE m.id IN (SELECT value FROM json_each(?1)) ORDER BY m.id DESC LIMIT ?2",
        params![evidence, SHOWN],
        |r| {
            let to: String = r.get(2)?;
            Ok(Evidence {
                log_id: r.get(0)?,
                at: r.get(1)?,
                to: Phone::known(&to).map_or(to, |phone| phone.masked()),
                purpose: r.get(3)?,
                body: r.get(4)?,
                reason: r.get(5)?,
                score: r.get(6)?,
                signals: signals(&r.get::<_, String>(7)?),
                repeats: r.get(8)?,
            })
        },
    )?;
    let mut counts = BTreeMap::new();
    for (id, _) in review.evidence.iter().flat_map(|e| &e.signals) {
        *counts.entry(id.clone()).or_insert(0_u64) += 1;
    }
    review.signals = counts.into_iter().collect();
    review.signals.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    review.outcomes = tx.list(
        "SELECT CASE WHEN status = 'blocked' THEN coalesce(reason, status) ELSE status END, sum(1 + repeats)
         FROM messages WHERE instance_id = ?1 AND account_id = ?2 AND created_at >= ?3 AND created_at <= ?4
         GROUP BY 1 ORDER BY 2 DESC LIMIT 12",
        params![review.instance, review.account, review.opened_at.minus(LATELY), review.opened_at],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )?;
    review.notes = tx.list(
        "SELECT at, actor, note FROM review_notes WHERE review_id = ?1 ORDER BY id",
        params![review.id],
        |r| Ok(ReviewNote { at: r.get(0)?, actor: r.get(1)?, note: r.get(2)? }),
    )?;
    Ok(review)
}

fn signals(kept: &str) -> Vec<(String, i64)> {
    let all: Vec<serde_json::Value> = serde_json::from_str(kept).unwrap_or_default();
    all.iter().filter_map(|s| Some((s.get("id")?.as_str()?.to_owned(), s.get("weight")?.as_i64()?))).collect()
}

/// The last reviews that were closed, newest first.
pub fn list_closed(tx: &Tx<'_>) -> Result<Vec<Closed>, StoreError> {
    tx.list(
        "SELECT instance_id, reason, opened_at, closed_at, coalesce(closed_by, ''), coalesce(note, '') FROM reviews
         WHERE closed_at IS NOT NULL ORDER BY id DESC LIMIT 20",
        [],
        |r| {
            Ok(Closed {
                instance: r.get(0)?,
                reason: r.get(1)?,
                opened_at: r.get(2)?,
                closed_at: r.get(3)?,
                closed_by: r.get(4)?,
                note: r.get(5)?,
            })
        },
    )
}

/// Somebody looked, and the number stays paused: what they found. Says whether this review is open.
pub fn keep(tx: &WriteTx<'_>, review: i64, note: &str, now: Time, actor: &str) -> Result<bool, StoreError> {
    let instance = tx.find(
        "SELECT r.instance_id, i.account_id FROM reviews r JOIN instances i ON i.id = r.instance_id
         WHERE r.id = ?1 AND r.closed_at IS NULL",
        params![review],
        |r| Ok((r.get::<_, InstanceId>(0)?, r.get::<_, AccountId>(1)?)),
    )?;
    let Some((instance, account)) = instance else { return Ok(false) };
    tx.insert(
        "INSERT INTO review_notes (review_id, at, actor, note) VALUES (?1, ?2, ?3, ?4)",
        params![review, now, actor, note],
    )?;
    let entry = audit::AuditEntry {
        actor,
        account: Some(account),
        action: "instance.keep_paused",
        target: instance.as_str(),
        before: None,
        after: Some(note),
    };
    audit::record(tx, now, &entry)?;
    Ok(true)
}
