//! From an accepted message to its outcome: wait for the slot, the wire, the second transaction.
//!
//! Rules: `sending` is on disk before the first byte goes to the provider, and the connector is never called inside a
//! transaction. What certainly did not leave may be tried again while the caller waits; what may have left never is.
//! Nothing goes to the wire after the deadline: the connector's future is dropped there, and the message is `unknown`.
//! Suppression and pause are asked again after a wait, right before the wire.

use super::{
    accept::Accepted,
    answer::{Answer, Outcome},
    outcome::{self, Settled, Wired},
    refusal::Refusal,
    shared::SendingContext,
};
use crate::{
    connectors::{SendError, SendErrorKind},
    model::{clock::Time, message::Status},
    store::StoreError,
};
use std::{sync::Arc, time::Duration};

/// Between two tries of what certainly did not leave.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(2);

/// Brings one message to its outcome and answers by `deadline`.
pub(super) async fn dispatch(
    shared: Arc<SendingContext>,
    message: Accepted,
    deadline: Time,
) -> Result<Answer, StoreError> {
    let wired = match wait_for_slot(&shared, &message).await {
        Ok(Some(refusal)) => Wired::Withdrawn(refusal),
        Ok(None) => send(&shared, &message, deadline).await,
        // It never became `sending`: it is failed as soon as the disk takes that, and its quota is given back.
        Err(e) => {
            let settled = outcome::settled(Wired::Failed(not_sent("not_begun", "the disk did not take it in time")));
            tokio::spawn(outcome::record_at_last(shared, Arc::new(message), settled));
            return Err(e);
        }
    };
    let settled = outcome::settled(wired);
    let answer = answer(&message, &settled);
    let message = Arc::new(message);
    if let Err(e) = outcome::record(&shared, &message, &settled).await {
        // It went out, and the disk does not take the news: keep at it, and do not invite a second send.
        tracing::error!(log_id = %message.log_id, "the outcome could not be written, trying on: {e}");
        tokio::spawn(outcome::record_at_last(shared, message, settled.clone()));
        if settled.status == Status::Sent {
            return Ok(Answer { outcome: Outcome::Unknown, refusal: Some(outcome::unknown_refusal()), ..answer });
        }
    }
    Ok(answer)
}

/// Waits until the message may go; then asks again what may have changed. `Some`: it may not go any more.
async fn wait_for_slot(shared: &Arc<SendingContext>, message: &Accepted) -> Result<Option<Refusal>, StoreError> {
    let Some(slot) = message.slot else { return Ok(None) };
    shared.clock.sleep_until(slot).await;
    let (again, log_id) = (shared.clone(), message.log_id);
    let ask = outcome::Recheck {
        account: message.booked.account(),
        to: message.outgoing.to.clone(),
        instance: message.outgoing.instance.clone(),
        excused: message.excused_from_suppression,
        expires_at: message.expires_at,
    };
    shared.store.write_of(ask.account, move |tx| outcome::begin_sending(tx, &again, log_id, &ask)).await
}

/// The wire, with quick retries of what certainly did not leave.
async fn send(shared: &SendingContext, message: &Accepted, deadline: Time) -> Wired {
    let mut pause = RETRY_FIRST;
    loop {
        // The disk was slow: nothing has left, and nothing may leave after the answer.
        if shared.clock.now() >= deadline {
            return Wired::Failed(not_sent("no_time_left", "the answer's time was over before it could be sent"));
        }
        if message.expires_at.is_some_and(|at| at <= shared.clock.now()) {
            return Wired::Failed(not_sent("expired", "its expires_at passed before it could be sent"));
        }
        let receipt = shared.waiting.expect(&message.outgoing.message_id);
        let sent = tokio::select! {
            biased;
            sent = shared.wire.send(&message.outgoing) => sent,
            () = shared.clock.sleep_until(deadline) => return Wired::Unknown(timed_out()),
        };
        let error = match sent {
            Ok(ack) if ack.acknowledged => return Wired::Sent(ack),
            Ok(ack) => {
                return tokio::select! {
                    failed = receipt.wait() => match failed {
                        None => Wired::Sent(ack),
                        Some(error) => Wired::Failed(error),
                    },
                    () = shared.clock.sleep_until(deadline) => Wired::InHand(ack),
                };
            }
            Err(error) => error,
        };
        match error.kind {
            SendErrorKind::Permanent => return Wired::Failed(error),
            SendErrorKind::Ambiguous => return Wired::Unknown(error),
            SendErrorKind::Temporary { retry_after } => {
                let at = shared.clock.now().plus(retry_after.unwrap_or(pause));
                if at >= deadline {
                    return Wired::Failed(error);
                }
                pause = (pause * 3).min(RETRY_MAX);
                shared.clock.sleep_until(at).await;
            }
        }
    }
}

/// It certainly did not leave, and is not tried again.
fn not_sent(code: &str, reason: &str) -> SendError {
    let (code, reason) = (code.to_owned(), reason.to_owned());
    SendError { kind: SendErrorKind::Permanent, code, reason, recipient_fault: false }
}

fn timed_out() -> SendError {
    SendError {
        kind: SendErrorKind::Ambiguous,
        code: "timeout".into(),
        reason: "the provider did not answer in time; it may have taken the message".into(),
        recipient_fault: false,
    }
}

fn answer(message: &Accepted, settled: &Settled) -> Answer {
    Answer {
        outcome: settled.status.into(),
        log_id: message.log_id,
        message_id: message.outgoing.message_id.clone(),
        refusal: settled.refusal.clone(),
        quota: Some(match settled.status {
            // Given back: what is left is what was left before.
            Status::Failed | Status::Blocked => message.quota.clone().one_less(),
            _ => message.quota.clone(),
        }),
        replayed: false,
        unusual: None,
    }
}
