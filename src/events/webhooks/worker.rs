//! The worker: claims what is due, attempts it, writes what came back.
//!
//! Claims live in memory: there is one process, and when it dies its claims are gone, which is all that crash safety
//! asks of them. Each endpoint has a few places of its own, and one only while it fails, so that no endpoint takes
//! another's. The worker sleeps until something is due, a commit announces work, or an attempt ends.

use super::{
    WebhookError, Webhooks,
    chattu::{self, AttemptAnswer},
    endpoint::{self, EndpointId},
    managed::{self, Format},
    recovery,
    retry::{self, AttemptResult, RetryDecision},
    secrets,
    signature::{self, Secret},
};
use crate::{
    egress::{Bounds, Outbound},
    model::{
        clock::{LastLook, Time},
        egress::Use,
        ids::AccountId,
    },
    store::{StoreError, Tx, Vault, WriteTx},
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use rusqlite::params;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, task::JoinSet};

/// A 2xx within this is success.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// What is kept of an answer, in bytes.
const ANSWER_KEPT: usize = 1024;
/// Attempts at once to an endpoint that works, to one that fails, and in all.
const MAX_IN_FLIGHT: usize = 16;
const MAX_IN_FLIGHT_FAILING: usize = 1;
const PLACES_IN_ALL: usize = 512;
/// The worker looks at least this often, whatever it was told.
const LOOK_AGAIN: Duration = Duration::from_secs(20);
/// After an error of the store.
const AFTER_ERROR: Duration = Duration::from_secs(1);

/// Which deliveries are under way, by endpoint.
#[derive(Default)]
pub(super) struct DeliveryClaims {
    by_endpoint: Mutex<HashMap<EndpointId, HashSet<i64>>>,
    /// Claiming is one at a time: what is read is not claimed by another in between.
    turn: tokio::sync::Mutex<()>,
    looked: LastLook,
}

/// A delivery that is ours to attempt. Only [`Webhooks::claim`] makes one.
struct ClaimedDelivery {
    id: i64,
    endpoint: EndpointId,
    account: AccountId,
    event_id: String,
    event_name: String,
    body: String,
    attempt: u32,
    format: Format,
    proof: Arc<DeliveryHeaders>,
}

/// Where an endpoint's deliveries go, and what they carry besides their bytes.
struct DeliveryHeaders {
    url: String,
    secrets: Vec<Secret>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What an attempt brought, to be written.
struct Came {
    brought: AttemptResult,
    answer: String,
    took: Duration,
}

impl DeliveryClaims {
    fn lock(&self) -> MutexGuard<'_, HashMap<EndpointId, HashSet<i64>>> {
        self.by_endpoint.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn release(&self, claimed: &ClaimedDelivery) {
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
    /// Attempts everything that is due now; says how many attempts were made. Tests step with this.
    pub async fn step(self: &Arc<Self>) -> Result<usize, WebhookError> {
        let mut attempts = 0;
        loop {
            let claimed = self.claim().await?;
            if claimed.is_empty() {
                return Ok(attempts);
            }
            attempts += claimed.len();
            let mut running = JoinSet::new();
            for delivery in claimed {
                let webhooks = self.clone();
                running.spawn(async move { webhooks.attempt(delivery).await });
            }
            while running.join_next().await.is_some() {}
        }
    }

    /// Works until `stop`; attempts under way then are finished or tried again after the next start.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let announced = self.store.announcements();
        let mut running = JoinSet::new();
        loop {
            let looked = self.clock.now();
            let look_at = match self.claim().await {
                Ok(claimed) => {
                    for delivery in claimed {
                        let webhooks = self.clone();
                        running.spawn(async move { webhooks.attempt(delivery).await });
                    }
                    self.next_look(looked).await
                }
                Err(e) => {
                    tracing::warn!("webhooks wait: {e}");
                    looked.plus(AFTER_ERROR)
                }
            };
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = announced.notified() => {}
                Some(_) = running.join_next() => {}
                () = self.clock.sleep_until(look_at) => {}
            }
            // One look for all that ended meanwhile: they were written by one commit.
            while running.try_join_next().is_some() {}
        }
    }

    /// When the next delivery is due, or an endpoint has rested. What was due when we looked, and was not claimed, waits
    /// for a place or a rest and not for its own time.
    async fn next_look(&self, looked: Time) -> Time {
        let latest = looked.plus(LOOK_AGAIN);
        let rested = self.breakers.resting(looked).into_values().min().map_or(latest, |until| until.min(latest));
        match self.next_due().await {
            Ok(Some(at)) if at > looked => at.min(rested),
            Ok(_) => rested,
            Err(_) => looked.plus(AFTER_ERROR),
        }
    }

