//! Who is connected: places, in all and per address, and what each connection is doing.
//!
//! A full house makes room by closing a connection of the address that has most: the oldest that is idle, else the
//! oldest on which the gateway only waits for the client (a body that drips, an answer that is not taken), else one of
//! the address that has next to most. A connection that the gateway works for, or that became a WebSocket, is never
//! closed for another.

use super::Limits;
use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};
use tokio::sync::{Notify, watch};

/// One listener's connections.
pub(super) struct Table {
    connections: usize,
    per_address: usize,
    per_address_loopback: usize,
    places: Mutex<Places>,
    stop: watch::Receiver<bool>,
    /// Told when a connection is gone.
    pub(super) left: Notify,
}

/// Why there is no place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Full {
    /// All connections are busy.
    House,
    /// All connections of this address are busy.
    Address,
}

#[derive(Default)]
struct Places {
    by_address: HashMap<IpAddr, VecDeque<Arc<Seat>>>,
    count: usize,
}

/// A connection's place, and what happens on it. It is free again when the last holder drops it.
///
/// The counters, also those of the seat, are written by the connection's own tasks; others only take a look, so they
/// need no order.
pub struct Place {
    table: Weak<Table>,
    address: IpAddr,
    stop: watch::Receiver<bool>,
    pub(super) seat: Arc<Seat>,
    /// Requests so far.
    pub(super) requests: AtomicU64,
    /// Reads since the last request ended: part of a next one.
    pub(super) reads: AtomicU64,
    /// Bytes written so far.
    pub(super) written: AtomicU64,
    /// An answer was given before its request had arrived: there is more to come that nobody will read.
    pub(super) unread: AtomicBool,
}

/// What the table sees of a place. Dropping a [`Place`] takes the table's lock, so who holds the lock must never hold
/// what could be the last reference to one.
#[derive(Default)]
pub(super) struct Seat {
    /// Requests under way: from their header to the last byte of their answer.
    pub(super) busy: AtomicUsize,
    /// Of those, the ones that wait for their body.
    pub(super) waiting: AtomicUsize,
    /// The client does not take what is written.
    pub(super) blocked: AtomicBool,
    /// It is no HTTP any more: somebody took it over.
    pub(super) taken: AtomicBool,
    /// Tells the connection to end.
    pub(super) close: Notify,
}

impl Table {
    pub(super) fn new(limits: &Limits, stop: watch::Receiver<bool>) -> Arc<Self> {
        let &Limits { connections, per_address, per_address_loopback, .. } = limits;
        let (places, left) = (Mutex::default(), Notify::new());
        Arc::new(Self { connections, per_address, per_address_loopback, places, stop, left })
    }

    /// A place for a new connection.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Arc<Place>, Full> {
        let address = neighbourhood(address);
        let most = if address.is_loopback() { self.per_address_loopback } else { self.per_address };
        let mut places = self.lock();
        let from_here = places.by_address.get(&address).map_or(0, VecDeque::len);
        if from_here >= most {
            places.make_room(address).ok_or(Full::Address)?;
        } else if places.count >= self.connections {
            places.make_room_anywhere().ok_or(Full::House)?;
        }
        let seat = Arc::<Seat>::default();
        places.by_address.entry(address).or_default().push_back(seat.clone());
        places.count += 1;
        Ok(Arc::new(Place {
            table: Arc::downgrade(self),
            address,
            stop: self.stop.clone(),
            seat,
            requests: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            written: AtomicU64::new(0),
            unread: AtomicBool::new(false),
        }))
    }

    /// Closes one connection, if there is one that may be: the machine has no more sockets.
    pub(super) fn make_room(&self) {
        let _ = self.lock().make_room_anywhere();
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The address that is counted: somebody with IPv6 has a whole network of 64 bits.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        other => other,
    }
}

impl Places {
    /// Makes room among the connections of who has the most that may be closed.
    fn make_room_anywhere(&mut self) -> Option<()> {
        let mut crowds: Vec<(usize, IpAddr)> = self.by_address.iter().map(|(a, queue)| (queue.len(), *a)).collect();
        crowds.sort_unstable_by_key(|(count, _)| std::cmp::Reverse(*count));
        crowds.into_iter().find_map(|(_, address)| self.make_room(address))
    }

