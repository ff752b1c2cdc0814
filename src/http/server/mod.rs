//! stub
use std::{net::SocketAddr, sync::Arc, time::Duration};
use arc_swap::ArcSwap;
#[derive(Clone)]
pub struct Limits { pub connections: usize, pub per_address: usize, pub handshake: Duration, pub header: Duration, pub body: Duration, pub idle: Duration }
#[derive(Clone)]
pub struct Peer { pub addr: SocketAddr, pub tls: bool }
pub async fn serve<S>(_l: tokio::net::TcpListener, _t: Option<Arc<ArcSwap<rustls::ServerConfig>>>, _s: S, _lim: Limits, _stop: tokio::sync::watch::Receiver<bool>) {}
