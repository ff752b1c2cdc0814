//! What is done once, however often somebody asks for it: forms that are sent twice, answers that are loaded again.
//!
//! Kept in memory, for a day and as many as fit: whoever asks again after a restart is taken at their word.

use super::clock::Time;
use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, MutexGuard},
    time::Duration,
};

/// How long a name is remembered.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// How many are remembered; the oldest makes room.
const MOST: usize = 10_000;

/// The name of something that is done once: a digest of what was asked for.
pub type OnceKey = [u8; 32];

/// What was done, or is being done.
#[derive(Default)]
pub struct DoneOnce(Mutex<DoneNames>);

#[derive(Default)]
struct DoneNames {
    known: HashSet<OnceKey>,
    order: VecDeque<(Time, OnceKey)>,
}

impl DoneOnce {
    /// Begins it; none: it was done, or somebody is at it.
    pub fn begin(&self, key: OnceKey, now: Time) -> Option<Begun<'_>> {
        let mut names = self.names();
        while let Some((at, old)) = names.order.front().copied()
            && (names.order.len() >= MOST || !now.is_within(KEPT, at))
        {
            names.order.pop_front();
            names.known.remove(&old);
        }
        if !names.known.insert(key) {
            return None;
        }
        names.order.push_back((now, key));
        Some(Begun { of: self, key, is_done: false })
    }

    fn names(&self) -> MutexGuard<'_, DoneNames> {
        self.0.lock().expect("no holder panics")
    }
}

/// Something that was begun. Left without [`done`](Self::done), it may be asked for again.
pub struct Begun<'a> {
    of: &'a DoneOnce,
    key: OnceKey,
    is_done: bool,
}

impl Begun<'_> {
    /// It is done, once and for all.
    pub fn done(mut self) {
        self.is_done = true;
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            let mut names = self.of.names();
            names.known.remove(&self.key);
            names.order.retain(|(_, key)| *key != self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_is_done_once_and_what_failed_may_be_tried_again() {
        let (once, now) = (DoneOnce::default(), Time::from_millis(0));
        let begun = once.begin([1; 32], now).expect("the first time");
        assert!(once.begin([1; 32], now).is_none(), "somebody is at it");
        drop(begun);
        once.begin([1; 32], now).expect("it failed").done();
        assert!(once.begin([1; 32], now.plus(KEPT / 2)).is_none());
        assert!(once.begin([2; 32], now).is_some(), "another one");
        assert!(once.begin([1; 32], now.plus(KEPT * 2)).is_some(), "a day is over");
    }

    #[test]
    fn the_oldest_makes_room() {
        let (once, now) = (DoneOnce::default(), Time::from_millis(0));
        let key = |n: usize| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&n.to_le_bytes());
            key
        };
        for n in 0..=MOST {
            once.begin(key(n), now).expect("new").done();
        }
        assert!(once.begin(key(MOST), now).is_none());
        assert!(once.begin(key(0), now).is_some(), "forgotten");
    }
}
