//! Getting in: set-up, login, second factor, one-time links, and what a visitor prefers.

pub mod link;
pub mod login;
pub mod preferences;
pub mod register;
pub mod security;
pub mod setup;

use super::{PageContext, page_error};
use crate::accounts::{Guesser, OneTimeLink};
use crate::web::cookie;
use ::http::{HeaderValue, StatusCode, header};
use warp::reply::Response;

/// Where to go after a form: a path of ours, never another site.
fn next(v: &PageContext) -> String {
    let asked = v.form.some("next").or(v.query.some("next")).unwrap_or_default();
    if is_ours(asked) { asked.to_owned() } else { "/overview".to_owned() }
}

/// Whether a browser takes it for a path on this host. It leaves out tabs and line ends before it looks, and takes a
/// backslash for a slash.
fn is_ours(path: &str) -> bool {
    let is_plain = path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    path.starts_with('/') && !path.starts_with("//") && is_plain
}

/// Who guesses, when this is a login.
fn guesser(v: &PageContext) -> Guesser<'_> {
    Guesser { address: v.address, device: &v.device }
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

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn only_paths_of_ours_are_gone_to() {
        for path in ["/", "/overview", "/message-logs?q=a%20b&x=1#top", "/a//b", "/%09/x"] {
            assert!(is_ours(path), "{path}");
        }
        let elsewhere =
            ["", "overview", "//evil.example/x", "///x", "https://evil.example", "/caf\u{e9}", "javascript:x"];
        for path in elsewhere {
            assert!(!is_ours(path), "{path}");
        }
        let bytes = (0..=0x20).chain([0x5c, 0x7f]).map(char::from);
        for byte in bytes {
            for path in [format!("/{byte}/evil.example/x"), format!("{byte}//evil.example"), format!("/x{byte}")] {
                assert!(!is_ours(&path), "{path:?}");
            }
        }
    }
}
