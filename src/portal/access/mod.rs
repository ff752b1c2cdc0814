//! Getting in: set-up, login, second factor, one-time links, and what a visitor prefers.

pub mod link;
pub mod login;
pub mod preferences;
pub mod register;
pub mod security;
pub mod setup;

use super::{PageContext, page_error};
use crate::accounts::OneTimeLink;
use crate::web::cookie;
use ::http::{HeaderValue, StatusCode, header};
use warp::reply::Response;

/// Where to go after a login: a path of ours, never another site.
fn next(v: &PageContext) -> String {
    let asked = v.form.some("next").or(v.query.some("next")).unwrap_or_default();
    let is_ours = asked.starts_with('/') && !asked.starts_with("//") && !asked.contains(['\\', '\r', '\n']);
    if is_ours { asked.to_owned() } else { "/overview".to_owned() }
}

/// A new session in the browser, and on to a page.
fn welcome(v: &PageContext, session: &OneTimeLink, to: &str) -> Response {
    let mut response = page_error::see_other(to);
    cookie::set_session(&mut response, &session.token, v.is_https);
    response
}

/// The same by a page of ours: a cookie that is `SameSite=Strict` comes with the next request only when that begins on
/// our own page.
fn welcome_by_page(v: &PageContext, session: &OneTimeLink, to: &str) -> Response {
    let mut response = page_error::note(v, StatusCode::OK, v.t("access.welcome"), v.t("access.welcome_text"));
    cookie::set_session(&mut response, &session.token, v.is_https);
    if let Ok(value) = HeaderValue::from_str(&format!("0; url={to}")) {
        response.headers_mut().insert(header::REFRESH, value);
    }
    response
}