    async fn claim(&self) -> Result<Vec<ClaimedDelivery>, WebhookError> {
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

    async fn attempt(&self, delivery: ClaimedDelivery) {
        let begun = self.clock.now();
        let headers = headers(&delivery, begun);
        let outbound = Outbound {
            method: Method::POST,
            url: &delivery.proof.url,
            headers,
            body: Bytes::from(delivery.body.clone()),
            of: Use::Webhooks,
        };
        let answers = delivery.format == Format::Chattu;
        let bounds = match answers {
            true => {
                Bounds { timeout: chattu::answer_within(&delivery.event_name), max_answer_bytes: chattu::ANSWER_MAX }
            }
            false => Bounds { timeout: ANSWER_WITHIN, max_answer_bytes: ANSWER_KEPT },
        };
        let answer = self.egress.of_account(delivery.account).send(outbound, bounds).await;
        let now = self.clock.now();
        let (brought, answer) = match answer {
            Ok(inbound) => {
                let asked = inbound.headers.get("retry-after").and_then(|v| v.to_str().ok());
                let asked = asked.and_then(|text| retry::parse_retry_after(text, now));
                (
                    AttemptResult::Status(inbound.status.as_u16(), asked),
                    String::from_utf8_lossy(&inbound.body).into_owned(),
                )
            }
            // The status came in time; that the rest of the answer did not is the receiver's own affair.
            Err(e) => {
                tracing::debug!(endpoint = %delivery.endpoint, "a delivery got no answer: {e}");
                let brought = e.status().map(|status| AttemptResult::Status(status.as_u16(), None));
                (brought.unwrap_or_else(|| AttemptResult::NoAnswer(e.for_customers())), String::new())
            }
        };
        let result = Arc::new(Came { brought, answer, took: now.since(begun) });
        let next = retry::next(&result.brought, delivery.attempt, now, self.random.u64());
        let (id, endpoint) = (delivery.id, delivery.endpoint);
        self.breakers.note(endpoint, next == RetryDecision::Delivered, now);
        let is_first = delivery.attempt == 1;
        let settling = self.store.write(move |tx| {
            settle(tx, (id, endpoint), &result, next, begun)?;
            if answers {
                let is_success = next == RetryDecision::Delivered;
                let text = &result.answer;
                chattu::keep_answer(tx, &AttemptAnswer { delivery: id, is_first, is_success, text, at: begun })?;
            }
            Ok(())
        });
        let written: Result<(), StoreError> = settling.await;
        if let Err(e) = written {
            // It stays due and is attempted again: at least once is what was promised.
            tracing::warn!(delivery = id, "the outcome of a delivery could not be written: {e}");
        }
        if answers {
            self.answered.notify_one();
        }
        self.claims.release(&delivery);
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

fn headers(delivery: &ClaimedDelivery, now: Time) -> Vec<(HeaderName, HeaderValue)> {
    let signed = signature::headers(
        &delivery.proof.secrets,
        &delivery.event_id,
        &delivery.event_name,
        now.seconds(),
        delivery.body.as_bytes(),
    );
    let mut all = vec![
        (http::header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (http::header::USER_AGENT, HeaderValue::from_static(concat!("wa-gateway/", env!("CARGO_PKG_VERSION")))),
    ];
    for (name, value) in signed {
        if let Ok(value) = HeaderValue::from_str(&value) {
            all.push((HeaderName::from_static(name), value));
        }
    }
    all.extend(delivery.proof.headers.iter().cloned());
    all
}

/// The beginning of an answer, as the log keeps it.
fn kept(answer: &str) -> &str {
    &answer[..answer.floor_char_boundary(ANSWER_KEPT.min(answer.len()))]
}

fn settle(
    tx: &WriteTx<'_>,
    (id, endpoint): (i64, EndpointId),
    result: &Came,
    next: RetryDecision,
    at: Time,
) -> Result<(), StoreError> {
    let (status, error) = match &result.brought {
        AttemptResult::Status(status, _) if next == RetryDecision::Delivered => (Some(*status), None),
        AttemptResult::Status(status, _) => (Some(*status), Some(format!("answered {status}"))),
        AttemptResult::NoAnswer(why) => (None, Some(why.clone())),
    };
    let took = i64::try_from(result.took.as_millis()).unwrap_or(i64::MAX);
    tx.execute(
        "INSERT INTO attempts (delivery_id, at, took_ms, status, error, answer) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![id, at, took, status, error, kept(&result.answer)],
    )?;
    let (state, due) = match next {
        RetryDecision::Delivered => ("delivered", at),
        RetryDecision::Again(due) => ("pending", due),
        // What the endpoint has seen as "gone" waits with everything else for a person to enable it again.
        RetryDecision::Gone => ("pending", at),
        RetryDecision::GiveUp => ("given_up", at),
    };
    tx.execute(
        "UPDATE deliveries SET state = ?2, due_at = ?3, attempts = attempts + 1, last_status = ?4, last_error = ?5,
             last_at = ?6, delivered_at = CASE WHEN ?2 = 'delivered' THEN ?6 ELSE delivered_at END
         WHERE id = ?1 AND state <> 'delivered'",
        params![id, state, due, status, error, at],
    )?;
    match next {
        RetryDecision::Delivered => recovery::note_success(tx, endpoint, at),
        RetryDecision::Gone => endpoint::give_up(tx, endpoint, "the receiver answered 410 Gone", at),
        RetryDecision::Again(_) | RetryDecision::GiveUp => recovery::note_failure(tx, endpoint, at).map(drop),
    }
}
