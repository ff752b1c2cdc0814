//! `/chat`: conversations of an instance, live.

pub mod shown;
