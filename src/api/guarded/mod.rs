//! Contract 1: the guarded API. One file a route; the rules are in `sending`.

pub mod message;
pub mod send_message;
