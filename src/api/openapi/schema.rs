//! What the parts of the document are written with: schemas, parameters, answers, and refusals out of the catalogue of
//! codes.

use super::{example, guarded, lists};
use crate::{
    accounts::KeyScope,
    model::{code::Code, message::Status, plan::Module, purpose::Purpose},
};
use ::http::StatusCode;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// How a caller proves who it is.
pub fn security() -> Value {
    json!({
        "bearer": {"type": "http", "scheme": "bearer", "description": "An API key: wg_live_… or wg_test_…"},
        "threecx": {"type": "apiKey", "in": "header", "name": "X-WhatsApp-Gateway-3CX-Secret"},
        "chattu": {"type": "apiKey", "in": "header", "name": "x-api-key"},
        "session": {"type": "apiKey", "in": "cookie", "name": "__Host-session", "description": "A login to the portal."},
    })
}

/// The schemas that are referred to by name.
pub fn components() -> Value {
    let purposes: Vec<&str> = Purpose::ALL.iter().map(|p| p.as_str()).collect();
    let statuses: Vec<&str> = Status::ALL.iter().map(|s| s.as_str()).collect();
    let modules: Vec<&str> = Module::ALL.iter().map(|m| m.as_str()).collect();
    let scopes: Vec<&str> = KeyScope::ALL.iter().map(|s| s.as_str()).collect();
    let mut schemas = json!({
        "Purpose": {"type": "string", "enum": purposes},
        "Status": {"type": "string", "enum": statuses},
        "Details": {"anyOf": [
            {"type": "array", "maxItems": 0, "items": {"type": "string"}},
            object(&["fields"], json!({"fields": {"type": "array", "items": {"type": "string"}}})),
            object(&["scope"], json!({"scope": {"type": "string", "enum": scopes}})),
            object(&["module", "status"], json!({
                "module": {"type": "string", "enum": modules},
                "status": {"type": "string", "enum": ["not_in_plan", "disabled"]},
            })),
            object(&["action"], json!({
                "action": {"type": "string", "enum": ["block", "throttle", "pause_instance"]},
                "risk_score": {"type": "integer", "minimum": 0, "maximum": 100},
                "limit": {"type": "integer", "minimum": 0},
                "used": {"type": "integer", "minimum": 0},
                "signals": {"type": "array", "items": {"type": "string"}},
                "rate": {"type": "string"},
            })),
        ]},
        "Refusal": object(&["success", "error", "message"], json!({
            "success": {"const": false},
            "error": {"type": "string"},
            "message": {"type": "string"},
            "details": {"$ref": "#/components/schemas/Details"},
        })),
        "Sent": object(&["success", "status", "message_id", "log_id"], json!({
            "success": {"const": true},
            "status": {"type": "string", "enum": ["sent", "accepted"]},
            "message_id": {"type": "string"},
            "log_id": {"type": "integer"},
        })),
    });
    schemas["SendMessage"] = guarded::send_message();
    schemas["SendForm"] = guarded::send_form();
    schemas["Message"] = guarded::message();
    for (name, schema) in lists::schemas() {
        schemas[name] = schema;
    }
    schemas
}

/// A named schema.
pub fn named(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// An object with these members, the named ones required. Further members may stand beside them.
pub fn object(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties})
}

/// A JSON body with an example.
pub fn json_body(schema: Value, example: Value) -> Value {
    json!({"required": true, "content": {"application/json": {"schema": schema, "example": example}}})
}

/// A JSON answer.
pub fn json_answer(text: &str, schema: Value) -> Value {
    json!({"description": text, "content": {"application/json": {"schema": schema}}})
}

/// An answer of another kind.
pub fn other_answer(text: &str, kind: &str) -> Value {
    json!({"description": text, "content": {kind: {"schema": {"type": "string"}}}})
}

