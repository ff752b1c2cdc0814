//! Sixteen keep-alive connections that bring signed webhooks, each the next when the last is answered.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Meta's id of the number.
pub const NUMBER_ID: &str = "106540352242922";
/// What its calls are signed with.
pub const APP_SECRET: &str = "bench-app-secret";

const CONNECTIONS: usize = 16;
/// Who writes, one after the other.
const PEOPLE: u64 = 5_000;

/// What is brought.
#[derive(Clone, Copy)]
pub struct Calls {
    batch: u64,
    time: Duration,
    messages: u64,
}

pub struct Outcome {
    pub messages: u64,
    elapsed: Duration,
}

impl Outcome {
    pub fn per_second(&self) -> f64 {
        self.messages as f64 / self.elapsed.as_secs_f64()
    }
}

/// The number of the next message: no two have the same.
static NEXT: AtomicU64 = AtomicU64::new(0);

impl Calls {
    /// Of so many messages each.
    pub fn of(batch: u64) -> Self {
        Self { batch, time: Duration::MAX, messages: u64::MAX }
    }

    pub fn during(self, time: Duration) -> Self {
        Self { time, ..self }
    }

    pub fn in_all(self, messages: u64) -> Self {
        Self { messages, ..self }
    }

    /// Makes them on one thread.
    pub fn make(&self, server: SocketAddr) -> Result<Outcome, super::Failure> {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(self.all(server))
    }

    async fn all(self, server: SocketAddr) -> Result<Outcome, super::Failure> {
        let begun = super::server::now();
        let left = Arc::new(AtomicU64::new(self.messages));
        let clients: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let left = left.clone();
                tokio::spawn(async move {
                    let mut stream = TcpStream::connect(server).await?;
                    stream.set_nodelay(true)?;
                    let mut brought = 0;
                    while begun.elapsed() < self.time
                        && left.fetch_update(Relaxed, Relaxed, |n| n.checked_sub(self.batch)).is_ok()
                    {
                        call(&mut stream, &body(self.batch)).await?;
                        brought += self.batch;
                    }
                    std::io::Result::Ok(brought)
                })
            })
            .collect();
        let mut messages = 0;
        for client in clients {
            messages += client.await??;
        }
        Ok(Outcome { messages, elapsed: begun.elapsed() })
    }
}

#[expect(clippy::disallowed_methods, reason = "a measuring program measures")]
fn body(batch: u64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs()).to_string();
    let first = NEXT.fetch_add(batch, Relaxed);
    let messages = (first..first + batch).map(|n| {
        json!({"from": format!("9665{:08}", n % PEOPLE), "id": format!("wamid.bench{n}"), "timestamp": now,
               "type": "text", "text": {"body": "Where is my order?"}})
    });
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": NUMBER_ID},
        "messages": messages.collect::<Vec<Value>>(),
    });
    let change = json!({"field": "messages", "value": value});
    json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}).to_string()
}

async fn call(stream: &mut TcpStream, body: &str) -> std::io::Result<()> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(APP_SECRET.as_bytes()).map_err(std::io::Error::other)?;
    mac.update(body.as_bytes());
    let signature: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    let request = format!(
        "POST /hooks/cloud-api/bench HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n\
         X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    // The answer is short and comes in one piece.
    let mut answer = [0; 2048];
    let read = stream.read(&mut answer).await?;
    if answer[..read].starts_with(b"HTTP/1.1 200") {
        return Ok(());
    }
    let line = String::from_utf8_lossy(&answer[..read]).lines().next().unwrap_or("nothing").to_owned();
    Err(std::io::Error::other(format!("a webhook was answered {line}")))
}
