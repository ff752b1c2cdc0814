//! A fast endpoint: it answers 200, counts, and notes how long ago each message was heard.

use super::request::whole;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

pub struct Receiver {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    count: watch::Sender<u64>,
    took: Mutex<Vec<Duration>>,
}

/// Microseconds since the epoch; the text of each message is this number.
#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
pub fn micros() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as u64)
}

impl Receiver {
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { count: watch::Sender::new(0), took: Mutex::default() });
        let serving = shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, serving.clone()));
            }
        });
        Ok(Self { address, shared })
    }

    /// Where to send to.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Waits until it was told of `n` messages in all.
    pub async fn wait_for(&self, n: u64) {
        let mut count = self.shared.count.subscribe();
        let _ = count.wait_for(|count| *count >= n).await;
    }

    /// Begins a new series.
    pub fn forget(&self) {
        self.shared.took.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// From heard to told, of this series.
    pub fn took(&self) -> Vec<Duration> {
        self.shared.took.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut buffer = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        while let Some(end) = whole(&buffer) {
            if let Some(heard) = heard_at(&buffer[..end]) {
                let took = Duration::from_micros(micros().saturating_sub(heard));
                shared.took.lock().unwrap_or_else(PoisonError::into_inner).push(took);
            }
            buffer.drain(..end);
            shared.count.send_modify(|count| *count += 1);
            if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.is_err() {
                return;
            }
        }
        match stream.read(&mut chunk).await {
            Ok(n) if n > 0 => buffer.extend_from_slice(&chunk[..n]),
            _ => return,
        }
    }
}

fn heard_at(request: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(request);
    text.split("\"message_text\":\"").nth(1)?.split('"').next()?.parse().ok()
}
