//! The rows of messages to be sent later.
//!
//! Those that are not through are a few of many: statements about them name the two states as their index does, which is
//! else not used.

use super::{
    ScheduleId,
    held::HELD,
    kept::{self, KeptColumns, draft, read_kept},
};
use crate::{
    accounts::Scope,
    instances::templates::SentTemplate,
    model::{
        clock::Time,
        ids::{AccountId, InstanceId, KeyId, LogId, MessageId},
        message::Status,
        phone::Recipient,
        plan::Module,
        purpose::Purpose,
        random::Random,
        string_enum::string_enum,
    },
    sending::{
        Request, Sender, Source,
        request::{Draft, PurposeField, SendLater},
        waiting,
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::{Row, params};
use serde::Serialize;
use std::collections::HashSet;

/// What makes a message to be sent later.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewSchedule {
    /// On whose behalf; the sender of the message.
    pub sender: Sender,
    /// Whose it is.
    pub account: AccountId,
    /// By which instance.
    pub instance: InstanceId,
    pub recipient: Recipient,
    /// Text, a file with a caption, a template, a sign or a change.
    pub draft: Draft<String>,
    pub purpose: Purpose,
    /// The caller's own id.
    pub reference: Option<String>,
    pub due_at: Time,
    /// Who made it, in words for people.
    pub created_by: String,
}

string_enum! {
    /// Where a message to be sent later stands, as people are told.
    ScheduleState {
        /// It waits, or is on its way.
        Pending = "pending",
        /// It was sent.
        Sent = "sent",
        /// Somebody cancelled it.
        Cancelled = "cancelled",
        /// It was refused, or failed; `reason` says why.
        Failed = "failed",
        /// It was due while the gateway was off or its number was not open, and the grace time ran out.
        Missed = "missed",
        /// Nobody can tell whether it was sent.
        Unknown = "unknown",
    }
}

/// A message to be sent later, as people are shown it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ScheduledMessage {
    pub id: ScheduleId,
    pub account: AccountId,
    /// By which instance.
    pub instance: InstanceId,
    /// To whom: E.164, `contact:ID`, or a group's id.
    pub recipient: String,
    pub message: String,
    /// Of a template message, whose variables `message` has.
    pub template: Option<SentTemplate>,
    pub purpose: String,
    /// When it is to be sent.
    pub due_at: Time,
    /// Where it stands.
    pub state: ScheduleState,
    /// Why it failed or was missed.
    pub reason: Option<String>,
    /// Its row in the log, once it was fired.
    pub log_id: Option<LogId>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Time,
    /// When it was sent.
    pub sent_at: Option<Time>,
}

/// Which ones; only what people scheduled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Filter {
    pub scope: Scope,
    /// Of one instance.
    pub instance: Option<InstanceId>,
    /// Those made before this one; none: the newest.
    pub before: Option<ScheduleId>,
    /// At most so many; newest first.
    pub limit: u32,
}

const COLUMNS: &str = "s.id, s.account_id, s.instance_id, s.recipient, s.body, s.purpose, s.due_at, s.state, \
                       coalesce(m.status, s.outcome), coalesce(s.reason, m.reason), s.log_id, s.created_by, \
                       s.created_at, m.sent_at, s.request";

/// Puts a message into the short queue, in the transaction of its cause; the worker is woken by its caller afterwards.
pub fn enqueue(tx: &WriteTx<'_>, new: &NewSchedule, now: Time, random: &dyn Random) -> Result<ScheduleId, StoreError> {
    create(tx, new, "queued", MessageId::new(now, random), now).map(|(id, _)| id)
}

pub(super) fn create(
    tx: &WriteTx<'_>,
    new: &NewSchedule,
    kind: &'static str,
    message_id: MessageId,
    now: Time,
) -> Result<(ScheduleId, MessageId), StoreError> {
    let KeptColumns { body, media, request } = KeptColumns::of(new);
    let id = tx.insert(
        "INSERT INTO schedules (account_id, instance_id, kind, source, module, key_id, recipient, purpose, body, media,
             request, reference, due_at, state, message_id, created_by, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 'pending', ?14, ?15, ?16)",
        params![
            new.account,
            new.instance,
            kind,
            new.sender.source.as_str(),
            new.sender.module.map(Module::as_str),
            new.sender.key,
            new.recipient.to_string(),
            new.purpose.as_str(),
            body,
            media,
            request,
            new.reference,
            new.due_at,
            message_id,
            new.created_by,
            now,
        ],
    )?;
    Ok((ScheduleId(id), message_id))
}

