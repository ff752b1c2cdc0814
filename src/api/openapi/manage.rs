//! What a key that is good for managing changes by the guarded API.

use super::{
    Operation,
    schema::{json_answer, json_body, object, refusals},
};
use crate::{api::guarded::people::REASON_MAX, model::code::Code, web::problem};
use serde_json::{Value, json};

/// What they refuse with.
const REFUSED: &[Code] = &[
    Code::UnsupportedMediaType,
    Code::InvalidApiKey,
    Code::RevokedApiKey,
    Code::AddressNotAllowed,
    Code::InsufficientScope,
    Code::InvalidJson,
    Code::PayloadTooLarge,
    Code::ValidationError,
    Code::NotFound,
    Code::InternalError,
    Code::ServiceUnavailable,
];

pub fn operations() -> Vec<Operation> {
    let count = |name: &str, kind: &str| {
        object(
            &["success", "contact_id", name],
            json!({"success": {"const": true}, "contact_id": {"type": ["integer", "null"]}, name: {"type": kind}}),
        )
    };
    vec![
        operation("add_suppression", "/api/suppressions", &["phone"], count("added", "boolean")),
        operation("lift_suppression", "/api/suppressions/lift", &["phone", "reason"], count("lifted", "integer")),
    ]
}

/// The Model Context Protocol: its messages are described where it is.
pub(super) fn mcp() -> Operation {
    let message = object(&["jsonrpc"], json!({"jsonrpc": {"const": "2.0"}, "method": {"type": "string"}}));
    let example = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let mut answers = vec![
        (
            200,
            json_answer("The answer to a request.", object(&["jsonrpc", "id"], json!({"jsonrpc": {"const": "2.0"}}))),
        ),
        (202, json!({"description": "A notification was taken."})),
    ];
    let codes: Vec<Code> =
        REFUSED.iter().copied().filter(|c| !matches!(c, Code::NotFound | Code::ValidationError)).collect();
    answers.extend(refusals(&codes, problem::describe));
    let (security, parameters) = (&["bearer"][..], Vec::new());
    let body = Some(json_body(message, example));
    Operation { id: "mcp", method: "POST", path: "/mcp", security, parameters, body, answers }
}

fn operation(id: &'static str, path: &'static str, required: &[&str], answer: Value) -> Operation {
    let body = object(
        required,
        json!({
            "phone": {"type": "string", "minLength": 1, "maxLength": 128, "description": "E.164 with +, or contact:ID"},
            "reason": {"type": "string", "minLength": 1, "maxLength": REASON_MAX},
        }),
    );
    let example = json!({"phone": "+966501234567", "reason": "Asked by telephone on 1 June."});
    let mut answers = vec![(200, json_answer("It holds from now on.", answer))];
    answers.extend(refusals(REFUSED, problem::describe));
    let (security, parameters) = (&["bearer"][..], Vec::new());
    Operation { id, method: "POST", path, security, parameters, body: Some(json_body(body, example)), answers }
}
