//! Customers' endpoints: good ones, bad ones, and a crash in between.

mod ahead;
mod bounds;
mod crash;
mod delivery;
mod isolation;
mod kept_secret;
mod misbehaving;
mod python_receiver;
