//! Receivers as they should not be: each misbehaves in its own way, over real TCP, and says how often it was called.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What it does to who calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Vice {
    /// Closes the connection without a word.
    Down,
    /// Answers every second call, and closes the others.
    Flapping,
    /// Promises an answer and sends one byte of it a second, for ever.
    Drips,
    /// Answers 200 and a gigabyte.
    Gigabyte,
    /// Answers 200 and a gzip bomb.
    Bomb,
    /// Redirects to the metadata address.
    Redirects,
    /// Knows nothing.
    NotFound,
}

impl Vice {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Down, Self::Flapping, Self::Drips, Self::Gigabyte, Self::Bomb, Self::Redirects, Self::NotFound];
}

/// One of them; ends with the test's runtime.
pub struct BadReceiver {
    pub address: SocketAddr,
    calls: Arc<AtomicUsize>,
}

impl BadReceiver {
    pub async fn start(vice: Vice) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let n = counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer(stream, vice, n));
            }
        });
        Self { address, calls }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// How often it was called.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

#[expect(clippy::disallowed_methods, reason = "one byte a second is this one's vice, in real time")]
async fn answer(mut stream: TcpStream, vice: Vice, n: usize) {
    let mut request = [0; 16 * 1024];
    if vice == Vice::Down || (vice == Vice::Flapping && n.is_multiple_of(2)) {
        return;
    }
    if stream.read(&mut request).await.is_err() {
        return;
    }
    let head = match vice {
        Vice::Drips => "200 OK\r\nContent-Length: 1000000",
        Vice::Gigabyte => "200 OK\r\nContent-Length: 1073741824",
        Vice::Bomb => "200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10485760",
        Vice::Redirects => "302 Found\r\nLocation: http://169.254.169.254/latest/meta-data\r\nContent-Length: 0",
        Vice::NotFound => "404 Not Found\r\nContent-Length: 0",
        Vice::Down | Vice::Flapping => "200 OK\r\nContent-Length: 0",
    };
    let _ = stream.write_all(format!("HTTP/1.1 {head}\r\n\r\n").as_bytes()).await;
    match vice {
        Vice::Drips => {
            while stream.write_all(b".").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        Vice::Gigabyte | Vice::Bomb => {
            let chunk = [0x1f; 64 * 1024];
            while stream.write_all(&chunk).await.is_ok() {}
        }
        _ => {}
    }
}
