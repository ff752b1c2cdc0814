//! The pages of who logs in, one file each.

pub mod account;
pub mod inbox;
pub mod instances;
pub mod keys;
pub mod manage;
pub mod message;
pub mod messages;
mod new_rows;
pub mod notice_settings;
pub mod notices;
pub mod overview;
pub mod scheduled;
pub mod suppressed;
pub mod suppressed_import;
pub mod threecx;
pub mod threecx_template;
pub mod webhooks;
