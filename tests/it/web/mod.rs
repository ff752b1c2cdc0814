//! HTTP itself.

mod server;
