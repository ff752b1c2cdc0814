//! What every provider's connector needs the same way: how long a provider wants us to wait, which word somebody meant,
//! a provider's own words without anybody's number, and its JSON, such as it is.
//!
//! Pure: values in, values out.

use super::registry::BadSetting;
use crate::model::{clock::Time, why::why};
use serde_json::Value;
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

/// A body in JSON as providers bring it: behind a byte order mark, with bytes that are no UTF-8, with half a character where
/// a text was cut in the middle of one (`"\ud83d"`, which JavaScript writes and JSON does not forbid). What is no character
/// becomes U+FFFD; one bad name does not take the messages beside it away. None: it is no JSON.
pub(super) fn json_of(body: &[u8]) -> Option<Value> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let mended = || serde_json::from_str(&without_halves(&String::from_utf8_lossy(body))).ok();
    serde_json::from_slice(body).ok().or_else(mended)
}

/// A text in JSON with U+FFFD for each escape that is half a character.
fn without_halves(text: &str) -> String {
    let unit = |at: &str| u32::from_str_radix(at.strip_prefix("\\u")?.get(..4)?, 16).ok();
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match (unit(rest), rest.get(6..).and_then(unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                out.push_str("\\ufffd");
                rest = &rest[6..];
                continue;
            }
            // Whatever is escaped here is not the beginning of another one.
            _ => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out + rest
}

/// A whole number, as a number or a text; of a fraction what stands before the point.
pub(super) fn whole(value: &Value) -> Option<i64> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    text.split('.').next()?.parse().ok()
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
    fn a_body_that_is_not_quite_json_is_read_all_the_same() {
        let rows: [(&[u8], &str); 8] = [
            (b"\xef\xbb\xbf{\"a\":\"b\"}", "b"),
            (br#"{"a":"x\ud83d"}"#, "x\u{fffd}"),
            (br#"{"a":"\udE00y"}"#, "\u{fffd}y"),
            (br#"{"a":"\ud83d\ud83d\ude00"}"#, "\u{fffd}\u{1f600}"),
            (br#"{"a":"\\ud83d \" \ud83d"}"#, "\\ud83d \" \u{fffd}"),
            (b"{\"a\":\"x\xff\xc3\"}", "x\u{fffd}\u{fffd}"),
            (br#"{"a":"\ud83d\u0041"}"#, "\u{fffd}A"),
            ("{\"a\":\"\\ud83dש\"}".as_bytes(), "\u{fffd}ש"),
        ];
        for (body, text) in rows {
            assert_eq!(json_of(body).expect("JSON")["a"], text, "{}", String::from_utf8_lossy(body));
        }
        for body in [&b""[..], b"{", b"\"\\", b"\"\\u", b"\"\\ud83", b"{\"a\":\"\\q\"}", b"\xef\xbb\xbf"] {
            assert_eq!(json_of(body), None, "{}", String::from_utf8_lossy(body));
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
