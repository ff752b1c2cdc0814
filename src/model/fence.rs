//! Whether this gateway may send. Where a second machine stands ready, one of the two may and the other may not; who
//! found that out closes the fence, and everything that leaves passes it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The fence of one gateway; open at first. Cheap to clone: all clones are the same fence.
#[derive(Clone, Default)]
pub struct Fence {
    shared: Arc<Mutex<FenceState>>,
}

#[derive(Default)]
struct FenceState {
    /// Why nothing passes; none: it is open.
    closed: Option<String>,
    /// Who passed and is not back.
    outside: usize,
}

/// Somebody who passed; is back when this is dropped.
pub struct Passage(Fence);

impl Fence {
    /// Lets nobody pass from now on; `why` is one line.
    pub fn close(&self, why: &str) {
        self.state().closed = Some(why.to_owned());
    }

    /// Lets everybody pass.
    pub fn open(&self) {
        self.state().closed = None;
    }

    /// Why nothing passes; none: it is open.
    pub fn why_closed(&self) -> Option<String> {
        self.state().closed.clone()
    }

    pub fn is_open(&self) -> bool {
        self.state().closed.is_none()
    }

    /// Whether it is closed, and all who had passed are back: nothing is on its way any more.
    pub fn is_quiet(&self) -> bool {
        let state = self.state();
        state.closed.is_some() && state.outside == 0
    }

    /// Passes.
    ///
    /// # Errors
    /// Why nothing passes.
    pub fn pass(&self) -> Result<Passage, String> {
        let mut state = self.state();
        if let Some(why) = &state.closed {
            return Err(why.clone());
        }
        state.outside += 1;
        Ok(Passage(self.clone()))
    }

    fn state(&self) -> MutexGuard<'_, FenceState> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.0.state().outside -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_fence_is_quiet_when_all_are_back() {
        let fence = Fence::default();
        let one = fence.pass().unwrap_or_else(|why| panic!("open: {why}"));
        fence.clone().close("another machine sends");
        assert!(!fence.is_quiet() && !fence.is_open());
        assert_eq!(fence.pass().err().as_deref(), Some("another machine sends"));
        drop(one);
        assert!(fence.is_quiet());
        fence.open();
        assert!(fence.pass().is_ok() && !fence.is_quiet());
    }
}
