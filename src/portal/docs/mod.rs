//! The documentation inside the portal: Markdown of ours, in three languages, rendered once and kept in memory.
//!
//! [`catalogue`] lists the pages; `source` reads their text and puts the samples in; `render` makes HTML of it;
//! [`library`] keeps it; `search` finds in it. Which address and which instance the samples name is filled in at each
//! request, because it depends on who reads.

pub mod catalogue;
pub mod language;
pub mod library;
pub mod render;
pub mod search;
pub mod source;
pub mod words;

pub use words::words;
