//! The pages. Server-rendered, no build step, no script needed.
//!
//! What is here so far: the front page, logging in by a one-time link, and the newest rows of the message log.
//!
//! Texts that come from outside are escaped by the templates; the Content-Security-Policy allows no inline script or
//! style at all.

pub mod assets;
pub mod docs;
pub mod login;
pub mod message_logs;

use crate::{gateway::Gateway, http::Incoming};
use ::http::{HeaderValue, StatusCode, header};
use askama::Template;
use serde_json::json;
use warp::{Reply, reply::Response};

const CSP: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                   frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "front.html", config = "assets/askama.toml")]
struct Front<'a> {
    title: &'a str,
    support: &'a str,
}

#[derive(Template)]
#[template(path = "note.html", config = "assets/askama.toml")]
struct Note<'a> {
    title: &'a str,
    text: &'a str,
    support: &'a str,
}

/// `GET /`: JSON for programs, the front page for browsers.
pub async fn root(gateway: &Gateway, incoming: Incoming) -> Response {
    if incoming.wants_html() {
        return page(&Front { title: "WhatsApp Gateway", support: &gateway.support_contact }, StatusCode::OK);
    }
    let body = json!({"status": "ok", "name": "wa-gateway", "version": env!("CARGO_PKG_VERSION")});
    warp::reply::json(&body).into_response()
}

/// What a browser sees where there is nothing.
pub fn unmatched(gateway: &Gateway, allowed: &[&str]) -> Response {
    if allowed.is_empty() {
        return note(gateway, StatusCode::NOT_FOUND, "Not found", "There is no such page.");
    }
    let mut response =
        note(gateway, StatusCode::METHOD_NOT_ALLOWED, "Not allowed", "This page does not take that method.");
    if let Ok(value) = HeaderValue::from_str(&allowed.join(", ")) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

/// A page that says one thing.
pub(crate) fn note(gateway: &Gateway, status: StatusCode, title: &str, text: &str) -> Response {
    page(&Note { title, text, support: &gateway.support_contact }, status)
}

/// A template as a page, with the headers that every page has.
pub(crate) fn page(template: &impl Template, status: StatusCode) -> Response {
    let html = match template.render() {
        Ok(html) => html,
        Err(e) => {
            tracing::error!("a page could not be rendered: {e}");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let mut response = warp::reply::with_status(warp::reply::html(html), status).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
