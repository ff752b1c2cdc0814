//! Meta's Cloud API: what goes out to it, and what comes in from it.

mod incoming;
pub mod outgoing;
