//! How often somebody guessed wrong, by name and by address, in memory: each wrong guess makes the next wait longer.

use crate::model::clock::Time;
use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Wrong guesses that cost nothing.
const FREE: u32 = 5;
/// An address may stand for an office: it has more of them.
const FREE_ADDRESS: u32 = 20;
const FIRST_WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// After so long without a wrong guess all is forgotten.
const FORGET: Duration = Duration::from_secs(30 * 60);
/// More names than these are not remembered: the oldest go.
const MOST: usize = 10_000;

/// Wrong guesses so far.
#[derive(Default)]
pub struct Guesses {
    by_name: Mutex<HashMap<String, Wrong>>,
    by_address: Mutex<HashMap<IpAddr, Wrong>>,
}

#[derive(Clone, Copy)]
struct Wrong {
    times: u32,
    last: Time,
}

impl Guesses {
    /// How long this name or address still has to wait; none: it may try.
    pub fn wait(&self, name: &str, address: IpAddr, now: Time) -> Option<Duration> {
        let name = left(&self.by_name, &name.to_lowercase(), FREE, now);
        name.max(left(&self.by_address, &address, FREE_ADDRESS, now))
    }

    /// It was wrong.
    pub fn note_wrong(&self, name: &str, address: IpAddr, now: Time) {
        note(&self.by_name, name.to_lowercase(), now);
        note(&self.by_address, address, now);
    }

    /// It was right: this name is trusted again.
    pub fn note_right(&self, name: &str) {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner).remove(&name.to_lowercase());
    }
}

fn left<K: Hash + Eq>(all: &Mutex<HashMap<K, Wrong>>, key: &K, free: u32, now: Time) -> Option<Duration> {
    let all = all.lock().unwrap_or_else(PoisonError::into_inner);
    let wrong = all.get(key).filter(|w| now.since(w.last) < FORGET)?;
    let more = wrong.times.checked_sub(free)?;
    let wait = FIRST_WAIT.saturating_mul(1 << more.min(10)).min(LONGEST_WAIT);
    let until = wrong.last.plus(wait);
    (until > now).then(|| until.since(now))
}

fn note<K: Hash + Eq + Clone>(all: &Mutex<HashMap<K, Wrong>>, key: K, now: Time) {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() >= MOST && !all.contains_key(&key) {
        all.retain(|_, w| now.since(w.last) < FORGET);
        let oldest = all.iter().min_by_key(|(_, w)| w.last).map(|(k, _)| k.clone());
        if let Some(oldest) = oldest.filter(|_| all.len() >= MOST) {
            all.remove(&oldest);
        }
    }
    let wrong = all.entry(key).or_insert(Wrong { times: 0, last: now });
    if now.since(wrong.last) >= FORGET {
        wrong.times = 0;
    }
    wrong.times = wrong.times.saturating_add(1);
    wrong.last = now;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_gets_slower_and_is_forgotten() {
        let (guesses, here) = (Guesses::default(), IpAddr::from([192, 0, 2, 1]));
        let mut now = Time::from_millis(1_000_000);
        for _ in 0..FREE {
            assert_eq!(guesses.wait("a@b.example", here, now), None);
            guesses.note_wrong("a@b.example", here, now);
        }
        assert_eq!(guesses.wait("A@B.example", here, now), Some(FIRST_WAIT), "whatever the case");
        assert_eq!(guesses.wait("other@b.example", here, now), None, "others are not held up");
        now = now.plus(FIRST_WAIT);
        assert_eq!(guesses.wait("a@b.example", here, now), None);
        guesses.note_wrong("a@b.example", here, now);
        assert_eq!(guesses.wait("a@b.example", here, now), Some(FIRST_WAIT * 2));
        assert_eq!(guesses.wait("a@b.example", here, now.plus(FORGET)), None);
        for n in 0..FREE_ADDRESS {
            guesses.note_wrong(&format!("{n}@b.example"), here, now);
        }
        assert!(guesses.wait("new@b.example", here, now).is_some(), "the address itself");
    }
}
