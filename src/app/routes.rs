//! One table of routes: what is not in it is not served.
//!
//! A line says the method, the path, who may ask ([`Access`]) and the handler: a plain async function that knows nothing
//! of warp, and takes as its argument what [`Access`] has proved. Handlers know no SQL, slices know no status code.
//!
//! Adding a route: a file with its handler, a line here, a test.

use super::{access::Access, interface, router::Router};
use crate::{
    accounts::Caller,
    api::{guarded, health, mcp, media, metrics, provider_hooks},
    dialects::{
        AppState,
        chattu::{
            RateKind,
            http::{
                self as chattu_api,
                auth::{Asker, Who},
            },
        },
        threecx::http as threecx_hook,
    },
    portal,
    web::Incoming,
};
use ::http::{HeaderMap, Method};
use std::{future::Future, pin::Pin, sync::LazyLock};
use warp::{Reply, reply::Response};

/// One line of the table.
pub struct Route {
    pub method: Method,
    /// Its path; `{name}` stands for one segment.
    pub path: &'static str,
    /// Who may ask.
    pub access: Access,
    /// Where two contracts share a path: by which headers this one is known.
    known_by: Option<fn(&HeaderMap) -> bool>,
    pub(super) handler: RouteHandler,
}

impl Route {
    /// Whether it answers a request with these headers.
    pub(super) fn takes(&self, headers: &HeaderMap) -> bool {
        self.known_by.is_none_or(|is_known| is_known(headers))
    }
}

type ResponseFuture<'a> = Pin<Box<dyn Future<Output = Response> + Send + 'a>>;

/// What answers, by what it needs to have been proved.
#[derive(Clone, Copy)]
pub(super) enum RouteHandler {
    /// Nothing; or it looks for the proof itself, because that is in the body or in the path.
    Open(for<'a> fn(&'a AppState, Incoming) -> ResponseFuture<'a>),
    /// Whose key it is.
    ApiKey(for<'a> fn(&'a AppState, Caller, Incoming) -> ResponseFuture<'a>),
    /// Who asks in the Chattu dialect, and how often that is let happen.
    Chattu(Asker, &'static [RateKind], for<'a> fn(&'a AppState, Who, Incoming) -> ResponseFuture<'a>),
    /// Who is logged in.
    Session(for<'a> fn(&'a AppState, portal::Subscriber, Incoming) -> ResponseFuture<'a>),
    /// Who is logged in, at one of our own pages.
    Socket(for<'a> fn(&'a AppState, portal::Subscriber, Incoming) -> ResponseFuture<'a>),
    /// Who is logged in, with what role, and where a form came from.
    Page(portal::Page),
}

macro_rules! line {
    ($method:ident $path:expr, $access:expr, $handler:expr) => {
        Route { method: Method::$method, path: $path, access: $access, known_by: None, handler: $handler }
    };
}

/// Open to everybody, or judged by its handler.
macro_rules! open {
    ($method:ident $path:literal, $access:ident => $handler:path) => {
        line!($method $path, Access::$access, RouteHandler::Open(|state, incoming| {
            Box::pin(async move { $handler(state, incoming).await.into_response() })
        }))
    };
}

/// A telephone system's.
macro_rules! threecx {
    ($method:ident $path:literal => $handler:path) => {
        line!($method $path, Access::Integration, RouteHandler::Open(|state, incoming| {
            Box::pin($handler(state, &state.threecx, incoming))
        }))
    };
}

/// Of the guarded API.
macro_rules! key {
    ($method:ident $path:literal => $handler:path) => {
        line!($method $path, Access::ApiKey, RouteHandler::ApiKey(|state, caller, incoming| {
            Box::pin($handler(state, caller, incoming))
        }))
    };
}

macro_rules! chattu {
    ($method:ident $path:literal, $asker:ident $(, $rate:ident)* => $handler:path) => {
        line!($method $path, Access::Chattu(Asker::$asker), RouteHandler::Chattu(
            Asker::$asker,
            &[$(RateKind::$rate),*],
            |state, who, incoming| Box::pin(async move { $handler(&state.chattu, who, incoming).await.into_response() }),
        ))
    };
}

macro_rules! session {
    ($method:ident $path:literal, $access:ident => $handler:path) => {
        line!($method $path, Access::$access, RouteHandler::$access(|state, subscriber, incoming| {
            Box::pin($handler(state, subscriber, incoming))
        }))
    };
}

/// A page, for those whose role reaches.
macro_rules! page {
    ($method:ident $path:expr, $access:ident => $page:path) => {
        line!($method $path, Access::$access, RouteHandler::Page(|state, v| Box::pin($page(state, v))))
    };
}

/// Every route of the gateway.
pub static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    // Before the guarded API, with which it shares a path: it is known by a header.
    let mut all = chattu();
    all.extend(programs());
    all.extend(pages());
    all.extend(administration());
    all.extend(documentation());
    all
});

