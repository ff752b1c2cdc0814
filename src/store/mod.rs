//! The door to SQLite. Nobody else opens the database file.
//!
//! - [`Store::write`] runs a closure on the one writer thread (`writer.rs`: group commit, `synchronous=FULL`) and
//!   answers after the commit. Closures must not wait for anything: no network, no locks held elsewhere, no sleep.
//! - [`Store::read`] runs a closure on one of a few read-only connections. It sees the last commit.
//! - [`Store::open`] takes the directory's lock, judges the file, backs it up and migrates it (`open.rs`, `migrate.rs`).
//! - The writer looks whether the files are still there (`ground.rs`), gives back what was deleted (`shrink.rs`), and puts
//!   a commit's pages into the log with one call (`engine.rs`).
//!
//! This slice knows SQL and files, and nothing of what the rows mean.
//!
//! Adding a migration: a file `migrations/000N_word.sql` with a comment for each table, a line in `migrate::MIGRATIONS`,
//! rows of the tables it touches in `tests/data/migrations/`. Never change a file that was released, nor the meaning
//! of a column.

mod columns;
mod copy;
mod engine;
mod error;
mod files;
mod former;
mod ground;
mod group;
mod job;
mod key;
mod migrate;
mod one_person;
mod open;
mod queue;
mod shrink;
mod tx;
mod vault;
pub mod went;
mod writer;

pub use copy::{check_copied, check_copy, check_own_copy, is_database, is_sqlite, peek, snapshot};
pub use error::StoreError;
pub use files::{sync_dir, write_whole};
pub use former::{KEPT_DAYS as FORMER_KEPT_DAYS, count_former, expire_former};
pub use key::{KeyMatch, compare as compare_key};
pub use migrate::SCHEMA_VERSION;
pub use one_person::known_twice;
pub use open::{FILE_NAME, RESTORE_STAGE, RESTORED_AT, RESTORED_STAGE, check_file};
pub use tx::{Tx, WriteTx};
pub use vault::{CannotOpen, FILE_NAME as KEY_FILE_NAME, Vault};

use crate::model::{
    aside::{comes_last, yield_to_messages},
    clock::Time,
    ids::AccountId,
};
use ground::Ground;
use job::{Once, Repeatable, Work};
use open::DirLock;
use queue::Lane;
use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Relaxed},
        },
    },
};
use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
    task::{JoinHandle, spawn_blocking},
};
use writer::{CommitListeners, Writer};

/// The database: one writer, a few readers, and the lock on the directory. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    shared: Arc<StoreInner>,
}

struct StoreInner {
    path: PathBuf,
    writer: RwLock<Option<Writer>>,
    readers: Pool<SqliteConnectionManager>,
    /// Reads that were begun.
    reads: AtomicU64,
    announcements: Arc<Notify>,
    commits: watch::Sender<u64>,
    outdated: Arc<AtomicU64>,
    ground: Arc<Ground>,
    /// The threads of messages, unless it was opened where there are none.
    runtime: Option<Handle>,
}

/// A data directory that is ours; free again when this is dropped without being opened.
pub struct Locked {
    lock: DirLock,
    data_dir: PathBuf,
}

impl Locked {
    /// Opens the database in it, as [`Store::open`].
    ///
    /// # Errors
    /// A file that is damaged, foreign, or of a newer version.
    pub fn open(self, now: Time) -> Result<Store, StoreError> {
        Store::open_locked(&self.data_dir, self.lock, now)
    }
}

/// Connections for reading: pages of the portal and status questions, never the way of a message.
const READERS: u32 = 4;

impl Store {
    /// Opens (or makes) the database in `data_dir`, migrating it where needed. `now` names the backup.
    ///
    /// # Errors
    /// A directory that cannot be written or is in use; a file that is damaged, foreign, or of a newer version.
    pub fn open(data_dir: &Path, now: Time) -> Result<Self, StoreError> {
        Self::lock(data_dir)?.open(now)
    }

