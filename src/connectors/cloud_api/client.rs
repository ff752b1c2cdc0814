//! Calls to Meta's API: one function a route, each bounded in time and size, and what a bad answer says.
//!
//! - [`GraphResponse`] is an answer as it came; [`GraphError`] is Meta's own error in it, which alone decides what follows.
//! - No text that is made here holds the token, a whole number or a message.

use super::{limits, settings::Settings};
use crate::{
    connectors::{meta_error::GraphError, outgoing::MediaFile},
    egress::{Bounds, Egress, EgressError, Outbound},
    model::{egress::Use, file_name, percent},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::Value;
use std::time::Duration;

/// How long a question may take.
const ASK: Bounds = Bounds { timeout: Duration::from_secs(20), max_answer_bytes: 4 * 1024 * 1024 };
/// A message: its caller gives up long before that.
const SEND: Bounds = Bounds { timeout: Duration::from_secs(60), max_answer_bytes: 256 * 1024 };
/// A file on its way there: its caller gives up before that.
const UPLOAD: Bounds = Bounds { timeout: Duration::from_secs(120), max_answer_bytes: 256 * 1024 };
/// A file on its way here.
const FETCH: Duration = Duration::from_secs(120);

/// The way to one number.
pub(super) struct GraphClient {
    egress: Egress,
    /// Base address and version.
    base: String,
    phone_number_id: String,
    waba_id: Option<String>,
    authorization: HeaderValue,
}

/// An answer of Meta's.
#[derive(Clone, Debug)]
pub(super) struct GraphResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// There was more than was read.
    pub(super) truncated: bool,
}

/// Why a question has no good answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum GraphFailure {
    /// There was no answer, or none that can be read.
    NoAnswer(String),
    Refused {
        status: u16,
        error: Option<GraphError>,
    },
}

impl GraphClient {
    pub(super) fn new(egress: Egress, settings: &Settings) -> Self {
        // Settings have only visible ASCII here.
        let bearer = HeaderValue::from_str(&format!("Bearer {}", settings.access_token));
        let mut authorization = bearer.unwrap_or_else(|_| HeaderValue::from_static(""));
        authorization.set_sensitive(true);
        Self {
            egress,
            base: format!("{}/{}", settings.base_url, settings.graph_version),
            phone_number_id: settings.phone_number_id.clone(),
            waba_id: settings.waba_id.clone(),
            authorization,
        }
    }

    /// `POST /{phone_number_id}/messages`: the answer as it came, since every byte of it decides.
    pub(super) async fn send(&self, body: &Value) -> Result<GraphResponse, EgressError> {
        self.post("messages", "application/json", Bytes::from(body.to_string()), SEND).await
    }

    /// `POST /{phone_number_id}/calls`: what is to become of a call.
    pub(super) async fn call(&self, body: &Value) -> Result<GraphResponse, EgressError> {
        let bounds = Bounds { max_answer_bytes: SEND.max_answer_bytes, ..ASK };
        self.post("calls", "application/json", Bytes::from(body.to_string()), bounds).await
    }

    /// `POST /{phone_number_id}/media`: a file of these bytes.
    pub(super) async fn upload(
        &self,
        file: &MediaFile,
        bytes: &[u8],
        boundary: &str,
    ) -> Result<GraphResponse, EgressError> {
        let body = form(file, bytes, boundary);
        self.post("media", &format!("multipart/form-data; boundary={boundary}"), body, UPLOAD).await
    }

    /// The number's own fields.
    pub(super) async fn number(&self) -> Result<Value, GraphFailure> {
        let path = format!("/{}?fields=display_phone_number,verified_name,quality_rating", self.phone_number_id);
        self.ask(&path).await
    }

    /// The number's fields of its set-up: registration, name, limit, where its calls go, whether it may send.
    pub(super) async fn number_in_full(&self) -> Result<Value, GraphFailure> {
        let fields = "display_phone_number,verified_name,quality_rating,name_status,status,platform_type,\
                      whatsapp_business_manager_messaging_limit,webhook_configuration,health_status";
        match self.ask(&format!("/{}?fields={fields}", self.phone_number_id)).await {
            // A version of the API that lacks one of them refuses all.
            Err(GraphFailure::Refused { error: Some(error), .. }) if error.code == 100 => self.number().await,
            answer => answer,
        }
    }

