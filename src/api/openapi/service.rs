//! The state of the gateway, and the document itself.

use super::{
    Operation,
    schema::{json_answer, object, other_answer},
};
use serde_json::{Value, json};

pub fn operations() -> Vec<Operation> {
    let status = |word: &str| object(&["status"], json!({"status": {"const": word}}));
    let not_ready = json!({
        "description": "The database does not take writes.",
        "headers": {"Retry-After": {"required": true, "schema": {"type": "integer", "minimum": 1}}},
        "content": {"application/json": {"schema": status("not_ready")}},
    });
    vec![
        get("service_status", "/", vec![(200, json_answer("It is there.", status("ok")))]),
        get("process_health", "/healthz", vec![(200, json_answer("The process is there.", status("ok")))]),
        get(
            "readiness",
            "/readyz",
            vec![(200, json_answer("The database takes writes.", status("ready"))), (503, not_ready)],
        ),
        get(
            "metrics",
            "/metrics",
            vec![
                (200, other_answer("What is counted, for Prometheus.", "text/plain")),
                (404, json!({"description": "Not on the public listener."})),
            ],
        ),
        get(
            "openapi",
            "/openapi.json",
            vec![(
                200,
                json_answer(
                    "This document.",
                    object(&["openapi", "paths"], json!({"openapi": {"const": "3.1.0"}, "paths": {"type": "object"}})),
                ),
            )],
        ),
    ]
}

fn get(id: &'static str, path: &'static str, answers: Vec<(u16, Value)>) -> Operation {
    Operation { id, method: "GET", path, security: &[], parameters: Vec::new(), body: None, answers }
}
