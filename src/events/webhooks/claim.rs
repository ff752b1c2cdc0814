//! Claims: which deliveries are under way, and which of those that are due may be, too.
//!
//! They live in memory: there is one process, and when it dies its claims are gone, which is all that crash safety asks
//! of them. Each endpoint has a few places of its own, and one only while it fails, so that no endpoint takes another's.

use super::{
    WebhookError, Webhooks,
    endpoint::EndpointId,
    managed::{self, Format},
    secrets,
    signature::Secret,
};
use crate::{
    model::{
        clock::{LastLook, Time},
        ids::AccountId,
    },
    store::{StoreError, Tx, Vault, WriteTx},
};
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

/// Which deliveries are under way, by endpoint.
#[derive(Default)]
pub(super) struct DeliveryClaims {
    by_endpoint: Mutex<HashMap<EndpointId, HashSet<i64>>>,
    /// Claiming is one at a time: what is read is not claimed by another in between.
    turn: tokio::sync::Mutex<()>,
    looked: LastLook,
}

/// A delivery that is ours to attempt. Only [`Webhooks::claim`] makes one.
pub(super) struct ClaimedDelivery {
    pub(super) id: i64,
    pub(super) endpoint: EndpointId,
    pub(super) account: AccountId,
    pub(super) event_id: String,
    pub(super) event_name: String,
    pub(super) body: String,
    pub(super) attempt: u32,
    pub(super) format: Format,
    pub(super) proof: Arc<DeliveryHeaders>,
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
    pub(super) async fn claim(&self) -> Result<Vec<ClaimedDelivery>, WebhookError> {
        let _turn = self.claims.turn.lock().await;
        let now = self.clock.now();
        if self.claims.looked.was_set_back(now) {
            self.store.write(move |tx| believe_no_future(tx, now)).await?;
        }
        // Taken before the read: what ends in between is neither read as due nor claimed twice.
        let under_way = self.claims.lock().clone();
        let resting = self.breakers.resting(self.clock.now());
        let room = PLACES_IN_ALL.saturating_sub(under_way.values().map(HashSet::len).sum());
        let (now, vault) = (self.clock.now(), self.vault.clone());
        let claimed = self.store.read(move |tx| due(tx, (&under_way, &resting), room, &vault, now)).await?;
        let mut all = self.claims.lock();
        for delivery in &claimed {
            all.entry(delivery.endpoint).or_default().insert(delivery.id);
        }
        Ok(claimed)
    }
}

fn due(
    tx: &Tx<'_>,
    (under_way, resting): (&HashMap<EndpointId, HashSet<i64>>, &HashMap<EndpointId, Time>),
    mut room: usize,
    vault: &Vault,
    now: Time,
) -> Result<Vec<ClaimedDelivery>, WebhookError> {
    let endpoints = tx.list(
        "SELECT id, failing_since IS NOT NULL, format, account_id FROM endpoints
         WHERE deleted_at IS NULL AND disabled_at IS NULL ORDER BY id",
        [],
        |r| Ok((r.get::<_, EndpointId>(0)?, r.get(1)?, r.get::<_, String>(2)?, r.get(3)?)),
    )?;
    let mut claimed = Vec::new();
    for (id, failing, format, account) in endpoints {
        let format = Format::parse(&format).unwrap_or(Format::Event);
        let busy = under_way.get(&id);
        let places = if failing { MAX_IN_FLIGHT_FAILING } else { MAX_IN_FLIGHT };
        let taken = busy.map_or(0, HashSet::len);
        // One place is everybody's, however many others are slow.
        let room_here = if taken == 0 { room.max(1) } else { room };
        let free = places.saturating_sub(taken).min(room_here);
        if free == 0 || resting.contains_key(&id) {
            continue;
        }
        let rows = due_of(tx, id, free + taken, now)?;
        let fresh: Vec<_> =
            rows.into_iter().filter(|row| busy.is_none_or(|b| !b.contains(&row.0))).take(free).collect();
        if fresh.is_empty() {
            continue;
        }
        let proof = secrets::list(tx, id, vault, now).and_then(|secrets| {
            Ok(DeliveryHeaders {
                secrets,
                url: managed::url(tx, id, vault)?,
                headers: managed::headers(tx, id, vault)?,
            })
        });
        let proof = match proof {
            Ok(proof) => Arc::new(proof),
            Err(e) => {
                tracing::error!(endpoint = %id, "its events wait: {e}");
                continue;
            }
        };
        room = room.saturating_sub(fresh.len());
        claimed.extend(fresh.into_iter().map(|(id_, attempts, event_id, event_name, body)| ClaimedDelivery {
            id: id_,
            endpoint: id,
            account,
            event_id,
            event_name,
            body,
            attempt: attempts + 1,
            format,
            proof: proof.clone(),
        }));
    }
    Ok(claimed)
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

type DueRow = (i64, u32, String, String, String);

fn due_of(tx: &Tx<'_>, endpoint: EndpointId, limit: usize, now: Time) -> Result<Vec<DueRow>, StoreError> {
    tx.list(
        "SELECT d.id, d.attempts, e.event_id, e.name, e.body FROM deliveries d JOIN events e ON e.id = d.event_id
         WHERE d.endpoint_id = ?1 AND d.state = 'pending' AND d.due_at <= ?2 ORDER BY d.due_at, d.id LIMIT ?3",
        params![endpoint, now, i64::try_from(limit).unwrap_or(i64::MAX)],
        |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?)),
    )
}
