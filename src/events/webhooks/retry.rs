//! When a delivery is tried again.
//!
//! A 2xx within 15 s is success. Everything else is tried again after about 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h,
//! 24 h and 24 h, each ±15 % so that a receiver that comes back is not met by everybody at once; then the delivery is
//! given up, and stays in the log. `Retry-After` of a 429 or 503 puts the next try off, never brings it forward, and
//! for a day at most. `410 Gone` means that the customer wants no more: the endpoint is disabled at once. An endpoint
//! that did nothing but fail for five days is disabled with a notice; its events are kept for three more days.
//!
//! Pure: time and chance come in.

use crate::model::clock::Time;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// After the first attempt, after the second, …
pub const DELAYS: [Duration; 9] = [
    Duration::from_secs(5 * SECOND.as_secs()),
    Duration::from_secs(5 * MINUTE.as_secs()),
    Duration::from_secs(30 * MINUTE.as_secs()),
    Duration::from_secs(2 * HOUR.as_secs()),
    Duration::from_secs(5 * HOUR.as_secs()),
    Duration::from_secs(10 * HOUR.as_secs()),
    Duration::from_secs(10 * HOUR.as_secs()),
    Duration::from_secs(24 * HOUR.as_secs()),
    Duration::from_secs(24 * HOUR.as_secs()),
];

/// How long nothing but failures disable an endpoint.
pub const FAILING_MAX: Duration = Duration::from_secs(5 * 24 * 3600);
/// How long a disabled endpoint keeps collecting.
pub const COLLECTS_FOR: Duration = Duration::from_secs(3 * 24 * 3600);
/// The longest that `Retry-After` is believed.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);
/// Jitter, in per cent either way.
const JITTER_PERCENT: u64 = 15;

/// What an attempt brought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AttemptResult {
    /// An answer with this status, and its `Retry-After` if it had one.
    Status(u16, Option<Duration>),
    /// None: why, in plain words.
    NoAnswer(String),
    /// A broker has it.
    Confirmed,
}

/// What is done about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RetryDecision {
    /// The endpoint has it.
    Delivered,
    /// Tried again at this time.
    Again(Time),
    /// Not tried again; it stays in the log.
    GiveUp,
    /// The customer wants no more: the endpoint is disabled.
    Gone,
}

/// What follows the attempt with this number (from 1). `chance` is any random number.
pub fn next(brought: &AttemptResult, attempt: u32, now: Time, chance: u64) -> RetryDecision {
    let asked = match brought {
        AttemptResult::Status(200..=299, _) | AttemptResult::Confirmed => return RetryDecision::Delivered,
        AttemptResult::Status(410, _) => return RetryDecision::Gone,
        AttemptResult::Status(429 | 503, asked) => *asked,
        _ => None,
    };
    let Some(delay) = (attempt as usize).checked_sub(1).and_then(|n| DELAYS.get(n)) else {
        return RetryDecision::GiveUp;
    };
    let delay = jittered(*delay, chance).max(asked.unwrap_or_default().min(RETRY_AFTER_MAX));
    RetryDecision::Again(now.plus(delay))
}

fn jittered(delay: Duration, chance: u64) -> Duration {
    let ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
    let span = ms / 100 * (2 * JITTER_PERCENT);
    Duration::from_millis(ms - span / 2 + chance % (span + 1))
}

/// The `Retry-After` header: seconds, or a date of HTTP.
pub fn parse_retry_after(text: &str, now: Time) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Time::from_millis(date.as_millisecond()).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_millis(1_800_000_000_000);

    #[test]
    fn each_attempt_waits_as_the_table_says() {
        for (n, delay) in DELAYS.iter().enumerate() {
            let attempt = u32::try_from(n).expect("small") + 1;
            for chance in [0, 1, u64::MAX / 3, u64::MAX] {
                let RetryDecision::Again(at) = next(&AttemptResult::Status(500, None), attempt, NOW, chance) else {
                    panic!("attempt {attempt} is tried again");
                };
                let waited = at.since(NOW).as_secs_f64() / delay.as_secs_f64();
                assert!((0.849..=1.151).contains(&waited), "{attempt} {chance}: {waited}");
            }
        }
        assert_eq!(next(&AttemptResult::Status(500, None), 10, NOW, 0), RetryDecision::GiveUp);
    }

    #[test]
    fn answers_are_told_apart() {
        let next = |status, asked| next(&AttemptResult::Status(status, asked), 1, NOW, 0);
        for ok in [200, 201, 204, 299] {
            assert_eq!(next(ok, None), RetryDecision::Delivered);
        }
        for again in [100, 301, 302, 307, 400, 401, 404, 409, 429, 500, 503] {
            assert!(matches!(next(again, None), RetryDecision::Again(_)), "{again}");
        }
        assert_eq!(next(410, None), RetryDecision::Gone);
        let minute = Duration::from_secs(60);
        assert_eq!(next(503, Some(minute)), RetryDecision::Again(NOW.plus(minute)));
        assert_ne!(next(500, Some(minute)), RetryDecision::Again(NOW.plus(minute)), "only 429 and 503 may ask");
        assert_eq!(next(429, Some(Duration::MAX)), RetryDecision::Again(NOW.plus(RETRY_AFTER_MAX)));
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let seconds = |text| parse_retry_after(text, NOW).map(|d| d.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds("Fri, 15 Jan 2027 08:01:00 GMT"), Some(60));
        assert_eq!(seconds("Fri, 15 Jan 2021 08:01:00 GMT"), Some(0));
        assert_eq!(seconds("soon"), None);
        assert_eq!(seconds("-5"), None);
    }
}
