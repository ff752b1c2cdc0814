//! The one integration binary: a file for each capability, and the harness that they share.

mod connectors;
mod harness;
mod sandbox;
mod sandbox_crash;
mod sending;
mod server;
mod server_tls;
