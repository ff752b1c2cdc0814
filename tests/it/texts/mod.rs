//! The words that people read.

mod locales;
