//! The dialect's errors: `{"error": TEXT, "code": CODE}`, and what the guard says besides.

use crate::{
    accounts::{AccountError, LoginError, PasswordError},
    events::webhooks::WebhookError,
    instances::InstanceError,
    model::code::{Action, Code, Details},
    sending::{Refusal, schedule::ScheduleError},
    store::StoreError,
    web::problem,
};
use ::http::{HeaderValue, StatusCode, header};
use serde_json::json;
use std::time::Duration;
use warp::{Reply, reply::Response};

/// Why a request is not done.
#[derive(Clone, PartialEq, Debug)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    text: String,
    guard: Option<(Code, Details)>,
    retry_after: Option<Duration>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, text: impl Into<String>) -> Self {
        Self { status, code, text: text.into(), guard: None, retry_after: None }
    }

    pub(super) fn auth() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "AUTH_ERROR", "Authentication failed.")
    }

    pub(super) fn access(text: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "ACCESS_DENIED", text)
    }

    pub(super) fn client() -> Self {
        Self::new(StatusCode::NOT_FOUND, "CLIENT_NOT_FOUND", "Client not found.")
    }

    pub(super) fn foreign_client() -> Self {
        Self::access("This client does not belong to you.")
    }

    pub(super) fn group() -> Self {
        Self::new(StatusCode::NOT_FOUND, "GROUP_NOT_FOUND", "Group or channel not found.")
    }

    pub(super) fn missing(code: &'static str, text: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, text)
    }

    pub(super) fn chat_type() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_CHAT_TYPE", "This chat is not a group or channel.")
    }

    pub(super) fn read_only() -> Self {
        Self::new(StatusCode::FORBIDDEN, "READ_ONLY_CHAT", "This group or channel is read-only.")
    }

    pub(super) fn invalid(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", text)
    }

    pub(super) fn media(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "MEDIA_ERROR", text)
    }

    /// A file that is still with the provider; `wait` is when to ask again.
    pub(super) fn not_yet(wait: Option<&HeaderValue>) -> Self {
        let seconds = wait.and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok()).unwrap_or(15);
        let text = "The file is still being fetched: ask for it again in a moment.";
        let wrong = Self::new(StatusCode::SERVICE_UNAVAILABLE, "MEDIA_ERROR", text);
        Self { retry_after: Some(Duration::from_secs(seconds)), ..wrong }
    }

    pub(super) fn failed(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "SEND_FAILED", text)
    }

    pub(super) fn limited(wait: Duration) -> Self {
        let text = "Too many requests: try again later.";
        Self { retry_after: Some(wait), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", text) }
    }

    pub(super) fn purpose(word: &str) -> Self {
        let reason = format!("the purpose {word:?} is not served");
        Self::refused(&Refusal::guard(Code::MessagePurposeNotAllowed, Action::Block, 100, reason))
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What the guarded sender said.
    pub(super) fn refused(refusal: &Refusal) -> Self {
        let (_, text) = problem::describe(refusal.code);
        let is_file = matches!(&refusal.details,
            Details::Fields(fields) | Details::FieldsBecause(fields, _) if fields.contains(&"media_url"));
        let told = match refusal.code {
            Code::ValidationError if is_file => Self::media(refusal.reason.clone()),
            Code::ValidationError => Self::invalid(refusal.reason.clone()),
            Code::InvalidInstance => Self::client(),
            Code::ModuleNotEnabled => Self::access("The Chattu API is not enabled for this account."),
            Code::ActivePlanRequired | Code::DailyMessageLimitExceeded | Code::MonthlyMessageLimitExceeded => {
                Self::new(StatusCode::FORBIDDEN, "PLAN_LIMIT_EXCEEDED", text)
            }
            Code::SendingThrottled => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", "Too many messages: try again later.")
            }
            Code::GatewaySendFailed => Self::failed(refusal.reason.clone()),
            _ => Self::new(StatusCode::FORBIDDEN, "POLICY_BLOCKED", text),
        };
        let guard = ["POLICY_BLOCKED", "PLAN_LIMIT_EXCEEDED", "RATE_LIMITED"].contains(&told.code);
        let guard = guard.then(|| (refusal.code, refusal.details.clone()));
        Self { guard, retry_after: refusal.retry_after, ..told }
    }
}

impl Reply for ApiError {
    fn into_response(self) -> Response {
        let mut body = json!({"error": self.text, "code": self.code});
        if let Some((code, details)) = &self.guard {
            body["reason"] = json!(code);
            body["details"] = json!(details);
        }
        let mut response = warp::reply::with_status(warp::reply::json(&body), self.status).into_response();
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            response.headers_mut().insert(header::RETRY_AFTER, problem::number(seconds));
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(e: StoreError) -> Self {
        if e.is_temporary() {
            tracing::warn!("the database cannot take it right now: {e}");
            let text = "The service is not available right now.";
            let wait = Some(Duration::from_secs(5));
            return Self { retry_after: wait, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "SEND_FAILED", text) };
        }
        tracing::error!("internal error: {e}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "SEND_FAILED", "Internal error.")
    }
}

impl From<AccountError> for ApiError {
    fn from(e: AccountError) -> Self {
        match e {
            AccountError::Store(e) => e.into(),
            AccountError::NotFound(_) => Self::client(),
            AccountError::Invalid(why) => Self::invalid(why.to_string()),
        }
    }
}

impl From<LoginError> for ApiError {
    fn from(e: LoginError) -> Self {
        match e {
            LoginError::Store(e) => e.into(),
            LoginError::Wait(wait) => Self::limited(wait),
            LoginError::Password(PasswordError::Busy) => Self::limited(Duration::from_secs(5)),
            other => Self::access(&other.to_string()),
        }
    }
}

impl From<InstanceError> for ApiError {
    fn from(e: InstanceError) -> Self {
        match e {
            InstanceError::Store(e) => e.into(),
            InstanceError::NotFound(_) => Self::client(),
            other => Self::invalid(other.to_string()),
        }
    }
}

impl From<WebhookError> for ApiError {
    fn from(e: WebhookError) -> Self {
        match e {
            WebhookError::Store(e) => e.into(),
            WebhookError::Invalid(why) => Self::invalid(why.for_customers().to_string()),
            other => Self::invalid(other.to_string()),
        }
    }
}

impl From<ScheduleError> for ApiError {
    fn from(e: ScheduleError) -> Self {
        match e {
            ScheduleError::Store(e) => e.into(),
            ScheduleError::NotFound(_) => Self::missing("SCHEDULE_NOT_FOUND", "Scheduled message not found."),
            ScheduleError::NotKnown => Self::failed(e.to_string()),
            other => Self::invalid(other.to_string()),
        }
    }
}
