//! The documented refusals (`tests/data/*-errors.json`), and answers held against them.

use super::http::Reply;
use serde_json::{Value, json};

/// The documents' 18 codes, in their order.
pub fn documented() -> Vec<Value> {
    rows(include_str!("../../data/guarded-errors.json"))
}

/// The codes of our own.
pub fn ours() -> Vec<Value> {
    rows(include_str!("../../data/our-errors.json"))
}

fn rows(json: &str) -> Vec<Value> {
    serde_json::from_str(json).expect("a list of codes")
}

/// Holds an answer against its row: status, whole body, and the headers that any refusal carries.
pub fn assert_refused(reply: &Reply, code: &str) {
    assert_refused_with(reply, code, json!({}));
}

/// The same where the row's `details` are an example: `figures` are the real ones.
pub fn assert_refused_with(reply: &Reply, code: &str, figures: Value) {
    let row = documented().into_iter().chain(ours()).find(|row| row["error"] == code);
    let row = row.unwrap_or_else(|| panic!("{code} is not documented"));
    assert_eq!(reply.error(), code, "{}", reply.body);
    assert_eq!(reply.status, row["status"], "{code}");
    let body = reply.json();
    let members: Vec<_> = body.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["success", "error", "message", "details"], "{code}");
    assert_eq!(body["success"], false, "{code}");
    assert_eq!(body["message"], row["message"], "{code}");
    assert_details(&body["details"], &row["details"], &figures);

    assert_eq!(reply.header("content-type"), Some("application/json"), "{code}");
    assert!(reply.header("x-request-id").is_some_and(|id| id.starts_with("req_")), "{code}: {:?}", reply.headers);
    let must_wait = matches!(reply.status, 429 | 503);
    let wait = reply.header("retry-after").map(|text| text.parse::<u64>().expect("whole seconds"));
    assert!(wait.is_some_and(|seconds| seconds > 0) || !must_wait, "{code}: {:?}", reply.headers);
}

/// An empty array is an empty array; an object has the documented members exactly, and may have more beside them.
fn assert_details(found: &Value, documented: &Value, figures: &Value) {
    let Some(members) = documented.as_object() else {
        assert_eq!(found, documented);
        return;
    };
    for (name, example) in members {
        let expected = figures.get(name).unwrap_or(example);
        assert_eq!(&found[name], expected, "{name} in {found}");
    }
    for (name, expected) in figures.as_object().expect("an object of figures") {
        assert_eq!(&found[name], expected, "{name} in {found}");
    }
}

/// The row's two headers.
pub fn assert_logged(reply: &Reply, status: &str) {
    assert_eq!(reply.header("x-message-status"), Some(status), "{}", reply.body);
    assert!(log_id(reply) > 0);
}

/// The row that an answer names.
pub fn log_id(reply: &Reply) -> i64 {
    let id = reply.header("x-log-id").unwrap_or_else(|| panic!("no X-Log-Id: {:?} {}", reply.headers, reply.body));
    id.parse().expect("a number")
}
