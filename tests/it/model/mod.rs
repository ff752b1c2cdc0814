//! The words everybody uses: time, and whatever strangers write.

mod clocks;
mod strangers;
