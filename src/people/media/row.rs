//! The files' rows.

use super::{Stored, sniff};
use crate::{
    model::{
        clock::Time,
        ids::{AccountId, InstanceId, KeyId, LogId},
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::{Row, params};
use std::time::Duration;

/// A file to be noted.
pub struct NewMedia<'a> {
    pub account: AccountId,
    /// Over which instance it came or goes.
    pub instance: &'a InstanceId,
    /// The message that it belongs to.
    pub of: Of,
    /// image, video, audio, document or sticker.
    pub kind: &'a str,
    /// As it was declared.
    pub declared_type: &'a str,
    pub file_name: Option<&'a str>,
    /// Where its bytes are.
    pub content: FileContent<'a>,
}

/// The message that a file belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Of {
    /// A row of the inbound messages.
    Inbound(i64),
    /// A row of the log.
    Outbound(LogId),
}

/// Where a file's bytes are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileContent<'a> {
    Stored(&'a Stored),
    /// At the provider, under this handle, and so large as it says.
    Pending(&'a str, Option<u64>),
    /// Nowhere, and why.
    Failed(&'a str),
}

/// A file, as its row tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredFile {
    pub id: i64,
    pub account: AccountId,
    /// Over which instance.
    pub instance: InstanceId,
    /// image, video, audio, document or sticker.
    pub kind: String,
    /// As it was declared.
    pub declared_type: String,
    /// What its bytes say.
    pub sniffed_type: Option<String>,
    pub file_name: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
    /// stored, pending, failed, removed.
    pub state: String,
    /// Below the folder.
    pub path: Option<String>,
    /// The provider's.
    pub handle: Option<String>,
    /// How often it was tried to be had.
    pub attempts: u32,
}

const COLUMNS: &str = "id, account_id, instance_id, kind, declared_type, sniffed_type, file_name, size, state, path, \
                       handle, attempts";

/// Notes a file; returns its number.
pub fn record(tx: &WriteTx<'_>, new: &NewMedia<'_>, now: Time) -> Result<i64, StoreError> {
    let (inbound, log) = match new.of {
        Of::Inbound(id) => (Some(id), None),
        Of::Outbound(id) => (None, Some(id)),
    };
    let stored = if let FileContent::Stored(stored) = new.content { Some(stored) } else { None };
    let (state, size, handle, problem) = match new.content {
        FileContent::Stored(stored) => ("stored", Some(stored.size), None, None),
        FileContent::Pending(handle, size) => ("pending", size, Some(handle), None),
        FileContent::Failed(problem) => ("failed", None, None, Some(problem)),
    };
    tx.insert(
        "INSERT INTO media (account_id, instance_id, inbound_id, log_id, kind, declared_type, sniffed_type, file_name,
             size, sha256, state, path, handle, due_at, problem, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        params![
            new.account,
            new.instance,
            inbound,
            log,
            new.kind,
            new.declared_type,
            stored.and_then(|s| sniff::refine(s.sniffed, new.declared_type)),
            new.file_name,
            size,
            stored.map(|s| &s.sha256),
            state,
            stored.map(|s| &s.path),
            handle,
            handle.map(|_| now),
            problem,
            now,
        ],
    )
}

/// A pending file is here.
pub(super) fn arrived(tx: &WriteTx<'_>, item: &StoredFile, stored: &Stored) -> Result<bool, StoreError> {
    let sniffed = sniff::refine(stored.sniffed, &item.declared_type);
    let changed = tx.execute(
        "UPDATE media SET state = 'stored', sniffed_type = ?2, size = ?3, sha256 = ?4, path = ?5, handle = NULL,
             due_at = NULL, problem = NULL, attempts = attempts + 1
         WHERE id = ?1 AND state = 'pending'",
        params![item.id, sniffed, stored.size, stored.sha256, stored.path],
    )?;
    Ok(changed > 0)
}

/// A pending file did not come: it is tried again at `again`, or never.
pub(super) fn missed(tx: &WriteTx<'_>, id: i64, problem: &str, again: Option<Time>) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE media SET attempts = attempts + 1, problem = ?2, due_at = ?3,
             state = CASE WHEN ?3 IS NULL THEN 'failed' ELSE 'pending' END,
             handle = CASE WHEN ?3 IS NULL THEN NULL ELSE handle END
         WHERE id = ?1 AND state = 'pending'",
        params![id, problem, again],
    )?;
    Ok(())
}

