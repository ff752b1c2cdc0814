//! wa-gateway: expected WhatsApp messages out, answers in, and a guard in between.

pub mod connectors;
pub mod model;
pub mod sending;
pub mod suppression;
