//! One open connection, plain or TLS, and one request at a time over it.
//!
//! - It is opened to the very socket address that was judged; there is no second look at the name.
//! - It knows whether any byte of the present request was handed to the connection. From that moment on no failure is
//!   called harmless.
//! - Dropping it closes the connection, whatever is still under way.
//! - An answer's head is bounded by the connection, its body by the reader.
//!
//! It knows nothing of which addresses are allowed, and of redirects, proxies, cookies and compression, because there
//! are none.

use super::{Bounds, EgressError, EgressResponse, target::Host};
use crate::model::{
    aside::give_way,
    clock::{Clock, Sleep},
};
use bytes::{Bytes, BytesMut};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    io::{self, IoSlice},
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_rustls::TlsConnector;

/// How large the head of an answer may be, in bytes. Fields it may have a hundred: hyper's own bound, for which it takes no
/// memory that it would have to fill for each answer.
const MAX_HEAD: usize = 64 * 1024;

/// An open connection.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Set as soon as a byte of a request was handed over.
    handed: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Connects to the first of `addrs` that takes the call, each having its share of `limit`, then speaks TLS with it if
/// there is a configuration for it.
///
/// # Errors
/// [`EgressError::Connect`] and [`EgressError::Tls`]; no byte of a request has left.
pub async fn open(
    clock: &dyn Clock,
    limit: Duration,
    addrs: &[SocketAddr],
    tls: Option<(&Arc<ClientConfig>, &Host)>,
) -> Result<(Connection, SocketAddr), EgressError> {
    let mut alarm = clock.sleep_until(clock.now().plus(limit));
    let work = async {
        let (tcp, addr) = reach(clock, limit, addrs).await?;
        let line = match tls {
            Some((config, host)) => Connection::on(shake(config, host, tcp).await?).await?,
            None => Connection::on(tcp).await?,
        };
        Ok((line, addr))
    };
    within(&mut alarm, work).await.unwrap_or_else(|| Err(EgressError::Connect("nobody answered in time".to_owned())))
}

/// The same for a connection that is used for something else than HTTP, and where it leads.
///
/// # Errors
/// [`EgressError::Connect`] and [`EgressError::Tls`].
pub async fn dial(
    clock: &dyn Clock,
    limit: Duration,
    addrs: &[SocketAddr],
    tls: Option<(&Arc<ClientConfig>, &Host)>,
) -> Result<(Box<dyn Io>, SocketAddr), EgressError> {
    let mut alarm = clock.sleep_until(clock.now().plus(limit));
    let work = async {
        let (tcp, addr) = reach(clock, limit, addrs).await?;
        let io: Box<dyn Io> = match tls {
            Some((config, host)) => Box::new(shake(config, host, Acknowledged(tcp)).await?),
            None => Box::new(Acknowledged(tcp)),
        };
        Ok((io, addr))
    };
    within(&mut alarm, work).await.unwrap_or_else(|| Err(EgressError::Connect("nobody answered in time".to_owned())))
}

/// What `work` comes to, unless `alarm` rings first.
pub async fn within<T>(alarm: &mut Sleep<'_>, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = alarm => None,
    }
}

async fn reach(
    clock: &dyn Clock,
    limit: Duration,
    addrs: &[SocketAddr],
) -> Result<(TcpStream, SocketAddr), EgressError> {
    let share = limit / u32::try_from(addrs.len()).unwrap_or(u32::MAX).max(1);
    let mut why = String::new();
    for addr in addrs {
        let mut alarm = clock.sleep_until(clock.now().plus(share));
        match within(&mut alarm, TcpStream::connect(addr)).await {
            Some(Ok(tcp)) => {
                // A request is written at once and waited for; there is nothing to gather.
                let _ = tcp.set_nodelay(true);
                return Ok((tcp, *addr));
            }
            Some(Err(e)) => why = format!("{addr}: {e}"),
            None => why = format!("{addr} did not answer in time"),
        }
    }
    Err(EgressError::Connect(why))
}

async fn shake(config: &Arc<ClientConfig>, host: &Host, tcp: impl Io) -> Result<impl Io, EgressError> {
    let shaken = TlsConnector::from(config.clone()).connect(server_name(host)?, tcp).await;
    shaken.map_err(|e| EgressError::Tls(e.to_string()))
}

