//! What is counted in memory before anything is written: requests of an integration in a minute, failures of an address
//! in a minute, signatures that were used. All of it is bounded.

use super::integration::IntegrationId;
use crate::model::clock::Time;
use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

const MINUTE: Duration = Duration::from_secs(60);
/// Requests of one integration within any minute.
pub const PER_MINUTE: usize = 60;
/// Addresses that are remembered; a crowd beyond it is not counted one by one.
const ADDRESSES_MAX: usize = 16_384;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Requests of integrations: when each of the last minute's came.
#[derive(Default)]
pub(super) struct Rates(Mutex<HashMap<IntegrationId, VecDeque<Time>>>);

impl Rates {
    /// Counts a request in, or says how long until there is room. What is refused is not counted, so that whoever
    /// keeps to the rate gets through again.
    pub(super) fn take(&self, id: &IntegrationId, now: Time) -> Result<(), Duration> {
        let mut all = lock(&self.0);
        let came = all.entry(id.clone()).or_default();
        // A clock that was set back must not lock anybody out.
        came.retain(|at| *at <= now && now.since(*at) < MINUTE);
        match came.front() {
            Some(oldest) if came.len() >= PER_MINUTE => Err(oldest.plus(MINUTE).since(now)),
            _ => {
                came.push_back(now);
                Ok(())
            }
        }
    }
}

/// Requests of addresses that were not authenticated: since when, how many.
pub(super) struct Failures {
    counts: Mutex<HashMap<IpAddr, (Time, u32)>>,
    /// In a minute; 0: as many as they like.
    max: u32,
}

impl Failures {
    pub(super) fn new(max: u32) -> Self {
        Self { counts: Mutex::default(), max }
    }

    /// Whether an address has failed too often lately.
    pub(super) fn is_over(&self, address: IpAddr, now: Time) -> bool {
        let counts = lock(&self.counts);
        let found = counts.get(&home(address)).filter(|(since, _)| is_of_this_minute(*since, now));
        self.max > 0 && found.is_some_and(|(_, count)| *count >= self.max)
    }

    pub(super) fn note(&self, address: IpAddr, now: Time) {
        let mut counts = lock(&self.counts);
        if counts.len() >= ADDRESSES_MAX {
            counts.retain(|_, (since, _)| is_of_this_minute(*since, now));
        }
        if counts.len() >= ADDRESSES_MAX && !counts.contains_key(&home(address)) {
            return;
        }
        let entry = counts.entry(home(address)).or_insert((now, 0));
        if !is_of_this_minute(entry.0, now) {
            *entry = (now, 0);
        }
        entry.1 = entry.1.saturating_add(1);
    }
}

fn is_of_this_minute(since: Time, now: Time) -> bool {
    since <= now && now.since(since) < MINUTE
}

/// Whom an address stands for: an IPv6 customer has a whole network of 64 bits.
fn home(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

/// Signatures that were used, until they would be stale.
#[derive(Default)]
pub(super) struct Seen(Mutex<HashMap<[u8; 32], Time>>);

impl Seen {
    /// What an earlier run saw.
    pub(super) fn with(rows: Vec<([u8; 32], Time)>) -> Self {
        Self(Mutex::new(rows.into_iter().collect()))
    }

    /// Whether it was taken.
    pub(super) fn knows(&self, signature: &[u8; 32]) -> bool {
        lock(&self.0).contains_key(signature)
    }

    /// Gives a signature back: nothing came of its request.
    pub(super) fn release(&self, signature: &[u8; 32]) {
        lock(&self.0).remove(signature);
    }

    /// Takes a signature; false when it was taken before. Of two at the same time exactly one gets it.
    pub(super) fn claim(&self, signature: [u8; 32], until: Time, now: Time) -> bool {
        let mut all = lock(&self.0);
        all.retain(|_, until| *until >= now);
        match all.get(&signature) {
            Some(_) => false,
            None => {
                all.insert(signature, until);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Time {
        Time::from_millis(1_000_000 + ms)
    }

    #[test]
    fn sixty_in_any_minute_and_no_more() {
        let (rates, id, other) = (Rates::default(), IntegrationId::from_text("a"), IntegrationId::from_text("b"));
        for n in 0..60 {
            assert_eq!(rates.take(&id, at(n * 100)), Ok(()));
        }
        assert_eq!(rates.take(&id, at(6_000)), Err(Duration::from_secs(54)));
        assert_eq!(rates.take(&other, at(6_000)), Ok(()));
        assert_eq!(rates.take(&id, at(59_999)), Err(Duration::from_millis(1)));
        assert_eq!(rates.take(&id, at(60_000)), Ok(()), "the first one is a minute old");
        assert_eq!(rates.take(&id, at(60_000)), Err(Duration::from_millis(100)));
        assert_eq!(rates.take(&id, at(-5_000)), Ok(()), "a clock that was set back");
    }

    #[test]
    fn failures_are_counted_by_address_and_network() {
        let failures = Failures::new(3);
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        for _ in 0..3 {
            assert!(!failures.is_over(address("192.0.2.1"), at(0)));
            failures.note(address("192.0.2.1"), at(0));
            failures.note(address("2001:db8::1"), at(0));
        }
        assert!(failures.is_over(address("192.0.2.1"), at(59_999)));
        assert!(failures.is_over(address("::ffff:192.0.2.1"), at(0)));
        assert!(failures.is_over(address("2001:db8::ffff"), at(0)));
        assert!(!failures.is_over(address("2001:db8:0:1::1"), at(0)));
        assert!(!failures.is_over(address("192.0.2.2"), at(0)));
        assert!(!failures.is_over(address("192.0.2.1"), at(60_000)), "a minute later");
        let off = Failures::new(0);
        off.note(address("192.0.2.1"), at(0));
        assert!(!off.is_over(address("192.0.2.1"), at(0)));
    }

    #[test]
    fn a_signature_is_good_once() {
        let seen = Seen::with(vec![([1; 32], at(500))]);
        assert!(!seen.claim([1; 32], at(500), at(0)), "an earlier run saw it");
        assert!(seen.claim([2; 32], at(500), at(0)));
        assert!(!seen.claim([2; 32], at(500), at(500)));
        seen.release(&[2; 32]);
        assert!(!seen.knows(&[2; 32]) && seen.claim([2; 32], at(500), at(500)), "it was given back");
        assert!(seen.claim([1; 32], at(900), at(501)), "it would be stale; nobody asks any more");
    }
}
