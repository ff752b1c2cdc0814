//! The changes, in the order of their commits.

use crate::{
    accounts::scope::Scope,
    events::live::Concerned,
    model::{
        ids::{AccountId, InstanceId},
        string_enum::string_enum,
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;

/// Changes that are kept: an hour of a busy shop. Whoever was away for longer loads his page again.
const KEPT: i64 = 50_000;

string_enum! {
    ChangeKind {
        /// A message that we sent, or that was refused: it is there, or its state or file is another.
        Out = "out",
        /// A message that somebody wrote: it is there, or its file is.
        In = "in",
        /// A chat was read here.
        Read = "read",
        /// A group was read here, or has another name.
        Group = "group",
        /// An instance's connection, health, name or pause.
        Connection = "connection",
        /// A new pairing code.
        Qr = "qr",
        /// Somebody's session or role: each looks whether it is his.
        Access = "access",
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LiveChange {
    /// Its place in the sequence.
    pub position: i64,
    /// Where it happened.
    pub instance: Option<InstanceId>,
    pub kind: ChangeKind,
    /// Of `out` and `in` the message's row, of `read` the contact.
    pub row: Option<i64>,
    /// Of `group` its id.
    pub name: Option<String>,
}

/// Whose changes somebody may see.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangeScope {
    pub scope: Scope,
    /// One instance of it; none: all.
    pub instance: Option<InstanceId>,
}

impl ChangeScope {
    /// Whether a commit may concern whoever has this scope.
    pub fn is_concerned(&self, concerned: Concerned) -> bool {
        concerned.is_none_or(|account| self.scope.sees(account))
    }
}

/// The newest position; 0 before the first change.
pub fn newest(tx: &Tx<'_>) -> Result<i64, StoreError> {
    // The newest row is always kept.
    tx.one("SELECT coalesce(max(id), 0) FROM changes", [], |r| r.get(0))
}

/// What came after a position, oldest first, at most `limit` rows; none: that position is not known any more (or not
/// yet: an older backup was put back), and what was missed cannot be told.
pub fn after(
    tx: &Tx<'_>,
    whose: &ChangeScope,
    position: i64,
    limit: u32,
) -> Result<Option<Vec<LiveChange>>, StoreError> {
    let oldest = tx.find("SELECT id FROM changes ORDER BY id LIMIT 1", [], |r| r.get::<_, i64>(0))?;
    let newest = newest(tx)?;
    if position > newest || position < oldest.unwrap_or(newest + 1) - 1 {
        return Ok(None);
    }
    let found = tx.list(
        "SELECT id, instance_id, kind, row, name FROM changes
         WHERE id > ?1 AND (kind = 'access' OR ((?2 IS NULL OR account_id = ?2) AND (?3 IS NULL OR instance_id = ?3)))
         ORDER BY id LIMIT ?4",
        params![position, whose.scope, whose.instance, limit],
        |r| {
            // The table takes no other word.
            let kind = ChangeKind::parse(&r.get::<_, String>(2)?).unwrap_or(ChangeKind::Access);
            Ok(LiveChange { position: r.get(0)?, instance: r.get(1)?, kind, row: r.get(3)?, name: r.get(4)? })
        },
    )?;
    Ok(Some(found))
}

/// The newest position, and whom what came after `position` concerns.
pub(super) fn concerned(tx: &Tx<'_>, position: i64) -> Result<(i64, Vec<Concerned>), StoreError> {
    let all = tx.list("SELECT DISTINCT account_id FROM changes WHERE id > ?1", params![position], |r| r.get(0))?;
    Ok((newest(tx)?, all))
}

/// Notes a new pairing code, which lies in no table.
pub fn note_code(tx: &WriteTx<'_>, account: AccountId, instance: &InstanceId) -> Result<(), StoreError> {
    let sql = "INSERT INTO changes (account_id, instance_id, kind) VALUES (?1, ?2, 'qr')";
    tx.execute(sql, params![account, instance]).map(drop)
}

pub(super) fn expire(tx: &WriteTx<'_>) -> Result<usize, StoreError> {
    let last = newest(tx)? - KEPT;
    tx.execute("DELETE FROM changes WHERE id <= ?1", params![last])
}
