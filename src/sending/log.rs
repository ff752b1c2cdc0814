//! Reading the message log: one row, a list, a timeline. Nothing here changes anything.

use super::gate_figures;
use crate::{
    accounts::Scope,
    connectors::meta_error,
    model::{
        clock::Time,
        ids::{AccountId, ContactId, InstanceId, KeyId, LogId, MessageId},
        message::{Retry, Status},
        phone::Phone,
    },
    store::{StoreError, Tx},
};
use rusqlite::{Row, params};
use serde::Serialize;
use serde_json::{Value, json};

/// One row, as `GET /api/messages/{log_id}` answers it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LogEntry {
    pub log_id: LogId,
    /// Its stable id.
    pub message_id: String,
    /// The provider's id, once known.
    pub provider_message_id: Option<String>,
    /// Its public status.
    pub status: Status,
    /// The refusal's code, or why it failed.
    pub reason: Option<String>,
    /// Of one that failed: whether the same message may go another time.
    pub retry: Option<Retry>,
    /// As the caller named it.
    pub instance_id: String,
    /// The caller's own id.
    pub reference: Option<String>,
    /// When it came.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
    /// Of one that waits: when it is tried (again).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_at: Option<Time>,
    /// What is unusual about the number that it was for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_warning: Option<String>,
}

/// Which rows of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Filter {
    pub scope: Scope,
    /// Of one instance.
    pub instance: Option<InstanceId>,
    /// In one state.
    pub status: Option<Status>,
    /// Not before.
    pub since: Option<Time>,
    /// At most so many; newest first.
    pub limit: u32,
}

const COLUMNS: &str = "id, message_id, provider_message_id, status, reason, instance_id, reference, created_at, \
                       updated_at, recipient, provider_code, \
                       CASE status WHEN 'accepted' THEN (SELECT s.due_at FROM schedules s \
                           WHERE s.message_id = messages.message_id AND s.state = 'pending') END";

/// One row, if it is the account's (or of any account, for those who run the appliance).
pub fn find(tx: &Tx<'_>, scope: Scope, id: LogId) -> Result<Option<LogEntry>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM messages WHERE id = ?1 AND (?2 IS NULL OR account_id = ?2)");
    tx.find(&sql, params![id, scope], read)
}

/// The row of a message by its stable id.
pub fn id_of(tx: &Tx<'_>, message_id: &str) -> Result<Option<LogId>, StoreError> {
    tx.find("SELECT id FROM messages WHERE message_id = ?1", params![message_id], |r| r.get(0))
}

/// One row, if it is the account's and of an instance that the key may use.
pub fn find_for_key(tx: &Tx<'_>, account: AccountId, key: KeyId, id: LogId) -> Result<Option<LogEntry>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM messages
         WHERE id = ?1 AND account_id = ?2
           AND (key_id IS ?3 OR NOT EXISTS (SELECT 1 FROM api_key_instances x WHERE x.key_id = ?3)
                OR EXISTS (SELECT 1 FROM api_key_instances x
                           WHERE x.key_id = ?3 AND x.instance_id = messages.instance_id))"
    );
    tx.find(&sql, params![id, account, key], read)
}

/// Rows, newest first.
pub fn list(tx: &Tx<'_>, filter: &Filter) -> Result<Vec<LogEntry>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM messages
         WHERE (?1 IS NULL OR account_id = ?1) AND (?2 IS NULL OR instance_id = ?2) AND (?3 IS NULL OR status = ?3)
           AND (?4 IS NULL OR created_at >= ?4)
         ORDER BY id DESC LIMIT ?5"
    );
    tx.list(&sql, params![filter.scope, filter.instance, filter.status, filter.since, filter.limit], read)
}

/// The log id of a message.
pub fn numbered(tx: &Tx<'_>, id: &MessageId) -> Result<Option<LogId>, StoreError> {
    tx.find("SELECT id FROM messages WHERE message_id = ?1", [id], |r| r.get(0))
}

/// A row with everything that is known of it: recipient, purpose, what the guard saw, when it changed its state.
pub fn timeline(tx: &Tx<'_>, scope: Scope, id: LogId) -> Result<Option<Value>, StoreError> {
    let Some(entry) = find(tx, scope, id)? else { return Ok(None) };
    let more = tx.one(
        "SELECT m.recipient, m.purpose, m.kind, m.source, m.request_id, m.provider_code, m.repeats, m.quota,
                m.sending_at, m.sent_at, m.delivered_at, m.read_at, m.failed_at,
                d.verdict, d.gate, d.action, d.score, d.signals, d.figures
         FROM messages m LEFT JOIN policy_decisions d ON d.log_id = m.id WHERE m.id = ?1",
        params![id],
        read_timeline,
    )?;
    let mut all = serde_json::to_value(&entry).unwrap_or_default();
    if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
        all.extend(more);
    }
    Ok(Some(all))
}

/// The number of the newest row; 0: there is none.
pub fn newest(tx: &Tx<'_>) -> Result<i64, StoreError> {
    tx.one("SELECT coalesce(max(id), 0) FROM messages", [], |r| r.get(0))
}

/// How many messages to a person were refused because nothing is sent to them.
pub fn count_suppressed(tx: &Tx<'_>, account: AccountId, contact: ContactId) -> Result<u64, StoreError> {
    tx.one(
        "SELECT count(*) FROM messages WHERE account_id = ?1 AND status = 'blocked'
           AND recipient IN (SELECT value FROM contact_identities WHERE contact_id = ?2)
           AND reason = 'recipient_suppressed'",
        params![account, contact],
        |r| r.get(0),
    )
}

fn read(r: &Row<'_>) -> rusqlite::Result<LogEntry> {
    let (status, code) = (r.get(3)?, r.get::<_, Option<String>>(10)?);
    Ok(LogEntry {
        log_id: r.get(0)?,
        message_id: r.get(1)?,
        provider_message_id: r.get(2)?,
        status,
        reason: r.get(4)?,
        retry: (status == Status::Failed).then(|| meta_error::retry(code.as_deref())),
        instance_id: r.get(5)?,
        reference: r.get(6)?,
        created_at: r.get(7)?,
        updated_at: r.get(8)?,
        send_at: r.get(11)?,
        phone_warning: Phone::known(&r.get::<_, String>(9)?).and_then(|p| p.unusual()).map(|u| u.to_string()),
    })
}

fn read_timeline(r: &Row<'_>) -> rusqlite::Result<Value> {
    let text = |i| r.get::<_, Option<String>>(i);
    let time = |i| r.get::<_, Option<Time>>(i);
    let parsed = |i| Ok::<_, rusqlite::Error>(text(i)?.and_then(|t| serde_json::from_str::<Value>(&t).ok()));
    Ok(json!({
        "to": text(0)?,
        "message_purpose": text(1)?,
        "kind": text(2)?,
        "source": text(3)?,
        "request_id": text(4)?,
        "provider_code": text(5)?,
        "repeats": r.get::<_, i64>(6)?,
        "quota": text(7)?,
        "timeline": {
            "sending_at": time(8)?, "sent_at": time(9)?, "delivered_at": time(10)?, "read_at": time(11)?,
            "failed_at": time(12)?,
        },
        "decision": {
            "verdict": text(13)?, "gate": text(14)?, "action": text(15)?, "score": r.get::<_, Option<i64>>(16)?,
            "signals": parsed(17)?, "figures": text(18)?.map(|kept| gate_figures::named(&kept)),
        },
    }))
}
