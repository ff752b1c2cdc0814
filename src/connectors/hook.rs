//! A provider's call to `/hooks/{connector}/{instance}`, as connectors see it: no HTTP types of the server's.

use bytes::Bytes;
use serde_json::Value;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HookRequest {
    /// `GET` or `POST`.
    pub method: http::Method,
    /// The query as it came, without the question mark.
    pub query: String,
    /// The headers as they came; doubled ones stand doubled.
    pub headers: http::HeaderMap,
    /// The bytes as they came: signatures are over these.
    pub body: Bytes,
}

impl HookRequest {
    /// A header that is there exactly once and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.get_all(name).iter();
        let first = all.next()?;
        if all.next().is_some() { None } else { first.to_str().ok() }
    }
}

/// What the provider is answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HookAnswer {
    /// The HTTP status.
    pub status: http::StatusCode,
    /// `text/plain` or `application/json`.
    pub content_type: &'static str,
    /// The answer itself.
    pub body: String,
    /// The methods that are taken here, where this one is not.
    pub allow: Option<&'static str>,
}

impl HookAnswer {
    /// It is recorded.
    pub fn ok() -> Self {
        Self::json(http::StatusCode::OK, &serde_json::json!({"success": true}))
    }

    /// Nothing is here for this caller.
    pub fn not_found() -> Self {
        Self::refused(http::StatusCode::NOT_FOUND, "not_found", "There is nothing at this address.")
    }

    /// Another method than `allow` ("GET, POST").
    pub fn method_not_allowed(allow: &'static str, message: &str) -> Self {
        let refused = Self::refused(http::StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message);
        Self { allow: Some(allow), ..refused }
    }

    /// Refused, with a stable code and a plain sentence.
    pub fn refused(status: http::StatusCode, code: &str, message: &str) -> Self {
        Self::json(status, &serde_json::json!({"success": false, "error": code, "message": message, "details": []}))
    }

    /// Plain text.
    pub fn text(status: http::StatusCode, body: impl Into<String>) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: body.into(), allow: None }
    }

    fn json(status: http::StatusCode, body: &Value) -> Self {
        Self { status, content_type: "application/json", body: body.to_string(), allow: None }
    }
}
