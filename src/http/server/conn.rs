//! One connection: its protocol, its time-outs, its end.
//!
//! hyper has one time-out for "no header yet", which also ends idle connections. We want two: a short one for who sends
//! nothing or drips a header, a longer one for a client that keeps a good connection. So reads are counted, and a tick
//! looks at what happened since.

#![expect(clippy::disallowed_methods, reason = "socket time-outs are the kernel's business, not the gateway's clock's")]

use super::{Limits, Peer, body::BoundedBody, table::Place};
use ::http::Request;
use hyper::{body::Incoming, rt::ReadBufCursor, server::conn::http1, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::{Instant, Sleep, sleep},
};
use tokio_rustls::TlsAcceptor;
use tower::Service;
use warp::reply::Response;

/// Headers of one request, and their bytes.
const HEADERS_MAX: usize = 64;
const HEADER_BYTES_MAX: usize = 16 * 1024;
const STREAMS_MAX: u32 = 100;

pub(super) fn timer(d: Duration) -> Sleep {
    sleep(d)
}

pub(super) async fn pause(d: Duration) {
    sleep(d).await;
}

/// The future's value, if it ends within `d`.
pub(super) async fn within<T>(d: Duration, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(d, future).await.ok()
}

pub(super) async fn serve_tls<S>(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    peer: Peer,
    service: S,
    limits: &Arc<Limits>,
    stop: watch::Receiver<bool>,
) where
    S: Service<Request<BoundedBody>, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    let shaken = tokio::select! {
        shaken = within(limits.handshake, acceptor.accept(stream)) => shaken,
        () = peer.place.seat.close.notified() => None,
    };
    match shaken {
        Some(Ok(stream)) => {
            let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            serve(stream, h2, peer, service, limits, stop).await;
        }
        Some(Err(e)) => tracing::debug!("a TLS handshake failed: {e}"),
        None => tracing::debug!("a TLS handshake took too long"),
    }
}

pub(super) async fn serve<IO, S>(
    io: IO,
    h2: bool,
    peer: Peer,
    service: S,
    limits: &Arc<Limits>,
    stop: watch::Receiver<bool>,
) where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<BoundedBody>, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    let place = peer.place.clone();
    let bounds = limits.clone();
    let io = Counted { io: TokioIo::new(io), place: place.clone() };
    let handler = service_fn(move |request: Request<Incoming>| {
        let place = peer.place.clone();
        place.seat.busy.fetch_add(1, Ordering::AcqRel);
        place.requests.fetch_add(1, Ordering::Relaxed);
        let mut request = request.map(|body| BoundedBody::new(body, &bounds));
        request.extensions_mut().insert(peer.clone());
        let answer = service.clone().call(request);
        async move {
            let _busy = Busy(place);
            answer.await
        }
    });
    if h2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(HEADER_BYTES_MAX as u32)
            .keep_alive_interval(limits.idle)
            .keep_alive_timeout(limits.header);
        let connection = builder.serve_connection(io, handler);
        drive(connection, |c| c.graceful_shutdown(), &place, limits, h2, stop).await;
    } else {
        let mut builder = http1::Builder::new();
        builder.max_headers(HEADERS_MAX).max_buf_size(HEADER_BYTES_MAX).timer(TokioTimer::new());
        builder.header_read_timeout(limits.idle.max(limits.header));
        let connection = builder.serve_connection(io, handler).with_upgrades();
        drive(connection, |c| c.graceful_shutdown(), &place, limits, h2, stop).await;
    }
}

/// A request under way; ends when its answer is ready or its connection is gone.
struct Busy(Arc<Place>);

impl Drop for Busy {
    fn drop(&mut self) {
        // What was read for this request, its body too, is no part of a next header.
        self.0.reads.store(0, Ordering::Relaxed);
        self.0.seat.busy.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Polls the connection to its end; `end_gracefully` lets it finish what is under way and take nothing new.
async fn drive<C: Future<Output = hyper::Result<()>>>(
    connection: C,
    end_gracefully: impl Fn(Pin<&mut C>),
    place: &Place,
    limits: &Limits,
    h2: bool,
    mut stop: watch::Receiver<bool>,
) {
    tokio::pin!(connection);
    let half = limits.header.min(limits.idle) / 2;
    let tick = sleep(half);
    tokio::pin!(tick);
    let mut watch = Watch::default();
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(e) = ended {
                    tracing::debug!("a connection ended: {e}");
                }
                return;
            }
            _ = stop.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                end_gracefully(connection.as_mut());
            }
            // A request may have begun since the table looked. It is under way and gets its answer; only then is it over.
            () = place.seat.close.notified() => {
                if place.seat.busy.load(Ordering::Acquire) == 0 {
                    return;
                }
                stopping = true;
                end_gracefully(connection.as_mut());
            }
            () = tick.as_mut() => {
                if watch.is_over(place, limits, half, h2) {
                    return;
                }
                tick.as_mut().reset(Instant::now() + half);
            }
        }
    }
}

/// What the last ticks saw.
#[derive(Default)]
struct Watch {
    requests: u64,
    quiet: Duration,
    partial: Duration,
}

impl Watch {
    /// Whether nothing happened for too long.
    fn is_over(&mut self, place: &Place, limits: &Limits, since: Duration, h2: bool) -> bool {
        let requests = place.requests.load(Ordering::Relaxed);
        if place.seat.busy.load(Ordering::Acquire) > 0 || requests != self.requests {
            *self = Self { requests, ..Self::default() };
            return false;
        }
        self.quiet += since;
        // HTTP/2 reads frames that are no requests; its own keep-alive judges them.
        let dripping = !h2 && (place.reads.load(Ordering::Relaxed) > 0 || requests == 0);
        if dripping {
            self.partial += since;
        }
        self.partial >= limits.header || self.quiet >= limits.idle
    }
}

/// Counts reads, so that a tick can tell an idle connection from one that drips a header.
struct Counted<IO> {
    io: TokioIo<IO>,
    place: Arc<Place>,
}

impl<IO: AsyncRead + Unpin> hyper::rt::Read for Counted<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let read = Pin::new(&mut this.io).poll_read(cx, buf);
        if read.is_ready() {
            this.place.reads.fetch_add(1, Ordering::Relaxed);
        }
        read
    }
}

impl<IO: AsyncWrite + Unpin> hyper::rt::Write for Counted<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, bufs)
    }
}
