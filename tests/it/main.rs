//! The one integration binary: a file for each capability, and the harness that they share.

mod command_line;
mod connectors;
mod crash;
mod full_disk;
mod harness;
mod listener;
mod migrations;
mod sandbox;
mod sandbox_crash;
mod scheduler;
mod sending;

mod store;
mod webhooks;
