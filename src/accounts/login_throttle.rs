//! Guesses at passwords and codes: by name, by network, by device, within a session.
//!
//! - A name takes five guesses from everywhere together, a network twenty for all names; then waits grow.
//! - A device on which this person logged in before has an allowance of its own (its cookie is bound to the name and
//!   cannot be made up), so that strangers who guess at a name do not keep its owner out.
//! - Within a session a person's password and codes are guessed at by whoever sits there: five, then waits grow, too.

use crate::{
    model::{
        clock::{SLACK, Time},
        random::{Random, bytes},
        throttle::{Backoff, client_network},
    },
    store::Vault,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;
use std::{net::IpAddr, time::Duration};

/// Wrong guesses that cost nothing.
const FREE: u32 = 5;
/// A network may stand for an office: it has more of them.
const FREE_NETWORK: u32 = 20;
/// Names, networks and devices that are remembered, of each.
const MOST: usize = 10_000;
/// How long a device is known after a login.
pub const DEVICE_KNOWN_FOR: Duration = Duration::from_secs(180 * 24 * 3600);
const MARK: usize = 16;

#[derive(Clone, Copy, Debug)]
pub struct Guesser<'a> {
    pub address: IpAddr,
    /// What the browser showed of an earlier login ([`LoginThrottle::device`]); empty: nothing.
    pub device: &'a str,
}

/// The guesses so far.
pub(super) struct LoginThrottle {
    names: Backoff<String>,
    networks: Backoff<IpAddr>,
    devices: Backoff<[u8; MARK]>,
    sessions: Backoff<i64>,
    registrations: Backoff<IpAddr>,
    key: hmac::Key,
}

/// A guess that was counted; it stays counted unless it is given back.
#[derive(Clone)]
pub(super) enum Guess {
    /// From a device that is known.
    Device([u8; MARK]),
    /// From anywhere else.
    Stranger(String, IpAddr),
}

impl LoginThrottle {
    pub(super) fn new(vault: &Vault) -> Self {
        Self {
            names: Backoff::new(FREE, MOST),
            networks: Backoff::new(FREE_NETWORK, MOST),
            devices: Backoff::new(FREE, MOST),
            sessions: Backoff::new(FREE, MOST),
            registrations: Backoff::new(FREE, MOST),
            key: hmac::Key::new(hmac::HMAC_SHA256, &vault.derive("known devices")),
        }
    }

    /// Asks for a guess at this name and counts it; how long to wait, if it may not.
    pub(super) fn take(&self, name: &str, from: Guesser<'_>, now: Time) -> Result<Guess, Duration> {
        let name = name.to_lowercase();
        if let Some(mark) = self.known(&name, from.device, now) {
            return self.devices.take(mark, now).map(|()| Guess::Device(mark));
        }
        let network = client_network(from.address);
        self.networks.take(network, now)?;
        match self.names.take(name.clone(), now) {
            Ok(()) => Ok(Guess::Stranger(name, network)),
            Err(wait) => {
                self.networks.give_back(&network);
                Err(wait)
            }
        }
    }

    /// It was right so far, or nobody looked at it.
    pub(super) fn give_back(&self, guess: &Guess) {
        match guess {
            Guess::Device(mark) => self.devices.give_back(mark),
            Guess::Stranger(name, network) => {
                self.names.give_back(name);
                self.networks.give_back(network);
            }
        }
    }

    /// It let somebody in: the name, or the device, is trusted again.
    pub(super) fn let_in(&self, guess: &Guess) {
        match guess {
            Guess::Device(mark) => self.devices.forget(mark),
            Guess::Stranger(name, network) => {
                self.names.forget(name);
                self.networks.give_back(network);
            }
        }
    }

    /// A guess within the session of this user.
    pub(super) fn take_in_session(&self, user: i64, now: Time) -> Result<(), Duration> {
        self.sessions.take(user, now)
    }

    /// It was right.
    pub(super) fn right_in_session(&self, user: i64) {
        self.sessions.forget(&user);
    }

