//! In which order closures come to the writer.
//!
//! First come, first served, but for one thing: whose messages cost the writer little does not wait for all that somebody
//! else asks for (that one has its turn after a few of them). A closure of an account that had far less of the writer's time lately than whoever had most comes next,
//! and is committed at once instead of with everything else that waits; not more than a few hundred times a second, so
//! that many accounts of the same size still share their commits.

use crate::model::ids::AccountId;
use std::{
    collections::{HashMap, VecDeque},
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

/// For whom a closure is run; none: for the gateway itself, or for what is no message.
pub(super) type Lane = Option<AccountId>;

/// A closure, and for whom it is run.
pub(super) type InLane<J> = (Lane, J);

/// Whoever had less than such a part of what the most had comes first.
const LIGHT: u32 = 8;
/// After so many of these the others have one: of a thousand accounts that keep the writer busy each had little, and the
/// gateway's own work, opt-outs and receipts, is among the others.
const LIGHT_IN_A_ROW: u32 = 4;
/// After so long, half of what a lane had is forgotten.
const HALF_LIFE: Duration = Duration::from_millis(250);
/// What is forgotten altogether.
const NOTHING: Duration = Duration::from_micros(10);
/// One early commit for each such time that went by, and so many that were saved up.
const EARLY_EVERY: Duration = Duration::from_millis(5);
const EARLY_SAVED: u32 = 20;

/// What waits for the writer.
pub(super) struct WriteQueue<J> {
    waiting: Receiver<InLane<J>>,
    light: VecDeque<InLane<J>>,
    others: VecDeque<InLane<J>>,
    /// How many of whoever had little came one after the other.
    in_a_row: u32,
    spent: SpentByLane,
    early: EarlyCommits,
}

/// The writer's time that each lane had lately.
#[derive(Default)]
struct SpentByLane {
    lanes: HashMap<Lane, Duration>,
    /// What the lane had that had most.
    most: Duration,
    halved: Option<Instant>,
}

/// How many early commits there may be.
struct EarlyCommits {
    left: u32,
    counted: Option<Instant>,
}

/// The time by a clock that is never set. It decides in which order things are done, and nothing that is.
#[expect(clippy::disallowed_methods, reason = "how long a closure took is measured, and no tick of a test's clock")]
pub(super) fn moment() -> Instant {
    Instant::now()
}

impl<J> WriteQueue<J> {
    pub(super) fn new(waiting: Receiver<InLane<J>>) -> Self {
        let early = EarlyCommits { left: EARLY_SAVED, counted: None };
        Self {
            waiting,
            light: VecDeque::new(),
            others: VecDeque::new(),
            in_a_row: 0,
            spent: SpentByLane::default(),
            early,
        }
    }

    /// The next one; waits for it.
    pub(super) fn wait(&mut self, patience: Duration) -> Result<InLane<J>, RecvTimeoutError> {
        self.take().map_or_else(|| self.waiting.recv_timeout(patience), Ok)
    }

    /// The next one, if there is one.
    pub(super) fn take(&mut self) -> Option<InLane<J>> {
        self.sort();
        if self.light.is_empty() || (self.in_a_row >= LIGHT_IN_A_ROW && !self.others.is_empty()) {
            self.in_a_row = 0;
            self.others.pop_front()
        } else {
            self.in_a_row += 1;
            self.light.pop_front()
        }
    }

    /// Notes what a closure took. Says whether what was done until now is to be committed without the rest.
    pub(super) fn note(&mut self, lane: Lane, (begun, ended): (Instant, Instant)) -> bool {
        self.spent.add(lane, ended - begun, ended);
        if !self.spent.is_light(lane) {
            return false;
        }
        self.sort();
        self.light.is_empty() && !self.others.is_empty() && self.early.take(ended)
    }

    /// Whether messages of more than one account were written lately.
    pub(super) fn is_shared(&self) -> bool {
        self.spent.lanes.keys().flatten().nth(1).is_some()
    }

    /// Puts what came into its line.
    fn sort(&mut self) {
        while let Ok((lane, job)) = self.waiting.try_recv() {
            let line = if self.spent.is_light(lane) { &mut self.light } else { &mut self.others };
            line.push_back((lane, job));
        }
    }
}

impl SpentByLane {
    fn add(&mut self, lane: Lane, time: Duration, now: Instant) {
        let since = *self.halved.get_or_insert(now);
        if now.duration_since(since) >= HALF_LIFE {
            self.halved = Some(now);
            self.most /= 2;
            self.lanes.retain(|_, spent| {
                *spent /= 2;
                *spent > NOTHING
            });
        }
        let had = self.lanes.entry(lane).or_default();
        *had += time;
        self.most = self.most.max(*had);
    }

    /// Whether a lane had little. What is nobody's message never comes first: all of the gateway's work is one lane.
    fn is_light(&self, lane: Lane) -> bool {
        lane.is_some() && self.lanes.get(&lane).copied().unwrap_or_default() * LIGHT < self.most
    }
}

impl EarlyCommits {
    fn take(&mut self, now: Instant) -> bool {
        let since = *self.counted.get_or_insert(now);
        let earned = now.duration_since(since).as_millis() / EARLY_EVERY.as_millis();
        if earned > 0 {
            self.left = EARLY_SAVED.min(self.left.saturating_add(u32::try_from(earned).unwrap_or(EARLY_SAVED)));
            self.counted = Some(now);
        }
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Sender, channel};

    const A: Lane = Some(AccountId(1));
    const B: Lane = Some(AccountId(2));
    const MS: Duration = Duration::from_millis(1);

    fn queue() -> (Sender<InLane<u32>>, WriteQueue<u32>) {
        let (sender, waiting) = channel();
        (sender, WriteQueue::new(waiting))
    }

    fn drained(queue: &mut WriteQueue<u32>) -> Vec<u32> {
        std::iter::from_fn(|| queue.take()).map(|(_, job)| job).collect()
    }

    #[test]
    fn whoever_had_little_comes_first_and_is_not_kept_waiting() {
        let (sender, mut queue) = queue();
        let begun = moment();
        for (lane, job) in [(A, 1), (B, 2), (A, 3)] {
            sender.send((lane, job)).expect("it listens");
        }
        assert_eq!(drained(&mut queue), [1, 2, 3], "nobody had anything yet");
        assert!(!queue.note(A, (begun, begun + 9 * MS)));
        for (lane, job) in [(A, 4), (None, 5), (B, 6), (A, 7), (B, 8)] {
            sender.send((lane, job)).expect("it listens");
        }
        assert_eq!(queue.take(), Some((B, 6)));
        assert!(!queue.note(B, (begun, begun + MS / 2)), "another of its own is committed with it");
        assert_eq!(queue.take(), Some((B, 8)));
        assert!(queue.note(B, (begun, begun + MS / 4)), "the others wait for the next commit");
        assert_eq!(drained(&mut queue), [4, 5, 7], "in the order in which they came");
        assert!(!queue.note(B, (begun, begun + MS / 8)), "nothing else waits");
        sender.send((A, 11)).expect("it listens");
        assert!(queue.note(B, (begun, begun + MS / 16)), "what came meanwhile waits, too");
        assert_eq!(drained(&mut queue), [11]);
        sender.send((B, 9)).expect("it listens");
        sender.send((A, 10)).expect("it listens");
        assert!(!queue.note(B, (begun, begun + MS)), "it had its part");
        assert_eq!(drained(&mut queue), [9, 10], "and is one of them");
    }

    #[test]
    fn many_that_had_little_leave_the_others_their_turn() {
        let (sender, mut queue) = queue();
        let begun = moment();
        queue.note(A, (begun, begun + 9 * MS));
        for job in 1..=3 {
            sender.send((None, 100 + job)).expect("it listens");
        }
        for job in 1..=10 {
            sender.send((Some(AccountId(10 + i64::from(job))), job)).expect("it listens");
        }
        assert_eq!(drained(&mut queue), [1, 2, 3, 4, 101, 5, 6, 7, 8, 102, 9, 10, 103]);
    }

    #[test]
    fn what_was_had_is_forgotten() {
        let mut spent = SpentByLane::default();
        let now = moment();
        spent.add(A, 80 * MS, now);
        spent.add(B, 11 * MS, now);
        assert!(!spent.is_light(B) && !spent.is_light(A));
        assert!(!spent.is_light(None), "the gateway's own work is nobody's");
        for halves in 1..=4_u32 {
            spent.add(A, 80 * MS, now + halves * HALF_LIFE);
        }
        assert!(spent.is_light(B), "{:?}", spent.lanes);
        for halves in 5..=30_u32 {
            spent.add(None, Duration::ZERO, now + halves * HALF_LIFE);
        }
        assert_eq!(spent.lanes.keys().collect::<Vec<_>>(), [&None]);
    }

    #[test]
    fn early_commits_are_few() {
        let mut early = EarlyCommits { left: EARLY_SAVED, counted: None };
        let now = moment();
        let taken = |early: &mut EarlyCommits, at| (0..1000).filter(|_| early.take(at)).count();
        assert_eq!(taken(&mut early, now), 20);
        assert_eq!(taken(&mut early, now + 4 * MS), 0);
        assert_eq!(taken(&mut early, now + 5 * MS), 1);
        assert_eq!(taken(&mut early, now + 1000 * MS), 20);
    }
}
