//! The public documentation: every page in three languages, complete, with links that lead somewhere and samples that
//! agree with the code.

mod client;
mod pages;
mod samples;
