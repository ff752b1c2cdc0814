//! The pages of who logs in, one file each.

mod fresh;
pub mod inbox;
pub mod instances;
pub mod keys;
pub mod manage;
pub mod message;
pub mod messages;
pub mod overview;
pub mod scheduled;
pub mod suppressed;
pub mod threecx;
pub mod webhooks;
