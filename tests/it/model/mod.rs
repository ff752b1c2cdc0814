//! The words everybody uses: time.

mod clocks;
