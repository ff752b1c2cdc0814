//! The one integration binary: a file for each capability, and the harness that they share.

mod connectors;
mod egress;
mod egress_bounds;
mod harness;
mod sandbox;
mod sandbox_crash;
mod sending;
