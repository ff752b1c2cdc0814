//! One entry of the admin's egress list: a private place that the gateway may call all the same.
//!
//! Spelt `host:port`, where the host is an IP address, a network in CIDR form or a name; IPv6 stands in brackets. The
//! port is always named, so that an entry for one service opens no other. After a space it may name what it is for
//! (`127.0.0.1:8080 media`); without, it is for webhooks and connectors, and not for files that customers name by their
//! address. Behind that it may name whose calls it is for (`127.0.0.1:8080 accounts=3,7`); without, it is for everybody's
//! and the gateway's own. What an entry allows, and what no entry can allow, is decided where connections are made, not
//! here.

use super::{
    ids::AccountId,
    why::{Why, why},
};
use ipnet::IpNet;
use std::{fmt, net::IpAddr, str::FromStr};

/// What a call is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Use {
    /// Customers' endpoints, and notices to a webhook.
    Webhooks,
    /// Providers' servers, and what the gateway itself needs.
    Connectors,
    /// Files that customers name by address: whatever stands there is sent to whom they like.
    Media,
}

/// The uses that an entry is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Uses(u8);

/// Each use as it is written, and whether an entry that names none is for it.
const USES: [(Use, &str, bool); 3] =
    [(Use::Webhooks, "webhooks", true), (Use::Connectors, "connectors", true), (Use::Media, "media", false)];

impl Default for Uses {
    fn default() -> Self {
        Self(USES.iter().filter(|(.., default)| *default).fold(0, |all, (of, ..)| all | bit(*of)))
    }
}

impl Uses {
    /// Whether it is for this one.
    pub const fn has(self, of: Use) -> bool {
        self.0 & bit(of) != 0
    }

    fn parse(words: &str) -> Option<Self> {
        words.split(',').try_fold(Self(0), |all, word| {
            let (of, ..) = USES.iter().find(|(_, name, _)| *name == word.trim())?;
            Some(Self(all.0 | bit(*of)))
        })
    }
}

const fn bit(of: Use) -> u8 {
    1 << of as u8
}

/// A host or network, the one port on it, and what for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct EgressEntry {
    pub host: EgressHost,
    /// Which port, 1 to 65535.
    pub port: u16,
    pub uses: Uses,
    /// Numbers of the accounts whose calls it is for; empty: all, and the gateway's own.
    pub accounts: Box<[i64]>,
}

impl EgressEntry {
    /// For the usual uses: webhooks and connectors, of everybody.
    pub fn new(host: EgressHost, port: u16) -> Self {
        Self { host, port, uses: Uses::default(), accounts: Box::default() }
    }

    /// Whether it is for a call: what for, and of which account; none: the gateway's own.
    pub fn is_for(&self, of: Use, account: Option<AccountId>) -> bool {
        let is_theirs = self.accounts.is_empty() || account.is_some_and(|account| self.accounts.contains(&account.0));
        self.uses.has(of) && is_theirs
    }
}

/// The hosts that an entry speaks of.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum EgressHost {
    /// All addresses of a network; one address is a network of one.
    Net(IpNet),
    /// A name, in lower case and without a final dot.
    Name(String),
}

impl FromStr for EgressEntry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is no host and port, such as \"127.0.0.1:5678\", \"192.168.10.0/24:443\", \
                 \"[fd00::/8]:443\" or \"n8n.lan:5678\""
            )
        };
        let (place, words) = text.split_once(' ').map_or((text, None), |(place, words)| (place, Some(words)));
        let (uses, accounts) =
            words.map_or_else(|| Ok((Uses::default(), Box::default())), |words| limits(text, words))?;
        let (host, port) = place.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?;
        let host = match host.strip_prefix('[').map(|h| h.strip_suffix(']')) {
            Some(inner) => EgressHost::Net(inner.and_then(net).ok_or_else(wrong)?),
            None => match net(host) {
                Some(net @ IpNet::V4(_)) => EgressHost::Net(net),
                None if is_name(host) => EgressHost::Name(host.trim_end_matches('.').to_ascii_lowercase()),
                _ => return Err(wrong()),
            },
        };
        Ok(Self { host, port, uses, accounts })
    }
}

/// What stands behind host and port: uses, accounts, or both in this order.
fn limits(text: &str, words: &str) -> Result<(Uses, Box<[i64]>), String> {
    let wrong = || {
        format!(
            "{text:?}: an entry is for \"webhooks\", \"connectors\", \"media\", or several with commas, and then for \
             accounts by their numbers, such as \"accounts=3,7\""
        )
    };
    // A blank after a comma ends no list.
    let (uses, accounts) = match words.find(ACCOUNTS) {
        Some(0) => (None, Some(words)),
        Some(at) if words[..at].ends_with(' ') => (Some(&words[..at]), Some(&words[at..])),
        _ => (Some(words), None),
    };
    let uses = uses.map_or_else(|| Some(Uses::default()), Uses::parse).ok_or_else(wrong)?;
    let Some(accounts) = accounts else { return Ok((uses, Box::default())) };
    let numbers = accounts.strip_prefix(ACCOUNTS).ok_or_else(wrong)?.split(',');
    let numbers: Result<Vec<i64>, _> = numbers.map(|one| one.trim().parse()).collect();
    let mut numbers = numbers.ok().filter(|all| all.iter().all(|n| *n > 0)).ok_or_else(wrong)?;
    numbers.sort_unstable();
    numbers.dedup();
    Ok((uses, numbers.into_boxed_slice()))
}

