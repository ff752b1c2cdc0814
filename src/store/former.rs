//! Copies of the database as it was before a newer program took it to its schema: the way back, for a time.
//!
//! They hold everybody's messages and numbers, also those that were deleted or erased since. So there is one for an upgrade,
//! however many steps it has, and it goes after [`KEPT_DAYS`].

use super::{
    StoreError,
    files::{beside, put},
    open::{check_file, make_private, unusable},
};
use crate::model::clock::Time;
use rusqlite::Connection;
use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// For so many days an upgrade can be taken back to the copy before it.
pub const KEPT_DAYS: u32 = 14;

const FOLDER: &str = "backups";
const BEGINS: &str = "before-schema-";
const STAMP: &str = "%Y%m%dT%H%M%SZ";

/// What a copy before the step to schema `to` is called before its time.
pub(super) fn prefix(to: usize) -> String {
    format!("{BEGINS}{to}-")
}

/// Copies the database at `path` before it is taken to schema `to` and those after it; where the copy lies. It takes the
/// place of what was copied before the same step: that step was not taken, or taken back.
pub(super) fn back_up(connection: &Connection, path: &Path, to: usize, now: Time) -> Result<PathBuf, StoreError> {
    let dir = path.with_file_name(FOLDER);
    if !dir.is_dir() {
        DirBuilder::new().mode(0o700).create(&dir).map_err(|e| match e.kind() {
            std::io::ErrorKind::AlreadyExists => StoreError::Unusable {
                path: dir.clone(),
                problem:
                    "this is no folder, and the copy before the upgrade belongs into one: move it away; nothing was \
                          changed"
                        .into(),
            },
            _ => unusable(&dir, &e),
        })?;
    }
    sweep(&dir);
    let target = dir.join(format!("{}{}.db", prefix(to), now.timestamp().strftime(STAMP)));
    has_room(connection, &dir, room(&dir))?;
    let failed = |e: &dyn std::fmt::Display| StoreError::Unusable {
        path: target.clone(),
        problem: format!("no backup could be made: {e}"),
    };
    let part = beside(&target);
    make_private(&part)?;
    let copied = connection.backup("main", &part, None).map_err(|e| failed(&e));
    let done = copied.and_then(|()| put(&part, &target).map_err(|e| failed(&e)));
    done.inspect_err(|_| drop(fs::remove_file(&part)))?;
    replace_earlier(&dir, &prefix(to), &target);
    Ok(target)
}

/// Removes earlier copies before the same step, when the new one is sound.
fn replace_earlier(dir: &Path, prefix: &str, target: &Path) {
    let mut earlier = found(dir);
    earlier.retain(|(name, file)| name.starts_with(prefix) && file != target);
    if earlier.is_empty() {
        return;
    }
    let sound = check_file(target);
    remove_log(target);
    if sound.is_ok() {
        for (_, file) in earlier {
            let _ = fs::remove_file(&file);
            remove_log(&file);
        }
    }
}

/// SQLite leaves an empty log beside a copy that was looked into.
fn remove_log(copy: &Path) {
    for end in ["-wal", "-shm"] {
        let mut name = copy.file_name().unwrap_or_default().to_owned();
        name.push(end);
        let _ = fs::remove_file(copy.with_file_name(name));
    }
}

/// What an upgrade must leave free, in bytes.
const ROOM: u64 = 4 << 20;

/// Free bytes of a folder's disk, where the system tells them.
fn room(dir: &Path) -> Option<u64> {
    rustix::fs::statvfs(dir).ok().map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// There must be room for the copy, for the log of all that the steps change, and for what they add.
fn has_room(connection: &Connection, dir: &Path, free: Option<u64>) -> Result<(), StoreError> {
    let number = |name| connection.query_row(&format!("PRAGMA {name}"), [], |r| r.get::<_, u64>(0));
    let needed = number("page_count")?.saturating_mul(number("page_size")?).saturating_mul(3).saturating_add(ROOM);
    match free {
        Some(free) if free < needed => Err(StoreError::Unusable {
            path: dir.to_owned(),
            problem: format!(
                "{} MiB are free, and the upgrade of the database needs {} while it is made (a copy as it was, its log, \
                 what is added): make room; nothing was changed, and the version before still starts",
                free >> 20,
                needed.div_ceil(1 << 20),
            ),
        }),
        _ => Ok(()),
    }
}

/// The copies that are there by their names, whatever a kill left of one not counted.
fn found(dir: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let named = entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()));
    named.filter(|(name, _)| name.starts_with(BEGINS) && name.ends_with(".db")).collect()
}

