//! How often somebody may: counted in memory, bounded, with the time as an argument.
//!
//! - [`client_network`]: whom an address stands for. Everything that counts addresses counts these.
//! - [`SlidingWindow`]: so many within any minute, or any hour.
//! - [`Backoff`]: wrong guesses, each of which makes the next wait longer.
//!
//! A clock that was set back locks nobody out: a moment ahead of now is not believed for longer than a wait takes.

use super::clock::Time;
use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Whom an address stands for: somebody with IPv6 has a whole network of 64 bits (RFC 6177, section 2). An IPv4 address
/// in IPv6's form is the IPv4 address; this machine's own stays itself.
pub fn client_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        other => other,
    }
}

/// So many within a time that slides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bound {
    /// How many; 0: as many as they like.
    pub most: u32,
    /// Within how long.
    pub within: Duration,
}

/// What came of each key within its bound.
pub struct SlidingWindow<K> {
    came: Mutex<HashMap<K, VecDeque<Time>>>,
    /// Keys that are remembered; a crowd beyond it drops those who have been quiet for longest.
    keys_max: usize,
}

impl<K: Hash + Eq> SlidingWindow<K> {
    /// An empty one that remembers `keys_max` keys.
    pub fn new(keys_max: usize) -> Self {
        Self { came: Mutex::default(), keys_max }
    }

    /// Asks and counts in one step.
    ///
    /// # Errors
    /// How long until there is room; what is refused is not counted, so that who keeps to the bound gets through again.
    pub fn take(&self, key: K, bound: Bound, now: Time) -> Result<(), Duration> {
        if bound.most == 0 {
            return Ok(());
        }
        let mut all = lock(&self.came);
        make_room(&mut all, &key, self.keys_max, |came| came.back().copied());
        let came = all.entry(key).or_default();
        match left(came, bound, now) {
            Some(wait) => Err(wait),
            None => {
                came.push_back(now);
                Ok(())
            }
        }
    }

    /// How long until there is room; none: there is. Counts nothing.
    pub fn wait(&self, key: &K, bound: Bound, now: Time) -> Option<Duration> {
        lock(&self.came).get_mut(key).and_then(|came| left(came, bound, now))
    }

    /// Counts, whether there is room or not.
    pub fn note(&self, key: K, bound: Bound, now: Time) {
        if bound.most == 0 {
            return;
        }
        let mut all = lock(&self.came);
        make_room(&mut all, &key, self.keys_max, |came| came.back().copied());
        let came = all.entry(key).or_default();
        came.push_back(now);
        while came.len() > bound.most as usize {
            came.pop_front();
        }
    }
}

/// Forgets what is no longer within the bound; then the wait, if it is used up.
fn left(came: &mut VecDeque<Time>, bound: Bound, now: Time) -> Option<Duration> {
    came.retain(|at| now.is_within(bound.within, *at));
    let oldest = came.front().filter(|_| bound.most > 0 && came.len() >= bound.most as usize)?;
    Some(oldest.plus(bound.within).since(now))
}

/// After the wrong guesses that cost nothing, 30 s, and twice as long after each further one.
const FIRST_WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// After so long without a guess all is forgotten.
const FORGET: Duration = Duration::from_secs(30 * 60);

/// GuessCount by key, each of which makes the next wait longer.
///
/// A guess is asked for and counted as wrong in one step, before anybody looks whether it is right: of a hundred at the
/// same moment only the free ones are looked at. One that was right, or was not looked at, is given back.
pub struct Backoff<K> {
    guesses: Mutex<HashMap<K, GuessCount>>,
    free: u32,
    keys_max: usize,
}

#[derive(Clone, Copy)]
struct GuessCount {
    times: u32,
    last: Time,
}

impl<K: Hash + Eq> Backoff<K> {
    /// With so many guesses that cost nothing, remembering `keys_max` keys.
    pub fn new(free: u32, keys_max: usize) -> Self {
        Self { guesses: Mutex::default(), free, keys_max }
    }

    /// Asks for a guess and counts it.
    ///
    /// # Errors
    /// How long to wait; then nothing was counted.
    pub fn take(&self, key: K, now: Time) -> Result<(), Duration> {
        let mut all = lock(&self.guesses);
        make_room(&mut all, &key, self.keys_max, |guesses| Some(guesses.last));
        let guesses = all.entry(key).or_insert(GuessCount { times: 0, last: now });
        if now.since(guesses.last) >= FORGET {
            guesses.times = 0;
        }
        // One ahead of now was made before the clock was set back: how long ago, nobody knows.
        let more = guesses.times.checked_sub(self.free).filter(|_| guesses.last <= now);
        if let Some(more) = more {
            let wait = FIRST_WAIT.saturating_mul(1 << more.min(10)).min(LONGEST_WAIT);
            let until = guesses.last.plus(wait);
            if until > now {
                return Err(until.since(now));
            }
        }
        guesses.times = guesses.times.saturating_add(1);
        guesses.last = now;
        Ok(())
    }

