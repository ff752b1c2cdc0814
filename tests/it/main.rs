//! The one integration binary: a file for each capability, and the harness that they share.

mod backup;
mod behaviour;
mod command_line;
mod connectors;
mod crash;
mod egress;
mod egress_bounds;
mod errors;
mod full_disk;
mod harness;
mod idempotency;
mod limits;
mod listener;
mod migrations;
mod order;
mod pace;
mod phones;
mod sandbox;
mod sandbox_crash;
mod scheduler;
mod sending;
mod server;
mod server_tls;
mod store;
mod tidy;
mod webhooks;
