//! Claims: which deliveries are due, and which of those may be attempted now or are read ahead (`places.rs`).

use super::{
    WebhookError, Webhooks,
    endpoint::EndpointId,
    in_order,
    managed::{self, Format},
    places::{AHEAD_BYTES, AsOf, CallPlaces, MAX_IN_FLIGHT, MAX_IN_FLIGHT_FAILING, ReadAhead, Wanted},
    secrets,
    signature::Signer,
};
use crate::{
    events::brokers,
    model::{
        clock::{LastLook, Time},
        ids::AccountId,
    },
    store::{StoreError, Tx, Vault, WriteTx},
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use rusqlite::params;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Events of a batch for a broker, and how many batches may be so large at once; further ones have a webhook's places.
const BATCH_MAX: usize = 512;
const LARGE_BATCHES: usize = 16;
/// A second batch begins while it is written down that the first one was confirmed, where both have so many events.
pub(super) const LEAST_FOR_SECOND: usize = BATCH_MAX / 2;

/// Which deliveries are under way.
#[derive(Default)]
pub(super) struct DeliveryClaims {
    /// Those to webhooks.
    pub(super) calls: Arc<CallPlaces>,
    /// The brokers' endpoints that have batches under way.
    batches: Mutex<HashMap<EndpointId, Vec<BatchIds>>>,
    /// Those of them whose one batch was confirmed.
    confirmed: Mutex<HashSet<EndpointId>>,
    /// Claiming is one at a time: what is read is not claimed by another in between.
    turn: tokio::sync::Mutex<()>,
    looked: LastLook,
}

/// The deliveries of a batch that is under way, by their numbers.
pub(super) type BatchIds = Arc<HashSet<i64>>;

/// A delivery that is ours to attempt. Only [`Webhooks::claim`] makes one.
pub(super) struct ClaimedDelivery {
    pub(super) id: i64,
    pub(super) endpoint: EndpointId,
    pub(super) account: AccountId,
    pub(super) event: Arc<ClaimedEvent>,
    pub(super) attempt: u32,
    pub(super) format: Format,
    /// Of a broker's: the number of its conversation.
    pub(super) conversation: Option<i64>,
    pub(super) proof: Arc<DeliveryHeaders>,
}

/// What is delivered, the same for all whom it is delivered to.
pub(super) struct ClaimedEvent {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) body: Bytes,
    /// Of which instance.
    pub(super) instance: String,
}

/// A batch for a broker, all of one endpoint: at least one delivery. Until it is settled no other batch has an event of its
/// conversations.
pub(super) struct ClaimedBatch {
    pub(super) endpoint: EndpointId,
    pub(super) ids: BatchIds,
    pub(super) all: Vec<ClaimedDelivery>,
}

/// Where an endpoint's deliveries go, and what they carry besides their bytes.
pub(super) struct DeliveryHeaders {
    pub(super) url: String,
    pub(super) signer: Signer,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

impl ClaimedDelivery {
    /// Whether what its receiver answers is read.
    pub(super) fn answers(&self) -> bool {
        self.format == Format::Chattu
    }
}

impl DeliveryClaims {
    fn batches(&self) -> MutexGuard<'_, HashMap<EndpointId, Vec<BatchIds>>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn confirmed(&self) -> MutexGuard<'_, HashSet<EndpointId>> {
        self.confirmed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A broker has confirmed all of the endpoint's batch: the next one may begin before that is written down. Before it was
    /// confirmed it would share what time the broker has for it.
    pub(super) fn note_confirmed(&self, endpoint: EndpointId) {
        self.confirmed().insert(endpoint);
    }

    /// The endpoint may have another batch in the place of this one, and one with events of its conversations.
    pub(super) fn release_batch(&self, endpoint: EndpointId, ids: &BatchIds) {
        self.confirmed().remove(&endpoint);
        let mut all = self.batches();
        if let Some(batches) = all.get_mut(&endpoint) {
            batches.retain(|one| !Arc::ptr_eq(one, ids));
            if batches.is_empty() {
                all.remove(&endpoint);
            }
        }
    }

    /// Forgets everything: nothing is under way.
    pub(super) fn reset(&self) {
        self.calls.reset();
        self.batches().clear();
        self.confirmed().clear();
    }
}

impl Webhooks {
    /// As of now.
    pub(super) fn as_of(&self) -> AsOf {
        AsOf { changes: self.store.outdated(), at: self.clock.now() }
    }

