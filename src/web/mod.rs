//! HTTP itself, for programs and people alike: connections and their bounds, requests, bodies, answers, cookies, whose
//! address a request came from.
//!
//! - `server/` accepts connections and bounds everything about them.
//! - `target.rs` judges what a request is for before anything else does; `client_address.rs` says whose address it came
//!   from, `same_origin.rs` whether from one of our own pages.
//! - `zipped.rs` compresses answers.
//! - `problem.rs` alone knows which status and text a code has; `reply.rs` writes the guarded API's answers.
//!
//! It knows no route and no page.

pub mod auth;
pub mod body;
pub mod client_address;
pub mod cookie;
pub mod form;
pub mod incoming;
mod listener;
pub mod problem;
pub mod redirect;
pub mod reply;
pub mod same_origin;
pub mod server;
pub mod streamed;
mod target;
pub mod zipped;

pub use incoming::Incoming;
pub use listener::{Listener, RequestId};
pub use same_origin::Origin;
pub use target::{BadTarget, RequestTarget};
