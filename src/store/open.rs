//! Opening the database file: the lock, whose file it is, its version.
//!
//! A file is ours when it is new and empty or carries our application id. A newer schema than this program knows, a
//! foreign file and a damaged one are refused, untouched, with a line that says what would help.

use super::{
    StoreError, engine,
    migrate::{self, MIGRATIONS, SCHEMA_VERSION},
    shrink, vault,
};
use crate::model::{aside::give_way, clock::Time};
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, OpenFlags, config::DbConfig, hooks::Wal};
use std::{
    cell::Cell,
    ffi::c_int,
    fs::{DirBuilder, File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
    time::Duration,
};

/// The database's file in the data directory.
pub const FILE_NAME: &str = "wa-gateway.db";

/// "WAgw": marks a file as ours (SQLite's application_id); the first migration sets it.
const APPLICATION_ID: i32 = 0x5741_6777;

/// How long a lock of somebody else's on the file is waited for.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Checkpoint after this many pages of 4 KiB: at most 16 MB to replay after a crash, which takes a few milliseconds.
const CHECKPOINT_PAGES: c_int = 4000;

/// After so many steps of SQLite's machine a reader gives way: about a tenth of a millisecond.
const GIVES_WAY_AFTER: c_int = 1000;

thread_local! {
    /// How many pages the log held after the last commit of this thread, and at how many it is moved into the file next.
    static LOG: Cell<(c_int, c_int)> = const { Cell::new((0, CHECKPOINT_PAGES)) };
}

/// Whether the log stays beside the file when its last connection is closed.
const NO_MOVE_AT_CLOSE: DbConfig = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;

/// A data directory's lock; ends with this value.
pub(super) struct DirLock {
    file: File,
    /// Device and inode of it.
    id: (u64, u64),
}

impl DirLock {
    /// Whether the lock in `data_dir` is still this one: a file that lost its name locks nobody out.
    pub(super) fn is_at(&self, data_dir: &Path) -> bool {
        std::fs::metadata(data_dir.join(LOCK)).is_ok_and(|named| (named.dev(), named.ino()) == self.id)
    }
}

impl Drop for DirLock {
    fn drop(&mut self) {
        // Closing is not enough: a process that is just being started still has a copy of the file, until it becomes
        // another program, and would hold the lock that long.
        let _ = rustix::fs::flock(&self.file, rustix::fs::FlockOperation::Unlock);
    }
}

/// Takes the directory's lock, making the directory (0700) where it is missing.
pub(super) fn lock(data_dir: &Path) -> Result<DirLock, StoreError> {
    let unusable = |e: std::io::Error| unusable(data_dir, &e);
    if !data_dir.exists() {
        DirBuilder::new().recursive(true).mode(0o700).create(data_dir).map_err(unusable)?;
    }
    lock_in(data_dir)
}

/// Takes the lock of a directory that is there.
pub(super) fn lock_in(data_dir: &Path) -> Result<DirLock, StoreError> {
    // Its file may be removed between opening and locking it.
    for _ in 0..LOCK_TRIES {
        let lock = lock_once(data_dir)?;
        if lock.is_at(data_dir) {
            return Ok(lock);
        }
    }
    let problem = "its lock file goes away again and again: what removes it?".into();
    Err(StoreError::Unusable { path: data_dir.join(LOCK), problem })
}

const LOCK: &str = "lock";
const LOCK_TRIES: usize = 10;

fn lock_once(data_dir: &Path) -> Result<DirLock, StoreError> {
    let unusable = |e: std::io::Error| unusable(data_dir, &e);
    let path = data_dir.join(LOCK);
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(unusable)?;
    if rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
        let mut pid = String::new();
        let _ = file.read_to_string(&mut pid);
        let pid = if pid.trim().is_empty() { "?".into() } else { pid.trim().to_owned() };
        return Err(StoreError::Locked { path: data_dir.to_owned(), pid });
    }
    // Only for the message above; the lock itself is the kernel's and ends with the process.
    let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
    let m = file.metadata().map_err(unusable)?;
    Ok(DirLock { id: (m.dev(), m.ino()), file })
}

/// The writer's connection, judged and migrated.
pub(super) fn writer_connection(path: &Path, now: Time) -> Result<Connection, StoreError> {
    must_not_be_remains(path)?;
    make_private(path)?;
    keep_private(path);
    let opened = match engine::vfs() {
        Some(vfs) => Connection::open_with_flags_and_vfs(path, OpenFlags::default(), vfs),
        None => Connection::open(path),
    };
    let mut connection = opened.map_err(|e| refuse(path, &e))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(|e| refuse(path, &e))?;
    // What is refused is left as it is: its log, too, would else be moved into it when the connection is closed.
    connection.set_db_config(NO_MOVE_AT_CLOSE, true).map_err(|e| refuse(path, &e))?;
    let version = judge(&connection, path)?;
    if version == 0 {
        // Only a file without tables takes it: what is deleted is given back to the disk (shrink.rs).
        connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL").map_err(|e| refuse(path, &e))?;
    }
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA secure_delete = ON;
             PRAGMA cache_size = -8000;
             PRAGMA temp_store = MEMORY;
             PRAGMA journal_size_limit = 33554432;",
        )
        .map_err(|e| refuse(path, &e))?;
    connection.wal_hook(Some(move_log));
    migrate::migrate(&mut connection, path, MIGRATIONS, version, now)?;
    shrink::rewrite_if_old(&connection);
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

