//! Calls to the server: one function a route, each bounded in time and size, and what a bad answer says.
//!
//! - An answer's error is read wherever this server puts it: as a text, a list or objects below `response.message`, at
//!   the top, or inside an answer that says 200 or 201.
//! - [`EvolutionError`] tells what went wrong and whether the request may have been acted upon; what that means for a message
//!   or for the state is its callers' business.
//! - No text that is made here holds the key, a whole number or a message.

use super::settings::Settings;
use crate::{
    connectors::{meta_error::GraphError, provider_text::repeated},
    egress::{Bounds, Egress, EgressError, Outbound},
    model::{egress::Use, percent},
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};
use std::time::Duration;

/// How long a question may take. The server itself waits up to 5 s before it answers some.
const ASK: Bounds = Bounds { timeout: Duration::from_secs(20), max_answer_bytes: 8 * 1024 * 1024 };
/// A message: its caller gives up long before that.
const SEND: Bounds = Bounds { timeout: Duration::from_secs(60), max_answer_bytes: 1024 * 1024 };
/// A file in base64, with what stands around it.
const FILE: Duration = Duration::from_secs(120);

/// The way to one instance of one server.
pub(super) struct EvolutionClient {
    egress: Egress,
    base_url: String,
    key: HeaderValue,
    /// The instance's name, as it stands in a path.
    instance: String,
}

/// An answer of the server: its status and its JSON.
pub(super) struct EvolutionResponse {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<String>,
    pub(super) body: Bytes,
    /// There was more than was read.
    pub(super) truncated: bool,
}

/// Why there is no good answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum EvolutionError {
    /// It certainly did not arrive.
    NotSent(String),
    /// The address may not be called, by our own configuration.
    Forbidden(String),
    /// Nobody can tell whether it arrived.
    Unclear(String),
    /// The server answered, and not with what was asked for.
    Refused { status: u16, words: String },
    /// The server wants a licence before it answers anything.
    Licence,
}

impl EvolutionClient {
    pub(super) fn new(egress: Egress, settings: &Settings) -> Self {
        // Settings have only visible ASCII here.
        let mut key = HeaderValue::from_str(&settings.api_key).unwrap_or_else(|_| HeaderValue::from_static(""));
        key.set_sensitive(true);
        Self { egress, base_url: settings.base_url.clone(), key, instance: percent::encode(&settings.instance) }
    }

    /// `{route}/{instance}` for a message: the answer as it came, since every byte of it decides.
    pub(super) async fn send(
        &self,
        method: Method,
        route: &str,
        body: &Value,
    ) -> Result<EvolutionResponse, EgressError> {
        self.exchange(method, &format!("{route}/{}", self.instance), Some(body), SEND).await
    }

    /// Asks for a file in base64 of at most `max_bytes` bytes once decoded. `message` is as much of its message as the server
    /// needs to find it.
    pub(super) async fn file(&self, message: Value, max_bytes: usize) -> Result<Value, EvolutionError> {
        let bounds = Bounds { timeout: FILE, max_answer_bytes: max_bytes.saturating_mul(4) / 3 + 64 * 1024 };
        let path = format!("/chat/getBase64FromMediaMessage/{}", self.instance);
        let body = json!({"message": message, "convertToMp4": false});
        read(self.exchange(Method::POST, &path, Some(&body), bounds).await)
    }

    /// A question about the instance: `/{group}/{verb}/{instance}`, with a query if it begins with a question mark.
    pub(super) async fn ask(
        &self,
        method: Method,
        route: &str,
        query: &str,
        body: Option<&Value>,
    ) -> Result<Value, EvolutionError> {
        let path = format!("{route}/{}{query}", self.instance);
        read(self.exchange(method, &path, body, ASK).await)
    }

