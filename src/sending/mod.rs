//! Sending: from a request to the wire, through the guard.

pub mod policy;
