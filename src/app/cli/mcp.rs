//! `wa-gateway mcp`: tools for an assistant on this machine, over stdin and stdout. Each line is a message of the Model
//! Context Protocol (specification 2025-11-25, Transports, stdio), and goes to the running gateway's `POST /mcp`; what it
//! answers is a line on stdout. Nothing else is written there.

use super::context::Context;
use crate::app::{commands::Ping, control};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::{
    io::{self, BufRead, Write},
    net::SocketAddr,
    path::PathBuf,
};
use tokio::{net::TcpStream, runtime::Runtime};

/// Longest line, in bytes: the gateway takes no more.
const LINE_MAX: usize = 256 * 1024;
/// JSON-RPC 2.0: "internal error".
const INTERNAL: i64 = -32603;

#[derive(clap::Args)]
pub(super) struct McpArgs {
    /// A file with an API key of the gateway and nothing else: what the tools may do is what the key is good for
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
}

impl McpArgs {
    /// Reads the key, before anybody else becomes the owner of the data.
    pub(super) fn key(&self) -> Result<String, String> {
        let text = std::fs::read_to_string(&self.key_file).map_err(|e| format!("{}: {e}", self.key_file.display()))?;
        let key = text.trim();
        match key.is_empty() || key.contains(char::is_whitespace) {
            true => Err(format!("{}: there is no key in it, or more than one", self.key_file.display())),
            false => Ok(key.to_owned()),
        }
    }
}

/// Answers line by line until stdin ends.
pub(super) fn run(context: &Context, key: &str, runtime: &Runtime) -> Result<(), String> {
    let to = runtime.block_on(local_listener(context))?;
    let (mut lines, mut out) = (io::stdin().lock(), io::stdout().lock());
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).map_err(|e| e.to_string())? == 0 {
            return Ok(());
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let answer = match line.len() > LINE_MAX {
            true => Err("the message is too long".to_owned()),
            false => runtime.block_on(ask(to, key, &line)),
        };
        let told = answer.or_else(|why| problem(&line, &why).map_or(Ok(None), |told| Ok::<_, String>(Some(told))))?;
        if let Some(told) = told {
            writeln!(out, "{}", told.trim_end()).and_then(|()| out.flush()).map_err(|e| e.to_string())?;
        }
    }
}

/// Where the running gateway really listens; where it should, if we may not ask it.
async fn local_listener(context: &Context) -> Result<SocketAddr, String> {
    let told = control::ask(&context.config.data_dir, &Ping.into()).await.and_then(Result::ok);
    let told = told.and_then(|told| told["listening"]["local"].as_str().and_then(|text| text.parse().ok()));
    told.or(context.config.listen.local).ok_or_else(|| "listen.local is off: the tools go through it".to_owned())
}

/// Hands a message to the gateway; none: it was a notification.
async fn ask(to: SocketAddr, key: &str, message: &[u8]) -> Result<Option<String>, String> {
    let unreachable = |e: &dyn std::fmt::Display| format!("the gateway at {to} cannot be asked: {e}; is it running?");
    let stream = TcpStream::connect(to).await.map_err(|e| unreachable(&e))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| unreachable(&e))?;
    let running = tokio::spawn(connection);
    let request = Request::builder()
        .method(Method::POST)
        .uri("/mcp")
        .header(header::HOST, to.to_string())
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json, text/event-stream")
        .body(Full::new(Bytes::copy_from_slice(message)))
        .map_err(|_| "the key is none".to_owned())?;
    let response = sender.send_request(request).await.map_err(|e| unreachable(&e))?;
    let status = response.status();
    let body = response.into_body().collect().await.map_err(|e| unreachable(&e))?.to_bytes();
    running.abort();
    let body = String::from_utf8_lossy(&body).into_owned();
    match status {
        StatusCode::OK => Ok(Some(body)),
        StatusCode::ACCEPTED => Ok(None),
        _ => {
            let said: Value = serde_json::from_str(&body).unwrap_or_default();
            Err(said["message"].as_str().map_or_else(|| format!("the gateway answered {status}"), str::to_owned))
        }
    }
}

/// What the client is told of a message that could not be handed on; none: it was a notification.
fn problem(message: &[u8], why: &str) -> Option<String> {
    let told = |id: &Value| json!({"jsonrpc": "2.0", "id": id, "error": {"code": INTERNAL, "message": why}});
    let id_of = |message: &Value| message.get("id").filter(|id| !id.is_null()).cloned();
    match serde_json::from_slice(message).unwrap_or_default() {
        Value::Null => Some(told(&Value::Null).to_string()),
        Value::Array(all) => {
            let all: Vec<Value> = all.iter().filter_map(id_of).map(|id| told(&id)).collect();
            (!all.is_empty()).then(|| Value::Array(all).to_string())
        }
        message => id_of(&message).map(|id| told(&id).to_string()),
    }
}
