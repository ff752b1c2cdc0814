//! A group of jobs that share one commit, each of which can fail without the others.
//!
//! What a job changed can be undone by itself where a savepoint was opened before it; SQLite then copies each page that
//! is changed after it, in small pieces. Jobs that may run again need one for all of a stretch: if one of them fails after
//! it changed something, which is rare, the stretch is undone and its jobs run again, each behind a savepoint of its own.

use super::{
    StoreError, WriteTx,
    job::{Queued, WriteJob},
    queue::{self, WriteQueue},
};
use rusqlite::Connection;
use std::time::Duration;

/// A transaction that waits for no lock half-way.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// Most closures that share one commit: bounds how long the first of them waits.
pub(super) const GROUP_MAX: usize = 256;

/// How long a group goes on taking what waits where several accounts send: of closures that take a millisecond each, as those of
/// messages that many endpoints want, 256 would keep everybody else's for too long.
const SHARED_FOR: Duration = Duration::from_millis(2);

/// What the closures of a group asked for, to be done after its commit.
#[derive(Default)]
pub(super) struct AfterCommit {
    pub(super) announced: bool,
    pub(super) scrubs: bool,
    pub(super) outdates: bool,
}

/// Runs `first` and what waits behind it in one transaction, and commits it; `jobs` are those that ran, to be told.
pub(super) fn write_group(
    connection: &Connection,
    first: Queued,
    waiting: &mut WriteQueue<Box<dyn WriteJob>>,
    jobs: &mut Vec<Box<dyn WriteJob>>,
    asked: &mut AfterCommit,
) -> Result<(), String> {
    let begun = statement(connection, BEGIN);
    let mut group = Group { connection, begun, jobs, asked, holds_work: false, stretch: None };
    let (mut next, first_started) = (Some(first), queue::moment());
    while let Some((lane, job)) = next {
        let started = queue::moment();
        group.take(job);
        // SQLite gives up the whole transaction by itself on a full disk and the like.
        if group.is_given_up() {
            return Err("the transaction could not be kept: the disk is full or failing".into());
        }
        let ended = queue::moment();
        let is_early = waiting.note(lane, (started, ended));
        let is_long = ended.duration_since(first_started) >= SHARED_FOR && waiting.is_shared();
        next = if group.jobs.len() < GROUP_MAX && !is_early && !is_long { waiting.take() } else { None };
    }
    let committed = group.begun.and_then(|()| statement(connection, "COMMIT"));
    if committed.is_err() && !connection.is_autocommit() {
        let _ = statement(connection, "ROLLBACK");
    }
    committed.map_err(|e| match e {
        StoreError::Unavailable(problem) => problem,
        other => other.to_string(),
    })
}

/// The transaction of a group under way.
struct Group<'w> {
    connection: &'w Connection,
    /// Whether a transaction is open.
    begun: Result<(), StoreError>,
    /// Those that ran.
    jobs: &'w mut Vec<Box<dyn WriteJob>>,
    asked: &'w mut AfterCommit,
    /// Whether the transaction holds what must not be undone: work before the stretch.
    holds_work: bool,
    /// The stretch that is open, if the last job was one that may run again.
    stretch: Option<UndoneTogether>,
}

/// Jobs behind each other that may run again: undone together, if at all.
#[derive(Clone, Copy)]
struct UndoneTogether {
    /// Its first job.
    first: usize,
    /// Whether a savepoint is before it; else all of the transaction is its own.
    has_savepoint: bool,
}

