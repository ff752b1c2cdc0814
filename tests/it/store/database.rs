//! The store: its lock, files that are not ours or not whole, its durability settings, group commit, and what a
//! closure that fails does to the others.

use crate::harness::program::Place;
use rusqlite::Connection;
use std::{
    fs,
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
    sync::mpsc,
    task::{Context, Poll, Waker},
};
use tempfile::TempDir;
use wa_gateway::{
    model::clock::Time,
    store::{SCHEMA_VERSION, Store, StoreError, WriteTx, check_file},
};

fn now() -> Time {
    Time::parse("2026-06-01T08:00:00Z").expect("a time")
}

fn open(dir: &Path) -> Result<Store, StoreError> {
    Store::open(dir, now())
}

/// The line that an admin would read, which must be one line and name the place.
fn refusal(dir: &Path) -> String {
    let line = open(dir).err().expect("it is refused").to_string();
    assert!(!line.contains('\n') && line.contains(&*dir.to_string_lossy()), "{line:?}");
    line
}

/// A directory with a database of ours, closed.
async fn with_database() -> (TempDir, PathBuf) {
    let dir = TempDir::new().expect("a directory");
    let store = open(dir.path()).expect("a store");
    add_job(&store, "first").await.expect("a row");
    store.close().await;
    drop(store);
    let path = dir.path().join("wa-gateway.db");
    (dir, path)
}

async fn add_job(store: &Store, name: &'static str) -> Result<(), StoreError> {
    store.write(move |tx| tx.execute("INSERT INTO jobs (name, due_at) VALUES (?1, 0)", [name]).map(drop)).await
}

async fn job_names(store: &Store) -> Vec<String> {
    let read = store.read(|tx| tx.list("SELECT name FROM jobs ORDER BY name", [], |r| r.get(0))).await;
    read.map_err(|e: StoreError| e.to_string()).expect("names")
}

// --- whose directory ---

#[test]
fn a_second_process_is_told_which_one_has_the_directory() {
    let place = Place::new();
    let serving = place.serve();
    let second = place.run(&["serve"]);
    assert_eq!((second.code, second.stdout.as_str()), (1, ""));
    let line = second.line();
    assert!(line.contains(&format!("process {}", serving.pid())), "{line}");
    assert!(line.contains(&*place.data.to_string_lossy()), "{line}");
    // The first does not notice.
    assert_eq!(place.json(&["account", "list"]), serde_json::json!([]));
    assert_eq!(serving.stop().0, 0);
}

#[tokio::test]
async fn the_lock_ends_with_the_store() {
    let dir = TempDir::new().expect("a directory");
    let store = open(dir.path()).expect("a store");
    assert!(refusal(dir.path()).contains(&std::process::id().to_string()));
    store.close().await;
    drop(store);
    open(dir.path()).expect("free again").close().await;
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let (dir, path) = with_database().await;
    let newer = SCHEMA_VERSION + 1;
    let db = Connection::open(&path).expect("the database");
    db.pragma_update(None, "user_version", newer).expect("a newer version");
    drop(db);
    let before = fs::read(&path).expect("bytes");
    let line = refusal(dir.path());
    assert!(line.contains(&format!("schema {newer}")) && line.contains("install the newer"), "{line}");
    assert_eq!(fs::read(&path).expect("bytes"), before);
    assert!(!dir.path().join("backups").exists());
}

#[test]
fn somebody_elses_database_is_refused_and_left_alone() {
    let foreign = [
        "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)",
        "PRAGMA application_id = 252006674; PRAGMA user_version = 1",
        "PRAGMA user_version = 7; CREATE TABLE t (x); DROP TABLE t",
    ];
    for sql in foreign {
        let dir = TempDir::new().expect("a directory");
        let path = dir.path().join("wa-gateway.db");
        let db = Connection::open(&path).expect("a database");
        db.execute_batch(sql).expect("their rows");
        drop(db);
        let before = fs::read(&path).expect("bytes");
        let line = refusal(dir.path());
        assert!(line.contains("not a wa-gateway database"), "{sql}: {line}");
        assert_eq!(fs::read(&path).expect("bytes"), before, "{sql}");
    }
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("wa-gateway.db");
    for bytes in [b"my diary\n".repeat(1000), b"my diary".to_vec(), vec![0; 8192]] {
        fs::write(&path, &bytes).expect("a file");
        let line = refusal(dir.path());
        assert!(line.contains("no SQLite file") || line.contains("damaged"), "{line}");
        assert_eq!(fs::read(&path).expect("bytes"), bytes);
    }
}

#[tokio::test]
async fn a_damaged_first_page_is_refused_and_left_alone() {
    let (dir, path) = with_database().await;
    let mut bytes = fs::read(&path).expect("bytes");
    bytes[100..1000].fill(0xA5);
    fs::write(&path, &bytes).expect("a damaged file");
    let line = refusal(dir.path());
    assert!(line.contains("damaged") && line.contains("restore a backup"), "{line}");
    assert_eq!(fs::read(&path).expect("bytes"), bytes);
}

