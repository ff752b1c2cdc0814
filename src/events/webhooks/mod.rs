//! Customers' webhooks: endpoints, the durable outbox, signed deliveries with retries, and their log.
//!
//! An event is written with its deliveries in the transaction of the change that causes it (`outbox.rs`), with the
//! bytes that every attempt will send. The worker (`worker.rs`) claims what is due (`claim.rs`), within its endpoint's places
//! (`places.rs`), signs it (`signature.rs`) and hands it to the egress; what came back is written meanwhile (`settling.rs`),
//! and `retry.rs` says what follows. Endpoints at brokers get batches
//! (`handing.rs`) in the order of each conversation (`in_order.rs`). Delivery is at least once, to webhooks in no promised
//! order; nothing is ever dropped: what is given up stays in the log (`log.rs`).
//!
//! Invariants: a delivery that is not claimed cannot be attempted; id and bytes are the same at each attempt; a slow or
//! dead endpoint holds up no other.
//!
//! It knows nothing of why things happen, of messages' rules, or of HTTP towards us.

pub mod address;
mod breaker;
mod change;
mod chattu;
mod claim;
mod conversation;
mod counts;
mod echo_ref;
mod endpoint;
mod endpoint_id;
pub mod event;
mod feed;
mod feed_news;
mod handing;
mod in_order;
mod log;
pub mod managed;
mod outbox;
pub mod own_headers;
mod places;
mod recovery;
pub mod retry;
mod secrets;
mod settling;
pub mod signature;
mod sms;
mod status_step;
mod worker;

pub use change::EndpointChange;
pub use chattu::{
    EndpointReply, answer_unasked, answers, close_answer, drop_answers, is_asked_about_calls, record_withheld,
};
pub use counts::{EndpointCounts, LateDeliveries, count_endpoints, how_lately, list_given_up};
pub use echo_ref::{ChangedRef, EchoRef};
pub use endpoint::{Endpoint, EndpointId, NewEndpoint, list as list_endpoints};
pub use event::{Event, EventContext, EventName, EventPerson, OutboundRef};
pub use feed::{FeedFilter, FeedPosition, ToldEvent, newest as newest_event, position_of, position_since, told_after};
pub use feed_news::FeedBatch;
pub use log::{
    Attempt, Delivery, Filter, attempts, body as event_body, find as find_delivery, list as list_deliveries, waiting,
};
pub use outbox::{emit, is_wanted};
pub use status_step::StatusStep;

use crate::{
    egress::Egress,
    events::brokers::Brokers,
    model::{
        clock::Clock,
        clock::Time,
        egress::Use,
        ids::{AccountId, InstanceId},
        random::Random,
        why::{Why, why},
    },
    store::{Store, StoreError, Vault},
};
use breaker::Breakers;
use endpoint::ChangedBy;
use outbox::Happened;
use rusqlite::params;
use signature::Secret;
use std::sync::Arc;
use tokio::sync::{Notify, broadcast, watch};

/// What can go wrong here; each text says what would be right.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// No such thing.
    #[error("{0}")]
    NotFound(String),
    /// Input that cannot be taken.
    #[error("{0}")]
    Invalid(Why),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The slice's door.
pub struct Webhooks {
    store: Store,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    vault: Vault,
    egress: Egress,
    claims: claim::DeliveryClaims,
    ended: settling::EndedAttempts,
    breakers: Breakers,
    brokers: Brokers,
    /// Woken when an endpoint has answered in a dialect whose answers ask for something.
    answered: Arc<Notify>,
    feed: feed_news::FeedNews,
}

impl Webhooks {
    /// The slice over `store`; its worker is started with [`Webhooks::run`].
    pub fn new(store: Store, clock: Arc<dyn Clock>, random: Arc<dyn Random>, vault: Vault, egress: Egress) -> Self {
        let brokers = Brokers::new(clock.clone(), random.clone());
        Self {
            store,
            clock,
            random,
            vault,
            egress,
            claims: claim::DeliveryClaims::default(),
            ended: settling::EndedAttempts::default(),
            breakers: Breakers::default(),
            brokers,
            answered: Arc::default(),
            feed: feed_news::FeedNews::default(),
        }
    }

