//! Messages to be sent later: those that people schedule, and those that wait a moment by themselves (a group's delay,
//! an answer to somebody who wrote).
//!
//! A row says what is to be sent and when. The worker (`worker.rs`) claims what is due, hands it to the guarded sender,
//! and writes what became of it; the guard judges then, and not when the row was made. `when.rs` says what a written
//! time means.
//!
//! Invariants:
//! - Nothing is sent twice. The message's id stands in the row from the beginning, the log takes an id once, and a row
//!   that was claimed when the gateway died is settled by looking for that message: if it is there, it was fired.
//! - What was due while the gateway was off is sent within the grace time, and is `missed` after it.
//! - A cancelled row is never claimed, a claimed one never cancelled: both are one write.
//!
//! It knows nothing of dialects, pages or HTTP.

mod group_pause;
mod held;
mod kept;
mod row;
mod when;
mod worker;

pub use super::waiting_room::{LONGEST_WAIT, MOST_WAITING};
pub use group_pause::after_group_pause;
pub use row::{Filter, NewSchedule, ScheduleState, ScheduledMessage, enqueue, find_account, list};
pub use when::{NoTime, parse};

use crate::{
    accounts::Scope,
    model::{
        clock::{Clock, LastLook, Time},
        ids::{InstanceId, MessageId, row_ids},
        moment::Moment,
        random::Random,
    },
    sending::{Answer, Malformed, Sending, waiting},
    store::{Store, StoreError},
};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{Notify, oneshot};

row_ids! {
    /// A message to be sent later.
    ScheduleId,
}

/// What can go wrong here; each text says what would be right.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// No such row, or another account's.
    #[error("there is no scheduled message {0}")]
    NotFound(ScheduleId),
    /// It is not pending any more.
    #[error("scheduled message {0} is {1}: only a pending one can be cancelled")]
    NotPending(ScheduleId, ScheduleState),
    /// A time that is over.
    #[error("the time has passed already: choose one in the future")]
    Past,
    /// More than the gateway keeps for one account.
    #[error("{MOST_WAITING} messages wait already: cancel some, or wait until they were sent")]
    TooMany,
    /// The gateway stopped, or could not write, before it was known what became of it.
    #[error("it is not known yet what became of it: look at the log")]
    NotKnown,
    /// What the guarded API would refuse for its form.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The slice's door.
pub struct Schedules {
    store: Store,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    sending: Arc<Sending>,
    /// How late something may still be sent.
    grace: Duration,
    under_way: Mutex<HashSet<ScheduleId>>,
    waiting: Mutex<HashMap<MessageId, oneshot::Sender<Option<Answer>>>>,
    wake: Notify,
    /// Claiming is one at a time: what is claimed is noted as under way before anybody looks again.
    turn: tokio::sync::Mutex<()>,
    looked: LastLook,
}