/// Whether its reference was used already for the same chat.
pub(super) fn is_known(tx: &Tx<'_>, new: &NewSchedule) -> Result<bool, StoreError> {
    tx.one(
        "SELECT EXISTS (SELECT 1 FROM schedules WHERE account_id = ?1 AND instance_id = ?2 AND recipient = ?3
                        AND reference = ?4)",
        params![new.account, new.instance, new.recipient.to_string(), new.reference],
        |r| r.get(0),
    )
}

pub(super) fn find(tx: &Tx<'_>, scope: Scope, id: ScheduleId) -> Result<Option<ScheduledMessage>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM schedules s LEFT JOIN messages m ON m.id = s.log_id
         WHERE s.id = ?1 AND s.kind = 'listed' AND (?2 IS NULL OR s.account_id = ?2)"
    );
    tx.find(&sql, params![id.0, scope], read)?.map(|found| whole(tx, found)).transpose()
}

/// Whose it is; none: there is no such one in the scope.
pub fn find_account(tx: &Tx<'_>, scope: Scope, id: ScheduleId) -> Result<Option<AccountId>, StoreError> {
    Ok(find(tx, scope, id)?.map(|message| message.account))
}

/// The newest first, in a read that brings more.
pub fn list(tx: &Tx<'_>, filter: &Filter) -> Result<Vec<ScheduledMessage>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM schedules s LEFT JOIN messages m ON m.id = s.log_id
         WHERE s.kind = 'listed' AND (?1 IS NULL OR s.account_id = ?1) AND (?2 IS NULL OR s.instance_id = ?2)
           AND (?3 IS NULL OR s.id < ?3) ORDER BY s.id DESC LIMIT ?4"
    );
    let found =
        tx.list(&sql, params![filter.scope, filter.instance, filter.before.map(|id| id.0), filter.limit], read)?;
    found.into_iter().map(|found| whole(tx, found)).collect()
}

/// With the template that it names.
fn whole(tx: &Tx<'_>, (mut message, kept): ReadRow) -> Result<ScheduledMessage, StoreError> {
    if let Some(kept) = kept {
        message.template = kept::template(tx, &message, &kept)?;
    }
    Ok(message)
}

/// A row, and the request that it keeps.
type ReadRow = (ScheduledMessage, Option<String>);

/// The id of its message.
pub(super) fn message_id(tx: &Tx<'_>, id: ScheduleId) -> Result<MessageId, StoreError> {
    tx.one("SELECT message_id FROM schedules WHERE id = ?1", params![id.0], |r| r.get(0))
}

/// Cancels it; false: it is not pending any more.
pub(super) fn cancel(tx: &WriteTx<'_>, id: ScheduleId, now: Time) -> Result<bool, StoreError> {
    let sql = "UPDATE schedules SET state = 'cancelled', ended_at = ?2 WHERE id = ?1 AND state = 'pending'";
    Ok(tx.execute(sql, params![id.0, now])? == 1)
}

/// A pause that the gateway itself made (a person's time is a person's) is over if a clock that was ahead has made it.
pub(super) fn believe_no_future(tx: &WriteTx<'_>, now: Time) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE schedules SET due_at = ?1
         WHERE state = 'pending' AND due_at > ?1 AND kind <> 'listed' AND created_at > ?1",
        params![now],
    )
    .map(drop)
}

/// A claimed one, and its message's row if that was made.
type LeftOver = (ScheduleId, Option<(LogId, Status)>);

