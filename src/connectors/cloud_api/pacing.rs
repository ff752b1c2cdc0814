//! How long Meta wants us to wait: with one recipient (code 131056), and with the whole number (codes 4, 80007, 130429,
//! 131057, and HTTP 429).
//!
//! - A recipient: 1 s, 4 s, 16 s, … after each refusal in a row, as Meta asks; a message that went ends it.
//! - The number: what Meta says; when it says nothing, 1 s, 2 s, 4 s, … after each refusal in a row.
//! - Only sends that Meta refused count; one that is held back here does not make the wait longer.
//!
//! Pure, in memory and bounded: after a restart Meta says it again.

use crate::{connectors::provider_text::WAIT_MAX, model::clock::Time};
use std::{collections::HashMap, time::Duration};

/// Recipients that are remembered; the one whose wait is over longest goes first.
const RECIPIENTS_MAX: usize = 4096;
/// The longest wait for a recipient is 4^6 s, a bit over an hour.
const RECIPIENT_STEPS: u32 = 6;
/// The longest wait for the number that Meta did not name itself is 2^6 s.
const LINE_STEPS: u32 = 6;
/// A recipient whose wait was over for so long begins at 1 s again.
const FORGIVEN_AFTER: Duration = Duration::from_secs(3600);

/// Who waits, until when.
#[derive(Default)]
pub(super) struct Pacing {
    line: Option<Held>,
    recipients: HashMap<String, Held>,
}

#[derive(Clone)]
struct Held {
    begun: Time,
    until: Time,
    /// Refusals in a row.
    steps: u32,
    /// Meta's code.
    code: String,
}

impl Held {
    /// What is left of it; none also when it began later than now: the clock was set back since.
    fn left(&self, now: Time) -> Option<Duration> {
        (self.begun <= now && self.until > now).then(|| self.until.since(now))
    }
}

/// A message that may not go yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Wait {
    pub(super) wait: Duration,
    /// Meta's code that is the reason.
    pub(super) code: String,
    /// Whether it is the recipient's; else the whole number's.
    pub(super) is_recipients: bool,
}

impl Pacing {
    /// Whether a message to this recipient must wait, and for how long.
    pub(super) fn wait(&self, recipient: &str, now: Time) -> Option<Wait> {
        let line = self.line.as_ref().map(|held| (held, false));
        let own = self.recipients.get(recipient).map(|held| (held, true));
        let left = |(held, is_recipients): (&Held, bool)| {
            Some(Wait { wait: held.left(now)?, code: held.code.clone(), is_recipients })
        };
        line.into_iter().chain(own).filter_map(left).max_by_key(|held| held.wait)
    }

    /// Meta refused because of this recipient; answers with the wait.
    pub(super) fn slow_recipient(
        &mut self,
        recipient: &str,
        code: &str,
        asked: Option<Duration>,
        now: Time,
    ) -> Duration {
        let known =
            self.recipients.get(recipient).filter(|held| held.begun <= now && now.since(held.until) < FORGIVEN_AFTER);
        let steps = known.map_or(0, |held| held.steps);
        let wait = asked.unwrap_or_else(|| Duration::from_secs(4_u64.pow(steps.min(RECIPIENT_STEPS)))).min(WAIT_MAX);
        if self.recipients.len() >= RECIPIENTS_MAX && !self.recipients.contains_key(recipient) {
            self.drop_oldest();
        }
        let held = Held { begun: now, until: now.plus(wait), steps: steps + 1, code: code.to_owned() };
        self.recipients.insert(recipient.to_owned(), held);
        wait
    }

    /// Meta refused because of the whole number; answers with the wait.
    pub(super) fn slow_line(&mut self, code: &str, asked: Option<Duration>, now: Time) -> Duration {
        let held = self.line.as_ref();
        let (steps, left) = held.map_or((0, Duration::ZERO), |held| (held.steps, held.left(now).unwrap_or_default()));
        // Messages that were on their way together are refused together: that is one refusal.
        let (wait, more) = match asked {
            Some(asked) => (asked.min(WAIT_MAX).max(left), 0),
            None if left.is_zero() => (Duration::from_secs(1 << steps.min(LINE_STEPS)), 1),
            None => (left, 0),
        };
        self.line = Some(Held { begun: now, until: now.plus(wait), steps: steps + more, code: code.to_owned() });
        wait
    }

