//! The one place that knows which HTTP status and which text a code has (contract: guarded-errors.json,
//! our-errors.json).

use crate::{
    model::code::{Code, Details},
    sending::Refusal,
    store::StoreError,
};
use ::http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::json;
use std::time::Duration;
use warp::{Reply, reply::Response};

#[derive(Serialize)]
struct ProblemBody<'a> {
    success: bool,
    error: &'a str,
    message: &'a str,
    details: &'a Details,
}

/// Status and text of a code.
pub const fn describe(code: Code) -> (StatusCode, &'static str) {
    use StatusCode as S;
    match code {
        Code::UnsupportedMediaType => (S::UNSUPPORTED_MEDIA_TYPE, "This endpoint requires application/json."),
        Code::InvalidApiKey => (S::UNAUTHORIZED, "A valid API key is required."),
        Code::RevokedApiKey => (S::UNAUTHORIZED, "This API key has been revoked."),
        Code::InvalidJson => (S::BAD_REQUEST, "Request body must be valid JSON."),
        Code::ValidationError => (S::UNPROCESSABLE_ENTITY, "The request payload is missing required fields."),
        Code::ModuleNotEnabled => (S::FORBIDDEN, "API access is not enabled for this account."),
        Code::ActivePlanRequired => (S::FORBIDDEN, "An active plan is required before sending messages."),
        Code::InvalidInstance => (S::NOT_FOUND, "The requested instance was not found for this API key."),
        Code::MessagePurposeRequired => (
            S::UNPROCESSABLE_ENTITY,
            "message_purpose is required. Allowed values are transactional, operational, support, internal_team, and \
             authentication.",
        ),
        Code::MessagePurposeNotAllowed => (
            S::UNPROCESSABLE_ENTITY,
            "WhatsApp Gateway does not support marketing, cold outreach, political, or bulk campaign messaging.",
        ),
        Code::DailyMessageLimitExceeded => (
            S::TOO_MANY_REQUESTS,
            "Your daily transactional message limit has been reached. Please try again tomorrow or request a higher \
             reviewed limit.",
        ),
        Code::MonthlyMessageLimitExceeded => (
            S::TOO_MANY_REQUESTS,
            "Your monthly fair-use message limit has been reached. Please contact support for a reviewed higher limit.",
        ),
        Code::RecipientSuppressed => {
            (S::FORBIDDEN, "This recipient has opted out or has been blocked from non-essential messages.")
        }
        Code::SendingThrottled => (
            S::TOO_MANY_REQUESTS,
            "Sending speed has been temporarily limited to protect gateway reliability and prevent bulk messaging.",
        ),
        Code::InstancePausedForReview => (S::LOCKED, "This instance has been paused for responsible messaging review."),
        Code::PolicyViolation => (
            S::FORBIDDEN,
            "This message appears to violate WhatsApp Gateway responsible messaging rules. Bulk marketing, spam, and \
             cold outreach are not allowed.",
        ),
        Code::GatewaySendFailed => (
            S::BAD_GATEWAY,
            "The message passed responsible messaging checks, but delivery could not be completed. Please try again \
             or contact support.",
        ),
        Code::InternalError => {
            (S::INTERNAL_SERVER_ERROR, "The request could not be processed. Please try again or contact support.")
        }
        Code::InsufficientScope => (S::FORBIDDEN, "This API key does not have the scope that this request needs."),
        Code::AddressNotAllowed => (S::FORBIDDEN, "This API key may not be used from this address."),
        Code::PayloadTooLarge => (S::PAYLOAD_TOO_LARGE, "The request body is larger than 256 KiB."),
        Code::ConversationWindowClosed => (
            S::FORBIDDEN,
            "The recipient has not messaged first or the last inbound message is outside the active conversation \
             window.",
        ),
        Code::IdempotencyKeyReused => {
            (S::UNPROCESSABLE_ENTITY, "This Idempotency-Key was already used with a different request.")
        }
        Code::NotCancellable => (S::CONFLICT, "Only a message that still waits can be cancelled."),
        Code::IdempotencyInProgress => (S::CONFLICT, "A request with this Idempotency-Key is still in progress."),
        Code::ServiceUnavailable => {
            (S::SERVICE_UNAVAILABLE, "The gateway cannot accept messages right now. Please try again shortly.")
        }
        Code::NotFound => (S::NOT_FOUND, "The requested resource was not found."),
        Code::MethodNotAllowed => (S::METHOD_NOT_ALLOWED, "This method is not allowed for the requested resource."),
        Code::RateLimited => (S::TOO_MANY_REQUESTS, "Too many requests. Please slow down."),
        Code::Invalid3cxWebhook => (S::UNAUTHORIZED, "Invalid 3CX webhook request."),
        Code::WebhookRateLimited => {
            (S::TOO_MANY_REQUESTS, "Too many webhook requests for this integration. Please slow down.")
        }
        Code::UnsupportedEventType => (S::UNPROCESSABLE_ENTITY, "This 3CX event type is not supported."),
        Code::OutboundDisabled => (S::FORBIDDEN, "Outbound messaging is disabled for this integration."),
        Code::CallEventsDisabled => (S::FORBIDDEN, "Call events are disabled for this integration."),
        Code::MissingPhone => (S::UNPROCESSABLE_ENTITY, "The event payload does not include a customer phone."),
        Code::MissingMessageText => (S::UNPROCESSABLE_ENTITY, "The event payload does not include message text."),
    }
}

