//! A request, as handlers see it, and the filters that make one.

use crate::{
    gateway::Gateway,
    model::percent,
    web::{
        Listener, RequestId,
        body::{Body, from_stream},
        client_address,
        server::Peer,
    },
};
use ::http::{HeaderMap, Method};
use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr},
};
use warp::{Filter, Rejection, filters::BoxedFilter};

/// One request. Its body is not read yet.
pub struct Incoming {
    /// Its method.
    pub method: Method,
    /// Its path, as it was sent (not decoded).
    pub path: String,
    /// The segments that stood for `{…}` in the route's path, decoded.
    pub segments: Vec<String>,
    /// Its query, without the question mark; empty for none.
    pub query: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its id, returned in `X-Request-Id`.
    pub request_id: String,
    /// Which listener it came to.
    pub listener: Listener,
    /// The connection it came over; none in tests that call handlers without one.
    pub peer: Option<Peer>,
    /// Its body.
    pub body: Body,
}

impl Incoming {
    /// A header as text, if it is there once and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.get_all(name).iter();
        let first = all.next()?;
        if all.next().is_some() { None } else { first.to_str().ok() }
    }

    /// Who really asks: behind a proxy of ours, the one that it names.
    pub fn client_address(&self, gateway: &Gateway) -> IpAddr {
        let peer = self.peer.as_ref().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |p| p.address.ip());
        client_address::client_address(peer, &self.headers, &gateway.trusted_proxies)
    }

    /// Whether it came over TLS, to us or to a proxy of ours.
    pub fn is_https(&self, gateway: &Gateway) -> bool {
        let peer = self.peer.as_ref().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |p| p.address.ip());
        client_address::is_https(peer, self.listener == Listener::Public, &self.headers, &gateway.trusted_proxies)
    }

    /// Whether a browser asks for a page.
    pub fn wants_html(&self) -> bool {
        self.header("accept").is_some_and(|accept| accept.contains("text/html"))
    }
}

/// Requests with this method and path.
pub fn matching(
    method: Method,
    path: &'static str,
) -> impl Filter<Extract = (Incoming,), Error = Rejection> + Clone + Send + Sync + 'static {
    let ours = warp::method().and(warp::path::full()).and_then(move |asked: Method, full: warp::path::FullPath| {
        // HEAD is GET without its body; hyper leaves the body out.
        let same = asked == method || (asked == Method::HEAD && method == Method::GET);
        let segments = if same { path_matches(path, full.as_str()) } else { None };
        std::future::ready(segments.ok_or_else(warp::reject::reject))
    });
    ours.and(any()).map(|segments, incoming: Incoming| Incoming { segments, ..incoming })
}

/// Any request.
pub fn any() -> BoxedFilter<(Incoming,)> {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::method()
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional::<RequestId>())
        .and(warp::ext::optional::<Listener>())
        .and(warp::ext::optional::<Peer>())
        .and(warp::body::stream())
        .and_then(
            |method,
             path: warp::path::FullPath,
             query,
             headers,
             id: Option<RequestId>,
             listener: Option<Listener>,
             peer,
             body| {
                std::future::ready(Ok::<_, Infallible>(Incoming {
                    method,
                    path: path.as_str().to_owned(),
                    segments: Vec::new(),
                    query,
                    headers,
                    request_id: id.map(|id| id.0).unwrap_or_default(),
                    listener: listener.unwrap_or(Listener::Local),
                    peer,
                    body: from_stream(body),
                }))
            },
        )
        .boxed()
}

/// The segments that stand for `{…}` of `pattern` in `path`, decoded; `None` when it is another path.
pub fn path_matches(pattern: &str, path: &str) -> Option<Vec<String>> {
    if !pattern.contains('{') {
        return (pattern == path).then(Vec::new);
    }
    let mut found = Vec::new();
    let mut segments = path.split('/');
    for part in pattern.split('/') {
        let segment = segments.next()?;
        if part.starts_with('{') {
            if segment.is_empty() {
                return None;
            }
            found.push(percent::decode(segment)?);
        } else if part != segment {
            return None;
        }
    }
    segments.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_match_by_whole_segments() {
        let rows: &[(&str, &str, Option<&[&str]>)] = &[
            ("/", "/", Some(&[])),
            ("/api/messages/{log_id}", "/api/messages/12", Some(&["12"])),
            ("/api/messages/{log_id}", "/api/messages/a%20b", Some(&["a b"])),
            ("/api/messages/{log_id}", "/api/messages/", None),
            ("/api/messages/{log_id}", "/api/messages/1/2", None),
            ("/api/messages/{log_id}", "/api/messages/%zz", None),
            ("/api/messages/{log_id}", "/api/messages/%+1", None),
            ("/api/messages/{log_id}", "/api/messages/%ff", None),
            ("/healthz", "/healthz/", None),
        ];
        for (pattern, path, expected) in rows {
            let expected = expected.map(|e| e.iter().map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!(path_matches(pattern, path), expected, "{pattern} {path}");
        }
    }
}
