//! 3CX: calls and chats of a telephone system meet WhatsApp (contract 2).
//!
//! The story, in the order in which it happens:
//!
//! 1. `auth.rs`: is the request an integration's? From memory alone, in the same time whatever is wrong.
//! 2. `handle.rs`: load, judge in the contract's order, record; then the guarded sender, the only way out.
//! 3. `event.rs` reads what the telephone system said, `template.rs` fills in what it is to be answered.
//!
//! The other way, inbound messages go through the webhooks' outbox to an endpoint that `integration.rs` manages.
//!
//! Invariants:
//! - Nothing is written before a request is proven. A signature is good once.
//! - What is sent passes [`Sending::submit`]; what is forwarded is a delivery like any other.
//! - Secrets are sealed at rest and shown once; neither they nor texts nor whole numbers are in the request log.
//!
//! The slice knows no HTTP status and no header of a request but the secret's name.

mod auth;
pub mod crm_template;
mod event;
mod examine;
mod facts;
mod handle;
pub mod http;
mod integration;
mod judge;
mod limits;
mod log;
mod management;
pub mod openapi;
mod secrets;
mod settings;
pub mod snippet;
pub mod template;
mod templates;

pub use auth::{Admission, NotAuthentic, Presented, Rejected, RequestProof, Via};
pub use event::{EventAction, EventType};
pub use examine::Examination;
pub use handle::{COOLDOWN, Payload, RequestOutcome, ThreecxReply};
pub use integration::{Integration, IntegrationId, find as find_integration};
pub use limits::PER_MINUTE;
pub use log::{Count, Monitored, RequestLogEntry, list as list_requests, monitored};
pub use secrets::{SECRET_HEADER, Secrets};
pub use settings::{Mode, Settings, SettingsChange};
pub use templates::{Saved, list as list_templates};

use crate::{
    events::webhooks::Webhooks,
    model::{
        clock::Clock,
        ids::{AccountId, InstanceId},
        random::Random,
        why::Why,
    },
    sending::Sending,
    store::{Store, StoreError, Vault},
};
use auth::IntegrationCache;
use facts::Asking;
use handle::Decided;
use limits::{RequestRates, SeenSignatures};
use rusqlite::params;
use std::sync::Arc;
use tokio::sync::Mutex;

/// What can go wrong here; each text says what would be right.
#[derive(Debug, thiserror::Error)]
pub enum ThreecxError {
    /// No such integration, or another account's.
    #[error("there is no 3CX integration {0}; `wa-gateway threecx list` shows them")]
    NotFound(IntegrationId),
    /// Input that cannot be taken.
    #[error("{0}")]
    Invalid(Why),
    /// Somebody else may.
    #[error("{0}")]
    NotAllowed(Why),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who changes something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Actor<'a> {
    /// `cli`, or a user's email.
    pub actor: &'a str,
    /// Whether they run the appliance.
    pub is_admin: bool,
}

/// What makes an integration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewIntegration {
    pub account: AccountId,
    /// The instance that it writes from and hears of.
    pub instance: InstanceId,
    /// What differs from the defaults.
    pub change: SettingsChange,
}

/// What the slice works with.
pub struct Parts {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    /// Seals secrets.
    pub vault: Vault,
    /// The guarded sender.
    pub sending: Arc<Sending>,
    pub webhooks: Arc<Webhooks>,
    /// Unproven requests of an address in a minute, beyond which it is not listened to; 0: no such bound.
    pub failures_per_minute: u32,
}

/// The slice's door.
pub struct Threecx {
    store: Store,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    vault: Vault,
    sending: Arc<Sending>,
    webhooks: Arc<Webhooks>,
    ring: IntegrationCache,
    refreshing: Mutex<()>,
    rates: RequestRates,
}

