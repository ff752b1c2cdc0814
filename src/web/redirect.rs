//! Port 80: answers ACME's http-01 challenge, and sends everything else to TLS.
//!
//! A page is redirected. Any other method is refused with a word of why: what it carried has crossed the network in
//! the clear, and a silent redirect would keep it that way.

use super::RequestTarget;
use crate::ops::acme::Challenges;
use ::http::{HeaderValue, Method, Request, Response, StatusCode, header, uri::Authority};
use bytes::Bytes;
use http_body_util::Full;
use std::{convert::Infallible, future::Ready, sync::Arc};
use tower::Service;

type RedirectResponse = Response<Full<Bytes>>;
type RedirectFuture = Ready<Result<RedirectResponse, Infallible>>;

/// RFC 8555, 8.3.
const CHALLENGES: &str = "/.well-known/acme-challenge/";

/// What the listener needs to know.
#[derive(Clone)]
pub struct TlsRedirect {
    /// Under way right now.
    pub challenges: Arc<Challenges>,
    /// `https://…` where people reach the gateway; none: the host that the client named.
    pub public_url: Option<String>,
    /// The port of the public listener.
    pub tls_port: Option<u16>,
}

impl TlsRedirect {
    /// The service of the listener.
    pub fn service<B: Send + 'static>(
        self,
    ) -> impl Service<Request<B>, Response = RedirectResponse, Error = Infallible, Future = RedirectFuture>
    + Clone
    + Send
    + Sync
    + 'static {
        tower::service_fn(move |request: Request<B>| std::future::ready(Ok(self.answer(&request))))
    }

    fn answer<B>(&self, request: &Request<B>) -> RedirectResponse {
        let target = match RequestTarget::of(request) {
            Ok(target) => target,
            Err(bad) => return bad.answer(),
        };
        if let Some(token) = target.path.strip_prefix(CHALLENGES) {
            return match self.challenges.http_answer(token) {
                Some(answer) => text(StatusCode::OK, answer),
                None => text(StatusCode::NOT_FOUND, "there is no such challenge\n".to_owned()),
            };
        }
        let Some(base) = self.base(&target.host) else {
            return text(StatusCode::NOT_FOUND, "this gateway has no TLS listener\n".to_owned());
        };
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            return text(StatusCode::FORBIDDEN, format!("use {base}: nothing is taken without TLS\n"));
        }
        let query = if target.query.is_empty() { String::new() } else { format!("?{}", target.query) };
        let mut response = text(StatusCode::TEMPORARY_REDIRECT, String::new());
        match HeaderValue::from_str(&format!("{base}{}{query}", target.path)) {
            Ok(location) => drop(response.headers_mut().insert(header::LOCATION, location)),
            Err(_) => *response.status_mut() = StatusCode::BAD_REQUEST,
        }
        response
    }

    fn base(&self, named: &str) -> Option<String> {
        let port = self.tls_port?;
        if let Some(url) = self.public_url.as_ref().filter(|url| url.starts_with("https://")) {
            return Some(url.clone());
        }
        let named = named.parse::<Authority>().ok()?;
        let host = Some(named.host()).filter(|host| !host.is_empty())?;
        Some(if port == 443 { format!("https://{host}") } else { format!("https://{host}:{port}") })
    }
}

fn text(status: StatusCode, body: String) -> RedirectResponse {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(plain: &TlsRedirect, method: &str, host: &str, path: &str) -> (u16, String) {
        let mut request = Request::builder().method(method).uri(path);
        if !host.is_empty() {
            request = request.header("host", host);
        }
        let answer = plain.answer(&request.body(()).expect("a request"));
        let location = answer.headers().get("location").map(|l| l.to_str().expect("a text").to_owned());
        (answer.status().as_u16(), location.unwrap_or_default())
    }

    #[test]
    fn pages_go_to_tls_and_nothing_else_does() {
        let challenges = Arc::new(Challenges::default());
        let free = TlsRedirect { challenges: challenges.clone(), public_url: None, tls_port: Some(443) };
        let ported = TlsRedirect { tls_port: Some(8443), ..free.clone() };
        let named = TlsRedirect { public_url: Some("https://wa.example.com".into()), ..ported.clone() };
        let off = TlsRedirect { tls_port: None, ..free.clone() };
        for (plain, method, host, path, status, location) in [
            (&free, "GET", "a.example", "/x?y=1", 307, "https://a.example/x?y=1"),
            (&free, "HEAD", "a.example:80", "/", 307, "https://a.example/"),
            (&free, "GET", "[2001:db8::1]:80", "/", 307, "https://[2001:db8::1]/"),
            (&ported, "GET", "a.example", "/", 307, "https://a.example:8443/"),
            (&named, "GET", "evil.example", "/x", 307, "https://wa.example.com/x"),
            (&free, "POST", "a.example", "/api/send-message", 403, ""),
            (&free, "GET", "", "/", 400, ""),
            (&free, "GET", "u@a.example", "/", 400, ""),
            (&off, "GET", "a.example", "/", 404, ""),
            (&free, "GET", "a.example", "/.well-known/acme-challenge/none", 404, ""),
        ] {
            assert_eq!(asked(plain, method, host, path), (status, location.to_owned()), "{method} {host} {path}");
        }
        challenges.set_http("token", "token.thumbprint");
        assert_eq!(asked(&free, "GET", "a.example", "/.well-known/acme-challenge/token").0, 200);
    }
}
