//! What the integration tests share: a clock that is stepped by hand, the real App, fakes of the outside world.

pub mod bad_receiver;
pub mod browser;
pub mod clock;
pub mod contract;
pub mod cut;
pub mod deeds;
pub mod deps;
pub mod door;
pub mod ear;
pub mod evolution;
pub mod files;
pub mod graph;
pub mod http;
pub mod line;
pub mod listener;
pub mod load;
pub mod pbx;
pub mod pebble;
pub mod post_office;
pub mod program;
pub mod receiver;
pub mod visitor;
pub mod wait;
pub mod wild;
pub mod wire;
pub mod world;
