//! A number that was linked lately begins few chats: one that was quiet for years and then writes to strangers all day
//! looks like a campaign, and is banned for it.

use crate::model::clock::Time;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How far a number is with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WarmUp {
    /// Which day since it was linked this is, from 1.
    pub day: u32,
    /// How many days it lasts.
    pub days: u32,
    /// How many people may be written to for the first time within 24 hours on this day.
    pub new_chats: u32,
}

impl WarmUp {
    /// Where a number stands that was linked at `since`, with `step` new chats more on each of `days` days; none: it is
    /// over, or there is none.
    pub fn at(now: Time, since: Time, days: u32, step: u32) -> Option<Self> {
        let day = u32::try_from(now.since(since).as_secs() / DAY.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        (day <= days).then_some(Self { day, days, new_chats: step.saturating_mul(day) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_allows_more_until_it_is_over() {
        let since = Time::from_millis(1_780_000_000_000);
        let at = |days: u32, more: u64| WarmUp::at(since.plus(DAY * days + Duration::from_secs(more)), since, 14, 10);
        assert_eq!(at(0, 0), Some(WarmUp { day: 1, days: 14, new_chats: 10 }));
        assert_eq!(at(0, 24 * 3600 - 1).map(|w| w.day), Some(1));
        assert_eq!(at(1, 0), Some(WarmUp { day: 2, days: 14, new_chats: 20 }));
        assert_eq!(at(13, 0).map(|w| w.new_chats), Some(140));
        assert_eq!(at(14, 0), None);
        assert_eq!(WarmUp::at(since, since, 0, 10), None, "none is wanted");
        assert_eq!(WarmUp::at(since, since.plus(DAY), 14, 10).map(|w| w.day), Some(1), "a clock that went back");
    }
}