    /// Nobody looked at it.
    pub(super) fn give_back_in_session(&self, user: i64) {
        self.sessions.give_back(&user);
    }

    /// A registration without an invitation; it stays counted, for it makes an account.
    pub(super) fn take_registration(&self, address: IpAddr, now: Time) -> Result<(), Duration> {
        self.registrations.take(client_network(address), now)
    }

    /// What a browser keeps of a login with this name: a random mark, when, and a tag over both and the name.
    pub(super) fn device(&self, name: &str, now: Time, random: &dyn Random) -> String {
        let mut text = bytes::<MARK>(random).to_vec();
        text.extend(now.millis().to_be_bytes());
        let tag = hmac::sign(&self.key, &tagged(&text, &name.to_lowercase()));
        text.extend(tag.as_ref());
        URL_SAFE_NO_PAD.encode(text)
    }

    fn known(&self, name: &str, device: &str, now: Time) -> Option<[u8; MARK]> {
        let all = URL_SAFE_NO_PAD.decode(device).ok()?;
        let (text, tag) = all.split_at_checked(MARK + 8)?;
        hmac::verify(&self.key, &tagged(text, name), tag).ok()?;
        let (mark, at) = text.split_first_chunk::<MARK>()?;
        let at = Time::from_millis(i64::from_be_bytes(at.try_into().ok()?));
        (at <= now.plus(SLACK) && now.since(at) < DEVICE_KNOWN_FOR).then_some(*mark)
    }
}

fn tagged(text: &[u8], name: &str) -> Vec<u8> {
    [text, name.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::random::SystemRandom;
    use std::sync::Arc;

    fn throttle() -> (LoginThrottle, tempfile::TempDir) {
        let dir = tempfile::TempDir::new().expect("a directory");
        let vault = Vault::open(dir.path(), Arc::new(SystemRandom)).expect("a vault");
        (LoginThrottle::new(&vault), dir)
    }

    fn from(address: &str) -> Guesser<'_> {
        Guesser { address: address.parse().expect("an address"), device: "" }
    }

    const NOW: Time = Time::from_millis(1_800_000_000_000);

    #[test]
    fn guesses_from_one_ipv6_network_are_one_guessers() {
        let (throttle, _dir) = throttle();
        let addresses = (0..60).map(|n| format!("2001:db8::{n:x}"));
        let judged = addresses.enumerate().filter(|(n, a)| throttle.take(&format!("{n}@b"), from(a), NOW).is_ok());
        assert_eq!(judged.count(), 20);
        assert!(throttle.take("x@b", from("2001:db8:0:1::1"), NOW).is_ok(), "the neighbour is not meant");
    }

    #[test]
    fn strangers_who_guess_do_not_keep_the_owner_out() {
        let (throttle, _dir) = throttle();
        let device = throttle.device("Owner@b.example", NOW, &SystemRandom);
        let known = Guesser { device: &device, ..from("203.0.113.9") };
        for n in 0..5 {
            throttle.take("owner@b.example", from(&format!("192.0.2.{n}")), NOW).map(drop).expect("free");
        }
        assert!(throttle.take("owner@b.example", from("198.51.100.1"), NOW).is_err(), "the name is slowed");
        let guess = throttle.take("owner@B.example", known, NOW).expect("not on the owner's own device");
        throttle.let_in(&guess);
        for n in 0..20 {
            let other = Guesser { device: &device, ..from("203.0.113.9") };
            assert_eq!(throttle.take("owner@b.example", other, NOW).is_ok(), n < 5, "which guesses no faster: {n}");
        }
        let elsewhere = Guesser { device: &device, ..from("203.0.113.10") };
        assert!(throttle.known("somebody@b.example", elsewhere.device, NOW).is_none(), "nor at another name");
        assert!(throttle.known("owner@b.example", &device, NOW.plus(DEVICE_KNOWN_FOR)).is_none(), "nor for ever");
        let mut forged = device.clone();
        forged.replace_range(0..1, if device.starts_with('A') { "B" } else { "A" });
        assert!(throttle.known("owner@b.example", &forged, NOW).is_none(), "nor with a mark of one's own");
    }
}
