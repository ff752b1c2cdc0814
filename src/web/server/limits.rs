//! The bounds of a listener. Only numbers; what they do is told where they are used.

use std::time::Duration;

/// How much a listener takes. Tests make the times small.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerLimits {
    /// Connections at once. When all of them are busy, no more are accepted until one ends.
    pub connections: usize,
    /// Connections at once from one address; an IPv6 network of 64 bits is one address.
    pub per_address: usize,
    /// The same for this machine's own addresses: all its integrations, and a proxy on it, share one.
    pub per_address_loopback: usize,
    /// Until a TLS handshake is done.
    pub handshake: Duration,
    /// Until a first byte, and from a first byte until the header is there. It is looked at every half of it: a
    /// connection lives up to 1.5 times as long.
    pub header: Duration,
    /// Until a body is there, when it is small; and the longest wait for a next piece of any body.
    pub body: Duration,
    /// Bytes that each give a large body a second more: who sends slower than this is cut.
    pub body_rate: u64,
    /// Until any body is there, however large.
    pub body_longest: Duration,
    /// Bytes of any body, whatever its route says.
    pub body_bytes: usize,
    /// Until a connection on which nothing happens is closed, and the longest wait for a client that does not take its
    /// answer. Not less than `header`.
    pub idle: Duration,
    /// Header fields of one request; more is 431.
    pub headers: usize,
    /// Bytes of one request's header; more is 431. At least 8 KiB.
    pub header_bytes: usize,
    /// Requests at once on one HTTP/2 connection.
    pub streams: u32,
    /// How long a stop waits for requests under way.
    pub drain: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections: 1024,
            per_address: 256,
            per_address_loopback: 1024,
            handshake: Duration::from_secs(5),
            header: Duration::from_secs(5),
            body: Duration::from_secs(10),
            body_rate: 16 << 10,
            body_longest: Duration::from_secs(300),
            body_bytes: 64 << 20,
            idle: Duration::from_secs(30),
            headers: 64,
            header_bytes: 16 << 10,
            streams: 100,
            drain: Duration::from_secs(10),
        }
    }
}
