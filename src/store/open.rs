//! Opening the database file: the lock, whose file it is, its version, backups and migrations.
//!
//! A file is ours when it is new and empty or carries our application id. A newer schema than this program knows, a
//! foreign file and a damaged one are refused, untouched, with a line that says what would help.

use super::{
    StoreError,
    files::{beside, put},
    one_person, shrink, vault,
};
use crate::model::clock::Time;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, OpenFlags, Transaction};
use rusqlite_migration::{M, Migrations};
use std::{
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

/// All migrations, oldest first.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_foundation.sql"),
    include_str!("migrations/0002_inbound_webhooks.sql"),
    include_str!("migrations/0003_instance_secrets.sql"),
    include_str!("migrations/0004_second_factors.sql"),
    include_str!("migrations/0005_log_search.sql"),
    include_str!("migrations/0006_threecx.sql"),
    include_str!("migrations/0007_media_retention.sql"),
    include_str!("migrations/0008_chattu.sql"),
    include_str!("migrations/0009_cloud_api.sql"),
    include_str!("migrations/0010_digests.sql"),
    include_str!("migrations/0011_administration.sql"),
    include_str!("migrations/0012_changes.sql"),
    include_str!("migrations/0013_read_marks.sql"),
    include_str!("migrations/0014_former_secrets.sql"),
    include_str!("migrations/0015_one_person.sql"),
    include_str!("migrations/0016_key_check.sql"),
    include_str!("migrations/0017_judgements.sql"),
    include_str!("migrations/0018_key_scopes.sql"),
    include_str!("migrations/0019_echoes.sql"),
    include_str!("migrations/0020_client_ids.sql"),
];

/// The step to this schema is more than its SQL: what is done after it, in its transaction.
const ONE_PERSON: usize = 15;

/// The newest schema that this program knows.
pub const SCHEMA_VERSION: usize = MIGRATIONS.len();

/// How long a lock of somebody else's on the file is waited for.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Checkpoint after this many pages of 4 KiB: at most 16 MB to replay after a crash, which takes a few milliseconds.
const CHECKPOINT_PAGES: u32 = 4000;

/// A data directory's lock; ends with this value.
pub(super) struct DirLock(File);

impl DirLock {
    /// Whether the lock in `data_dir` is still this one: a file that lost its name locks nobody out.
    pub(super) fn is_at(&self, data_dir: &Path) -> bool {
        let named = std::fs::metadata(data_dir.join(LOCK));
        let id = |m: &std::fs::Metadata| (m.dev(), m.ino());
        matches!((named, self.0.metadata()), (Ok(named), Ok(ours)) if id(&named) == id(&ours))
    }
}

impl Drop for DirLock {
    fn drop(&mut self) {
        // Closing is not enough: a process that is just being started still has a copy of the file, until it becomes
        // another program, and would hold the lock that long.
        let _ = rustix::fs::flock(&self.0, rustix::fs::FlockOperation::Unlock);
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
    Ok(DirLock(file))
}

/// The writer's connection, judged and migrated.
pub(super) fn writer_connection(path: &Path, now: Time) -> Result<Connection, StoreError> {
    must_not_be_remains(path)?;
    make_private(path)?;
    keep_private(path);
    let mut connection = Connection::open(path).map_err(|e| refuse(path, &e))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(|e| refuse(path, &e))?;
    let version = judge(&connection, path)?;
    if version == 0 {
        // Only a file without tables takes it: what is deleted is given back to the disk (shrink.rs).
        connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL").map_err(|e| refuse(path, &e))?;
    }
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA secure_delete = ON;
             PRAGMA cache_size = -8000;
             PRAGMA temp_store = MEMORY;
             PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES};
             PRAGMA journal_size_limit = 33554432;"
        ))
        .map_err(|e| refuse(path, &e))?;
    migrate(&mut connection, path, MIGRATIONS, version, now)?;
    shrink::rewrite_if_old(&connection);
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
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

