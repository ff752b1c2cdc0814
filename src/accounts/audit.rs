//! Who changed what: one row for each change, written in the change's own transaction. Values are for people to read
//! and never hold a secret.

use super::scope::Scope;
use crate::{
    model::{clock::Time, ids::AccountId},
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;

pub struct AuditEntry<'a> {
    /// Who: `cli`, `demo`, or a user's email.
    pub actor: &'a str,
    /// Whose account it touches.
    pub account: Option<AccountId>,
    /// A word such as `account.update`.
    pub action: &'a str,
    /// What was changed: its id.
    pub target: &'a str,
    /// How it was.
    pub before: Option<&'a str>,
    /// How it is.
    pub after: Option<&'a str>,
}

/// Writes the row.
pub fn record(tx: &WriteTx<'_>, now: Time, entry: &AuditEntry<'_>) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO audit (at, actor, account_id, action, target, before, after) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![now, entry.actor, entry.account, entry.action, entry.target, entry.before, entry.after],
    )?;
    Ok(())
}

/// Has every row say something else where it said `before`, such as an address without its token.
///
/// # Errors
/// The store's.
pub fn replace(tx: &WriteTx<'_>, before: &str, now: &str) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE audit SET before = replace(before, ?1, ?2), after = replace(after, ?1, ?2)
         WHERE instr(coalesce(before, '') || ' ' || coalesce(after, ''), ?1) > 0",
        params![before, now],
    )?;
    Ok(())
}

/// A row, as people are shown it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditRow {
    /// Its number; they rise.
    pub id: i64,
    pub at: Time,
    pub actor: String,
    /// Whose account it touches.
    pub account: Option<AccountId>,
    /// The account's name.
    pub account_name: Option<String>,
    /// A word such as `account.update`.
    pub action: String,
    /// What was changed: its id.
    pub target: String,
    /// The e-mail of the person that this is, of one who is still there.
    pub person: Option<String>,
    /// How it was.
    pub before: Option<String>,
    /// How it is.
    pub after: Option<String>,
}

impl AuditRow {
    /// Who did it, for people: somebody who changed their own login is named.
    pub fn who(&self) -> &str {
        if self.actor == "self" { self.of_what() } else { &self.actor }
    }

    /// What was changed, for people: a person by their e-mail, everything else by its id.
    pub fn of_what(&self) -> &str {
        self.person.as_deref().unwrap_or(&self.target)
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditSearch {
    pub scope: Scope,
    /// By somebody whose name holds this.
    pub actor: Option<String>,
    /// Of an action that begins so: `account`, `account.update`.
    pub action: Option<String>,
    /// About this target.
    pub target: Option<String>,
    /// Not before.
    pub since: Option<Time>,
    pub until: Option<Time>,
    /// Older than this row.
    pub after: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

/// Rows, newest first.
pub fn search(tx: &Tx<'_>, wanted: &AuditSearch) -> Result<Vec<AuditRow>, StoreError> {
    tx.list(
        "SELECT u.id, u.at, u.actor, u.account_id, a.name, u.action, u.target, u.before, u.after,
                CASE WHEN u.action LIKE 'user.%' OR u.action LIKE 'session.%'
                     THEN (SELECT p.email FROM users p WHERE p.id = CAST(u.target AS INTEGER)) END
         FROM audit u LEFT JOIN accounts a ON a.id = u.account_id
         WHERE (?1 IS NULL OR u.account_id = ?1) AND (?2 IS NULL OR instr(lower(u.actor), lower(?2)) > 0)
           AND (?3 IS NULL OR substr(u.action, 1, length(?3)) = ?3) AND (?4 IS NULL OR u.target = ?4)
           AND (?5 IS NULL OR u.at >= ?5) AND (?6 IS NULL OR u.at < ?6) AND (?7 IS NULL OR u.id < ?7)
         ORDER BY u.id DESC LIMIT ?8",
        params![
            wanted.scope,
            wanted.actor,
            wanted.action,
            wanted.target,
            wanted.since,
            wanted.until,
            wanted.after,
            wanted.limit
        ],
        |r| {
            Ok(AuditRow {
                id: r.get(0)?,
                at: r.get(1)?,
                actor: r.get(2)?,
                account: r.get(3)?,
                account_name: r.get(4)?,
                action: r.get(5)?,
                target: r.get(6)?,
                before: r.get(7)?,
                after: r.get(8)?,
                person: r.get(9)?,
            })
        },
    )
}
