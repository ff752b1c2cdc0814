//! The accept loop: connections come in here, and everything about them is bounded here.
//!
//! warp's own server has no TLS and no time-outs, so warp only routes: each connection is hyper's, with HTTP/1.1 or
//! HTTP/2 chosen by ALPN (hyper's automatic choice waits for ever for a preface).
//!
//! Bounded are ([`ServerLimits`]): connections in all and per address, the TLS handshake, the first byte, the header, the body
//! (time, rate and a hard size; each route has a smaller size of its own), a client that does not take its answer, idle
//! time, and how long a stop waits. When there is no room for a new connection, the oldest idle one makes room: silent
//! sockets cannot keep a customer out. When nobody is idle, nothing more is accepted until somebody is.
//!
//! - `table.rs` knows who is connected and who makes room, `conn.rs` one connection, `appliance_notices.rs` when it is over.
//! - `io.rs` counts a socket, `body.rs` bounds bodies, `timer.rs` is the only one that asks for the time.
//!
//! It knows nothing of routes, keys or messages, and not even of warp.

mod body;
mod conn;
mod io;
mod leftover;
mod limits;
mod table;
mod timer;
mod watch;

pub use body::{BodyError, BoundedBody};
pub use leftover::{Leftover, SharedBody};
pub use limits::ServerLimits;
pub use table::ConnectionSlot;

use ::http::{Request, Response};
use arc_swap::ArcSwap;
use conn::Handling;
use http_body::Body;
use rustls::ServerConfig;
use std::{convert::Infallible, error::Error, future::Future, net::SocketAddr, sync::Arc, time::Duration};
use table::{Full, Table};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch as told,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use tower::Service;

/// Where a request came from; an extension of each request.
#[derive(Clone)]
pub struct Peer {
    /// The other end of the connection.
    pub address: SocketAddr,
    /// Whether the connection is TLS.
    pub tls: bool,
    /// The certificate, in DER, that it was asked for and has proved to be its own; none: it came without.
    pub certificate: Option<Arc<[u8]>>,
    /// Its slot among the connections. A WebSocket keeps it by itself, and must end when [`ConnectionSlot::stopping`] does.
    pub slot: Arc<ConnectionSlot>,
}

/// What answers requests: any `tower::Service` such as `warp::service(filter)`. Nobody writes one by hand.
pub trait Handler: Clone + Send + Sync + 'static {
    /// The body of its answers.
    type Body: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Default + Send + 'static;
    /// An answer to come.
    type Future: Future<Output = Result<Response<Self::Body>, Infallible>> + Send + 'static;

    /// Answers one request.
    fn answer(&self, request: Request<BoundedBody>) -> Self::Future;
}

impl<S, B> Handler for S
where
    S: Service<Request<BoundedBody>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Default + Send + 'static,
{
    type Body = B;
    type Future = S::Future;

    fn answer(&self, request: Request<BoundedBody>) -> S::Future {
        // What is always ready needs no asking.
        self.clone().call(request)
    }
}

/// After a failed accept (no file descriptors left), and while everybody is busy: the next try.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// Serves `handler` on `listener` until `stop` is true (or its sender is gone), then lets requests under way finish for
/// `limits.drain`. The TLS configuration is read anew for each connection.
pub async fn serve<H: Handler>(
    listener: TcpListener,
    tls: Option<Arc<ArcSwap<ServerConfig>>>,
    handler: H,
    limits: ServerLimits,
    stop: told::Receiver<bool>,
) {
    let limits = Arc::new(limits);
    let table = Table::new(&limits, stop.clone());
    let mut connections = JoinSet::new();
    let mut asked = stop.clone();
    let accepting = async {
        loop {
            let (stream, address) = accept(&listener, &table).await;
            while connections.try_join_next().is_some() {}
            // All from this address are busy: it is closed at once, which a client can tell and try again.
            let Some(slot) = slot(&table, address).await else { continue };
            let _ = stream.set_nodelay(true);
            let acceptor = tls.as_ref().map(|config| TlsAcceptor::from(config.load_full()));
            let peer = Peer { address, tls: acceptor.is_some(), certificate: None, slot };
            let handling = Handling { handler: handler.clone(), peer, limits: limits.clone() };
            let stop = stop.clone();
            connections.spawn(async move {
                match acceptor {
                    None => conn::serve(stream, false, handling, stop).await,
                    Some(acceptor) => conn::serve_tls(stream, acceptor, handling, stop).await,
                }
            });
        }
    };
    tokio::select! {
        () = accepting => {}
        _ = asked.wait_for(|stop| *stop) => {}
    }
    drop(listener);
    let all_done = async { while connections.join_next().await.is_some() {} };
    if timer::within(limits.drain, all_done).await.is_none() {
        tracing::warn!("connections were still busy after {:?} and are cut", limits.drain);
    }
    connections.shutdown().await;
}

/// The next connection. A machine out of sockets is given time, and room by who is idle.
async fn accept(listener: &TcpListener, table: &Table) -> (TcpStream, SocketAddr) {
    let mut told = false;
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // The client was gone before it was accepted.
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionAborted => {}
            Err(e) => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!("connections cannot be accepted: {e}");
                }
                table.make_room();
                timer::after(ACCEPT_AGAIN).await;
            }
        }
    }
}

/// A slot for a connection, waited for when the house is full; none when its address has all it may have.
async fn slot(table: &Arc<Table>, address: SocketAddr) -> Option<Arc<ConnectionSlot>> {
    loop {
        match table.enter(address.ip()) {
            Ok(slot) => return Some(slot),
            Err(Full::Address) => return None,
            // Somebody may also become idle without leaving.
            Err(Full::Server) => drop(timer::within(ACCEPT_AGAIN, table.left.notified()).await),
        }
    }
}
