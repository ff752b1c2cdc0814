//! How often somebody may ask: counted in memory over a sliding time, for an address, a key or a session.

use crate::model::{
    clock::Time,
    throttle::{Bound, SlidingWindow, client_network},
};
use std::{net::IpAddr, time::Duration};

/// Those who are counted at once; a crowd beyond it drops those who have been quiet for longest.
const WHO_MAX: usize = 50_000;

/// A kind of request that is counted for itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RateKind {
    /// Guessing a key, by address; within an hour.
    Sensitive,
    /// Trying a password to delete a client, by address; within an hour, as often as [`RateKind::Sensitive`].
    Password,
    /// Deleting, by address; within 15 minutes.
    Delete,
    /// The API, by key and address; within 15 minutes.
    Api,
    /// Chats, by session; within a minute.
    Chat,
}

/// Requests within each time; 0: as many as they like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Allowed {
    /// [`RateKind::Sensitive`], and [`RateKind::Password`] for itself.
    pub sensitive: u32,
    /// [`RateKind::Delete`].
    pub delete: u32,
    /// [`RateKind::Api`].
    pub api: u32,
    /// [`RateKind::Chat`].
    pub chat: u32,
}

type RateSubject = (RateKind, Option<IpAddr>, i64);

pub struct ChattuRates {
    allowed: Allowed,
    came: SlidingWindow<RateSubject>,
}

impl RateKind {
    const fn within(self) -> Duration {
        Duration::from_secs(match self {
            Self::Sensitive | Self::Password => 60 * 60,
            Self::Delete | Self::Api => 15 * 60,
            Self::Chat => 60,
        })
    }
}

impl ChattuRates {
    /// With these bounds.
    pub fn new(allowed: Allowed) -> Self {
        Self { allowed, came: SlidingWindow::new(WHO_MAX) }
    }

    /// Counts a request in, or says how long until there is room. `who` is a key or a session; 0 for an address alone.
    ///
    /// # Errors
    /// How long to wait.
    pub fn take(&self, rate: RateKind, address: Option<IpAddr>, who: i64, now: Time) -> Result<(), Duration> {
        let most = match rate {
            RateKind::Sensitive | RateKind::Password => self.allowed.sensitive,
            RateKind::Delete => self.allowed.delete,
            RateKind::Api => self.allowed.api,
            RateKind::Chat => self.allowed.chat,
        };
        self.came.take((rate, address.map(client_network), who), Bound { most, within: rate.within() }, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_holds_within_any_window_and_for_each_by_itself() {
        let rates = ChattuRates::new(Allowed { sensitive: 2, delete: 0, api: 1, chat: 1 });
        let at = |s: i64| Time::from_millis(s * 1000);
        let (one, other) = (Some("192.0.2.1".parse().expect("an address")), Some("192.0.2.2".parse().expect("one")));
        assert_eq!(rates.take(RateKind::Sensitive, one, 0, at(0)), Ok(()));
        assert_eq!(rates.take(RateKind::Sensitive, one, 0, at(600)), Ok(()));
        assert_eq!(rates.take(RateKind::Sensitive, one, 0, at(1000)), Err(Duration::from_secs(2600)));
        assert_eq!(rates.take(RateKind::Sensitive, other, 0, at(1000)), Ok(()));
        assert_eq!(rates.take(RateKind::Sensitive, one, 0, at(3600)), Ok(()));
        assert_eq!(rates.take(RateKind::Sensitive, one, 0, at(3601)), Err(Duration::from_secs(599)));
        assert_eq!(rates.take(RateKind::Api, one, 7, at(1000)), Ok(()));
        assert_eq!(rates.take(RateKind::Api, one, 8, at(1000)), Ok(()));
        assert!(rates.take(RateKind::Api, one, 7, at(1001)).is_err());
        // A clock that was set back.
        assert_eq!(rates.take(RateKind::Api, one, 7, at(10)), Ok(()));
        for _ in 0..100 {
            assert_eq!(rates.take(RateKind::Delete, one, 0, at(0)), Ok(()), "0 is no bound");
        }
    }
}
