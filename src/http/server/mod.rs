//! The accept loop: connections come in here, and everything about them is bounded here.
//!
//! warp's own server has no TLS and no time-outs, so warp only routes: each connection is hyper's, with HTTP/1.1 or
//! HTTP/2 chosen by ALPN (hyper's automatic choice waits for ever for a preface).
//!
//! Bounded are: connections in all and per address, the TLS handshake, the first byte, the header, the body (time and a
//! hard size; each route has a smaller size of its own), idle time, and how long a stop waits. When there is no room
//! for a new connection, the oldest idle one makes room: silent sockets cannot keep a customer out.
//!
//! It knows nothing of routes, keys or messages.

mod body;
mod conn;
mod limits;
mod table;

pub use body::BoundedBody;
pub use limits::Limits;
pub use table::Place;

use ::http::Request;
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};
use table::Table;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use tokio_rustls::TlsAcceptor;
use tower::Service;
use warp::reply::Response;

/// Where a request came from; an extension of each request.
#[derive(Clone)]
pub struct Peer {
    /// The other end of the connection.
    pub address: SocketAddr,
    /// Whether the connection is TLS.
    pub tls: bool,
    /// Its place among the connections: who takes the connection over (a WebSocket) keeps it.
    pub place: Arc<Place>,
}

/// After a failed accept (no file descriptors left): the next try.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// Serves `service` on `listener` until `stop` is true, then lets requests under way finish for `limits.drain`.
/// The TLS configuration is read anew for each connection.
pub async fn serve<S>(
    listener: TcpListener,
    tls: Option<Arc<ArcSwap<ServerConfig>>>,
    service: S,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) where
    S: Service<Request<BoundedBody>, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    let limits = Arc::new(limits);
    let table = Table::new(&limits);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        while connections.try_join_next().is_some() {}
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(e) => {
                tracing::warn!("a connection could not be accepted: {e}");
                conn::pause(ACCEPT_AGAIN).await;
                continue;
            }
        };
        // No place and nobody idle: the connection is closed at once, which a client can tell and try again.
        let Some(place) = table.enter(address.ip()) else { continue };
        let _ = stream.set_nodelay(true);
        let acceptor = tls.as_ref().map(|config| TlsAcceptor::from(config.load_full()));
        let peer = Peer { address, tls: acceptor.is_some(), place };
        let (service, limits, stop) = (service.clone(), limits.clone(), stop.clone());
        connections.spawn(async move {
            match acceptor {
                None => conn::serve(stream, false, peer, service, &limits, stop).await,
                Some(acceptor) => conn::serve_tls(stream, acceptor, peer, service, &limits, stop).await,
            }
        });
    }
    drop(listener);
    let all_done = async { while connections.join_next().await.is_some() {} };
    if conn::within(limits.drain, all_done).await.is_none() {
        tracing::warn!("connections were still busy after {:?} and are cut", limits.drain);
    }
    connections.shutdown().await;
}
