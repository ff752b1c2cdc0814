//! The interface as OpenAPI 3.1, and the Postman collection made from it.
//!
//! - Codes, statuses and texts come from `web::problem`, purposes, statuses, event types and events from their types.
//! - `guarded.rs` and `service.rs` list our own operations, each dialect its own in its room; `events.rs` the webhook
//!   events; `schema.rs` has what they are written with; `postman.rs` turns the document into a collection.
//! - An operation is in the document when its route is served: what is not served is not promised. Tests hold the other
//!   direction, and try every operation against the running gateway.
//!
//! Summaries are the English texts of `assets/locales/en/operation.toml`, which the readable page has in each language.

mod event_feed;
mod events;
pub mod example;
pub mod guarded;
mod lists;
mod manage;
mod postman;
pub mod schema;
pub mod service;

use crate::texts::locale::{self, Lang};
use ::http::{HeaderValue, header};
use serde_json::{Map, Value, json};
use warp::{Reply, reply::Response};

/// What holds for the document as a whole.
const DESCRIPTION: &str = "The version is that of the program. Members, codes and events are added within a version's \
    first figure and none is taken away or changes its meaning: read what you know, and pass over what you do not.";

/// One operation: a route with what goes in and what comes out.
pub struct Operation {
    /// Its id; its texts are `operation.{id}`.
    pub id: &'static str,
    /// `GET`, `POST`, `DELETE`.
    pub method: &'static str,
    /// Its path, as in the table of routes.
    pub path: &'static str,
    /// The security schemes of which one is needed; none: everybody may. [`ANOTHER_HEADER`]: a header parameter does, too.
    pub security: &'static [&'static str],
    /// Parameters besides those of the path.
    pub parameters: Vec<Value>,
    /// The request's body.
    pub body: Option<Value>,
    /// The answers by status.
    pub answers: Vec<(u16, Value)>,
}

/// The alternative to the named schemes where two contracts share a route: its header is described as a parameter,
/// because generated clients send every scheme that they have a key for at once, and both together are refused.
pub const ANOTHER_HEADER: &str = "";

/// The operations of one part, under one heading.
pub struct Part {
    /// The tag of each of its operations.
    pub tag: &'static str,
    /// What it is, in a sentence.
    pub text: &'static str,
    pub operations: Vec<Operation>,
}

/// The document for a gateway reached at `base_url`.
pub fn at(interface: &Value, base_url: &str) -> Value {
    let mut document = interface.clone();
    document["servers"] = json!([{"url": base_url}]);
    document
}

/// A document's Postman collection, as a file.
pub fn collection(document: &Value) -> Response {
    let mut response = answer(&postman::collection(document));
    let name = HeaderValue::from_static("attachment; filename=\"wa-gateway.postman_collection.json\"");
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    response
}

/// A document as an answer that everybody may keep for a while.
pub fn answer(document: &Value) -> Response {
    let mut response = warp::reply::json(document).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}

/// The interface: the operations of all parts whose method and path are `served`. `schemas`: those that the parts name
/// besides our own.
pub fn make(served: &[(&str, &str)], parts: Vec<Part>, schemas: Vec<(&'static str, Value)>) -> Value {
    let is_served = |o: &Operation| served.iter().any(|(m, path)| *m == o.method && unnamed(path) == unnamed(o.path));
    let (mut paths, mut tags) = (Map::new(), Vec::new());
    for part in parts {
        let operations: Vec<&Operation> = part.operations.iter().filter(|o| is_served(o)).collect();
        if !operations.is_empty() {
            tags.push(json!({"name": part.tag, "description": part.text}));
        }
        for operation in operations {
            let path = paths.entry(operation.path).or_insert_with(|| json!({}));
            path[operation.method.to_ascii_lowercase()] = described(operation, part.tag);
        }
    }
    let mut components = schema::components();
    for (name, schema) in schemas {
        components[name] = schema;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "wa-gateway",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Expected WhatsApp messages out, answers in, and a guard in between.",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [],
        "tags": tags,
        "paths": paths,
        "webhooks": events::webhooks(),
        "components": {"schemas": components, "securitySchemes": schema::security()},
    })
}

/// A path without the names of its places: `{id}` and `{clientId}` are the same route.
pub fn unnamed(path: &str) -> String {
    let plain = |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_owned() };
    path.split('/').map(plain).collect::<Vec<_>>().join("/")
}

fn described(operation: &Operation, tag: &str) -> Value {
    let key = format!("operation.{}", operation.id);
    let mut parameters = schema::path_parameters(operation.path);
    parameters.extend(operation.parameters.iter().cloned());
    let one_of = |scheme: &&str| if *scheme == ANOTHER_HEADER { json!({}) } else { json!({*scheme: []}) };
    let security: Vec<Value> = operation.security.iter().map(one_of).collect();
    let mut described = json!({
        "operationId": operation.id,
        "summary": locale::all(Lang::En).get(&key).map_or("", String::as_str),
        "tags": [tag],
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
