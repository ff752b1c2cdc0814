//! Connections that wait for their next request.
//!
//! - One is given out only for the scheme, host, port and socket address that it was opened for, and the address was
//!   judged again for the request at hand: an entry that was taken off the list closes no connection, but none is used.
//! - It is worked on by the threads that opened it. Others open their own: a message's call would wait for threads that
//!   come after those of messages.
//! - Bounded for each of those and in all. One that waited too long is not given out, and dropped at a later visit.
//!
//! It knows nothing of what is sent.

use super::{line::Connection, target::Host};
use crate::model::clock::Time;
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::runtime;

/// How many wait for one place, and in all.
const PER_PLACE: usize = 32;
const IN_ALL: usize = 256;
/// How long one waits.
const WAITS: Duration = Duration::from_secs(30);
/// How often all of them are looked through.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// Where a connection leads.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PoolKey {
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Whom it was verified to be.
    pub host: Host,
    /// The judged address it is connected to.
    pub addr: SocketAddr,
    /// Whose threads work on it.
    pub threads: runtime::Id,
}

impl PoolKey {
    /// A connection that the calling thread opens, or would open. Within a runtime alone.
    pub fn new(tls: bool, host: Host, addr: SocketAddr) -> Self {
        Self { tls, host, addr, threads: runtime::Handle::current().id() }
    }
}

/// The waiting connections.
#[derive(Default)]
pub struct Pool(Mutex<PoolWaiter>);

#[derive(Default)]
struct PoolWaiter {
    idle: HashMap<PoolKey, Vec<Idle>>,
    swept: Option<Time>,
}

struct Idle {
    line: Connection,
    since: Time,
}

impl Pool {
    /// The connection to `place` that waited least.
    pub fn take(&self, place: &PoolKey, now: Time) -> Option<Connection> {
        let mut waiting = self.visited(now);
        let here = waiting.idle.get_mut(place)?;
        std::iter::from_fn(|| here.pop()).find(|idle| idle.is_fresh(now)).map(|idle| idle.line)
    }

    /// Keeps `line` for the next request, if there is room.
    pub fn put(&self, place: PoolKey, line: Connection, now: Time) {
        let mut waiting = self.visited(now);
        if waiting.idle.values().map(Vec::len).sum::<usize>() < IN_ALL {
            let here = waiting.idle.entry(place).or_default();
            if here.len() < PER_PLACE {
                here.push(Idle { line, since: now });
            }
        }
    }

    fn visited(&self, now: Time) -> MutexGuard<'_, PoolWaiter> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.swept.is_none_or(|swept| swept > now || now.since(swept) >= SWEEP_EVERY) {
            waiting.swept = Some(now);
            waiting.idle.retain(|_, here| {
                here.retain(|idle| idle.is_fresh(now));
                !here.is_empty()
            });
        }
        waiting
    }
}

impl Idle {
    /// A clock that was set back makes every wait look young: what comes from the future is not trusted.
    fn is_fresh(&self, now: Time) -> bool {
        !self.line.is_closed() && self.since <= now && now.since(self.since) < WAITS
    }
}
