//! Time as an argument.
//!
//! No code asks the machine for the time but [`SystemClock`] (`.clippy.toml` forbids it), so that a test can put the
//! gateway at the last second of a month and then step over it. Instants are [`Time`]: milliseconds since the Unix
//! epoch in UTC, which is also how every time column of the database is stored. Local days and months are made from
//! it in [`crate::model::plan`].

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

/// A future that ends when a moment has come.
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Time;
    /// Ends when [`Clock::now`] has reached `at`; at once when it already has.
    fn sleep_until(&self, at: Time) -> Sleep<'_>;
    /// Whether it stands until somebody moves it. What is done once a minute then waits for whoever does.
    fn is_stepped(&self) -> bool {
        false
    }
}

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

impl Time {
    /// From milliseconds since the epoch.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Parses RFC 3339, such as `2026-05-08T10:00:00Z`.
    ///
    /// # Errors
    /// A text that is no RFC 3339 time, with what is wrong about it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let read = |text: &str| text.parse::<jiff::Timestamp>().map(|t| Self(t.as_millisecond()));
        read(text).or_else(|e| {
            // jiff's range ends two hours before the last day, which many take for "never".
            let last_day = text.strip_prefix("9999-12-31").map(|rest| read(&format!("9998-12-31{rest}")));
            last_day.filter(Result::is_ok).map(|_| Self(jiff::Timestamp::MAX.as_millisecond())).ok_or(e.to_string())
        })
    }

    /// RFC 3339 in UTC with `Z`, milliseconds only where there are some: for people and for what is read back.
    pub fn rfc3339(self) -> String {
        self.timestamp().to_string()
    }

    /// RFC 3339 in UTC with `Z`, whole seconds, rounded down: the one form in which programs are told a time
    /// (`2026-05-08T10:00:00Z`, as both documents print it). Readers that take nothing else take it.
    pub fn to_second(self) -> String {
        Self(self.seconds() * 1000).rfc3339()
    }

    /// The same moment as jiff writes it; the ends of jiff's range stand for what lies outside it.
    pub fn timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }

    /// This moment and `d` later.
    #[must_use]
    pub fn plus(self, d: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This moment less `d`.
    #[must_use]
    pub fn minus(self, d: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Whether `then` lies less than `length` back. A moment ahead of this one does not: the clock was set back since,
    /// and nobody knows how long ago it was.
    pub fn is_within(self, length: Duration, then: Self) -> bool {
        then <= self && self.since(then) < length
    }

    /// What is left of a wait that ends at `until` and was `longest` at its longest. None when it is over, and when its
    /// end is further away than it ever can be: the clock was set back since it began.
    pub fn left(self, until: Self, longest: Duration) -> Option<Duration> {
        (until > self && until <= self.plus(longest)).then(|| until.since(self))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

impl serde::Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.to_second())
    }
}

/// How far ahead a stored moment may lie and still be believed, where forgetting it would take something from somebody:
/// a session, a link, an idempotent answer. What only makes somebody wait gets none of it.
pub const SLACK: Duration = Duration::from_secs(24 * 3600);

/// Whether the clock was set back between one look and the next. The first look finds that it was: nobody knows what
/// happened while the gateway was off.
pub struct LastLook(AtomicI64);

impl Default for LastLook {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MAX))
    }
}

impl LastLook {
    /// Looks at `now`.
    pub fn was_set_back(&self, now: Time) -> bool {
        self.0.swap(now.0, Ordering::Relaxed) > now.0
    }
}

/// The machine's own clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        #[expect(clippy::disallowed_methods, reason = "the one place where the machine is asked for the time")]
        let now = std::time::SystemTime::now();
        let ms = now.duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_millis());
        Time(i64::try_from(ms).unwrap_or(i64::MAX))
    }

    fn sleep_until(&self, at: Time) -> Sleep<'_> {
        #[expect(clippy::disallowed_methods, reason = "the one place where one waits for the machine's clock")]
        let sleep = tokio::time::sleep(at.since(self.now()));
        Box::pin(sleep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read_as_rfc3339() {
        let t = Time::parse("2026-05-08T10:00:00Z").expect("a time");
        assert_eq!(t.rfc3339(), "2026-05-08T10:00:00Z");
        let later = t.plus(Duration::from_millis(50));
        assert_eq!(later.rfc3339(), "2026-05-08T10:00:00.05Z");
        assert_eq!((later.to_second(), t.to_second()), (t.rfc3339(), t.rfc3339()));
        assert_eq!(serde_json::json!(later), "2026-05-08T10:00:00Z");
        assert_eq!(Time::parse("2026-05-08T13:00:00+03:00").expect("a time"), t);
        assert!(Time::parse("yesterday").is_err());
        assert_eq!(t.since(t.plus(Duration::from_secs(1))), Duration::ZERO);
    }

    #[test]
    fn a_moment_that_lies_ahead_is_not_believed() {
        let (now, second) = (Time::from_millis(1_800_000_000_000), Duration::from_secs(1));
        for (then, within) in [(0, true), (-999, true), (-1000, false), (1, false), (i64::MAX / 2, false)] {
            assert_eq!(now.is_within(second, Time(now.0 + then)), within, "{then}");
        }
        for (until, left) in [(0, None), (1, Some(1)), (1000, Some(1000)), (1001, None), (-5, None)] {
            assert_eq!(now.left(Time(now.0 + until), second), left.map(Duration::from_millis), "{until}");
        }
    }
}