    /// Seals what an earlier version kept in the clear. Before anything is delivered.
    ///
    /// # Errors
    /// The store's.
    pub async fn seal_old_addresses(&self) -> Result<(), StoreError> {
        if self.store.read(address::in_the_clear).await?.is_empty() {
            return Ok(());
        }
        let vault = self.vault.clone();
        self.store.write(move |tx| address::seal_old(tx, &vault)).await
    }

    /// Makes an endpoint; its secret is returned here and never again.
    ///
    /// # Errors
    /// An address that may not be called, an unknown account, instance or event.
    pub async fn create(&self, new: NewEndpoint, actor: &str) -> Result<(EndpointId, Secret), WebhookError> {
        self.check_endpoint(new.account, &new.url)?;
        change::no_headers(&new.url, &new.headers)?;
        let (by, vault, secret) = (self.by(actor), self.vault.clone(), Secret::new(&*self.random));
        let sealed = secret.clone();
        let id = self.store.write(move |tx| endpoint::create(tx, &new, &sealed, &vault, &by)).await?;
        Ok((id, secret))
    }

    /// Rings when an endpoint may have answered with something to be sent; so may whoever wrote an answer himself.
    pub fn reply_notify(&self) -> Arc<Notify> {
        self.answered.clone()
    }

    /// Hears what was told to readers since somebody last listened. Subscribe first, then read: what is committed in
    /// between is in what one reads, or comes.
    pub fn listen(&self) -> broadcast::Receiver<Arc<FeedBatch>> {
        self.feed.subscribe()
    }

    /// How many listen.
    pub fn listeners(&self) -> usize {
        self.feed.listeners()
    }

    /// Hands what is committed to those who listen, until `stop`.
    pub async fn run_feed(self: Arc<Self>, stop: watch::Receiver<bool>) {
        self.feed.run(&self.store, stop).await;
    }

    /// Ends when it rings.
    pub async fn answered(&self) {
        self.answered.notified().await;
    }

    /// What is wrong with an address of this account's as far as its form shows it.
    ///
    /// # Errors
    /// An address that may not be called.
    pub fn check_url(&self, account: AccountId, url: &str) -> Result<(), WebhookError> {
        address::judge_length(url)?;
        self.egress.of_account(account).check_url(url, Use::Webhooks).map_err(|e| WebhookError::Invalid(e.why()))
    }

    /// The same for an address that a customer gives, which may be a broker's.
    fn check_endpoint(&self, account: AccountId, url: &str) -> Result<(), WebhookError> {
        self.check_url(account, &address::callable(url)?)
    }

    pub async fn list(&self) -> Result<Vec<Endpoint>, WebhookError> {
        Ok(self.store.read(endpoint::list).await?)
    }

    /// One delivery.
    ///
    /// # Errors
    /// No such one.
    pub async fn find_delivery(&self, id: i64) -> Result<Delivery, WebhookError> {
        let found = self.store.read(move |tx| log::find(tx, id)).await?;
        found.ok_or_else(|| WebhookError::NotFound(format!("there is no delivery {id}")))
    }

    /// A new secret, returned here and never again; the old one signs beside it for a day.
    ///
    /// # Errors
    /// No such endpoint.
    pub async fn rotate(&self, id: EndpointId, actor: &str) -> Result<Secret, WebhookError> {
        let (by, vault, secret) = (self.by(actor), self.vault.clone(), Secret::new(&*self.random));
        let sealed = secret.clone();
        self.store.write(move |tx| endpoint::rotate(tx, id, &sealed, &vault, &by)).await?;
        Ok(secret)
    }

    /// Changes an endpoint of a customer's own; what waits for it goes to the new address.
    ///
    /// # Errors
    /// No such endpoint, instance or event, an address that may not be called; another part of the gateway manages it.
    pub async fn change(&self, id: EndpointId, wanted: EndpointChange, actor: &str) -> Result<(), WebhookError> {
        if let Some(url) = &wanted.url {
            let before = self.store.read(move |tx| endpoint::find(tx, id)).await?;
            if *url != before.destination_url {
                self.check_endpoint(before.account_id, url)?;
            }
        }
        let (by, vault) = (self.by(actor), self.vault.clone());
        self.store.write(move |tx| change::change(tx, id, &wanted, &vault, &by)).await
    }

