//! How many messages of an account may wait for their time: a bound, and a count that is made rarely. Counting goes through
//! all that wait, on the writer, and messages of other accounts would wait for it each time that one more is kept.

use crate::{
    model::{clock::Time, ids::AccountId},
    store::{StoreError, Tx},
};
use rusqlite::params;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Messages of one account that may wait at once.
pub const MOST_WAITING: i64 = 10_000;
/// Longest time that a message may wait for its own.
pub const LONGEST_WAIT: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// For how long a count is believed. Room that is made without a word (what was sent meanwhile) is seen after that.
const BELIEVED: Duration = Duration::from_secs(1);

/// What is known of each account that has let a message wait.
#[derive(Default)]
pub(super) struct WaitingRoom(Mutex<HashMap<AccountId, WaitingCount>>);

/// So many wait at most: those that were counted, and those that came since.
#[derive(Clone, Copy)]
struct WaitingCount {
    at_most: i64,
    at: Time,
}

impl WaitingRoom {
    /// Whether one more may wait, in the transaction that keeps it.
    ///
    /// # Errors
    /// The store's.
    pub(super) fn enter(&self, tx: &Tx<'_>, account: AccountId, now: Time) -> Result<bool, StoreError> {
        let known = self.lock().get(&account).copied().filter(|known| now.is_within(BELIEVED, known.at));
        let counted = match known {
            Some(known) => known,
            None => WaitingCount { at_most: count(tx, account)?, at: now },
        };
        let has_room = counted.at_most < MOST_WAITING;
        // One that is not kept in the end is counted all the same, until the next count.
        let at_most = counted.at_most + i64::from(has_room);
        self.lock().insert(account, WaitingCount { at_most, ..counted });
        Ok(has_room)
    }

    /// One of them waits no longer: they are counted again.
    pub(super) fn leave(&self, account: AccountId) {
        self.lock().remove(&account);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, WaitingCount>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(tx: &Tx<'_>, account: AccountId) -> Result<i64, StoreError> {
    let sql = "SELECT count(*) FROM schedules WHERE account_id = ?1 AND kind = 'listed' AND state = 'pending'";
    tx.one(sql, params![account], |r| r.get(0))
}
