//! The one writer: a thread with the one connection that may change the database.
//!
//! Group commit: the thread takes whatever waits (in the order of `queue.rs`), runs it (`group.rs`) and commits it together
//! with one fsync. A closure that fails takes back what it did and nobody else's; a caller hears "done" only after the
//! commit. So the safety of `synchronous=FULL` costs latency and not throughput, and
//! closures run one after the other: what one reads is not changed by another before it is through.
//!
//! A pool of writers would wait on SQLite's lock instead (its p99 is a hundred times longer).

use super::{
    StoreError,
    ground::Ground,
    group::{AfterCommit, GROUP_MAX, write_group},
    job::{Closure, Queued, Work, WriteJob},
    queue::{Lane, WriteQueue},
};
use rusqlite::Connection;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
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

/// The way to the writer thread. The thread ends when this is dropped and all that waited is done; the log is moved into
/// the file by [`Writer::stop`] alone.
pub(super) struct Writer {
    jobs: Sender<Queued>,
    thread: JoinHandle<()>,
    failing: Arc<AtomicBool>,
    closing: Arc<AtomicBool>,
}

/// Who hears of commits.
pub(super) struct CommitListeners {
    pub(super) announcements: Arc<Notify>,
    pub(super) commits: watch::Sender<u64>,
    /// How many commits outdated what is held in memory.
    pub(super) outdated: Arc<AtomicU64>,
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
    pub(super) fn submit<T, E, W>(&self, lane: Lane, work: W) -> Option<oneshot::Receiver<Result<T, E>>>
    where
        W: Work<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.jobs.send((lane, Box::new(Closure::new(work, reply)))).ok().map(|()| answer)
    }

    /// Waits until all that was queued is committed and the thread has ended.
    pub(super) fn stop(self) {
        self.closing.store(true, Ordering::Release);
        drop(self.jobs);
        let _ = self.thread.join();
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
            if asked.outdates {
                self.told.outdated.fetch_add(1, Ordering::AcqRel);
            }
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
        // Who was told goes on at once, where it was woken on this thread's processor, and not at the clock's next tick.
        std::thread::yield_now();
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

/// Moves all of the write-ahead log into the file and makes it empty; false: somebody still reads it. Waits for nobody.
fn empty_log(connection: &Connection) -> bool {
    let _ = connection.busy_timeout(Duration::ZERO);
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |r| r.get::<_, bool>(0));
    let _ = connection.busy_timeout(super::open::BUSY_TIMEOUT);
    matches!(busy, Ok(false))
}
