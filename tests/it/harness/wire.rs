//! One connection, byte by byte: what a test needs to be slow, rude or wrong on purpose.

use super::http::{Reply, parse};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// How long a test waits for what must happen. Far beyond every time-out that tests set.
pub const SOON: Duration = Duration::from_secs(20);

/// A connection to the gateway.
pub struct Wire<S = TcpStream> {
    stream: S,
    /// Read, and not yet part of an answer.
    seen: Vec<u8>,
}

impl Wire {
    pub async fn open(to: SocketAddr) -> Self {
        Self::over(TcpStream::connect(to).await.expect("the gateway listens"))
    }

    /// From a loopback address of the test's choice, which the gateway sees as the client's.
    pub async fn open_from(from: &str, to: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(format!("{from}:0").parse().expect("an address")).expect("a loopback address");
        Self::over(socket.connect(to).await.expect("the gateway listens"))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub fn over(stream: S) -> Self {
        Self { stream, seen: Vec::new() }
    }

    /// Writes; `false` when the gateway has closed the connection.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let written =
            async { self.stream.write_all(bytes.as_ref()).await.is_ok() && self.stream.flush().await.is_ok() };
        timeout(SOON, written).await.expect("the gateway neither reads nor closes")
    }

    /// The next answer to a request that is not HEAD; `None` when the connection ended before it was whole.
    pub async fn answer(&mut self) -> Option<Reply> {
        loop {
            if let Some(end) = whole_answer(&self.seen) {
                let rest = self.seen.split_off(end);
                return Some(parse(&std::mem::replace(&mut self.seen, rest)));
            }
            if self.read(SOON).await.expect("neither an answer nor an end") == 0 {
                return None;
            }
        }
    }

    /// Everything until the gateway closes the connection, which it must.
    pub async fn rest(&mut self) -> String {
        while self.read(SOON).await.expect("the connection is never closed") > 0 {}
        String::from_utf8_lossy(&std::mem::take(&mut self.seen)).into_owned()
    }

    /// The connection is closed, and nothing more is said on it.
    pub async fn is_closed(&mut self) {
        assert_eq!(self.rest().await, "");
    }

    /// The connection is neither closed nor used for `d`.
    pub async fn is_quiet_for(&mut self, d: Duration) {
        if let Some(n) = self.read(d).await {
            panic!("{}: {:?}", if n == 0 { "closed" } else { "answered" }, String::from_utf8_lossy(&self.seen));
        }
    }

    /// Bytes read; 0 for the end, however it came; `None` when there was nothing within `d`.
    async fn read(&mut self, d: Duration) -> Option<usize> {
        let read = timeout(d, self.stream.read_buf(&mut self.seen)).await.ok()?;
        Some(read.unwrap_or(0))
    }
}

/// Where the first answer in `seen` ends, if it is whole.
fn whole_answer(seen: &[u8]) -> Option<usize> {
    let head = seen.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let length = parse(&seen[..head]).header("content-length").map_or(0, |l| l.parse().expect("a length"));
    (seen.len() >= head + length).then_some(head + length)
}