/// The table, ready to be asked.
pub(super) static ROUTER: LazyLock<Router> = LazyLock::new(|| Router::new(&ROUTES));

/// The guarded API, what providers and telephone systems call, files, and how the gateway is.
fn programs() -> Vec<Route> {
    vec![
        key!(POST "/api/send-message" => guarded::send_message::handle),
        key!(GET "/api/messages" => guarded::lists::messages),
        key!(GET "/api/inbound-messages" => guarded::lists::inbound_messages),
        key!(GET "/api/instances" => guarded::lists::instances),
        key!(GET "/api/events" => guarded::events::handle),
        key!(GET "/api/contacts" => guarded::people::contacts),
        key!(GET "/api/conversations" => guarded::people::conversations),
        key!(GET "/api/suppressions" => guarded::account::suppressions),
        key!(POST "/api/suppressions" => guarded::people::suppress),
        key!(POST "/api/suppressions/lift" => guarded::people::lift),
        key!(GET "/api/templates" => guarded::account::templates),
        key!(GET "/api/usage" => guarded::account::usage),
        key!(POST "/api/messages/{log_id}/cancel" => guarded::message::cancel),
        key!(POST "/mcp" => mcp::handle),
        key!(GET "/api/messages/{log_id}" => guarded::message::handle),
        threecx!(POST "/integrations/3cx/webhook/{integration_id}" => threecx_hook::webhook),
        threecx!(POST "/integrations/3cx/sms/{integration_id}/messages" => threecx_hook::sms),
        open!(POST "/hooks/cloud-api/{instance_id}", Provider => provider_hooks::cloud_api),
        open!(GET "/hooks/cloud-api/{instance_id}", Provider => provider_hooks::cloud_api),
        open!(POST "/hooks/evolution/{instance_id}", Provider => provider_hooks::evolution),
        open!(GET "/media/{token}", SignedAddress => media::handle),
        open!(GET "/healthz", Health => health::process),
        open!(GET "/readyz", Health => health::ready),
        open!(GET "/metrics", Metrics => metrics::handle),
        open!(GET "/", Anybody => portal::root),
        open!(GET "/favicon.ico", Anybody => portal::assets::icon),
        open!(GET "/assets/{name}", Anybody => portal::assets::handle),
        session!(GET "/ws", Socket => portal::live::handle),
    ]
}

