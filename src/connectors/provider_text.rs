//! What every provider's connector needs the same way: how long a provider wants us to wait, which word somebody meant,
//! and a provider's own words without anybody's number.
//!
//! Pure: values in, values out.

use super::registry::BadSetting;
use crate::model::{clock::Time, why::why};
use std::time::Duration;

/// The longest that a provider's wish to wait is believed.
pub(super) const WAIT_MAX: Duration = Duration::from_secs(24 * 3600);

/// `Retry-After`: seconds, or a date; none when it is neither.
pub(super) fn retry_after(text: &str, now: Time) -> Option<Duration> {
    let text = text.trim();
    let wait = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        text.parse().map_or(WAIT_MAX, Duration::from_secs)
    } else {
        let at = jiff::fmt::rfc2822::parse(text).ok()?;
        Time::from_millis(at.timestamp().as_millisecond()).since(now)
    };
    Some(wait.min(WAIT_MAX))
}

/// The known word that is spelt most like `text`; none when nothing is like it at all.
pub(super) fn nearest<'a>(text: &str, known: &[&'a str]) -> Option<&'a str> {
    let likeness =
        |word: &str| strsim::normalized_damerau_levenshtein(text, word).max(strsim::jaro_winkler(text, word));
    known.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|word| likeness(word) > 0.5)
}

/// A setting that `whose` ("a sandbox") does not have, with the one that was probably meant.
pub(super) fn unknown_setting(whose: &str, name: &str, known: &[&str]) -> BadSetting {
    let nearest = nearest(name, known).map_or(String::new(), |word| format!(" (did you mean {word}?)"));
    BadSetting(why!(
        "setting_unknown",
        "{whose} has no setting {name:?}{nearest}; its settings are {known}",
        whose = whose,
        name = name,
        nearest = nearest,
        known = known.join(", ")
    ))
}

/// How much of a provider's own words is repeated, in characters.
const WORDS_MAX: usize = 200;

/// A provider's own words as we repeat them: one line, not long, and no whole number in it.
pub(super) fn repeated(words: &str) -> String {
    masked(words).chars().map(|c| if c.is_control() { ' ' } else { c }).take(WORDS_MAX).collect()
}

/// Digits that may be somebody's number become stars, but for the last three.
pub(super) fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut digits = String::new();
    for c in text.chars().chain(['\0']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        match digits.len() {
            0..=6 => out.push_str(&digits),
            n => out.push_str(&format!("****{}", &digits[n - 3..])),
        }
        digits.clear();
        if c != '\0' {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_to_wait_is_read_in_both_forms() {
        let now = Time::parse("2026-06-01T08:00:00Z").expect("a time");
        for (text, seconds) in [
            ("3", Some(3)),
            (" 0 ", Some(0)),
            ("Mon, 01 Jun 2026 08:00:30 GMT", Some(30)),
            ("Mon, 01 Jun 2026 07:00:00 GMT", Some(0)),
            ("99999999999999999999999", Some(24 * 3600)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(text, now), seconds.map(Duration::from_secs), "{text:?}");
        }
    }

    #[test]
    fn nobodys_number_is_repeated() {
        assert_eq!(masked("to 966501234567 and 12345"), "to ****567 and 12345");
        assert_eq!(masked(""), "");
        assert_eq!(repeated("call\n966501234567"), "call ****567");
        assert_eq!(repeated(&"x".repeat(5000)).len(), WORDS_MAX);
    }
}
