//! stub
use std::sync::Arc;
use arc_swap::ArcSwap;
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(pub String);
pub struct Certificate;
impl Certificate { pub fn server_config(&self) -> Arc<ArcSwap<rustls::ServerConfig>> { todo!() } pub fn reload(&self) -> Result<(), TlsError> { Ok(()) } }