/// The same where the 3CX documents have a text of their own.
pub const fn describe_threecx(code: Code) -> (StatusCode, &'static str) {
    let (status, text) = describe(code);
    let text = match code {
        Code::PayloadTooLarge => "The webhook body is larger than 256 KB.",
        Code::ModuleNotEnabled => "3CX Middleware is not enabled for this account.",
        Code::MessagePurposeNotAllowed => "The message purpose is missing or not allowed.",
        _ => text,
    };
    (status, text)
}

/// A refusal as HTTP.
pub fn refusal(refusal: &Refusal) -> Response {
    problem(refusal.code, &refusal.details, refusal.retry_after)
}

/// A code without details as HTTP.
pub fn code(code: Code) -> Response {
    problem(code, &Details::None, None)
}

/// Every 429 and 503 says when to come back, also where nobody could tell exactly.
const RETRY_DEFAULT: Duration = Duration::from_secs(5);

/// A refusal of the 3CX webhook as HTTP.
pub fn threecx(refusal: &Refusal) -> Response {
    written(refusal.code, describe_threecx(refusal.code), &refusal.details, refusal.retry_after)
}

/// What the 3CX webhook says before it is known who asks: always the same bytes.
pub fn not_authenticated() -> Response {
    let (status, message) = describe(Code::Invalid3cxWebhook);
    let body = json!({"success": false, "error": Code::Invalid3cxWebhook, "message": message});
    warp::reply::with_status(warp::reply::json(&body), status).into_response()
}

/// A code with its details.
pub fn problem(code: Code, details: &Details, retry_after: Option<Duration>) -> Response {
    written(code, describe(code), details, retry_after)
}

fn written(
    code: Code,
    (status, message): (StatusCode, &str),
    details: &Details,
    retry_after: Option<Duration>,
) -> Response {
    let body = ProblemBody { success: false, error: code.as_str(), message, details };
    let mut response = warp::reply::with_status(warp::reply::json(&body), status).into_response();
    if matches!(code, Code::InvalidApiKey | Code::RevokedApiKey) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let must_wait = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    if let Some(wait) = retry_after.or(must_wait.then_some(RETRY_DEFAULT)) {
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        response.headers_mut().insert(header::RETRY_AFTER, number(seconds));
    }
    response
}

/// This machine sends nothing, because another one may: `why` is one line.
pub fn another_machine(why: &str) -> Response {
    let (status, _) = describe(Code::ServiceUnavailable);
    let message = format!("This machine does not serve now: {why}.");
    written(Code::ServiceUnavailable, (status, &message), &Details::None, None)
}

/// What went wrong inside. Logged here, once, with the request's id; the answer has none of it.
pub fn internal(error: &StoreError, request_id: &str) -> Response {
    if error.is_temporary() {
        tracing::warn!(request_id, "the database cannot take it right now: {error}");
        return code(Code::ServiceUnavailable);
    }
    tracing::error!(request_id, "internal error: {error}");
    code(Code::InternalError)
}

/// 404, or 405 with the methods that the path takes.
pub fn unmatched(allowed: &[&str]) -> Response {
    if allowed.is_empty() {
        return code(Code::NotFound);
    }
    let mut response = code(Code::MethodNotAllowed);
    if let Ok(value) = HeaderValue::from_str(&allowed.join(", ")) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

/// A number as a header's value.
pub fn number(n: impl std::fmt::Display) -> HeaderValue {
    HeaderValue::from_str(&n.to_string()).unwrap_or(HeaderValue::from_static("0"))
}
