//! The clients: keep-alive connections that each send the next message when the last is answered.

use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// One run.
#[derive(Clone)]
pub struct Load {
    pub address: SocketAddr,
    pub key: String,
    pub connections: usize,
    pub time: Duration,
    /// How many people are written to, one after the other.
    pub people: usize,
    /// Each connection ends after so many, if the time is not over before.
    pub messages: usize,
}

/// What came back.
pub struct Outcome {
    pub sent: u64,
    pub others: u64,
    elapsed: Duration,
    latencies_us: Vec<u32>,
}

impl Outcome {
    pub fn per_second(&self) -> f64 {
        self.sent as f64 / self.elapsed.as_secs_f64()
    }

    /// Milliseconds.
    pub fn percentile(&self, p: f64) -> f64 {
        let at = ((self.latencies_us.len().max(1) - 1) as f64 * p / 100.0).round() as usize;
        self.latencies_us.get(at).map_or(0.0, |us| f64::from(*us) / 1000.0)
    }
}

impl Load {
    /// Loads the server on one thread, so that the other core is its own.
    pub fn run(&self) -> std::io::Result<Outcome> {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(self.all())
    }

    #[expect(clippy::disallowed_methods, reason = "a measuring program measures")]
    async fn all(&self) -> std::io::Result<Outcome> {
        let begun = std::time::Instant::now();
        let clients: Vec<_> = (0..self.connections).map(|n| tokio::spawn(client(self.clone(), n, begun))).collect();
        let (mut latencies_us, mut others) = (Vec::new(), 0);
        for client in clients {
            let (mut took, failed) = client.await??;
            latencies_us.append(&mut took);
            others += failed;
        }
        latencies_us.sort_unstable();
        Ok(Outcome { sent: latencies_us.len() as u64, others, elapsed: begun.elapsed(), latencies_us })
    }
}

#[expect(clippy::disallowed_methods, reason = "a measuring program measures")]
async fn client(load: Load, number: usize, begun: std::time::Instant) -> std::io::Result<(Vec<u32>, u64)> {
    let Load { address, key, connections, time, people, messages } = load;
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut latencies, mut others) = (Vec::with_capacity(1 << 16), 0);
    let mut buffer = vec![0; 4096];
    let mut n = 0usize;
    while n < messages && begun.elapsed() < time {
        let request = request(&key, connections * 10_000_000 + n * connections + number, people);
        let sent_at = std::time::Instant::now();
        stream.write_all(request.as_bytes()).await?;
        let status = read_answer(&mut stream, &mut buffer).await?;
        if status == 200 {
            latencies.push(u32::try_from(sent_at.elapsed().as_micros()).unwrap_or(u32::MAX));
        } else {
            others += 1;
        }
        n += 1;
    }
    Ok((latencies, others))
}

/// The phone of the `n`th person.
pub fn phone(n: usize) -> String {
    format!("+9665{n:08}")
}

/// Each message goes to the next person and names another order.
fn request(key: &str, n: usize, people: usize) -> String {
    let body = format!(
        "{{\"instance_id\":\"bench\",\"phone\":\"{}\",\"message\":\"Your order #{n} has been shipped and will \
         reach you tomorrow.\",\"message_purpose\":\"transactional\"}}",
        phone(n % people)
    );
    format!(
        "POST /api/send-message HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nAuthorization: Bearer \
         {key}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The status of the next answer; the rest of it is read and dropped.
async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) -> std::io::Result<u16> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        filled += read;
        let answer = &buffer[..filled];
        let Some(head) = answer.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&answer[..head]);
        let length = text
            .lines()
            .find_map(|l| l.strip_prefix("content-length: "))
            .and_then(|l| l.trim().parse::<usize>().ok())
            .unwrap_or(0);
        if filled >= head + 4 + length {
            return Ok(text.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0));
        }
    }
}
