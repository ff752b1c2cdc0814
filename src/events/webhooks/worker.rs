//! The worker: claims what is due (`claim.rs`), attempts it, writes what came back.
//!
//! It sleeps until something is due, a commit announces work, or an attempt ends; what ended meanwhile is written in one
//! transaction.

use super::{
    WebhookError, Webhooks,
    chattu::{self, AttemptAnswer},
    claim::{BatchIds, ClaimedDelivery, ClaimedWork, LEAST_FOR_SECOND},
    endpoint::{self, EndpointId},
    recovery,
    retry::{self, AttemptResult, RetryDecision},
    signature,
};
use crate::{
    egress::{Bounds, Outbound},
    model::{clock::Time, egress::Use},
    store::{StoreError, WriteTx},
};
use futures_util::future::join_all;
use http::{HeaderName, HeaderValue, Method};
use rusqlite::params;
use std::{ops::Range, sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinSet};

/// A 2xx within this is success.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// What is kept of an answer, in bytes.
const ANSWER_KEPT: usize = 1024;
/// The worker looks at least this often, whatever it was told.
const LOOK_AGAIN: Duration = Duration::from_secs(20);
/// Attempts that are written in one piece: a message of somebody else waits for a millisecond of them, and not for all.
const TOGETHER: usize = 32;
/// After an error of the store.
const AFTER_ERROR: Duration = Duration::from_secs(1);

/// An attempt that is over, and what is to be written of it.
pub(super) struct EndedAttempt {
    pub(super) delivery: ClaimedDelivery,
    pub(super) begun: Time,
    pub(super) took: Duration,
    pub(super) brought: AttemptResult,
    pub(super) answer: String,
    pub(super) next: RetryDecision,
}

