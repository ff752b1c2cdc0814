//! What the integration tests share: a clock that is stepped by hand, and an ear that remembers.

pub mod clock;
pub mod ear;
pub mod http;
pub mod receiver;
pub mod world;