/// How many copies from before an upgrade lie in the data directory.
pub fn count_former(data_dir: &Path) -> usize {
    found(&data_dir.join(FOLDER)).len()
}

/// Removes the copies that are older than [`KEPT_DAYS`]; how many. One whose name tells no time is old, too: ours do.
///
/// # Errors
/// One cannot be removed.
pub fn expire_former(data_dir: &Path, now: Time) -> Result<usize, StoreError> {
    let kept = Duration::from_secs(24 * 3600) * KEPT_DAYS;
    let mut removed = 0;
    for (name, file) in found(&data_dir.join(FOLDER)) {
        if time_of(&name).is_some_and(|made| now.since(made) < kept) {
            continue;
        }
        fs::remove_file(&file).map_err(|e| unusable(&file, &e))?;
        remove_log(&file);
        tracing::info!(file = %file.display(), "removed the copy of the database from before an upgrade");
        removed += 1;
    }
    Ok(removed)
}

fn time_of(name: &str) -> Option<Time> {
    let stamp = name.strip_suffix(".db")?.rsplit('-').next()?;
    let part = |range: std::ops::Range<usize>| stamp.get(range);
    let (date, hour) = ((part(0..4)?, part(4..6)?, part(6..8)?), (part(9..11)?, part(11..13)?, part(13..15)?));
    Time::parse(&format!("{}-{}-{}T{}:{}:{}Z", date.0, date.1, date.2, hour.0, hour.1, hour.2)).ok()
}

/// Removes what a kill in the middle of a copy left; the directory is ours, so nobody else is making one.
fn sweep(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        // The copy, and the journal that SQLite keeps of it meanwhile.
        if name.to_string_lossy().starts_with(BEGINS) && name.to_string_lossy().contains(".db.part") {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_stays_for_its_days_and_no_other_file_goes() {
        let dir = tempfile::TempDir::new().expect("a directory");
        let folder = dir.path().join(FOLDER);
        fs::create_dir(&folder).expect("a folder");
        let kept =
            ["before-schema-15-20260602T080001Z.db", "wa-gateway-20250101T000000Z.wabackup", "before-schema.txt"];
        let old = ["before-schema-14-20260602T075959Z.db", "before-schema-9-20250101T000000Z.db"];
        for name in kept.iter().chain(&old) {
            fs::write(folder.join(name), "copy").expect("written");
        }
        let now = Time::parse("2026-06-16T08:00:00Z").expect("a time");
        assert_eq!(count_former(dir.path()), 3);
        assert_eq!(expire_former(dir.path(), now).expect("removed"), old.len());
        assert_eq!(count_former(dir.path()), 1);
        for (name, there) in kept.map(|n| (n, true)).into_iter().chain(old.map(|n| (n, false))) {
            assert_eq!(folder.join(name).exists(), there, "{name}");
        }
    }

    #[test]
    fn room_is_judged_before_anything_is_written() {
        let dir = tempfile::TempDir::new().expect("a directory");
        let connection = Connection::open(dir.path().join("some.db")).expect("a database");
        connection.execute_batch("CREATE TABLE t (x BLOB); INSERT INTO t VALUES (zeroblob(2000000))").expect("rows");
        let said = has_room(&connection, dir.path(), Some(9 << 20)).expect_err("too little").to_string();
        assert!(
            said.contains("9 MiB are free") && said.contains("needs 10") && said.contains("nothing was changed"),
            "{said}"
        );
        has_room(&connection, dir.path(), Some(10 << 20)).expect("enough");
        has_room(&connection, dir.path(), None).expect("not known");
    }
}
