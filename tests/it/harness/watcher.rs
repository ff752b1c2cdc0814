//! Stands between a caller and the gateway, passes everything on, and notes which requests went by.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A method, and a path without its query.
pub type Asked = (String, String);

/// The watcher; ends with the test's runtime.
pub struct Watcher {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Asked>>>,
}

impl Watcher {
    pub async fn start(before: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::default());
        let noting = seen.clone();
        tokio::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                tokio::spawn(pass(caller, before, noting.clone()));
            }
        });
        Self { address, seen }
    }

    /// What went by so far.
    pub fn seen(&self) -> Vec<Asked> {
        self.seen.lock().expect("no holder panics").clone()
    }
}

async fn pass(caller: TcpStream, before: SocketAddr, seen: Arc<Mutex<Vec<Asked>>>) {
    let Ok(gateway) = TcpStream::connect(before).await else { return };
    let (mut from_caller, mut to_caller) = caller.into_split();
    let (mut from_gateway, mut to_gateway) = gateway.into_split();
    tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_gateway, &mut to_caller).await;
        let _ = to_caller.shutdown().await;
    });
    let (mut requests, mut chunk) = (Requests::default(), vec![0; 16 * 1024]);
    while let Ok(n) = from_caller.read(&mut chunk).await {
        if n == 0 {
            break;
        }
        let asked = requests.feed(&chunk[..n]);
        seen.lock().expect("no holder panics").extend(asked);
        if to_gateway.write_all(&chunk[..n]).await.is_err() {
            return;
        }
    }
    let _ = to_gateway.shutdown().await;
}

/// The requests of one connection: heads are read, bodies are passed over, and after an upgrade there are none.
#[derive(Default)]
struct Requests {
    head: Vec<u8>,
    body_left: usize,
    is_upgraded: bool,
}

impl Requests {
    fn feed(&mut self, mut bytes: &[u8]) -> Vec<Asked> {
        let mut asked = Vec::new();
        while !bytes.is_empty() && !self.is_upgraded {
            let passed = self.body_left.min(bytes.len());
            self.body_left -= passed;
            bytes = &bytes[passed..];
            let Some((first, rest)) = bytes.split_first() else { break };
            self.head.push(*first);
            bytes = rest;
            if self.head.ends_with(b"\r\n\r\n") {
                asked.push(self.begin());
            }
        }
        asked
    }

    fn begin(&mut self) -> Asked {
        let told = String::from_utf8_lossy(&std::mem::take(&mut self.head)).into_owned();
        let head = told.to_ascii_lowercase();
        let value = |name: &str| head.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':').map(str::trim));
        assert!(value("transfer-encoding").is_none(), "bodies without a length are not told apart here");
        self.body_left = value("content-length").map_or(0, |n| n.parse().expect("a length"));
        self.is_upgraded = value("upgrade").is_some();
        let mut words = told.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let path = words.next().unwrap_or_default().split('?').next().unwrap_or_default();
        (method, path.to_owned())
    }
}

#[test]
fn requests_are_told_apart_however_they_are_cut() {
    let wire = "POST /a?x=GET+/no HTTP/1.1\r\nContent-Length: 19\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\nHost: x\r\n\r\n\
                GET /d HTTP/1.1\r\nUpgrade: websocket\r\n\r\nGET /e HTTP/1.1\r\n\r\n";
    for size in [1, 7, 1000] {
        let mut requests = Requests::default();
        let asked: Vec<Asked> = wire.as_bytes().chunks(size).flat_map(|c| requests.feed(c)).collect();
        let asked: Vec<String> = asked.into_iter().map(|(m, p)| format!("{m} {p}")).collect();
        assert_eq!(asked, ["POST /a", "GET /c", "GET /d"], "in pieces of {size}");
    }
}
