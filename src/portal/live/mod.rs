//! `GET /ws`: what open pages hear. One WebSocket for each window.
//!
//! - `socket.rs`: who is let in: a session, one of our own pages, room for one more.
//! - `talk.rs`: one connection from its first frame to its last.
//! - `frames.rs`: what a change looks like.
//!
//! A frame that tells of a change carries its `position`. Whoever comes again with `?after=POSITION` hears what came
//! after it and nothing else; where that is not known any more, a `reset` says that the page must be loaded again.
//! `?instance=` narrows what is heard to one instance.
//!
//! Nothing is queued for a reader: the database is the queue, and who does not take a frame in time is cut.

mod frames;
mod socket;
mod talk;

pub use socket::{admit, handle};
