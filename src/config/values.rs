//! The values of the configuration: from a text in a file to a type, or to a sentence that says what would be right.
//!
//! Each function here is the `deserialize_with` of some keys. Its error says what is wrong and what would be right; the
//! file and the key are added by the caller. This file must not know which keys there are.

use crate::model::{
    egress::{self, EgressEntry},
    instance::ConnectorKind,
    string_enum::string_enum,
};
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de::Error};
use std::{net::SocketAddr, path::PathBuf, time::Duration};

macro_rules! read_words {
    ($($name:ident),+ $(,)?) => {$(
        impl<'de> Deserialize<'de> for $name {
            // Not derived: the derived one would take numbers for words.
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                Self::parse(&text).ok_or_else(|| {
                    let all: Vec<_> = Self::ALL.iter().map(|w| format!("{:?}", w.as_str())).collect();
                    D::Error::custom(format!("{text:?} is none of {}", all.join(", ")))
                })
            }
        }
    )+};
}

read_words!(TlsMode, AcmeChallenge, ContentPolicyMode, ImpossiblePhone, Registration, Language, LogFormat, SmtpTls);

string_enum! {
    /// Where the certificate of the public listener comes from.
    TlsMode {
        /// Made by the gateway at first start.
        SelfSigned = "self-signed",
        /// The admin's own files.
        Files = "files",
        /// An authority that speaks ACME.
        Acme = "acme",
    }
}

string_enum! {
    /// How the authority makes sure that a name is ours.
    AcmeChallenge {
        /// Over the public listener, on port 443.
        TlsAlpn01 = "tls-alpn-01",
        /// Over plain HTTP, on port 80.
        Http01 = "http-01",
    }
}

string_enum! {
    /// What the guard's signals do.
    ContentPolicyMode {
        /// They refuse, throttle and pause.
        Enforce = "enforce",
        /// They are scored and logged.
        Observe = "observe",
    }
}

string_enum! {
    /// What becomes of a phone whose length no number of its country has.
    ImpossiblePhone {
        /// It is refused.
        Refuse = "refuse",
        /// It is taken, and said to be unusual.
        Warn = "warn",
    }
}

string_enum! {
    /// Whether people can register in the portal.
    Registration {
        /// An admin creates every user.
        Off = "off",
        /// With an invitation.
        Invite = "invite",
        Open = "open",
    }
}

string_enum! {
    /// A language of the portal.
    Language {
        En = "en",
        Ar = "ar",
        He = "he",
    }
}

string_enum! {
    /// How log lines are written.
    LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

string_enum! {
    /// How the connection to a mail server is kept private.
    SmtpTls {
        /// Plain at first, then TLS; a server that does not offer it gets nothing.
        StartTls = "starttls",
        /// TLS from the first byte.
        Tls = "tls",
        /// Not at all: for a server on this machine.
        Off = "off",
    }
}

/// Reads a text and lets `parse` judge it.
fn text<'de, D: Deserializer<'de>, T>(d: D, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, D::Error> {
    parse(&String::deserialize(d)?).map_err(D::Error::custom)
}

/// Reads a list of texts and lets `parse` judge each.
fn texts<'de, D: Deserializer<'de>, T>(d: D, parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, D::Error> {
    Vec::<String>::deserialize(d)?.iter().map(|t| parse(t).map_err(D::Error::custom)).collect()
}

pub(super) fn duration<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
    text(d, parse_duration)
}

/// A whole number and its unit: `250ms`, `10s`, `5m`, `2h`, `1d`; more than nothing, at most 366 days.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "{text:?} is no duration: write a whole number and ms, s, m, h or d, such as \"250ms\", \"10s\" or \"5m\""
        )
    };
    let at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(at);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => DAY_MS,
        _ => return Err(wrong()),
    };
    let ms = number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit_ms));
    match ms {
        Some(0) => Err(format!("{text:?} is no time at all: it must be at least \"1ms\"")),
        Some(ms) if ms <= 366 * DAY_MS => Ok(Duration::from_millis(ms)),
        _ if number.is_empty() => Err(wrong()),
        _ => Err(format!("{text:?} is too long: at most \"366d\"")),
    }
}