const ACCOUNTS: &str = "accounts=";

/// An address, or a network in CIDR form with the bits below its mask cleared.
pub fn net(text: &str) -> Option<IpNet> {
    let net = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))?;
    Some(net.trunc())
}

/// Networks of a list, each in one spelling and once. Both texts are the caller's to show.
///
/// # Errors
/// More than `most`, or a text that is neither an address nor a network.
pub fn nets(list: &[String], most: usize) -> Result<Vec<IpNet>, Why> {
    if list.len() > most {
        return Err(why!("networks_many", "an allowlist has at most {most} networks", most = most));
    }
    let judged = |text: &String| {
        let wrong = || {
            why!("network_bad", "{text:?} is no address or network, such as 192.0.2.7 or 2001:db8::/32", text = text)
        };
        net(text.trim()).ok_or_else(wrong)
    };
    let mut all = Vec::new();
    for text in list {
        let net = judged(text)?;
        if !all.contains(&net) {
            all.push(net);
        }
    }
    Ok(all)
}

/// A name that DNS could know, and no mistyped address: the last label has a letter.
pub fn is_name(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    let label = |l: &str| {
        let plain = l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        plain && (1..=63).contains(&l.len()) && !l.starts_with('-') && !l.ends_with('-')
    };
    let lettered = host.rsplit('.').next().is_some_and(|l| l.bytes().any(|b| b.is_ascii_alphabetic()));
    host.len() <= 253 && lettered && host.split('.').all(label)
}

impl fmt::Display for EgressEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port;
        match &self.host {
            EgressHost::Name(name) => write!(f, "{name}:{port}")?,
            EgressHost::Net(net) => {
                let whole = net.prefix_len() == net.max_prefix_len();
                let host = if whole { net.addr().to_string() } else { net.to_string() };
                if net.addr().is_ipv6() { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }?;
            }
        }
        if self.uses != Uses::default() {
            let named = USES.iter().filter(|(of, ..)| self.uses.has(*of)).map(|(_, name, _)| *name);
            write!(f, " {}", named.collect::<Vec<_>>().join(","))?;
        }
        if self.accounts.is_empty() {
            return Ok(());
        }
        let numbers: Vec<String> = self.accounts.iter().map(i64::to_string).collect();
        write!(f, " {ACCOUNTS}{}", numbers.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_hosts_or_networks_with_a_port() {
        for (text, written) in [
            ("127.0.0.1:5678", "127.0.0.1:5678"),
            ("192.168.10.7/24:443", "192.168.10.0/24:443"),
            ("[::1]:80", "[::1]:80"),
            ("[fd00::/8]:443", "[fd00::/8]:443"),
            ("N8N.lan.:5678", "n8n.lan:5678"),
            ("localhost:1", "localhost:1"),
            ("127.0.0.1:80 media", "127.0.0.1:80 media"),
            ("127.0.0.1:80 media,webhooks", "127.0.0.1:80 webhooks,media"),
            ("127.0.0.1:80 connectors,webhooks", "127.0.0.1:80"),
            ("127.0.0.1:80 accounts=7,3,7", "127.0.0.1:80 accounts=3,7"),
            ("127.0.0.1:80 media accounts=3", "127.0.0.1:80 media accounts=3"),
            ("127.0.0.1:80 media, webhooks", "127.0.0.1:80 webhooks,media"),
            ("127.0.0.1:80 media, webhooks accounts=7, 3", "127.0.0.1:80 webhooks,media accounts=3,7"),
        ] {
            assert_eq!(text.parse::<EgressEntry>().map(|e| e.to_string()).as_deref(), Ok(written));
        }
        for no in [
            "",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:0",
            "127.0.0.1:65536",
            "::1:80",
            "[::1]",
            "[n8n]:80",
            "300.1.1.1:80",
            "10.0.0.0/33:80",
            "http://n8n:80",
            "a b:80",
            "-a:80",
            ":80",
            "127.0.0.1:80 ",
            "127.0.0.1:80 mail",
            "127.0.0.1:80 accounts=",
            "127.0.0.1:80 accounts=0",
            "127.0.0.1:80 accounts=shop",
            "127.0.0.1:80 accounts=3 media",
            "127.0.0.1:80 media accounts=3 x",
        ] {
            assert!(no.parse::<EgressEntry>().is_err(), "{no}");
        }
    }
}
