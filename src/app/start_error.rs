//! What keeps the gateway from starting.

use crate::{ops::tls, store::StoreError};
use std::{io, net::SocketAddr};

/// What keeps the gateway from starting; one line each.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An address that cannot be listened on.
    #[error("cannot listen on {address} ({key}): {problem}")]
    Listen { address: SocketAddr, key: &'static str, problem: io::Error },
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    /// Rules of the content policy.
    #[error("{0}")]
    Policy(String),
    #[error("{0}")]
    Other(String),
}
