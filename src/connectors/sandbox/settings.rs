//! The settings of a sandbox instance: which there are, what each may say, and the sentence for what is wrong.
//!
//! A map of texts becomes a [`Settings`] or a [`BadSetting`]; nothing here runs anything. A setting that is left out
//! has its default, so that a map always describes the whole instance.

use crate::{
    connectors::{
        provider_text::{nearest, unknown_setting},
        registry::BadSetting,
    },
    model::{instance::InstanceState, string_enum::string_enum, why::why},
};
use std::{collections::BTreeMap, time::Duration};

/// Everything that can be set on a sandbox instance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// How long the provider takes to answer, 0 to 600,000 ms. Half of it passes before it accepts.
    pub latency: Duration,
    /// How the connection stands once the settings are applied.
    pub state: InstanceState,
    /// What goes wrong.
    pub fail: Fail,
    /// What is heard about an accepted message afterwards.
    pub receipts: Receipts,
}

string_enum! {
    /// What goes wrong when a message is sent.
    Fail {
        None = "none",
        /// Every message is refused for its recipient's sake.
        Refuse = "refuse",
        /// The message is accepted, and no answer ever comes.
        TimeoutAfterAccept = "timeout_after_accept",
        /// The first message finds the instance logged out.
        Logout = "logout",
        /// Code 463: only people who wrote to this instance before can be written to.
        NewChatLock = "new_chat_lock",
        /// Files are refused, text and templates pass.
        Media = "media",
    }
}

string_enum! {
    /// What is heard about an accepted message afterwards.
    Receipts {
        None = "none",
        /// It is delivered, soon after the answer.
        Delivered = "delivered",
        /// It is delivered and read, soon after the answer.
        Read = "read",
        /// It is delivered a minute after it was accepted, also when the answer never came.
        Late = "late",
        /// Delivered and read, each told twice.
        Doubled = "doubled",
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { latency: Duration::ZERO, state: InstanceState::Open, fail: Fail::None, receipts: Receipts::Delivered }
    }
}

const KEYS: [&str; 4] = ["latency_ms", "state", "fail", "receipts"];
/// Ten minutes: far beyond any deadline that a caller sets.
const MAX_LATENCY_MS: u64 = 600_000;

impl Settings {
    /// Reads a whole map of settings.
    ///
    /// # Errors
    /// An unknown key (naming the nearest known one), or a value out of range (saying what would be right).
    pub fn parse(map: &BTreeMap<String, String>) -> Result<Self, BadSetting> {
        let mut settings = Self::default();
        for (key, value) in map {
            match key.as_str() {
                "latency_ms" => settings.latency = latency(value)?,
                "state" => settings.state = word(key, value, InstanceState::ALL, InstanceState::as_str)?,
                "fail" => settings.fail = word(key, value, Fail::ALL, Fail::as_str)?,
                "receipts" => settings.receipts = word(key, value, Receipts::ALL, Receipts::as_str)?,
                unknown => return Err(unknown_setting("a sandbox", unknown, &KEYS)),
            }
        }
        Ok(settings)
    }
}

fn latency(value: &str) -> Result<Duration, BadSetting> {
    // `u64::from_str` would take "+5"; only digits are a number here.
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    match value.parse::<u64>() {
        Ok(ms) if digits && ms <= MAX_LATENCY_MS => Ok(Duration::from_millis(ms)),
        _ => Err(BadSetting(why!(
            "setting_latency",
            "latency_ms is a whole number of milliseconds from 0 to {most}; got {value:?}",
            most = MAX_LATENCY_MS,
            value = value
        ))),
    }
}

fn word<T: Copy>(key: &str, value: &str, all: &[T], spelt: fn(T) -> &'static str) -> Result<T, BadSetting> {
    if let Some(found) = all.iter().copied().find(|w| spelt(*w) == value) {
        return Ok(found);
    }
    let words: Vec<_> = all.iter().map(|w| spelt(*w)).collect();
    let nearest = nearest(value, &words).map_or(String::new(), |w| format!(" (did you mean {w}?)"));
    Err(BadSetting(why!(
        "setting_word",
        "{name} is one of {words}; got {value:?}{nearest}",
        name = key,
        words = words.join(", "),
        value = value,
        nearest = nearest
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<Settings, String> {
        let map = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Settings::parse(&map).map_err(|e| e.to_string())
    }

    #[test]
    fn nothing_set_is_the_default() {
        assert_eq!(parse(&[]), Ok(Settings::default()));
    }

    #[test]
    fn every_documented_value_is_taken() {
        for ms in ["0", "1", "600000"] {
            let settings = parse(&[("latency_ms", ms)]).expect(ms);
            assert_eq!(settings.latency.as_millis().to_string(), ms);
        }
        for state in ["open", "connecting", "close", "qr"] {
            assert_eq!(parse(&[("state", state)]).expect(state).state.as_str(), state);
        }
        for fail in ["none", "refuse", "timeout_after_accept", "logout", "new_chat_lock", "media"] {
            assert_eq!(parse(&[("fail", fail)]).expect(fail).fail.as_str(), fail);
        }
        for receipts in ["none", "delivered", "read", "late", "doubled"] {
            assert_eq!(parse(&[("receipts", receipts)]).expect(receipts).receipts.as_str(), receipts);
        }
    }

    #[test]
    fn a_bad_value_is_told_what_would_be_right() {
        for bad in ["", "-1", "+5", "600001", "1s", "1.5", " 1", "99999999999999999999", "٥"] {
            let told = parse(&[("latency_ms", bad)]).expect_err(bad);
            assert_eq!(told, format!("latency_ms is a whole number of milliseconds from 0 to 600000; got {bad:?}"));
        }
        assert_eq!(
            parse(&[("state", "closed")]),
            Err("state is one of open, connecting, close, qr; got \"closed\" (did you mean close?)".into())
        );
        assert_eq!(
            parse(&[("receipts", "1234")]),
            Err("receipts is one of none, delivered, read, late, doubled; got \"1234\"".into())
        );
        assert!(parse(&[("fail", "Refuse")]).expect_err("spelling counts").contains("did you mean refuse?"));
    }

    #[test]
    fn an_unknown_key_is_told_the_nearest_known_one() {
        for (wrong, right) in
            [("latency", "latency_ms"), ("fails", "fail"), ("reciepts", "receipts"), ("stat", "state")]
        {
            let told = parse(&[(wrong, "none")]).expect_err(wrong);
            assert!(told.contains(&format!("(did you mean {right}?)")), "{told}");
        }
        assert!(parse(&[("zzz", "1")]).expect_err("unknown").ends_with("latency_ms, state, fail, receipts"));
    }
}