/// Contract 3.
fn chattu() -> Vec<Route> {
    use chattu_api::{chats, clients, groups, messages, schedules};
    // Two contracts share this path: a key in a header of its own, and no other, is this one's.
    let send = chattu!(POST "/api/send-message", AnyKey => messages::send);
    let send = Route { known_by: Some(chattu_api::auth::is_ours), ..send };
    vec![
        send,
        chattu!(POST "/api/add-number", AccountKey => clients::add),
        chattu!(GET "/api/qr/{client_id}", AnyKey => clients::code),
        chattu!(GET "/api/clients", AccountKey => clients::list),
        chattu!(GET "/api/profile", AccountKey => clients::profile),
        // It takes a password, which is not to be guessed here either.
        chattu!(DELETE "/clients/{client_id}", Session, Delete, Password => clients::delete),
        chattu!(POST "/api/update-webhook", AnyKey => clients::update_webhook),
        line!(POST "/api/reset-api-key", Access::KeyInBody, RouteHandler::Open(|state, incoming| {
            Box::pin(async move { clients::reset_key(&state.chattu, incoming).await.into_response() })
        })),
        chattu!(GET "/api/sent-messages", AnyKey => messages::list_sent),
        chattu!(GET "/api/received-messages/{client_id}", AnyKey => messages::list_received),
        chattu!(GET "/api/incoming-calls/{client_id}", AnyKey => messages::list_calls),
        chattu!(GET "/api/call-logs", AnyKey => messages::list_all_calls),
        chattu!(GET "/api/logs", AnyKey => messages::list_log),
        chattu!(POST "/schedule-message", Either => schedules::create),
        chattu!(GET "/scheduled-messages", Either => schedules::list),
        chattu!(DELETE "/scheduled-messages/{id}", Either, Delete => schedules::cancel),
        chattu!(GET "/api/chats/{client_id}", ChatSession => chats::list),
        chattu!(GET "/api/chats/{client_id}/{chat_id}/messages", ChatSession => chats::messages),
        chattu!(POST "/api/chats/{client_id}/{chat_id}/send", ChatSession => chats::send),
        chattu!(POST "/api/chats/{client_id}/{chat_id}/read", ChatSession => chats::read),
        chattu!(GET "/api/chats/{client_id}/media/{message_id}", ChatSession => chats::file),
        chattu!(GET "/api/groups/{client_id}", Either => groups::list),
        chattu!(POST "/api/send-group-message", AnyKey => groups::send_by_key),
        chattu!(POST "/api/groups/{client_id}/{group_id}/send", ChatSession => groups::send_by_session),
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
        page!(POST "/security/sessions", Viewer => portal::access::security::end_sessions),
        page!(POST "/security/second-factor", Viewer => portal::access::security::second_factor),
        page!(POST "/security/second-factor/confirm", Viewer => portal::access::security::confirm),
        page!(POST "/security/second-factor/off", Viewer => portal::access::security::off),
        page!(GET "/integrations/3cx", Viewer => portal::pages::threecx::list),
        page!(POST "/integrations/3cx", Owner => portal::pages::threecx::create),
        page!(GET "/integrations/3cx/{integration_id}", Viewer => portal::pages::threecx::show),
        page!(POST "/integrations/3cx/{integration_id}", Owner => portal::pages::threecx::save),
        page!(POST "/integrations/3cx/{integration_id}/templates", Owner => portal::pages::threecx::template),
        page!(GET "/integrations/3cx/{integration_id}/template.xml", Viewer => portal::pages::threecx_template::show),
        page!(GET "/account", Viewer => portal::pages::account::show),
        page!(POST "/account", Owner => portal::pages::account::save),
        page!(POST "/account/limits", Owner => portal::pages::account::ask),
        page!(POST "/account/person", Owner => portal::pages::account::person),
        page!(GET "/account/people", Owner => portal::pages::people::list),
        page!(POST "/account/people", Owner => portal::pages::people::create),
        page!(POST "/account/people/{id}", Owner => portal::pages::people::change),
        page!(GET "/account/words", Owner => portal::pages::words::list),
        page!(POST "/account/words", Owner => portal::pages::words::add),
        page!(GET "/account/words/examples.tsv", Owner => portal::pages::words::examples),
        page!(POST "/account/words/{id}/remove", Owner => portal::pages::words::remove),
        page!(POST "/account/words/allowed/{id}/withdraw", Owner => portal::pages::words::withdraw),
        page!(GET "/overview", Viewer => portal::pages::overview::show),
        page!(GET "/inbound-logs", Viewer => portal::pages::inbox::list),
        page!(GET "/chat", Viewer => portal::chat::show),
        page!(POST "/chat/{instance}/{chat}/send", Owner => portal::chat::send::send),
        page!(POST "/chat/{instance}/{chat}/read", Owner => portal::chat::send::read),
        page!(POST "/chat/{instance}/{chat}/react", Owner => portal::chat::about_line::react),
        page!(POST "/chat/{instance}/{chat}/change", Owner => portal::chat::about_line::change),
        page!(POST "/chat/{instance}/{chat}/typing", Owner => portal::chat::send::typing),
        session!(GET "/chat/{instance}/file/{message_id}", Session => portal::chat::file::handle),
        page!(GET "/instances/{id}/qr.svg", Owner => portal::pages::manage::code),
        page!(GET "/api-keys", Viewer => portal::pages::keys::list),
        page!(POST "/api-keys", Owner => portal::pages::keys::create),
        page!(POST "/api-keys/{id}/revoke", Owner => portal::pages::keys::revoke),
        page!(POST "/api-keys/{id}/purpose", Owner => portal::pages::keys::purpose),
        page!(GET "/instances", Viewer => portal::pages::instances::list),
        page!(POST "/instances", Owner => portal::pages::instances::create),
        page!(GET "/instances/new", Owner => portal::pages::instances::new),
        page!(GET "/instances/{id}/manage", Viewer => portal::pages::manage::show),
        page!(POST "/instances/{id}/send", Owner => portal::pages::send::send),
        page!(POST "/instances/{id}/connection", Owner => portal::pages::manage::connection),
        page!(POST "/instances/{id}/setup", Owner => portal::pages::manage::setup),
        page!(POST "/instances/{id}/pause", Owner => portal::pages::manage::pause),
        page!(POST "/instances/{id}/settings", Owner => portal::pages::manage::save),
        page!(GET "/instances/{id}/billing", Viewer => portal::pages::billing::show),
        page!(GET "/instances/{id}/templates", Owner => portal::pages::templates::show),
        page!(POST "/instances/{id}/templates", Owner => portal::pages::templates::change),
        page!(GET "/instances/{id}/phone", Owner => portal::pages::sandbox_phone::show),
        page!(POST "/instances/{id}/phone", Owner => portal::pages::sandbox_phone::play),
        page!(POST "/instances/{id}/chattu", Owner => portal::pages::manage::chattu),
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
        page!(GET "/webhooks/{id}", Viewer => portal::pages::webhook::show),
        page!(POST "/webhooks/{id}", Owner => portal::pages::webhook::change),
        page!(POST "/webhooks/{id}/resend-failed", Owner => portal::pages::webhook::resend_failed),
        page!(GET "/webhooks/deliveries/{id}", Viewer => portal::pages::webhooks::delivery),
        page!(POST "/webhooks/deliveries/{id}/resend", Owner => portal::pages::webhooks::resend),
        page!(GET "/notices", Viewer => portal::pages::notices::list),
        page!(POST "/notices/{id}", Owner => portal::pages::notices::change),
        page!(GET "/admin/notices", Admin => portal::pages::notice_settings::show),
        page!(POST "/admin/notices", Admin => portal::pages::notice_settings::save),
        page!(POST "/admin/notices/test", Admin => portal::pages::notice_settings::test),
        page!(GET "/message-logs", Viewer => portal::pages::messages::list),
        page!(GET "/message-logs/export.csv", Viewer => portal::pages::messages::export),
        page!(GET "/message-logs/{log_id}", Viewer => portal::pages::message::show),
        page!(POST "/message-logs/{log_id}/settle", Owner => portal::pages::message::settle),
        page!(POST "/message-logs/{log_id}/judge", Owner => portal::pages::message::judge),
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
        page!(POST "/admin/system/backups", Admin => portal::admin::system::schedule),
        page!(POST "/admin/system/log", Admin => admin::system::log),
        page!(GET "/admin/3cx", Admin => admin::threecx::list),
    ]
}

/// The public documentation: its pages are those of its catalogue.
fn documentation() -> Vec<Route> {
    let mut all = vec![
        open!(GET "/openapi.json", Anybody => interface::document),
        open!(GET "/docs/wa-gateway.postman_collection.json", Anybody => interface::collection),
        open!(GET "/docs/search.json", Anybody => portal::docs::search_index),
        page!(GET "/docs/search", Anybody => portal::docs::pages::found),
    ];
    let page = |entry: &portal::docs::catalogue::DocEntry| page!(GET entry.path, Anybody => portal::docs::pages::show);
    all.extend(portal::docs::catalogue::PAGES.iter().map(page));
    all
}