impl Schedules {
    /// The slice over `store`; its worker is started with [`Schedules::run`]. `grace` is how late a message that was due
    /// while nothing ran may still be sent.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        sending: Arc<Sending>,
        grace: Duration,
    ) -> Self {
        let (under_way, waiting) = (Mutex::default(), Mutex::default());
        Self {
            store,
            clock,
            random,
            sending,
            grace,
            under_way,
            waiting,
            wake: Notify::new(),
            turn: tokio::sync::Mutex::default(),
            looked: LastLook::default(),
        }
    }

    /// Keeps a message for later.
    ///
    /// # Errors
    /// A time that is over, too many that wait, what could not be read when it is due.
    pub async fn create(&self, new: NewSchedule) -> Result<ScheduledMessage, ScheduleError> {
        new.check()?;
        let (now, random) = (self.clock.now(), self.random.clone());
        if new.due_at <= now {
            return Err(ScheduleError::Past);
        }
        let shared = self.sending.shared.clone();
        let made = self.store.write_of(new.account, move |tx| {
            if !shared.room.enter(tx, new.account, now)? {
                return Err(ScheduleError::TooMany);
            }
            let (id, _) = row::create(tx, &new, "listed", MessageId::new(now, &*random), now)?;
            row::find(tx, Scope::Account(new.account), id)?.ok_or(ScheduleError::NotFound(id))
        });
        let made = made.await?;
        self.wake.notify_one();
        Ok(made)
    }

    /// Sends a message after a pause that a restart does not shorten into a second message, and answers with what
    /// became of it.
    ///
    /// # Errors
    /// The gateway stops or cannot write; the row stays, and is sent after the next start.
    pub async fn send_after(&self, new: NewSchedule) -> Result<Answer, ScheduleError> {
        self.queue(new, false).await?.ok_or(ScheduleError::NotKnown)
    }

    /// The same for a caller who may not know whether an earlier request with the same reference got through; none: it
    /// did, and its message is on its way or gone.
    ///
    /// # Errors
    /// As [`Self::send_after`].
    pub async fn send_after_once(&self, new: NewSchedule) -> Result<Option<Answer>, ScheduleError> {
        self.queue(new, true).await
    }

    async fn queue(&self, new: NewSchedule, once: bool) -> Result<Option<Answer>, ScheduleError> {
        let now = self.clock.now();
        let message_id = MessageId::new(now, &*self.random);
        let (tell, told) = oneshot::channel();
        lock(&self.waiting).insert(message_id.clone(), tell);
        let _forget = Forget(self, message_id.clone());
        let made = self.store.write(move |tx| {
            if once && row::is_known(tx, &new)? {
                return Ok(false);
            }
            row::create(tx, &new, "queued", message_id, now).map(|_| true)
        });
        if !made.await? {
            return Ok(None);
        }
        self.wake.notify_one();
        told.await.ok().flatten().map(Some).ok_or(ScheduleError::NotKnown)
    }

    /// Wakes the worker: somebody put a row into the queue in a transaction of his own.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// What people scheduled, newest first.
    pub async fn list(&self, filter: Filter) -> Result<Vec<ScheduledMessage>, StoreError> {
        self.store.read(move |tx| row::list(tx, &filter)).await
    }

    /// One of them, if they see it.
    ///
    /// # Errors
    /// No such one.
    pub async fn find(&self, scope: Scope, id: ScheduleId) -> Result<ScheduledMessage, ScheduleError> {
        let found = self.store.read(move |tx| row::find(tx, scope, id)).await?;
        found.ok_or(ScheduleError::NotFound(id))
    }

    /// Cancels a pending one of theirs, and of `instance` where one is named.
    ///
    /// # Errors
    /// No such one, or one that is not pending any more.
    pub async fn cancel(
        &self,
        scope: Scope,
        instance: Option<InstanceId>,
        id: ScheduleId,
    ) -> Result<ScheduledMessage, ScheduleError> {
        let (now, random) = (self.clock.now(), self.random.clone());
        let cancelled = self
            .store
            .write(move |tx| {
                let entry = row::find(tx, scope, id)?.ok_or(ScheduleError::NotFound(id))?;
                if instance.is_some_and(|only| only != entry.instance) {
                    return Err(ScheduleError::NotFound(id));
                }
                if !row::cancel(tx, id, now)? {
                    return Err(ScheduleError::NotPending(id, entry.state));
                }
                let message_id = row::message_id(tx, id)?;
                waiting::withdraw(tx, &message_id, waiting::CANCELLED, Moment::new(now, &*random))?;
                row::find(tx, scope, id)?.ok_or(ScheduleError::NotFound(id))
            })
            .await?;
        self.sending.shared.room.leave(cancelled.account);
        Ok(cancelled)
    }

    /// Whether a moment is over, by the gateway's clock.
    pub fn is_past(&self, at: Time) -> bool {
        at <= self.clock.now()
    }
}

/// Ends a waiting when its caller goes away.
struct Forget<'a>(&'a Schedules, MessageId);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        lock(&self.0.waiting).remove(&self.1);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
