//! Who asks: a key of the dialect, or somebody who is logged in to the portal. How often they may.

use super::error::ApiError;
use crate::{
    accounts::{self, DialectCaller, Role, Scope, Session},
    dialects::chattu::{Chattu, ClientScope, RateKind, client_ids},
    instances::Instance,
    model::{
        ids::{AccountId, InstanceId},
        phone::Region,
        plan::Module,
        purpose::Purpose,
    },
    sending::{Sender, Source},
    web::{Incoming, Origin, cookie, same_origin},
};
use ::http::{HeaderMap, Method};

pub enum Who {
    /// Somebody with a key.
    Key(DialectCaller),
    /// Somebody in the browser.
    Person(Session),
}

/// What a route asks of whoever comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asker {
    /// A key of the account.
    AccountKey,
    /// That, or a client's.
    AnyKey,
    /// A session of the portal.
    Session,
    /// The same, for chats and groups, which are asked often.
    ChatSession,
    /// A key where one is shown, else a session.
    Either,
}

/// Whether a request is ours on a path that two contracts share: it has a key in a header of its own, and no other.
pub fn is_ours(headers: &HeaderMap) -> bool {
    headers.contains_key("x-api-key") && !headers.contains_key("authorization")
}

/// Proves who asks. `rates` are taken first, by address: who is nobody yet is bounded, too.
///
/// # Errors
/// Too often; no key or session that is in force; one that does not do for this route.
pub async fn prove(chattu: &Chattu, incoming: &Incoming, asker: Asker, rates: &[RateKind]) -> Result<Who, ApiError> {
    for rate in rates {
        bounded(chattu, incoming, *rate)?;
    }
    match asker {
        Asker::AccountKey => match by_key(chattu, incoming)? {
            Who::Key(caller) if caller.instance.is_none() => Ok(Who::Key(caller)),
            _ => Err(ApiError::access("This needs an account key: a client key is good for its client alone.")),
        },
        Asker::AnyKey => by_key(chattu, incoming),
        Asker::Session => by_session(chattu, incoming).await,
        Asker::ChatSession => by_chat_session(chattu, incoming).await,
        Asker::Either if incoming.headers.contains_key("x-api-key") => by_key(chattu, incoming),
        Asker::Either => by_session(chattu, incoming).await,
    }
}

/// The holder of a key.
fn by_key(chattu: &Chattu, incoming: &Incoming) -> Result<Who, ApiError> {
    if incoming.headers.contains_key("authorization") {
        return Err(ApiError::auth());
    }
    let text = incoming.header("x-api-key").ok_or_else(ApiError::auth)?;
    let now = chattu.gateway.clock.now();
    let address = incoming.client_address(&chattu.gateway);
    let found = chattu.gateway.accounts.ring().find_dialect(text.trim(), address, now);
    let caller = found.map_err(|_| ApiError::auth())?;
    let taken = chattu.rates.take(RateKind::Api, Some(address), caller.caller.key.0, now);
    taken.map_err(ApiError::limited)?;
    Ok(Who::Key(caller))
}

/// Somebody who is logged in. What changes something must come from somebody who may, and from one of our own pages or
/// from a program that has logged in by itself.
async fn by_session(chattu: &Chattu, incoming: &Incoming) -> Result<Who, ApiError> {
    let token = cookie::session(incoming, incoming.is_https(&chattu.gateway)).ok_or_else(ApiError::auth)?;
    let session = chattu.gateway.accounts.session(&token).await?.ok_or_else(ApiError::auth)?;
    if incoming.method != Method::GET && incoming.method != Method::HEAD {
        let origin = Origin::of(incoming, &chattu.gateway);
        if origin == Origin::Foreign || (origin == Origin::Unsaid && !same_origin::is_program(incoming)) {
            return Err(ApiError::access("The request does not come from a page of this state."));
        }
        if session.role == Role::Viewer {
            return Err(ApiError::access("Your role may look and not change anything."));
        }
    }
    Ok(Who::Person(session))
}

/// The same with the bound of chats and groups.
async fn by_chat_session(chattu: &Chattu, incoming: &Incoming) -> Result<Who, ApiError> {
    let who = by_session(chattu, incoming).await?;
    let token = cookie::session(incoming, incoming.is_https(&chattu.gateway)).ok_or_else(ApiError::auth)?;
    let taken = chattu.rates.take(RateKind::Chat, None, accounts::session_number(&token), chattu.gateway.clock.now());
    taken.map_err(ApiError::limited)?;
    Ok(who)
}

/// Bounds a kind of request by address.
pub(super) fn bounded(chattu: &Chattu, incoming: &Incoming, rate: RateKind) -> Result<(), ApiError> {
    let address = incoming.client_address(&chattu.gateway);
    chattu.rates.take(rate, Some(address), 0, chattu.gateway.clock.now()).map_err(ApiError::limited)
}

impl Who {
    /// The key that [`Asker::AccountKey`] has proved.
    pub(super) fn key(self) -> Result<DialectCaller, ApiError> {
        match self {
            Self::Key(caller) => Ok(caller),
            Self::Person(_) => Err(ApiError::auth()),
        }
    }

    /// Whose rows they may see.
    ///
    /// # Errors
    /// Nothing is theirs.
    pub(super) fn scope(&self) -> Result<ClientScope, ApiError> {
        match self {
            Self::Key(key) => {
                Ok(ClientScope { scope: Scope::Account(key.caller.account), instance: key.instance.clone() })
            }
            Self::Person(session) => {
                let scope = session.scope(None).ok_or_else(ApiError::client)?;
                Ok(ClientScope { scope, instance: None })
            }
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
    pub(super) async fn client(&self, chattu: &Chattu, id: &str) -> Result<Instance, ApiError> {
        let whose = self.scope()?;
        let (scope, named) = (whose.scope, id.to_owned());
        let found = chattu.gateway.store.read(move |tx| client_ids::find(tx, scope, &named)).await?;
        let found = chattu.gateway.instances.find(&found.ok_or_else(ApiError::client)?).await?;
        let is_theirs = whose.scope.sees(found.account_id) && whose.instance.is_none_or(|only| only == found.id);
        if !is_theirs {
            return Err(ApiError::foreign_client());
        }
        has_dialect(chattu, found.account_id).await?;
        Ok(found)
    }

    /// A client that the request names, or the one of a client key.
    pub(super) async fn client_or_own(&self, chattu: &Chattu, named: Option<&str>) -> Result<Instance, ApiError> {
        let own = self.scope()?.instance;
        let id = named.or(own.as_ref().map(InstanceId::as_str));
        self.client(chattu, id.ok_or_else(|| ApiError::invalid("clientId is required."))?).await
    }
}

/// Refuses accounts that do not have the dialect.
pub(super) async fn has_dialect(chattu: &Chattu, account: AccountId) -> Result<(), ApiError> {
    let found = chattu.gateway.accounts.find_account(account).await?;
    match found.modules.iter().any(|m| m == Module::Chattu.as_str()) {
        true => Ok(()),
        false => Err(ApiError::access("The Chattu API is not enabled for this account.")),
    }
}
