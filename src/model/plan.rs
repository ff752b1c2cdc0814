//! Plans, modules, limits, and the local days and months that limits are counted by.

use crate::model::{clock::Time, string_enum::string_enum};
use jiff::{
    civil::{Date, date},
    tz::TimeZone,
};
use std::{fmt, time::Duration};

/// A change of zone holds from the later of two next midnights: never further away than this.
const CHANGE_WITHIN: Duration = Duration::from_secs(3 * 24 * 3600);

string_enum! {
    /// A part of the gateway that an account may have, independent of its plan.
    Module {
        /// The guarded API (contract 1).
        ApiAccess = "api_access",
        /// The 3CX middleware (contract 2).
        ThreeCx = "3cx",
        /// The Chattu-style API (contract 3).
        Chattu = "chattu",
    }
}

string_enum! {
    /// The plans of the contract.
    Plan {
        /// 100 a day, 2,000 a month.
        Starter = "starter",
        /// 500 a day, 10,000 a month.
        Growth = "growth",
        /// 1,500 a day, 30,000 a month.
        Scale = "scale",
    }
}

impl Plan {
    /// What it allows, as the database has it from its first migration on.
    pub const fn limits(self) -> PlanLimits {
        let (daily, monthly) = match self {
            Self::Starter => (100, 2000),
            Self::Growth => (500, 10_000),
            Self::Scale => (1500, 30_000),
        };
        PlanLimits { daily, monthly }
    }
}

/// How many messages an account may send in its local day and month.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlanLimits {
    /// Messages a day.
    pub daily: u64,
    /// Messages a month.
    pub monthly: u64,
}

/// An account's time zone, with a change that waits for its moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Zone {
    name: String,
    next: Option<(String, Time)>,
}

/// The local day and month of a moment, and when each of them ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Period {
    /// `YYYY-MM-DD`.
    pub day: String,
    /// `YYYY-MM`.
    pub month: String,
    /// The first moment of the next day.
    pub day_ends: Time,
    /// The first moment of the next month.
    pub month_ends: Time,
}

/// No time zone is called so.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is no time zone: use a name of the IANA database, such as Asia/Riyadh or Europe/Berlin")]
pub struct UnknownZone(pub String);

impl Zone {
    /// The zone called `name` in the IANA database.
    ///
    /// # Errors
    /// A name that is not in it.
    pub fn parse(name: &str) -> Result<Self, UnknownZone> {
        let zone = TimeZone::get(name).map_err(|_| UnknownZone(name.to_owned()))?;
        let name = zone.iana_name().unwrap_or(name).to_owned();
        Ok(Self { name, next: None })
    }

    /// As stored: a zone, and the one that follows it.
    pub fn stored(name: String, next: Option<(String, Time)>) -> Self {
        Self { name, next }
    }

    /// The name of the zone that holds at `now`.
    pub fn name_at(&self, now: Time) -> &str {
        match &self.next {
            // A change is never further away than two midnights: this one was made by a clock that was ahead.
            Some((next, from)) if now.left(*from, CHANGE_WITHIN).is_none() => next,
            _ => &self.name,
        }
    }

    /// The zone that holds at `now`, to show times in; UTC stands for one that a later database dropped.
    pub fn time_zone_at(&self, now: Time) -> TimeZone {
        TimeZone::get(self.name_at(now)).unwrap_or(TimeZone::UTC)
    }

    /// The change that is still to come at `now`: the zone and its first moment.
    pub fn next_at(&self, now: Time) -> Option<(&str, Time)> {
        self.next
            .as_ref()
            .filter(|(_, from)| now.left(*from, CHANGE_WITHIN).is_some())
            .map(|(name, from)| (name.as_str(), *from))
    }

    /// The same account with `new` as its zone. The new one holds from the later of both next midnights, so that no
    /// day is counted twice and no limit can be had twice by changing the zone.
    #[must_use]
    pub fn changed_to(&self, new: &Self, now: Time) -> Self {
        let current = self.name_at(now).to_owned();
        if current == new.name {
            return Self { name: current, next: None };
        }
        let from = period_in(&current, now).day_ends.max(period_in(&new.name, now).day_ends);
        Self { name: current, next: Some((new.name.clone(), from)) }
    }

