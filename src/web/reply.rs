//! The guarded API's answers, with their headers.

use super::problem::{self, number};
use crate::sending::{Answer, Outcome, Quota};
use ::http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use warp::{Reply, reply::Response};

#[derive(Serialize)]
struct Success<'a> {
    success: bool,
    status: &'a str,
    message_id: &'a str,
    log_id: i64,
}

/// An answer of the sender as HTTP.
pub fn answer(answer: &Answer) -> Response {
    let mut response = match (&answer.refusal, answer.outcome) {
        (Some(refusal), _) => problem::refusal(refusal),
        (None, outcome) => success(answer, outcome),
    };
    message_headers(&mut response, answer);
    response
}

/// What every answer about a message with a row of its own carries.
pub fn message_headers(response: &mut Response, answer: &Answer) {
    let headers = response.headers_mut();
    headers.insert("x-log-id", number(answer.log_id));
    headers.insert("x-message-status", HeaderValue::from_static(answer.outcome.as_str()));
    if let Some(retry) = answer.refusal.as_ref().and_then(|refusal| refusal.retry) {
        headers.insert("x-message-retry", HeaderValue::from_static(retry.as_str()));
    }
    if answer.replayed {
        headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    if let Some(quota) = &answer.quota {
        rate_limits(headers, quota);
    }
    if let Some(text) = answer.unusual.and_then(|unusual| HeaderValue::from_str(&unusual.to_string()).ok()) {
        headers.insert("x-phone-warning", text);
    }
}

fn success(answer: &Answer, outcome: Outcome) -> Response {
    let status = if outcome == Outcome::Accepted { StatusCode::ACCEPTED } else { StatusCode::OK };
    let body = Success {
        success: true,
        status: outcome.as_str(),
        message_id: answer.message_id.as_str(),
        log_id: answer.log_id.0,
    };
    warp::reply::with_status(warp::reply::json(&body), status).into_response()
}

/// Both quotas, in the form of the IETF's RateLimit header fields: q and r are messages, w and t seconds.
fn rate_limits(headers: &mut HeaderMap, quota: &Quota) {
    let (day_left, month_left) = quota.left();
    let (day_ends, month_ends) = quota.resets();
    let policy =
        format!("\"daily\";q={};w=86400, \"monthly\";q={};w=2592000", quota.limits.daily, quota.limits.monthly);
    let state = format!(
        "\"daily\";r={day_left};t={}, \"monthly\";r={month_left};t={}",
        day_ends.as_secs(),
        month_ends.as_secs()
    );
    for (name, value) in [("ratelimit-policy", policy), ("ratelimit", state)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

/// The body of an answer as a value, for the command line: what the API would have said.
pub fn body(answer: &Answer) -> Value {
    match &answer.refusal {
        None => json!({
            "success": true, "status": answer.outcome, "message_id": answer.message_id, "log_id": answer.log_id,
        }),
        Some(refusal) => {
            let (_, message) = problem::describe(refusal.code);
            json!({
                "success": false, "error": refusal.code, "retry": refusal.retry, "message": message, "details": refusal.details,
                "log_id": answer.log_id, "message_status": answer.outcome,
            })
        }
    }
}
