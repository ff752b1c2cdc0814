//! Customers, what they may use up, and what they should know.

mod limits;
mod notices;
