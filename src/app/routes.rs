//! One table of routes, and what becomes of what is not in it.
//!
//! - [`ROUTES`] lists every route. What is not in it is 404; a path of it with another method is 405 with `Allow`.
//! - Each route function returns a `BoxedFilter<(Response,)>` (unboxed filters make builds take minutes); its handler
//!   is a plain async function over [`Incoming`] that knows nothing of warp. A rejection means only "did not match".
//!
//! Every answer carries `X-Request-Id`. Handlers know no SQL, slices know no status code.
//!
//! Adding a route: a file with its handler, a line in [`ROUTES`], a test.

use crate::{
    api::{guarded, health, media, metrics, openapi, provider_hooks},
    dialects::{chattu::http as chattu_api, threecx::http as threecx_hook},
    gateway::Gateway,
    portal,
    web::{Access, Incoming, incoming, problem},
};
use ::http::Method;
use std::sync::Arc;
use warp::{Filter, Reply, filters::BoxedFilter, reply::Response};

/// One line of the table.
pub struct Route {
    /// Its method.
    pub method: Method,
    /// Its path; `{name}` stands for one segment.
    pub path: &'static str,
    /// Who may ask.
    pub access: Access,
    /// Makes its filter.
    make: fn(Arc<Gateway>) -> BoxedFilter<(Response,)>,
}

