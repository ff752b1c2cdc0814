//! What a change is written with, besides its transaction: when it happens, and where its ids come from.

use super::{clock::Time, random::Random};

/// Time and chance of one change.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// When it is written down, by our clock.
    pub now: Time,
    /// When it happened, by the clock of whoever tells it; never after `now`.
    pub at: Time,
    /// What new ids are made of.
    pub random: &'a dyn Random,
}

impl<'a> Moment<'a> {
    /// Something that happens as it is written down.
    pub const fn new(now: Time, random: &'a dyn Random) -> Self {
        Self { now, at: now, random }
    }

    /// The same for what happened at `at` by another clock: one that is ahead of ours tells nothing of the future.
    #[must_use]
    pub fn told_of(self, at: Time) -> Self {
        Self { at: at.min(self.now), ..self }
    }
}
