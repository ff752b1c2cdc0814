//! The one writer: a thread with the one connection that may change the database.
//!
//! Group commit: the thread takes whatever waits, runs each closure in a savepoint of its own, and commits them
//! together with one fsync. A closure that fails rolls back its own savepoint and nobody else's; a caller hears "done"
//! only after the commit. So the safety of `synchronous=FULL` costs latency and not throughput, and closures run one
//! after the other: what one reads is not changed by another before it is through.
//!
//! A pool of writers would wait on SQLite's lock instead (its p99 is a hundred times longer).

use super::{StoreError, WriteTx};
use rusqlite::Connection;
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
};
use tokio::sync::{Notify, oneshot, watch};

/// Most closures that share one commit: bounds how long the first of them waits.
const GROUP_MAX: usize = 256;

/// The way to the writer thread. The thread ends when this is dropped and all that waited is done.
pub(super) struct Writer {
    jobs: Sender<Box<dyn WriteJob>>,
    thread: JoinHandle<()>,
    failing: Arc<AtomicBool>,
}

/// One closure that waits for the writer.
trait WriteJob: Send {
    /// Runs the closure; says whether its savepoint is to be kept.
    fn run(&mut self, tx: &WriteTx<'_>) -> bool;
    /// Tells the caller, after the commit or after its failure.
    fn finish(self: Box<Self>, commit: Result<(), String>);
}

struct Closure<F, T, E> {
    work: Option<F>,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, announcements: Arc<Notify>, commits: watch::Sender<u64>) -> Self {
        let (jobs, waiting) = channel();
        let failing = Arc::new(AtomicBool::new(false));
        let noted = failing.clone();
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || write_groups(&connection, &waiting, &noted, &announcements, &commits))
            .expect("a thread can be started");
        Self { jobs, thread, failing }
    }

    /// Whether the last commit failed.
    pub(super) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Acquire)
    }

    /// Queues `work`; the receiver answers after its commit.
    pub(super) fn submit<T, E, F>(&self, work: F) -> Option<oneshot::Receiver<Result<T, E>>>
    where
        F: FnOnce(&WriteTx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Box::new(Closure { work: Some(work), outcome: None, reply })).ok().map(|()| answer)
    }

    /// Waits until all that was queued is committed and the thread has ended.
    pub(super) fn stop(self) {
        drop(self.jobs);
        let _ = self.thread.join();
    }
}

impl<T, E, F> WriteJob for Closure<F, T, E>
where
    F: FnOnce(&WriteTx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, tx: &WriteTx<'_>) -> bool {
        let Some(work) = self.work.take() else { return false };
        let outcome = catch_unwind(AssertUnwindSafe(|| work(tx)))
            .unwrap_or_else(|panic| Err(StoreError::Panicked(panic_text(&*panic)).into()));
        let keep = outcome.is_ok();
        self.outcome = Some(outcome);
        keep
    }

    fn finish(self: Box<Self>, commit: Result<(), String>) {
        let answer = match (self.outcome, commit) {
            (Some(Err(e)), _) => Err(e),
            (_, Err(problem)) => Err(StoreError::Unavailable(problem).into()),
            (Some(outcome), Ok(())) => outcome,
            (None, Ok(())) => Err(StoreError::Stopping.into()),
        };
        // The caller may have gone; its work is done all the same.
        let _ = self.reply.send(answer);
    }
}

fn write_groups(
    connection: &Connection,
    waiting: &Receiver<Box<dyn WriteJob>>,
    failing: &AtomicBool,
    announcements: &Notify,
    commits: &watch::Sender<u64>,
) {
    let mut group = Vec::with_capacity(GROUP_MAX);
    while let Ok(first) = waiting.recv() {
        let mut asked = AfterCommit::default();
        let commit = write_group(connection, first, waiting, &mut group, &mut asked);
        failing.store(commit.is_err(), Ordering::Release);
        if commit.is_ok() {
            commits.send_modify(|n| *n = n.wrapping_add(1));
        }
        if asked.announced && commit.is_ok() {
            announcements.notify_one();
        }
        if asked.scrubs && commit.is_ok() {
            empty_log(connection);
        }
        for job in group.drain(..) {
            job.finish(commit.clone());
        }
    }
    // Leaves a small file behind for the next start; failing that, the next start does it.
    let _ = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
}

fn write_group(
    connection: &Connection,
    first: Box<dyn WriteJob>,
    waiting: &Receiver<Box<dyn WriteJob>>,
    group: &mut Vec<Box<dyn WriteJob>>,
    asked: &mut AfterCommit,
) -> Result<(), String> {
    let begun = statement(connection, "BEGIN IMMEDIATE");
    let mut next = Some(first);
    while let Some(mut job) = next {
        if begun.is_ok() {
            run_in_savepoint(connection, &mut *job, asked);
        }
        group.push(job);
        // SQLite gives up the whole transaction by itself on a full disk and the like.
        if begun.is_ok() && connection.is_autocommit() {
            return Err("the transaction could not be kept: the disk is full or failing".into());
        }
        next = if group.len() < GROUP_MAX { waiting.try_recv().ok() } else { None };
    }
    let committed = begun.and_then(|()| statement(connection, "COMMIT"));
    if committed.is_err() && !connection.is_autocommit() {
        let _ = statement(connection, "ROLLBACK");
    }
    committed.map_err(|e| e.to_string())
}

/// What the closures of a group asked for, to be done after its commit.
#[derive(Default)]
struct AfterCommit {
    announced: bool,
    scrubs: bool,
}

/// Moves all of the write-ahead log into the file and makes it empty. Readers are waited for; one that takes longer than
/// the busy time leaves the log as it is until the next one.
fn empty_log(connection: &Connection) {
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |r| r.get::<_, bool>(0));
    if !matches!(busy, Ok(false)) {
        tracing::warn!("the write-ahead log could not be emptied now; it is when the gateway stops");
    }
}

/// Runs a job, and notes what it asked for if its work is kept.
fn run_in_savepoint(connection: &Connection, job: &mut dyn WriteJob, asked: &mut AfterCommit) {
    let open = statement(connection, "SAVEPOINT job");
    if open.is_err() {
        return;
    }
    let tx = WriteTx::new(connection);
    let kept = job.run(&tx);
    if !kept && !connection.is_autocommit() {
        let _ = statement(connection, "ROLLBACK TO job");
    }
    if !connection.is_autocommit() {
        let _ = statement(connection, "RELEASE job");
    }
    if kept {
        asked.announced |= tx.was_announced();
        asked.scrubs |= tx.scrubs();
    }
}

fn statement(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".into())
}
