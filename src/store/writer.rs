//! The one writer: a thread with the one connection that may change the database.
//!
//! Group commit: the thread takes whatever waits (in the order of `queue.rs`), runs each closure so that it can be undone
//! by itself, and commits them together with one fsync. A closure that fails takes back what it did and nobody else's; a
//! caller hears "done" only after the commit. So the safety of `synchronous=FULL` costs latency and not throughput, and
//! closures run one after the other: what one reads is not changed by another before it is through.
//!
//! A pool of writers would wait on SQLite's lock instead (its p99 is a hundred times longer).

use super::{
    StoreError, WriteTx,
    ground::Ground,
    queue::{self, InLane, Lane, WriteQueue},
};
use rusqlite::Connection;
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::{Notify, oneshot, watch},
};

/// How often the writer looks at the ground while nobody writes; sooner while it owes an empty log.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const SCRUB_AGAIN: Duration = Duration::from_millis(50);
/// Tries before the log is left as it is until the gateway stops: somebody else reads it all the time.
const SCRUB_TRIES: u32 = 40;

/// A transaction that waits for no lock half-way.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// Most closures that share one commit: bounds how long the first of them waits.
const GROUP_MAX: usize = 256;

/// The way to the writer thread. The thread ends when this is dropped and all that waited is done; the log is moved into
/// the file by [`Writer::stop`] alone.
pub(super) struct Writer {
    jobs: Sender<Queued>,
    thread: JoinHandle<()>,
    failing: Arc<AtomicBool>,
    closing: Arc<AtomicBool>,
}

/// A closure on its way to the writer.
type Queued = InLane<Box<dyn WriteJob>>;

/// One closure that waits for the writer.
trait WriteJob: Send {
    /// Runs the closure; says whether its work is to be kept.
    fn run(&mut self, tx: &WriteTx<'_>) -> bool;
    /// Tells the caller, after the commit or after its failure.
    fn finish(self: Box<Self>, commit: Result<(), String>);
}

struct Closure<F, T, E> {
    work: Option<F>,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

/// Who hears of commits.
pub(super) struct CommitListeners {
    pub(super) announcements: Arc<Notify>,
    pub(super) commits: watch::Sender<u64>,
}

impl Writer {
    pub(super) fn start(connection: Connection, told: CommitListeners, ground: Arc<Ground>) -> Self {
        let (jobs, waiting) = channel();
        let failing = Arc::new(AtomicBool::new(false));
        let closing = Arc::new(AtomicBool::new(false));
        let (noted, asked) = (failing.clone(), closing.clone());
        let mut work = WriterThread {
            connection,
            told,
            runtime: Handle::try_current().ok(),
            ground,
            failing: noted,
            closing: asked,
            problem: None,
            scrubs_left: 0,
        };
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || work.write_groups(&mut WriteQueue::new(waiting)))
            .expect("a thread can be started");
        Self { jobs, thread, failing, closing }
    }

