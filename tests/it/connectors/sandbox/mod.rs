//! The sandbox: what its settings do, and what outlives a crash.

mod behaviour;
mod crash;
