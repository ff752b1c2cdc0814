//! Where a request came in, and what it is called.

/// Which listener a request came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Listener {
    /// Plain HTTP for integrations on this machine.
    Local,
    /// TLS, for everybody.
    Public,
    /// For Prometheus alone.
    Metrics,
}

/// A request's id.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);
