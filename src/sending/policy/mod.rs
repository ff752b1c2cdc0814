//! The guard: pure judgements over facts.

pub mod content;
