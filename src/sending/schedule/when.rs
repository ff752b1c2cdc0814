//! When a message is due: a text becomes a moment. Pure.
//!
//! - With an offset or `Z` the text names one moment, whatever a zone says.
//! - Without one it is the wall time of the account's zone. A time that daylight saving skips is taken as far behind the
//!   gap as it stands in it (02:30 becomes 03:30); of a time that comes twice, the first is meant.
//!
//! What was understood is kept as a moment in UTC: a zone that changes its rules later moves no message.

use crate::model::{clock::Time, plan::Zone};
use jiff::civil::DateTime;

/// Why a text names no moment.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is no time: write it in UTC as 2026-10-06T18:30:00Z, or without Z in the account's own time")]
pub struct NoTime(pub String);

/// Reads a time, with an offset or in `zone`.
///
/// # Errors
/// A text that names no moment.
pub fn parse(text: &str, zone: &Zone, now: Time) -> Result<Time, NoTime> {
    let no = || NoTime(text.chars().take(64).collect());
    let text = text.trim();
    if let Ok(at) = Time::parse(text) {
        return Ok(at);
    }
    // A text that names an offset which is none must not pass as a wall time.
    if text.ends_with(['Z', 'z']) || text.contains(['+', '[']) {
        return Err(no());
    }
    let wall: DateTime = text.parse().map_err(|_| no())?;
    let moment = wall.to_zoned(zone.time_zone_at(now)).map_err(|_| no())?;
    Ok(Time::from_millis(moment.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_times_are_the_accounts_and_both_changes_have_a_rule() {
        let rows = [
            ("Asia/Jerusalem", "2026-06-01T18:30:00Z", Some("2026-06-01T18:30:00Z")),
            ("Asia/Jerusalem", "2026-06-01T18:30:00+02:00", Some("2026-06-01T16:30:00Z")),
            ("Asia/Jerusalem", "2026-06-01T18:30:00", Some("2026-06-01T15:30:00Z")),
            ("Asia/Jerusalem", "2026-06-01T18:30", Some("2026-06-01T15:30:00Z")),
            // Skipped: 02:00 becomes 03:00 on 27 March 2026.
            ("Asia/Jerusalem", "2026-03-27T02:30:00", Some("2026-03-27T00:30:00Z")),
            // Twice: 02:00 becomes 01:00 on 25 October 2026; the first is still summer time.
            ("Asia/Jerusalem", "2026-10-25T01:30:00", Some("2026-10-24T22:30:00Z")),
            ("Europe/Berlin", "2026-03-29T02:30:00", Some("2026-03-29T01:30:00Z")),
            ("Europe/Berlin", "2026-10-25T02:30:00", Some("2026-10-25T00:30:00Z")),
            ("UTC", "2026-06-01T18:30:00Zulu", None),
            ("UTC", "2026-06-01T18:30:00+99:00", None),
            ("UTC", "2026-13-01T18:30:00", None),
            ("UTC", "tomorrow", None),
            ("UTC", "", None),
        ];
        let now = Time::parse("2026-01-01T00:00:00Z").expect("a time");
        for (zone, text, expected) in rows {
            let zone = Zone::parse(zone).expect("a zone");
            let found = parse(text, &zone, now).ok().map(Time::rfc3339);
            assert_eq!(found.as_deref(), expected, "{zone} {text}");
        }
    }
}