    /// What Meta tells of a token: the app that it is of, its scopes, until when it is good.
    pub(super) async fn token(&self, token: &str) -> Result<Value, GraphFailure> {
        self.ask(&format!("/debug_token?input_token={}", percent::encode(token))).await
    }

    /// The apps that hear of the business account; none: it is not known which account it is.
    pub(super) async fn subscribed_apps(&self) -> Option<Result<Value, GraphFailure>> {
        let waba = self.waba_id.as_deref()?;
        Some(self.ask(&format!("/{waba}/subscribed_apps")).await)
    }

    /// Makes the token's app hear of the business account.
    pub(super) async fn subscribe(&self) -> Option<Result<Value, GraphFailure>> {
        let url = format!("{}/{}/subscribed_apps", self.base, self.waba_id.as_deref()?);
        let nothing = Some(("application/json", Bytes::from_static(b"{}")));
        Some(read(self.exchange(Method::POST, &url, nothing, ASK).await))
    }

    /// A page of the business account's templates; the first one, or the one behind a cursor. None: it is not known
    /// which account it is.
    pub(super) async fn templates(&self, after: Option<&str>) -> Option<Result<Value, GraphFailure>> {
        let waba = self.waba_id.as_deref()?;
        let after = after.map(|cursor| format!("&after={}", percent::encode(cursor))).unwrap_or_default();
        let fields = "name,language,category,status,parameter_format,components";
        Some(self.ask(&format!("/{waba}/message_templates?fields={fields}&limit=200{after}")).await)
    }

    /// The templates of one name, in all its languages. None: it is not known which account it is.
    pub(super) async fn templates_named(&self, name: &str) -> Option<Result<Value, GraphFailure>> {
        let waba = self.waba_id.as_deref()?;
        let name = percent::encode(name);
        Some(self.ask(&format!("/{waba}/message_templates?fields=id,name,language,status&name={name}&limit=200")).await)
    }

    /// Submits a new template, or new content of the one with this id. None: it is not known which account it is.
    pub(super) async fn submit(&self, id: Option<&str>, body: &Value) -> Option<Result<Value, GraphFailure>> {
        let waba = self.waba_id.as_deref()?;
        let path = id.map_or_else(|| format!("{waba}/message_templates"), percent::encode);
        let content = Some(("application/json", Bytes::from(body.to_string())));
        Some(read(self.exchange(Method::POST, &format!("{}/{path}", self.base), content, ASK).await))
    }

    /// Deletes a template in one of its languages. None: it is not known which account it is.
    pub(super) async fn delete_template(&self, name: &str, id: &str) -> Option<Result<Value, GraphFailure>> {
        let waba = self.waba_id.as_deref()?;
        let (name, id) = (percent::encode(name), percent::encode(id));
        let url = format!("{}/{waba}/message_templates?name={name}&hsm_id={id}", self.base);
        Some(read(self.exchange(Method::DELETE, &url, None, ASK).await))
    }

    /// What is known of a file that somebody sent: its address, type, SHA-256 and size.
    pub(super) async fn media(&self, id: &str) -> Result<Value, GraphFailure> {
        self.ask(&format!("/{}?phone_number_id={}", percent::encode(id), self.phone_number_id)).await
    }

    /// The file at an address that [`GraphClient::media`] told.
    pub(super) async fn file(&self, url: &str, max_bytes: usize) -> Result<GraphResponse, EgressError> {
        let bounds = Bounds { timeout: FETCH, max_answer_bytes: max_bytes };
        self.exchange(Method::GET, url, None, bounds).await
    }

    /// Whether an address is one of the API's own server.
    pub(super) fn is_at(&self, url: &str) -> bool {
        let end = self.base.find("://").and_then(|at| self.base[at + 3..].find('/').map(|slash| at + 3 + slash));
        end.is_some_and(|end| url.starts_with(&self.base[..=end]))
    }

    async fn ask(&self, path: &str) -> Result<Value, GraphFailure> {
        let url = format!("{}{path}", self.base);
        read(self.exchange(Method::GET, &url, None, ASK).await)
    }

    async fn post(&self, what: &str, kind: &str, body: Bytes, bounds: Bounds) -> Result<GraphResponse, EgressError> {
        let url = format!("{}/{}/{what}", self.base, self.phone_number_id);
        self.exchange(Method::POST, &url, Some((kind, body)), bounds).await
    }