impl Group<'_> {
    fn take(&mut self, mut job: Box<dyn WriteJob>) {
        if self.begun.is_err() {
            self.jobs.push(job);
        } else if job.may_run_again() {
            self.take_into_stretch(job);
        } else {
            self.close_stretch();
            if self.begun.is_ok() {
                self.run_by_itself(&mut *job, false);
            }
            self.jobs.push(job);
        }
    }

    fn is_given_up(&self) -> bool {
        self.begun.is_ok() && self.connection.is_autocommit()
    }

    fn take_into_stretch(&mut self, mut job: Box<dyn WriteJob>) {
        self.open_stretch();
        if self.begun.is_err() {
            return self.jobs.push(job);
        }
        let before = self.connection.total_changes();
        let kept = self.run(&mut *job, false);
        self.jobs.push(job);
        // Most that fail have only looked.
        if !kept && self.connection.total_changes() != before && !self.connection.is_autocommit() {
            self.run_stretch_again();
        }
    }

    fn open_stretch(&mut self) {
        if self.stretch.is_none() {
            let has_savepoint = self.holds_work;
            if has_savepoint {
                self.begun = statement(self.connection, "SAVEPOINT job");
            }
            self.stretch = Some(UndoneTogether { first: self.jobs.len(), has_savepoint });
        }
    }

    fn close_stretch(&mut self) {
        let Some(stretch) = self.stretch.take() else { return };
        self.holds_work = true;
        if stretch.has_savepoint {
            self.begun = statement(self.connection, "RELEASE job");
        }
    }

    fn run_stretch_again(&mut self) {
        let Some(stretch) = self.stretch.take() else { return };
        self.begun = if stretch.has_savepoint {
            statement(self.connection, "ROLLBACK TO job").and_then(|()| statement(self.connection, "RELEASE job"))
        } else {
            statement(self.connection, "ROLLBACK").and_then(|()| statement(self.connection, BEGIN))
        };
        let mut again = self.jobs.split_off(stretch.first);
        for job in &mut again {
            if self.begun.is_err() || self.connection.is_autocommit() {
                break;
            }
            self.run_by_itself(&mut **job, true);
        }
        self.jobs.append(&mut again);
    }

    /// Runs a job so that it can be undone alone: behind a savepoint, or as the first of a transaction, which is undone as a
    /// whole.
    fn run_by_itself(&mut self, job: &mut dyn WriteJob, again: bool) {
        if self.holds_work {
            return self.run_in_savepoint(job, again);
        }
        if self.run(job, again) {
            self.holds_work = true;
        } else if !self.connection.is_autocommit() {
            self.begun = statement(self.connection, "ROLLBACK").and_then(|()| statement(self.connection, BEGIN));
        }
    }

    fn run_in_savepoint(&mut self, job: &mut dyn WriteJob, again: bool) {
        self.begun = statement(self.connection, "SAVEPOINT job");
        if self.begun.is_err() {
            return;
        }
        let kept = self.run(job, again);
        if !kept && !self.connection.is_autocommit() {
            let _ = statement(self.connection, "ROLLBACK TO job");
        }
        if !self.connection.is_autocommit() {
            let _ = statement(self.connection, "RELEASE job");
        }
    }

    /// Runs a job, and notes what it asked for if its work is kept; says whether it is.
    fn run(&mut self, job: &mut dyn WriteJob, again: bool) -> bool {
        let tx = WriteTx::new(self.connection, again);
        let kept = job.run(&tx);
        if kept {
            self.asked.announced |= tx.was_announced();
            self.asked.scrubs |= tx.scrubs();
            self.asked.outdates |= tx.outdates();
        }
        kept
    }
}

