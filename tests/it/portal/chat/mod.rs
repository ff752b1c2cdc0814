//! Conversations on the portal.

mod answering;
mod browser;
mod composed;
mod page;