#[tokio::test]
async fn a_database_that_was_cut_off_beside_its_log_is_refused_and_both_are_left_alone() {
    let (dir, path) = with_database().await;
    let log = path.with_file_name("wa-gateway.db-wal");
    let writer = Connection::open(&path).expect("the database");
    writer.execute_batch("PRAGMA wal_autocheckpoint = 0; UPDATE jobs SET due_at = 7").expect("a row in the log");
    let (bytes, kept) = (fs::read(&path).expect("bytes"), fs::read(&log).expect("a log"));
    drop(writer);
    assert!(kept.len() > 4096, "{}", kept.len());
    let put = |length: usize| {
        let _ = fs::remove_file(path.with_file_name("wa-gateway.db-shm"));
        fs::write(&path, &bytes[..length]).expect("a database");
        fs::write(&log, &kept).expect("a log");
    };
    put(4096);
    let line = refusal(dir.path());
    assert!(line.contains("the file was not changed"), "{line}");
    assert_eq!(fs::metadata(&path).expect("there").len(), 4096);
    assert_eq!(fs::read(&log).expect("there"), kept, "the log is the only copy of the newest rows");
    put(bytes.len());
    let store = open(dir.path()).expect("the control: a whole one opens");
    assert_eq!(job_names(&store).await.first().map(String::as_str), Some("first"));
    store.close().await;
}

#[tokio::test]
async fn damage_further_in_is_found_by_the_doctor() {
    let place = Place::new();
    place.furnish("shop-line");
    assert_eq!(place.json(&["doctor"])["ok"], true);
    check_file(&place.database()).expect("sound");
    let mut bytes = fs::read(place.database()).expect("bytes");
    let at = bytes.len() / 2;
    bytes[at..].fill(0xA5);
    fs::write(place.database(), &bytes).expect("a damaged file");
    let told = place.run(&["--json", "doctor"]);
    assert_eq!(told.code, 1);
    let checks = told.json()["checks"].as_array().expect("checks").clone();
    let database = checks.iter().find(|c| c["check"] == "database").expect("a check of the database");
    assert_eq!(database["status"], "fail");
    assert!(database["text"].as_str().expect("a text").contains("damaged"), "{database}");
    assert_eq!(fs::read(place.database()).expect("bytes"), bytes, "it only looked");
}

#[test]
fn a_directory_that_cannot_be_is_one_clear_line() {
    let place = Place::new();
    // Root may write anywhere; a file in the place of the directory stops root too.
    fs::write(&place.data, "a file").expect("a file");
    for args in [&["serve"][..], &["account", "list"]] {
        let ran = place.run(args);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.line().contains(&*place.data.to_string_lossy()), "{ran:?}");
    }
    assert_eq!(fs::read_to_string(&place.data).expect("the file"), "a file");
}

// --- how it is written ---

#[tokio::test]
async fn the_writer_waits_for_the_disk_and_readers_cannot_write() {
    let dir = TempDir::new().expect("a directory");
    let store = open(dir.path()).expect("a store");
    let pragmas = store.write(|tx| {
        let number = |sql: &str| tx.one(sql, [], |r| r.get::<_, i64>(0));
        let mode = tx.one("PRAGMA journal_mode", [], |r| r.get::<_, String>(0))?;
        Ok::<_, StoreError>((mode, number("PRAGMA synchronous")?, number("PRAGMA foreign_keys")?))
    });
    const FULL: i64 = 2;
    assert_eq!(pragmas.await.expect("settings"), ("wal".to_owned(), FULL, 1));
    let sneaky = "INSERT INTO jobs (name, due_at) VALUES ('sneaky', 0) RETURNING 1";
    let written = store.read(move |tx| tx.one(sneaky, [], |r| r.get::<_, i64>(0)));
    assert!(matches!(written.await, Err(StoreError::Unavailable(why)) if why.contains("read-only")));
    assert_eq!(job_names(&store).await, Vec::<String>::new());
    store.close().await;
}

#[test]
fn the_bundled_sqlite_is_not_one_that_corrupts_its_log() {
    let numbers: Vec<u32> = rusqlite::version().split('.').map(|n| n.parse().expect("a number")).collect();
    assert!(numbers >= vec![3, 51, 3], "{numbers:?} has the WAL-reset bug");
}

/// The commits in a write-ahead log: frames whose header says how large the database is after them.
fn commits(dir: &Path) -> usize {
    let log = fs::read(dir.join("wa-gateway.db-wal")).expect("a log");
    let word = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().expect("four bytes"));
    let (page, salts) = (word(8) as usize, (word(16), word(20)));
    let frames = (32..log.len()).step_by(24 + page).take_while(|at| at + 24 + page <= log.len());
    frames.filter(|at| (word(at + 8), word(at + 12)) == salts && word(at + 4) > 0).count()
}