/// What came of what was attempted together.
enum EndedWork {
    Call(Box<EndedAttempt>),
    Batch(EndpointId, BatchIds, Vec<EndedAttempt>),
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
            let mut running = JoinSet::new();
            for work in claimed {
                attempts += work.len();
                self.begin(work, &mut running);
            }
            self.settle(running.join_all().await).await;
        }
    }

    /// Works until `stop`; attempts under way then are tried again after the next start.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let announced = self.store.announcements();
        let mut running = JoinSet::new();
        let mut stops = false;
        while !stops {
            let looked = self.clock.now();
            let look_at = match self.begin_due(&mut running).await {
                Ok(()) => self.next_look(looked).await,
                Err(e) => {
                    tracing::warn!("webhooks wait: {e}");
                    looked.plus(AFTER_ERROR)
                }
            };
            let mut ended = Vec::new();
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => stops = true,
                () = announced.notified() => {}
                Some(first) = running.join_next() => ended.extend(first),
                () = self.clock.sleep_until(look_at) => {}
            }
            while let Some(more) = running.try_join_next() {
                ended.extend(more);
            }
            // A broker has its next batch while the last one is written down. What fails here fails in the next turn, too.
            if !stops && self.note_confirmed(&ended) {
                self.begin_due(&mut running).await.unwrap_or_else(|e| tracing::debug!("no batch beside the last: {e}"));
            }
            self.settle(ended).await;
            self.brokers.sweep();
        }
    }

    /// Notes which brokers confirmed a whole batch that another may follow at once; says whether any did.
    fn note_confirmed(&self, ended: &[EndedWork]) -> bool {
        let confirmed = ended.iter().filter_map(|work| match work {
            EndedWork::Batch(endpoint, ids, all) if ids.len() >= LEAST_FOR_SECOND => {
                all.iter().all(|one| matches!(one.next, RetryDecision::Delivered)).then_some(*endpoint)
            }
            _ => None,
        });
        let confirmed: Vec<_> = confirmed.collect();
        confirmed.iter().for_each(|endpoint| self.claims.note_confirmed(*endpoint));
        !confirmed.is_empty()
    }

    /// Takes what is due and has a place, and begins it.
    async fn begin_due(self: &Arc<Self>, running: &mut JoinSet<EndedWork>) -> Result<(), WebhookError> {
        self.claim().await?.into_iter().for_each(|work| self.begin(work, running));
        Ok(())
    }

    fn begin(self: &Arc<Self>, work: ClaimedWork, running: &mut JoinSet<EndedWork>) {
        let webhooks = self.clone();
        running.spawn(async move {
            match work {
                ClaimedWork::Call(delivery) => EndedWork::Call(Box::new(webhooks.attempt(delivery).await)),
                ClaimedWork::Batch(endpoint, ids, all) => {
                    EndedWork::Batch(endpoint, ids, webhooks.hand_over(all).await)
                }
            }
        });
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

    async fn attempt(&self, delivery: ClaimedDelivery) -> EndedAttempt {
        let begun = self.clock.now();
        let headers = headers(&delivery, begun);
        let outbound = Outbound {
            method: Method::POST,
            url: &delivery.proof.url,
            headers,
            body: delivery.body.clone(),
            of: Use::Webhooks,
        };
        let bounds = match delivery.answers() {
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
        let next = retry::next(&brought, delivery.attempt, now, self.random.u64());
        self.breakers.note(delivery.endpoint, next == RetryDecision::Delivered, now);
        EndedAttempt { delivery, begun, took: now.since(begun), brought, answer, next }
    }

    /// Writes what attempts brought, a few together; each by itself where that fails, so that one spoils no other.
    async fn settle(&self, ended: Vec<EndedWork>) {
        if ended.is_empty() {
            return;
        }
        let (mut attempts, mut batches) = (Vec::new(), Vec::new());
        for work in ended {
            match work {
                EndedWork::Call(one) => attempts.push(*one),
                EndedWork::Batch(endpoint, ids, all) => {
                    attempts.extend(all);
                    batches.push((endpoint, ids));
                }
            }
        }
        let ended: Arc<[EndedAttempt]> = attempts.into();
        let pieces = (0..ended.len()).step_by(TOGETHER).map(|n| n..ended.len().min(n + TOGETHER));
        join_all(pieces.map(|piece| self.write_piece(&ended, piece))).await;
        if ended.iter().any(|one| one.delivery.answers()) {
            self.answered.notify_one();
        }
        for one in ended.iter() {
            self.claims.release(&one.delivery);
        }
        batches.iter().for_each(|(endpoint, ids)| self.claims.release_batch(*endpoint, ids));
    }

    async fn write_piece(&self, ended: &Arc<[EndedAttempt]>, which: Range<usize>) {
        if which.len() > 1 && self.write(ended, which.clone()).await.is_ok() {
            return;
        }
        for n in which {
            if let Err(e) = self.write(ended, n..n + 1).await {
                let delivery = ended[n].delivery.id;
                // It stays due and is attempted again: at least once is what was promised.
                tracing::warn!(delivery, "the outcome of a delivery could not be written: {e}");
            }
        }
    }

    async fn write(&self, ended: &Arc<[EndedAttempt]>, which: Range<usize>) -> Result<(), StoreError> {
        let ended = ended.clone();
        self.store
            .write_repeatable(move |tx| {
                let mut works = None;
                ended[which.clone()].iter().try_for_each(|one| record(tx, one, &mut works))
            })
            .await
    }
}

fn headers(delivery: &ClaimedDelivery, now: Time) -> Vec<(HeaderName, HeaderValue)> {
    let signed = signature::headers(
        &delivery.proof.secrets,
        &delivery.event_id,
        &delivery.event_name,
        now.seconds(),
        &delivery.body,
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

/// `works` is the endpoint of the one that was written before, if that was delivered: then it is known to work.
fn record(tx: &WriteTx<'_>, ended: &EndedAttempt, works: &mut Option<EndpointId>) -> Result<(), StoreError> {
    let EndedAttempt { delivery, begun: at, next, .. } = ended;
    let (id, endpoint, at, next) = (delivery.id, delivery.endpoint, *at, *next);
    let (status, error) = match &ended.brought {
        AttemptResult::Status(status, _) if next == RetryDecision::Delivered => (Some(*status), None),
        AttemptResult::Status(status, _) => (Some(*status), Some(format!("answered {status}"))),
        AttemptResult::NoAnswer(why) => (None, Some(why.clone())),
        AttemptResult::Confirmed => (None, None),
    };
    let took = i64::try_from(ended.took.as_millis()).unwrap_or(i64::MAX);
    tx.execute(
        "INSERT INTO attempts (delivery_id, at, took_ms, status, error, answer) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![id, at, took, status, error, kept(&ended.answer)],
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
    let worked = std::mem::replace(works, (next == RetryDecision::Delivered).then_some(endpoint));
    match next {
        RetryDecision::Delivered if worked == Some(endpoint) => Ok(()),
        RetryDecision::Delivered => recovery::note_success(tx, endpoint, at),
        RetryDecision::Gone => endpoint::give_up(tx, endpoint, "the receiver answered 410 Gone", at),
        RetryDecision::Again(_) | RetryDecision::GiveUp => recovery::note_failure(tx, endpoint, at).map(drop),
    }?;
    if !delivery.answers() {
        return Ok(());
    }
    let (is_first, is_success) = (delivery.attempt == 1, next == RetryDecision::Delivered);
    chattu::keep_answer(tx, &AttemptAnswer { delivery: id, is_first, is_success, text: &ended.answer, at })
}
