//! What a change is written with, besides its transaction: when it happens, and where its ids come from.

use super::{clock::Time, random::Random};

/// Time and chance of one change.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// When it happens.
    pub now: Time,
    /// What new ids are made of.
    pub random: &'a dyn Random,
}
