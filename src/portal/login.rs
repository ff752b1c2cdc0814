//! `GET /login/{token}`: a one-time link becomes a session.

use crate::{
    accounts::{AccountError, Session},
    gateway::Gateway,
    http::{Door, Incoming, problem},
    portal::note,
};
use ::http::{HeaderValue, StatusCode, header};
use warp::{Reply, reply::Response};

/// On TLS, bound to this host and never sent in the clear; on plain loopback HTTP browsers refuse that prefix.
const TLS_COOKIE: &str = "__Host-session";
const PLAIN_COOKIE: &str = "session";

/// Uses the link up, sets the cookie, shows the log.
pub async fn handle(gateway: &Gateway, incoming: Incoming) -> Response {
    let token = incoming.segments.first().map(String::as_str).unwrap_or_default();
    let agent = incoming.header("user-agent").unwrap_or_default();
    let session = match gateway.accounts.redeem_login(token, agent, incoming.client_address(gateway)).await {
        Ok(session) => session,
        Err(AccountError::Store(e)) => return problem::internal(&e, &incoming.request_id),
        Err(_) => {
            let text = "This link was used before or has run out. Ask for a new one.";
            return note(gateway, StatusCode::FORBIDDEN, "Link not valid", text);
        }
    };
    let cookie = match incoming.door {
        Door::Public => format!("{TLS_COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Strict", session.token),
        _ => format!("{PLAIN_COOKIE}={}; Path=/; HttpOnly; SameSite=Strict", session.token),
    };
    // SameSite=Strict: the cookie comes with the next request only when it begins on our own page.
    let mut response = note(gateway, StatusCode::OK, "You are logged in", "");
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        headers.insert(header::SET_COOKIE, value);
    }
    headers.insert(header::REFRESH, HeaderValue::from_static("0; url=/message-logs"));
    response.into_response()
}

/// Who is logged in with this request's cookie.
///
/// # Errors
/// A page that says so when nobody is, or when the database does not answer.
pub async fn session(gateway: &Gateway, incoming: &Incoming) -> Result<Session, Response> {
    let name = if incoming.door == Door::Public { TLS_COOKIE } else { PLAIN_COOKIE };
    let cookies = incoming.header("cookie").unwrap_or_default();
    let token = cookies.split(';').filter_map(|c| c.trim().split_once('=')).find(|(n, _)| *n == name);
    let found = match token {
        Some((_, token)) => gateway.accounts.session(token).await,
        None => Ok(None),
    };
    match found {
        Ok(Some(session)) => Ok(session),
        Ok(None) => {
            let text = "Open your one-time login link. `wa-gateway demo` prints one at each start.";
            Err(note(gateway, StatusCode::UNAUTHORIZED, "Please log in", text))
        }
        Err(e) => {
            tracing::warn!(request_id = incoming.request_id, "a session could not be read: {e}");
            Err(note(gateway, StatusCode::SERVICE_UNAVAILABLE, "Not now", "Please try again in a moment."))
        }
    }
}
