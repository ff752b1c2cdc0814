//! A clock that stands still until a test moves it. Who sleeps sleeps for so long, as on a real machine: a clock that is
//! set back makes no sleep longer.

use super::http::STUCK;
use std::time::Duration;
use tokio::{sync::watch, time::timeout};
use wa_gateway::model::clock::{Clock, Sleep, Time};

/// Time that only passes when it is told to.
pub struct TestClock {
    now: watch::Sender<Shown>,
    /// The moments that are waited for.
    sleepers: watch::Sender<Vec<Time>>,
}

/// What it shows, and how much time has passed whatever it showed.
#[derive(Clone, Copy)]
struct Shown {
    now: Time,
    passed: Duration,
}

impl TestClock {
    /// A clock that shows `rfc3339`.
    pub fn at(rfc3339: &str) -> Self {
        let now = Time::parse(rfc3339).expect("an RFC 3339 time");
        let shown = Shown { now, passed: Duration::ZERO };
        Self { now: watch::Sender::new(shown), sleepers: watch::Sender::new(Vec::new()) }
    }

    /// Lets `by` pass; whoever waited for a moment up to then wakes up.
    pub fn advance(&self, by: Duration) {
        self.now.send_modify(|shown| {
            *shown = Shown { now: shown.now.plus(by), passed: shown.passed + by };
        });
    }

    /// Shows `at` from now on. Forwards, the time until then has passed; backwards, none has.
    pub fn set(&self, at: Time) {
        self.now.send_modify(|shown| {
            *shown = Shown { now: at, passed: shown.passed + at.since(shown.now) };
        });
    }

    /// Ends when at least `n` wait for a later moment: the point at which stepping the clock reaches them. Who was
    /// reached by the last step and has not woken up yet is none of them.
    pub async fn wait_for_sleepers(&self, n: usize) {
        let later = |due: &Vec<Time>| due.iter().filter(|at| **at > self.now()).count();
        self.sleepers.subscribe().wait_for(|due| later(due) >= n).await.expect("the clock lives");
    }

    /// Ends when somebody waits for exactly `at`: for tests of the whole gateway, where others sleep, too.
    pub async fn wait_for_sleeper_at(&self, at: Time) {
        let mut sleepers = self.sleepers.subscribe();
        let found = timeout(STUCK, sleepers.wait_for(|due| due.contains(&at))).await;
        found.unwrap_or_else(|_| panic!("nobody waits for {at}")).expect("the clock lives");
    }

    /// The same for a moment that chance chose: from the one to the other.
    pub async fn wait_for_sleeper_between(&self, from: Time, to: Time) {
        let mut sleepers = self.sleepers.subscribe();
        let found = timeout(STUCK, sleepers.wait_for(|due| due.iter().any(|at| (from..=to).contains(at)))).await;
        found.unwrap_or_else(|_| panic!("nobody waits for {from} to {to}")).expect("the clock lives");
    }
}

impl Clock for TestClock {
    /// Else the jobs of a minute would run beside whatever a test does when the machine's minute is full.
    fn is_stepped(&self) -> bool {
        true
    }

    fn now(&self) -> Time {
        self.now.borrow().now
    }

    fn sleep_until(&self, at: Time) -> Sleep<'_> {
        Box::pin(async move {
            let mut now = self.now.subscribe();
            let begun = *now.borrow_and_update();
            if begun.now >= at {
                return;
            }
            let _counted = Sleeper::new(&self.sleepers, at);
            let enough = begun.passed + at.since(begun.now);
            now.wait_for(|shown| shown.passed >= enough).await.expect("the clock lives");
        })
    }
}

/// Counts as long as it lives, so that a dropped sleep is no sleeper.
struct Sleeper<'a>(&'a watch::Sender<Vec<Time>>, Time);

impl<'a> Sleeper<'a> {
    fn new(all: &'a watch::Sender<Vec<Time>>, at: Time) -> Self {
        all.send_modify(|due| due.push(at));
        Self(all, at)
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|due| {
            let mine = due.iter().position(|at| *at == self.1).expect("it was put there");
            due.swap_remove(mine);
        });
    }
}

#[tokio::test]
async fn a_sleeper_wakes_when_its_moment_was_stepped_over() {
    let clock = TestClock::at("2026-01-01T00:00:00Z");
    let due = clock.now().plus(Duration::from_secs(5));
    clock.sleep_until(clock.now()).await;
    let steps = async {
        clock.wait_for_sleepers(1).await;
        clock.advance(Duration::from_secs(4));
        assert_eq!(clock.sleepers.borrow().len(), 1, "not yet");
        clock.set(due);
    };
    tokio::join!(clock.sleep_until(due), steps);
    assert_eq!((clock.now(), clock.sleepers.borrow().len()), (due, 0));
}
