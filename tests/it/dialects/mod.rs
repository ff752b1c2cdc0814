//! Other products' APIs, as their callers see them.

pub mod chattu;
mod threecx;
