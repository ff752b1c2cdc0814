//! What attempts brought is written while others go on: a few outcomes in one transaction, and what ends meanwhile in the
//! next one.

use super::{
    Webhooks,
    chattu::{self, AttemptAnswer},
    claim::ClaimedDelivery,
    endpoint::{self, EndpointId},
    places::WrittenOutcome,
    recovery,
    retry::{AttemptResult, RetryDecision},
    worker::ANSWER_KEPT,
};
use crate::{
    model::clock::Time,
    store::{StoreError, WriteTx},
};
use futures_util::{StreamExt as _, future::join_all, stream::FuturesUnordered};
use rusqlite::params;
use std::{
    collections::{HashSet, VecDeque},
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// Attempts that are written in one piece: a message of somebody else waits for a millisecond of them, and not for all.
const TOGETHER: usize = 32;
/// Pieces at once: what else is written waits for all of them at most.
const PIECES: usize = 8;

/// An attempt that is over, and what is to be written of it.
pub(super) struct EndedAttempt {
    pub(super) delivery: ClaimedDelivery,
    pub(super) begun: Time,
    pub(super) took: Duration,
    pub(super) brought: AttemptResult,
    pub(super) answer: String,
    pub(super) next: RetryDecision,
}

/// What is over and waits to be written.
#[derive(Default)]
pub(super) struct EndedAttempts {
    waiting: Mutex<EndedQueue>,
    rung: Notify,
}

#[derive(Default)]
struct EndedQueue {
    ended: VecDeque<EndedAttempt>,
    /// No more will come.
    is_closed: bool,
}

impl EndedAttempts {
    fn lock(&self) -> MutexGuard<'_, EndedQueue> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing waits.
    pub(super) fn reset(&self) {
        *self.lock() = EndedQueue::default();
    }

    /// All attempts are over.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.rung.notify_one();
    }

    fn push(&self, ended: EndedAttempt) {
        let mut waiting = self.lock();
        waiting.ended.push_back(ended);
        let rings = [1, TOGETHER].contains(&waiting.ended.len());
        drop(waiting);
        if rings {
            self.rung.notify_one();
        }
    }

    /// What is written next beside so many pieces: all that waits if there are none, else a whole one.
    fn piece(&self, writing: usize) -> Option<Vec<EndedAttempt>> {
        let mut waiting = self.lock();
        let least = if writing == 0 { 1 } else { TOGETHER };
        let n = waiting.ended.len().min(TOGETHER);
        (writing < PIECES && n >= least).then(|| waiting.ended.drain(..n).collect())
    }

    fn is_over(&self) -> bool {
        let waiting = self.lock();
        waiting.is_closed && waiting.ended.is_empty()
    }
}

impl Webhooks {
    /// A call is over: its outcome is written soon.
    pub(super) fn note_ended(&self, ended: EndedAttempt) {
        self.claims.calls.note_ended(ended.delivery.endpoint, ended.next != RetryDecision::Delivered);
        self.ended.push(ended);
    }

    /// Writes what calls brought, until there are no more.
    pub(super) async fn write_ended(&self) {
        let mut writing = FuturesUnordered::new();
        loop {
            while let Some(piece) = self.ended.piece(writing.len()) {
                writing.push(self.write_calls(piece));
            }
            tokio::select! {
                () = self.ended.rung.notified() => {}
                Some(()) = writing.next() => {}
            }
            if writing.is_empty() && self.ended.is_over() {
                return;
            }
        }
    }

    async fn write_calls(&self, piece: Vec<EndedAttempt>) {
        let written: Vec<WrittenOutcome> = piece
            .iter()
            .map(|one| WrittenOutcome {
                endpoint: one.delivery.endpoint,
                id: one.delivery.id,
                has_failed: one.next != RetryDecision::Delivered,
            })
            .collect();
        self.settle(piece).await;
        self.claims.calls.note_written(&written);
    }

    /// Writes what attempts brought, a few together; each by itself where that fails, so that one spoils no other.
    pub(super) async fn settle(&self, ended: Vec<EndedAttempt>) {
        let ended = Arc::new(ended);
        let pieces = (0..ended.len()).step_by(TOGETHER).map(|n| n..ended.len().min(n + TOGETHER));
        join_all(pieces.map(|piece| self.write_piece(&ended, piece))).await;
        if ended.iter().any(|one| one.delivery.answers()) {
            self.answered.notify_one();
        }
    }

    async fn write_piece(&self, ended: &Arc<Vec<EndedAttempt>>, which: Range<usize>) {
        if which.len() > 1 && self.write(ended, which.clone()).await.is_ok() {
            return;
        }
        for n in which {
            if let Err(e) = self.write(ended, n..n + 1).await {
                let delivery = ended[n].delivery.id;
                // It stays due and is attempted again: at least once is what was promised.
                tracing::warn!(delivery, "the outcome of a delivery could not be written: {e}");
                // Not at once, again and again: the receiver has it already.
                if e.is_temporary() {
                    self.claims.calls.hold(self.clock.now());
                }
            }
        }
    }

    async fn write(&self, ended: &Arc<Vec<EndedAttempt>>, which: Range<usize>) -> Result<(), StoreError> {
        let ended = ended.clone();
        self.store
            .write_repeatable(move |tx| {
                let mut work = HashSet::new();
                ended[which.clone()].iter().try_for_each(|one| record(tx, one, &mut work))
            })
            .await
    }
}

/// The beginning of an answer, as the log keeps it.
fn kept(answer: &str) -> &str {
    &answer[..answer.floor_char_boundary(ANSWER_KEPT.min(answer.len()))]
}

/// `work` are the endpoints that are known to work, by what was written before in the same piece.
fn record(tx: &WriteTx<'_>, ended: &EndedAttempt, work: &mut HashSet<EndpointId>) -> Result<(), StoreError> {
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
         WHERE id = ?1 AND state <> 'delivered' AND (?2 <> 'pending' OR state = 'pending')",
        params![id, state, due, status, error, at],
    )?;
    let works = next == RetryDecision::Delivered;
    let is_news = if works { work.insert(endpoint) } else { work.remove(&endpoint) };
    match next {
        RetryDecision::Delivered if is_news => recovery::note_success(tx, endpoint, at),
        RetryDecision::Delivered => Ok(()),
        RetryDecision::Gone => endpoint::give_up(tx, endpoint, "the receiver answered 410 Gone", at),
        RetryDecision::Again(_) | RetryDecision::GiveUp => recovery::note_failure(tx, endpoint, at).map(drop),
    }?;
    if !delivery.answers() {
        return Ok(());
    }
    let (is_first, is_success) = (delivery.attempt == 1, works);
    chattu::keep_answer(tx, &AttemptAnswer { delivery: id, is_first, is_success, text: &ended.answer, at })
}
