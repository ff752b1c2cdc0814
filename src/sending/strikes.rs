//! Strikes: policy violations that add up. Several within an hour, with different texts or to different people, pause
//! the instance for review; the same text to the same person counts once. Nothing but strikes and health pauses by
//! itself.

use super::{facts::Facts, request::Request, rules::Rules};
use crate::{
    instances::pause,
    model::ids::{InstanceId, LogId},
    store::{StoreError, WriteTx},
};
use rusqlite::params;

/// Notes a policy violation; pauses the instance when it is one too many.
pub(super) fn strike(
    tx: &WriteTx<'_>,
    rules: &Rules,
    request: &Request,
    facts: &Facts,
    log_id: LogId,
) -> Result<(), StoreError> {
    let since = facts.now.minus(rules.strikes_window);
    let contact = facts.contact.as_ref().map(|c| format!("contact:{}", c.id));
    let recipient = contact.unwrap_or_else(|| request.recipient.canonical());
    tx.execute("DELETE FROM strikes WHERE instance_id = ?1 AND at <= ?2", params![request.instance, since])?;
    tx.execute(
        "INSERT INTO strikes (instance_id, at, recipient, fingerprint, log_id)
         SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS (
             SELECT 1 FROM strikes WHERE instance_id = ?1 AND recipient = ?3 AND fingerprint = ?4)",
        params![request.instance, facts.now, recipient, facts.fingerprint.cast_signed(), log_id],
    )?;
    let evidence =
        tx.list("SELECT log_id FROM strikes WHERE instance_id = ?1 ORDER BY at", params![request.instance], |r| {
            r.get::<_, LogId>(0)
        })?;
    if rules.strikes == 0 || evidence.len() < rules.strikes as usize {
        return Ok(());
    }
    let reason = format!(
        "{} messages within {} min violated the content policy",
        evidence.len(),
        rules.strikes_window.as_secs() / 60
    );
    pause::pause(tx, &request.instance, &reason, &evidence, (facts.now, "guard"))
}

/// Pauses an instance whose messages fail or drive people away at twice the thresholds.
pub(super) fn pause_for_health(
    tx: &WriteTx<'_>,
    instance: &InstanceId,
    facts: &Facts,
    log_id: LogId,
) -> Result<(), StoreError> {
    let pace = &facts.pace;
    let reason = format!(
        "of {} messages lately {} failed for reasons of the recipient, and {} people opted out",
        pace.sent, pace.failed, pace.opted_out
    );
    pause::pause(tx, instance, &reason, &[log_id], (facts.now, "guard"))
}
