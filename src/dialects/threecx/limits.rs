//! What is counted in memory before anything is written: requests of an integration in a minute, failures of an address
//! in a minute, signatures that were used. All of it is bounded.

use super::integration::IntegrationId;
use crate::model::{
    clock::Time,
    throttle::{Bound, SlidingWindow, client_network},
};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

const MINUTE: Duration = Duration::from_secs(60);
/// Requests of one integration within any minute.
pub const PER_MINUTE: u32 = 60;
/// Networks that are remembered, and integrations (only known ones are counted).
const ADDRESSES_MAX: usize = 16_384;
const INTEGRATIONS_MAX: usize = 100_000;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Requests of integrations.
pub(super) struct RequestRates(SlidingWindow<IntegrationId>);

impl Default for RequestRates {
    fn default() -> Self {
        Self(SlidingWindow::new(INTEGRATIONS_MAX))
    }
}

impl RequestRates {
    /// Counts a request in, or says how long until there is room.
    pub(super) fn take(&self, id: &IntegrationId, now: Time) -> Result<(), Duration> {
        self.0.take(id.clone(), Bound { most: PER_MINUTE, within: MINUTE }, now)
    }
}

/// Requests of networks that were not authenticated.
pub(super) struct Failures {
    failed: SlidingWindow<IpAddr>,
    bound: Bound,
}

impl Failures {
    /// `max` in a minute; 0: as many as they like.
    pub(super) fn new(max: u32) -> Self {
        Self { failed: SlidingWindow::new(ADDRESSES_MAX), bound: Bound { most: max, within: MINUTE } }
    }

    /// Whether an address has failed too often lately.
    pub(super) fn is_over(&self, address: IpAddr, now: Time) -> bool {
        self.failed.wait(&client_network(address), self.bound, now).is_some()
    }

    pub(super) fn note(&self, address: IpAddr, now: Time) {
        self.failed.note(client_network(address), self.bound, now);
    }
}

/// Signatures that were used, until they would be stale.
#[derive(Default)]
pub(super) struct SeenSignatures(Mutex<HashMap<[u8; 32], Time>>);

impl SeenSignatures {
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
        let (rates, id, other) =
            (RequestRates::default(), IntegrationId::from_text("a"), IntegrationId::from_text("b"));
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
        let seen = SeenSignatures::with(vec![([1; 32], at(500))]);
        assert!(!seen.claim([1; 32], at(500), at(0)), "an earlier run saw it");
        assert!(seen.claim([2; 32], at(500), at(0)));
        assert!(!seen.claim([2; 32], at(500), at(500)));
        seen.release(&[2; 32]);
        assert!(!seen.knows(&[2; 32]) && seen.claim([2; 32], at(500), at(500)), "it was given back");
        assert!(seen.claim([1; 32], at(900), at(501)), "it would be stale; nobody asks any more");
    }
}