    /// Meta took a message to this recipient.
    pub(super) fn went(&mut self, recipient: &str, now: Time) {
        self.recipients.remove(recipient);
        if self.line.as_ref().is_some_and(|held| held.left(now).is_none()) {
            self.line = None;
        }
    }

    fn drop_oldest(&mut self) {
        let oldest = self.recipients.iter().min_by_key(|(_, held)| held.until).map(|(name, _)| name.clone());
        if let Some(name) = oldest {
            self.recipients.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::parse("2026-06-01T08:00:00Z").expect("a time").plus(Duration::from_secs(seconds))
    }

    fn seconds(wait: Option<Wait>) -> Option<(u64, bool)> {
        wait.map(|w| (w.wait.as_secs(), w.is_recipients))
    }

    #[test]
    fn a_recipient_waits_four_times_as_long_each_time() {
        let mut pacing = Pacing::default();
        let mut now = at(0);
        for expected in [1, 4, 16, 64, 256, 1024, 4096, 4096] {
            assert_eq!(pacing.slow_recipient("a", "131056", None, now).as_secs(), expected);
            assert_eq!(seconds(pacing.wait("a", now)), Some((expected, true)));
            assert_eq!(pacing.wait("b", now), None, "nobody else waits");
            now = now.plus(Duration::from_secs(expected));
            assert_eq!(pacing.wait("a", now), None);
        }
        pacing.went("a", now);
        assert_eq!(pacing.slow_recipient("a", "131056", None, now).as_secs(), 1);
        assert_eq!(pacing.slow_recipient("a", "131056", Some(Duration::from_secs(9)), now).as_secs(), 9);
        assert_eq!(pacing.slow_recipient("a", "131056", None, now.plus(Duration::from_secs(3609))).as_secs(), 1);
    }

    #[test]
    fn the_line_waits_as_long_as_it_is_told_or_twice_as_long_each_time() {
        let mut pacing = Pacing::default();
        assert_eq!(pacing.slow_line("130429", None, at(0)).as_secs(), 1);
        assert_eq!(pacing.slow_line("130429", None, at(0)).as_secs(), 1, "refused together: one refusal");
        assert_eq!(pacing.slow_line("130429", None, at(1)).as_secs(), 2);
        assert_eq!(seconds(pacing.wait("a", at(1))), Some((2, false)));
        assert_eq!(pacing.slow_line("4", Some(Duration::from_secs(90)), at(2)).as_secs(), 90);
        assert_eq!(pacing.slow_line("4", Some(Duration::ZERO), at(3)).as_secs(), 89, "what was said before holds");
        assert_eq!(seconds(pacing.wait("a", at(3))), Some((89, false)));
        pacing.went("a", at(4));
        assert_eq!(seconds(pacing.wait("b", at(4))), Some((88, false)), "one that slipped through ends nothing");
        pacing.went("a", at(92));
        assert_eq!(pacing.slow_line("4", None, at(92)).as_secs(), 1);
    }

    #[test]
    fn of_two_waits_the_longer_one_holds() {
        let mut pacing = Pacing::default();
        pacing.slow_line("4", Some(Duration::from_secs(5)), at(0));
        pacing.slow_recipient("a", "131056", Some(Duration::from_secs(9)), at(0));
        assert_eq!(seconds(pacing.wait("a", at(0))), Some((9, true)));
        assert_eq!(seconds(pacing.wait("b", at(0))), Some((5, false)));
    }

    #[test]
    fn memory_is_bounded() {
        let mut pacing = Pacing::default();
        for n in 0..=RECIPIENTS_MAX as u64 {
            pacing.slow_recipient(&n.to_string(), "131056", Some(Duration::from_secs(n + 1)), at(0));
        }
        assert_eq!(pacing.recipients.len(), RECIPIENTS_MAX);
        assert_eq!(pacing.wait("0", at(0)), None, "the shortest wait went");
        assert!(pacing.wait("1", at(0)).is_some());
    }
}