/// A file by its number.
pub fn find(tx: &Tx<'_>, id: i64) -> Result<Option<StoredFile>, StoreError> {
    tx.find(&format!("SELECT {COLUMNS} FROM media WHERE id = ?1"), params![id], read)
}

/// The file of a message, if it has one.
pub fn find_of(tx: &Tx<'_>, of: Of) -> Result<Option<StoredFile>, StoreError> {
    let (column, id) = match of {
        Of::Inbound(id) => ("inbound_id", id),
        Of::Outbound(id) => ("log_id", id.0),
    };
    tx.find(&format!("SELECT {COLUMNS} FROM media WHERE {column} = ?1 LIMIT 1"), params![id], read)
}

/// Whether this key of this account may see files of an instance.
pub fn may_see(tx: &Tx<'_>, item: &StoredFile, account: AccountId, key: KeyId) -> Result<bool, StoreError> {
    if item.account != account {
        return Ok(false);
    }
    tx.one(
        "SELECT NOT EXISTS (SELECT 1 FROM api_key_instances WHERE key_id = ?1)
             OR EXISTS (SELECT 1 FROM api_key_instances WHERE key_id = ?1 AND instance_id = ?2)",
        params![key, item.instance],
        |r| r.get(0),
    )
}

/// A file that waits for longer than the pause after its tries is due: a clock that was ahead has put it off.
pub(super) fn believe_no_future(tx: &WriteTx<'_>, pauses: &[Duration], now: Time) -> Result<(), StoreError> {
    let waiting =
        tx.list("SELECT id, attempts, due_at FROM media WHERE state = 'pending' AND due_at > ?1", params![now], |r| {
            Ok((r.get::<_, i64>(0)?, r.get::<_, usize>(1)?, r.get::<_, Time>(2)?))
        })?;
    for (id, attempts, due) in waiting {
        let pause = attempts.checked_sub(1).and_then(|n| pauses.get(n)).copied().unwrap_or_default();
        if now.left(due, pause).is_none() {
            tx.execute("UPDATE media SET due_at = ?2 WHERE id = ?1", params![id, now])?;
        }
    }
    Ok(())
}

/// Pending files that are due, oldest first, at most `most`.
pub(super) fn due(tx: &Tx<'_>, now: Time, most: u32) -> Result<Vec<StoredFile>, StoreError> {
    tx.list(
        &format!("SELECT {COLUMNS} FROM media WHERE state = 'pending' AND due_at <= ?1 ORDER BY due_at LIMIT ?2"),
        params![now, most],
        read,
    )
}

/// When the next pending file is due.
pub(super) fn next_due(tx: &Tx<'_>) -> Result<Option<Time>, StoreError> {
    tx.one("SELECT min(due_at) FROM media WHERE state = 'pending'", [], |r| r.get(0))
}

/// Which of these paths have a row.
pub(super) fn has_path(tx: &Tx<'_>, path: &str) -> Result<bool, StoreError> {
    tx.one("SELECT EXISTS (SELECT 1 FROM media WHERE path = ?1)", params![path], |r| r.get(0))
}

/// Takes the path out of a row: its file is about to be removed. The row stays, and says why.
pub(super) fn removed(tx: &WriteTx<'_>, id: i64, why: &str, now: Time) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE media SET state = 'removed', path = NULL, handle = NULL, due_at = NULL, problem = ?2, removed_at = ?3
         WHERE id = ?1",
        params![id, why, now],
    )?;
    Ok(())
}

/// Stored files from before `before`, oldest first: number and path.
pub(super) fn older(tx: &Tx<'_>, before: Time, most: u32) -> Result<Vec<(i64, String)>, StoreError> {
    tx.list(
        "SELECT id, path FROM media WHERE state = 'stored' AND created_at < ?1 ORDER BY created_at LIMIT ?2",
        params![before, most],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )
}

/// Bytes of all stored files.
pub(super) fn total(tx: &Tx<'_>) -> Result<u64, StoreError> {
    tx.one("SELECT coalesce(sum(size), 0) FROM media WHERE state = 'stored'", [], |r| r.get(0))
}

fn read(r: &Row<'_>) -> rusqlite::Result<StoredFile> {
    Ok(StoredFile {
        id: r.get(0)?,
        account: r.get(1)?,
        instance: r.get(2)?,
        kind: r.get(3)?,
        declared_type: r.get(4)?,
        sniffed_type: r.get(5)?,
        file_name: r.get(6)?,
        size: r.get(7)?,
        state: r.get(8)?,
        path: r.get(9)?,
        handle: r.get(10)?,
        attempts: r.get(11)?,
    })
}