/// Moves the log into the file after each [`CHECKPOINT_PAGES`] that came to it. SQLite's own rule is at every commit from so
/// many on, which comes to the same as long as the log begins anew each time; where somebody reads it all the time, as
/// Litestream does, it goes on, and each commit would pay for two.
fn move_log(log: &Wal, pages: c_int) -> rusqlite::Result<()> {
    let (is_due, state) = after_commit(pages, LOG.get());
    LOG.set(state);
    if is_due {
        // What cannot be moved now is moved later; the commit holds.
        let _ = log.checkpoint();
    }
    Ok(())
}

/// Whether the log is moved after a commit that left it with so many pages, and what is remembered.
const fn after_commit(pages: c_int, (last, next): (c_int, c_int)) -> (bool, (c_int, c_int)) {
    // It has begun anew.
    let next = if pages < last { CHECKPOINT_PAGES } else { next };
    if pages < next { (false, (pages, next)) } else { (true, (pages, pages.saturating_add(CHECKPOINT_PAGES))) }
}

/// From now on the log is moved into the file when this connection, the last one, is closed.
pub(super) fn move_log_at_close(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(NO_MOVE_AT_CLOSE, false).map(drop)
}

/// A database that is missing or empty is new only where nothing else is: beside a log, a key, files or a half restore
/// it was lost, and a new one would bury what is left of it.
fn must_not_be_remains(path: &Path) -> Result<(), StoreError> {
    let refused =
        |path: &Path, problem: &str| Err(StoreError::Unusable { path: path.to_owned(), problem: problem.to_owned() });
    let dir = path.parent().unwrap_or(Path::new("."));
    let stage = dir.join(RESTORE_STAGE);
    if stage.exists() {
        return refused(
            &stage,
            "a restore did not come to its end here: run `wa-gateway restore` again, which begins anew",
        );
    }
    let _ = std::fs::remove_dir_all(dir.join(RESTORED_STAGE));
    if std::fs::metadata(path).is_ok_and(|m| m.len() > 0) {
        return Ok(());
    }
    let log = path.with_file_name(format!("{FILE_NAME}-wal"));
    let holds = |path: &Path| match std::fs::metadata(path) {
        Ok(m) if m.is_dir() => std::fs::read_dir(path).is_ok_and(|mut all| all.next().is_some()),
        Ok(m) => m.len() > 0,
        Err(_) => false,
    };
    let left = [log, dir.join(vault::FILE_NAME), dir.join("sandbox"), dir.join("media"), dir.join("backups")];
    match left.iter().find(|path| holds(path)) {
        None => Ok(()),
        Some(left) => refused(
            path,
            &format!(
                "the database is missing or empty, but {} is there: this is no new directory. Put the database back, or \
                 restore a backup into an empty directory; nothing was changed",
                left.display()
            ),
        ),
    }
}

/// Where a restore puts what it has not judged yet.
pub const RESTORE_STAGE: &str = ".restoring";
/// What is left of it when all is in its place.
pub const RESTORED_STAGE: &str = ".restored";
/// Is there from a restore until the first start after it; holds when the backup was made.
pub const RESTORED_AT: &str = "restored-at";

/// A copy that somebody put back may be open to others: it is ours alone.
fn keep_private(path: &Path) {
    for end in ["", "-wal", "-shm"] {
        let file = path.with_file_name(format!("{FILE_NAME}{end}"));
        let Ok(m) = std::fs::metadata(&file) else { continue };
        if m.mode() & 0o077 != 0 {
            tracing::warn!("{} could be read by others (mode {:o}); now it cannot", file.display(), m.mode() & 0o777);
            let _ = std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600));
        }
    }
}

/// Read-only connections for the pool. However much one reads, its thread gives way to those of messages.
pub(super) fn reader_manager(path: &Path) -> SqliteConnectionManager {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    SqliteConnectionManager::file(path).with_flags(flags).with_init(|c| {
        c.busy_timeout(Duration::from_secs(5))?;
        c.set_prepared_statement_cache_capacity(64);
        let goes_on = || {
            give_way();
            false
        };
        c.progress_handler(GIVES_WAY_AFTER, Some(goes_on))?;
        c.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -2000; PRAGMA temp_store = MEMORY;")
    })
}

