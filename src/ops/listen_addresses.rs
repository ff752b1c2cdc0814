//! Where a gateway that runs really listens: another place than the configuration says, where that was changed since,
//! where a port was 0, or where `demo` chose its own.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// The addresses by their keys of `[listen]`; none where it does not listen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ListenAddresses {
    /// `listen.local`
    pub local: Option<SocketAddr>,
    /// `listen.public`
    pub public: Option<SocketAddr>,
    /// `listen.http`
    pub http: Option<SocketAddr>,
    /// `listen.metrics`
    pub metrics: Option<SocketAddr>,
}