    /// A question that names no instance in its path.
    pub(super) async fn ask_server(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, EvolutionError> {
        read(self.exchange(method, path, body, ASK).await)
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        bounds: Bounds,
    ) -> Result<EvolutionResponse, EgressError> {
        let url = format!("{}{path}", self.base_url);
        let mut headers = vec![(HeaderName::from_static("apikey"), self.key.clone())];
        if body.is_some() {
            headers.push((header::CONTENT_TYPE, HeaderValue::from_static("application/json")));
        }
        let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        let inbound =
            self.egress.send(Outbound { method, url: &url, headers, body, of: Use::Connectors }, bounds).await?;
        let retry_after = inbound.headers.get(header::RETRY_AFTER).and_then(|v| v.to_str().ok()).map(str::to_owned);
        Ok(EvolutionResponse { status: inbound.status, retry_after, body: inbound.body, truncated: inbound.truncated })
    }
}

/// The JSON of a good answer.
fn read(answer: Result<EvolutionResponse, EgressError>) -> Result<Value, EvolutionError> {
    let answer = answer.map_err(|e| trouble(&e))?;
    let value = serde_json::from_slice::<Value>(&answer.body).ok();
    if is_licence(answer.status, value.as_ref()) {
        return Err(EvolutionError::Licence);
    }
    let status = answer.status.as_u16();
    // Meta's error, under whatever status.
    if let Some(error) = value.as_ref().and_then(GraphError::passed_on) {
        return Err(EvolutionError::Refused { status, words: error.text() });
    }
    if !answer.status.is_success() {
        let words = value.as_ref().map_or_else(|| "without saying why".to_owned(), words);
        return Err(EvolutionError::Refused { status, words });
    }
    match value {
        // `{"error":true,"message":…}` under a good status is this server's way to fail.
        Some(value) if value["error"] == true => Err(EvolutionError::Refused { status, words: words(&value) }),
        Some(value) => Ok(value),
        None if answer.body.is_empty() => Ok(Value::Null),
        None => Err(EvolutionError::Unclear("the server's answer is no JSON".to_owned())),
    }
}

pub(super) fn trouble(e: &EgressError) -> EvolutionError {
    match e {
        EgressError::BadUrl(_) | EgressError::Forbidden { .. } => EvolutionError::Forbidden(e.to_string()),
        e if e.leaves_no_doubt() => EvolutionError::NotSent(format!("the Evolution server cannot be reached: {e}")),
        e => EvolutionError::Unclear(format!("the Evolution server did not answer as it should: {e}")),
    }
}

/// From 2.4 on every route may answer so until the server has been registered.
pub(super) fn is_licence(status: StatusCode, body: Option<&Value>) -> bool {
    let named = |v: &Value| {
        ["code", "error", "message"].iter().any(|k| v[k].as_str().is_some_and(|t| t.contains("LICENSE_REQUIRED")))
    };
    status == StatusCode::SERVICE_UNAVAILABLE
        && body.is_some_and(|v| named(v) || named(&v["response"]) || words(v).contains("LICENSE_REQUIRED"))
}

/// What a person reads about a server that wants a licence.
pub(super) const LICENCE: &str = "the Evolution server answers nothing before it has a licence (LICENSE_REQUIRED): \
     register it in its own manager, then reconnect";

impl EvolutionError {
    /// In plain words.
    pub(super) fn text(&self) -> String {
        match self {
            Self::NotSent(why) | Self::Forbidden(why) | Self::Unclear(why) => why.clone(),
            Self::Refused { status: 401 | 403, .. } => {
                "the Evolution server refuses the key: set api_key anew".to_owned()
            }
            Self::Refused { status, words } => format!("the Evolution server answered {status}: {words}"),
            Self::Licence => LICENCE.to_owned(),
        }
    }
}

/// The server's own words about a failure, with numbers masked; its message is a text, a list or objects.
pub(super) fn words(value: &Value) -> String {
    let of = |v: &Value| match v {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => Some(items.iter().map(one).collect::<Vec<_>>().join("; ")).filter(|t| !t.is_empty()),
        Value::Object(_) => Some(one(v)),
        _ => None,
    };
    let found = [&value["response"]["message"], &value["message"], &value["error"]["message"], &value["error"]];
    let text = found.into_iter().find_map(of).unwrap_or_else(|| "without saying why".to_owned());
    repeated(&text)
}

fn one(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(o) if o.get("exists") == Some(&Value::Bool(false)) => "the number has no WhatsApp".to_owned(),
        Value::Array(items) => items.iter().map(one).collect::<Vec<_>>().join("; "),
        Value::Object(o) => match o.get("message").and_then(Value::as_str) {
            Some(message) => message.to_owned(),
            None => "an error that is not described".to_owned(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_words_are_found_wherever_they_stand() {
        for (value, told) in [
            (json!({"status": 400, "error": "Bad Request", "response": {"message": "no"}}), "no"),
            (json!({"status": 400, "error": "Bad Request", "response": {"message": ["a", "b"]}}), "a; b"),
            (
                json!({"status": 400, "response": {"message": [{"jid": "966501234567@s.whatsapp.net", "exists": false}]}}),
                "the number has no WhatsApp",
            ),
            (
                json!({"status": 400, "response": {"message": [["instance requires property \"text\""]]}}),
                "instance requires property \"text\"",
            ),
            (json!({"error": true, "message": "Error: Connection Closed"}), "Error: Connection Closed"),
            (json!({"error": {"message": "(#100) Invalid", "code": 100}}), "(#100) Invalid"),
            (json!({"error": "Unauthorized"}), "Unauthorized"),
            (json!({"response": {"message": {"message": "inner"}}}), "inner"),
            (json!({"message": "to 966501234567\nnow"}), "to ****567 now"),
            (json!([]), "without saying why"),
        ] {
            assert_eq!(words(&value), told, "{value}");
        }
    }

    #[test]
    fn a_licence_is_wanted_only_under_its_own_status() {
        for body in [
            json!({"error": "LICENSE_REQUIRED", "message": "register"}),
            json!({"code": "LICENSE_REQUIRED"}),
            json!({"status": 503, "response": {"message": ["LICENSE_REQUIRED"]}}),
        ] {
            assert!(is_licence(StatusCode::SERVICE_UNAVAILABLE, Some(&body)), "{body}");
            assert!(!is_licence(StatusCode::BAD_REQUEST, Some(&body)), "{body}");
        }
        assert!(!is_licence(StatusCode::SERVICE_UNAVAILABLE, Some(&json!({"error": "Service Unavailable"}))));
        assert!(!is_licence(StatusCode::SERVICE_UNAVAILABLE, None));
    }

    #[test]
    fn a_name_is_one_segment() {
        assert_eq!(percent::encode("shop-line"), "shop-line");
        assert_eq!(percent::encode("Loja 1/é?"), "Loja%201%2F%C3%A9%3F");
    }
}
