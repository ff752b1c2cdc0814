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
    by_address: HashMap<IpAddr, VecDeque<Arc<Seat>>>,
    count: usize,
}

/// A connection's place. It is free again when the last holder drops it.
pub struct Place {
    table: Weak<Table>,
    address: IpAddr,
    pub(super) seat: Arc<Seat>,
    /// Requests so far.
    pub(super) requests: AtomicU64,
    /// Reads since the last request ended: part of a next one.
    pub(super) reads: AtomicU64,
}

/// What the table sees of a place. Dropping a [`Place`] takes the table's lock, so who holds the lock must never hold
/// what could be the last reference to one.
#[derive(Default)]
pub(super) struct Seat {
    /// Requests under way.
    pub(super) busy: AtomicUsize,
    /// Tells the connection to end.
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
        let seat = Arc::<Seat>::default();
        places.by_address.entry(address).or_default().push_back(seat.clone());
        places.count += 1;
        let (table, requests, reads) = (Arc::downgrade(self), AtomicU64::new(0), AtomicU64::new(0));
        Some(Arc::new(Place { table, address, seat, requests, reads }))
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    /// Tells the oldest idle connection to end, and frees its place: one of `address`, or one of the address that has
    /// most connections among those that have an idle one.
    fn close_idle(&mut self, address: Option<IpAddr>) -> Option<()> {
        let oldest = |queue: &VecDeque<Arc<Seat>>| queue.iter().position(|s| s.busy.load(Ordering::Acquire) == 0);
        let (address, at) = match address {
            Some(address) => (address, oldest(self.by_address.get(&address)?)?),
            None => {
                let mut queues: Vec<_> = self.by_address.iter().collect();
                queues.sort_unstable_by_key(|(_, queue)| std::cmp::Reverse(queue.len()));
                queues.into_iter().find_map(|(address, queue)| Some((*address, oldest(queue)?)))?
            }
        };
        let queue = self.by_address.get_mut(&address)?;
        queue.remove(at)?.close.notify_one();
        if queue.is_empty() {
            self.by_address.remove(&address);
        }
        self.count -= 1;
        Some(())
    }

    fn leave(&mut self, place: &Place) {
        let Some(queue) = self.by_address.get_mut(&place.address) else { return };
        // One that was told to end has left the queue already.
        if let Some(at) = queue.iter().position(|seat| Arc::ptr_eq(seat, &place.seat)) {
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
        first.seat.busy.store(1, Ordering::Release);
        let third = table.enter(address(1)).expect("the idle one goes");
        second.seat.busy.store(1, Ordering::Release);
        third.seat.busy.store(1, Ordering::Release);
        assert!(table.enter(address(1)).is_none(), "both are busy");
        let other = table.enter(address(2)).expect("another address has room");
        drop((first, second, third, other));
        let places = table.lock();
        assert_eq!((places.count, places.by_address.len()), (0, 0));
    }

    #[test]
    fn a_connection_that_goes_while_it_is_looked_at_does_not_lock_the_table() {
        let table = Table::new(&Limits { connections: 2, per_address: 1, ..Limits::default() });
        let (done, all_done) = std::sync::mpsc::channel();
        for last in 1..=4 {
            let (table, done) = (table.clone(), done.clone());
            std::thread::spawn(move || {
                for _ in 0..300_000 {
                    drop(table.enter(address(last % 2)));
                }
                let _ = done.send(());
            });
        }
        for _ in 1..=4 {
            all_done.recv_timeout(std::time::Duration::from_secs(60)).expect("a thread waits for itself");
        }
        let places = table.lock();
        assert_eq!((places.count, places.by_address.len()), (0, 0));
    }
}
