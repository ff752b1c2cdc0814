//! Who may ask for what. The table names it for every route, and [`answer`] alone judges it: a handler is reached only
//! with the proof in its hand that its kind takes as an argument.

use super::routes::{Route, RouteHandler};
use crate::{
    accounts::Role,
    api::guarded,
    dialects::{
        AppState,
        chattu::http::auth::{self as chattu, Asker},
    },
    model::code::Code,
    portal::{self, live},
    web::{Incoming, Listener, auth, problem, zipped},
};
use std::{panic::resume_unwind, sync::Arc};
use tokio_util::task::AbortOnDropHandle;
use warp::{Reply, reply::Response};

/// Who may ask for a route. A route without such a word does not compile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    Anybody,
    /// Everybody: whether the gateway is well is no secret.
    Health,
    /// Programs that reach the local listener or the metrics one; never the public one.
    Metrics,
    /// A provider. What proves it is in the body or in a token of its own, so its connector judges it.
    Provider,
    /// Who holds an address that is signed, or that address and the account's key: the handler judges it.
    SignedAddress,
    /// A telephone system. What proves it may be a signature over the whole body: the handler judges it.
    Integration,
    /// Who holds a key, which stands in the body: the handler judges it.
    KeyInBody,
    /// Who holds a key of the guarded API.
    ApiKey,
    /// Who holds what the Chattu dialect wants to see.
    Chattu(Asker),
    /// Somebody who is logged in; for what is no page. Everybody else is told that there is nothing.
    Session,
    /// The same, for a connection that stays: a browser opens one for any page, so it must come from one of ours.
    Socket,
    /// A page of somebody who is logged in, whatever their role.
    Viewer,
    /// A page of who runs an account, and of admins.
    Owner,
    /// A page of who runs the appliance.
    Admin,
}

impl Access {
    /// Whether a listener serves what is for them. The metrics listener is plain HTTP and perhaps open to another
    /// machine: no keys, no sessions, no messages there.
    pub const fn is_served_on(self, listener: Listener) -> bool {
        match listener {
            Listener::Local => true,
            Listener::Public => !matches!(self, Self::Metrics),
            Listener::Metrics => matches!(self, Self::Metrics),
        }
    }

    /// The least role that sees a page; none: everybody does.
    const fn role(self) -> Option<Role> {
        match self {
            Self::Viewer => Some(Role::Viewer),
            Self::Owner => Some(Role::Owner),
            Self::Admin => Some(Role::Admin),
            _ => None,
        }
    }
}

/// The answer of a route to whoever may ask for it, and the refusal for everybody else.
pub(super) async fn answer(state: &Arc<AppState>, route: &Route, incoming: Incoming) -> Response {
    match route.handler {
        RouteHandler::Open(handle) => handle(state, incoming).await,
        RouteHandler::ApiKey(handle) => match auth::bearer(state, &incoming) {
            Ok(caller) => handle(state, caller, incoming).await,
            Err(problem) => guarded::no_key(&incoming, problem),
        },
        RouteHandler::Chattu(asker, rates, handle) => match chattu::prove(&state.chattu, &incoming, asker, rates).await
        {
            Ok(who) => handle(state, who, incoming).await,
            Err(e) => e.into_response(),
        },
        RouteHandler::Session(handle) => match portal::subscriber(state, &incoming).await {
            Some(subscriber) => handle(state, subscriber, incoming).await,
            None => problem::code(Code::NotFound),
        },
        RouteHandler::Socket(handle) => match live::admit(state, &incoming).await {
            Ok(subscriber) => handle(state, subscriber, incoming).await,
            Err(status) => status.into_response(),
        },
        RouteHandler::Page(page) => {
            let (threads, least, state) = (state.pages.handle(), route.access.role(), state.clone());
            let takes_gzip = zipped::is_taken(&incoming.headers);
            let page = async move {
                let made = portal::enter(&state, incoming, least, page).await;
                if takes_gzip { zipped::zipped(made, &*state.random).await } else { made }
            };
            AbortOnDropHandle::new(threads.spawn(page)).await.unwrap_or_else(|e| resume_unwind(e.into_panic()))
        }
    }
}
