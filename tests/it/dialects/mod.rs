//! Other products' APIs, as their callers see them.

mod chattu;
mod threecx;