impl Threecx {
    /// The slice over its parts, with its ring filled.
    pub async fn open(parts: Parts) -> Result<Self, StoreError> {
        let Parts { store, clock, random, vault, sending, webhooks, failures_per_minute } = parts;
        let now = clock.now();
        let seen = store.read(move |tx| {
            let sql = "SELECT signature, until FROM threecx_signatures WHERE until >= ?1";
            tx.list(sql, params![now], |r| Ok((r.get(0)?, r.get(1)?)))
        });
        let seen: Result<_, StoreError> = seen.await;
        if !store.read(secrets::in_the_clear).await?.is_empty() {
            let vault = vault.clone();
            store.write(move |tx| secrets::seal_old(tx, &vault)).await?;
        }
        let ring = IntegrationCache::new(&*random, failures_per_minute, SeenSignatures::with(seen?));
        let (refreshing, rates) = (Mutex::default(), RequestRates::default());
        let threecx = Self { store, clock, random, vault, sending, webhooks, ring, refreshing, rates };
        threecx.refresh().await?;
        Ok(threecx)
    }

    /// Begins to prove a request: what it shows before its body.
    pub fn begin(&self, shown: &Presented<'_>) -> RequestProof {
        self.ring.begin(shown, self.clock.now())
    }

    /// Ends it. `is_whole`: the body was read to its end.
    ///
    /// # Errors
    /// The request is not proven; it was counted in memory, and nothing was written.
    pub fn finish(&self, proof: RequestProof, is_whole: bool) -> Result<Admission, NotAuthentic> {
        self.ring.finish(proof, is_whole)
    }

    /// Does what a proven request asks for. A telephone system that hangs up in between does not stop it half-way.
    ///
    /// # Errors
    /// The store's; then nothing was sent.
    pub async fn answer(
        self: &Arc<Self>,
        admission: Admission,
        asked: Payload,
        request_id: &str,
    ) -> Result<ThreecxReply, StoreError> {
        let (threecx, request_id) = (self.clone(), request_id.to_owned());
        let running = tokio::spawn(async move { threecx.carry_out(admission, asked, &request_id).await });
        running.await.unwrap_or_else(|e| Err(StoreError::Panicked(e.to_string())))
    }

    async fn carry_out(
        &self,
        admission: Admission,
        asked: Payload,
        request_id: &str,
    ) -> Result<ThreecxReply, StoreError> {
        let (now, id) = (self.clock.now(), request_id.to_owned());
        let impossible = self.sending.rules().impossible_phone;
        let before = Asking { rate: self.rates.take(&admission.id, now), impossible, now };
        let proven = admission.clone();
        let decided = self.store.write(move |tx| handle::decide(tx, &admission, &asked, &before, &id)).await;
        let job = match decided.inspect_err(|_| self.ring.release(&proven))? {
            Decided::Told(told) => return Ok(*told),
            Decided::Send(job) => Arc::new(*job),
        };
        let sent = self.sending.submit(job.sender.clone(), job.request.clone()).await;
        let (ours, now) = (job.clone(), self.clock.now());
        match sent {
            Ok(answer) => {
                let outcome = answer.clone();
                let settled = self.store.write(move |tx| handle::settle(tx, &ours, &outcome, now)).await;
                if let Err(e) = settled {
                    // The message's own row is written; only this line of ours is missing.
                    let e: StoreError = e;
                    tracing::warn!(request_id, "the outcome of a 3CX request could not be logged: {e}");
                }
                Ok(handle::told(&job, answer))
            }
            Err(e) => {
                let _ = self.store.write(move |tx| handle::uncool(tx, &ours)).await;
                Err(e)
            }
        }
    }

    /// Deletes what has run out: cooldowns, used signatures; says how many.
    pub async fn expire(&self) -> Result<usize, StoreError> {
        let now = self.clock.now();
        self.store.write(move |tx| handle::expire(tx, now)).await
    }

    async fn refresh(&self) -> Result<(), StoreError> {
        // One at a time: else what was read before a change could take the place of what was read after it.
        let _turn = self.refreshing.lock().await;
        let vault = self.vault.clone();
        let opened = self.store.read(move |tx| secrets::opened(tx, &vault)).await?;
        self.ring.replace(opened);
        Ok(())
    }
}
