//! The bounds of a listener.

use std::time::Duration;

/// How much a listener takes. Tests make the times small.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one address.
    pub per_address: usize,
    /// Until a TLS handshake is done.
    pub handshake: Duration,
    /// Until a first byte, and from a first byte until the header is there.
    pub header: Duration,
    /// Until a body is there.
    pub body: Duration,
    /// Until a connection on which nothing happens is closed.
    pub idle: Duration,
    /// Bytes of any body, whatever its route says.
    pub body_bytes: usize,
    /// How long a stop waits for requests under way.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            per_address: 256,
            handshake: Duration::from_secs(5),
            header: Duration::from_secs(5),
            body: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            body_bytes: 64 << 20,
            drain: Duration::from_secs(10),
        }
    }
}
