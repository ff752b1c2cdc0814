//! Who asks: a key of the dialect, or somebody who is logged in to the portal. How often they may.

use super::error::ApiError;
use crate::{
    accounts::{self, DialectCaller, Role, Session},
    dialects::chattu::{RateKind, Scope},
    gateway::Gateway,
    instances::Instance,
    model::{
        ids::{AccountId, InstanceId},
        phone::Region,
        plan::Module,
        purpose::Purpose,
    },
    sending::{Sender, Source},
    web::{Incoming, cookie},
};
use ::http::Method;

/// Who asks.
pub enum Who {
    /// Somebody with a key.
    Key(DialectCaller),
    /// Somebody in the browser.
    Person(Session),
}

/// The holder of a key.
pub(super) fn by_key(gateway: &Gateway, incoming: &Incoming) -> Result<Who, ApiError> {
    if incoming.headers.contains_key("authorization") {
        return Err(ApiError::auth());
    }
    let text = incoming.header("x-api-key").ok_or_else(ApiError::auth)?;
    let now = gateway.clock.now();
    let caller = gateway.accounts.ring().find_dialect(text.trim(), now).map_err(|_| ApiError::auth())?;
    let address = incoming.client_address(gateway);
    let taken = gateway.chattu.rates.take(RateKind::Api, Some(address), caller.caller.key.0, now);
    taken.map_err(ApiError::limited)?;
    Ok(Who::Key(caller))
}

/// The holder of an account key.
pub(super) fn by_account_key(gateway: &Gateway, incoming: &Incoming) -> Result<DialectCaller, ApiError> {
    match by_key(gateway, incoming)? {
        Who::Key(caller) if caller.instance.is_none() => Ok(caller),
        _ => Err(ApiError::access("This needs an account key: a client key is good for its client alone.")),
    }
}

/// Somebody who is logged in. What changes something must come from one of our own pages, and from somebody who may.
pub(super) async fn by_session(gateway: &Gateway, incoming: &Incoming) -> Result<Who, ApiError> {
    let token = cookie::session(incoming, incoming.is_https(gateway)).ok_or_else(ApiError::auth)?;
    let session = gateway.accounts.session(&token).await?.ok_or_else(ApiError::auth)?;
    if incoming.method != Method::GET && incoming.method != Method::HEAD {
        if !is_from_here(incoming) {
            return Err(ApiError::access("The request does not come from a page of this gateway."));
        }
        if session.role == Role::Viewer {
            return Err(ApiError::access("Your role may look and not change anything."));
        }
    }
    Ok(Who::Person(session))
}

/// The same for chats and groups, which are asked often.
pub(super) async fn by_chat_session(gateway: &Gateway, incoming: &Incoming) -> Result<Who, ApiError> {
    let who = by_session(gateway, incoming).await?;
    let token = cookie::session(incoming, incoming.is_https(gateway)).ok_or_else(ApiError::auth)?;
    let taken = gateway.chattu.rates.take(RateKind::Chat, None, accounts::session_number(&token), gateway.clock.now());
    taken.map_err(ApiError::limited)?;
    Ok(who)
}

/// Either: a key where one is shown.
pub(super) async fn by_either(gateway: &Gateway, incoming: &Incoming) -> Result<Who, ApiError> {
    match incoming.headers.contains_key("x-api-key") {
        true => by_key(gateway, incoming),
        false => by_session(gateway, incoming).await,
    }
}

/// Bounds a kind of request by address.
pub(super) fn bounded(gateway: &Gateway, incoming: &Incoming, rate: RateKind) -> Result<(), ApiError> {
    let address = incoming.client_address(gateway);
    gateway.chattu.rates.take(rate, Some(address), 0, gateway.clock.now()).map_err(ApiError::limited)
}

/// `Sec-Fetch-Site` where the browser sends it, else `Origin` against `Host`; neither is not from here.
fn is_from_here(incoming: &Incoming) -> bool {
    if let Some(site) = incoming.header("sec-fetch-site") {
        return site == "same-origin";
    }
    let host = incoming.header("host").unwrap_or_default();
    let origin = incoming.header("origin").and_then(|origin| origin.split_once("://"));
    origin.is_some_and(|(_, at)| !host.is_empty() && at.eq_ignore_ascii_case(host))
}

impl Who {
    /// Whose rows they may see.
    pub(super) fn scope(&self) -> Scope {
        match self {
            Self::Key(key) => Scope { account: Some(key.caller.account), instance: key.instance.clone() },
            Self::Person(session) if session.role == Role::Admin => Scope { account: None, instance: None },
            // Nobody but admins is without an account; nothing is theirs then.
            Self::Person(session) => Scope { account: Some(session.account.unwrap_or(AccountId(0))), instance: None },
        }
    }

    /// Why messages are sent whose request does not say.
    pub(super) const fn purpose(&self) -> Purpose {
        match self {
            Self::Key(key) => key.purpose,
            Self::Person(_) => Purpose::Support,
        }
    }

    pub(super) const fn region(&self) -> Option<Region> {
        match self {
            Self::Key(key) => key.caller.region,
            Self::Person(_) => None,
        }
    }

    /// Their name for people.
    pub(super) fn actor(&self) -> String {
        match self {
            Self::Key(key) => format!("key {}", key.caller.key),
            Self::Person(session) => session.email.clone(),
        }
    }

    /// On whose behalf something of this client is sent.
    pub(super) fn sender(&self, client: &Instance, request_id: &str) -> Sender {
        let (key, source) = match self {
            Self::Key(key) => (Some(key.caller.key), Source::Chattu),
            Self::Person(_) => (None, Source::Portal),
        };
        let request_id = Some(request_id.to_owned());
        Sender { account: client.account_id, key, source, module: Some(Module::Chattu), request_id }
    }

    /// One of their clients, of an account that has the dialect.
    pub(super) async fn client(&self, gateway: &Gateway, id: &str) -> Result<Instance, ApiError> {
        let found = gateway.instances.find(&InstanceId::from_text(id)).await?;
        let scope = self.scope();
        let is_theirs = scope.account.is_none_or(|account| account == found.account_id)
            && scope.instance.is_none_or(|only| only == found.id);
        if !is_theirs {
            return Err(ApiError::client());
        }
        has_dialect(gateway, found.account_id).await?;
        Ok(found)
    }

    /// A client that the request names, or the one of a client key.
    pub(super) async fn client_or_own(&self, gateway: &Gateway, named: Option<&str>) -> Result<Instance, ApiError> {
        let own = self.scope().instance;
        let id = named.or(own.as_ref().map(InstanceId::as_str));
        self.client(gateway, id.ok_or_else(|| ApiError::invalid("clientId is required."))?).await
    }
}

/// Refuses accounts that do not have the dialect.
pub(super) async fn has_dialect(gateway: &Gateway, account: AccountId) -> Result<(), ApiError> {
    let found = gateway.accounts.find_account(account).await?;
    match found.modules.iter().any(|m| m == Module::Chattu.as_str()) {
        true => Ok(()),
        false => Err(ApiError::access("The Chattu API is not enabled for this account.")),
    }
}
