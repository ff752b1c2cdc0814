//! Names of things: numbers from the database, the message id that callers keep, and the slug of an instance.

use crate::model::{
    clock::Time,
    random::{Random, bytes},
};
use std::fmt;

macro_rules! row_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
        pub struct $name(pub i64);

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                s.parse().map(Self)
            }
        }
    )+};
}

pub(crate) use row_ids;

row_ids! {
    /// A customer of the gateway.
    AccountId,
    /// A person who logs in.
    UserId,
    /// An API key (never the key's text).
    KeyId,
    /// A person on the other side, whatever their numbers and hidden ids.
    ContactId,
    /// One row of the message log; `log_id` in the API.
    LogId,
}

/// The gateway's own stable id of a message: `msg_` and 26 characters (Crockford's base 32) of which the first ten
/// are the time in milliseconds, so that ids sort by time.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize)]
pub struct MessageId(String);

impl MessageId {
    /// A new id: 48 bits of time, 80 bits of chance.
    pub fn new(now: Time, random: &dyn Random) -> Self {
        let mut raw = [0; 16];
        raw[6..].copy_from_slice(&bytes::<10>(random));
        raw[..6].copy_from_slice(&now.millis().to_be_bytes()[2..]);
        Self(format!("msg_{}", base32(u128::from_be_bytes(raw))))
    }

    /// How the part of an id behind its `msg_` begins that was made at this moment: what is made later sorts behind it.
    pub fn time_part(at: Time) -> String {
        let millis = u128::from(at.millis().max(0).unsigned_abs() & 0xffff_ffff_ffff);
        base32(millis << 80)[..10].to_owned()
    }

    /// An id as it was stored or came back from a provider; its spelling is not judged.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn base32(value: u128) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    (0..26).rev().map(|i| DIGITS[(value >> (i * 5)) as usize & 31] as char).collect()
}

/// An instance's id: a slug that is unique in the whole gateway.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize)]
pub struct InstanceId(String);

/// Slugs that would be mistaken for a route or a word of the command line.
const RESERVED: [&str; 12] =
    ["new", "all", "none", "api", "admin", "docs", "hooks", "media", "system", "create", "demo", "test"];

impl InstanceId {
    /// Longest slug, in characters.
    pub const MAX_LEN: usize = 63;

    /// A slug for a new instance: 3 to 63 characters of `a-z`, `0-9`, `-` and `_`, beginning with a letter or digit.
    ///
    /// # Errors
    /// A text that is no slug, with what would be right. A reserved slug is told apart by [`InstanceId::is_reserved`].
    pub fn parse(text: &str) -> Result<Self, String> {
        let fits = (3..=Self::MAX_LEN).contains(&text.len());
        let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
        let starts = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        if fits && plain && starts {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "an instance id has 3 to 63 characters: a to z, 0 to 9, '-' and '_', beginning with a letter or digit; \
             got {text:?}"
        ))
    }

    /// An id as it was stored or named by a caller; not judged.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether no instance may be called so.
    pub fn is_reserved(&self) -> bool {
        RESERVED.contains(&self.0.as_str())
    }

    /// The slug's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The gateway's own id of an inbound message: `inb_` and its row's number.
pub fn inbound_id(row: i64) -> String {
    format!("inb_{row}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::random::SystemRandom;

    #[test]
    fn message_ids_sort_by_time_and_do_not_repeat() {
        let at = |ms| MessageId::new(Time::from_millis(ms), &SystemRandom);
        let (a, b) = (at(1_700_000_000_000), at(1_700_000_000_001));
        assert!(a < b);
        assert_eq!(a.as_str().len(), 30);
        assert_ne!(at(5), at(5));
        let part = |ms| MessageId::time_part(Time::from_millis(ms));
        assert!(a.as_str()[4..].starts_with(&part(1_700_000_000_000)));
        assert!(part(1_700_000_000_001).as_str() > &a.as_str()[4..] && part(-1) == part(0));
    }

    #[test]
    fn slugs_are_judged() {
        for ok in ["demo-support-line", "inst_12345", "0ab"] {
            assert!(InstanceId::parse(ok).is_ok(), "{ok}");
        }
        for no in ["", "ab", "-abc", "Abc", "a b c", "abc/", "مرحبا", &"a".repeat(64)] {
            assert!(InstanceId::parse(no).is_err(), "{no}");
        }
        assert!(InstanceId::from_text("admin").is_reserved());
    }
}