    /// Enables an endpoint; what it collected is due at once.
    ///
    /// # Errors
    /// No such endpoint.
    pub async fn enable(&self, id: EndpointId, actor: &str) -> Result<(), WebhookError> {
        let by = self.by(actor);
        self.announced(move |tx| endpoint::enable(tx, id, &by)).await
    }

    /// Disables an endpoint; it keeps collecting for three days.
    ///
    /// # Errors
    /// No such endpoint.
    pub async fn disable(&self, id: EndpointId, actor: &str) -> Result<(), WebhookError> {
        let by = self.by(actor);
        self.store.write(move |tx| endpoint::disable(tx, id, &by)).await
    }

    /// Takes an endpoint away.
    ///
    /// # Errors
    /// No such endpoint.
    pub async fn delete(&self, id: EndpointId, actor: &str) -> Result<(), WebhookError> {
        let by = self.by(actor);
        self.store.write(move |tx| endpoint::delete(tx, id, &by)).await
    }

    fn by(&self, actor: &str) -> ChangedBy {
        ChangedBy { actor: actor.to_owned(), now: self.clock.now() }
    }

    /// Sends a test event to one endpoint; returns the delivery's number.
    ///
    /// # Errors
    /// No such endpoint.
    pub async fn test(&self, id: EndpointId) -> Result<i64, WebhookError> {
        let (now, random) = (self.clock.now(), self.random.clone());
        self.announced(move |tx| {
            let to = endpoint::find(tx, id)?;
            let instance = to.instance_id.unwrap_or_else(|| InstanceId::from_text(""));
            let (account, event) = (to.account_id, &Event::Test);
            let happened = Happened { account, instance: &instance, event, at: now, now, random: &*random };
            let wanted = endpoint::wanted(tx, id)?;
            let row = outbox::record(tx, &happened, Some(&wanted))?;
            // Every format has a shape for the test.
            let row = row.ok_or_else(|| WebhookError::Invalid(why!("no_test", "this endpoint takes no test")))?;
            Ok(outbox::deliver(tx, row, &happened, &wanted)?)
        })
        .await
    }

    /// Deliveries, newest first.
    pub async fn deliveries(&self, filter: Filter) -> Result<Vec<Delivery>, WebhookError> {
        Ok(self.store.read(move |tx| log::list(tx, &filter)).await?)
    }

    /// The attempts of a delivery, oldest first.
    pub async fn attempts(&self, delivery: i64) -> Result<Vec<Attempt>, WebhookError> {
        Ok(self.store.read(move |tx| log::attempts(tx, delivery)).await?)
    }

    /// Sends a delivery again, with the same id and bytes.
    ///
    /// # Errors
    /// No such delivery.
    pub async fn resend(&self, delivery: i64) -> Result<usize, WebhookError> {
        let now = self.clock.now();
        self.announced(move |tx| log::resend(tx, delivery, now)).await
    }

    /// Sends everything again that failed since `since`; says how many.
    pub async fn resend_failed(&self, since: Time, to: Option<EndpointId>) -> Result<usize, WebhookError> {
        let now = self.clock.now();
        self.announced(move |tx| Ok(log::resend_failed(tx, since, to, now)?)).await
    }

    /// A write after which the worker looks.
    async fn announced<T: Send + 'static>(
        &self,
        work: impl FnOnce(&crate::store::WriteTx<'_>) -> Result<T, WebhookError> + Send + 'static,
    ) -> Result<T, WebhookError> {
        self.store
            .write(move |tx| {
                let done = work(tx)?;
                tx.announce();
                Ok(done)
            })
            .await
    }

    /// When the next delivery is due of those that were not yet at this time; none: none of these waits.
    async fn next_due(&self, looked: Time) -> Result<Option<Time>, StoreError> {
        self.store
            .read(move |tx| {
                tx.one(
                    "SELECT min((SELECT min(d.due_at) FROM deliveries d
                                 WHERE d.endpoint_id = e.id AND d.state = 'pending' AND d.due_at > ?1))
                     FROM endpoints e WHERE e.deleted_at IS NULL AND e.disabled_at IS NULL",
                    params![looked],
                    |r| r.get(0),
                )
            })
            .await
    }
}