    /// The local day and month at `now`. A change that falls into them moves their ends: what has the same name in the
    /// new zone goes on there, and what has not ends with the change.
    pub fn period(&self, now: Time) -> Period {
        let mut period = period_in(self.name_at(now), now);
        if let Some((next, from)) = self.next_at(now) {
            let then = period_in(next, from);
            if from < period.day_ends {
                period.day_ends = if then.day == period.day { then.day_ends } else { from };
            }
            if from < period.month_ends {
                period.month_ends = if then.month == period.month { then.month_ends } else { from };
            }
        }
        period
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

fn period_in(zone: &str, now: Time) -> Period {
    // Names are judged before they are stored; UTC stands for one that a later time zone database dropped.
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let today = now.timestamp().to_zoned(zone.clone()).date();
    let start_of = |day: Date| {
        // A midnight that daylight saving skips is the first moment after the gap.
        day.to_zoned(zone.clone()).map_or(now, |z| Time::from_millis(z.timestamp().as_millisecond()))
    };
    let next_month = if today.month() == 12 {
        date(today.year().saturating_add(1), 1, 1)
    } else {
        date(today.year(), today.month() + 1, 1)
    };
    Period {
        day: format!("{:04}-{:02}-{:02}", today.year(), today.month(), today.day()),
        month: format!("{:04}-{:02}", today.year(), today.month()),
        day_ends: start_of(today.tomorrow().unwrap_or(today)),
        month_ends: start_of(next_month),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        Time::parse(text).expect("a time")
    }

    #[test]
    fn days_and_months_are_local() {
        let rows = [
            ("Asia/Riyadh", "2026-05-31T20:59:59.999Z", "2026-05-31", "2026-05", "2026-05-31T21:00:00Z"),
            ("Asia/Riyadh", "2026-05-31T21:00:00Z", "2026-06-01", "2026-06", "2026-06-01T21:00:00Z"),
            // The day of 23 hours and the day of 25.
            ("Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-29", "2026-03", "2026-03-29T22:00:00Z"),
            ("Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29", "2026-03", "2026-03-29T22:00:00Z"),
            ("Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-25", "2026-10", "2026-10-25T23:00:00Z"),
            ("UTC", "2028-02-29T23:00:00Z", "2028-02-29", "2028-02", "2028-03-01T00:00:00Z"),
            ("UTC", "2026-12-31T23:59:59Z", "2026-12-31", "2026-12", "2027-01-01T00:00:00Z"),
            // Midnight does not exist here: the day begins at one.
            ("America/Asuncion", "2024-10-05T12:00:00Z", "2024-10-05", "2024-10", "2024-10-06T04:00:00Z"),
        ];
        for (zone, now, day, month, ends) in rows {
            let p = Zone::parse(zone).expect("a zone").period(at(now));
            assert_eq!((p.day.as_str(), p.month.as_str(), p.day_ends), (day, month, at(ends)), "{zone} {now}");
            assert!(p.month_ends >= p.day_ends);
        }
    }

    #[test]
    fn a_new_zone_holds_from_the_later_of_both_midnights() {
        let riyadh = Zone::parse("Asia/Riyadh").expect("a zone");
        let berlin = Zone::parse("Europe/Berlin").expect("a zone");
        let now = at("2026-05-08T10:00:00Z");
        let there = riyadh.changed_to(&berlin, now);
        // Riyadh's midnight is 21:00Z, Berlin's 22:00Z.
        assert_eq!(there.next_at(now), Some(("Europe/Berlin", at("2026-05-08T22:00:00Z"))));
        assert_eq!(there.name_at(at("2026-05-08T21:59:59Z")), "Asia/Riyadh");
        assert_eq!(there.name_at(at("2026-05-08T22:00:00Z")), "Europe/Berlin");
        let back = berlin.changed_to(&riyadh, now);
        assert_eq!(back.next_at(now), Some(("Asia/Riyadh", at("2026-05-08T22:00:00Z"))));
        // Changing back before it holds takes the change back.
        assert_eq!(there.changed_to(&riyadh, now), riyadh);
    }

    #[test]
    fn an_unknown_zone_is_refused() {
        assert!(Zone::parse("Mars/Olympus").is_err());
        assert_eq!(Zone::parse("asia/riyadh").expect("a zone").to_string(), "Asia/Riyadh");
    }
}