const DAY_MS: u64 = 86_400_000;

pub(super) fn listen<'de, D: Deserializer<'de>>(d: D) -> Result<Option<SocketAddr>, D::Error> {
    text(d, |t| match t {
        "" => Ok(None),
        _ => t.parse().map(Some).map_err(|_| {
            format!("{t:?} is no IP address with a port, such as \"127.0.0.1:8080\" or \"[::]:8443\"; \"\" is off")
        }),
    })
}

pub(super) fn nets<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<IpNet>, D::Error> {
    texts(d, |t| {
        egress::net(t)
            .ok_or_else(|| format!("{t:?} is no network, such as \"10.0.0.0/8\", \"192.0.2.7\" or \"fd00::/8\""))
    })
}

pub(super) fn egress_entries<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<EgressEntry>, D::Error> {
    texts(d, str::parse)
}

/// 1 to a million: limits that are counts.
pub(super) fn count<'de, D: Deserializer<'de>>(d: D) -> Result<u32, D::Error> {
    within(d, 1, 1_000_000)
}

/// 0 to 1,000,000; 0 stands for no bound.
pub(super) fn count_or_none<'de, D: Deserializer<'de>>(d: D) -> Result<u32, D::Error> {
    within(d, 0, 1_000_000)
}

/// The word of a connector; empty: none is named.
pub(super) fn connector_or_best<'de, D: Deserializer<'de>>(d: D) -> Result<Option<ConnectorKind>, D::Error> {
    text(d, |word| {
        if word.is_empty() {
            return Ok(None);
        }
        ConnectorKind::parse(word)
            .map(Some)
            .ok_or_else(|| format!("{word:?} is no connector: use {}", ConnectorKind::list_built()))
    })
}

/// Settings of a connector, `key=value` each; what they mean is the connector's to say.
pub(super) fn settings<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    texts(d, |t| match t.split_once('=') {
        Some((key, _)) if !key.trim().is_empty() => Ok(t.to_owned()),
        _ => Err(format!("{t:?} is no setting: write key=value")),
    })
}

/// 1 to 100: percentages and scores.
pub(super) fn percent<'de, D: Deserializer<'de>>(d: D) -> Result<u32, D::Error> {
    within(d, 1, 100)
}

/// 1 to 720: up to thirty days.
pub(super) fn hours<'de, D: Deserializer<'de>>(d: D) -> Result<u32, D::Error> {
    within(d, 1, 720)
}

/// 7 to 36,500: from a week, which every window of the guard is within, to a century.
pub(super) fn days<'de, D: Deserializer<'de>>(d: D) -> Result<u32, D::Error> {
    within(d, 7, 36_500)
}

fn within<'de, D: Deserializer<'de>>(d: D, least: u32, most: u32) -> Result<u32, D::Error> {
    let number = i64::deserialize(d)?;
    let fits = u32::try_from(number).ok().filter(|n| (least..=most).contains(n));
    fits.ok_or_else(|| D::Error::custom(format!("{number} is not between {least} and {most}")))
}

pub(super) fn directory<'de, D: Deserializer<'de>>(d: D) -> Result<PathBuf, D::Error> {
    text(d, |t| if t.is_empty() { Err("\"\" is no directory: write its path".into()) } else { Ok(t.into()) })
}

/// "" is none.
pub(super) fn file<'de, D: Deserializer<'de>>(d: D) -> Result<Option<PathBuf>, D::Error> {
    text(d, |t| Ok((!t.is_empty()).then(|| t.into())))
}

