//! The suppressions' rows.

use crate::{
    model::{
        clock::Time,
        ids::{AccountId, ContactId, InstanceId},
        string_enum::string_enum,
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::{Row, params};
use serde::Serialize;

string_enum! {
    /// Who said that nothing is to be sent.
    SuppressionSource {
        /// The person themself.
        Recipient = "recipient",
        /// The account, by hand.
        Manual = "manual",
    }
}

/// A suppression in force, as `suppress list` shows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Suppression {
    /// E.164, or null for a hidden number.
    pub phone: Option<String>,
    pub contact_id: ContactId,
    /// recipient or manual.
    pub source: String,
    pub reason: String,
    pub since: Time,
}

/// What makes a suppression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewSuppression<'a> {
    pub account: AccountId,
    pub contact: ContactId,
    pub source: SuppressionSource,
    pub reason: &'a str,
    /// Where the person said so.
    pub instance: Option<&'a InstanceId>,
}

/// The reason of a suppression in force for this contact, if there is one.
pub fn active(tx: &Tx<'_>, contact: ContactId) -> Result<Option<String>, StoreError> {
    tx.find(
        "SELECT reason FROM suppressions WHERE contact_id = ?1 AND lifted_at IS NULL LIMIT 1",
        params![contact],
        |r| r.get(0),
    )
}

/// Suppresses a contact; one that is suppressed from the same source already keeps its first date. Says whether it is
/// new.
pub fn add(tx: &WriteTx<'_>, new: &NewSuppression<'_>, now: Time) -> Result<bool, StoreError> {
    let added = tx.execute(
        "INSERT INTO suppressions (account_id, contact_id, source, reason, instance_id, since)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        params![new.account, new.contact, new.source.as_str(), new.reason, new.instance, now],
    )?;
    Ok(added > 0)
}

/// Lifts the suppressions of `contact` from `sources`; says how many.
pub fn lift(
    tx: &WriteTx<'_>,
    contact: ContactId,
    sources: &[SuppressionSource],
    by: &str,
    now: Time,
) -> Result<usize, StoreError> {
    let mut lifted = 0;
    for source in sources {
        lifted += tx.execute(
            "UPDATE suppressions SET lifted_at = ?3, lifted_by = ?4
             WHERE contact_id = ?1 AND source = ?2 AND lifted_at IS NULL",
            params![contact, source.as_str(), now, by],
        )?;
    }
    Ok(lifted)
}

/// Those who are suppressed in an account, newest first, with the number of each row: not older than `since`, and behind
/// the row `after`.
pub fn newest(
    tx: &Tx<'_>,
    account: AccountId,
    since: Option<Time>,
    after: Option<(Time, i64)>,
    limit: u32,
) -> Result<Vec<(i64, Suppression)>, StoreError> {
    let (before, below) = after.unzip();
    tx.list(
        &format!(
            "{SELECT} WHERE s.account_id = ?1 AND s.lifted_at IS NULL AND s.since >= coalesce(?2, 0)
             AND (?3 IS NULL OR (s.since, s.id) < (?3, ?4)) ORDER BY s.since DESC, s.id DESC LIMIT ?5"
        ),
        params![account, since, before, below, limit],
        |r| Ok((r.get(5)?, read(r)?)),
    )
}

/// Who was suppressed last in an account, so many people with all that holds for them, newest first; and how many people
/// there are.
pub fn newest_people(tx: &Tx<'_>, account: AccountId, people: u32) -> Result<(Vec<Suppression>, usize), StoreError> {
    let rows = tx.list(
        &format!(
            "{SELECT} WHERE s.lifted_at IS NULL AND s.contact_id IN (
                 SELECT contact_id FROM suppressions WHERE account_id = ?1 AND lifted_at IS NULL
                 GROUP BY contact_id ORDER BY max(since) DESC, max(id) DESC LIMIT ?2)
             ORDER BY s.since DESC, s.id DESC"
        ),
        params![account, people],
        read,
    )?;
    let all = tx.one(
        "SELECT count(DISTINCT contact_id) FROM suppressions WHERE account_id = ?1 AND lifted_at IS NULL",
        params![account],
        |r| r.get(0),
    )?;
    Ok((rows, all))
}

/// Everyone who is suppressed in an account, oldest first.
pub fn list(tx: &Tx<'_>, account: AccountId) -> Result<Vec<Suppression>, StoreError> {
    let sql = format!("{SELECT} WHERE s.account_id = ?1 AND s.lifted_at IS NULL ORDER BY s.since, s.id");
    tx.list(&sql, params![account], read)
}

const SELECT: &str = "SELECT (SELECT i.value FROM contact_identities i
             WHERE i.contact_id = s.contact_id AND i.kind = 'phone'
             ORDER BY i.former_at IS NOT NULL, i.is_variant, i.value LIMIT 1),
            s.contact_id, s.source, s.reason, s.since, s.id FROM suppressions s";

fn read(r: &Row<'_>) -> rusqlite::Result<Suppression> {
    Ok(Suppression { phone: r.get(0)?, contact_id: r.get(1)?, source: r.get(2)?, reason: r.get(3)?, since: r.get(4)? })
}
