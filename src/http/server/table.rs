//! Who is connected: places, in all and per address. A full house makes room by closing its oldest idle connection.

use super::Limits;
use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};
use tokio::sync::Notify;

/// One listener's connections.
pub(super) struct Table {
    connections: usize,
    per_address: usize,
    places: Mutex<Places>,
}

#[derive(Default)]
struct Places {
    by_address: HashMap<IpAddr, VecDeque<Weak<Place>>>,
    count: usize,
}

/// A connection's place. It is free again when the last holder drops it.
pub struct Place {
    table: Weak<Table>,
    address: IpAddr,
    /// Requests under way.
    pub(super) busy: AtomicUsize,
    /// Requests so far.
    pub(super) requests: AtomicU64,
    /// Reads since the last request ended: part of a next one.
    pub(super) reads: AtomicU64,
    pub(super) close: Notify,
}

impl Table {
    pub(super) fn new(limits: &Limits) -> Arc<Self> {
        let (connections, per_address) = (limits.connections, limits.per_address);
        Arc::new(Self { connections, per_address, places: Mutex::default() })
    }

    /// A place for a new connection; `None` when the house is full of busy ones.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Arc<Place>> {
        let mut places = self.lock();
        let from_here = places.by_address.get(&address).map_or(0, VecDeque::len);
        if from_here >= self.per_address {
            places.close_idle(Some(address))?;
        } else if places.count >= self.connections {
            places.close_idle(None)?;
        }
        let place = Arc::new(Place {
            table: Arc::downgrade(self),
            address,
            busy: AtomicUsize::new(0),
            requests: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            close: Notify::new(),
        });
        places.by_address.entry(address).or_default().push_back(Arc::downgrade(&place));
        places.count += 1;
        Some(place)
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    /// Tells the oldest idle connection (of one address, or of the one with the most) to end, and frees its place.
    fn close_idle(&mut self, address: Option<IpAddr>) -> Option<()> {
        let address = match address {
            Some(address) => address,
            None => *self.by_address.iter().max_by_key(|(_, queue)| queue.len())?.0,
        };
        let queue = self.by_address.get_mut(&address)?;
        let idle = |place: &Weak<Place>| place.upgrade().is_none_or(|p| p.busy.load(Ordering::Acquire) == 0);
        let place = queue.remove(queue.iter().position(idle)?)?;
        self.count -= 1;
        if let Some(place) = place.upgrade() {
            place.close.notify_one();
        }
        Some(())
    }

    fn leave(&mut self, place: &Place) {
        let Some(queue) = self.by_address.get_mut(&place.address) else { return };
        // One that was told to end has left the queue already.
        if let Some(at) = queue.iter().position(|p| std::ptr::eq(p.as_ptr(), place)) {
            queue.remove(at);
            self.count -= 1;
        }
        if queue.is_empty() {
            self.by_address.remove(&place.address);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(table) = self.table.upgrade() {
            table.lock().leave(self);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn address(last: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(127, 0, 0, last))
    }

    #[test]
    fn the_oldest_idle_connection_makes_room() {
        let table = Table::new(&Limits { connections: 3, per_address: 2, ..Limits::default() });
        let first = table.enter(address(1)).expect("room");
        let second = table.enter(address(1)).expect("room");
        first.busy.store(1, Ordering::Release);
        let third = table.enter(address(1)).expect("the idle one goes");
        second.busy.store(1, Ordering::Release);
        third.busy.store(1, Ordering::Release);
        assert!(table.enter(address(1)).is_none(), "both are busy");
        let other = table.enter(address(2)).expect("another address has room");
        drop((first, second, third, other));
        let places = table.lock();
        assert_eq!((places.count, places.by_address.len()), (0, 0));
    }
}
