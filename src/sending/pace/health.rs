//! How the recipients take it: messages of the last 24 hours, how many failed for reasons of the recipient, how many
//! people opted out. Counted by the hour, so that a day is 25 numbers whatever was sent.

use crate::model::clock::Time;
use std::collections::BTreeMap;

const HOUR_MS: i64 = 3_600_000;
const HOURS: i64 = 24;

#[derive(Default)]
pub(super) struct Health {
    by_hour: BTreeMap<i64, Hour>,
}

#[derive(Clone, Copy, Default)]
struct Hour {
    sent: u32,
    failed: u32,
    opted_out: u32,
}

impl Health {
    /// Messages sent, failed for reasons of the recipient, and opt-outs.
    pub(super) fn figures(&self, now: Time) -> (u32, u32, u32) {
        let recent = self.by_hour.range(hour_of(now) - HOURS + 1..).map(|(_, hour)| hour);
        recent.fold((0, 0, 0), |(s, f, o), h| (s + h.sent, f + h.failed, o + h.opted_out))
    }

    pub(super) fn sent(&mut self, at: Time) {
        self.hour(at).sent += 1;
    }

    pub(super) fn failed(&mut self, at: Time) {
        self.hour(at).failed += 1;
    }

    pub(super) fn opted_out(&mut self, at: Time) {
        self.hour(at).opted_out += 1;
    }

    fn hour(&mut self, at: Time) -> &mut Hour {
        let number = hour_of(at);
        while self.by_hour.len() > HOURS as usize {
            self.by_hour.pop_first();
        }
        self.by_hour.entry(number).or_default()
    }
}

fn hour_of(t: Time) -> i64 {
    t.millis().div_euclid(HOUR_MS)
}
