//! What SQLite writes through the joined log, beside SQLite alone; and that nothing is lost by it.

use super::vfs;
use rusqlite::{Connection, OpenFlags};
use std::{fs, path::Path};

fn joined(path: &Path) -> Connection {
    Connection::open_with_flags_and_vfs(path, OpenFlags::default(), vfs().expect("registered")).expect("opened")
}

/// Calls of this thread that write, so far.
fn writes() -> u64 {
    let io = fs::read_to_string("/proc/thread-self/io").expect("the thread's figures");
    let line = io.lines().find_map(|l| l.strip_prefix("syscw: ")).expect("written");
    line.parse().expect("a figure")
}

fn writes_of(act: impl FnOnce()) -> u64 {
    let before = writes();
    act();
    writes() - before
}

#[test]
fn a_commit_is_written_in_one_piece() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut counts = [0; 2];
    for (count, joins) in counts.iter_mut().zip([true, false]) {
        let path = dir.path().join(format!("{joins}.db"));
        let c = if joins { joined(&path) } else { Connection::open(&path).expect("opened") };
        c.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (a, b)").expect("set up");
        *count = writes_of(|| {
            c.execute_batch("BEGIN; INSERT INTO t SELECT 1, randomblob(40000); COMMIT").expect("committed");
        });
    }
    assert_eq!(counts[0], 1, "joined");
    assert!(counts[1] > 20, "the control: SQLite alone writes each page and what stands before it: {}", counts[1]);
}

#[test]
fn a_log_that_is_read_all_the_time_grows_in_steps() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut counts = [0; 2];
    for (count, joins) in counts.iter_mut().zip([true, false]) {
        let path = dir.path().join(format!("{joins}.db"));
        let c = if joins { joined(&path) } else { Connection::open(&path).expect("opened") };
        c.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a, b)").expect("set up");
        let reader = Connection::open(&path).expect("opened");
        reader.execute_batch("BEGIN; SELECT a FROM t").expect("begun");
        c.execute_batch("INSERT INTO t VALUES (0, zeroblob(17000000))").expect("committed");
        let log = dir.path().join(format!("{joins}.db-wal"));
        let length = || fs::metadata(&log).expect("there").len();
        let mut last = length();
        for n in 1..=200 {
            c.execute_batch("INSERT INTO t VALUES (1, randomblob(10000))").expect("committed");
            *count += u32::from(length() != last);
            last = length();
            if n % 50 == 0 {
                c.execute_batch("PRAGMA wal_checkpoint(PASSIVE)").expect("asked");
            }
        }
        drop(c);
        drop(reader);
        let after = Connection::open(&path).expect("opened");
        let all: u32 = after.query_row("SELECT count(*) FROM t", [], |r| r.get(0)).expect("read");
        assert_eq!(all, 201);
    }
    assert!((1..20).contains(&counts[0]), "in steps: {}", counts[0]);
    assert!(counts[1] > 150, "the control: SQLite alone, with each commit: {}", counts[1]);
}

/// Steps that write, read back, undo, spill and move the log; after each, others must see what was committed.
const STEPS: [&str; 12] = [
    "INSERT INTO t VALUES (NULL, 'one')",
    "BEGIN; INSERT INTO t SELECT NULL, hex(randomblob(600)) FROM t, t AS u; COMMIT",
    "BEGIN; INSERT INTO t SELECT NULL, hex(zeroblob(40000)) FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8)); \
     UPDATE t SET b = b || 'x'; DELETE FROM t WHERE a % 3 = 0; COMMIT",
    "BEGIN; INSERT INTO t VALUES (NULL, hex(zeroblob(900000))); ROLLBACK",
    "BEGIN; SAVEPOINT s; UPDATE t SET b = b || 'y'; ROLLBACK TO s; INSERT INTO t VALUES (NULL, 'kept'); RELEASE s; \
     COMMIT",
    "PRAGMA wal_checkpoint(PASSIVE)",
    "UPDATE t SET b = 'again' || a WHERE a % 2",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "INSERT INTO t VALUES (NULL, 'into a new log')",
    "DROP INDEX IF EXISTS t_b; CREATE INDEX t_b ON t (b)",
    "BEGIN; DELETE FROM t WHERE a % 5 = 0; COMMIT",
    "VACUUM",
];

fn rows(c: &Connection) -> Vec<(i64, String)> {
    let mut all = c.prepare("SELECT a, b FROM t ORDER BY a").expect("prepared");
    let found = all.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).expect("asked");
    found.collect::<Result<_, _>>().expect("read")
}

#[test]
fn what_was_committed_is_there_for_others_and_after_a_kill_however_it_is_synced() {
    for mode in ["FULL", "NORMAL", "OFF"] {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a.db");
        let c = joined(&path);
        c.execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {mode}; PRAGMA cache_size = 5; \
             CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)"
        ))
        .expect("set up");
        let other = Connection::open(&path).expect("opened");
        for step in STEPS {
            // Twice: a log that begins anew, and one that goes on.
            for _ in 0..2 {
                c.execute_batch(step).expect(step);
                assert!(rows(&other) == rows(&c), "{mode}: {step}");
                let killed = tempfile::tempdir().expect("a folder");
                for end in ["", "-wal"] {
                    let file = format!("a.db{end}");
                    fs::copy(dir.path().join(&file), killed.path().join(&file)).expect("copied");
                }
                let after = Connection::open(killed.path().join("a.db")).expect("opened");
                assert!(rows(&after) == rows(&c), "{mode}, after a kill: {step}");
                let sound: String = after.query_row("PRAGMA integrity_check", [], |r| r.get(0)).expect("checked");
                assert_eq!(sound, "ok", "{mode}: {step}");
            }
        }
    }
}
