//! Endpoints that answer 200 at once and count: a process of its own, whose work is not in the server's figures.

use super::request::whole;
use std::{
    convert::Infallible,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::SocketAddr,
    process::{Child, ChildStdout, Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// The argument by which this program is the endpoints.
pub const RECEIVE: &str = "--as-receiver";

/// Without a new call for so long, no more come.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Receiver {
    child: Child,
    says: BufReader<ChildStdout>,
    /// Of each endpoint, as different receivers have.
    pub addresses: Vec<SocketAddr>,
}

impl Receiver {
    pub fn start(endpoints: u64) -> Result<Self, super::Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([RECEIVE, &endpoints.to_string()])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut says = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut addresses = Vec::new();
        for _ in 0..endpoints {
            let mut line = String::new();
            says.read_line(&mut line)?;
            addresses.push(line.trim().parse()?);
        }
        Ok(Self { child, says, addresses })
    }

    /// Waits until `n` calls were answered in all.
    pub fn wait_for(&self, n: u64) -> Result<(), super::Failure> {
        let (mut last, mut since) = (0, super::server::now());
        loop {
            let mut stream = std::net::TcpStream::connect(self.addresses[0])?;
            stream.write_all(b"GET /count HTTP/1.1\r\nContent-Length: 0\r\n\r\n")?;
            let mut count = [0; 8];
            stream.read_exact(&mut count)?;
            let count = u64::from_be_bytes(count);
            if count >= n {
                return Ok(());
            }
            if count > last {
                (last, since) = (count, super::server::now());
            } else if since.elapsed() > PATIENCE {
                return Err(format!("{count} of {n} deliveries came").into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = self.says.read_to_end(&mut Vec::new());
    }
}

/// Is so many endpoints, until it is ended.
pub fn receive(endpoints: Option<String>) -> ExitCode {
    let endpoints = endpoints.and_then(|n| n.parse().ok()).unwrap_or(1);
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    let Err(e) = runtime.block_on(listen(endpoints));
    eprintln!("inbound_bench: {e}");
    ExitCode::FAILURE
}

async fn listen(endpoints: u64) -> std::io::Result<Infallible> {
    let count = Arc::new(AtomicU64::new(0));
    for _ in 0..endpoints {
        let (listener, count) = (TcpListener::bind("127.0.0.1:0").await?, count.clone());
        println!("{}", listener.local_addr()?);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, count.clone()));
            }
        });
    }
    std::future::pending().await
}

async fn answer(mut stream: TcpStream, count: Arc<AtomicU64>) {
    let (mut buffer, mut chunk) = (Vec::new(), [0; 8192]);
    loop {
        while let Some(end) = whole(&buffer) {
            let asked = buffer.starts_with(b"GET /count");
            buffer.drain(..end);
            let sent = if asked {
                stream.write_all(&count.load(Relaxed).to_be_bytes()).await
            } else {
                count.fetch_add(1, Relaxed);
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await
            };
            if sent.is_err() {
                return;
            }
        }
        match stream.read(&mut chunk).await {
            Ok(n) if n > 0 => buffer.extend_from_slice(&chunk[..n]),
            _ => return,
        }
    }
}
