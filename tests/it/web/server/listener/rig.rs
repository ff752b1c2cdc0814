//! The server alone, with a few routes that show how warp sits on it, and a client that can misbehave.

use crate::harness::http::{Reply, parse};
use arc_swap::ArcSwap;
use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt, stream};
use rustls::ServerConfig;
use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{Semaphore, watch},
    task::JoinHandle,
};
use wa_gateway::web::server::{BodyError, Peer, ServerLimits, serve};
use warp::{Filter, Reply as _, filters::BoxedFilter, http::StatusCode, reply::Response};

/// Long enough for any event that a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// The largest body of `POST /small`.
pub const SMALL: usize = 1024;

/// A server on a port of its own.
pub struct Rig {
    pub address: SocketAddr,
    /// Requests that came to `/wait`; they wait for a permit of `gate`.
    pub came: watch::Receiver<usize>,
    pub gate: Arc<Semaphore>,
    /// Answers of `/endless` that ended.
    pub ended: watch::Receiver<usize>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Rig {
    pub async fn start(limits: ServerLimits) -> Self {
        Self::start_with(limits, None).await
    }

    pub async fn start_with(limits: ServerLimits, tls: Option<Arc<ArcSwap<ServerConfig>>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (coming, came) = watch::channel(0);
        let (ending, ended) = watch::channel(0);
        let (stop, stopping) = watch::channel(false);
        let gate = Arc::new(Semaphore::new(0));
        let service = warp::service(routes(gate.clone(), coming, ending));
        let task = tokio::spawn(serve(listener, tls, service, limits, stopping));
        Self { address, came, gate, ended, stop, task }
    }

    /// Waits until `n` requests came to `/wait`.
    pub async fn wait_for(&mut self, n: usize) {
        soon(self.came.wait_for(|came| *came >= n)).await.expect("the server lives");
    }

    pub fn tell_to_stop(&self) {
        self.stop.send_replace(true);
    }

    /// Ends when the server has.
    pub async fn stopped(&mut self) {
        soon(&mut self.task).await.expect("it did not panic");
    }
}

/// What an event brings, which must come.
pub async fn soon<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, event).await.expect("it happens in time")
}

/// All routes: each boxed, and what does not match gets an answer of ours.
fn routes(gate: Arc<Semaphore>, came: watch::Sender<usize>, ended: watch::Sender<usize>) -> BoxedFilter<(Response,)> {
    let (came, ended) = (Arc::new(came), Arc::new(ended));
    let hello = warp::path!("hello").map(|| "hello".into_response()).boxed();
    let whole = warp::path!("read").and(warp::body::stream()).then(|body| read(body, usize::MAX)).boxed();
    let small = warp::path!("small").and(warp::body::stream()).then(|body| read(body, SMALL)).boxed();
    let unread = warp::path!("unread").map(|| StatusCode::UNAUTHORIZED.into_response()).boxed();
    let wait = warp::path!("wait").then(move || {
        came.send_modify(|n| *n += 1);
        let gate = gate.clone();
        async move {
            gate.acquire().await.expect("it stays open").forget();
            "waited".into_response()
        }
    });
    let endless = warp::path!("endless").map(move || {
        let ends = Ends(ended.clone());
        let chunks = stream::repeat(Bytes::from(vec![b'x'; 64 << 10])).map(move |chunk| {
            let _ = &ends;
            Ok::<_, Infallible>(chunk)
        });
        warp::reply::stream(chunks).into_response()
    });
    let drip = warp::path!("drip").map(|| {
        let ticks =
            stream::unfold((tokio::time::interval(Duration::from_millis(100)), 0), |(mut every, n)| async move {
                every.tick().await;
                (n < 15).then_some((Ok::<_, Infallible>(Bytes::from_static(b".")), (every, n + 1)))
            });
        warp::reply::stream(ticks).into_response()
    });
    let socket = warp::path!("socket")
        .and(warp::ws())
        .and(warp::ext::get::<Peer>())
        .map(|ws: warp::ws::Ws, peer| ws.on_upgrade(move |socket| echo(socket, peer)).into_response());
    let nobody =
        warp::any().map(|| warp::reply::with_status(r#"{"error":"not_found"}"#, StatusCode::NOT_FOUND).into_response());
    let mut all = hello;
    for route in [whole, small, unread, wait.boxed(), endless.boxed(), drip.boxed(), socket.boxed(), nobody.boxed()] {
        all = all.or(route).unify().boxed();
    }
    all
}

struct Ends(Arc<watch::Sender<usize>>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n += 1);
    }
}

/// How many bytes came, or why not.
async fn read<B: Buf>(body: impl Stream<Item = Result<B, warp::Error>>, max: usize) -> Response {
    let mut body = std::pin::pin!(body);
    let mut came = 0;
    while let Some(chunk) = body.next().await {
        let problem = match chunk {
            Ok(chunk) => {
                came += chunk.remaining();
                (came > max).then_some((StatusCode::PAYLOAD_TOO_LARGE, "larger than the route takes"))
            }
            Err(e) => Some(match BodyError::of(&e) {
                Some(BodyError::TimedOut) => (StatusCode::REQUEST_TIMEOUT, "too slow"),
                Some(BodyError::TooLarge) => (StatusCode::PAYLOAD_TOO_LARGE, "larger than anything"),
                _ => (StatusCode::BAD_REQUEST, "broken"),
            }),
        };
        if let Some((status, text)) = problem {
            return warp::reply::with_status(text, status).into_response();
        }
    }
    came.to_string().into_response()
}

/// Sends back what comes, until the gateway stops.
async fn echo(mut socket: warp::ws::WebSocket, peer: Peer) {
    use futures_util::SinkExt;
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(message)) if message.is_text() => {
                    let _ = socket.send(message).await;
                }
                _ => return,
            },
            () = peer.slot.stopping() => return,
        }
    }
}

/// A connection from the address `127.0.0.LAST`.
pub async fn connect(to: SocketAddr, last: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from(([127, 0, 0, last], 0))).expect("a loopback address");
    soon(socket.connect(to)).await.expect("it listens")
}

/// A connection that holds little itself: what is sent is sent only when the server reads it.
pub async fn connect_narrow(to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_send_buffer_size(8 << 10).expect("a small buffer");
    soon(socket.connect(to)).await.expect("it listens")
}

/// Sends, whether or not anybody still listens.
pub async fn send(stream: &mut (impl AsyncWrite + Unpin), text: impl AsRef<[u8]>) {
    let _ = soon(stream.write_all(text.as_ref())).await;
}

/// What comes until the server closes; a reset is an end, too.
pub async fn until_closed(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut all = Vec::new();
    let _ = soon(stream.read_to_end(&mut all)).await;
    all
}

/// The next answer of a connection that stays open; its length must be said.
pub async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> Reply {
    let mut raw = Vec::new();
    loop {
        if raw.ends_with(b"\r\n\r\n") {
            break;
        }
        let byte = soon(stream.read_u8()).await;
        raw.push(byte.unwrap_or_else(|e| panic!("no answer ({e}): {:?}", String::from_utf8_lossy(&raw))));
    }
    let head = parse(&raw);
    let mut body = vec![0; head.header("content-length").and_then(|n| n.parse().ok()).unwrap_or(0)];
    soon(stream.read_exact(&mut body)).await.expect("a body");
    Reply { body: String::from_utf8_lossy(&body).into_owned(), ..head }
}

/// `GET path` on an open connection.
pub async fn get(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), path: &str) -> Reply {
    send(stream, format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
    answer(stream).await
}
