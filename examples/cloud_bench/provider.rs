//! Meta, as far as a bench needs it: this program again, which takes every message and answers with an id.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    convert::Infallible,
    io::{BufRead as _, BufReader},
    process::{Child, Command, ExitCode, Stdio},
    sync::atomic::{AtomicU64, Ordering},
};
use tokio::net::TcpListener;

/// The argument by which this program is the provider.
pub const PROVIDE: &str = "--as-provider";

/// Where messages go.
pub struct Provider {
    pub url: String,
    child: Option<Child>,
}

impl Provider {
    /// One that somebody else runs.
    pub fn at(url: String) -> Self {
        Self { url: url.trim_end_matches('/').to_owned(), child: None }
    }

    /// One of our own, in a process of its own.
    pub fn start() -> Result<Self, Box<dyn std::error::Error>> {
        let mut child = Command::new(std::env::current_exe()?).arg(PROVIDE).stdout(Stdio::piped()).spawn()?;
        let mut url = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut url)?;
        Ok(Self { url: url.trim().to_owned(), child: Some(child) })
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Runs as the provider until it is killed; its address is its only line.
pub fn provide() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.and_then(|runtime| runtime.block_on(listen())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("the provider: {e}");
            ExitCode::FAILURE
        }
    }
}

async fn listen() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)));
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    static TAKEN: AtomicU64 = AtomicU64::new(0);
    if request.method() != Method::POST {
        return Ok(Response::new(Full::from("{}")));
    }
    // A body that breaks off was no message.
    let body = match request.into_body().collect().await.map(|body| body.to_bytes().len()) {
        Ok(3..) => {
            let n = TAKEN.fetch_add(1, Ordering::Relaxed);
            format!(r#"{{"messaging_product":"whatsapp","contacts":[],"messages":[{{"id":"wamid.bench{n:016}"}}]}}"#)
        }
        _ => r#"{"error":{"code":100,"message":"no message"}}"#.to_owned(),
    };
    Ok(Response::new(Full::from(body)))
}
