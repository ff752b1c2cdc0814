//! The one integration binary: a file for each capability, and the harness that they share.

mod connectors;
mod errors;
mod harness;
mod idempotency;
mod order;
mod sandbox;
mod sandbox_crash;
mod sending;
