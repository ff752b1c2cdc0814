//! One connection: its protocol, its time-outs, its end.

use super::{
    Handler, Peer, ServerLimits,
    body::{AnswerBody, BoundedBody, Busy},
    io::Counted,
    timer::{self, within},
    watch::{self, Watch},
};
use ::http::{Request, Response, StatusCode};
use http_body::Body;
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::Service,
};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch as told,
};
use tokio_rustls::TlsAcceptor;

/// What HTTP/2 may hold in memory: of a stream's body, of all bodies of a connection, of a stream's answer; bytes.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 512 << 10;
const SEND_BUFFER: usize = 64 << 10;
/// Rapid reset: streams that a client opened and took back before they were looked at, and streams that it made the
/// server take back. One more ends the connection. Both are h2's and hyper's own numbers or below.
const RESETS_PENDING: usize = 20;
const RESETS_CAUSED: usize = 256;

/// After a stop: for how long a connection that was just accepted may still bring its first request. Its client was let
/// in, and cannot tell a restart from a fault; a silent one does not hold a restart up for long.
const WELCOME: Duration = Duration::from_secs(1);
/// How often it is looked at meanwhile.
const WELCOME_LOOK: Duration = Duration::from_millis(20);

pub(super) async fn serve_tls<H: Handler>(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    mut handling: Handling<H>,
    mut stop: told::Receiver<bool>,
) {
    let shaken = tokio::select! {
        shaken = within(handling.limits.handshake, acceptor.accept(stream)) => shaken,
        () = handling.peer.slot.slot_state.close.notified() => return,
        () = stopped_for(&mut stop, WELCOME) => return,
    };
    match shaken {
        Some(Ok(stream)) => {
            let session = stream.get_ref().1;
            let h2 = session.alpn_protocol() == Some(b"h2");
            handling.peer.certificate =
                session.peer_certificates().and_then(|chain| chain.first()).map(|leaf| Arc::from(leaf.as_ref()));
            serve(stream, h2, handling, stop).await;
        }
        Some(Err(e)) => tracing::debug!("a TLS handshake failed: {e}"),
        None => tracing::debug!("a TLS handshake took too long"),
    }
}

async fn stopped_for(stop: &mut told::Receiver<bool>, patience: Duration) {
    let _ = stop.wait_for(|stop| *stop).await;
    timer::after(patience).await;
}

pub(super) async fn serve<IO, H>(io: IO, h2: bool, handling: Handling<H>, stop: told::Receiver<bool>)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Handler,
{
    let (peer, limits) = (handling.peer.clone(), handling.limits.clone());
    let io = Counted::new(io, peer.slot.clone());
    if h2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .max_pending_accept_reset_streams(RESETS_PENDING)
            .max_local_error_reset_streams(RESETS_CAUSED)
            .keep_alive_interval(limits.idle)
            .keep_alive_timeout(limits.header);
        let connection = builder.serve_connection(io, handling);
        drive(connection, |c| c.graceful_shutdown(), (&peer, &limits), h2, stop).await;
    } else {
        let mut builder = http1::Builder::new();
        builder.max_headers(limits.headers).max_buf_size(limits.header_bytes).timer(TokioTimer::new());
        // The watch does it, without a timer for each request.
        builder.header_read_timeout(None);
        let connection = builder.serve_connection(io, handling).with_upgrades();
        drive(connection, |c| c.graceful_shutdown(), (&peer, &limits), h2, stop).await;
    }
}

/// Polls the connection to its end; `end_gracefully` lets it finish what is under way and take nothing new.
async fn drive<C: Future<Output = hyper::Result<()>>>(
    connection: C,
    end_gracefully: impl Fn(Pin<&mut C>),
    (peer, limits): (&Peer, &ServerLimits),
    h2: bool,
    mut stop: told::Receiver<bool>,
) {
    tokio::pin!(connection);
    let step = watch::step(limits);
    let tick = timer::after(step);
    tokio::pin!(tick);
    let mut watch = Watch::default();
    let mut stopping = false;
    let look = timer::after(WELCOME_LOOK);
    tokio::pin!(look);
    // While a stop waits for the first request of a fresh connection: how long it still does.
    let mut welcome: Option<Duration> = None;
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(e) = ended {
                    tracing::debug!("a connection ended: {e}");
                }
                return;
            }
            _ = stop.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                if !h2 && peer.slot.requests.load(Relaxed) == 0 {
                    welcome = Some(WELCOME.min(limits.header));
                    timer::again(look.as_mut(), WELCOME_LOOK);
                } else {
                    end_gracefully(connection.as_mut());
                }
            }
            () = look.as_mut(), if welcome.is_some() => {
                welcome = welcome.map(|left| left.saturating_sub(WELCOME_LOOK)).filter(|left| !left.is_zero());
                if welcome.is_none() || peer.slot.requests.load(Relaxed) > 0 {
                    welcome = None;
                    end_gracefully(connection.as_mut());
                }
                timer::again(look.as_mut(), WELCOME_LOOK);
            }
            // A request may have begun since the table looked. It gets its answer; only then is the connection over.
            () = peer.slot.slot_state.close.notified() => {
                if peer.slot.slot_state.is_idle() || peer.slot.slot_state.waits_for_client() {
                    return;
                }
                stopping = true;
                end_gracefully(connection.as_mut());
            }
            () = tick.as_mut() => {
                if watch.is_over(&peer.slot, limits, step, h2) {
                    return;
                }
                timer::again(tick.as_mut(), step);
            }
        }
    }
}

/// The handler as hyper calls it, on one connection.
pub(super) struct Handling<H> {
    pub(super) handler: H,
    pub(super) peer: Peer,
    pub(super) limits: Arc<ServerLimits>,
}

impl<H: Handler> Service<Request<Incoming>> for Handling<H> {
    type Response = Response<AnswerBody<H::Body>>;
    type Error = Infallible;
    type Future = Answering<H::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let busy = Some(Busy::new(&self.peer.slot));
        // HTTP/2 counts bytes, not fields.
        if request.headers().len() > self.limits.headers {
            return Answering { future: None, busy };
        }
        let mut request = request.map(|body| BoundedBody::new(body, &self.limits, &self.peer.slot));
        request.extensions_mut().insert(self.peer.clone());
        Answering { future: Some(self.handler.answer(request)), busy }
    }
}

pin_project_lite::pin_project! {
    /// One request under way; without a future it is refused for its header.
    pub(super) struct Answering<F> {
        #[pin]
        future: Option<F>,
        busy: Option<Busy>,
    }
}

impl<F, B> Future for Answering<F>
where
    F: Future<Output = Result<Response<B>, Infallible>>,
    B: Body + Default,
{
    type Output = Result<Response<AnswerBody<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = match this.future.as_pin_mut() {
            Some(future) => match ready!(future.poll(cx)) {
                Ok(answer) => answer,
                Err(never) => match never {},
            },
            None => {
                let mut refusal = Response::new(B::default());
                *refusal.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
                refusal
            }
        };
        let busy = this.busy.take();
        if let (StatusCode::SWITCHING_PROTOCOLS, Some(busy)) = (answer.status(), &busy) {
            busy.slot().slot_state.taken.store(true, Relaxed);
        }
        Poll::Ready(Ok(answer.map(|body| AnswerBody::new(body, busy))))
    }
}