/// An `http` or `https` address without query and fragment; its last slash is taken off. "" is none.
pub(super) fn base_url<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    text(d, |t| if t.is_empty() { Ok(None) } else { parse_base_url(t).map(Some) })
}

fn parse_base_url(text: &str) -> Result<String, String> {
    let uri = text.parse::<http::Uri>().ok().filter(|uri| {
        let known = matches!(uri.scheme_str(), Some("http" | "https"));
        let host = uri.authority().is_some_and(|a| !a.host().is_empty() && !a.as_str().contains('@'));
        known && host && uri.query().is_none() && !text.contains('#')
    });
    uri.map(|_| text.trim_end_matches('/').to_owned())
        .ok_or_else(|| format!("{text:?} is no address, such as \"https://wa.example.com\""))
}

/// "" and "staging", or an address.
pub(super) fn acme_directory<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    text(d, |t| match t {
        "" | "staging" => Ok(t.to_owned()),
        _ => parse_base_url(t).map_err(|e| format!("{e}; \"staging\" or \"\" would be right, too")),
    })
}

pub(super) fn email<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    text(d, |t| if t.is_empty() { Ok(String::new()) } else { parse_email(t) })
}

/// One at least in each place of the list.
pub(super) fn emails<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    texts(d, parse_email)
}

pub(super) fn parse_email(t: &str) -> Result<String, String> {
    let fits = t.split_once('@').is_some_and(|(a, b)| !a.is_empty() && b.contains('.')) && !t.contains(' ');
    if fits { Ok(t.to_owned()) } else { Err(format!("{t:?} is no e-mail address")) }
}

/// A name or an IP address without a port; "" is none.
pub(super) fn host<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    text(d, |t| match t {
        "" => Ok(None),
        _ if egress::is_name(t) || t.parse::<std::net::IpAddr>().is_ok() => Ok(Some(t.to_ascii_lowercase())),
        _ => Err(format!(
            "{t:?} is no host, such as \"smtp.example.com\" or \"192.0.2.7\"; the port has a key of its own"
        )),
    })
}

/// 1 to 65,535.
pub(super) fn port<'de, D: Deserializer<'de>>(d: D) -> Result<u16, D::Error> {
    within(d, 1, u32::from(u16::MAX)).map(|n| u16::try_from(n).unwrap_or(u16::MAX))
}

/// An `http` or `https` address, query allowed; "" is none.
pub(super) fn hook<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    text(d, |t| {
        let fits = t.parse::<http::Uri>().is_ok_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some_and(|a| !a.host().is_empty())
        });
        match t {
            "" => Ok(None),
            _ if fits && !t.contains('#') => Ok(Some(t.to_owned())),
            _ => Err(format!("{t:?} is no address, such as \"https://ops.example.com/notices\"")),
        }
    })
}

pub(super) fn host_names<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    texts(d, |t| {
        let fits = egress::is_name(t) && t.contains('.');
        fits.then(|| t.to_ascii_lowercase()).ok_or_else(|| format!("{t:?} is no host name, such as \"wa.example.com\""))
    })
}

pub(super) fn timezone<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    text(d, |t| match jiff::tz::TimeZone::get(t) {
        Ok(zone) => Ok(zone.iana_name().unwrap_or(t).to_owned()),
        Err(_) => Err(format!("{t:?} is no time zone, such as \"Asia/Riyadh\", \"Europe/Berlin\" or \"UTC\"")),
    })
}

/// A level, or several `part=level`, with commas between them.
pub(super) fn log_level<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    text(d, |t| {
        let known = |part: &str| LEVELS.contains(&part.split_once('=').map_or(part, |(_, level)| level));
        let parts: Vec<&str> = t.split(',').map(str::trim).collect();
        match parts.iter().find(|part| !known(part)) {
            None => Ok(parts.join(",")),
            Some(part) => Err(format!("{part:?} is no level: write one of {LEVELS:?}, or \"part=level\"")),
        }
    })
}
