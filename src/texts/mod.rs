//! The words that people read, in their languages.

pub mod locale;
pub mod notices;
pub mod packed;
pub mod reasons;
