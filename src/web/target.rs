//! What a request is for: its target and its host, judged before anything else looks at them. What reads them later, ours
//! or not, meets the ordinary form only.
//!
//! - The target begins with a slash and is of visible ASCII; each `%` has its two digits; it has no fragment. Whole
//!   addresses, `*` and the targets of `CONNECT` are for proxies, which this is not.
//! - HTTP/1.1 names one host (RFC 9112, 3.2); HTTP/1.0 one at most; HTTP/2 has it in `:authority`, or else in `Host`.

use ::http::{HeaderValue, Request, Response, StatusCode, Version, header};

/// Longest target, in bytes: path and query.
const LONGEST: usize = 8 * 1024;

/// The target of a request that may go on.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct RequestTarget {
    /// The path, as it was sent (not decoded).
    pub path: String,
    /// The query without its question mark; empty for none.
    pub query: String,
    /// Host and port as the client named them; empty where HTTP/1.0 names none.
    pub host: String,
}

/// Why a request goes no further.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadTarget {
    /// It is none of the ordinary form.
    #[error("the request's target must be a path of visible ASCII that begins with a slash")]
    Form,
    /// A percent sign without two hexadecimal digits behind it.
    #[error("a percent sign in the request's target must be followed by two hexadecimal digits")]
    Escape,
    /// It has more bytes than anything here has an address for.
    #[error("the request's target is longer than 8192 bytes")]
    TooLong,
    /// No host, several, or what is no host.
    #[error("a request must name one host")]
    Host,
}

impl BadTarget {
    /// The answer: one line of text, since nobody knows yet whose contract it would be.
    pub fn answer<B: From<String>>(self) -> Response<B> {
        let mut response = Response::new(B::from(format!("{self}\n")));
        *response.status_mut() = match self {
            Self::TooLong => StatusCode::URI_TOO_LONG,
            Self::Form | Self::Escape | Self::Host => StatusCode::BAD_REQUEST,
        };
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response
    }
}

impl RequestTarget {
    /// Judges a request by its first line and its `Host`.
    ///
    /// # Errors
    /// See [`BadTarget`].
    pub fn of<B>(request: &Request<B>) -> Result<Self, BadTarget> {
        let uri = request.uri();
        let is_h2 = request.version() >= Version::HTTP_2;
        // HTTP/2 has scheme and authority apart from the path; in HTTP/1 they are there when a proxy is asked.
        if !is_h2 && (uri.scheme().is_some() || uri.authority().is_some()) {
            return Err(BadTarget::Form);
        }
        let named = request.headers().get_all(header::HOST).iter().map(HeaderValue::as_bytes);
        let authority = uri.authority().map(|authority| authority.as_str().as_bytes());
        let host = host(authority.into_iter().chain(named.filter(|_| authority.is_none())))?;
        if host.is_empty() && request.version() != Version::HTTP_10 {
            return Err(BadTarget::Host);
        }
        let (path, query) = origin_form(uri.path_and_query().ok_or(BadTarget::Form)?.as_str())?;
        Ok(Self { path: path.to_owned(), query: query.to_owned(), host })
    }
}

/// The path and the query of a target in the ordinary form.
fn origin_form(target: &str) -> Result<(&str, &str), BadTarget> {
    if target.len() > LONGEST {
        return Err(BadTarget::TooLong);
    }
    let is_ordinary = |b: &u8| b.is_ascii_graphic() && *b != b'#';
    if !target.starts_with('/') || !target.as_bytes().iter().all(is_ordinary) {
        return Err(BadTarget::Form);
    }
    let mut after_percent = target.split('%').skip(1).map(str::as_bytes);
    if !after_percent.all(|rest| rest.len() >= 2 && rest[..2].iter().all(u8::is_ascii_hexdigit)) {
        return Err(BadTarget::Escape);
    }
    Ok(target.split_once('?').unwrap_or((target, "")))
}

