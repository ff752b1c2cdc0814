//! Every call out over HTTP.

pub mod reach;
