//! Pause for review: by an administrator, or by the guard after strikes. Only an administrator resumes, with a note. And
//! an owner's pause of an own number, which opens no review and which the owner ends.

use crate::{
    accounts::{
        audit,
        notices::{self, NoticeKind},
    },
    model::{
        clock::Time,
        ids::{AccountId, InstanceId, LogId},
    },
    store::{StoreError, WriteTx},
};
use rusqlite::params;
use serde_json::json;

/// Whether a review of the instance is open.
const UNDER_REVIEW: &str =
    "EXISTS (SELECT 1 FROM reviews r WHERE r.instance_id = instances.id AND r.closed_at IS NULL)";

/// Pauses `id` for review; one that waits for a review already keeps its first reason, one that its owner paused waits for
/// one from now on. `evidence` are the messages that led here.
pub fn pause(
    tx: &WriteTx<'_>,
    id: &InstanceId,
    reason: &str,
    evidence: &[LogId],
    (now, actor): (Time, &str),
) -> Result<(), StoreError> {
    let account = tx.find(
        &format!(
            "UPDATE instances SET paused_at = ?2, pause_reason = ?3 WHERE id = ?1 AND (paused_at IS NULL OR NOT {UNDER_REVIEW})
             RETURNING account_id"
        ),
        params![id, now, reason],
        |r| r.get::<_, AccountId>(0),
    )?;
    let Some(account) = account else { return Ok(()) };
    let evidence = serde_json::to_string(evidence).unwrap_or_else(|_| "[]".into());
    tx.execute(
        "INSERT INTO reviews (instance_id, opened_at, reason, evidence) VALUES (?1, ?2, ?3, ?4)",
        params![id, now, reason, evidence],
    )?;
    let parameters = json!({"reason": reason});
    notices::raise(tx, Some(account), (NoticeKind::InstancePaused, id.as_str()), &parameters, now)?;
    record(tx, (now, actor), account, id, ("instance.pause", reason))
}

/// An owner pauses an own number, or says why anew; one that waits for a review stays as it is. Says whether it was done.
pub fn pause_own(tx: &WriteTx<'_>, id: &InstanceId, reason: &str, now: Time, actor: &str) -> Result<bool, StoreError> {
    let account = tx.find(
        &format!(
            "UPDATE instances SET paused_at = coalesce(paused_at, ?2), pause_reason = ?3 WHERE id = ?1 AND NOT {UNDER_REVIEW}
             RETURNING account_id"
        ),
        params![id, now, reason],
        |r| r.get::<_, AccountId>(0),
    )?;
    let Some(account) = account else { return Ok(false) };
    record(tx, (now, actor), account, id, ("instance.pause", reason)).map(|()| true)
}

/// Its owner ends the pause of `id`. What the guard counted against it stays.
pub fn resume_own(tx: &WriteTx<'_>, id: &InstanceId, now: Time, actor: &str) -> Result<(), StoreError> {
    let sql = "UPDATE instances SET paused_at = NULL, pause_reason = NULL WHERE id = ?1 RETURNING account_id";
    let account = tx.find(sql, params![id], |r| r.get::<_, AccountId>(0))?;
    account.map_or(Ok(()), |account| record(tx, (now, actor), account, id, ("instance.resume", "by its owner")))
}

/// Ends the pause of `id` and closes its review with `note`.
pub fn resume(tx: &WriteTx<'_>, id: &InstanceId, note: &str, now: Time, actor: &str) -> Result<(), StoreError> {
    let account = tx.find(
        "UPDATE instances SET paused_at = NULL, pause_reason = NULL WHERE id = ?1 RETURNING account_id",
        params![id],
        |r| r.get::<_, AccountId>(0),
    )?;
    let Some(account) = account else { return Ok(()) };
    tx.execute(
        "UPDATE reviews SET closed_at = ?2, note = ?3, closed_by = ?4 WHERE instance_id = ?1 AND closed_at IS NULL",
        params![id, now, note, actor],
    )?;
    // Looked at: old strikes do not pause it again.
    tx.execute("DELETE FROM strikes WHERE instance_id = ?1", params![id])?;
    notices::clear(tx, Some(account), NoticeKind::InstancePaused, id.as_str(), now)?;
    record(tx, (now, actor), account, id, ("instance.resume", note))
}

fn record(
    tx: &WriteTx<'_>,
    (now, actor): (Time, &str),
    account: AccountId,
    id: &InstanceId,
    (action, note): (&str, &str),
) -> Result<(), StoreError> {
    let entry = audit::AuditEntry {
        actor,
        account: Some(account),
        action,
        target: id.as_str(),
        before: None,
        after: Some(note),
    };
    audit::record(tx, now, &entry)
}
