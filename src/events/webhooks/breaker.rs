//! An endpoint that does nothing but fail rests a moment between attempts, so that it takes no strength from those that
//! work: with a backlog and nobody there it would otherwise be called as fast as a refused connection comes back.
//!
//! A handful of failures costs nothing. From then on the rest doubles with each further one, up to a second: a receiver
//! that comes back is met at once, and its first success ends the resting. Nothing is dropped and no attempt of a
//! delivery is counted by it. Kept in memory: after a restart everybody is tried without rest again.

use super::endpoint::EndpointId;
use crate::model::clock::Time;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Failures in a row that go without a rest.
const FREE: u32 = 8;
const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// Who fails, how often in a row, and until when it rests.
#[derive(Default)]
pub(super) struct Breakers(Mutex<HashMap<EndpointId, Breaker>>);

#[derive(Clone, Copy)]
struct Breaker {
    failures: u32,
    until: Time,
}

impl Breakers {
    fn lock(&self) -> MutexGuard<'_, HashMap<EndpointId, Breaker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how an attempt ended.
    pub(super) fn note(&self, endpoint: EndpointId, works: bool, now: Time) {
        let mut all = self.lock();
        if works {
            all.remove(&endpoint);
            return;
        }
        let breaker = all.entry(endpoint).or_insert(Breaker { failures: 0, until: now });
        breaker.failures = breaker.failures.saturating_add(1);
        breaker.until = now.plus(rest(breaker.failures));
    }

    /// Who rests at this time, and until when.
    pub(super) fn resting(&self, now: Time) -> HashMap<EndpointId, Time> {
        // A clock that was put back must not make a rest longer than it was meant to be.
        let rests = |b: &Breaker| b.until > now && b.until <= now.plus(LONGEST);
        self.lock().iter().filter(|(_, b)| rests(b)).map(|(id, b)| (*id, b.until)).collect()
    }
}

/// The rest after this many failures in a row.
fn rest(failures: u32) -> Duration {
    match failures.checked_sub(FREE) {
        None | Some(0) => Duration::ZERO,
        Some(n) => FIRST.saturating_mul(1 << (n - 1).min(10)).min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_doubles_up_to_a_second() {
        let table =
            [(1, 0), (8, 0), (9, 50), (10, 100), (11, 200), (13, 800), (14, 1000), (15, 1000), (u32::MAX, 1000)];
        for (failures, ms) in table {
            assert_eq!(rest(failures), Duration::from_millis(ms), "after {failures}");
        }
    }

    #[test]
    fn a_success_ends_it_and_others_are_not_meant() {
        let (one, other) = (EndpointId(1), EndpointId(2));
        let (breakers, now) = (Breakers::default(), Time::from_millis(1_800_000_000_000));
        for _ in 0..20 {
            breakers.note(one, false, now);
        }
        breakers.note(other, false, now);
        assert_eq!(breakers.resting(now), [(one, now.plus(LONGEST))].into());
        assert_eq!(breakers.resting(now.plus(LONGEST)), HashMap::new());
        let put_back = Time::from_millis(now.millis() - 3_600_000);
        assert_eq!(breakers.resting(put_back), HashMap::new());
        breakers.note(one, true, now);
        assert_eq!(breakers.resting(now), HashMap::new());
    }
}
