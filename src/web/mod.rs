//! HTTP itself, for programs and people alike: connections and their bounds, requests, bodies, answers, cookies, whose
//! address a request came from.
//!
//! - `server/` accepts connections and bounds everything about them; `client_address.rs` says whose address a request came from.
//! - `problem.rs` alone knows which status and text a code has; `reply.rs` writes the guarded API's answers.
//!
//! It knows no route and no page.

mod access;
pub mod auth;
pub mod body;
pub mod client_address;
pub mod cookie;
pub mod form;
pub mod incoming;
pub mod problem;
pub mod redirect;
pub mod reply;
pub mod server;

pub use access::{Access, Listener, RequestId};
pub use incoming::Incoming;
