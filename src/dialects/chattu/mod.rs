//! What the Chattu dialect (contract 3) shows and does that no other part of the gateway has a name for.
//!
//! - `client_ids.rs`: what a client is called, which need be no slug.
//! - `lists.rs`: the last messages, calls and log lines, as the dialect lists them.
//! - `groups.rs`: groups with their last message; chats are read as the chat page reads them (`people/chats`).
//! - `answers.rs`: what an endpoint answered to an event becomes a message to whoever wrote or called.
//! - `loops.rs`: whether two programs are answering each other.
//! - `rates.rs`: how often somebody may ask.
//!
//! The dialect is a mapping: it holds no rule of its own about what may be sent. Everything that leaves goes through the
//! guarded sender, most of it by way of the queue in `schedule`. It knows nothing of HTTP.

mod answers;
pub mod client_ids;
mod endpoint;
pub mod groups;
pub mod http;
pub mod lists;
mod loops;
pub mod openapi;
mod openapi_schema;
pub mod rates;

pub use answers::DEFAULT_REJECTION;
pub use endpoint::address as webhook_address;
pub(crate) use openapi_schema::components;
pub use rates::{ChattuRates, RateKind};

use crate::{
    accounts::{
        Scope,
        audit::{self, AuditEntry},
    },
    gateway::Gateway,
    model::{
        ids::{AccountId, InstanceId},
        instance::ConnectorKind,
        phone::Phone,
    },
    store::{StoreError, Vault},
};
use rusqlite::params;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

/// Whose rows are asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientScope {
    pub scope: Scope,
    /// One instance of it.
    pub instance: Option<InstanceId>,
}

/// Something that was refused, as the audit names it.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    /// Who tried, as far as it is known.
    pub who: &'a str,
    /// Whose it is, as far as it is known.
    pub account: Option<AccountId>,
    /// The audit's word.
    pub action: &'static str,
}

/// The slice's door.
pub struct Chattu {
    /// What it speaks for.
    pub gateway: Arc<Gateway>,
    vault: Vault,
    /// How often somebody may ask.
    pub rates: ChattuRates,
    /// What clients are made with that the API adds.
    pub new_client: NewClient,
}

/// What clients are made with that the API adds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewClient {
    pub connector: ConnectorKind,
    /// The connector's settings.
    pub settings: BTreeMap<String, String>,
}

impl Chattu {
    /// The slice over the gateway; its worker is started with [`Chattu::run`]. `vault`: for endpoints' headers.
    pub fn new(gateway: Arc<Gateway>, vault: Vault, rates: ChattuRates, new_client: NewClient) -> Self {
        Self { gateway, vault, rates, new_client }
    }

    /// Keeps in the audit that somebody guessed wrongly; how often they may is bounded before this is called.
    pub async fn note_refused(&self, refused: Refused<'_>, target: &str, why: &'static str) -> Result<(), StoreError> {
        let Refused { who, account, action } = refused;
        let (who, target, now) = (who.to_owned(), target.to_owned(), self.gateway.clock.now());
        self.gateway
            .store
            .write(move |tx| {
                let entry =
                    AuditEntry { actor: &who, account, action, target: &target, before: None, after: Some(why) };
                audit::record(tx, now, &entry)
            })
            .await
    }

    /// What these instances are called in the dialect.
    pub async fn client_names(&self, instances: Vec<InstanceId>) -> Result<HashMap<InstanceId, String>, StoreError> {
        let named = self.gateway.store.read(move |tx| {
            let unique: HashSet<InstanceId> = instances.into_iter().collect();
            let pairs = unique.into_iter().map(|id| client_ids::of(tx, &id).map(|name| (id, name)));
            pairs.collect::<Result<HashMap<_, _>, StoreError>>()
        });
        named.await
    }

    /// Notes the number that a client was added with; that of one that is not connected can be corrected. The provider's
    /// own word about it comes later and counts more.
    pub async fn note_number(&self, instance: &InstanceId, phone: &Phone) -> Result<(), StoreError> {
        let (instance, phone) = (instance.clone(), phone.as_str().to_owned());
        let sql = "UPDATE instances SET phone = iif(state = 'open', coalesce(phone, ?2), ?2) WHERE id = ?1";
        self.gateway.store.write(move |tx| tx.execute(sql, params![instance, phone]).map(drop)).await
    }
}