    /// Takes what is due and has a place: what goes to brokers is in the answer, calls wait for their places.
    pub(super) async fn claim(&self) -> Result<Vec<ClaimedBatch>, WebhookError> {
        let _turn = self.claims.turn.lock().await;
        let now = self.clock.now();
        if self.claims.looked.was_set_back(now) {
            self.store.write(move |tx| believe_no_future(tx, now)).await?;
        }
        // All of it before the read: what ends in between is neither read as due nor claimed twice, and what changes in
        // between is read again.
        self.claims.calls.begin_claim();
        let mut claiming = Claiming {
            as_of: self.as_of(),
            calls: self.claims.calls.clone(),
            batches: self.claims.batches().clone(),
            confirmed: self.claims.confirmed().clone(),
            resting: self.breakers.resting(self.clock.now()).into_keys().collect(),
            vault: self.vault.clone(),
            events: HashMap::new(),
        };
        let claimed = self.store.read(move |tx| claiming.due(tx)).await;
        self.claims.calls.end_claim();
        let claimed = claimed?;
        let mut batches = self.claims.batches();
        for ClaimedBatch { endpoint, ids, .. } in &claimed {
            batches.entry(*endpoint).or_default().push(ids.clone());
        }
        Ok(claimed)
    }
}

/// What there was before a claim, who may have nothing now, and what was read.
struct Claiming {
    as_of: AsOf,
    calls: Arc<CallPlaces>,
    batches: HashMap<EndpointId, Vec<BatchIds>>,
    confirmed: HashSet<EndpointId>,
    resting: HashSet<EndpointId>,
    vault: Vault,
    /// The events that are delivered, by their rows: many endpoints have the same.
    events: HashMap<i64, Arc<ClaimedEvent>>,
}

impl Claiming {
    fn due(&mut self, tx: &Tx<'_>) -> Result<Vec<ClaimedBatch>, WebhookError> {
        let endpoints = tx.list(
            "SELECT id, failing_since IS NOT NULL, format, account_id, url FROM endpoints e
             WHERE deleted_at IS NULL AND disabled_at IS NULL
               AND EXISTS (SELECT 1 FROM deliveries d
                           WHERE d.endpoint_id = e.id AND d.state = 'pending' AND d.due_at <= ?1)
             ORDER BY id",
            params![self.as_of.at],
            |r| {
                let format = Format::parse(&r.get::<_, String>(2)?).unwrap_or(Format::Event);
                let is_broker = brokers::is_broker(&r.get::<_, String>(4)?);
                Ok(DueEndpoint { id: r.get(0)?, is_failing: r.get(1)?, format, account: r.get(3)?, is_broker })
            },
        )?;
        let mut claimed = Vec::new();
        for endpoint in &endpoints {
            if self.resting.contains(&endpoint.id) {
                continue;
            }
            if endpoint.is_broker {
                let batches = claimed.len() + self.batches.values().map(Vec::len).sum::<usize>();
                claimed.extend(self.batch(tx, endpoint, batches)?);
            } else if let Some(wanted) = self.calls.wanted(endpoint.id, endpoint.is_failing, self.as_of) {
                self.read_ahead(tx, endpoint, wanted)?;
            }
        }
        Ok(claimed)
    }

    /// Reads what an endpoint may get next.
    fn read_ahead(&mut self, tx: &Tx<'_>, endpoint: &DueEndpoint, wanted: Wanted) -> Result<(), WebhookError> {
        let known = wanted.proof.clone();
        let Some(proof) = known.or_else(|| self.proof(tx, endpoint.id)) else { return Ok(()) };
        let due = due_ids(tx, endpoint.id, wanted.limit + wanted.claimed, self.as_of.at)?;
        let (due, mut has_more) = self.calls.unclaimed(endpoint.id, due, &wanted);
        let (mut rows, mut bytes) = (Vec::with_capacity(due.len()), 0);
        for id in due {
            if bytes >= AHEAD_BYTES {
                has_more = true;
                break;
            }
            let sql = "SELECT attempts, event_id FROM deliveries WHERE id = ?1";
            let (attempts, row) = tx.one(sql, params![id], |r| Ok((r.get::<_, u32>(0)?, r.get::<_, i64>(1)?)))?;
            let event = match self.events.get(&row) {
                Some(event) => event.clone(),
                None => self.events.entry(row).or_insert(Arc::new(event(tx, row)?)).clone(),
            };
            bytes += event.body.len();
            rows.push(endpoint.claimed((id, attempts, event), None, &proof));
        }
        let read = ReadAhead { endpoint: endpoint.id, is_failing: endpoint.is_failing, rows, has_more, proof };
        self.calls.put(read, self.as_of);
        Ok(())
    }

