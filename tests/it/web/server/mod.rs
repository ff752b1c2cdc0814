//! The server: alone, with the real routes behind it, and behind TLS.

mod clients;
mod listener;
pub mod tls;
