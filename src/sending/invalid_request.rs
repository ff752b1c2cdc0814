//! Requests that name a valid key and cannot be read: they are rows of the log too, so that an admin can tell a shop
//! what its script does wrong.

use super::{answer::Answer, facts, gate_figures, record, refusal::Refusal, request::Sender, shared::SendingContext};
use crate::{
    model::{
        clock::Time,
        ids::{InstanceId, LogId, MessageId},
        plan::Zone,
    },
    store::{StoreError, WriteTx},
};
use rusqlite::params;

/// Records a refusal that came before there was a request.
pub(super) fn refuse(
    tx: &WriteTx<'_>,
    shared: &SendingContext,
    sender: &Sender,
    refusal: Refusal,
) -> Result<Answer, StoreError> {
    let now = shared.clock.now();
    if let Some(key) = sender.key {
        shared.key_uses.note(tx, key, now)?;
    }
    let like = (sender.account, sender.key, refusal.code, InstanceId::from_text(""), refusal.reason.clone(), 0);
    let (log_id, message_id) = match record::repeated(tx, shared.repeats.earlier(&like, now), now)? {
        Some(earlier) => earlier,
        None => {
            let message_id = MessageId::new(now, &*shared.random);
            let log_id = insert(tx, sender, &refusal, &message_id, now)?;
            shared.repeats.remember(like, log_id, message_id.clone(), now);
            (log_id, message_id)
        }
    };
    let quota = facts::load_quota(tx, sender, now)?;
    Ok(Answer::blocked(log_id, message_id, refusal, quota))
}

fn insert(
    tx: &WriteTx<'_>,
    sender: &Sender,
    refusal: &Refusal,
    message_id: &MessageId,
    now: Time,
) -> Result<LogId, StoreError> {
    let zone = tx.one(
        "SELECT timezone, next_timezone, next_timezone_from FROM accounts WHERE id = ?1",
        params![sender.account],
        |r| Ok(Zone::stored(r.get(0)?, r.get::<_, Option<String>>(1)?.zip(r.get(2)?))),
    )?;
    let period = zone.period(now);
    let id = tx.insert(
        "INSERT INTO messages (message_id, account_id, key_id, source, request_id, instance_id, recipient, purpose,
             kind, body, fingerprint, status, reason, quota, day, month, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, '', '', '', 'text', '', 0, 'blocked', ?6, 'none', ?7, ?8, ?9, ?9)",
        params![
            message_id,
            sender.account,
            sender.key,
            sender.source.as_str(),
            sender.request_id,
            refusal.code.as_str(),
            period.day,
            period.month,
            now,
        ],
    )?;
    let why = gate_figures::kept_reason(refusal);
    tx.execute(
        "INSERT INTO policy_decisions (log_id, verdict, gate, action, score, signals, figures)
         VALUES (?1, 'refuse', ?2, NULL, 0, '[]', ?3)",
        params![id, refusal.gate, why],
    )?;
    Ok(LogId(id))
}
