//! Claims: which deliveries are under way, and which of those that are due may be, too.
//!
//! They live in memory: there is one process, and when it dies its claims are gone, which is all that crash safety asks
//! of them. Each endpoint has a few places of its own, and one only while it fails, so that no endpoint takes another's.

use super::{
    WebhookError, Webhooks,
    endpoint::EndpointId,
    in_order,
    managed::{self, Format},
    secrets,
    signature::Secret,
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

/// Attempts at once to an endpoint that works, to one that fails, and in all.
const MAX_IN_FLIGHT: usize = 16;
const MAX_IN_FLIGHT_FAILING: usize = 1;
const PLACES_IN_ALL: usize = 512;
/// Events of a batch for a broker, and how many batches may be so large at once; further ones have a webhook's places.
const BATCH_MAX: usize = 512;
const LARGE_BATCHES: usize = 16;
/// A second batch begins while it is written down that the first one was confirmed, where both have so many events.
pub(super) const LEAST_FOR_SECOND: usize = BATCH_MAX / 2;

/// Which deliveries are under way, by endpoint.
#[derive(Default)]
pub(super) struct DeliveryClaims {
    by_endpoint: Mutex<HashMap<EndpointId, HashSet<i64>>>,
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
    pub(super) event_id: String,
    pub(super) event_name: String,
    pub(super) body: Bytes,
    pub(super) attempt: u32,
    pub(super) format: Format,
    /// Of which instance.
    pub(super) instance: String,
    /// Of a broker's: the number of its conversation.
    pub(super) conversation: Option<i64>,
    pub(super) proof: Arc<DeliveryHeaders>,
}

/// What is attempted together.
pub(super) enum ClaimedWork {
    /// One call of a webhook.
    Call(ClaimedDelivery),
    /// A batch for a broker, all of one endpoint: at least one delivery. Until it is settled no other batch has an event of
    /// its conversations.
    Batch(EndpointId, BatchIds, Vec<ClaimedDelivery>),
}

impl ClaimedWork {
    /// How many deliveries.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Call(_) => 1,
            Self::Batch(.., all) => all.len(),
        }
    }
}

/// Where an endpoint's deliveries go, and what they carry besides their bytes.
pub(super) struct DeliveryHeaders {
    pub(super) url: String,
    pub(super) secrets: Vec<Secret>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

impl ClaimedDelivery {
    /// Whether what its receiver answers is read.
    pub(super) fn answers(&self) -> bool {
        self.format == Format::Chattu
    }
}

impl DeliveryClaims {
    fn lock(&self) -> MutexGuard<'_, HashMap<EndpointId, HashSet<i64>>> {
        self.by_endpoint.lock().unwrap_or_else(PoisonError::into_inner)
    }

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

    /// Gives the place back.
    pub(super) fn release(&self, claimed: &ClaimedDelivery) {
        let mut all = self.lock();
        if let Some(ids) = all.get_mut(&claimed.endpoint) {
            ids.remove(&claimed.id);
            if ids.is_empty() {
                all.remove(&claimed.endpoint);
            }
        }
    }
}

impl Webhooks {
    /// Takes what is due and has a place.
    pub(super) async fn claim(&self) -> Result<Vec<ClaimedWork>, WebhookError> {
        let _turn = self.claims.turn.lock().await;
        let now = self.clock.now();
        if self.claims.looked.was_set_back(now) {
            self.store.write(move |tx| believe_no_future(tx, now)).await?;
        }
        // Taken before the read: what ends in between is neither read as due nor claimed twice.
        let under_way = UnderWay {
            calls: self.claims.lock().clone(),
            batches: self.claims.batches().clone(),
            confirmed: self.claims.confirmed().clone(),
            resting: self.breakers.resting(self.clock.now()).into_keys().collect(),
        };
        let (now, vault) = (self.clock.now(), self.vault.clone());
        let claimed = self.store.read(move |tx| due(tx, &under_way, &vault, now)).await?;
        let (mut calls, mut batches) = (self.claims.lock(), self.claims.batches());
        for work in &claimed {
            match work {
                ClaimedWork::Call(delivery) => drop(calls.entry(delivery.endpoint).or_default().insert(delivery.id)),
                ClaimedWork::Batch(endpoint, ids, _) => batches.entry(*endpoint).or_default().push(ids.clone()),
            }
        }
        Ok(claimed)
    }
}

/// What there was before a claim, and who may have nothing now.
struct UnderWay {
    calls: HashMap<EndpointId, HashSet<i64>>,
    batches: HashMap<EndpointId, Vec<BatchIds>>,
    confirmed: HashSet<EndpointId>,
    resting: HashSet<EndpointId>,
}

