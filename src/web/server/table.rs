//! Who is connected: slots, in all and per address, and what each connection is doing.
//!
//! A full house makes room by closing a connection of the address that has most: the oldest that is idle, else the
//! oldest on which the gateway only waits for the client (a body that drips, an answer that is not taken), else one of
//! the address that has next to most. A connection that the gateway works for, or that became a WebSocket, is never
//! closed for another.

use super::ServerLimits;
use crate::model::throttle::client_network;
use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
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
    slots: Mutex<Slots>,
    stop: watch::Receiver<bool>,
    /// Told when a connection is gone.
    pub(super) left: Notify,
}

/// Why there is no slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Full {
    /// All connections are busy.
    Server,
    /// All connections of this address are busy.
    Address,
}

#[derive(Default)]
struct Slots {
    by_address: HashMap<IpAddr, VecDeque<Arc<SlotState>>>,
    count: usize,
}

/// A connection's slot, and what happens on it. It is free again when the last holder drops it.
///
/// The counters, also those of the state, are written by the connection's own tasks; others only take a look, so they
/// need no order.
pub struct ConnectionSlot {
    table: Weak<Table>,
    address: IpAddr,
    stop: watch::Receiver<bool>,
    pub(super) slot_state: Arc<SlotState>,
    /// Requests so far.
    pub(super) requests: AtomicU64,
    /// Reads since the last request ended: part of a next one.
    pub(super) reads: AtomicU64,
    /// Bytes written so far.
    pub(super) written: AtomicU64,
    /// An answer was given before its request had arrived: there is more to come that nobody will read.
    pub(super) unread: AtomicBool,
}

/// What the table sees of a slot. Dropping a [`ConnectionSlot`] takes the table's lock, so who holds the lock must never hold
/// what could be the last reference to one.
#[derive(Default)]
pub(super) struct SlotState {
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
    pub(super) fn new(limits: &ServerLimits, stop: watch::Receiver<bool>) -> Arc<Self> {
        let &ServerLimits { connections, per_address, per_address_loopback, .. } = limits;
        let (slots, left) = (Mutex::default(), Notify::new());
        Arc::new(Self { connections, per_address, per_address_loopback, slots, stop, left })
    }

    /// A slot for a new connection.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Arc<ConnectionSlot>, Full> {
        let address = client_network(address);
        let most = if address.is_loopback() { self.per_address_loopback } else { self.per_address };
        let mut slots = self.lock();
        let from_here = slots.by_address.get(&address).map_or(0, VecDeque::len);
        if from_here >= most {
            slots.make_room(address).ok_or(Full::Address)?;
        } else if slots.count >= self.connections {
            slots.make_room_anywhere().ok_or(Full::Server)?;
        }
        let slot_state = Arc::<SlotState>::default();
        slots.by_address.entry(address).or_default().push_back(slot_state.clone());
        slots.count += 1;
        Ok(Arc::new(ConnectionSlot {
            table: Arc::downgrade(self),
            address,
            stop: self.stop.clone(),
            slot_state,
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

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots {
    /// Makes room among the connections of who has the most that may be closed.
    fn make_room_anywhere(&mut self) -> Option<()> {
        let mut crowds: Vec<(usize, IpAddr)> = self.by_address.iter().map(|(a, queue)| (queue.len(), *a)).collect();
        crowds.sort_unstable_by_key(|(count, _)| std::cmp::Reverse(*count));
        crowds.into_iter().find_map(|(_, address)| self.make_room(address))
    }

    /// Tells one connection of this address to end, and frees its slot at once.
    fn make_room(&mut self, address: IpAddr) -> Option<()> {
        let queue = self.by_address.get_mut(&address)?;
        let oldest = |may_go: fn(&SlotState) -> bool| queue.iter().position(|slot_state| may_go(slot_state));
        let at = oldest(SlotState::is_idle).or_else(|| oldest(SlotState::waits_for_client))?;
        queue.remove(at)?.close.notify_one();
        if queue.is_empty() {
            self.by_address.remove(&address);
        }
        self.count -= 1;
        Some(())
    }

    fn leave(&mut self, slot: &ConnectionSlot) {
        let Some(queue) = self.by_address.get_mut(&slot.address) else { return };
        // One that was told to end has left the queue already.
        if let Some(at) = queue.iter().position(|slot_state| Arc::ptr_eq(slot_state, &slot.slot_state)) {
            queue.remove(at);
            self.count -= 1;
        }
        if queue.is_empty() {
            self.by_address.remove(&slot.address);
        }
    }
}

impl ConnectionSlot {
    /// Ends when the gateway stops: what took the connection over (a WebSocket) must then end too.
    pub async fn stopping(&self) {
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
    }
}

impl SlotState {
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

impl Drop for ConnectionSlot {
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
        Table::new(&ServerLimits { connections, per_address, per_address_loopback: 3, ..ServerLimits::default() }, stop)
    }

    /// Enters and works.
    fn busy(table: &Arc<Table>, last: u8) -> Arc<ConnectionSlot> {
        let slot = table.enter(address(last)).expect("room");
        slot.slot_state.busy.store(1, Relaxed);
        slot
    }

    #[test]
    fn the_oldest_idle_connection_makes_room() {
        let table = table(3, 2);
        let first = busy(&table, 1);
        let second = table.enter(address(1)).expect("room");
        let third = table.enter(address(1)).expect("the idle one goes");
        second.slot_state.busy.store(1, Relaxed);
        third.slot_state.busy.store(1, Relaxed);
        assert_eq!(table.enter(address(1)).err(), Some(Full::Address), "both are busy");
        let other = busy(&table, 2);
        assert_eq!(table.enter(address(3)).err(), Some(Full::Server), "all are busy");
        drop(third);
        let late = table.enter(address(3)).expect("one left");
        drop((first, second, other, late));
        let slots = table.lock();
        assert_eq!((slots.count, slots.by_address.len()), (0, 0));
    }

    #[test]
    fn who_only_waits_for_a_client_goes_before_nobody_does() {
        let table = table(3, 2);
        let (works, drips) = (busy(&table, 1), busy(&table, 1));
        drips.slot_state.waiting.store(1, Relaxed);
        let next = busy(&table, 1);
        assert_eq!(table.enter(address(1)).err(), Some(Full::Address));
        next.slot_state.blocked.store(true, Relaxed);
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
        let mut slots = Vec::new();
        for text in ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1", "::ffff:192.0.2.1", "192.0.2.1"] {
            slots.push(table.enter(text.parse().expect("an address")).expect("room"));
        }
        assert_eq!(table.lock().by_address.len(), 3, "two networks and one IPv4 address");
        assert_eq!(table.lock().count, 5, "the third of a network sent the first away");
        for _ in 0..3 {
            let slot = table.enter("::1".parse().expect("an address")).expect("room");
            slot.slot_state.busy.store(1, Relaxed);
            slots.push(slot);
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
        let slots = table.lock();
        assert_eq!((slots.count, slots.by_address.len()), (0, 0));
    }
}
