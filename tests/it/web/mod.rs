//! HTTP itself.

pub mod server;
