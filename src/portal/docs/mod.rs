//! The documentation inside the portal: Markdown of ours, in three languages, rendered once and kept in memory.
//!
//! [`catalogue`] lists the pages; `source` reads their text and puts the samples in; `render` makes HTML of it;
//! [`library`] keeps it; `search` finds in it; `pages` answers. Which address and which instance the samples name is
//! filled in at each request, because it depends on who reads.
//!
//! Adding a page: a line in [`catalogue`], a Markdown file in each language, built alike.

pub mod catalogue;
mod index;
pub mod library;
pub mod pages;
pub mod reference;
pub mod render;
pub mod search;
pub mod source;

pub use index::handle as search_index;
