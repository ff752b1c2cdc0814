//! The portal's cookies: the session, and what one prefers.

use crate::web::Incoming;
use ::http::{HeaderValue, header};
use std::time::Duration;
use warp::reply::Response;

/// On TLS, bound to this host and never sent in the clear; on plain loopback HTTP browsers refuse that prefix.
const TLS_SESSION: &str = "__Host-session";
const PLAIN_SESSION: &str = "session";
pub const LANGUAGE: &str = "lang";
/// Light or dark.
pub const THEME: &str = "theme";
/// The account that an admin looks at.
pub const ACCOUNT: &str = "account";

/// A cookie's value, if it is there.
pub fn find<'a>(incoming: &'a Incoming, name: &str) -> Option<&'a str> {
    let all = incoming.header("cookie").unwrap_or_default();
    all.split(';').filter_map(|c| c.trim().split_once('=')).find(|(n, _)| *n == name).map(|(_, v)| v)
}

/// The session's token.
pub fn session(incoming: &Incoming, is_https: bool) -> Option<String> {
    find(incoming, session_name(is_https)).map(str::to_owned)
}

/// `light`, `dark`, or empty.
pub fn theme(incoming: &Incoming) -> &'static str {
    match find(incoming, THEME) {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "",
    }
}

/// Begins a session in the browser.
pub fn set_session(response: &mut Response, token: &str, is_https: bool) {
    let secure = if is_https { " Secure;" } else { "" };
    append(
        response,
        &format!("{}={token}; Path=/;{secure} HttpOnly; SameSite={}", session_name(is_https), same_site(is_https)),
    );
}

/// Ends it there.
pub fn clear_session(response: &mut Response, is_https: bool) {
    let secure = if is_https { " Secure;" } else { "" };
    append(
        response,
        &format!("{}=; Path=/;{secure} HttpOnly; SameSite={}; Max-Age=0", session_name(is_https), same_site(is_https)),
    );
}

/// Keeps what one prefers, for a year.
pub fn set(response: &mut Response, name: &str, value: &str) {
    append(response, &format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000"));
}

/// Keeps in the browser for so long that somebody has logged in here.
pub fn set_device(response: &mut Response, mark: &str, life: Duration, is_https: bool) {
    let (name, secure) = (device_name(is_https), if is_https { " Secure;" } else { "" });
    append(response, &format!("{name}={mark}; Path=/;{secure} HttpOnly; SameSite=Lax; Max-Age={}", life.as_secs()));
}

/// What [`set_device`] has kept; empty: nothing.
pub fn device(incoming: &Incoming, is_https: bool) -> String {
    find(incoming, device_name(is_https)).unwrap_or_default().to_owned()
}

const fn device_name(is_https: bool) -> &'static str {
    if is_https { "__Host-device" } else { "device" }
}

const fn session_name(is_https: bool) -> &'static str {
    if is_https { TLS_SESSION } else { PLAIN_SESSION }
}

/// On TLS a link in a notice leads to its page without a second login; a foreign form does not get in either way.
const fn same_site(is_https: bool) -> &'static str {
    if is_https { "Lax" } else { "Strict" }
}

fn append(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