/// The one host of several names for it; empty for none.
fn host<'a>(mut named: impl Iterator<Item = &'a [u8]>) -> Result<String, BadTarget> {
    let Some(host) = named.next() else { return Ok(String::new()) };
    let is_of_a_host = |b: &u8| b.is_ascii_alphanumeric() || b"-._~[]:%".contains(b);
    if named.next().is_some() || host.is_empty() || !host.iter().all(is_of_a_host) {
        return Err(BadTarget::Host);
    }
    String::from_utf8(host.to_vec()).map_err(|_| BadTarget::Host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type OriginForm<'a> = Result<(&'a str, &'a str), BadTarget>;

    #[test]
    fn only_the_ordinary_form_goes_on() {
        let rows: &[(&str, OriginForm<'_>)] = &[
            ("/", Ok(("/", ""))),
            ("/api/messages/12?x=1&y=%20", Ok(("/api/messages/12", "x=1&y=%20"))),
            ("/chat?q=a?b", Ok(("/chat", "q=a?b"))),
            ("/%D8%B3/~a.b-c_d", Ok(("/%D8%B3/~a.b-c_d", ""))),
            ("", Err(BadTarget::Form)),
            ("overview", Err(BadTarget::Form)),
            ("/a b", Err(BadTarget::Form)),
            ("/caf\u{e9}", Err(BadTarget::Form)),
            ("/a\u{7f}", Err(BadTarget::Form)),
            ("/a#b", Err(BadTarget::Form)),
            ("/100%", Err(BadTarget::Escape)),
            ("/%4", Err(BadTarget::Escape)),
            ("/a?b=%zz", Err(BadTarget::Escape)),
            ("/%+1", Err(BadTarget::Escape)),
        ];
        for (target, expected) in rows {
            assert_eq!(origin_form(target), *expected, "{target}");
        }
        let long = |n: usize| format!("/{}", "a".repeat(n - 1));
        assert!(origin_form(&long(LONGEST)).is_ok());
        assert_eq!(origin_form(&long(LONGEST + 1)), Err(BadTarget::TooLong));
    }

    #[test]
    fn a_request_names_one_host() {
        let rows: &[(Version, &[&str], Result<&str, BadTarget>)] = &[
            (Version::HTTP_11, &["shop.example"], Ok("shop.example")),
            (Version::HTTP_11, &["[2001:db8::1]:8443"], Ok("[2001:db8::1]:8443")),
            (Version::HTTP_11, &[], Err(BadTarget::Host)),
            (Version::HTTP_11, &[""], Err(BadTarget::Host)),
            (Version::HTTP_11, &["a.example", "b.example"], Err(BadTarget::Host)),
            (Version::HTTP_11, &["a.example", "a.example"], Err(BadTarget::Host)),
            (Version::HTTP_11, &["user@a.example"], Err(BadTarget::Host)),
            (Version::HTTP_11, &["a.example/x"], Err(BadTarget::Host)),
            (Version::HTTP_11, &["a.example, b.example"], Err(BadTarget::Host)),
            (Version::HTTP_10, &[], Ok("")),
            (Version::HTTP_10, &["a.example"], Ok("a.example")),
            (Version::HTTP_10, &["a.example", "b.example"], Err(BadTarget::Host)),
            (Version::HTTP_2, &["a.example"], Ok("a.example")),
            (Version::HTTP_2, &[], Err(BadTarget::Host)),
        ];
        for (version, hosts, expected) in rows {
            let mut request = Request::builder().version(*version).uri("/overview");
            for host in *hosts {
                request = request.header(header::HOST, *host);
            }
            let found = RequestTarget::of(&request.body(()).expect("a request")).map(|target| target.host);
            assert_eq!(found, expected.map(str::to_owned), "{version:?} {hosts:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_goes_on_is_whole_and_ordinary(target in "\\PC{0,60}") {
            if let Ok((path, query)) = origin_form(&target) {
                prop_assert!(path.starts_with('/') && target.is_ascii());
                let again = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
                prop_assert_eq!(again.trim_end_matches('?'), target.trim_end_matches('?'));
            }
        }
    }
}