    /// Takes one guess back: it was right, or nobody looked at it.
    pub fn give_back(&self, key: &K) {
        if let Some(guesses) = lock(&self.guesses).get_mut(key) {
            guesses.times = guesses.times.saturating_sub(1);
        }
    }

    /// Forgets all guesses of a key: it is trusted again.
    pub fn forget(&self, key: &K) {
        lock(&self.guesses).remove(key);
    }
}

/// Drops the quietest eighth if a new key would be one too many.
fn make_room<K: Hash + Eq, V>(all: &mut HashMap<K, V>, key: &K, most: usize, last: impl Fn(&V) -> Option<Time>) {
    if all.len() < most || all.contains_key(key) {
        return;
    }
    let mut times: Vec<Option<Time>> = all.values().map(&last).collect();
    let nth = times.len() / 8;
    let (_, quiet, _) = times.select_nth_unstable(nth);
    let (quiet, mut drop) = (*quiet, nth + 1);
    all.retain(|_, value| {
        let goes = drop > 0 && last(value) <= quiet;
        drop -= usize::from(goes);
        !goes
    });
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while counting leaves a count that is off by one at most.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(seconds: i64) -> Time {
        Time::from_millis(1_800_000_000_000 + seconds * 1000)
    }

    #[test]
    fn an_ipv6_customer_is_a_network_and_a_mapped_address_is_ipv4() {
        let network = |text: &str| client_network(text.parse().expect("an address")).to_string();
        let rows = [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::"),
            ("2001:db8:0:0:ffff:ffff:ffff:ffff", "2001:db8::"),
            ("2001:db8:0:1::1", "2001:db8:0:1::"),
            ("::1", "::1"),
        ];
        for (address, expected) in rows {
            assert_eq!(network(address), expected, "{address}");
        }
    }

    #[test]
    fn so_many_within_any_minute_and_no_more() {
        let (window, bound) = (SlidingWindow::new(10), Bound { most: 3, within: MINUTE });
        for second in [0, 10, 20] {
            assert_eq!(window.take("a", bound, at(second)), Ok(()));
        }
        assert_eq!(window.take("a", bound, at(30)), Err(Duration::from_secs(30)));
        assert_eq!(window.wait(&"a", bound, at(30)), Some(Duration::from_secs(30)));
        assert_eq!(window.take("b", bound, at(30)), Ok(()), "for each by itself");
        assert_eq!(window.take("a", bound, at(60)), Ok(()), "the first one is a minute old");
        assert_eq!(window.take("a", bound, at(60)), Err(Duration::from_secs(10)));
        for _ in 0..10 {
            window.note("a", bound, at(60));
        }
        assert_eq!(window.wait(&"a", bound, at(61)), Some(Duration::from_secs(59)), "the newest three count");
        assert_eq!(window.take("a", bound, at(-3 * 3600)), Ok(()), "a clock that was set back");
        for _ in 0..100 {
            assert_eq!(window.take("a", Bound { most: 0, within: MINUTE }, at(0)), Ok(()), "0 is no bound");
        }
    }

    #[test]
    fn a_guess_is_counted_before_it_is_looked_at_and_waits_grow() {
        let guesses = Backoff::new(5, 10);
        let judged = (0..120).filter(|_| guesses.take("a", at(0)).is_ok()).count();
        assert_eq!(judged, 5, "of a hundred at once only the free ones");
        let mut now = at(0);
        for wait in [30, 60, 120, 240, 480, 900, 900] {
            let wait = Duration::from_secs(wait);
            assert_eq!(guesses.take("a", now), Err(wait));
            now = now.plus(wait);
            let judged = (0..120).filter(|_| guesses.take("a", now).is_ok()).count();
            assert_eq!(judged, 1, "at the end of a wait one guess, not a queue of them");
        }
        assert_eq!(guesses.take("a", now.plus(FORGET)), Ok(()), "forgotten");
        guesses.forget(&"a");
        for _ in 0..100 {
            assert_eq!(guesses.take("a", now), Ok(()));
            guesses.give_back(&"a");
        }
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_wait_longer_than_it_is() {
        for ahead in [2, 3 * 3600, 3 * 365 * 24 * 3600] {
            let guesses = Backoff::new(5, 10);
            for _ in 0..5 {
                assert_eq!(guesses.take("a", at(ahead)), Ok(()));
            }
            assert_eq!(guesses.take("a", at(0)), Ok(()), "{ahead}");
            assert_eq!(guesses.take("a", at(0)), Err(2 * FIRST_WAIT), "{ahead}");
            assert_eq!(guesses.take("a", at(60)), Ok(()), "{ahead}");
        }
    }

    #[test]
    fn memory_is_bounded_and_the_quietest_go_first() {
        let (window, guesses) = (SlidingWindow::new(100), Backoff::new(0, 100));
        for n in 0..1000 {
            let _ = window.take(n, Bound { most: 1, within: MINUTE }, at(n));
            let _ = guesses.take(n, at(n));
            assert!(lock(&window.came).len() <= 100 && lock(&guesses.guesses).len() <= 100, "{n}");
        }
        assert!(lock(&window.came).contains_key(&999) && !lock(&window.came).contains_key(&0));
    }
}
