//! Where files lie: a POST brings an encrypted one, a GET fetches it, both with the word that the service gave out last.

use super::Shared;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, Response, StatusCode, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{collections::HashMap, convert::Infallible, sync::Arc};
use tokio::net::TcpStream;
use whatsapp_rust::{NodeBuilder, bytes::Bytes, wacore_binary::Node};

/// What lies there, and who may fetch it.
#[derive(Default)]
pub(super) struct Shelf {
    files: HashMap<String, Bytes>,
    /// Which word is good now; a new one with each number.
    word: u32,
    /// The host has trouble: it answers so.
    trouble: Option<u16>,
    brought: usize,
}

impl Shelf {
    /// The word that was given out is good no more.
    pub(super) fn change_word(&mut self) {
        self.word += 1;
    }

    pub(super) fn clear(&mut self) {
        self.files.clear();
    }

    pub(super) fn trouble(&mut self, status: Option<u16>) {
        self.trouble = status;
    }

    fn auth(&self) -> String {
        format!("auth=word{}", self.word)
    }

    /// What a client is told that asks where files go.
    pub(super) fn host(&self, address: &str) -> Node {
        let host = NodeBuilder::new("host").attr("hostname", address.to_owned()).attr("type", "primary").build();
        let word = self.auth();
        let conn = NodeBuilder::new("media_conn").attr("auth", word.trim_start_matches("auth=").to_owned());
        conn.attr("ttl", "300").attr("auth_ttl", "300").attr("max_buckets", "12").children([host]).build()
    }

    fn answer(&mut self, method: &Method, (path, query): (&str, &str), body: Bytes) -> (StatusCode, Bytes) {
        if let Some(status) = self.trouble {
            return (StatusCode::from_u16(status).expect("a status"), Bytes::new());
        }
        if !query.split('&').any(|part| part == self.auth()) {
            return (StatusCode::UNAUTHORIZED, Bytes::new());
        }
        if *method != Method::POST {
            let found = self.files.get(path).cloned();
            return found.map_or((StatusCode::NOT_FOUND, Bytes::new()), |bytes| (StatusCode::OK, bytes));
        }
        self.brought += 1;
        let path = format!("/v/{}.enc", self.brought);
        let answer = serde_json::json!({"url": format!("https://files.example{path}"), "direct_path": path});
        self.files.insert(path, body);
        (StatusCode::OK, answer.to_string().into())
    }
}

pub(super) async fn serve(shared: Arc<Shared>, stream: TcpStream) {
    let service = service_fn(move |request: Request<Incoming>| {
        let shared = shared.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            let target = (head.uri.path(), head.uri.query().unwrap_or_default());
            let (status, bytes) = shared.state().shelf.answer(&head.method, target, body);
            let mut answer = Response::new(Full::new(bytes));
            *answer.status_mut() = status;
            Ok::<_, Infallible>(answer)
        }
    });
    // Clients hang up when they have what they wanted.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
