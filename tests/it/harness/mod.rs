//! What the integration tests share: a clock that is stepped by hand, an ear that remembers, the App with a client that
//! reads like sentences, and a client that can be rude.

pub mod clock;
pub mod ear;
pub mod http;
pub mod wire;
pub mod world;
