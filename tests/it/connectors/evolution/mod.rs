//! The connector to an Evolution API server, against a server that answers as the real one's code does.

mod backlog;
mod changes;
mod contract;
mod groups;
mod hook;
mod import;
mod media;
mod oddities;
mod over_meta;
mod pairing;
mod program;
mod providers;
mod reactions;
pub mod rig;
