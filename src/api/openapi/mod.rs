//! `GET /openapi.json`: the interface as OpenAPI 3.1, and the Postman collection made from it.
//!
//! - Codes, statuses and texts come from `http::problem`, purposes, statuses, event types and events from their types.
//! - `guarded.rs`, `threecx.rs`, `chattu.rs`, `service.rs` list the operations of a part each; `events.rs` the webhook
//!   events; `schema.rs` has what they are written with; `postman.rs` turns the document into a collection.
//! - An operation is in the document when its route is in [`crate::app::routes::ROUTES`]: what is not served is not promised. Tests
//!   hold the other direction, and try every operation against the running gateway.
//!
//! Summaries are the English texts of `assets/locales/en/operation.toml`, which the readable page has in each language.

mod chattu;
mod events;
mod guarded;
mod postman;
mod schema;
mod service;
mod threecx;

use crate::{app::routes::ROUTES, web::Incoming};
use crate::{
    gateway::Gateway,
    texts::locale::{self, Lang},
};
use ::http::{HeaderValue, header};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;
use warp::{Reply, reply::Response};

/// One operation: a route with what goes in and what comes out.
pub(super) struct Operation {
    /// Its id; its texts are `operation.{id}`.
    id: &'static str,
    /// `GET`, `POST`, `DELETE`.
    method: &'static str,
    /// Its path, as in [`ROUTES`].
    path: &'static str,
    /// The part of the interface that it belongs to.
    tag: &'static str,
    /// The security schemes of which one is needed; none: everybody may.
    security: &'static [&'static str],
    /// Parameters besides those of the path.
    parameters: Vec<Value>,
    /// The request's body.
    body: Option<Value>,
    /// The answers by status.
    answers: Vec<(u16, Value)>,
}

static DOCUMENT: LazyLock<Value> = LazyLock::new(make);

/// The document for a gateway reached at `base_url`.
pub fn document(base_url: &str) -> Value {
    let mut document = DOCUMENT.clone();
    document["servers"] = json!([{"url": base_url}]);
    document
}

/// `GET /openapi.json`
pub async fn handle(gateway: &Gateway, _: Incoming) -> Response {
    shared(&document(&gateway.public_url))
}

/// `GET /docs/wa-gateway.postman_collection.json`
pub async fn collection(gateway: &Gateway, _: Incoming) -> Response {
    let mut response = shared(&postman::collection(&document(&gateway.public_url)));
    let name = HeaderValue::from_static("attachment; filename=\"wa-gateway.postman_collection.json\"");
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    response
}

fn shared(document: &Value) -> Response {
    let mut response = warp::reply::json(document).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn make() -> Value {
    let operations = served();
    let mut paths = Map::new();
    for operation in &operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method.to_ascii_lowercase()] = described(operation);
    }
    let used = |tag: &&(&str, &str)| operations.iter().any(|o| o.tag == tag.0);
    let tags: Vec<Value> =
        TAGS.iter().filter(used).map(|(name, text)| json!({"name": name, "description": text})).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "wa-gateway",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Expected WhatsApp messages out, answers in, and a guard in between.",
        },
        "servers": [],
        "tags": tags,
        "paths": paths,
        "webhooks": events::webhooks(),
        "components": {"schemas": schema::components(), "securitySchemes": schema::security()},
    })
}

const TAGS: &[(&str, &str)] = &[
    ("messages", "The guarded API: one message, one answer."),
    ("3cx", "What a 3CX telephone system calls."),
    ("chattu", "The Chattu-style dialect over the same guard."),
    ("service", "The state of the gateway."),
];

/// Every operation whose route is served.
fn served() -> Vec<Operation> {
    let is_served = |o: &Operation| ROUTES.iter().any(|r| r.method == o.method && unnamed(r.path) == unnamed(o.path));
    let has_chattu = ROUTES.iter().any(|r| r.path == chattu::MARK);
    let all = [guarded::operations(has_chattu), threecx::operations(), chattu::operations(), service::operations()];
    all.into_iter().flatten().filter(is_served).collect()
}

/// A path without the names of its places: `{id}` and `{clientId}` are the same route.
pub fn unnamed(path: &str) -> String {
    let plain = |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_owned() };
    path.split('/').map(plain).collect::<Vec<_>>().join("/")
}

fn described(operation: &Operation) -> Value {
    let key = format!("operation.{}", operation.id);
    let mut parameters = schema::path_parameters(operation.path);
    parameters.extend(operation.parameters.iter().cloned());
    let security: Vec<Value> = operation.security.iter().map(|scheme| json!({*scheme: []})).collect();
    let mut described = json!({
        "operationId": operation.id,
        "summary": locale::all(Lang::En).get(&key).map_or("", String::as_str),
        "tags": [operation.tag],
        "security": security,
        "parameters": parameters,
    });
    if let Some(body) = &operation.body {
        described["requestBody"] = body.clone();
    }
    let answers: Map<String, Value> =
        operation.answers.iter().map(|(status, answer)| (status.to_string(), answer.clone())).collect();
    described["responses"] = Value::Object(answers);
    described
}
