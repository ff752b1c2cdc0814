//! The worker: claims what is due (`claim.rs`), attempts it; what comes back is written meanwhile (`settling.rs`).
//!
//! It sleeps until something is due, a commit announces work, or a place wants some. Whoever has a place attempts one
//! delivery after the other, as long as there are any for its endpoint.

use super::{
    Webhooks, chattu,
    claim::{ClaimedBatch, ClaimedDelivery, LEAST_FOR_SECOND},
    endpoint::EndpointId,
    retry::{self, AttemptResult, RetryDecision},
    settling::EndedAttempt,
};
use crate::{
    egress::{Bounds, Outbound},
    model::{aside::give_way, clock::Time, egress::Use},
};
use http::{HeaderName, HeaderValue, Method};
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinSet};

/// A 2xx within this is success.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// What is kept of an answer, in bytes.
pub(super) const ANSWER_KEPT: usize = 1024;
/// The worker looks at least this often, whatever it was told.
const LOOK_AGAIN: Duration = Duration::from_secs(20);
/// After an error of the store.
const AFTER_ERROR: Duration = Duration::from_secs(1);

impl Webhooks {
    /// Works until `stop`; attempts under way then are tried again after the next start.
    pub async fn run(self: Arc<Self>, stop: watch::Receiver<bool>) {
        self.claims.reset();
        self.ended.reset();
        let begun = async {
            let mut running = JoinSet::new();
            self.begin_until(stop, &mut running).await;
            running.shutdown().await;
            self.ended.close();
        };
        tokio::join!(begun, self.write_ended());
    }

    async fn begin_until(self: &Arc<Self>, mut stop: watch::Receiver<bool>, running: &mut JoinSet<()>) {
        let announced = self.store.announcements();
        let places = &self.claims.calls;
        let (mut claims, mut look_at) = (true, self.clock.now());
        loop {
            let now = self.clock.now();
            if let Some(until) = places.held_until(now) {
                (claims, look_at) = (true, until);
            } else {
                if places.take_wish() || claims {
                    look_at = self.claim_due(now, running).await;
                }
                for endpoint in places.take_places() {
                    running.spawn(self.clone().call_one_by_one(endpoint));
                }
                claims = false;
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = announced.notified() => claims = true,
                () = places.rung.notified() => {}
                Some(_) = running.join_next() => {}
                () = self.clock.sleep_until(look_at) => claims = true,
            }
            while running.try_join_next().is_some() {}
        }
    }

    /// Claims what is due, and begins what goes to brokers; says when to look again.
    async fn claim_due(self: &Arc<Self>, now: Time, running: &mut JoinSet<()>) -> Time {
        self.brokers.sweep();
        match self.claim().await {
            Ok(batches) => {
                for batch in batches {
                    running.spawn(self.clone().hand_over_and_settle(batch));
                }
                self.next_look(now).await
            }
            Err(e) => {
                tracing::warn!("webhooks wait: {e}");
                now.plus(AFTER_ERROR)
            }
        }
    }

    /// When the next delivery is due, or an endpoint has rested. What was due when we looked, and was not claimed, waits
    /// for a place, a rest or, at a broker, for an earlier one of its conversation, and not for its own time.
    async fn next_look(&self, looked: Time) -> Time {
        let latest = looked.plus(LOOK_AGAIN);
        let rested = self.breakers.resting(looked).into_values().min().map_or(latest, |until| until.min(latest));
        match self.next_due(looked).await {
            Ok(Some(at)) => at.min(rested),
            Ok(None) => rested,
            Err(_) => looked.plus(AFTER_ERROR),
        }
    }

    /// Hands a batch to its broker and writes what came of it.
    async fn hand_over_and_settle(self: Arc<Self>, batch: ClaimedBatch) {
        let ClaimedBatch { endpoint, ids, all } = batch;
        let ended = self.hand_over(all).await;
        // A broker has its next batch while the last one is written down.
        if ids.len() >= LEAST_FOR_SECOND && ended.iter().all(|one| one.next == RetryDecision::Delivered) {
            self.claims.note_confirmed(endpoint);
            self.claims.calls.want_claim();
        }
        self.settle(ended).await;
        self.claims.release_batch(endpoint, &ids);
        self.claims.calls.want_claim();
    }

    /// Attempts what there is for an endpoint, in one of its places.
    async fn call_one_by_one(self: Arc<Self>, endpoint: EndpointId) {
        while let Some(delivery) = self.claims.calls.next(endpoint, self.as_of()) {
            let ended = self.attempt(delivery).await;
            self.note_ended(ended);
            give_way();
        }
    }

    async fn attempt(&self, delivery: ClaimedDelivery) -> EndedAttempt {
        let begun = self.clock.now();
        let headers = headers(&delivery, begun);
        let outbound = Outbound {
            method: Method::POST,
            url: &delivery.proof.url,
            headers,
            body: delivery.event.body.clone(),
            of: Use::Webhooks,
        };
        let bounds = match delivery.answers() {
            true => {
                Bounds { timeout: chattu::answer_within(&delivery.event.name), max_answer_bytes: chattu::ANSWER_MAX }
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
        // Asked where it counts alone: it is a call of the system for each.
        let chance = if matches!(brought, AttemptResult::Status(200..=299, _)) { 0 } else { self.random.u64() };
        let next = retry::next(&brought, delivery.attempt, now, chance);
        self.breakers.note(delivery.endpoint, next == RetryDecision::Delivered, now);
        EndedAttempt { delivery, begun, took: now.since(begun), brought, answer, next }
    }
}

fn headers(delivery: &ClaimedDelivery, now: Time) -> Vec<(HeaderName, HeaderValue)> {
    let (event, proof) = (&delivery.event, &delivery.proof);
    let signed = proof.signer.headers(&event.id, &event.name, now.seconds(), &event.body);
    let mut all = Vec::with_capacity(2 + signed.len() + proof.headers.len());
    all.extend([
        (http::header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (http::header::USER_AGENT, HeaderValue::from_static(concat!("wa-gateway/", env!("CARGO_PKG_VERSION")))),
    ]);
    for (name, value) in signed {
        if let Ok(value) = HeaderValue::try_from(value) {
            all.push((HeaderName::from_static(name), value));
        }
    }
    all.extend(proof.headers.iter().cloned());
    all
}