    /// Whether the last commit failed.
    pub(super) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Acquire)
    }

    /// Queues `work` in its lane; the receiver answers after its commit.
    pub(super) fn submit<T, E, F>(&self, lane: Lane, work: F) -> Option<oneshot::Receiver<Result<T, E>>>
    where
        F: FnOnce(&WriteTx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.jobs.send((lane, Box::new(Closure { work: Some(work), outcome: None, reply }))).ok().map(|()| answer)
    }

    /// Waits until all that was queued is committed and the thread has ended.
    pub(super) fn stop(self) {
        self.closing.store(true, Ordering::Release);
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

/// What the thread works with.
struct WriterThread {
    connection: Connection,
    told: CommitListeners,
    /// Where callers wait, unless there is none.
    runtime: Option<Handle>,
    ground: Arc<Ground>,
    failing: Arc<AtomicBool>,
    /// The end was asked for.
    closing: Arc<AtomicBool>,
    /// What is wrong with the ground, as it was said last.
    problem: Option<String>,
    /// How often the log is still tried to be emptied.
    scrubs_left: u32,
}

impl WriterThread {
    fn write_groups(&mut self, waiting: &mut WriteQueue<Box<dyn WriteJob>>) {
        let mut group = Vec::new();
        loop {
            let patience = if self.scrubs_left > 0 { SCRUB_AGAIN } else { LOOK_EVERY };
            match waiting.wait(patience) {
                Ok(first) => self.write(first, waiting, &mut group),
                Err(RecvTimeoutError::Timeout) => {
                    self.stands_on(Ground::look);
                    self.scrub();
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        // Leaves a small file behind for the next start; failing that, the next start does it. A start that came upon
        // damage half-way leaves the log where it found it: whoever looks for what is left of a database needs both.
        if self.closing.load(Ordering::Acquire) {
            let _ = super::open::move_log_at_close(&self.connection);
            empty_log(&self.connection);
        }
    }

    fn write(
        &mut self,
        first: Queued,
        waiting: &mut WriteQueue<Box<dyn WriteJob>>,
        group: &mut Vec<Box<dyn WriteJob>>,
    ) {
        if !self.stands_on(Ground::look) {
            return first.1.finish(Err(self.problem.clone().unwrap_or_default()));
        }
        let mut asked = AfterCommit::default();
        let mut commit = write_group(&self.connection, first, waiting, group, &mut asked);
        // What was committed into a file that went away meanwhile is nowhere: nobody is told that it was.
        if commit.is_ok() && !self.stands_on(Ground::look_at_database) {
            commit = Err(self.problem.clone().unwrap_or_default());
        }
        self.failing.store(commit.is_err(), Ordering::Release);
        if commit.is_ok() {
            self.told.commits.send_modify(|n| *n = n.wrapping_add(1));
            if asked.announced {
                self.told.announcements.notify_one();
            }
            if asked.scrubs {
                self.scrubs_left = SCRUB_TRIES;
                self.scrub();
            }
        }
        self.tell(group, commit);
    }

    /// Tells the callers of a group. Each that this thread told by itself would wake a thread of the runtime, which takes
    /// the processor, does its little, and sleeps again: so one task of the runtime tells them all.
    fn tell(&self, group: &mut Vec<Box<dyn WriteJob>>, commit: Result<(), String>) {
        match &self.runtime {
            Some(runtime) if group.len() > 1 => {
                let told = std::mem::replace(group, Vec::with_capacity(GROUP_MAX.min(2 * group.len())));
                runtime.spawn(async move { finish_all(told, &commit) });
            }
            _ => finish_all(group.drain(..), &commit),
        }
    }

    /// Whether the files that are looked at are still ours; says so once when that changes.
    fn stands_on(&mut self, look: impl FnOnce(&Ground) -> Result<(), String>) -> bool {
        match look(&self.ground) {
            Ok(()) => {
                if self.problem.take().is_some() {
                    tracing::info!("the data directory is as it was: messages are taken again");
                }
                true
            }
            Err(problem) => {
                if self.problem.as_ref() != Some(&problem) {
                    tracing::error!("{problem}");
                }
                self.problem = Some(problem);
                self.failing.store(true, Ordering::Release);
                false
            }
        }
    }

    /// Empties the log if that is owed. Nobody is waited for: who reads it, or copies it all the time, would else hold up
    /// every message.
    fn scrub(&mut self) {
        if self.scrubs_left == 0 {
            return;
        }
        self.scrubs_left -= 1;
        if empty_log(&self.connection) {
            self.scrubs_left = 0;
        } else if self.scrubs_left == 0 {
            tracing::warn!("the write-ahead log is read by somebody else all the time and could not be emptied now");
        }
    }
}

fn finish_all(group: impl IntoIterator<Item = Box<dyn WriteJob>>, commit: &Result<(), String>) {
    for job in group {
        job.finish(commit.clone());
    }
}

fn write_group(
    connection: &Connection,
    first: Queued,
    waiting: &mut WriteQueue<Box<dyn WriteJob>>,
    group: &mut Vec<Box<dyn WriteJob>>,
    asked: &mut AfterCommit,
) -> Result<(), String> {
    let mut begun = statement(connection, BEGIN);
    let mut next = Some(first);
    let mut holds_work = false;
    while let Some((lane, mut job)) = next {
        let started = queue::moment();
        if begun.is_ok() && holds_work {
            run_in_savepoint(connection, &mut *job, asked);
        } else if begun.is_ok() {
            (holds_work, begun) = run_alone(connection, &mut *job, asked);
        }
        group.push(job);
        // SQLite gives up the whole transaction by itself on a full disk and the like.
        if begun.is_ok() && connection.is_autocommit() {
            return Err("the transaction could not be kept: the disk is full or failing".into());
        }
        let commits = waiting.note(lane, (started, queue::moment()));
        next = if group.len() < GROUP_MAX && !commits { waiting.take() } else { None };
    }
    let committed = begun.and_then(|()| statement(connection, "COMMIT"));
    if committed.is_err() && !connection.is_autocommit() {
        let _ = statement(connection, "ROLLBACK");
    }
    committed.map_err(|e| match e {
        StoreError::Unavailable(problem) => problem,
        other => other.to_string(),
    })
}

/// What the closures of a group asked for, to be done after its commit.
#[derive(Default)]
struct AfterCommit {
    announced: bool,
    scrubs: bool,
}

/// Moves all of the write-ahead log into the file and makes it empty; false: somebody still reads it. Waits for nobody.
fn empty_log(connection: &Connection) -> bool {
    let _ = connection.busy_timeout(Duration::ZERO);
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |r| r.get::<_, bool>(0));
    let _ = connection.busy_timeout(super::open::BUSY_TIMEOUT);
    matches!(busy, Ok(false))
}

/// Runs a job in a transaction that holds nothing else: what it did is undone with the transaction, and a savepoint, which
/// copies each page that is changed in it, is saved. Says whether its work is kept, and whether a transaction is open.
fn run_alone(
    connection: &Connection,
    job: &mut dyn WriteJob,
    asked: &mut AfterCommit,
) -> (bool, Result<(), StoreError>) {
    if run(connection, job, asked) {
        return (true, Ok(()));
    }
    if connection.is_autocommit() {
        return (false, Ok(()));
    }
    (false, statement(connection, "ROLLBACK").and_then(|()| statement(connection, BEGIN)))
}

/// Runs a job among others.
fn run_in_savepoint(connection: &Connection, job: &mut dyn WriteJob, asked: &mut AfterCommit) {
    let open = statement(connection, "SAVEPOINT job");
    if open.is_err() {
        return;
    }
    let kept = run(connection, job, asked);
    if !kept && !connection.is_autocommit() {
        let _ = statement(connection, "ROLLBACK TO job");
    }
    if !connection.is_autocommit() {
        let _ = statement(connection, "RELEASE job");
    }
}

/// Runs a job, and notes what it asked for if its work is kept; says whether it is.
fn run(connection: &Connection, job: &mut dyn WriteJob, asked: &mut AfterCommit) -> bool {
    let tx = WriteTx::new(connection);
    let kept = job.run(&tx);
    if kept {
        asked.announced |= tx.was_announced();
        asked.scrubs |= tx.scrubs();
    }
    kept
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
