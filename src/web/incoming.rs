//! A request, as handlers see it, and the filter that makes one.

use crate::{
    gateway::Gateway,
    web::{
        Listener, RequestId, RequestTarget,
        body::{Body, from_stream},
        client_address,
        server::Peer,
    },
};
use ::http::{HeaderMap, Method};
use std::net::{IpAddr, Ipv4Addr};
use warp::{Filter, filters::BoxedFilter, ws::Ws};

/// One request. Its body is not read yet.
pub struct Incoming {
    pub method: Method,
    /// Its path, as it was sent (not decoded).
    pub path: String,
    /// The segments that stood for `{…}` in the route's path, decoded.
    pub segments: Vec<String>,
    /// Its query, without the question mark; empty for none.
    pub query: String,
    /// Host and port as the client named them.
    pub host: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its id, returned in `X-Request-Id`.
    pub request_id: String,
    /// Which listener it came to.
    pub listener: Listener,
    /// The connection it came over; none in tests that call handlers without one.
    pub peer: Option<Peer>,
    /// What makes a WebSocket of it, where it asks for one.
    pub upgrade: Option<Ws>,
    pub body: Body,
}

impl Incoming {
    /// A header as text, if it is there once and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.get_all(name).iter();
        let first = all.next()?;
        if all.next().is_some() { None } else { first.to_str().ok() }
    }

    /// The page that a form stood on, as a browser says it: the path of its address, with what was asked of it.
    pub fn came_from(&self) -> Option<&str> {
        let (_, rest) = self.header("referer")?.split_once("://")?;
        rest.find('/').map(|at| &rest[at..])
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

/// Any request, behind [`RequestTarget::of`].
pub fn any() -> BoxedFilter<(Incoming,)> {
    let upgrade = warp::ws().map(Some).or(warp::any().map(|| None)).unify();
    warp::method()
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional::<RequestTarget>())
        .and(warp::ext::optional::<RequestId>())
        .and(warp::ext::optional::<Listener>())
        .and(warp::ext::optional::<Peer>())
        .and(upgrade)
        .and(warp::body::stream())
        .map(
            |method,
             headers,
             target: Option<RequestTarget>,
             id: Option<RequestId>,
             listener: Option<Listener>,
             peer,
             upgrade,
             body| {
                let RequestTarget { path, query, host } = target.unwrap_or_default();
                Incoming {
                    method,
                    path,
                    segments: Vec::new(),
                    query,
                    host,
                    headers,
                    request_id: id.map(|id| id.0).unwrap_or_default(),
                    listener: listener.unwrap_or(Listener::Local),
                    peer,
                    upgrade,
                    body: from_stream(body),
                }
            },
        )
        .boxed()
}
