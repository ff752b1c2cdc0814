//! Rates: so many a minute, so many of them at once. The generic cell rate algorithm: one number for each bucket, the
//! moment at which it would be empty, so that a queue of waiting messages needs no memory of its own.

use crate::model::clock::Time;
use std::{collections::HashMap, time::Duration};

/// A rate, in microseconds. `every` is the time one message takes; `ahead` how much of it may be taken in advance;
/// `waiting` how long a message waits for its slot at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Rate {
    every: i64,
    ahead: i64,
    waiting: i64,
}

/// One bucket, in microseconds since the epoch.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Bucket {
    pub(super) empty_at: i64,
}

/// Buckets of people; those that are empty again are forgotten.
#[derive(Default)]
pub(super) struct Buckets {
    by_key: HashMap<u64, Bucket>,
    prune_at: usize,
}

impl Rate {
    /// `per_minute` of 0: no limit. A burst is at least 1.
    pub(super) fn new(per_minute: u32, burst: u32, longest_wait: Duration) -> Self {
        let every = if per_minute == 0 { 0 } else { 60_000_000 / i64::from(per_minute) };
        let waiting = i64::try_from(longest_wait.as_micros()).unwrap_or(i64::MAX / 4);
        Self { every, ahead: every * i64::from(burst.max(1) - 1), waiting }
    }
}

impl Bucket {
    /// How long until the next message may go.
    pub(super) fn wait(self, rate: &Rate, now: Time) -> Duration {
        if rate.every == 0 || self.is_of_a_clock_ahead(rate, now) {
            return Duration::ZERO;
        }
        // Rounded up to milliseconds: who waits that long has waited long enough.
        let wait = self.empty_at - rate.ahead - micros(now);
        Duration::from_millis(u64::try_from((wait + 999).div_euclid(1000)).unwrap_or(0))
    }

    /// Takes one message that goes at `at`.
    pub(super) fn take(&mut self, rate: &Rate, at: Time) {
        if self.is_of_a_clock_ahead(rate, at) {
            *self = Self::default();
        }
        self.empty_at = self.empty_at.max(micros(at)) + rate.every;
    }

    /// Whether it would be empty later than it can be: a burst, and what waits for its slot. Then the clock was set back
    /// since, and what it holds is not believed; it fills anew.
    fn is_of_a_clock_ahead(self, rate: &Rate, now: Time) -> bool {
        self.empty_at > micros(now).saturating_add(rate.ahead + rate.every + rate.waiting)
    }
}

impl Buckets {
    pub(super) fn wait(&self, key: u64, rate: &Rate, now: Time) -> Duration {
        self.by_key.get(&key).map_or(Duration::ZERO, |b| b.wait(rate, now))
    }

    pub(super) fn take(&mut self, key: u64, rate: &Rate, at: Time, now: Time) {
        if rate.every == 0 {
            return;
        }
        if self.by_key.len() >= self.prune_at.max(1024) {
            self.by_key.retain(|_, b| b.empty_at > micros(now));
            // Twice of what is in use: the cost of forgetting stays a constant for each message.
            self.prune_at = self.by_key.len() * 2;
        }
        self.by_key.entry(key).or_default().take(rate, at);
    }
}

fn micros(t: Time) -> i64 {
    t.millis().saturating_mul(1000)
}