fn due(tx: &Tx<'_>, under_way: &UnderWay, vault: &Vault, now: Time) -> Result<Vec<ClaimedWork>, WebhookError> {
    let mut room = PLACES_IN_ALL.saturating_sub(under_way.calls.values().map(HashSet::len).sum());
    let mut batches = under_way.batches.values().map(Vec::len).sum();
    let endpoints = tx.list(
        "SELECT id, failing_since IS NOT NULL, format, account_id, url FROM endpoints
         WHERE deleted_at IS NULL AND disabled_at IS NULL ORDER BY id",
        [],
        |r| {
            let format = Format::parse(&r.get::<_, String>(2)?).unwrap_or(Format::Event);
            let is_broker = brokers::is_broker(&r.get::<_, String>(4)?);
            Ok(DueEndpoint { id: r.get(0)?, is_failing: r.get(1)?, format, account: r.get(3)?, is_broker })
        },
    )?;
    let mut claimed = Vec::new();
    for endpoint in endpoints.iter().filter(|endpoint| !under_way.resting.contains(&endpoint.id)) {
        let fresh = if endpoint.is_broker {
            endpoint.batch(tx, (under_way, batches), now)?
        } else {
            endpoint.calls(tx, under_way.calls.get(&endpoint.id), room, now)?
        };
        if fresh.is_empty() {
            continue;
        }
        let proof = match proof(tx, endpoint.id, vault, now) {
            Ok(proof) => Arc::new(proof),
            Err(e) => {
                tracing::error!(endpoint = %endpoint.id, "its events wait: {e}");
                continue;
            }
        };
        let all = fresh.into_iter().map(|(row, conversation)| endpoint.claimed(row, conversation, &proof));
        if endpoint.is_broker {
            let all: Vec<ClaimedDelivery> = all.collect();
            let ids = Arc::new(all.iter().map(|one| one.id).collect());
            claimed.push(ClaimedWork::Batch(endpoint.id, ids, all));
            batches += 1;
        } else {
            let before = claimed.len();
            claimed.extend(all.map(ClaimedWork::Call));
            room = room.saturating_sub(claimed.len() - before);
        }
    }
    Ok(claimed)
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
    /// Calls that may begin beside those that are under way.
    fn calls(
        &self,
        tx: &Tx<'_>,
        busy: Option<&HashSet<i64>>,
        room: usize,
        now: Time,
    ) -> Result<Vec<(DueRow, Option<i64>)>, StoreError> {
        let taken = busy.map_or(0, HashSet::len);
        let places = if self.is_failing { MAX_IN_FLIGHT_FAILING } else { MAX_IN_FLIGHT };
        // One place is everybody's, however many others are slow.
        let free = places.saturating_sub(taken).min(if taken == 0 { room.max(1) } else { room });
        if free == 0 {
            return Ok(Vec::new());
        }
        let mut fresh = due_of(tx, self.id, free + taken, now)?;
        fresh.retain(|row| busy.is_none_or(|b| !b.contains(&row.0)));
        fresh.truncate(free);
        Ok(fresh.into_iter().map(|row| (row, None)).collect())
    }

    /// The next batch of a broker, beside its own that is written down; `batches` are everybody's that are under way.
    fn batch(
        &self,
        tx: &Tx<'_>,
        (under_way, batches): (&UnderWay, usize),
        now: Time,
    ) -> Result<Vec<(DueRow, Option<i64>)>, StoreError> {
        let limit = match self.is_failing {
            true => MAX_IN_FLIGHT_FAILING,
            false if batches < LARGE_BATCHES => BATCH_MAX,
            false => MAX_IN_FLIGHT,
        };
        let is_confirmed = under_way.confirmed.contains(&self.id);
        let rows = match under_way.batches.get(&self.id).map_or(&[][..], Vec::as_slice) {
            [] => in_order::due(tx, self.id, limit, now)?,
            // Few events are better off together, in the next one.
            [first] if is_confirmed && first.len() >= LEAST_FOR_SECOND && limit == BATCH_MAX => {
                let rows = in_order::due_beside(tx, self.id, (first, limit), now)?;
                if rows.len() < LEAST_FOR_SECOND { Vec::new() } else { rows }
            }
            _ => Vec::new(),
        };
        Ok(rows.into_iter().map(|(row, conversation)| (row, Some(conversation))).collect())
    }

    fn claimed(&self, row: DueRow, conversation: Option<i64>, proof: &Arc<DeliveryHeaders>) -> ClaimedDelivery {
        let (id, attempts, event_id, event_name, body, instance) = row;
        let (endpoint, account, format) = (self.id, self.account, self.format);
        let (attempt, proof, body) = (attempts + 1, proof.clone(), Bytes::from(body));
        ClaimedDelivery {
            id,
            endpoint,
            account,
            event_id,
            event_name,
            body,
            attempt,
            format,
            instance,
            conversation,
            proof,
        }
    }
}

fn proof(tx: &Tx<'_>, id: EndpointId, vault: &Vault, now: Time) -> Result<DeliveryHeaders, WebhookError> {
    Ok(DeliveryHeaders {
        secrets: secrets::list(tx, id, vault, now)?,
        url: managed::url(tx, id, vault)?,
        headers: managed::headers(tx, id, vault)?,
    })
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

fn due_of(tx: &Tx<'_>, endpoint: EndpointId, limit: usize, now: Time) -> Result<Vec<DueRow>, StoreError> {
    tx.list(
        "SELECT d.id, d.attempts, e.event_id, e.name, e.body, e.instance_id FROM deliveries d JOIN events e ON e.id = d.event_id
         WHERE d.endpoint_id = ?1 AND d.state = 'pending' AND d.due_at <= ?2 ORDER BY d.due_at, d.id LIMIT ?3",
        params![endpoint, now, i64::try_from(limit).unwrap_or(i64::MAX)],
        |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?)),
    )
}
