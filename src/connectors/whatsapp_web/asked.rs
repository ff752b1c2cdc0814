//! What WhatsApp was asked lately: answers that hold for a while, and how often it was asked. Whoever asks for many people
//! looks like a campaign.
//!
//! Pure: the time is an argument.

use crate::model::clock::Time;
use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

/// Answers that are remembered.
const KNOWN_MAX: usize = 10_000;
const HOUR: Duration = Duration::from_secs(3600);

/// Answers about people, by their names there.
pub(super) struct AskedLately<T> {
    known: HashMap<String, (T, Time)>,
    order: VecDeque<String>,
    asked: VecDeque<Time>,
}

impl<T> Default for AskedLately<T> {
    fn default() -> Self {
        Self { known: HashMap::new(), order: VecDeque::new(), asked: VecDeque::new() }
    }
}

impl<T> AskedLately<T> {
    /// The answer, and how old it is.
    pub(super) fn get(&self, whose: &str, now: Time) -> Option<(&T, Duration)> {
        self.known.get(whose).map(|(answer, at)| (answer, now.since(*at)))
    }

    pub(super) fn put(&mut self, whose: &str, answer: T, now: Time) {
        if self.known.insert(whose.to_owned(), (answer, now)).is_none() {
            self.order.push_back(whose.to_owned());
        }
        while self.order.len() > KNOWN_MAX {
            let oldest = self.order.pop_front();
            oldest.map(|whose| self.known.remove(&whose));
        }
    }

    /// Whether so many more may be asked for now, `max` in an hour; if so they count.
    pub(super) fn may_ask(&mut self, how_many: usize, max: usize, now: Time) -> bool {
        while self.asked.front().is_some_and(|at| now.since(*at) >= HOUR) {
            self.asked.pop_front();
        }
        let may = self.asked.len() + how_many <= max;
        if may {
            self.asked.extend(std::iter::repeat_n(now, how_many));
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_grow_old_and_questions_are_counted() {
        let begin = Time::from_millis(0);
        let mut asked = AskedLately::default();
        asked.put("1", true, begin);
        assert_eq!(asked.get("1", begin.plus(HOUR)), Some((&true, HOUR)));
        assert_eq!(asked.get("2", begin), None);
        assert!(asked.may_ask(3, 3, begin) && !asked.may_ask(1, 3, begin) && asked.may_ask(0, 3, begin));
        assert!(asked.may_ask(1, 3, begin.plus(HOUR)));
        for n in 0..KNOWN_MAX + 5 {
            asked.put(&format!("n{n}"), true, begin);
        }
        assert_eq!((asked.known.len(), asked.order.len()), (KNOWN_MAX, KNOWN_MAX));
    }
}
