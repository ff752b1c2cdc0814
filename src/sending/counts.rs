//! How many messages of which day stand in which state: for pages, which never count the log itself.
//!
//! The rows are kept by triggers on the log, in the transaction of each change (`store/migrations/0035…`). What is on its
//! way is in none of them. Nothing is judged by them.

use crate::{
    accounts::Scope,
    model::{
        clock::Time,
        ids::{InstanceId, KeyId},
        message::Status,
    },
    store::{StoreError, Tx},
};
use rusqlite::{Row, params};

/// One day, each message where it stands now.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Day {
    /// `YYYY-MM-DD`, of the account's zone.
    pub day: String,
    /// Left, and nothing was heard of them since.
    pub sent: u64,
    /// Delivered and not read, as far as is known.
    pub delivered: u64,
    pub read: u64,
    pub failed: u64,
    /// Nobody knows whether they left.
    pub unknown: u64,
    /// Refused, repeats included.
    pub refused: u64,
}

impl Day {
    /// What left, whatever became of it.
    pub const fn left(&self) -> u64 {
        self.sent + self.delivered + self.read
    }

    /// What arrived, read or not.
    pub const fn arrived(&self) -> u64 {
        self.delivered + self.read
    }

    /// What failed, or may have.
    pub const fn lost(&self) -> u64 {
        self.failed + self.unknown
    }

    /// All of them.
    pub const fn all(&self) -> u64 {
        self.left() + self.lost() + self.refused
    }
}

/// What one API key was used for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyUse {
    /// Its name; none: not by a key.
    pub name: Option<String>,
    /// Which; none: not by a key.
    pub key: Option<KeyId>,
    /// What left by it.
    pub sent: u64,
    /// What failed, or may have.
    pub failed: u64,
    /// What was refused.
    pub refused: u64,
}

/// What an instance was used for of late.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct InstanceUse {
    /// Messages that its callers asked for since the day began, but for refused ones.
    pub today: u64,
    /// When it was last asked to send.
    pub last: Option<Time>,
}

const SENT: &str = "sum(CASE WHEN status IN ('sent', 'delivered', 'read') THEN n ELSE 0 END)";
const FAILED: &str = "sum(CASE WHEN status IN ('failed', 'unknown') THEN n ELSE 0 END)";
const REFUSED: &str = "sum(CASE WHEN status = 'blocked' THEN n ELSE 0 END)";

/// `account_id = ?1` where it is one account, so that its index is used.
const fn whose(scope: Scope) -> &'static str {
    if scope.account().is_some() { "account_id = ?1" } else { "?1 IS NULL" }
}

/// The statement of [`days`].
pub fn days_sql(scope: Scope) -> String {
    format!(
        "SELECT day, status, sum(n) FROM message_counts WHERE {} AND day >= ?2 GROUP BY day, status ORDER BY day",
        whose(scope)
    )
}

/// Days from `since` (`YYYY-MM-DD`) on, oldest first; those on which nothing happened are left out.
pub fn days(tx: &Tx<'_>, scope: Scope, since: &str) -> Result<Vec<Day>, StoreError> {
    let mut all: Vec<Day> = Vec::new();
    let read = |r: &Row<'_>| Ok((r.get::<_, String>(0)?, r.get::<_, Status>(1)?, r.get::<_, u64>(2)?));
    for (day, status, n) in tx.list(&days_sql(scope), params![scope, since], read)? {
        if all.last().is_none_or(|last| last.day != day) {
            all.push(Day { day, ..Day::default() });
        }
        let Some(last) = all.last_mut() else { continue };
        match status {
            Status::Sent => last.sent += n,
            Status::Delivered => last.delivered += n,
            Status::Read => last.read += n,
            Status::Blocked => last.refused += n,
            Status::Failed => last.failed += n,
            Status::Unknown => last.unknown += n,
            // On their way: not counted, they will be one of the others in a moment.
            Status::Accepted | Status::Sending => {}
        }
    }
    Ok(all)
}

/// The statement of [`refusals`].
pub fn refusals_sql(scope: Scope) -> String {
    format!(
        "SELECT reason, sum(n) FROM message_counts WHERE {} AND day >= ?2 AND status = 'blocked' AND n > 0
         GROUP BY reason ORDER BY 2 DESC, 1 LIMIT 8",
        whose(scope)
    )
}

/// Why messages were refused since a day: codes and how often, the most frequent first, 8 at most.
pub fn refusals(tx: &Tx<'_>, scope: Scope, since: &str) -> Result<Vec<(String, u64)>, StoreError> {
    tx.list(&refusals_sql(scope), params![scope, since], |r| Ok((r.get(0)?, r.get(1)?)))
}

/// The statement of [`keys`].
pub fn keys_sql(scope: Scope) -> String {
    format!(
        "SELECT (SELECT name FROM api_keys k WHERE k.id = key_id), nullif(key_id, 0), {SENT}, {FAILED}, {REFUSED}
         FROM message_counts WHERE {} AND day >= ?2 GROUP BY key_id ORDER BY sum(n) DESC LIMIT 8",
        whose(scope)
    )
}

/// What each key was used for since a day, the busiest first, 8 at most.
pub fn keys(tx: &Tx<'_>, scope: Scope, since: &str) -> Result<Vec<KeyUse>, StoreError> {
    tx.list(&keys_sql(scope), params![scope, since], |r| {
        Ok(KeyUse { name: r.get(0)?, key: r.get(1)?, sent: r.get(2)?, failed: r.get(3)?, refused: r.get(4)? })
    })
}

/// Whether anything was ever sent.
pub fn has_sent(tx: &Tx<'_>, scope: Scope) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM message_counts WHERE {} AND n > 0 AND status IN ('sent', 'delivered', 'read'))",
        whose(scope)
    );
    tx.one(&sql, params![scope], |r| r.get(0))
}

/// What an instance was used for since `since`, by the log's own index over its time.
pub fn by_instance(tx: &Tx<'_>, instance: &InstanceId, since: Time) -> Result<InstanceUse, StoreError> {
    tx.one(
        "SELECT (SELECT count(*) FROM messages WHERE instance_id = ?1 AND created_at >= ?2 AND status <> 'blocked'),
                (SELECT max(created_at) FROM messages WHERE instance_id = ?1)",
        params![instance, since],
        |r| Ok(InstanceUse { today: r.get(0)?, last: r.get(1)? }),
    )
}
