//! A URL, taken apart: strictly, and once.
//!
//! - What is not plainly a URL of ours is refused with the reason, never repaired: two parsers that repair differently
//!   are how a check is passed by one address and a connection goes to another. The connection is made from what is
//!   read here, and from nothing else.
//! - An IPv4 address has one spelling, four decimal numbers. The others that some programs understand (`2130706433`,
//!   `0x7f.1`, `0177.0.0.1`, `127.1`) are refused with the plain one named.
//! - A name is ASCII; an internationalised one is written in its `xn--` form and kept as it is.
//!
//! It knows nothing of what may be called.

use crate::model::why::{Why, why};
use crate::{egress::EgressError, model::egress::is_name};
use http::uri::PathAndQuery;
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// More than any address that people or providers use.
const MAX_URL: usize = 8 * 1024;

/// Where a request goes.
#[derive(Clone, Debug)]
pub struct Target {
    /// Whether it is `https`.
    pub tls: bool,
    pub host: Host,
    /// On which port.
    pub port: u16,
    /// What is asked for there; begins with `/`.
    pub path: PathAndQuery,
}

/// The host of a URL.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Host {
    /// A name in lower case without a final dot.
    Name(String),
    /// An address; never an IPv6 address that is only a mapped IPv4 one.
    Ip(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(IpAddr::V4(v4)) => v4.fmt(f),
            Self::Ip(IpAddr::V6(v6)) => write!(f, "[{v6}]"),
        }
    }
}

impl Target {
    /// Takes `url` apart.
    ///
    /// # Errors
    /// [`EgressError::BadUrl`] with what is wrong.
    pub fn parse(url: &str) -> Result<Self, EgressError> {
        read(url).map_err(EgressError::BadUrl)
    }

    /// The `Host` header: the port only when it is not the scheme's own.
    pub fn authority(&self) -> String {
        let usual = if self.tls { 443 } else { 80 };
        if self.port == usual { self.host.to_string() } else { format!("{}:{}", self.host, self.port) }
    }
}

fn read(url: &str) -> Result<Target, Why> {
    if url.len() > MAX_URL {
        return Err(why!("url_long", "the URL is too long: {most} bytes are the most", most = MAX_URL));
    }
    if let Some(odd) = url.chars().find(|c| !c.is_ascii_graphic() || *c == '\\') {
        return Err(if odd.is_ascii() {
            why!("url_sign", "a URL has no {sign:?}", sign = odd)
        } else {
            why!(
                "url_sign",
                "a URL is ASCII, without {sign:?}: write a name in its xn-- form and a path with %XX",
                sign = odd
            )
        });
    }
    if url.contains('#') {
        return Err(why!("url_fragment", "a URL to be called has no fragment (#…)"));
    }
    let (scheme, rest) = url.split_once("://").ok_or_else(no_scheme)?;
    let tls = match scheme.to_ascii_lowercase().as_str() {
        "https" => true,
        "http" => false,
        _ => return Err(no_scheme()),
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err(why!("url_user", "a URL has no user and no password (…@); put them into a header"));
    }
    let (host, port) = read_authority(authority, if tls { 443 } else { 80 })?;
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let path = path.parse::<PathAndQuery>().map_err(|_| why!("url_path", "the URL's path is not one; use %XX"))?;
    Ok(Target { tls, host, port, path })
}

fn no_scheme() -> Why {
    why!("url_scheme", "a URL begins with https:// or http://")
}

fn read_authority(authority: &str, usual: u16) -> Result<(Host, u16), Why> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (inner, after) = rest.split_once(']').ok_or_else(|| why!("url_host", "the URL's [ is not closed"))?;
            (read_v6(inner)?, after)
        }
        None => {
            let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            (read_host(host)?, port)
        }
    };
    let Some(digits) = port.strip_prefix(':') else {
        return if port.is_empty() {
            Ok((host, usual))
        } else {
            Err(why!("url_port", "nothing but a port follows the host"))
        };
    };
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    let number = digits.parse().ok().filter(|number| plain && *number > 0);
    number
        .map(|number| (host, number))
        .ok_or_else(|| why!("url_port", "{port:?} is no port; it is 1 to 65535", port = digits))
}

fn read_v6(inner: &str) -> Result<Host, Why> {
    if inner.contains('%') {
        return Err(why!("url_host", "an IPv6 address in a URL has no zone (%…)"));
    }
    let v6: Ipv6Addr = inner.parse().map_err(|_| why!("url_host", "[{host}] is no IPv6 address", host = inner))?;
    Ok(Host::Ip(v6.to_canonical()))
}

fn read_host(host: &str) -> Result<Host, Why> {
    if let Ok(v4) = host.parse::<Ipv4Addr>() {
        return Ok(Host::Ip(IpAddr::V4(v4)));
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.rsplit('.').next().is_some_and(is_number) {
        return Err(match odd_v4(name) {
            Some(v4) => {
                why!("url_host", "{host:?} is an unusual spelling of an address: write {v4}", host = host, v4 = v4)
            }
            None => why!("url_host", "{host:?} is no address", host = host),
        });
    }
    if name.ends_with('.') || !is_name(name) {
        return Err(why!("url_host", "{host:?} is no host", host = host));
    }
    Ok(Host::Name(name.to_ascii_lowercase()))
}

/// A host whose last label is a number is an address to other programs, or nothing.
fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    let decimal = !label.is_empty() && label.bytes().all(|b| b.is_ascii_digit());
    decimal || hex.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The address that C libraries and browsers make of one to four numbers, of which the last fills what remains.
fn odd_v4(name: &str) -> Option<Ipv4Addr> {
    let parts = name.split('.').map(number).collect::<Option<Vec<u64>>>()?;
    let (last, first) = parts.split_last()?;
    if first.len() > 3 || first.iter().any(|part| *part > 255) {
        return None;
    }
    let high = (0_u32..).zip(first).map(|(i, part)| part << (24 - 8 * i)).sum::<u64>();
    let room = 1_u64 << (32 - 8 * first.len());
    u32::try_from(high | last).ok().filter(|_| *last < room).map(Ipv4Addr::from_bits)
}

/// `0x…` is hexadecimal, `0…` octal.
fn number(part: &str) -> Option<u64> {
    if let Some(hex) = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
        return if hex.is_empty() { Some(0) } else { u64::from_str_radix(hex, 16).ok() };
    }
    let radix = if part.len() > 1 && part.starts_with('0') { 8 } else { 10 };
    u64::from_str_radix(part, radix).ok().filter(|_| !part.starts_with('+'))
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