/// Read-only connections for the pool.
pub(super) fn reader_manager(path: &Path) -> SqliteConnectionManager {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    SqliteConnectionManager::file(path).with_flags(flags).with_init(|c| {
        c.busy_timeout(Duration::from_secs(5))?;
        c.set_prepared_statement_cache_capacity(64);
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
    if application != i64::from(APPLICATION_ID) {
        return refused("this is not a wa-gateway database; choose another data directory".into());
    }
    if version > SCHEMA_VERSION {
        return refused(format!(
            "the database has schema {version}, this program knows up to {SCHEMA_VERSION}: install the newer \
             wa-gateway again, or {}",
            way_back(path)
        ));
    }
    Ok(version)
}

/// How to go back to the file as it was before a newer program stepped it up: commands to be run as they stand.
fn way_back(path: &Path) -> String {
    let dir = path.parent().unwrap_or(Path::new("."));
    let prefix = backup_prefix(SCHEMA_VERSION + 1);
    let entries = std::fs::read_dir(dir.join("backups")).into_iter().flatten().flatten();
    let names = entries.map(|e| e.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|n| n.starts_with(&prefix) && n.ends_with(".db")).collect();
    names.sort();
    // An earlier version wrote them in place: one that a crash cut off is none.
    match names.into_iter().rev().find(|name| check_file(&dir.join("backups").join(name)).is_ok()) {
        Some(name) => format!(
            "go back to the database as it was before the upgrade, without what came after it: \
             cd {:?} && mkdir newer && mv {FILE_NAME}* newer/ && cp -p backups/{name} {FILE_NAME}",
            dir.display().to_string()
        ),
        None => "restore a backup that was made before the upgrade into an empty directory".into(),
    }
}

fn backup_prefix(to: usize) -> String {
    format!("before-schema-{to}-")
}

/// Steps up one version at a time, each behind a backup of the file as it was. A new file has nothing to back up.
fn migrate(
    connection: &mut Connection,
    path: &Path,
    steps: &[&'static str],
    from: usize,
    now: Time,
) -> Result<(), StoreError> {
    let step = |(at, sql): (usize, &&'static str)| match at + 1 {
        ONE_PERSON => M::up_with_hook(sql, move |tx: &Transaction<'_>| Ok(one_person::merge(tx, now)?)),
        _ => M::up(sql),
    };
    let migrations = Migrations::new(steps.iter().enumerate().map(step).collect());
    for to in from + 1..=steps.len() {
        if from > 0 {
            back_up(connection, path, to, now)?;
            tracing::info!(
                from = to - 1,
                to,
                "the database is taken to a newer schema; a copy as it was is in backups/"
            );
        }
        migrations.to_version(connection, to).map_err(|e| StoreError::Unusable {
            path: path.to_owned(),
            problem: format!("the step to schema {to} failed and was taken back: {e}"),
        })?;
    }
    Ok(())
}

fn back_up(connection: &Connection, path: &Path, to: usize, now: Time) -> Result<(), StoreError> {
    let dir = path.with_file_name("backups");
    if !dir.exists() {
        DirBuilder::new().mode(0o700).create(&dir).map_err(|e| unusable(&dir, &e))?;
    }
    let target = dir.join(format!("{}{}.db", backup_prefix(to), now.timestamp().strftime("%Y%m%dT%H%M%SZ")));
    let failed = |e: &dyn std::fmt::Display| StoreError::Unusable {
        path: target.clone(),
        problem: format!("no backup could be made: {e}"),
    };
    sweep_copies(&dir);
    let part = beside(&target);
    make_private(&part)?;
    let copied = connection.backup("main", &part, None).map_err(|e| failed(&e));
    copied.and_then(|()| put(&part, &target).map_err(|e| failed(&e))).inspect_err(|_| drop(std::fs::remove_file(&part)))
}

/// Removes what a kill in the middle of a copy left; the directory is ours, so nobody else is making one.
fn sweep_copies(dir: &Path) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with("before-schema-") && name.to_string_lossy().ends_with(".part") {
            let _ = std::fs::remove_file(entry.path());
        }
    }
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

fn unusable(path: &Path, e: &std::io::Error) -> StoreError {
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
        let copy = held.0.try_clone().expect("a copy");
        assert!(matches!(lock(dir.path()), Err(StoreError::Locked { .. })));
        drop(held);
        lock(dir.path()).map(drop).expect("free again");
        drop(copy);
    }
    use std::path::PathBuf;
    use tempfile::TempDir;

    const GOOD: &str = "CREATE TABLE later (x INTEGER NOT NULL) STRICT; INSERT INTO later VALUES (1);";
    const BROKEN: &str = "CREATE TABLE later (x INTEGER NOT NULL) STRICT; INSERT INTO no_such_table VALUES (1);";

    fn now() -> Time {
        Time::parse("2026-06-01T08:00:00Z").expect("a time")
    }

    /// A database of today with a row in it.
    fn today() -> (TempDir, PathBuf, Connection) {
        let dir = TempDir::new().expect("a directory");
        let path = dir.path().join(FILE_NAME);
        let connection = writer_connection(&path, now()).expect("a database");
        connection.execute("INSERT INTO jobs (name, due_at) VALUES ('kept', 7)", []).expect("a row");
        (dir, path, connection)
    }

    fn with(step: &'static str) -> Vec<&'static str> {
        MIGRATIONS.iter().copied().chain([step]).collect()
    }

    fn number(connection: &Connection, sql: &str) -> i64 {
        connection.query_row(sql, [], |r| r.get(0)).expect(sql)
    }

    fn backups(path: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(path.with_file_name("backups"));
        entries.map(|all| all.map(|e| e.expect("an entry").path()).collect()).unwrap_or_default()
    }

    #[test]
    fn a_new_database_needs_no_backup() {
        let (_dir, path, connection) = today();
        assert_eq!(number(&connection, "PRAGMA user_version"), i64::try_from(SCHEMA_VERSION).expect("a number"));
        assert_eq!(backups(&path), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_step_is_taken_behind_a_backup_of_the_file_as_it_was() {
        use std::os::unix::fs::MetadataExt;
        let (_dir, path, mut connection) = today();
        migrate(&mut connection, &path, &with(GOOD), SCHEMA_VERSION, now()).expect("the step");
        assert_eq!(number(&connection, "SELECT count(*) FROM later"), 1);
        assert_eq!(number(&connection, "SELECT due_at FROM jobs WHERE name = 'kept'"), 7);
        let made = backups(&path);
        let [backup] = &made[..] else { panic!("one backup: {made:?}") };
        let expected = format!("before-schema-{}-20260601T080000Z.db", SCHEMA_VERSION + 1);
        assert_eq!(backup.file_name().expect("a name"), expected.as_str());
        assert_eq!(std::fs::metadata(backup).expect("it is there").mode() & 0o777, 0o600);
        check_file(backup).expect("this version can open the backup");
        let old = Connection::open(backup).expect("the backup");
        assert_eq!(number(&old, "SELECT due_at FROM jobs WHERE name = 'kept'"), 7);
        assert_eq!(number(&old, "SELECT count(*) FROM sqlite_schema WHERE name = 'later'"), 0);
        // And this version refuses what the step left, with the way back.
        drop(connection);
        let refused = writer_connection(&path, now()).expect_err("a newer schema").to_string();
        let commands = refused.split("after it: ").nth(1).expect("commands");
        let done = std::process::Command::new("sh").args(["-ec", commands]).status().expect("a shell");
        assert!(done.success(), "{commands}");
        let back = writer_connection(&path, now()).expect("this version's own database again");
        assert_eq!(number(&back, "SELECT due_at FROM jobs WHERE name = 'kept'"), 7);
        assert!(path.with_file_name("newer").join(FILE_NAME).exists(), "the newer one is kept");
    }

    #[test]
    fn a_step_that_fails_is_taken_back_whole_and_can_be_tried_again() {
        let (_dir, path, mut connection) = today();
        let failed = migrate(&mut connection, &path, &with(BROKEN), SCHEMA_VERSION, now());
        let line = failed.expect_err("it fails").to_string();
        assert!(line.contains("was taken back") && line.contains("no_such_table"), "{line}");
        assert_eq!(number(&connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'later'"), 0);
        assert_eq!(number(&connection, "PRAGMA user_version"), i64::try_from(SCHEMA_VERSION).expect("a number"));
        migrate(&mut connection, &path, &with(GOOD), SCHEMA_VERSION, now()).expect("the step, mended");
        assert_eq!(number(&connection, "SELECT due_at FROM jobs WHERE name = 'kept'"), 7);
    }

    #[test]
    fn without_a_backup_there_is_no_step() {
        let (_dir, path, mut connection) = today();
        std::fs::write(path.with_file_name("backups"), "no folder").expect("a file in its place");
        migrate(&mut connection, &path, &with(GOOD), SCHEMA_VERSION, now()).expect_err("no backup, no step");
        assert_eq!(number(&connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'later'"), 0);
    }
}
