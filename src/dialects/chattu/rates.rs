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
pub enum Rate {
    /// Guessing a key, by address; within an hour.
    Sensitive,
    /// Trying a password to delete a client, by address; within an hour, as often as [`Rate::Sensitive`].
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
    /// [`Rate::Sensitive`], and [`Rate::Password`] for itself.
    pub sensitive: u32,
    /// [`Rate::Delete`].
    pub delete: u32,
    /// [`Rate::Api`].
    pub api: u32,
    /// [`Rate::Chat`].
    pub chat: u32,
}

type Who = (Rate, Option<IpAddr>, i64);

/// The counters.
pub struct Rates {
    allowed: Allowed,
    came: SlidingWindow<Who>,
}

impl Rate {
    const fn within(self) -> Duration {
        Duration::from_secs(match self {
            Self::Sensitive | Self::Password => 60 * 60,
            Self::Delete | Self::Api => 15 * 60,
            Self::Chat => 60,
        })
    }
}

impl Rates {
    /// With these bounds.
    pub fn new(allowed: Allowed) -> Self {
        Self { allowed, came: SlidingWindow::new(WHO_MAX) }
    }

    /// Counts a request in, or says how long until there is room. `who` is a key or a session; 0 for an address alone.
    ///
    /// # Errors
    /// How long to wait.
    pub fn take(&self, rate: Rate, address: Option<IpAddr>, who: i64, now: Time) -> Result<(), Duration> {
        let most = match rate {
            Rate::Sensitive | Rate::Password => self.allowed.sensitive,
            Rate::Delete => self.allowed.delete,
            Rate::Api => self.allowed.api,
            Rate::Chat => self.allowed.chat,
        };
        self.came.take((rate, address.map(client_network), who), Bound { most, within: rate.within() }, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_holds_within_any_window_and_for_each_by_itself() {
        let rates = Rates::new(Allowed { sensitive: 2, delete: 0, api: 1, chat: 1 });
        let at = |s: i64| Time::from_millis(s * 1000);
        let (one, other) = (Some("192.0.2.1".parse().expect("an address")), Some("192.0.2.2".parse().expect("one")));
        assert_eq!(rates.take(Rate::Sensitive, one, 0, at(0)), Ok(()));
        assert_eq!(rates.take(Rate::Sensitive, one, 0, at(600)), Ok(()));
        assert_eq!(rates.take(Rate::Sensitive, one, 0, at(1000)), Err(Duration::from_secs(2600)));
        assert_eq!(rates.take(Rate::Sensitive, other, 0, at(1000)), Ok(()));
        assert_eq!(rates.take(Rate::Sensitive, one, 0, at(3600)), Ok(()));
        assert_eq!(rates.take(Rate::Sensitive, one, 0, at(3601)), Err(Duration::from_secs(599)));
        assert_eq!(rates.take(Rate::Api, one, 7, at(1000)), Ok(()));
        assert_eq!(rates.take(Rate::Api, one, 8, at(1000)), Ok(()));
        assert!(rates.take(Rate::Api, one, 7, at(1001)).is_err());
        // A clock that was set back.
        assert_eq!(rates.take(Rate::Api, one, 7, at(10)), Ok(()));
        for _ in 0..100 {
            assert_eq!(rates.take(Rate::Delete, one, 0, at(0)), Ok(()), "0 is no bound");
        }
    }
}