    /// Takes the directory for this process, making it where it is missing.
    ///
    /// # Errors
    /// A directory that cannot be written or is in use.
    pub fn lock(data_dir: &Path) -> Result<Locked, StoreError> {
        Ok(Locked { lock: open::lock(data_dir)?, data_dir: data_dir.to_owned() })
    }

    fn open_locked(data_dir: &Path, lock: DirLock, now: Time) -> Result<Self, StoreError> {
        let path = data_dir.join(open::FILE_NAME);
        let connection = open::writer_connection(&path, now)?;
        let readers = Pool::builder()
            .max_size(READERS)
            .min_idle(Some(1))
            .thread_pool(Arc::new(scheduled_thread_pool::ScheduledThreadPool::new(1)))
            // The file was just opened for writing: a check of each loan would only cost time.
            .test_on_check_out(false)
            .build(open::reader_manager(&path))
            .map_err(|e| StoreError::Unavailable(e.to_string()))?;
        let announcements = Arc::new(Notify::new());
        let commits = watch::Sender::new(0);
        let ground = Arc::new(Ground::of(data_dir, lock));
        let outdated = Arc::new(AtomicU64::new(0));
        let told = CommitListeners {
            announcements: announcements.clone(),
            commits: commits.clone(),
            outdated: outdated.clone(),
        };
        let writer = RwLock::new(Some(Writer::start(connection, told, ground.clone())));
        Ok(Self {
            shared: Arc::new(StoreInner {
                path,
                writer,
                readers,
                reads: AtomicU64::new(0),
                announcements,
                commits,
                outdated,
                ground,
                runtime: Handle::try_current().ok(),
            }),
        })
    }

    fn ground(&self) -> &Ground {
        &self.shared.ground
    }

    /// Where the database file lies.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Woken after a commit in which a closure called [`WriteTx::announce`]: how a worker learns that it has work.
    pub fn announcements(&self) -> Arc<Notify> {
        self.shared.announcements.clone()
    }