    /// Tells one connection of this address to end, and frees its place at once.
    fn make_room(&mut self, address: IpAddr) -> Option<()> {
        let queue = self.by_address.get_mut(&address)?;
        let oldest = |may_go: fn(&Seat) -> bool| queue.iter().position(|seat| may_go(seat));
        let at = oldest(Seat::is_idle).or_else(|| oldest(Seat::waits_for_client))?;
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

impl Place {
    /// Ends when the gateway stops: what took the connection over (a WebSocket) must then end too.
    pub async fn stopping(&self) {
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
    }
}

impl Seat {
    /// Nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.busy.load(Relaxed) == 0 && !self.taken.load(Relaxed)
    }

    /// All that is under way is the client's turn.
    pub(super) fn waits_for_client(&self) -> bool {
        let is_its_turn = self.blocked.load(Relaxed) || self.waiting.load(Relaxed) >= self.busy.load(Relaxed);
        is_its_turn && !self.taken.load(Relaxed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(table) = self.table.upgrade() {
            table.lock().leave(self);
            table.left.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn address(last: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))
    }

    fn table(connections: usize, per_address: usize) -> Arc<Table> {
        let stop = watch::channel(false).1;
        Table::new(&Limits { connections, per_address, per_address_loopback: 3, ..Limits::default() }, stop)
    }

    /// Enters and works.
    fn busy(table: &Arc<Table>, last: u8) -> Arc<Place> {
        let place = table.enter(address(last)).expect("room");
        place.seat.busy.store(1, Relaxed);
        place
    }

    #[test]
    fn the_oldest_idle_connection_makes_room() {
        let table = table(3, 2);
        let first = busy(&table, 1);
        let second = table.enter(address(1)).expect("room");
        let third = table.enter(address(1)).expect("the idle one goes");
        second.seat.busy.store(1, Relaxed);
        third.seat.busy.store(1, Relaxed);
        assert_eq!(table.enter(address(1)).err(), Some(Full::Address), "both are busy");
        let other = busy(&table, 2);
        assert_eq!(table.enter(address(3)).err(), Some(Full::House), "all are busy");
        drop(third);
        let late = table.enter(address(3)).expect("one left");
        drop((first, second, other, late));
        let places = table.lock();
        assert_eq!((places.count, places.by_address.len()), (0, 0));
    }

    #[test]
    fn who_only_waits_for_a_client_goes_before_nobody_does() {
        let table = table(3, 2);
        let (works, drips) = (busy(&table, 1), busy(&table, 1));
        drips.seat.waiting.store(1, Relaxed);
        let next = busy(&table, 1);
        assert_eq!(table.enter(address(1)).err(), Some(Full::Address));
        next.seat.blocked.store(true, Relaxed);
        let last = busy(&table, 1);
        drop((works, drips, next, last));
        assert_eq!(table.lock().count, 0);
    }

    #[test]
    fn a_crowd_of_busy_ones_does_not_hide_an_idle_one() {
        let table = table(3, 3);
        let _crowd = (busy(&table, 1), busy(&table, 1));
        let idle = table.enter(address(2)).expect("room");
        let _next = table.enter(address(3)).expect("the idle one of the smaller crowd goes");
        drop(idle);
        assert_eq!(table.lock().count, 3);
    }

    #[test]
    fn an_ipv6_network_is_one_address_and_loopback_has_a_bound_of_its_own() {
        let table = table(100, 2);
        let mut places = Vec::new();
        for text in ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1", "::ffff:192.0.2.1", "192.0.2.1"] {
            places.push(table.enter(text.parse().expect("an address")).expect("room"));
        }
        assert_eq!(table.lock().by_address.len(), 3, "two networks and one IPv4 address");
        assert_eq!(table.lock().count, 5, "the third of a network sent the first away");
        for _ in 0..3 {
            let place = table.enter("::1".parse().expect("an address")).expect("room");
            place.seat.busy.store(1, Relaxed);
            places.push(place);
        }
        assert_eq!(table.enter("::1".parse().expect("an address")).err(), Some(Full::Address));
    }

    #[test]
    fn a_connection_that_goes_while_it_is_looked_at_does_not_lock_the_table() {
        let table = table(2, 1);
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
