//! A browser, as far as the wire shows: one connection, one cookie, answers compressed; or a program with its key.

use super::Failure;
use std::{net::SocketAddr, time::Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub struct Visitor {
    stream: TcpStream,
    /// The header that says who asks.
    proof: String,
}

/// What a page took.
pub struct Seen {
    /// Milliseconds.
    pub median: f64,
    /// The nearest rank: of 41 answers the 39th.
    pub p95: f64,
    pub slowest: f64,
    /// Of the answer, compressed.
    pub kib: f64,
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Visitor {
    pub async fn log_in(address: SocketAddr, link: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut visitor = Self { stream, proof: "X-Nobody: 1".to_owned() };
        let path = link.find("/login/").map(|at| &link[at..]).ok_or("no login link")?;
        let answer = visitor.get(path, "identity").await?;
        let cookies = answer.head.lines().filter_map(|l| l.strip_prefix("set-cookie: "));
        let cookies = cookies.filter_map(|c| c.split(';').next()).collect::<Vec<_>>().join("; ");
        visitor.proof = format!("Cookie: {cookies}");
        Ok(visitor)
    }

    /// A program that asks with this key.
    pub async fn with_key(address: SocketAddr, key: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, proof: format!("Authorization: Bearer {key}") })
    }

    /// Where a list goes on.
    pub async fn next_cursor(&mut self, path: &str) -> Result<String, Failure> {
        let page: serde_json::Value = serde_json::from_slice(&self.get(path, "identity").await?.body)?;
        Ok(page["next_cursor"].as_str().ok_or("no second page")?.to_owned())
    }

    #[expect(clippy::disallowed_methods, reason = "a measuring program measures")]
    pub async fn look(&mut self, path: &str, times: usize) -> Result<Seen, Failure> {
        let mut took = Vec::new();
        let mut size = 0;
        for _ in 0..times {
            let begun = Instant::now();
            let answer = self.get(path, "gzip").await?;
            took.push(begun.elapsed().as_secs_f64() * 1000.0);
            if answer.status != 200 {
                return Err(format!("{path} answered {}", answer.status).into());
            }
            size = answer.body.len();
        }
        took.sort_by(f64::total_cmp);
        let p95 = took[(times * 95).div_ceil(100) - 1];
        Ok(Seen { median: took[times / 2], p95, slowest: took[times - 1], kib: size as f64 / 1024.0 })
    }

    /// KiB of a page and of every style and script that it names.
    pub async fn first_load(&mut self, path: &str) -> Result<f64, Failure> {
        let plain = String::from_utf8(self.get(path, "identity").await?.body)?;
        let mut size = self.get(path, "gzip").await?.body.len();
        for name in plain.split('"').filter(|part| part.starts_with("/assets/")) {
            let answer = self.get(name.split('#').next().unwrap_or(name), "gzip").await?;
            size += answer.body.len();
        }
        Ok(size as f64 / 1024.0)
    }

    async fn get(&mut self, path: &str, encoding: &str) -> Result<Answer, Failure> {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {encoding}\r\n{}\r\n\r\n", self.proof);
        self.stream.write_all(request.as_bytes()).await?;
        let mut buffer = Vec::new();
        let end = loop {
            if let Some(end) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break end + 4;
            }
            self.more(&mut buffer).await?;
        };
        let head = String::from_utf8_lossy(&buffer[..end]).to_lowercase();
        let length = head.lines().find_map(|l| l.strip_prefix("content-length: ")?.parse::<usize>().ok());
        let length = length.ok_or_else(|| format!("{path}: an answer without a length: {head}"))?;
        while buffer.len() < end + length {
            self.more(&mut buffer).await?;
        }
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
        Ok(Answer { status, head, body: buffer.split_off(end) })
    }

    async fn more(&mut self, buffer: &mut Vec<u8>) -> Result<(), Failure> {
        let mut chunk = [0; 65_536];
        match self.stream.read(&mut chunk).await? {
            0 => Err("the connection was closed".into()),
            n => {
                buffer.extend_from_slice(&chunk[..n]);
                Ok(())
            }
        }
    }
}
