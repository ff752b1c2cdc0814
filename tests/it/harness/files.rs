//! A server of files, as customers have one: what it serves is told, what was asked of it is counted.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What a path answers: the head after `HTTP/1.1 `, the bytes, and whether they are repeated without end.
type Served = (String, Vec<u8>, bool);

/// The server.
pub struct FileServer {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    served: Mutex<HashMap<String, Served>>,
    asked: Mutex<Vec<String>>,
}

impl FileServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let serving = shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, serving.clone()));
            }
        });
        Self { address, shared }
    }

    /// Serves `bytes` under `/name`; returns the address.
    pub fn put(&self, name: &str, content_type: &str, bytes: &[u8]) -> String {
        let head = format!("200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}", bytes.len());
        self.answer(name, &head, bytes, false)
    }

    /// Answers with `head` and repeats `bytes` until the other side hangs up.
    pub fn put_endless(&self, name: &str, head: &str, bytes: &[u8]) -> String {
        self.answer(name, head, bytes, true)
    }

    /// Answers with a head of the test's own.
    pub fn answer(&self, name: &str, head: &str, bytes: &[u8], endless: bool) -> String {
        let served = (head.to_owned(), bytes.to_vec(), endless);
        self.shared.served.lock().expect("no holder panics").insert(format!("/{name}"), served);
        format!("http://{}/{name}", self.address)
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.shared.asked.lock().expect("no holder panics").len()
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    shared.asked.lock().expect("no holder panics").push(path.clone());
    let served = shared.served.lock().expect("no holder panics").get(&path).cloned();
    let (head, bytes, endless) = served.unwrap_or_else(|| ("404 Not Found".to_owned(), Vec::new(), false));
    if stream.write_all(format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").as_bytes()).await.is_err() {
        return;
    }
    while stream.write_all(&bytes).await.is_ok() && endless {}
}
