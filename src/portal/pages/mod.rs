//! The pages of who logs in, one file each.

pub mod message;
pub mod messages;
pub mod overview;
