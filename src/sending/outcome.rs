//! The second transaction of a message: its outcome, its quota, its Idempotency-Key.
//!
//! A receipt may have overtaken us: the row's state only moves up, whatever comes first.

use super::{
    accept::Accepted,
    announce, facts, idempotency,
    learn::Learning,
    quota::{self, Settle},
    refusal::Refusal,
    shared::SendingContext,
};
use crate::{
    connectors::{Ack, Address, SendError, SendErrorKind, inbound_event::RemoteParty, meta_error},
    model::{
        clock::Time,
        code::{Action, Code, Extra},
        ids::{AccountId, ContactId, InstanceId, LogId},
        message::{Retry, Status},
        moment::Moment,
    },
    store::{StoreError, WriteTx},
};
use rusqlite::params;
use std::{sync::Arc, time::Duration};

/// How the wire ended.
pub(super) enum Wired {
    /// The provider's server has it.
    Sent(Ack),
    /// The provider has it in hand; its acknowledgement is outstanding at the deadline.
    InHand(Ack),
    /// It certainly did not leave.
    Failed(SendError),
    /// Nobody can tell.
    Unknown(SendError),
    /// It may not go any more: refused after the wait.
    Withdrawn(Refusal),
}

/// What is written about a message after the wire.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    pub(super) status: Status,
    pub(super) reason: Option<String>,
    pub(super) provider_code: Option<String>,
    pub(super) provider_message_id: Option<String>,
    pub(super) recipient_fault: bool,
    pub(super) refusal: Option<Refusal>,
    /// By which names the provider knows whoever it took the message for.
    pub(super) names: RemoteParty,
}

/// What is asked again after a wait.
pub(super) struct Recheck {
    pub(super) account: AccountId,
    pub(super) to: Address,
    pub(super) instance: InstanceId,
    pub(super) excused: bool,
    pub(super) expires_at: Option<Time>,
}

pub(super) fn settled(wired: Wired) -> Settled {
    let taken = |status, ack: Ack| (status, Some(ack.provider_message_id), ack.names);
    let plain = |(status, provider_message_id, names)| Settled {
        status,
        reason: None,
        provider_code: None,
        provider_message_id,
        recipient_fault: false,
        refusal: None,
        names,
    };
    let lost = |status| plain((status, None, RemoteParty::default()));
    match wired {
        Wired::Sent(ack) => plain(taken(Status::Sent, ack)),
        Wired::InHand(ack) => plain(taken(Status::Sending, ack)),
        Wired::Withdrawn(refusal) => {
            let status = if refusal.code == Code::GatewaySendFailed { Status::Failed } else { Status::Blocked };
            let reason = if status == Status::Failed { refusal.reason.clone() } else { refusal.code.to_string() };
            Settled { reason: Some(reason), refusal: Some(refusal), ..lost(status) }
        }
        Wired::Failed(error) => Settled {
            reason: Some(error.reason.clone()),
            provider_code: Some(error.code.clone()).filter(|c| !c.is_empty()),
            recipient_fault: error.recipient_fault,
            refusal: Some(failure_refusal(&error)),
            ..lost(Status::Failed)
        },
        Wired::Unknown(error) => Settled {
            reason: Some(error.reason.clone()),
            provider_code: Some(error.code).filter(|c| !c.is_empty()),
            refusal: Some(unknown_refusal()),
            ..lost(Status::Unknown)
        },
    }
}

pub(super) fn unknown_refusal() -> Refusal {
    Refusal::new(Code::GatewaySendFailed, "it is not known whether the provider took the message")
}

/// What a caller is told of a failed send: the provider's wish to slow down is a throttle, everything else a failure.
fn failure_refusal(error: &SendError) -> Refusal {
    let slow_down = match error.kind {
        SendErrorKind::Temporary { retry_after } => retry_after,
        _ => None,
    };
    let refusal = match slow_down {
        Some(wait) => Refusal::guard(Code::SendingThrottled, Action::Throttle, 65, error.reason.clone())
            .with(Extra::Rate("provider"))
            .retry_after(wait),
        None => Refusal::new(Code::GatewaySendFailed, error.reason.clone()),
    };
    Refusal { retry: Some(meta_error::retry(Some(&error.code))), ..refusal }
}

/// Marks a message that waited as `sending`, unless it may not go any more: then says why.
pub(super) fn begin_sending(
    tx: &WriteTx<'_>,
    shared: &SendingContext,
    id: LogId,
    ask: &Recheck,
) -> Result<Option<Refusal>, StoreError> {
    let moment = Moment::new(shared.clock.now(), &*shared.random);
    let now = moment.now;
    if ask.expires_at.is_some_and(|at| at <= now) {
        let late = Refusal::new(Code::GatewaySendFailed, "its expires_at passed while it waited for its slot");
        return Ok(Some(Refusal { retry: Some(Retry::Never), ..late }));
    }
    // Asked of the row: the contact may have become one with another while it waited.
    let sql = "SELECT contact_id FROM messages WHERE id = ?1";
    let contact = tx.find(sql, params![id], |r| r.get::<_, Option<ContactId>>(0))?.flatten();
    let address = Some(&ask.to).filter(|to| !matches!(to, Address::Group(_)));
    if !ask.excused
        && let Some(why) = facts::suppressed(tx, &shared.erased, ask.account, contact, address)?
    {
        let reason = format!("the recipient was suppressed while it waited: {why}");
        return Ok(Some(Refusal {
            gate: "suppression",
            ..Refusal::guard(Code::RecipientSuppressed, Action::Block, 100, reason)
        }));
    }
    let paused = tx.find(
        "SELECT coalesce(pause_reason, '') FROM instances WHERE id = ?1 AND paused_at IS NOT NULL",
        params![ask.instance],
        |r| r.get::<_, String>(0),
    )?;
    if let Some(why) = paused {
        let reason = format!("the instance was paused while it waited: {why}");
        return Ok(Some(Refusal {
            gate: "pause",
            ..Refusal::guard(Code::InstancePausedForReview, Action::PauseInstance, 100, reason)
        }));
    }
    tx.execute(
        "UPDATE messages SET status = 'sending', sending_at = ?2, updated_at = ?2 WHERE id = ?1",
        params![id, now],
    )?;
    announce::step(tx, id, Status::Accepted, Status::Sending, moment)?;
    Ok(None)
}