fn statement(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::ids::AccountId,
        store::job::{Closure, Once, Repeatable},
    };
    use std::sync::{Arc, Mutex, mpsc::channel};
    use tokio::sync::oneshot;

    type Answer = oneshot::Receiver<Result<(), StoreError>>;

    /// What a job does: writes its letter, and fails before or after it, or not.
    #[derive(Clone, Copy, PartialEq)]
    enum Ends {
        Well,
        BeforeItWrites,
        AfterItWrote,
    }

    /// A job that may run again, or once only; each run is noted in `ran`, in capitals when it is not the first.
    fn job(letter: char, ends: Ends, again: bool, ran: &Arc<Mutex<String>>) -> (Box<dyn WriteJob>, Answer) {
        let ran = ran.clone();
        let work = move |tx: &WriteTx<'_>| {
            ran.lock().expect("no holder panics").push(match tx.runs_again() {
                true => letter.to_ascii_uppercase(),
                false => letter,
            });
            if ends == Ends::BeforeItWrites {
                return Err(StoreError::Stopping);
            }
            tx.execute("INSERT INTO t VALUES (?1)", [letter.to_string()])?;
            if ends == Ends::AfterItWrote { Err(StoreError::Stopping) } else { Ok(()) }
        };
        let (reply, answer) = oneshot::channel();
        let job: Box<dyn WriteJob> = match again {
            true => Box::new(Closure::new(Repeatable(work), reply)),
            false => Box::new(Closure::new(Once(Some(work)), reply)),
        };
        (job, answer)
    }

    /// Runs jobs as one group; gives what ran, what is in the table, and whose caller heard that it is.
    ///
    /// In `jobs` a letter is a job that may run again, `(…)` one that runs once; `!` behind it fails after it wrote, `?`
    /// before.
    fn run(jobs: &str) -> (String, String, String) {
        let connection = Connection::open_in_memory().expect("memory");
        connection.execute_batch("CREATE TABLE t (a TEXT)").expect("a table");
        let ran = Arc::new(Mutex::new(String::new()));
        let (queue, waiting) = channel();
        let mut answers = Vec::new();
        let mut once = false;
        let mut letters = jobs.chars().peekable();
        while let Some(letter) = letters.next() {
            if letter == '(' || letter == ')' {
                once = letter == '(';
                continue;
            }
            let ends = match letters.next_if(|c| "!?".contains(*c)) {
                Some('!') => Ends::AfterItWrote,
                Some(_) => Ends::BeforeItWrites,
                None => Ends::Well,
            };
            let (job, answer) = job(letter, ends, !once, &ran);
            queue.send((None, job)).expect("a receiver");
            answers.push((letter, answer));
        }
        let mut waiting = WriteQueue::new(waiting);
        let first = waiting.take().expect("a job");
        let mut group = Vec::new();
        let commit = write_group(&connection, first, &mut waiting, &mut group, &mut AfterCommit::default());
        assert!(connection.is_autocommit(), "nothing is left open");
        for job in group {
            job.finish(commit.clone());
        }
        let told = answers.into_iter().filter_map(|(letter, mut answer)| {
            answer.try_recv().expect("each caller is told").is_ok().then_some(letter)
        });
        let told = told.collect();
        let kept = connection.query_row("SELECT coalesce(group_concat(a, ''), '') FROM t", [], |r| r.get(0));
        let ran = ran.lock().expect("no holder panics").clone();
        (ran, kept.expect("a row"), told)
    }

    #[test]
    fn a_group_ends_early_where_several_accounts_send() {
        let connection = Connection::open_in_memory().expect("memory");
        for (accounts, left) in [(&[1, 1][..], 0), (&[1, 2], 1)] {
            let (queue, waiting) = channel();
            let mut waiting = WriteQueue::new(waiting);
            let begun = queue::moment();
            for account in accounts {
                waiting.note(Some(AccountId(*account)), (begun, begun + SHARED_FOR));
            }
            for _ in 0..2 {
                let work = |_: &WriteTx<'_>| {
                    let begun = queue::moment();
                    while queue::moment().duration_since(begun) < SHARED_FOR {}
                    Ok::<_, StoreError>(())
                };
                let job: Box<dyn WriteJob> = Box::new(Closure::new(Repeatable(work), oneshot::channel().0));
                queue.send((Some(AccountId(1)), job)).expect("a receiver");
            }
            let first = waiting.take().expect("a job");
            let committed = write_group(&connection, first, &mut waiting, &mut Vec::new(), &mut AfterCommit::default());
            committed.expect("it is committed");
            assert_eq!(std::iter::from_fn(|| waiting.take()).count(), left, "{accounts:?}");
        }
    }

    #[test]
    fn each_job_can_fail_without_the_others() {
        for (jobs, ran, kept) in [
            ("abc", "abc", "abc"),
            ("(abc)", "abc", "abc"),
            // Who only looked has nothing to undo.
            ("ab?c", "abc", "ac"),
            ("a?b?", "ab", ""),
            // Who wrote is undone with all of its stretch, which runs again.
            ("ab!c", "abABc", "ac"),
            ("a!bc", "aAbc", "bc"),
            ("abc!", "abcABC", "ab"),
            ("a!b!c!", "aAbBcC", ""),
            ("ab!cd!e", "abABcdCDe", "ace"),
            // What ran once is before or behind a stretch, and never undone with it.
            ("(a)bc!d", "abcBCd", "abd"),
            ("ab(c)de!", "abcdeDE", "abcd"),
            ("ab!(c!)d", "abABcd", "ad"),
            ("(a!)b!(c)", "abBc", "c"),
            ("(a)(b!)(c)", "abc", "ac"),
            ("a(b?)c!", "abcC", "a"),
        ] {
            let (seen, table, told) = run(jobs);
            assert_eq!((seen.as_str(), table.as_str()), (ran, kept), "{jobs}");
            assert_eq!(told, table, "{jobs}: who is told that it is kept");
        }
    }
}
