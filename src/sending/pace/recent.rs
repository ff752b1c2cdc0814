//! What happened within the last window (an hour, ten minutes): texts and how many people had them, strangers, one-time codes.

use crate::{
    model::{clock::Time, purpose::Purpose},
    sending::rules::Rules,
};
use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

/// Most messages whose text is remembered for one instance. With limits of up to 1,000 people a text and 60 messages a
/// minute, an hour has 3,600; more than this only an instance with raised limits sends, and then the oldest go first.
const TEXTS_MAX: usize = 20_000;

/// Which people had which text.
#[derive(Default)]
pub(super) struct RecentTexts {
    pub(super) order: VecDeque<(Time, u64, u64)>,
    pub(super) had: HashMap<(u64, u64), u32>,
    pub(super) people: HashMap<u64, u32>,
}

impl RecentTexts {
    /// How many people would have had `text` if `person` got it now.
    pub(super) fn people_with(&mut self, text: u64, person: u64, window: Duration, now: Time) -> u32 {
        self.forget(window, now);
        let people = self.people.get(&text).copied().unwrap_or(0);
        if self.had.contains_key(&(text, person)) { people } else { people + 1 }
    }

    /// Until so few people had `text` within the window that one more makes no more than `limit`.
    pub(super) fn free_in(&self, text: u64, (limit, window): (u32, Duration), now: Time) -> Duration {
        let mut left = self.people.get(&text).copied().unwrap_or(0);
        let mut had: HashMap<u64, u32> = HashMap::new();
        for (at, _, person) in self.order.iter().filter(|(_, one, _)| *one == text) {
            let gone = had.entry(*person).or_insert(0);
            *gone += 1;
            // Who had it more than once counts until the last time is over.
            left -= u32::from(self.had.get(&(text, *person)) == Some(gone));
            if left < limit {
                return window.saturating_sub(now.since(*at));
            }
        }
        window
    }

    pub(super) fn add(&mut self, text: u64, person: u64, limit: u32, now: Time) {
        // Beyond the threshold the exact number does not matter (observe mode goes on counting otherwise).
        if self.people.get(&text).copied().unwrap_or(0) > limit {
            return;
        }
        if self.order.back().is_some_and(|(at, ..)| *at > now) {
            self.order.iter_mut().for_each(|(at, ..)| *at = now.min(*at));
        }
        if self.order.len() >= TEXTS_MAX {
            self.drop_oldest();
        }
        self.order.push_back((now, text, person));
        let times = self.had.entry((text, person)).or_insert(0);
        *times += 1;
        if *times == 1 {
            *self.people.entry(text).or_insert(0) += 1;
        }
    }

    fn forget(&mut self, window: Duration, now: Time) {
        // The newest is at the end: one ahead of now says that the clock was set back.
        if self.order.back().is_some_and(|(at, ..)| *at > now) {
            self.order.iter_mut().for_each(|(at, ..)| *at = now.min(*at));
        }
        while self.order.front().is_some_and(|(at, ..)| now.since(*at) >= window) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some((_, text, person)) = self.order.pop_front() else { return };
        if one_less(&mut self.had, (text, person)) {
            one_less(&mut self.people, text);
        }
    }
}

/// Takes one away; says whether it was the last.
fn one_less<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, u32>, key: K) -> bool {
    let Some(n) = counts.get_mut(&key) else { return false };
    *n -= 1;
    let last = *n == 0;
    if last {
        counts.remove(&key);
    }
    last
}

/// First messages to people whom the account never had to do with. Support has a threshold of its own.
#[derive(Default)]
pub(super) struct Strangers {
    support: VecDeque<Time>,
    others: VecDeque<Time>,
}

impl Strangers {
    pub(super) fn lately(&mut self, purpose: Option<Purpose>, window: Duration, now: Time) -> u32 {
        let times = self.of(purpose);
        as_of(times, now);
        while times.front().is_some_and(|at| now.since(*at) >= window) {
            times.pop_front();
        }
        u32::try_from(times.len()).unwrap_or(u32::MAX)
    }

    /// Until fewer than `limit` strangers were written to within the window.
    pub(super) fn free_in(
        &mut self,
        purpose: Option<Purpose>,
        (limit, window): (u32, Duration),
        now: Time,
    ) -> Duration {
        let times = self.of(purpose);
        let blocking = times.len().checked_sub(limit.max(1) as usize).and_then(|at| times.get(at));
        blocking.map_or(Duration::ZERO, |at| window.saturating_sub(now.since(*at)))
    }

    pub(super) fn add(&mut self, purpose: Option<Purpose>, now: Time) {
        let times = self.of(purpose);
        as_of(times, now);
        times.push_back(now);
        if times.len() > TEXTS_MAX {
            times.pop_front();
        }
    }

    fn of(&mut self, purpose: Option<Purpose>) -> &mut VecDeque<Time> {
        if purpose == Some(Purpose::Support) { &mut self.support } else { &mut self.others }
    }
}

/// When each person had authentication messages, within the window.
#[derive(Default)]
pub(super) struct Windows {
    by_key: HashMap<u64, VecDeque<Time>>,
    prune_at: usize,
}

impl Windows {
    /// If the person's share is used up: how long until the next may go.
    pub(super) fn full(&mut self, key: u64, rules: &Rules, now: Time) -> Option<Duration> {
        let window = rules.authentication_window;
        let limit = rules.authentication_limit as usize;
        let times = self.by_key.get_mut(&key).filter(|_| limit > 0)?;
        as_of(times, now);
        // The one that must leave the window before there is room again.
        let blocking = times.len().checked_sub(limit).and_then(|i| times.get(i))?;
        let age = now.since(*blocking);
        (age < window).then(|| window - age)
    }

    pub(super) fn add(&mut self, key: u64, rules: &Rules, now: Time) {
        let window = rules.authentication_window;
        if self.by_key.len() >= self.prune_at.max(1024) {
            self.by_key.retain(|_, times| times.back().is_some_and(|at| now.is_within(window, *at)));
            self.prune_at = self.by_key.len() * 2;
        }
        let times = self.by_key.entry(key).or_default();
        as_of(times, now);
        times.push_back(now);
        while times.len() > rules.authentication_limit.max(1) as usize {
            times.pop_front();
        }
    }
}

/// Moments ahead of now, the newest at the end, are of a clock that was set back since: they count as of now.
fn as_of(times: &mut VecDeque<Time>, now: Time) {
    if times.back().is_some_and(|at| *at > now) {
        times.iter_mut().for_each(|at| *at = now.min(*at));
    }
}