/// Writes the outcome.
pub(super) async fn record(
    shared: &Arc<SendingContext>,
    message: &Arc<Accepted>,
    settled: &Settled,
) -> Result<(), StoreError> {
    let account = message.booked.account();
    let (owned, message, settled) = (shared.clone(), message.clone(), settled.clone());
    shared.store.write_of(account, move |tx| write(tx, &owned, &message, &settled)).await
}

/// Tries until the outcome is written or the gateway stops; then the next start makes it `unknown`.
pub(super) async fn record_at_last(shared: Arc<SendingContext>, message: Arc<Accepted>, settled: Settled) {
    let mut pause = Duration::from_millis(200);
    loop {
        shared.clock.sleep_until(shared.clock.now().plus(pause)).await;
        match record(&shared, &message, &settled).await {
            Err(StoreError::Unavailable(_)) => pause = (pause * 2).min(Duration::from_secs(30)),
            _ => return,
        }
    }
}

fn write(tx: &WriteTx<'_>, shared: &SendingContext, message: &Accepted, settled: &Settled) -> Result<(), StoreError> {
    shared.begin(tx);
    let now = shared.clock.now();
    let id = message.log_id;
    let (quota, more) = match settled.status {
        Status::Failed | Status::Blocked => ("returned", -1),
        _ => ("counted", 0),
    };
    // A receipt that came first has moved the state already, and this must not move it back.
    let reserved = tx.find("SELECT status FROM messages WHERE id = ?1 AND quota = 'reserved'", params![id], |r| {
        r.get::<_, Status>(0)
    })?;
    if let Some(before) = reserved {
        let status = if matches!(before, Status::Accepted | Status::Sending) { settled.status } else { before };
        settle_row(tx, id, settled, (status, quota), now)?;
        quota::move_usage(tx, &message.booked, more)?;
        // A receipt that was quicker has told the rest already.
        if status == settled.status && before != status {
            let withdrawn = message.slot.is_some() && status == Status::Blocked;
            let from = if withdrawn { Status::Accepted } else { Status::Sending };
            announce::step(tx, id, from, status, Moment::new(now, &*shared.random))?;
        }
    }
    let instance = &message.outgoing.instance;
    let learning = Learning { erased: &shared.erased, account: message.booked.account(), instance, now };
    if learning.recipient(tx, &message.outgoing.to, &settled.names)? {
        shared.pace.recount();
    }
    if settled.recipient_fault {
        shared.pace.note_failure(&message.outgoing.instance, now);
    }
    if settled.status == Status::Blocked
        && let Some(refusal) = &settled.refusal
    {
        tx.execute(
            "UPDATE policy_decisions SET verdict = 'refuse', gate = ?2, action = ?3 WHERE log_id = ?1",
            params![id, refusal.gate, refusal.action().map(Action::as_str)],
        )?;
    }
    if message.has_key {
        idempotency::finish(tx, id, settled.status.into())?;
    }
    Ok(())
}

/// The row of a message whose quota is reserved: its state from now on, and where its quota is.
fn settle_row(
    tx: &WriteTx<'_>,
    id: LogId,
    settled: &Settled,
    (status, quota): (Status, &str),
    now: Time,
) -> Result<(), StoreError> {
    // FAIL: as where it is inserted.
    tx.execute(
        "UPDATE OR FAIL messages SET
             status = ?2, reason = coalesce(?3, reason), provider_code = ?4,
             provider_message_id = coalesce(?5, provider_message_id), recipient_fault = ?6, quota = ?7,
             updated_at = ?8,
             sent_at = CASE WHEN ?9 = 'sent' THEN coalesce(sent_at, ?8) ELSE sent_at END,
             failed_at = CASE WHEN ?9 IN ('failed', 'blocked') THEN ?8 ELSE failed_at END
         WHERE id = ?1",
        params![
            id,
            status,
            settled.reason,
            settled.provider_code,
            settled.provider_message_id,
            settled.recipient_fault,
            quota,
            now,
            settled.status,
        ],
    )?;
    Ok(())
}

/// A person or a receipt settles what was unknown, or what is still in hand.
pub(super) fn settle_quota(tx: &WriteTx<'_>, id: LogId, status: Status) -> Result<(), StoreError> {
    let what = if status == Status::Failed { Settle::GiveBack } else { Settle::Count };
    quota::settle(tx, id, what)?;
    idempotency::finish(tx, id, status.into())
}
