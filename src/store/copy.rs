//! Copies of SQLite files while somebody writes to them, and whether a copy is sound.
//!
//! The source is read by a connection of its own in one read transaction: writers go on, and the copy is the database
//! as of one commit. It works from another process as well, because WAL lets any number of them read.

use super::{StoreError, Tx, key, open};
use crate::model::percent::encode;
use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};
use std::{path::Path, time::Duration};

/// Pages copied at once; the number only bounds how long one call takes.
const PAGES: std::ffi::c_int = 4096;
/// How long a lock of somebody else's (a checkpoint, a connector's own transaction) is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether the file begins as SQLite's files do.
pub fn is_sqlite(head: &[u8]) -> bool {
    head.starts_with(b"SQLite format 3\0")
}

/// Whether SQLite takes the file for a database of its own, whoever uses it meanwhile.
///
/// # Errors
/// What keeps it from being read.
pub fn is_database(path: &Path) -> Result<bool, StoreError> {
    let looked = read_only(path)?.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
    match looked {
        Ok(()) => Ok(true),
        Err(e) if e.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => Ok(false),
        Err(e) => Err(open::refuse(path, &e)),
    }
}

/// Copies the SQLite database at `from`, ours or a connector's, as of now into the new file `to` (mode 0600).
///
/// # Errors
/// What keeps either file from being used.
pub fn snapshot(from: &Path, to: &Path) -> Result<(), StoreError> {
    let source = read_only(from)?;
    open::make_private(to)?;
    let mut target = Connection::open(to).map_err(|e| open::refuse(to, &e))?;
    // The copy is read back and synced as a part of something larger; its own journal would protect nothing.
    target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;").map_err(|e| open::refuse(to, &e))?;
    copy(&source, &mut target).map_err(|e| open::refuse(from, &e))
}

fn copy(source: &Connection, target: &mut Connection) -> Result<(), rusqlite::Error> {
    // Held to the end: without it each commit of the gateway would make the copy begin anew.
    source.execute_batch("BEGIN")?;
    source.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    let backup = Backup::new(source, target)?;
    loop {
        match backup.step(PAGES)? {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            // SQLite has waited for the lock already.
            _ => return Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(BUSY), None)),
        }
    }
}

/// SQLITE_BUSY.
const BUSY: std::ffi::c_int = 5;

/// Reads through all of a copy for damage, indexes included. Of a database that must be ours it also says whether this
/// program knows its schema.
///
/// # Errors
/// What SQLite found, in one line.
pub fn check_copy(path: &Path, ours: bool) -> Result<(), StoreError> {
    let connection = read_only(path)?;
    if ours {
        open::judge(&connection, path)?;
    }
    open::check(&connection, path, "integrity_check")
}

/// Reads through a copy that was made of somebody's database just now, for damage.
///
/// # Errors
/// What SQLite found, in one line.
pub fn check_copied(path: &Path) -> Result<(), StoreError> {
    open::check(&nobodys(path)?, path, "integrity_check")
}

/// Reads through a copy that was made of the gateway's database just now: that it is one (of whatever version), for damage,
/// and whether `key_file` is the key of its secrets (`is_elsewhere`: it lies outside the data directory). What fails here could
/// not be restored, or be of no use.
///
/// # Errors
/// What is wrong, in one line.
pub fn check_own_copy(path: &Path, key_file: &Path, is_elsewhere: bool) -> Result<(), StoreError> {
    let mut connection = nobodys(path)?;
    open::must_be_ours(&connection, path)?;
    open::check(&connection, path, "integrity_check")?;
    let view = connection.transaction()?;
    key::must_fit(&Tx::new(&view), key_file, is_elsewhere)
}

/// Reads the database at `path` as of now, whoever else has it open; for who looks and changes nothing.
///
/// # Errors
/// It cannot be opened, is not ours or of a newer version; the closure's own.
pub fn peek<T>(path: &Path, work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
    let mut connection = read_only(path)?;
    open::judge(&connection, path)?;
    let view = connection.transaction()?;
    work(&Tx::new(&view))
}

/// A copy that nobody else has open: without locks, and without files beside it that would outlive it.
fn nobodys(path: &Path) -> Result<Connection, StoreError> {
    let address = format!("file:{}?immutable=1", encode(&path.to_string_lossy()));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(address, flags).map_err(|e| open::refuse(path, &e))
}

fn read_only(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .and_then(|c| c.busy_timeout(PATIENCE).map(|()| c));
    connection.map_err(|e| open::refuse(path, &e))
}
