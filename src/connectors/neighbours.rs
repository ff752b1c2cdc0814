//! The running instances of one kind, for what a provider brings to the wrong one of them.

use std::sync::{Arc, Mutex, Weak};

/// Instances that know of one another. An instance that has ended is none any more.
pub(super) struct Neighbours<T>(Mutex<Vec<Weak<T>>>);

impl<T> Default for Neighbours<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Neighbours<T> {
    pub(super) fn join(&self, one: &Arc<T>) {
        self.0.lock().expect("no holder panics").push(Arc::downgrade(one));
    }

    pub(super) fn leave(&self, one: &Arc<T>) {
        self.0.lock().expect("no holder panics").retain(|known| known.as_ptr() != Arc::as_ptr(one));
    }

    /// All that are running, in the order in which they were started.
    pub(super) fn all(&self) -> Vec<Arc<T>> {
        self.0.lock().expect("no holder panics").iter().filter_map(Weak::upgrade).collect()
    }
}