/// Reads through the whole file at `path` for damage. Slow on a large one; for `doctor` and restore.
///
/// # Errors
/// What [`Store::open`](super::Store::open) would say, or what SQLite found, in one line.
pub fn check_file(path: &Path) -> Result<(), StoreError> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|e| refuse(path, &e))?;
    judge(&connection, path)?;
    check(&connection, path, "quick_check")
}

/// `pragma` is quick_check or integrity_check.
pub(super) fn check(connection: &Connection, path: &Path, pragma: &str) -> Result<(), StoreError> {
    let asked = connection.query_row(&format!("PRAGMA {pragma}(1)"), [], |r| r.get(0));
    let found: String = asked.map_err(|e| refuse(path, &e))?;
    if found == "ok" {
        return Ok(());
    }
    Err(StoreError::Unusable { path: path.to_owned(), problem: format!("{DAMAGED} ({})", found.replace('\n', " ")) })
}

/// Whether it says that it is a gateway's.
pub(super) fn must_be_ours(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let asked = connection.query_row("PRAGMA application_id", [], |r| r.get::<_, i64>(0));
    if asked.map_err(|e| refuse(path, &e))? == i64::from(APPLICATION_ID) {
        return Ok(());
    }
    let problem = "this is not a wa-gateway database; choose another data directory".into();
    Err(StoreError::Unusable { path: path.to_owned(), problem })
}

/// Whose file this is and of which version. Changes nothing.
pub(super) fn judge(connection: &Connection, path: &Path) -> Result<usize, StoreError> {
    let number = |sql: &str| connection.query_row(sql, [], |r| r.get::<_, i64>(0)).map_err(|e| refuse(path, &e));
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    let application = number("PRAGMA application_id")?;
    let version = usize::try_from(number("PRAGMA user_version")?).unwrap_or(usize::MAX);
    if tables == 0 && application == 0 && version == 0 {
        return Ok(0);
    }
    let refused = |problem: String| Err(StoreError::Unusable { path: path.to_owned(), problem });
    must_be_ours(connection, path)?;
    if version > SCHEMA_VERSION {
        return refused(format!(
            "the database has schema {version}, this program knows up to {SCHEMA_VERSION}: install the newer \
             wa-gateway again, or {}",
            migrate::way_back(path)
        ));
    }
    Ok(version)
}

/// Makes the file with mode 0600 before SQLite would make it with the process's umask.
pub(super) fn make_private(path: &Path) -> Result<(), StoreError> {
    if path.exists() {
        return Ok(());
    }
    let made = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path);
    made.map(drop).map_err(|e| unusable(path, &e))
}

const DAMAGED: &str =
    "the database file is damaged: restore a backup (wa-gateway restore FILE); the file was not changed";

pub(super) fn refuse(path: &Path, e: &rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode::{CannotOpen, DatabaseCorrupt, NotADatabase, ReadOnly};
    let problem = match e.sqlite_error_code() {
        Some(DatabaseCorrupt) => DAMAGED.into(),
        Some(NotADatabase) => {
            "this is no SQLite file, or its first page is damaged: restore a backup or choose another data directory; \
             the file was not changed"
                .into()
        }
        Some(CannotOpen | ReadOnly) => "cannot be written: check the owner and the free space of its directory".into(),
        _ => e.to_string(),
    };
    StoreError::Unusable { path: path.to_owned(), problem }
}

pub(super) fn unusable(path: &Path, e: &std::io::Error) -> StoreError {
    let problem = match e.kind() {
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            format!("cannot be written by this user ({e}): run as its owner or choose another --data-dir")
        }
        _ => e.to_string(),
    };
    StoreError::Unusable { path: path.to_owned(), problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_with_its_value_whoever_has_a_copy_of_its_file() {
        let dir = tempfile::TempDir::new().expect("a directory");
        let held = lock(dir.path()).expect("free");
        let copy = held.file.try_clone().expect("a copy");
        assert!(matches!(lock(dir.path()), Err(StoreError::Locked { .. })));
        drop(held);
        lock(dir.path()).map(drop).expect("free again");
        drop(copy);
    }

    #[test]
    fn a_log_that_somebody_reads_all_the_time_is_not_moved_at_each_commit() {
        let mut state = (0, CHECKPOINT_PAGES);
        let mut is_due = |pages| {
            let (is_due, after) = after_commit(pages, state);
            state = after;
            is_due
        };
        let told = [(3999, false), (4000, true), (4001, false), (7999, false), (8003, true), (8004, false)];
        for (pages, due) in told {
            assert_eq!(is_due(pages), due, "{pages}");
        }
        // It began anew, once small and once with one large commit.
        assert!(!is_due(3) && !is_due(3999) && is_due(4100));
        assert!(is_due(4050), "smaller than before: another log");
    }
}
