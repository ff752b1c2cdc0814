//! Messages that wait: for the time that their caller named, or until the guard lets them pass (`queue`).
//!
//! Such a message has its row in the log from the beginning, `accepted` and without a quota, and a row of the schedule with
//! the same message id, which holds the request. The schedule's worker hands it in again when it is due; the guard judges
//! then, takes the quota then, and writes into the same row. Nothing of it is sent twice: the schedule's invariants hold.
//!
//! While it waits it can be withdrawn: cancelled, expired, missed. Then it has `failed`, and says why.
//!
//! An automatic answer that came faster than the guard lets messages pass waits the same way, for as long as it is still
//! an answer; its request is what the columns of its own row of the schedule hold.

use super::{
    announce,
    answer::{Answer, Outcome},
    asked::Asked,
    facts::Facts,
    idempotency, policy,
    record::{self, MessageRow},
    refusal::Refusal,
    request::{SendLater, Source},
    waiting_room::MOST_WAITING,
};
use crate::{
    model::{
        clock::Time,
        code::Code,
        ids::{AccountId, LogId, MessageId},
        instance::InstanceState,
        message::Status,
        moment::Moment,
        plan::Module,
        purpose::Purpose,
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;
use std::time::Duration;

/// When a queued message is tried again where no refusal says it, and the bounds of what one says.
const AGAIN: Duration = Duration::from_secs(60);
const SOONEST: Duration = Duration::from_secs(5);
const LATEST: Duration = Duration::from_secs(60 * 60);
/// For how long a queued message is tried that does not say.
const QUEUED_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// For how long an automatic answer is tried: what comes later answers nothing any more.
pub(super) const ANSWERS_FOR: Duration = Duration::from_secs(60 * 60);
/// Why a message that waited is not sent any more: somebody wanted it so.
pub(super) const CANCELLED: &str = "cancelled";
/// Or nobody did.
const EXPIRED: &str = "its expires_at passed before it could be sent";

/// The rows of the log that wait: `m` is `messages`.
pub(super) const WAITS: &str = "m.status = 'accepted' AND m.quota = 'none'";

/// Why a message cannot be cancelled.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// It is none of the caller's.
    #[error("there is no such message")]
    NotFound,
    /// It does not wait (any more).
    #[error("the message is {0}: only one that waits can be cancelled")]
    NotWaiting(Status),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// When a message is tried (again) that the gates have judged so; none: it does not wait.
pub(super) fn due(asked: &Asked<'_>, verdict: Result<(), &Refusal>) -> Option<Time> {
    let Asked { request, now, .. } = *asked;
    let SendLater { send_at, queue, .. } = &**request.later.as_ref()?;
    if verdict.is_err_and(|refusal| !passes_with_time(asked, refusal)) {
        return None;
    }
    if let Some(at) = send_at.filter(|at| *at > now) {
        return Some(at);
    }
    if !*queue {
        return None;
    }
    if verdict.is_ok() {
        let standing = asked.shared.registry.standing(&request.instance);
        return standing.is_some_and(|s| s.state == InstanceState::Connecting).then(|| now.plus(SOONEST));
    }
    let refusal = verdict.err()?;
    let again = now.plus(refusal.retry_after.unwrap_or(AGAIN).clamp(SOONEST, LATEST));
    Some(request.expires_at.map_or(again, |end| again.min(end)))
}

/// Why a message is not taken that may wait: what stays, if there is such a thing beside what passes with time.
pub(super) fn foremost(asked: &Asked<'_>, facts: &Facts, refusal: Refusal) -> Refusal {
    if asked.request.later.is_none() || !passes_with_time(asked, &refusal) {
        return refusal;
    }
    let mut all = policy::refusals(asked.request, facts, asked.rules);
    all.find(|other| !passes_with_time(asked, other)).unwrap_or(refusal)
}

/// Whether what stands against a message may pass by itself; against an answer, while it still is one.
fn passes_with_time(asked: &Asked<'_>, refusal: &Refusal) -> bool {
    if asked.sender.source == Source::AutoReply {
        return refusal.code == Code::SendingThrottled;
    }
    matches!(
        refusal.code,
        Code::DailyMessageLimitExceeded
            | Code::MonthlyMessageLimitExceeded
            | Code::SendingThrottled
            | Code::InstancePausedForReview
            | Code::ConversationWindowClosed
    )
}

/// Lets it wait until `due`: a new one, or one that was tried and did not pass yet.
pub(super) fn wait(
    tx: &WriteTx<'_>,
    asked: &Asked<'_>,
    facts: &Facts,
    due: Time,
) -> Result<Result<Answer, Refusal>, StoreError> {
    let Asked { request, sender, now, .. } = *asked;
    let message_id = asked.message_id();
    let log_id = match asked.waited(tx)? {
        Some(log_id) => {
            put_off(tx, &message_id, due)?;
            log_id
        }
        None => {
            let has_row = request.message_id.is_some() && sender.source == Source::AutoReply;
            if !has_row && !asked.shared.room.enter(tx, sender.account, now)? {
                let reason = format!("{MOST_WAITING} messages of the account wait already");
                return Ok(Err(Refusal { gate: "waiting", ..Refusal::new(Code::SendingThrottled, reason) }));
            }
            let log_id = first_row(tx, asked, facts, &message_id)?;
            if has_row {
                put_off(tx, &message_id, due)?;
            } else {
                keep(tx, asked, &message_id, due)?;
            }
            if let Some(key) = &request.idempotency_key {
                idempotency::begin(tx, asked, key, log_id)?;
                idempotency::finish(tx, log_id, Outcome::Accepted)?;
            }
            log_id
        }
    };
    let queue = request.later.as_ref().is_some_and(|later| later.queue);
    if queue && request.expires_at.is_none() {
        let sql = "UPDATE messages SET expires_at = coalesce(expires_at, created_at + ?2) WHERE id = ?1";
        let send_at = request.later.as_ref().and_then(|later| later.send_at).map_or(0, |at| at.millis() - now.millis());
        tx.execute(sql, params![log_id, i64::try_from(QUEUED_FOR.as_millis()).unwrap_or(i64::MAX) + send_at.max(0)])?;
    }
    if queue || request.expires_at.is_some() {
        // Whoever looks for those whose time is over looks at no others.
        let sql =
            "UPDATE schedules SET expires_at = (SELECT expires_at FROM messages WHERE id = ?2) WHERE message_id = ?1";
        tx.execute(sql, params![message_id, log_id])?;
    }
    Ok(Ok(Answer {
        outcome: Outcome::Accepted,
        log_id,
        message_id,
        refusal: None,
        quota: facts.limits.map(|limits| facts.quota(limits, 0)),
        replayed: false,
        unusual: None,
    }))
}

/// An automatic answer whose time was over before it could be tried, the gateway was off: it is not sent, and the log says
/// so. None: it is no such thing.
pub(super) fn too_late(tx: &WriteTx<'_>, asked: &Asked<'_>, facts: &Facts) -> Result<Option<Answer>, StoreError> {
    let Asked { request, sender, now, shared, .. } = *asked;
    if sender.source != Source::AutoReply || request.expires_at.is_none_or(|end| end > now) {
        return Ok(None);
    }
    let message_id = asked.message_id();
    let log_id = match asked.waited(tx)? {
        Some(log_id) => log_id,
        None => first_row(tx, asked, facts, &message_id)?,
    };
    withdraw(tx, &message_id, EXPIRED, Moment::new(now, &*shared.random))?;
    Ok(Some(Answer {
        outcome: Outcome::Failed,
        log_id,
        message_id,
        refusal: Some(Refusal::new(Code::GatewaySendFailed, EXPIRED)),
        quota: None,
        replayed: false,
        unusual: None,
    }))
}

/// Writes the row in the log of a message that begins to wait.
fn first_row(tx: &WriteTx<'_>, asked: &Asked<'_>, facts: &Facts, message_id: &MessageId) -> Result<LogId, StoreError> {
    let contact = facts.contact.as_ref().map(|c| c.id);
    record::waiting(tx, &MessageRow { message_id, asked, facts, contact, status: Status::Accepted })
}

/// Has the schedule's row, which was claimed, wait until `due`.
fn put_off(tx: &WriteTx<'_>, message_id: &MessageId, due: Time) -> Result<(), StoreError> {
    let sql = "UPDATE schedules SET state = 'pending', due_at = ?2 WHERE message_id = ?1 AND state = 'claimed'";
    tx.execute(sql, params![message_id, due]).map(drop)
}

/// The row of a message that waits.
pub(super) fn find(tx: &Tx<'_>, message_id: &MessageId) -> Result<Option<LogId>, StoreError> {
    let sql = format!("SELECT m.id FROM messages m WHERE m.message_id = ?1 AND {WAITS}");
    tx.find(&sql, params![message_id], |r| r.get(0))
}

/// Writes the schedule's row.
fn keep(tx: &WriteTx<'_>, asked: &Asked<'_>, message_id: &MessageId, due: Time) -> Result<(), StoreError> {
    let Asked { request, sender, now, .. } = *asked;
    let purpose = Purpose::parse(request.purpose.as_str()).map_or("", Purpose::as_str);
    tx.execute(
        "INSERT INTO schedules (account_id, instance_id, kind, source, module, key_id, recipient, purpose, body, request,
             reference, due_at, state, message_id, created_by, created_at)
         VALUES (?1, ?2, 'listed', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'pending', ?12, ?13, ?14)",
        params![
            sender.account,
            request.instance,
            sender.source.as_str(),
            sender.module.map(Module::as_str),
            sender.key,
            request.recipient.to_string(),
            purpose,
            request.draft.text(),
            request.later.as_ref().map(|later| &later.kept),
            request.reference,
            due,
            message_id,
            sender.key.map_or_else(String::new, |key| format!("key {key}")),
            now,
        ],
    )
    .map(drop)
}

/// Cancels a message of an account that waits.
///
/// # Errors
/// See [`CancelError`].
pub(super) fn cancel(tx: &WriteTx<'_>, account: AccountId, id: LogId, moment: Moment<'_>) -> Result<(), CancelError> {
    let sql = "SELECT message_id, status FROM messages WHERE id = ?1 AND account_id = ?2";
    let found = tx.find(sql, params![id, account], |r| Ok((r.get::<_, MessageId>(0)?, r.get::<_, Status>(1)?)))?;
    let (message_id, status) = found.ok_or(CancelError::NotFound)?;
    let sql = "UPDATE schedules SET state = 'cancelled', ended_at = ?2 WHERE message_id = ?1 AND state = 'pending'";
    if tx.execute(sql, params![message_id, moment.now])? == 0 {
        return Err(CancelError::NotWaiting(status));
    }
    Ok(withdraw(tx, &message_id, CANCELLED, moment)?)
}

/// The row in the log of a message that does not wait any more and is not sent. One without such a row is no matter.
pub(super) fn withdraw(
    tx: &WriteTx<'_>,
    message_id: &MessageId,
    reason: &str,
    moment: Moment<'_>,
) -> Result<(), StoreError> {
    let Some(id) = find(tx, message_id)? else { return Ok(()) };
    tx.execute(
        "UPDATE messages SET status = 'failed', reason = ?2, updated_at = ?3, failed_at = ?3 WHERE id = ?1",
        params![id, reason, moment.now],
    )?;
    // Whoever repeats the request because its answer was lost must not send what somebody has cancelled since.
    if reason != CANCELLED {
        idempotency::finish(tx, id, Outcome::Failed)?;
    }
    announce::step(tx, id, Status::Accepted, Status::Failed, moment)
}

/// Ends those whose `expires_at` is over; says how many.
pub(super) fn expire(tx: &WriteTx<'_>, moment: Moment<'_>) -> Result<usize, StoreError> {
    let over: Vec<MessageId> = tx.list(
        "SELECT message_id FROM schedules
         WHERE state = 'pending' AND expires_at IS NOT NULL AND expires_at <= ?1 AND due_at <= ?1",
        params![moment.now],
        |r| r.get(0),
    )?;
    for message_id in &over {
        end(tx, message_id, EXPIRED, moment)?;
    }
    Ok(over.len())
}

/// Ends those that were due before `since`; a queued one is not late, it is tried.
pub(super) fn miss(tx: &WriteTx<'_>, since: Time, moment: Moment<'_>) -> Result<(), StoreError> {
    let missed: Vec<MessageId> = tx.list(
        "SELECT message_id FROM schedules WHERE state IN ('pending', 'claimed') AND state = 'pending' AND due_at < ?1
             AND request IS NOT NULL
             AND coalesce(json_extract(request, '$.queue'), 0) = 0",
        params![since],
        |r| r.get(0),
    )?;
    let why = "it was due while the gateway was off, its number was not open or its clock was behind, and the grace time ran out";
    missed.iter().try_for_each(|message_id| end(tx, message_id, why, moment))
}

fn end(tx: &WriteTx<'_>, message_id: &MessageId, why: &str, moment: Moment<'_>) -> Result<(), StoreError> {
    let sql = "UPDATE schedules SET state = 'missed', reason = ?2, ended_at = ?3 WHERE message_id = ?1";
    tx.execute(sql, params![message_id, why, moment.now])?;
    withdraw(tx, message_id, why, moment)
}
