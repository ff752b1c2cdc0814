//! The HTTP side: one table of routes, plain handlers, one place for errors.
//!
//! - [`ROUTES`] lists every route. What is not in it is 404; a path of it with another method is 405 with `Allow`.
//! - Each route function returns a `BoxedFilter<(Response,)>` (unboxed filters make builds take minutes); its handler
//!   is a plain async function over [`Incoming`] that knows nothing of warp. A rejection means only "did not match".
//! - `server/` accepts connections and bounds everything about them; `trust.rs` says whose address a request came from.
//! - `problem.rs` alone knows which status and text a code has; `reply.rs` writes the guarded API's answers.
//!
//! Every answer carries `X-Request-Id`. Handlers know no SQL, slices know no status code.
//!
//! Adding a route: a file with its handler, a function here that makes the filter, a line in [`ROUTES`], a test.

pub mod auth;
pub mod body;
pub mod guarded_api;
mod health;
pub mod incoming;
pub mod plain;
pub mod problem;
mod provider_hooks;
pub mod reply;
pub mod server;
mod service;
pub mod trust;

pub use incoming::Incoming;
pub use service::{Door, gateway_service};

use crate::{gateway::Gateway, portal};
use ::http::Method;
use std::sync::Arc;
use warp::{Filter, Reply, filters::BoxedFilter, reply::Response};

/// One line of the table.
pub struct Route {
    /// Its method.
    pub method: Method,
    /// Its path; `{name}` stands for one segment.
    pub path: &'static str,
    /// Makes its filter.
    make: fn(Arc<Gateway>) -> BoxedFilter<(Response,)>,
}

macro_rules! route {
    ($method:ident $path:literal => $handler:path) => {
        Route {
            method: Method::$method,
            path: $path,
            make: |gateway| {
                incoming::matching(Method::$method, $path)
                    .then(move |incoming: Incoming| {
                        let gateway = gateway.clone();
                        async move { $handler(&gateway, incoming).await.into_response() }
                    })
                    .boxed()
            },
        }
    };
}

/// Every route of the gateway. The busiest comes first: they are tried in this order.
pub static ROUTES: std::sync::LazyLock<Vec<Route>> = std::sync::LazyLock::new(|| {
    vec![
        route!(POST "/api/send-message" => guarded_api::send_message::handle),
        route!(GET "/api/messages/{log_id}" => guarded_api::message::handle),
        route!(POST "/hooks/cloud-api/{instance_id}" => provider_hooks::cloud_api),
        route!(GET "/hooks/cloud-api/{instance_id}" => provider_hooks::cloud_api),
        route!(POST "/hooks/evolution/{instance_id}" => provider_hooks::evolution),
        route!(GET "/healthz" => health::process),
        route!(GET "/readyz" => health::ready),
        route!(GET "/metrics" => health::metrics),
        route!(GET "/" => portal::root),
        route!(GET "/login/{token}" => portal::login::handle),
        route!(GET "/message-logs" => portal::message_logs::handle),
        route!(GET "/assets/{name}" => portal::assets::handle),
    ]
});

/// All routes as one filter that always answers.
pub fn routes(gateway: &Arc<Gateway>) -> BoxedFilter<(Response,)> {
    let mut all: Option<BoxedFilter<(Response,)>> = None;
    for route in ROUTES.iter() {
        let next = (route.make)(gateway.clone());
        all = Some(match all {
            None => next,
            Some(before) => before.or(next).unify().boxed(),
        });
    }
    let gateway = gateway.clone();
    let fallback = incoming::any().map(move |incoming: Incoming| unmatched(&gateway, &incoming)).boxed();
    match all {
        None => fallback,
        Some(routes) => routes.or(fallback).unify().boxed(),
    }
}

/// 404, or 405 where the path is served with other methods.
fn unmatched(gateway: &Gateway, incoming: &Incoming) -> Response {
    let allowed: Vec<&str> = ROUTES
        .iter()
        .filter(|route| incoming::path_matches(route.path, &incoming.path).is_some())
        .map(|route| route.method.as_str())
        .collect();
    let is_api = incoming.path.starts_with("/api/") || incoming.path.starts_with("/integrations/");
    if is_api || !incoming.wants_html() { problem::unmatched(&allowed) } else { portal::unmatched(gateway, &allowed) }
}