/// Whom a certificate has to name.
///
/// # Errors
/// [`EgressError::Tls`]: no certificate can.
pub fn server_name(host: &Host) -> Result<ServerName<'static>, EgressError> {
    match host {
        Host::Name(name) => ServerName::try_from(name.clone()).map_err(|e| EgressError::Tls(e.to_string())),
        Host::Ip(IpAddr::V4(v4)) => Ok(ServerName::IpAddress((*v4).into())),
        Host::Ip(IpAddr::V6(v6)) => Ok(ServerName::IpAddress((*v6).into())),
    }
}

/// A connection whose bytes are acknowledged as soon as they are read. Whoever gathers small answers sends the next one only
/// then (RFC 896; mosquitto does unless it is told `set_tcp_nodelay true`), and the system, which hopes to acknowledge along
/// with an answer of ours, lets it wait for milliseconds each time.
struct Acknowledged(TcpStream);

impl AsyncRead for Acknowledged {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.0).poll_read(cx, buf);
        if done.is_ready() {
            // Until the next read; a system that does not know it is slower, and that is all.
            let _ = rustix::net::sockopt::set_tcp_quickack(&self.0, true);
        }
        done
    }
}

impl AsyncWrite for Acknowledged {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// What a connection reads from and writes to.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send + Sync + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync + 'static> Io for T {}

impl Connection {
    async fn on(io: impl Io) -> Result<Self, EgressError> {
        let handed = Arc::new(AtomicBool::new(false));
        let io = TokioIo::new(Noticed { io, handed: handed.clone() });
        let mut builder = http1::Builder::new();
        builder.max_header_size(MAX_HEAD).max_buf_size(MAX_HEAD);
        let (sender, connection) = builder.handshake(io).await.map_err(|e| EgressError::Connect(e.to_string()))?;
        // How it ended is told to the request that was under way.
        let task = tokio::spawn(async { drop(connection.await) });
        Ok(Self { sender, handed, task })
    }

    /// Whether the other side hung up.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Ends when another request can be sent, with `false` if none can.
    pub async fn is_ready(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// One request and its answer, and whether the connection is good for another one.
    ///
    /// # Errors
    /// [`EgressError::TimedOut`] and [`EgressError::Broken`].
    pub async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        alarm: &mut Sleep<'_>,
        bounds: Bounds,
    ) -> Result<(EgressResponse, bool), EgressError> {
        self.handed.store(false, Ordering::Release);
        let head = async {
            self.sender.ready().await?;
            self.sender.send_request(request).await
        };
        let head = within(alarm, head).await;
        let sent = self.handed.load(Ordering::Acquire);
        let answer = match head {
            None => return Err(EgressError::TimedOut { sent, status: None }),
            Some(Err(_)) => return Err(EgressError::Broken { sent, status: None }),
            Some(Ok(answer)) => answer,
        };
        let status = answer.status();
        let timed_out = EgressError::TimedOut { sent: true, status: Some(status) };
        let inbound = within(alarm, read(answer, bounds.max_answer_bytes)).await.ok_or(timed_out)??;
        let again = !inbound.truncated && status != StatusCode::SWITCHING_PROTOCOLS && !self.is_closed();
        Ok((inbound, again))
    }
}

/// The answer with the first `max` bytes of its body.
async fn read(answer: Response<Incoming>, max: usize) -> Result<EgressResponse, EgressError> {
    let (head, mut body) = answer.into_parts();
    // As long as it says that it is: what grows is copied again and again.
    let length = usize::try_from(http_body::Body::size_hint(&body).lower()).unwrap_or(usize::MAX);
    let mut bytes = BytesMut::with_capacity(length.min(max));
    let mut truncated = false;
    while let Some(frame) = body.frame().await {
        let broken = EgressError::Broken { sent: true, status: Some(head.status) };
        let Ok(data) = frame.map_err(|_| broken)?.into_data() else { continue };
        let room = max - bytes.len();
        bytes.extend_from_slice(&data[..data.len().min(room)]);
        give_way();
        if data.len() > room {
            truncated = true;
            break;
        }
    }
    Ok(EgressResponse { status: head.status, headers: head.headers, body: bytes.freeze(), truncated })
}

/// A stream that notices when it is written to.
struct Noticed<T> {
    io: T,
    handed: Arc<AtomicBool>,
}

impl<T: Io> AsyncRead for Noticed<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<T: Io> AsyncWrite for Noticed<T> {
    // Noticed before the attempt: a TLS stream that fails may have passed on a part of what it was given.
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.handed.store(true, Ordering::Release);
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.handed.store(true, Ordering::Release);
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
