//! Connections that wait for their next request.
//!
//! - One is given out only for the scheme, host, port and socket address that it was opened for, and the address was
//!   judged again for the request at hand: an entry that was taken off the list closes no connection, but none is used.
//! - Bounded for each of those and in all. One that waited too long is dropped at the next visit.
//!
//! It knows nothing of what is sent.

use super::{line::Line, target::Host};
use crate::model::clock::Time;
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How many wait for one place, and in all.
const PER_PLACE: usize = 4;
const IN_ALL: usize = 256;
/// How long one waits.
const WAITS: Duration = Duration::from_secs(30);

/// Where a connection leads.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Whom it was verified to be.
    pub host: Host,
    /// The judged address it is connected to.
    pub addr: SocketAddr,
}

/// The waiting connections.
#[derive(Default)]
pub struct Pool(Mutex<HashMap<Place, Vec<Idle>>>);

struct Idle {
    line: Line,
    since: Time,
}

impl Pool {
    /// The connection to `place` that waited least.
    pub fn take(&self, place: &Place, now: Time) -> Option<Line> {
        self.swept(now).get_mut(place)?.pop().map(|idle| idle.line)
    }

    /// Keeps `line` for the next request, if there is room.
    pub fn put(&self, place: Place, line: Line, now: Time) {
        let mut idle = self.swept(now);
        if idle.values().map(Vec::len).sum::<usize>() < IN_ALL {
            let here = idle.entry(place).or_default();
            if here.len() < PER_PLACE {
                here.push(Idle { line, since: now });
            }
        }
    }

    fn swept(&self, now: Time) -> MutexGuard<'_, HashMap<Place, Vec<Idle>>> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|_, here| {
            // A clock that was set back makes every wait look young; what comes from the future is dropped.
            here.retain(|i| !i.line.is_closed() && i.since <= now && now.since(i.since) < WAITS);
            !here.is_empty()
        });
        idle
    }
}