/// Those that were claimed by somebody who did not finish, and are not in `under_way`: with their message's row if it
/// was made.
pub(super) fn left_over(tx: &Tx<'_>, under_way: impl Fn(ScheduleId) -> bool) -> Result<Vec<LeftOver>, StoreError> {
    let all = tx.list(
        "SELECT s.id, m.id, m.status FROM schedules s LEFT JOIN messages m ON m.message_id = s.message_id
             AND NOT (m.status = 'accepted' AND m.quota = 'none')
         WHERE s.state = 'claimed'",
        [],
        |r| Ok((ScheduleId(r.get(0)?), r.get::<_, Option<LogId>>(1)?.zip(r.get::<_, Option<Status>>(2)?))),
    )?;
    Ok(all.into_iter().filter(|(id, _)| !under_way(*id)).collect())
}

/// Puts a claimed one back: its message was not made.
pub(super) fn put_back(tx: &WriteTx<'_>, id: ScheduleId) -> Result<(), StoreError> {
    tx.execute("UPDATE schedules SET state = 'pending' WHERE id = ?1 AND state = 'claimed'", params![id.0]).map(drop)
}

/// Ends those that were due before `since`. An automatic answer has a time of its own, and the log tells of its end.
pub(super) fn miss(tx: &WriteTx<'_>, since: Time, now: Time) -> Result<usize, StoreError> {
    tx.execute(
        "UPDATE schedules SET state = 'missed', ended_at = ?2,
             reason = 'it was due while the gateway was off, its number was not open or its clock was behind, and the grace time ran out'
         WHERE state IN ('pending', 'claimed') AND state = 'pending' AND due_at < ?1 AND request IS NULL
            AND source <> 'auto_reply'",
        params![since, now],
    )
}

/// One that is ours to send.
pub(super) struct ClaimedSchedule {
    pub(super) id: ScheduleId,
    pub(super) sender: Sender,
    pub(super) request: Result<Box<Request>, String>,
    pub(super) message_id: MessageId,
    /// Whether nobody waits for its outcome.
    pub(super) may_be_held: bool,
}

/// Claims what is due, but what is under way: that was put back to wait on, and whoever has it is not through; and but
/// for what is held. Automatic answers to one person go one after the other, in the order in which they were made.
pub(super) fn claim(
    tx: &WriteTx<'_>,
    now: Time,
    limit: usize,
    under_way: &HashSet<ScheduleId>,
    connects: impl Fn(&InstanceId) -> bool,
) -> Result<Vec<ClaimedSchedule>, StoreError> {
    let answers_for = i64::try_from(waiting::ANSWERS_FOR.as_millis()).unwrap_or(i64::MAX);
    let sql = format!(
        "SELECT id, account_id, instance_id, source, module, key_id, recipient, purpose, body, media, reference,
                message_id, request, created_at, kind = 'listed'
         FROM schedules s
         WHERE state IN ('pending', 'claimed') AND state = 'pending' AND due_at <= ?1 AND NOT ({HELD})
           AND (source <> 'auto_reply' OR NOT EXISTS (
                SELECT 1 FROM schedules e
                WHERE e.source = 'auto_reply' AND e.instance_id = s.instance_id AND e.recipient = s.recipient
                  AND e.created_at >= s.created_at - ?3 AND e.state IN ('pending', 'claimed') AND e.id < s.id))
         ORDER BY due_at, id LIMIT ?2"
    );
    let mut claimed = tx.list(
        &sql,
        params![now, i64::try_from(limit + under_way.len()).unwrap_or(i64::MAX), 2 * answers_for],
        read_claimed,
    )?;
    // After a start the rows say how the numbers stood before it.
    let is_held = |one: &ClaimedSchedule| {
        one.may_be_held && one.request.as_ref().is_ok_and(|request| connects(&request.instance))
    };
    claimed.retain(|one| !under_way.contains(&one.id) && !is_held(one));
    claimed.truncate(limit);
    for one in &claimed {
        tx.execute("UPDATE schedules SET state = 'claimed' WHERE id = ?1", params![one.id.0])?;
    }
    Ok(claimed)
}

/// What became of one when it was due.
pub(super) struct Fired<'a> {
    /// Its row in the log; none: it could not be read any more.
    pub(super) log_id: Option<LogId>,
    /// The log's word for it.
    pub(super) outcome: &'a str,
    /// Why it was not sent.
    pub(super) reason: Option<&'a str>,
}

