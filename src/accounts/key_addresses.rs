//! From where a key is good: addresses and networks, or anywhere.

use crate::model::{
    egress::{net, nets},
    why::Why,
};
use ipnet::IpNet;
use std::{net::IpAddr, sync::Arc};

/// Networks that one key may have.
const MOST: usize = 64;

/// From where a key is good. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KeyAddresses(Arc<[IpNet]>);

impl KeyAddresses {
    /// From these addresses and networks (`192.0.2.7`, `2001:db8::/32`), each in one spelling and once; none: from
    /// anywhere.
    ///
    /// # Errors
    /// A text that is neither, or more than 64.
    pub fn of(list: &[String]) -> Result<Self, Why> {
        nets(list, MOST).map(|all| Self(all.into()))
    }

    /// As the database has them: with commas between them. None: one of them cannot be read, so that a key is good from
    /// nowhere, and not from anywhere.
    pub fn from_text(text: &str) -> Option<Self> {
        text.split(',').filter(|one| !one.is_empty()).map(net).collect::<Option<Vec<_>>>().map(|all| Self(all.into()))
    }

    /// Each of them as text.
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }

    /// Whether a request from there may use the key. An IPv4 address that is written as IPv6 is the IPv4 address.
    pub fn holds(&self, from: IpAddr) -> bool {
        let from = from.to_canonical();
        self.0.is_empty() || self.0.iter().any(|net| net.contains(&from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_is_everywhere_and_a_broken_one_nowhere() {
        let from = |text: &str| text.parse::<IpAddr>().expect("an address");
        let list = |items: &[&str]| KeyAddresses::of(&items.iter().map(ToString::to_string).collect::<Vec<_>>());
        let anywhere = KeyAddresses::default();
        assert!(anywhere.holds(from("192.0.2.7")) && anywhere.holds(from("2001:db8::1")));
        let some = list(&["192.0.2.7", " 10.1.2.3/8 ", "10.0.0.0/8", "2001:db8::/32"]).expect("networks");
        assert_eq!(some.texts(), ["192.0.2.7/32", "10.0.0.0/8", "2001:db8::/32"]);
        assert_eq!(KeyAddresses::from_text(&some.texts().join(",")), Some(some.clone()));
        for (address, is_held) in [
            ("192.0.2.7", true),
            ("::ffff:192.0.2.7", true),
            ("192.0.2.8", false),
            ("10.255.0.1", true),
            ("2001:db8::9", true),
            ("2001:db9::9", false),
        ] {
            assert_eq!(some.holds(from(address)), is_held, "{address}");
        }
        for no in ["shop.example", "10.0.0.0/33", "10.0.0.1:80", ""] {
            assert!(list(&[no]).is_err(), "{no}");
        }
        assert!(list(&["192.0.2.7"; MOST + 1]).is_err());
        assert_eq!(KeyAddresses::from_text("192.0.2.7,nowhere"), None);
        assert_eq!(KeyAddresses::from_text(""), Some(anywhere));
    }
}
