//! Who must not be written to, and the words by which people say so.

pub mod phrases;
