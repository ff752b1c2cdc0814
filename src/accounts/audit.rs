//! Who changed what: one row for each change, written in the change's own transaction. Values are for people to read
//! and never hold a secret.

use crate::{
    model::{clock::Time, ids::AccountId},
    store::{StoreError, WriteTx},
};
use rusqlite::params;

/// One change.
pub struct Entry<'a> {
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
///
/// # Errors
/// The store's.
pub fn record(tx: &WriteTx<'_>, now: Time, entry: &Entry<'_>) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO audit (at, actor, account_id, action, target, before, after) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![now, entry.actor, entry.account, entry.action, entry.target, entry.before, entry.after],
    )?;
    Ok(())
}
