//! Connections of pages: a few for each session, some hundreds in all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Connections of one session: a window each, and those that were lost and are not noticed yet.
const PER_SESSION: usize = 12;
/// Connections of all.
const IN_ALL: usize = 500;

/// There is no room for one more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many windows are connected: close some of them")]
pub struct TooManyConnections;

type TakenConnections = Arc<Mutex<HashMap<[u8; 32], usize>>>;

/// Who is connected.
#[derive(Default)]
pub struct LiveConnections(TakenConnections);

/// A connection's seat; free again when it is dropped.
pub struct LiveConnection {
    taken: TakenConnections,
    session: [u8; 32],
}

impl LiveConnections {
    /// A seat for one more connection of a session, which is named by a hash of its token.
    ///
    /// # Errors
    /// No room.
    pub fn take(&self, session: [u8; 32]) -> Result<LiveConnection, TooManyConnections> {
        let mut taken = lock(&self.0);
        let all: usize = taken.values().sum();
        let own = taken.entry(session).or_default();
        if *own >= PER_SESSION || all >= IN_ALL {
            if *own == 0 {
                taken.remove(&session);
            }
            return Err(TooManyConnections);
        }
        *own += 1;
        Ok(LiveConnection { taken: self.0.clone(), session })
    }
}

impl Drop for LiveConnection {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        if let Some(own) = taken.get_mut(&self.session) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.session);
            }
        }
    }
}

fn lock(taken: &TakenConnections) -> MutexGuard<'_, HashMap<[u8; 32], usize>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_its_bound_and_so_have_all() {
        let seats = LiveConnections::default();
        let mut held: Vec<LiveConnection> = (0..PER_SESSION).map(|_| seats.take([1; 32]).expect("room")).collect();
        assert_eq!(seats.take([1; 32]).err(), Some(TooManyConnections));
        held.pop();
        held.push(seats.take([1; 32]).expect("one left"));
        let mut n = 1_u16;
        while held.len() < IN_ALL {
            n += 1;
            let mut session = [0; 32];
            session[..2].copy_from_slice(&n.to_be_bytes());
            held.push(seats.take(session).expect("room"));
        }
        assert_eq!(seats.take([9; 32]).err(), Some(TooManyConnections), "the house is full");
        drop(held);
        assert!(lock(&seats.0).is_empty(), "nothing is kept of who left");
    }
}
