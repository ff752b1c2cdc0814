//! The pages. Server-rendered, no build step; they work without script, which adds only what is live.
//!
//! - [`enter`](page_context::enter) is the one door: session, role, language, where a form came from. Who may see a page stands
//!   in `app::routes::ROUTES`. A page is an async function `(&Gateway, &PageContext) -> Result<Response, PageError>`.
//! - Texts are in [`locale`] (`assets/locales`), never in templates or code. `{{ v.t("file.key") }}`.
//! - Templates escape what comes from outside; the Content-Security-Policy allows no inline script or style at all.
//! - A form posts, is judged, and answers with its page again (422, errors beside the fields) or with 303.
//!
//! Adding a page: a file under `pages/` (or `admin/`), a template that extends `base.html`, its texts in the three
//! languages, a line in `app::routes::ROUTES`, a row in the tests.

pub mod access;
pub mod admin;
pub mod assets;
mod banner;
pub mod chat;
mod colleague;
pub mod docs;
pub mod live;
pub mod navigation;
pub mod notice;
mod once;
pub mod page_context;
pub mod page_error;
mod page_facts;
mod page_subject;
pub mod pages;
pub mod template_form;
mod typed;
mod verdict_words;

pub use page_context::{Page, PageContext, Subscriber, enter, subscriber};
pub use page_error::PageError;

use crate::{dialects::AppState, web::Incoming};
use ::http::{HeaderValue, StatusCode, header};
use askama::Template;
use page_error::see_other;
use serde_json::json;
use warp::{Reply, reply::Response};

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                   media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "front.html", config = "assets/askama.toml")]
struct Front<'a> {
    v: &'a PageContext,
}

/// `GET /`: JSON for programs; for browsers the overview, or the front page where nobody is logged in.
pub async fn root(state: &AppState, incoming: Incoming) -> Response {
    if !incoming.wants_html() {
        let body = json!({"status": "ok", "name": "wa-gateway", "version": env!("CARGO_PKG_VERSION")});
        return warp::reply::json(&body).into_response();
    }
    let page: Page =
        |_, v| Box::pin(async move { Ok(if v.is_in() { see_other("/overview") } else { v.page(&Front { v }) }) });
    enter(state, incoming, None, page).await
}

/// What a browser sees where there is nothing.
pub async fn unmatched(state: &AppState, incoming: Incoming, allowed: &[&str]) -> Response {
    let page: Page = if allowed.is_empty() {
        |_, _| Box::pin(async { Err(PageError::NotFound) })
    } else {
        |_, v| {
            let (title, text) = (v.t("trouble.method"), v.t("trouble.method_text"));
            Box::pin(async move { Ok(page_error::note(v, StatusCode::METHOD_NOT_ALLOWED, title, text)) })
        }
    };
    let mut response = enter(state, Incoming { method: ::http::Method::GET, ..incoming }, None, page).await;
    if let Ok(value) = HeaderValue::from_str(&allowed.join(", "))
        && !allowed.is_empty()
    {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
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
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    response
}