macro_rules! route {
    ($method:ident $path:literal, $access:ident => $handler:path) => {
        Route {
            method: Method::$method,
            path: $path,
            access: Access::$access,
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

/// A page: the portal's door judges who asks before the page's code runs.
macro_rules! page {
    ($method:ident $path:literal, $access:ident => $page:path) => {
        Route {
            method: Method::$method,
            path: $path,
            access: Access::$access,
            make: |gateway| {
                incoming::matching(Method::$method, $path)
                    .then(move |incoming: Incoming| {
                        let gateway = gateway.clone();
                        async move {
                            portal::enter(
                                &gateway,
                                incoming,
                                Access::$access,
                                async |g: &Gateway, v: &portal::PageContext| $page(g, v).await,
                            )
                            .await
                        }
                    })
                    .boxed()
            },
        }
    };
}

/// Every route of the gateway. The busiest comes first: they are tried in this order.
pub static ROUTES: std::sync::LazyLock<Vec<Route>> = std::sync::LazyLock::new(|| {
    let mut all = vec![
        route!(POST "/api/send-message", Key => guarded::send_message::handle),
        route!(GET "/api/messages/{log_id}", Key => guarded::message::handle),
        route!(POST "/integrations/3cx/webhook/{integration_id}", Key => threecx_hook::webhook),
        route!(POST "/integrations/3cx/sms/{integration_id}/messages", Key => threecx_hook::sms),
        route!(POST "/hooks/cloud-api/{instance_id}", Provider => provider_hooks::cloud_api),
        route!(GET "/hooks/cloud-api/{instance_id}", Provider => provider_hooks::cloud_api),
        route!(POST "/hooks/evolution/{instance_id}", Provider => provider_hooks::evolution),
        route!(GET "/media/{token}", Key => media::handle),
        route!(GET "/healthz", Machine => health::process),
        route!(GET "/readyz", Machine => health::ready),
        route!(GET "/metrics", Machine => metrics::handle),
        route!(GET "/", Anybody => portal::root),
        route!(GET "/favicon.ico", Anybody => portal::assets::icon),
        route!(GET "/assets/{name}", Anybody => portal::assets::handle),
        Route { method: Method::GET, path: "/ws", access: Access::Session, make: socket },
    ];
    all.extend(chattu());
    all.extend(pages());
    all.extend(administration());
    all.extend(documentation());
    all
});

/// Contract 3, but for `/api/send-message`, which it shares with contract 1. Who is let in is judged by the handlers: some
/// take a key and some a session.
fn chattu() -> Vec<Route> {
    use chattu_api::{chats, clients, groups, messages, schedules};
    vec![
        route!(POST "/api/add-number", Key => clients::add),
        route!(GET "/api/qr/{client_id}", Key => clients::code),
        route!(GET "/api/clients", Key => clients::list),
        route!(GET "/api/profile", Key => clients::profile),
        route!(DELETE "/clients/{client_id}", Key => clients::delete),
        route!(POST "/api/update-webhook", Key => clients::update_webhook),
        route!(POST "/api/reset-api-key", Key => clients::reset_key),
        route!(GET "/api/sent-messages", Key => messages::list_sent),
        route!(GET "/api/received-messages/{client_id}", Key => messages::list_received),
        route!(GET "/api/incoming-calls/{client_id}", Key => messages::list_calls),
        route!(GET "/api/call-logs", Key => messages::list_all_calls),
        route!(GET "/api/logs", Key => messages::list_log),
        route!(POST "/schedule-message", Key => schedules::create),
        route!(GET "/scheduled-messages", Key => schedules::list),
        route!(DELETE "/scheduled-messages/{id}", Key => schedules::cancel),
        route!(GET "/api/chats/{client_id}", Key => chats::list),
        route!(GET "/api/chats/{client_id}/{chat_id}/messages", Key => chats::messages),
        route!(POST "/api/chats/{client_id}/{chat_id}/send", Key => chats::send),
        route!(POST "/api/chats/{client_id}/{chat_id}/read", Key => chats::read),
        route!(GET "/api/chats/{client_id}/media/{message_id}", Key => chats::file),
        route!(GET "/api/groups/{client_id}", Key => groups::list),
        route!(POST "/api/send-group-message", Key => groups::send_by_key),
        route!(POST "/api/groups/{client_id}/{group_id}/send", Key => groups::send_by_session),
    ]
}

/// The portal's pages.
fn pages() -> Vec<Route> {
    vec![
        page!(GET "/setup/{token}", Anybody => portal::access::setup::show),
        page!(POST "/setup/{token}", Anybody => portal::access::setup::save),
        page!(GET "/login", Anybody => portal::access::login::show),
        page!(POST "/login", Anybody => portal::access::login::save),
        page!(POST "/login/code", Anybody => portal::access::login::code),
        page!(GET "/login/{token}", Anybody => portal::access::link::log_in),
        page!(GET "/password/{token}", Anybody => portal::access::link::show_password),
        page!(POST "/password/{token}", Anybody => portal::access::link::save_password),
        page!(GET "/register", Anybody => portal::access::register::show),
        page!(POST "/register", Anybody => portal::access::register::save),
        page!(GET "/register/{invitation}", Anybody => portal::access::register::show),
        page!(POST "/register/{invitation}", Anybody => portal::access::register::save),
        page!(POST "/logout", Viewer => portal::access::login::log_out),
        page!(POST "/preferences", Anybody => portal::access::preferences::save),
        page!(GET "/security", Viewer => portal::access::security::show),
        page!(POST "/security/password", Viewer => portal::access::security::password),
        page!(POST "/security/second-factor", Viewer => portal::access::security::second_factor),
        page!(POST "/security/second-factor/confirm", Viewer => portal::access::security::confirm),
        page!(POST "/security/second-factor/off", Viewer => portal::access::security::off),
        page!(GET "/integrations/3cx", Viewer => portal::pages::threecx::list),
        page!(POST "/integrations/3cx", Owner => portal::pages::threecx::create),
        page!(GET "/integrations/3cx/{integration_id}", Viewer => portal::pages::threecx::show),
        page!(POST "/integrations/3cx/{integration_id}", Owner => portal::pages::threecx::save),
        page!(POST "/integrations/3cx/{integration_id}/templates", Owner => portal::pages::threecx::template),
        page!(GET "/integrations/3cx/{integration_id}/template.xml", Viewer => threecx_hook::template),
        page!(GET "/account", Viewer => portal::pages::account::show),
        page!(POST "/account", Owner => portal::pages::account::save),
        page!(POST "/account/limits", Owner => portal::pages::account::ask),
        page!(POST "/account/person", Owner => portal::pages::account::person),
        page!(GET "/overview", Viewer => portal::pages::overview::show),
        page!(GET "/inbound-logs", Viewer => portal::pages::inbox::list),
        page!(GET "/chat", Viewer => portal::chat::show),
        page!(POST "/chat/{instance}/{chat}/send", Owner => portal::chat::send::send),
        page!(POST "/chat/{instance}/{chat}/read", Owner => portal::chat::send::read),
        page!(POST "/chat/{instance}/{chat}/react", Owner => portal::chat::react::react),
        page!(POST "/chat/{instance}/{chat}/typing", Owner => portal::chat::send::typing),
        route!(GET "/chat/{instance}/file/{message_id}", Session => portal::chat::file::handle),
        page!(GET "/instances/{id}/qr.svg", Owner => portal::pages::manage::code),
        page!(GET "/api-keys", Viewer => portal::pages::keys::list),
        page!(POST "/api-keys", Owner => portal::pages::keys::create),
        page!(POST "/api-keys/{id}/revoke", Owner => portal::pages::keys::revoke),
        page!(POST "/api-keys/{id}/purpose", Owner => portal::pages::keys::purpose),
        page!(GET "/instances", Viewer => portal::pages::instances::list),
        page!(POST "/instances", Owner => portal::pages::instances::create),
        page!(GET "/instances/new", Owner => portal::pages::instances::new),
        page!(GET "/instances/{id}/manage", Viewer => portal::pages::manage::show),
        page!(POST "/instances/{id}/send", Owner => portal::pages::manage::send),
        page!(POST "/instances/{id}/connection", Owner => portal::pages::manage::connection),
        page!(POST "/instances/{id}/pause", Admin => portal::pages::manage::pause),
        page!(POST "/instances/{id}/settings", Owner => portal::pages::manage::save),
        page!(POST "/instances/{id}/delete", Owner => portal::pages::manage::delete),
        page!(GET "/suppressed-recipients", Viewer => portal::pages::suppressed::list),
        page!(GET "/suppressed-recipients/export.csv", Viewer => portal::pages::suppressed::export),
        page!(POST "/suppressed-recipients/import", Owner => portal::pages::suppressed_import::import),
        page!(GET "/suppressed-recipients/{contact_id}", Viewer => portal::pages::suppressed::history),
        page!(POST "/suppressed-recipients", Owner => portal::pages::suppressed::add),
        page!(POST "/suppressed-recipients/{contact_id}/lift", Owner => portal::pages::suppressed::lift),
        page!(GET "/scheduled", Viewer => portal::pages::scheduled::list),
        page!(POST "/scheduled", Owner => portal::pages::scheduled::create),
        page!(POST "/scheduled/{id}/cancel", Owner => portal::pages::scheduled::cancel),
        page!(GET "/webhooks", Viewer => portal::pages::webhooks::list),
        page!(POST "/webhooks", Owner => portal::pages::webhooks::create),
        page!(POST "/webhooks/{id}", Owner => portal::pages::webhooks::change),
        page!(POST "/webhooks/{id}/resend-failed", Owner => portal::pages::webhooks::resend_failed),
        page!(GET "/webhooks/deliveries/{id}", Viewer => portal::pages::webhooks::delivery),
        page!(POST "/webhooks/deliveries/{id}/resend", Owner => portal::pages::webhooks::resend),
        page!(GET "/notices", Viewer => portal::pages::notices::list),
        page!(POST "/notices/{id}", Owner => portal::pages::notices::change),
        page!(GET "/admin/notices", Admin => portal::pages::notice_settings::show),
        page!(POST "/admin/notices/test", Admin => portal::pages::notice_settings::test),
        page!(GET "/message-logs", Viewer => portal::pages::messages::list),
        page!(GET "/message-logs/export.csv", Viewer => portal::pages::messages::export),
        page!(GET "/message-logs/{log_id}", Viewer => portal::pages::message::show),
        page!(POST "/message-logs/{log_id}/settle", Owner => portal::pages::message::settle),
    ]
}

/// The pages of who runs the appliance.
fn administration() -> Vec<Route> {
    use portal::admin;
    vec![
        page!(GET "/admin/accounts", Admin => admin::accounts::list),
        page!(POST "/admin/accounts", Admin => admin::accounts::create),
        page!(GET "/admin/accounts/{id}", Admin => admin::account::show),
        page!(POST "/admin/accounts/{id}", Admin => admin::account::save),
        page!(POST "/admin/accounts/{id}/state", Admin => admin::account::state),
        page!(POST "/admin/accounts/{id}/grants", Admin => admin::account::grant),
        page!(POST "/admin/accounts/{id}/grants/{grant}/withdraw", Admin => admin::account::withdraw),
        page!(GET "/admin/reviews", Admin => admin::reviews::list),
        page!(POST "/admin/reviews/{id}", Admin => admin::reviews::decide),
        page!(GET "/admin/policy", Admin => admin::policy::show),
        page!(POST "/admin/policy", Admin => admin::policy::save),
        page!(POST "/admin/policy/try", Admin => admin::policy::attempt),
        page!(POST "/admin/policy/phrases", Admin => admin::policy::add),
        page!(POST "/admin/policy/phrases/{id}/remove", Admin => admin::policy::remove),
        page!(GET "/admin/users", Admin => admin::users::list),
        page!(POST "/admin/users", Admin => admin::users::create),
        page!(POST "/admin/invitations", Admin => admin::users::invite),
        page!(POST "/admin/users/{id}", Admin => admin::users::change),
        page!(GET "/admin/requests", Admin => admin::requests::list),
        page!(POST "/admin/requests/{id}", Admin => admin::requests::decide),
        page!(GET "/admin/audit", Admin => admin::audit::list),
        page!(GET "/admin/egress", Admin => admin::egress::list),
        page!(POST "/admin/egress", Admin => admin::egress::change),
        page!(GET "/admin/system", Admin => admin::system::show),
        page!(POST "/admin/system/backup", Admin => admin::system::back_up),
        page!(POST "/admin/system/log", Admin => admin::system::log),
        page!(GET "/admin/3cx", Admin => admin::threecx::list),
    ]
}

/// The public documentation.
fn documentation() -> Vec<Route> {
    vec![
        route!(GET "/openapi.json", Anybody => openapi::handle),
        route!(GET "/docs/wa-gateway.postman_collection.json", Anybody => openapi::collection),
        route!(GET "/docs/search.json", Anybody => portal::docs::search_index),
        page!(GET "/docs/search", Anybody => portal::docs::pages::found),
        page!(GET "/docs", Anybody => portal::docs::pages::show),
        page!(GET "/docs/quickstart", Anybody => portal::docs::pages::show),
        page!(GET "/docs/connect", Anybody => portal::docs::pages::show),
        page!(GET "/docs/cloud-api", Anybody => portal::docs::pages::show),
        page!(GET "/docs/chat", Anybody => portal::docs::pages::show),
        page!(GET "/docs/send", Anybody => portal::docs::pages::show),
        page!(GET "/docs/receive", Anybody => portal::docs::pages::show),
        page!(GET "/docs/responsible-messaging", Anybody => portal::docs::pages::show),
        page!(GET "/docs/sdk/curl", Anybody => portal::docs::pages::show),
        page!(GET "/docs/sdk/php", Anybody => portal::docs::pages::show),
        page!(GET "/docs/sdk/python", Anybody => portal::docs::pages::show),
        page!(GET "/docs/sdk/node", Anybody => portal::docs::pages::show),
        page!(GET "/docs/3cx", Anybody => portal::docs::pages::show),
        page!(GET "/docs/3cx/webhooks", Anybody => portal::docs::pages::show),
        page!(GET "/docs/3cx/call-events", Anybody => portal::docs::pages::show),
        page!(GET "/docs/3cx/troubleshooting", Anybody => portal::docs::pages::show),
        page!(GET "/docs/endpoints", Anybody => portal::docs::pages::show),
        page!(GET "/docs/openapi", Anybody => portal::docs::pages::show),
        page!(GET "/docs/troubleshooting", Anybody => portal::docs::pages::show),
        page!(GET "/docs/install", Anybody => portal::docs::pages::show),
        page!(GET "/docs/upgrade", Anybody => portal::docs::pages::show),
        page!(GET "/docs/backup", Anybody => portal::docs::pages::show),
        page!(GET "/docs/move", Anybody => portal::docs::pages::show),
        page!(GET "/docs/monitoring", Anybody => portal::docs::pages::show),
        page!(GET "/docs/security", Anybody => portal::docs::pages::show),
        page!(GET "/docs/privacy-operations", Anybody => portal::docs::pages::show),
        page!(GET "/acceptable-use", Anybody => portal::docs::pages::show),
        page!(GET "/privacy", Anybody => portal::docs::pages::show),
    ]
}

/// The pages' WebSocket: what else asks for it is told that it is one.
fn socket(gateway: Arc<Gateway>) -> BoxedFilter<(Response,)> {
    let ws = warp::ws().map(Some).or(warp::any().map(|| None)).unify();
    incoming::matching(Method::GET, "/ws")
        .and(ws)
        .then(move |incoming: Incoming, ws| {
            let gateway = gateway.clone();
            async move { portal::live::handle(&gateway, incoming, ws).await }
        })
        .boxed()
}

/// All routes as one filter that always answers.
pub fn routes(gateway: &Arc<Gateway>) -> BoxedFilter<(Response,)> {
    let all: Vec<_> = ROUTES.iter().map(|route| (route.make)(gateway.clone())).collect();
    let gateway = gateway.clone();
    let fallback = incoming::any()
        .then(move |incoming: Incoming| {
            let gateway = gateway.clone();
            async move { unmatched(&gateway, incoming).await }
        })
        .boxed();
    match either(&all) {
        None => fallback,
        Some(routes) => routes.or(fallback).unify().boxed(),
    }
}

/// The first that matches, in their order. A tree and no chain: a page behind a hundred others is a few steps away.
fn either(routes: &[BoxedFilter<(Response,)>]) -> Option<BoxedFilter<(Response,)>> {
    match routes {
        [] => None,
        [one] => Some(one.clone()),
        many => {
            let (first, second) = many.split_at(many.len() / 2);
            Some(either(first)?.or(either(second)?).unify().boxed())
        }
    }
}

/// 404, or 405 where the path is served with other methods.
async fn unmatched(gateway: &Gateway, incoming: Incoming) -> Response {
    let allowed: Vec<&str> = ROUTES
        .iter()
        .filter(|route| incoming::path_matches(route.path, &incoming.path).is_some())
        .map(|route| route.method.as_str())
        .collect();
    let is_api = incoming.path.starts_with("/api/") || incoming.path.starts_with("/integrations/");
    if is_api || !incoming.wants_html() {
        problem::unmatched(&allowed)
    } else {
        portal::unmatched(gateway, incoming, &allowed).await
    }
}
