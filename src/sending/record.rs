//! Load, judge, record: this is "record". The message's row and what the guard decided about it.

use super::{
    announce, answer::Outcome, asked::Asked, facts::Facts, gate_figures, idempotency, policy::content::Signal,
    refusal::Refusal, request::Draft,
};
use crate::{
    model::{
        clock::Time,
        code::Action,
        ids::{ContactId, LogId, MessageId},
        message::Status,
        moment::Moment,
    },
    store::{StoreError, WriteTx},
};
use rusqlite::params;
use serde_json::{Value, json};

/// A row to be written.
pub(super) struct MessageRow<'a> {
    pub(super) message_id: &'a MessageId,
    pub(super) asked: &'a Asked<'a>,
    pub(super) facts: &'a Facts,
    pub(super) contact: Option<ContactId>,
    pub(super) status: Status,
}

/// Writes a message that passed: its quota is reserved.
pub(super) fn accepted(tx: &WriteTx<'_>, row: &MessageRow<'_>) -> Result<LogId, StoreError> {
    let id = insert(tx, row, None, "reserved")?;
    decision(tx, id, row.facts, None)?;
    Ok(id)
}

/// Writes a message that waits: no quota is taken before it is sent.
pub(super) fn waiting(tx: &WriteTx<'_>, row: &MessageRow<'_>) -> Result<LogId, StoreError> {
    let id = insert(tx, row, None, "none")?;
    decision(tx, id, row.facts, None)?;
    Ok(id)
}

/// Writes a message that was refused.
pub(super) fn refused(tx: &WriteTx<'_>, row: &MessageRow<'_>, refusal: &Refusal) -> Result<LogId, StoreError> {
    let id = insert(tx, row, Some(refusal), "none")?;
    decision(tx, id, row.facts, Some(refusal))?;
    Ok(id)
}

/// Counts a refusal that is like an earlier one within the same minute; none: there is no earlier one. What was
/// remembered may never have been committed, and its number be another message's by now.
pub(super) fn repeated(
    tx: &WriteTx<'_>,
    earlier: Option<(LogId, MessageId)>,
    now: Time,
) -> Result<Option<(LogId, MessageId)>, StoreError> {
    let Some((id, message_id)) = earlier else { return Ok(None) };
    let sql = "UPDATE messages SET repeats = repeats + 1, updated_at = ?3 WHERE id = ?1 AND message_id = ?2";
    let is_there = tx.execute(sql, params![id, message_id, now])? > 0;
    Ok(is_there.then_some((id, message_id)))
}

fn insert(tx: &WriteTx<'_>, row: &MessageRow<'_>, refusal: Option<&Refusal>, quota: &str) -> Result<LogId, StoreError> {
    let MessageRow { message_id, asked, facts, contact, status } = row;
    let Asked { sender, request, .. } = **asked;
    if let Some(id) = asked.waited(tx)? {
        return ends_waiting(tx, row, id, (refusal, quota));
    }
    let recipient = facts.address.as_ref().map_or_else(|| request.recipient.to_string(), ToString::to_string);
    let now = facts.now;
    let sending_at = (*status == Status::Sending).then_some(now);
    // FAIL: SQLite copies no page for the case that a trigger fails, which undoes the transaction anyway.
    let id = tx.insert(
        "INSERT OR FAIL INTO messages (message_id, account_id, key_id, source, request_id, instance_id, contact_id,
             recipient, purpose, kind, body, content, reference, reply_to, fingerprint, status, reason, quota, day,
             month, created_at, updated_at, expires_at, sending_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
             ?21, ?21, ?22, ?23)",
        params![
            message_id,
            sender.account,
            sender.key,
            sender.source.as_str(),
            sender.request_id,
            request.instance,
            contact,
            recipient,
            request.purpose.as_str(),
            request.draft.kind(),
            request.draft.text(),
            content(row),
            request.reference,
            facts.about.as_ref().map(|about| &about.message.provider_message_id).or(request.reply_to.as_ref()),
            facts.fingerprint.cast_signed(),
            status,
            refusal.map(|r| r.code.as_str()),
            quota,
            facts.period.day,
            facts.period.month,
            now,
            request.expires_at,
            sending_at,
        ],
    )?;
    Ok(LogId(id))
}

/// JSON of what a text alone does not hold. Of a template also what it says, which may be another thing tomorrow.
fn content(row: &MessageRow<'_>) -> Option<String> {
    let content = row.asked.request.draft.content()?;
    let Draft::Template { variables, .. } = &row.asked.request.draft else { return Some(content) };
    let said = row.facts.template.as_ref().and_then(|known| known.said(variables));
    let Some((said, mut content)) = said.zip(serde_json::from_str::<Value>(&content).ok()) else {
        return Some(content);
    };
    content["template"]["said"] = json!(said);
    Some(content.to_string())
}

/// A message that has waited is sent, or refused: in the row that it has. Its template says what it says now.
fn ends_waiting(
    tx: &WriteTx<'_>,
    row: &MessageRow<'_>,
    id: LogId,
    (refusal, quota): (Option<&Refusal>, &str),
) -> Result<LogId, StoreError> {
    let MessageRow { asked, facts, contact, status, .. } = row;
    let now = facts.now;
    tx.execute(
        "UPDATE messages SET contact_id = coalesce(?2, contact_id), fingerprint = ?3, status = ?4, reason = ?5, quota = ?6,
             day = ?7, month = ?8, updated_at = ?9, sending_at = CASE WHEN ?4 = 'sending' THEN ?9 END,
             failed_at = CASE WHEN ?4 = 'blocked' THEN ?9 END,
             reply_to = coalesce(?10, reply_to), content = coalesce(?11, content)
         WHERE id = ?1",
        params![
            id,
            contact,
            facts.fingerprint.cast_signed(),
            status,
            refusal.map(|r| r.code.as_str()),
            quota,
            facts.period.day,
            facts.period.month,
            now,
            facts.about.as_ref().map(|about| &about.message.provider_message_id),
            content(row),
        ],
    )?;
    tx.execute("DELETE FROM policy_decisions WHERE log_id = ?1", params![id])?;
    if *status == Status::Blocked {
        idempotency::finish(tx, id, Outcome::Blocked)?;
    }
    announce::step(tx, id, Status::Accepted, *status, Moment::new(now, &*asked.shared.random))?;
    Ok(id)
}

fn decision(tx: &WriteTx<'_>, id: LogId, facts: &Facts, refusal: Option<&Refusal>) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO policy_decisions (log_id, verdict, gate, action, score, signals, figures)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            id,
            if refusal.is_some() { "refuse" } else { "pass" },
            refusal.map(|r| r.gate),
            refusal.and_then(Refusal::action).map(Action::as_str),
            facts.content.total,
            signals(&facts.content.signals),
            gate_figures::kept(facts, refusal),
        ],
    )?;
    Ok(())
}

fn signals(list: &[Signal]) -> String {
    if list.is_empty() {
        return "[]".into();
    }
    let all: Vec<_> = list.iter().map(|s| json!(s)).collect();
    json!(all).to_string()
}
