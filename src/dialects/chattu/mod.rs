//! What the Chattu dialect (contract 3) shows and does that no other part of the gateway has a name for.
//!
//! - `lists.rs`: the last messages, calls and log lines, as the dialect lists them.
//! - `chats.rs`, `groups.rs`: conversations and groups with their last message.
//! - `answers.rs`: what an endpoint answered to an event becomes a message to whoever wrote or called.
//! - `rates.rs`: how often somebody may ask.
//!
//! The dialect is a mapping: it holds no rule of its own about what may be sent. Everything that leaves goes through the
//! guarded sender, most of it by way of the queue in `schedule`. It knows nothing of HTTP.

mod answers;
pub mod chats;
mod endpoint;
pub mod groups;
pub mod http;
pub mod lists;
pub mod openapi;
mod openapi_schema;
pub mod rates;

pub use answers::DEFAULT_REJECTION;
pub(crate) use openapi_schema::components;
pub use rates::{ChattuRates, RateKind};

use crate::accounts::Scope;
use crate::{
    gateway::Gateway,
    model::{ids::InstanceId, instance::ConnectorKind, phone::Phone},
    store::{StoreError, Vault},
};
use rusqlite::params;
use std::sync::Arc;

/// Whose rows are asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientScope {
    pub scope: Scope,
    /// One instance of it.
    pub instance: Option<InstanceId>,
}

/// The slice's door.
pub struct Chattu {
    /// What it speaks for.
    pub gateway: Arc<Gateway>,
    vault: Vault,
    /// How often somebody may ask.
    pub rates: ChattuRates,
    /// The connector of clients that the API adds.
    pub new_client_connector: ConnectorKind,
}

impl Chattu {
    /// The slice over the gateway; its worker is started with [`Chattu::run`]. `vault`: for endpoints' headers.
    pub fn new(gateway: Arc<Gateway>, vault: Vault, rates: ChattuRates, new_client_connector: ConnectorKind) -> Self {
        Self { gateway, vault, rates, new_client_connector }
    }

    /// Notes the number that a client was added with; the provider's own word about it comes later and counts more.
    pub async fn note_number(&self, instance: &InstanceId, phone: &Phone) -> Result<(), StoreError> {
        let (instance, phone) = (instance.clone(), phone.as_str().to_owned());
        let sql = "UPDATE instances SET phone = coalesce(phone, ?2) WHERE id = ?1";
        self.gateway.store.write(move |tx| tx.execute(sql, params![instance, phone]).map(drop)).await
    }
}
