//! The pages of who logs in, one file each.

pub mod account;
pub mod billing;
pub mod inbox;
mod instance_figures;
pub mod instances;
pub mod keys;
pub mod manage;
pub mod message;
pub mod messages;
mod new_rows;
pub mod notice_settings;
pub mod notices;
pub mod overview;
pub mod people;
pub mod sandbox_phone;
pub mod scheduled;
pub mod send;
pub mod suppressed;
pub mod suppressed_import;
pub mod templates;
pub mod threecx;
pub mod threecx_template;
pub mod webhook;
pub mod webhooks;
pub mod words;

use super::PageContext;
use crate::{accounts::Role, gateway::Gateway};

/// What is said where an account that has so many of something may not make another; an admin may.
fn too_many(gateway: &Gateway, v: &PageContext, there: usize) -> Option<String> {
    let is_admin = v.who.as_ref().is_some_and(|who| who.role == Role::Admin);
    (!is_admin && !gateway.may_make(there)).then(|| v.fill("common.too_many", "most", gateway.owners_may_make))
}
