//! How the sandbox behaves, as `--set key=value` names it.

use crate::{
    connectors::registry::BadSetting,
    model::instance::{InstanceState, words},
};
use std::{collections::BTreeMap, time::Duration};

words! {
    /// What goes wrong.
    Fail {
        /// Nothing.
        None = "none",
        /// The recipient's phone is not on WhatsApp.
        Refuse = "refuse",
        /// The message is taken, and no answer comes.
        TimeoutAfterAccept = "timeout_after_accept",
        /// The phone logs the gateway out.
        Logout = "logout",
        /// Chats with people who never wrote are locked (WhatsApp's code 463).
        NewChatLock = "new_chat_lock",
        /// Files cannot be uploaded; texts pass.
        Media = "media",
    }
}

words! {
    /// Which receipts come back.
    Receipts {
        /// None.
        None = "none",
        /// Delivered.
        Delivered = "delivered",
        /// Delivered, then read.
        Read = "read",
        /// Delivered, a minute later.
        Late = "late",
        /// Delivered twice, then read twice.
        Doubled = "doubled",
    }
}

/// All settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Settings {
    pub(super) latency: Duration,
    pub(super) state: InstanceState,
    pub(super) fail: Fail,
    pub(super) receipts: Receipts,
}

const KEYS: [&str; 4] = ["latency_ms", "state", "fail", "receipts"];
const LATENCY_MAX_MS: u64 = 600_000;

impl Settings {
    pub(super) fn parse(settings: &BTreeMap<String, String>) -> Result<Self, BadSetting> {
        let mut all = Self {
            latency: Duration::ZERO,
            state: InstanceState::Open,
            fail: Fail::None,
            receipts: Receipts::Delivered,
        };
        for (key, value) in settings {
            match key.as_str() {
                "latency_ms" => all.latency = latency(value)?,
                "state" => all.state = word(key, value, InstanceState::parse, InstanceState::ALL)?,
                "fail" => all.fail = word(key, value, Fail::parse, Fail::ALL)?,
                "receipts" => all.receipts = word(key, value, Receipts::parse, Receipts::ALL)?,
                other => return Err(unknown(other)),
            }
        }
        Ok(all)
    }
}

fn latency(value: &str) -> Result<Duration, BadSetting> {
    value.parse().ok().filter(|ms| *ms <= LATENCY_MAX_MS).map(Duration::from_millis).ok_or_else(|| {
        BadSetting(format!("latency_ms: {value:?} is no number of milliseconds from 0 to {LATENCY_MAX_MS}"))
    })
}

fn word<T: std::fmt::Display>(
    key: &str,
    value: &str,
    parse: impl Fn(&str) -> Option<T>,
    all: &[T],
) -> Result<T, BadSetting> {
    parse(value).ok_or_else(|| {
        let words = all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        BadSetting(format!("{key}: {value:?} is not one of {words}"))
    })
}

fn unknown(key: &str) -> BadSetting {
    let nearest = KEYS.iter().min_by_key(|k| strsim::damerau_levenshtein(k, key)).unwrap_or(&"state");
    BadSetting(format!("a sandbox has no setting {key:?}; did you mean {nearest}? (all: {})", KEYS.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<Settings, BadSetting> {
        Settings::parse(&pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect())
    }

    #[test]
    fn settings_are_judged() {
        let all = parse(&[("latency_ms", "250"), ("state", "qr"), ("fail", "logout"), ("receipts", "late")]);
        let all = all.expect("good settings");
        assert_eq!(all.latency, Duration::from_millis(250));
        assert_eq!((all.state, all.fail, all.receipts), (InstanceState::Qr, Fail::Logout, Receipts::Late));
        let rows = [
            (("latency", "1"), "latency_ms"),
            (("receipt", "read"), "receipts"),
            (("latency_ms", "-1"), "0 to 600000"),
            (("latency_ms", "600001"), "0 to 600000"),
            (("fail", "yes"), "timeout_after_accept"),
            (("state", "opened"), "open, connecting, close, qr"),
        ];
        for (pair, hint) in rows {
            let problem = parse(&[pair]).expect_err("a bad setting").to_string();
            assert!(problem.contains(hint), "{problem}");
        }
    }
}