/// Writes what became of one.
pub(super) fn end(tx: &WriteTx<'_>, id: ScheduleId, fired: &Fired<'_>, now: Time) -> Result<(), StoreError> {
    let Fired { log_id, outcome, reason } = fired;
    tx.execute(
        "UPDATE schedules SET state = 'fired', log_id = ?2, outcome = ?3, reason = ?4, ended_at = ?5
         WHERE id = ?1 AND state = 'claimed'",
        params![id.0, log_id, outcome, reason, now],
    )
    .map(drop)
}

fn read_claimed(r: &Row<'_>) -> rusqlite::Result<ClaimedSchedule> {
    let text = |i: usize| r.get::<_, String>(i);
    let message_id: MessageId = r.get(11)?;
    let sender = Sender {
        account: r.get(1)?,
        key: r.get::<_, Option<KeyId>>(5)?,
        source: Source::parse(&text(3)?).unwrap_or(Source::Schedule),
        module: r.get::<_, Option<String>>(4)?.as_deref().and_then(Module::parse),
        request_id: None,
    };
    if let Some(kept) = r.get::<_, Option<String>>(12)? {
        return Ok(ClaimedSchedule {
            id: ScheduleId(r.get(0)?),
            sender,
            request: read_kept(&kept, &message_id),
            message_id,
            may_be_held: r.get(14)?,
        });
    }
    let (instance, recipient, purpose) = (r.get(2)?, text(6)?, text(7)?);
    let draft = draft(text(8)?, r.get::<_, Option<String>>(9)?);
    let reference = r.get(10)?;
    let answered_at = (sender.source == Source::AutoReply).then(|| r.get::<_, Time>(13)).transpose()?;
    let request = match (Recipient::stored(&recipient), draft) {
        (Ok(recipient), Ok(draft)) => Ok(Box::new(Request {
            instance,
            unusual: recipient.unusual(),
            recipient,
            draft: draft.into(),
            purpose: Purpose::parse(&purpose).map_or(PurposeField::NotAllowed(purpose), PurposeField::Allowed),
            reference,
            reply_to: None,
            expires_at: answered_at.map(|at| at.plus(waiting::ANSWERS_FOR)),
            later: answered_at.map(|_| Box::new(SendLater { send_at: None, queue: true, kept: String::new() })),
            idempotency_key: None,
            message_id: Some(message_id.clone()),
        })),
        (Err(e), _) => Err(e.to_string()),
        (_, Err(e)) => Err(e),
    };
    Ok(ClaimedSchedule { id: ScheduleId(r.get(0)?), sender, request, message_id, may_be_held: r.get(14)? })
}

fn read(r: &Row<'_>) -> rusqlite::Result<ReadRow> {
    let (state, status) = (r.get::<_, String>(7)?, r.get::<_, Option<String>>(8)?);
    let message = ScheduledMessage {
        id: ScheduleId(r.get(0)?),
        account: r.get(1)?,
        instance: r.get(2)?,
        recipient: r.get(3)?,
        message: r.get(4)?,
        template: None,
        purpose: r.get(5)?,
        due_at: r.get(6)?,
        state: shown(&state, status.as_deref().and_then(Status::parse)),
        reason: r.get(9)?,
        log_id: r.get(10)?,
        created_by: r.get(11)?,
        created_at: r.get(12)?,
        sent_at: r.get(13)?,
    };
    Ok((message, r.get(14)?))
}

/// What people are told, from the row's own state and the message's.
fn shown(state: &str, status: Option<Status>) -> ScheduleState {
    match (state, status) {
        ("pending" | "claimed", _) | ("fired", Some(Status::Accepted | Status::Sending)) => ScheduleState::Pending,
        ("cancelled", _) => ScheduleState::Cancelled,
        ("missed", _) => ScheduleState::Missed,
        (_, Some(Status::Sent | Status::Delivered | Status::Read)) => ScheduleState::Sent,
        (_, Some(Status::Unknown)) => ScheduleState::Unknown,
        _ => ScheduleState::Failed,
    }
}
