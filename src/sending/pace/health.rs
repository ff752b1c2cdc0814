//! How the recipients take it: messages of the last day, how many failed for reasons of the recipient, how many
//! people opted out. Counted by the hour, so that a day is 24 rows of numbers whatever was sent.

use crate::{model::clock::Time, sending::rules::Rules};
use std::collections::BTreeMap;

const HOUR_MS: i64 = 3_600_000;
/// Most hours that are remembered.
const HOURS_MAX: usize = 24 * 7;

#[derive(Default)]
pub(super) struct HealthWindow {
    by_hour: BTreeMap<i64, Hour>,
}

#[derive(Clone, Copy, Default)]
struct Hour {
    sent: u32,
    failed: u32,
    opted_out: u32,
}

impl HealthWindow {
    /// Messages sent, failed for reasons of the recipient, and opt-outs.
    pub(super) fn figures(&mut self, rules: &Rules, now: Time) -> (u32, u32, u32) {
        self.settle(now);
        let hours = i64::try_from(rules.health_window.as_secs() / 3600).unwrap_or(i64::MAX).max(1);
        let recent = self.by_hour.range(hour_of(now).saturating_sub(hours - 1)..).map(|(_, hour)| hour);
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

    /// What a clock that was ahead has counted for hours to come counts for this one: the clock was set back.
    fn settle(&mut self, now: Time) {
        let this = hour_of(now);
        while let Some(last) = self.by_hour.last_entry().filter(|hour| *hour.key() > this) {
            let of = last.remove();
            let hour = self.by_hour.entry(this).or_default();
            *hour = Hour {
                sent: hour.sent.saturating_add(of.sent),
                failed: hour.failed.saturating_add(of.failed),
                opted_out: hour.opted_out.saturating_add(of.opted_out),
            };
        }
    }

    fn hour(&mut self, at: Time) -> &mut Hour {
        self.settle(at);
        let number = hour_of(at);
        while self.by_hour.len() > HOURS_MAX {
            self.by_hour.pop_first();
        }
        self.by_hour.entry(number).or_default()
    }
}

fn hour_of(t: Time) -> i64 {
    t.millis().div_euclid(HOUR_MS)
}
