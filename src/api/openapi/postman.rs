//! The Postman collection (v2.1), made from the OpenAPI document. Pure.

use serde_json::{Map, Value, json};

const SCHEMA: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";

/// Every operation as a request, in a folder for each part; address and keys are variables.
pub(super) fn collection(document: &Value) -> Value {
    let none = Map::new();
    let mut folders: Vec<(String, Vec<Value>)> = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap_or(&none) {
        for (method, operation) in methods.as_object().unwrap_or(&none) {
            let tag = operation["tags"][0].as_str().unwrap_or_default().to_owned();
            let request = item(path, method, operation);
            match folders.iter_mut().find(|(name, _)| *name == tag) {
                Some((_, items)) => items.push(request),
                None => folders.push((tag, vec![request])),
            }
        }
    }
    let items: Vec<Value> = folders.into_iter().map(|(name, items)| json!({"name": name, "item": items})).collect();
    let variable = |key: &str, value: &str| json!({"key": key, "value": value, "type": "string"});
    json!({
        "info": {"name": "wa-gateway", "version": document["info"]["version"], "schema": SCHEMA},
        "variable": [
            variable("base_url", document["servers"][0]["url"].as_str().unwrap_or_default()),
            variable("api_key", ""),
            variable("chattu_key", ""),
            variable("threecx_secret", ""),
        ],
        "item": items,
    })
}

fn item(path: &str, method: &str, operation: &Value) -> Value {
    let segments: Vec<String> = path
        .split('/')
        .skip(1)
        .map(|segment| {
            segment.strip_prefix('{').map_or(segment.to_owned(), |name| format!(":{}", name.trim_end_matches('}')))
        })
        .collect();
    let variables: Vec<Value> = segments
        .iter()
        .filter_map(|segment| segment.strip_prefix(':'))
        .map(|name| json!({"key": name, "value": ""}))
        .collect();
    let mut request = json!({
        "method": method.to_ascii_uppercase(),
        "header": headers(operation),
        "auth": auth(operation),
        "url": {
            "raw": format!("{{{{base_url}}}}/{}", segments.join("/")),
            "host": ["{{base_url}}"],
            "path": segments,
            "variable": variables,
        },
    });
    if let Some(example) = operation.pointer("/requestBody/content/application~1json/example") {
        let raw = serde_json::to_string_pretty(example).unwrap_or_default();
        request["body"] = json!({"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}});
    }
    json!({"name": operation["summary"], "request": request})
}

fn headers(operation: &Value) -> Vec<Value> {
    let mut headers = Vec::new();
    if operation["requestBody"].is_object() {
        headers.push(json!({"key": "Content-Type", "value": "application/json"}));
    }
    for parameter in operation["parameters"].as_array().into_iter().flatten().filter(|p| p["in"] == "header") {
        headers.push(json!({"key": parameter["name"], "value": "{{$guid}}", "description": parameter["description"]}));
    }
    match scheme(operation) {
        Some("threecx") => {
            headers.push(json!({"key": "X-WhatsApp-Gateway-3CX-Secret", "value": "{{threecx_secret}}"}));
        }
        Some("chattu") => headers.push(json!({"key": "x-api-key", "value": "{{chattu_key}}"})),
        _ => {}
    }
    headers
}

fn auth(operation: &Value) -> Value {
    match scheme(operation) {
        Some("bearer") if operation["tags"][0] == "threecx" => bearer("{{threecx_secret}}"),
        Some("bearer") => bearer("{{api_key}}"),
        _ => json!({"type": "noauth"}),
    }
}

fn bearer(token: &str) -> Value {
    json!({"type": "bearer", "bearer": [{"key": "token", "value": token, "type": "string"}]})
}

/// The first way of proving oneself.
fn scheme(operation: &Value) -> Option<&str> {
    operation["security"][0].as_object().and_then(|s| s.keys().next()).map(String::as_str)
}