    /// Changes after each commit: how somebody who shows what is there learns that it is time to look, without asking
    /// again and again.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.shared.commits.subscribe()
    }

    /// How often a commit has outdated what is held in memory ([`WriteTx::outdate`]). Asked before something is read, and
    /// again before it is used: if both are the same, it holds.
    pub fn outdated(&self) -> u64 {
        self.shared.outdated.load(Acquire)
    }

    /// Runs `work` on the writer and answers after its commit. An `Err` of the closure rolls back what it did.
    ///
    /// # Errors
    /// The closure's own, or the store's.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&WriteTx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write_in(None, Once(Some(work))).await
    }

    /// The same for what each message of an account asks for. It does not wait for all that others ask for, and it may run
    /// more than once: a failure of another that was written with it may undo both, and then it runs again, and
    /// [`WriteTx::runs_again`] says so.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn write_of<T, E, F>(&self, account: AccountId, work: F) -> Result<T, E>
    where
        F: Fn(&WriteTx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write_in(Some(account), Repeatable(work)).await
    }

    /// As [`Self::write`], of work that may run more than once, as in [`Self::write_of`]: nothing of the database is copied
    /// in case that it fails.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn write_repeatable<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: Fn(&WriteTx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write_in(None, Repeatable(work)).await
    }

    async fn write_in<T, E, W>(&self, lane: Lane, work: W) -> Result<T, E>
    where
        W: Work<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let answer = {
            let writer = self.shared.writer.read().expect("no holder panics");
            writer.as_ref().and_then(|w| w.submit(lane, work))
        };
        match answer {
            Some(answer) => answer.await.unwrap_or_else(|_| Err(StoreError::Stopping.into())),
            None => Err(StoreError::Stopping.into()),
        }
    }

    /// Runs `work` on a read-only connection, in one transaction.
    ///
    /// # Errors
    /// The closure's own, or the store's.
    pub fn read<T, E, F>(&self, work: F) -> impl Future<Output = Result<T, E>> + Send + use<T, E, F>
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.shared.reads.fetch_add(1, Relaxed);
        let readers = self.shared.readers.clone();
        let answer = ReadSlot::default();
        let theirs = answer.clone();
        let mut work = Some(work);
        let job = move || {
            let mut found = None;
            let looked = look(&readers, &mut |tx| found = work.take().map(|work| work(tx)));
            let found = looked.map_or_else(|e| Some(Err(e.into())), |()| found);
            *theirs.lock().unwrap_or_else(PoisonError::into_inner) = found;
        };
        answered(answer, in_background(self.shared.runtime.as_ref(), Box::new(job)))
    }

    /// How many reads were begun since it was opened.
    pub fn reads(&self) -> u64 {
        self.shared.reads.load(Relaxed)
    }

    /// Whether the database takes writes and answers reads. After a commit that failed it asks the disk itself, so that
    /// a disk that has room again is noticed without a message; else it costs no sync, however often it is asked.
    ///
    /// # Errors
    /// Why not.
    pub async fn probe(&self) -> Result<(), StoreError> {
        self.ground().look().map_err(StoreError::Unavailable)?;
        let failing = {
            let writer = self.shared.writer.read().expect("no holder panics");
            writer.as_ref().is_some_and(Writer::is_failing)
        };
        // Writing the schema's number again changes nothing but makes SQLite write its page.
        let rewrite = format!("PRAGMA user_version = {SCHEMA_VERSION}");
        let sql = if failing { rewrite.as_str() } else { "SELECT 1" }.to_owned();
        self.write(move |tx| tx.find(&sql, [], |_| Ok(()))).await?;
        self.read(|tx| tx.one("SELECT 1", [], |_| Ok(()))).await
    }

    /// Commits what waits, ends the writer and lets go of the directory, also where somebody still holds a clone. Later
    /// writes answer [`StoreError::Stopping`].
    pub async fn close(&self) {
        let writer = self.shared.writer.write().expect("no holder panics").take();
        if let Some(writer) = writer {
            let _ = spawn_blocking(move || writer.stop()).await;
        }
        self.shared.ground.release();
    }
}

/// What a question to a reader found, once it was asked.
type ReadSlot<T, E> = Arc<Mutex<Option<Result<T, E>>>>;

/// Waits until a question was asked, and answers with what was found. This is compiled once for each type of answer. A
/// task of tokio's for each question would be compiled for each of the hundred places that ask one.
async fn answered<T, E: From<StoreError>>(answer: ReadSlot<T, E>, asked: JoinHandle<()>) -> Result<T, E> {
    match asked.await {
        Ok(()) => {
            let found = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
            found.unwrap_or_else(|| Err(StoreError::Stopping.into()))
        }
        Err(e) => Err(StoreError::Panicked(e.to_string()).into()),
    }
}

/// Does it where one may wait, and where it does not keep a message waiting. A thread that comes last, as those of pages, has
/// it done beside those of messages: it would keep one of few connections for as long as they are busy.
fn in_background(messages: Option<&Handle>, job: Box<dyn FnOnce() + Send>) -> JoinHandle<()> {
    let job = || {
        yield_to_messages();
        job();
    };
    match messages {
        Some(messages) if comes_last() => messages.spawn_blocking(job),
        _ => spawn_blocking(job),
    }
}

/// Shows one consistent view to `question`.
fn look(readers: &Pool<SqliteConnectionManager>, question: &mut dyn FnMut(&Tx<'_>)) -> Result<(), StoreError> {
    let mut connection = readers.get().map_err(|e| StoreError::Unavailable(e.to_string()))?;
    let view = connection.transaction().map_err(StoreError::from)?;
    question(&Tx::new(&view));
    Ok(())
}
