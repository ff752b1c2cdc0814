//! Every call out over HTTP.

mod accounts;
pub mod reach;