/// The refusals with these codes, by status.
pub fn refusals(codes: &[Code], describe: fn(Code) -> (StatusCode, &'static str)) -> Vec<(u16, Value)> {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes {
        by_status.entry(describe(*code).0.as_u16()).or_default().push(*code);
    }
    by_status.into_iter().map(|(status, codes)| (status, refusal(status, &codes, describe))).collect()
}

fn refusal(status: u16, codes: &[Code], describe: fn(Code) -> (StatusCode, &'static str)) -> Value {
    let names: Vec<&str> = codes.iter().map(|c| c.as_str()).collect();
    let mut examples = Map::new();
    for code in codes {
        let (_, message) = describe(*code);
        examples.insert(code.as_str().to_owned(), json!({"value": example::refusal(*code, message)}));
    }
    let schema = json!({"allOf": [named("Refusal"), {"properties": {"error": {"enum": names}}}]});
    let mut answer = json!({
        "description": names.join(", "),
        "content": {"application/json": {"schema": schema, "examples": examples}},
    });
    if status == 429 || status == 503 {
        answer["headers"] = json!({"Retry-After": {
            "required": true, "description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1},
        }});
    }
    answer
}

/// The parameters that stand in a path.
pub fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    names
        .map(|name| {
            let kind = if matches!(name, "log_id" | "id") { "integer" } else { "string" };
            json!({"name": name, "in": "path", "required": true, "schema": {"type": kind}})
        })
        .collect()
}

/// A header that a request may have.
pub fn header(name: &str, text: &str, schema: Value) -> Value {
    json!({"name": name, "in": "header", "required": false, "description": text, "schema": schema})
}

/// The schema of what looks like `full`; where `bare` has a null or lacks a member, that may be so.
pub fn shape(full: &Value, bare: &Value) -> Value {
    match full {
        Value::Object(members) => {
            let (mut properties, mut required) = (Map::new(), Vec::new());
            for (name, value) in members {
                let beside = bare.get(name);
                if beside.is_some() {
                    required.push(name.as_str());
                }
                properties.insert(name.clone(), shape(value, beside.unwrap_or(value)));
            }
            let mut shape = json!({"type": "object", "required": required, "properties": properties});
            if bare.is_null() {
                shape["type"] = json!(["object", "null"]);
            }
            shape
        }
        Value::Array(items) => {
            let item = items.first().map_or_else(|| json!({}), |item| shape(item, bare.get(0).unwrap_or(item)));
            let kind = if bare.is_null() { json!(["array", "null"]) } else { json!("array") };
            json!({"type": kind, "items": item})
        }
        Value::Null => json!({"type": ["string", "null"]}),
        plain => {
            let kind = match plain {
                Value::Bool(_) => "boolean",
                Value::Number(n) if n.is_i64() || n.is_u64() => "integer",
                Value::Number(_) => "number",
                _ => "string",
            };
            if bare.is_null() { json!({"type": [kind, "null"]}) } else { json!({"type": kind}) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::problem;

    #[test]
    fn a_shape_knows_what_may_be_missing() {
        let shape = shape(&json!({"a": "x", "b": 1, "c": [true]}), &json!({"a": null, "c": [true]}));
        assert_eq!(shape["properties"]["a"]["type"], json!(["string", "null"]));
        assert_eq!(shape["properties"]["b"]["type"], "integer");
        assert_eq!(shape["required"], json!(["a", "c"]));
        assert_eq!(shape["properties"]["c"]["items"]["type"], "boolean");
    }

    #[test]
    fn refusals_are_grouped_by_status() {
        let answers = refusals(&[Code::InvalidApiKey, Code::RevokedApiKey, Code::SendingThrottled], problem::describe);
        assert_eq!(answers.iter().map(|(status, _)| *status).collect::<Vec<_>>(), [401, 429]);
        assert_eq!(answers[0].1["description"], "invalid_api_key, revoked_api_key");
        assert!(answers[1].1["headers"]["Retry-After"].is_object());
    }
}