    /// The next batch of a broker, if it may have one beside `batches` of everybody's that are under way.
    fn batch(&self, tx: &Tx<'_>, endpoint: &DueEndpoint, batches: usize) -> Result<Option<ClaimedBatch>, WebhookError> {
        let rows = self.due_batch(tx, endpoint, batches)?;
        if rows.is_empty() {
            return Ok(None);
        }
        let Some(proof) = self.proof(tx, endpoint.id) else { return Ok(None) };
        let all = rows.into_iter().map(|((id, attempts, event_id, name, body, instance), conversation)| {
            let event = ClaimedEvent { id: event_id, name, body: Bytes::from(body), instance };
            endpoint.claimed((id, attempts, Arc::new(event)), Some(conversation), &proof)
        });
        let all: Vec<ClaimedDelivery> = all.collect();
        let ids = Arc::new(all.iter().map(|one| one.id).collect());
        Ok(Some(ClaimedBatch { endpoint: endpoint.id, ids, all }))
    }

    fn due_batch(&self, tx: &Tx<'_>, endpoint: &DueEndpoint, batches: usize) -> Result<Vec<(DueRow, i64)>, StoreError> {
        let limit = match endpoint.is_failing {
            true => MAX_IN_FLIGHT_FAILING,
            false if batches < LARGE_BATCHES => BATCH_MAX,
            false => MAX_IN_FLIGHT,
        };
        let (id, now) = (endpoint.id, self.as_of.at);
        let is_confirmed = self.confirmed.contains(&id);
        match self.batches.get(&id).map_or(&[][..], Vec::as_slice) {
            [] => in_order::due(tx, id, limit, now),
            // Few events are better off together, in the next one.
            [first] if is_confirmed && first.len() >= LEAST_FOR_SECOND && limit == BATCH_MAX => {
                let rows = in_order::due_beside(tx, id, (first, limit), now)?;
                Ok(if rows.len() < LEAST_FOR_SECOND { Vec::new() } else { rows })
            }
            _ => Ok(Vec::new()),
        }
    }

    /// What goes with an endpoint's deliveries; none: it cannot be opened, and they wait.
    fn proof(&self, tx: &Tx<'_>, id: EndpointId) -> Option<Arc<DeliveryHeaders>> {
        let found = || {
            Ok::<_, WebhookError>(DeliveryHeaders {
                signer: Signer::new(&secrets::list(tx, id, &self.vault, self.as_of.at)?),
                url: managed::url(tx, id, &self.vault)?,
                headers: managed::headers(tx, id, &self.vault)?,
            })
        };
        match found() {
            Ok(proof) => Some(Arc::new(proof)),
            Err(e) => {
                tracing::error!(endpoint = %id, "its events wait: {e}");
                None
            }
        }
    }
}

/// An endpoint that may be attempted.
struct DueEndpoint {
    id: EndpointId,
    is_failing: bool,
    format: Format,
    account: AccountId,
    is_broker: bool,
}

impl DueEndpoint {
    fn claimed(
        &self,
        (id, attempts, event): (i64, u32, Arc<ClaimedEvent>),
        conversation: Option<i64>,
        proof: &Arc<DeliveryHeaders>,
    ) -> ClaimedDelivery {
        let (endpoint, account, format) = (self.id, self.account, self.format);
        let (attempt, proof) = (attempts + 1, proof.clone());
        ClaimedDelivery { id, endpoint, account, event, attempt, format, conversation, proof }
    }
}

/// What a clock that was ahead has put off is due: it was never meant to wait for so long.
fn believe_no_future(tx: &WriteTx<'_>, now: Time) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE deliveries SET due_at = ?1
         WHERE state = 'pending' AND due_at > ?1 AND (attempts = 0 OR last_at IS NULL OR last_at > ?1)",
        params![now],
    )
    .map(drop)
}

/// A delivery's number and attempts; its event's id, name, bytes and instance.
pub(super) type DueRow = (i64, u32, String, String, String, String);

/// The numbers of what is due first. Of the index alone: those that are claimed are read over again and again.
fn due_ids(tx: &Tx<'_>, endpoint: EndpointId, limit: usize, now: Time) -> Result<Vec<i64>, StoreError> {
    tx.list(
        "SELECT id FROM deliveries WHERE endpoint_id = ?1 AND state = 'pending' AND due_at <= ?2
         ORDER BY due_at, id LIMIT ?3",
        params![endpoint, now, i64::try_from(limit).unwrap_or(i64::MAX)],
        |r| r.get(0),
    )
}

fn event(tx: &Tx<'_>, row: i64) -> Result<ClaimedEvent, StoreError> {
    tx.one("SELECT event_id, name, body, instance_id FROM events WHERE id = ?1", params![row], |r| {
        let body = Bytes::from(r.get::<_, String>(2)?);
        Ok(ClaimedEvent { id: r.get(0)?, name: r.get(1)?, body, instance: r.get(3)? })
    })
}
