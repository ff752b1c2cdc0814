//! What the slices do together.

pub mod retention;
