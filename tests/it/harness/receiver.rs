//! A customer's endpoint over real HTTP: it remembers what it got, and answers as it is told.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// One request that it got.
#[derive(Clone, Debug)]
pub struct Got {
    /// What was asked for: path and query.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Got {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// The receiver; ends with the test's runtime.
pub struct Receiver {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    got: watch::Sender<Vec<Got>>,
    /// Answers to come, status line and headers; empty: 200.
    answers: Mutex<VecDeque<String>>,
    /// Bodies of answers with 200 to come; empty: "ok".
    bodies: Mutex<VecDeque<String>>,
    /// What is answered when no answer is to come: whose bodies hold the first, the second.
    rule: Mutex<Option<(String, String)>>,
    /// Nobody is answered at the moment.
    is_held: watch::Sender<bool>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            got: watch::Sender::new(Vec::new()),
            answers: Mutex::default(),
            bodies: Mutex::default(),
            rule: Mutex::default(),
            is_held: watch::Sender::new(false),
        });
        let serving = shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, serving.clone()));
            }
        });
        Self { address, shared }
    }

    /// Where to send to.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// The next answer; each is given once. `503 Service Unavailable\r\nRetry-After: 9`.
    pub fn answer_next(&self, head: &str) {
        self.shared.answers.lock().expect("no holder panics").push_back(head.to_owned());
    }

    /// Answers everything so, until it is told otherwise; empty: 200 again.
    pub fn answer_all(&self, head: &str) {
        self.refuse("", head);
    }

    /// Answers each request whose body holds `part` so.
    pub fn refuse(&self, part: &str, head: &str) {
        let rule = (!head.is_empty()).then(|| (part.to_owned(), head.to_owned()));
        *self.shared.rule.lock().expect("no holder panics") = rule;
    }

    /// From now on it takes requests and answers none of them; or (`false`) answers again, whoever waits first.
    #[cfg(feature = "whatsapp-web-double")]
    pub fn hold(&self, is_held: bool) {
        self.shared.is_held.send_replace(is_held);
    }

    /// The body of the next answer that is 200.
    pub fn say_next(&self, body: &str) {
        self.shared.bodies.lock().expect("no holder panics").push_back(body.to_owned());
    }

    /// What it got so far.
    pub fn got(&self) -> Vec<Got> {
        self.shared.got.borrow().clone()
    }

    /// Waits until it got at least `n` requests.
    pub async fn wait_for(&self, n: usize) -> Vec<Got> {
        let mut got = self.shared.got.subscribe();
        let waited = tokio::time::timeout(Duration::from_secs(20), got.wait_for(|all| all.len() >= n)).await;
        match waited {
            Ok(all) => all.expect("it lives").clone(),
            Err(_) => panic!("{n} requests were expected, these came: {:?}", self.got()),
        }
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut buffer = Vec::new();
    loop {
        let Some(got) = read_request(&mut stream, &mut buffer).await else { return };
        let next = shared.answers.lock().expect("no holder panics").pop_front();
        let rule = shared.rule.lock().expect("no holder panics").clone();
        let next = next.or_else(|| rule.filter(|(part, _)| got.body.contains(part)).map(|(_, head)| head));
        let body = if next.is_none() { shared.bodies.lock().expect("no holder panics").pop_front() } else { None };
        let body = body.unwrap_or_else(|| "ok".into());
        let head = next.unwrap_or_else(|| "200 OK".into());
        shared.got.send_modify(|all| all.push(got));
        if shared.is_held.subscribe().wait_for(|is_held| !is_held).await.is_err() {
            return;
        }
        let answer = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Got> {
    loop {
        if let Some(end) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let headers: Vec<(String, String)> = head
                .split("\r\n")
                .skip(1)
                .filter_map(|l| l.split_once(':'))
                .map(|(n, v)| (n.trim().to_ascii_lowercase(), v.trim().to_owned()))
                .collect();
            let length = headers.iter().find(|(n, _)| n == "content-length").and_then(|(_, v)| v.parse().ok());
            let length: usize = length.unwrap_or(0);
            if buffer.len() >= end + 4 + length {
                let body = String::from_utf8_lossy(&buffer[end + 4..end + 4 + length]).into_owned();
                buffer.drain(..end + 4 + length);
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                return Some(Got { path, headers, body });
            }
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(n) if n > 0 => buffer.extend_from_slice(&chunk[..n]),
            _ => return None,
        }
    }
}
