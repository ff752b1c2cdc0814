//! What the integration tests share: a clock that is stepped by hand, an ear that remembers, the real App on port 0,
//! the contract's refusals.

pub mod clock;
pub mod contract;
pub mod deeds;
pub mod ear;
pub mod http;
pub mod load;
pub mod program;
pub mod receiver;
pub mod world;