    async fn exchange(
        &self,
        method: Method,
        url: &str,
        content: Option<(&str, Bytes)>,
        bounds: Bounds,
    ) -> Result<GraphResponse, EgressError> {
        let (kind, body) = content.unzip();
        let body = body.unwrap_or_default();
        let mut headers: Vec<(HeaderName, HeaderValue)> = vec![(header::AUTHORIZATION, self.authorization.clone())];
        if let Some(kind) = kind.and_then(|kind| HeaderValue::from_str(kind).ok()) {
            headers.push((header::CONTENT_TYPE, kind));
        }
        let inbound = self.egress.send(Outbound { method, url, headers, body, of: Use::Connectors }, bounds).await?;
        let (status, headers, body) = (inbound.status, inbound.headers, inbound.body);
        Ok(GraphResponse { status, headers, body, truncated: inbound.truncated })
    }
}

impl GraphResponse {
    /// Its JSON, if it is some.
    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

impl GraphFailure {
    /// In plain words.
    pub(super) fn text(&self) -> String {
        match self {
            Self::NoAnswer(why) => why.clone(),
            Self::Refused { error: Some(error), .. } => error.text(),
            Self::Refused { status, .. } => format!("Meta's API answered {status} without saying why"),
        }
    }
}

/// The JSON of a good answer.
fn read(answer: Result<GraphResponse, EgressError>) -> Result<Value, GraphFailure> {
    let answer = answer.map_err(|e| GraphFailure::NoAnswer(format!("Meta's API gives no answer: {e}")))?;
    let value = answer.json();
    let error = value.as_ref().and_then(GraphError::find);
    match value {
        Some(value) if answer.status.is_success() && error.is_none() => Ok(value),
        None if answer.status.is_success() => {
            Err(GraphFailure::NoAnswer("the answer of Meta's API is no JSON".to_owned()))
        }
        _ => Err(GraphFailure::Refused { status: answer.status.as_u16(), error }),
    }
}

/// A file as a form. The name is what people see of a document, so it goes with the message; here it only needs to fit.
fn form(file: &MediaFile, bytes: &[u8], boundary: &str) -> Bytes {
    let mime = limits::upload_type(&file.mime_type);
    let extension = file_name::ending(mime).unwrap_or("bin");
    let field = |name: &str, value: &str| {
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let head = format!(
        "{}{}--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file.{extension}\"\r\n\
         Content-Type: {mime}\r\n\r\n",
        field("messaging_product", "whatsapp"),
        field("type", mime),
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let mut body = Vec::with_capacity(head.len() + bytes.len() + tail.len());
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(bytes);
    body.extend_from_slice(tail.as_bytes());
    Bytes::from(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_form_of_three_fields() {
        let file = MediaFile {
            path: "x".into(),
            mime_type: "image/jpeg".into(),
            size: 3,
            file_name: Some("\"quoted\".jpg".into()),
        };
        let text = String::from_utf8(form(&file, b"abc", "B").to_vec()).expect("text");
        let fields: Vec<&str> = text.split("--B").collect();
        assert_eq!(fields.len(), 5, "{text}");
        assert!(fields[1].ends_with("name=\"messaging_product\"\r\n\r\nwhatsapp\r\n"), "{text}");
        assert!(fields[2].ends_with("name=\"type\"\r\n\r\nimage/jpeg\r\n"), "{text}");
        assert!(fields[3].contains("filename=\"file.jpg\"\r\nContent-Type: image/jpeg\r\n\r\nabc\r\n"), "{text}");
        assert_eq!(fields[4], "--\r\n");
    }
    /// Meta judges an upload by type and name: both fit, and what is text goes as one.
    #[test]
    fn what_is_uploaded_is_called_as_its_type() {
        let sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        for (mime, told, name) in [
            ("audio/mpeg", "audio/mpeg", "file.mp3"),
            ("text/csv", "text/plain", "file.txt"),
            (sheet, sheet, "file.xlsx"),
            ("audio/ogg", "audio/ogg", "file.ogg"),
            ("application/pdf", "application/pdf", "file.pdf"),
        ] {
            let file = MediaFile { path: "x".into(), mime_type: mime.into(), size: 1, file_name: None };
            let text = String::from_utf8(form(&file, b"a", "B").to_vec()).expect("text");
            assert!(text.contains(&format!("filename=\"{name}\"\r\nContent-Type: {told}\r\n")), "{text}");
            assert!(text.contains(&format!("name=\"type\"\r\n\r\n{told}\r\n")), "{text}");
        }
    }
}