type Job<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + 'a>>;

fn job<'a, F>(store: &'a Store, work: F) -> Job<'a>
where
    F: FnOnce(&WriteTx<'_>) -> Result<(), StoreError> + Send + 'static,
{
    Box::pin(store.write(work))
}

fn named<'a>(store: &'a Store, name: String) -> Job<'a> {
    job(store, move |tx| tx.execute("INSERT INTO jobs (name, due_at) VALUES (?1, 0)", [name]).map(drop))
}

/// Queues `jobs` behind a closure that holds the writer, so that all of them wait at the same time; then lets go.
async fn write_together<'a>(store: &'a Store, jobs: Vec<Job<'a>>) -> Vec<Result<(), StoreError>> {
    let (go, gate) = mpsc::channel::<()>();
    let holder = job(store, move |_| {
        gate.recv().expect("the gate opens");
        Ok(())
    });
    let mut queue = vec![holder];
    queue.extend(jobs);
    for waiting in &mut queue {
        // The first look at it queues it; it cannot be done, the writer is held.
        assert!(matches!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
    }
    go.send(()).expect("the writer waits");
    let mut answers = Vec::new();
    for waiting in queue {
        answers.push(waiting.await);
    }
    answers.split_off(1)
}

#[tokio::test]
async fn writers_that_wait_together_share_a_commit() {
    const MANY: usize = 300;
    let dir = TempDir::new().expect("a directory");
    let store = open(dir.path()).expect("a store");
    let before = commits(dir.path());
    for n in 0..10 {
        named(&store, format!("alone {n}")).await.expect("a row");
    }
    assert_eq!(commits(dir.path()) - before, 10, "one after the other: a commit each");
    let before = commits(dir.path());
    let jobs = (0..MANY).map(|n| named(&store, format!("together {n}"))).collect();
    assert!(write_together(&store, jobs).await.iter().all(Result::is_ok));
    let shared = commits(dir.path()) - before;
    assert!((1..=3).contains(&shared), "{MANY} together: {shared} commits");
    assert_eq!(job_names(&store).await.len(), 10 + MANY);
    store.close().await;
}

#[tokio::test]
async fn a_closure_that_fails_takes_back_its_own_work_and_nobody_elses() {
    let dir = TempDir::new().expect("a directory");
    let store = open(dir.path()).expect("a store");
    let fails = |how: fn()| {
        job(&store, move |tx| {
            tx.execute("INSERT INTO jobs (name, due_at) VALUES ('half done', 0)", [])?;
            how();
            tx.execute("INSERT INTO no_such_table VALUES (1)", []).map(drop)
        })
    };
    let before = commits(dir.path());
    let jobs = vec![
        named(&store, "a".into()),
        fails(|| {}),
        named(&store, "b".into()),
        fails(|| panic!("on purpose")),
        named(&store, "c".into()),
    ];
    let answers = write_together(&store, jobs).await;
    assert!(matches!(
        &answers[..],
        [Ok(()), Err(StoreError::Sql(_)), Ok(()), Err(StoreError::Panicked(why)), Ok(())] if why == "on purpose"
    ));
    assert_eq!(commits(dir.path()) - before, 1, "they were one group");
    assert_eq!(job_names(&store).await, ["a", "b", "c"]);
    add_job(&store, "d").await.expect("the writer goes on after a panic");
    store.close().await;
}

#[tokio::test]
async fn work_is_done_though_its_caller_went_away() {
    let dir = TempDir::new().expect("a directory");
    let store = open(dir.path()).expect("a store");
    let mut gone = named(&store, "of somebody who left".into());
    let _ = gone.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    drop(gone);
    add_job(&store, "x").await.expect("a row");
    assert_eq!(job_names(&store).await, ["of somebody who left", "x"]);
    store.close().await;
}

#[tokio::test]
async fn closing_commits_what_waits_and_refuses_what_comes_later() {
    let dir = TempDir::new().expect("a directory");
    let store = open(dir.path()).expect("a store");
    let mut waiting: Vec<Job<'_>> = (0..50).map(|n| named(&store, format!("{n:02}"))).collect();
    for job in &mut waiting {
        let _ = job.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    store.close().await;
    for job in waiting {
        job.await.expect("it was queued before the end");
    }
    assert!(matches!(add_job(&store, "late").await, Err(StoreError::Stopping)));
    let db = Connection::open(dir.path().join("wa-gateway.db")).expect("the database");
    let rows: i64 = db.query_row("SELECT count(*) FROM jobs", [], |r| r.get(0)).expect("a count");
    assert_eq!(rows, 50);
}
