//! A connection's socket, counted: what is read and written tells an idle connection from one that drips a header, and
//! a client that takes its answer from one that does not.
//!
//! It also ends connections politely. Who closes a socket while the client still sends makes the kernel reset it, and
//! the answer that explains why (413, 401) is lost with it. So the rest is read and thrown away first, up to a bound.

use super::table::ConnectionSlot;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use std::{
    io,
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite};

/// Bytes that are read and thrown away after an early answer. How long it takes is bounded by the connection's watch.
const LINGER_BYTES: usize = 8 << 20;

pub(super) struct Counted<IO> {
    io: TokioIo<IO>,
    slot: Arc<ConnectionSlot>,
    linger: usize,
    ended: bool,
}

impl<IO> Counted<IO> {
    pub(super) fn new(io: IO, slot: Arc<ConnectionSlot>) -> Self {
        Self { io: TokioIo::new(io), slot, linger: LINGER_BYTES, ended: false }
    }

    fn wrote(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.slot.slot_state.blocked.store(polled.is_pending(), Relaxed);
        if let Poll::Ready(Ok(n)) = polled {
            self.slot.written.fetch_add(n as u64, Relaxed);
        }
        polled
    }
}

impl<IO: AsyncRead + Unpin> Counted<IO> {
    /// Reads what is left until the client ends, or had its share.
    fn throw_away(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // For the watch this is a request that does not come to its end.
        self.slot.reads.store(1, Relaxed);
        let mut scratch = [0; 8192];
        while self.linger > 0 {
            let mut buf = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut self.io).poll_read(cx, buf.unfilled()));
            if read.is_err() || buf.filled().is_empty() {
                break;
            }
            self.linger = self.linger.saturating_sub(buf.filled().len());
        }
        Poll::Ready(())
    }
}

impl<IO: AsyncRead + Unpin> Read for Counted<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let read = Pin::new(&mut this.io).poll_read(cx, buf);
        if read.is_ready() {
            this.slot.reads.fetch_add(1, Relaxed);
        }
        read
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Write for Counted<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let wrote = Pin::new(&mut this.io).poll_write(cx, buf);
        this.wrote(wrote)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.ended {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
            this.ended = true;
        }
        if this.slot.unread.load(Relaxed) {
            ready!(this.throw_away(cx));
        }
        Poll::Ready(Ok(()))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let wrote = Pin::new(&mut this.io).poll_write_vectored(cx, bufs);
        this.wrote(wrote)
    }
}
