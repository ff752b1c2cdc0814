//! The dialect's lists: the last messages, calls and log lines, newest first.

use super::ClientScope;
use crate::{
    model::{clock::Time, ids::InstanceId, message::Status},
    store::{StoreError, Tx, went::WENT},
};
use rusqlite::{Row, params};

/// A message that was sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sent {
    /// Its row in the log.
    pub id: i64,
    /// By which client.
    pub instance: InstanceId,
    /// The instance's own number, once known.
    pub own_number: Option<String>,
    /// A number, `contact:` and theirs here, or a group's id.
    pub recipient: String,
    pub text: String,
    /// Where it is.
    pub status: Status,
    /// When it was sent; when it was taken, while it is not.
    pub at: Time,
}

/// A message that was received.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Received {
    pub id: i64,
    /// By which client.
    pub instance: InstanceId,
    /// Who wrote: a number, or `contact:` and theirs here; of a message to a group the group's id, as in its event.
    pub from: Option<String>,
    pub text: String,
    pub at: Time,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    pub id: i64,
    /// To which client.
    pub instance: InstanceId,
    /// Who called: a number, or `contact:` and theirs here.
    pub from: Option<String>,
    pub is_video: bool,
    /// When it began.
    pub started_at: Time,
    /// When it ended, if that was told.
    pub ended_at: Option<Time>,
}

/// A line for people who look for a fault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogLine {
    /// Its number; unique within the list.
    pub id: i64,
    /// info, warning or error.
    pub level: &'static str,
    /// What it is about, as a word.
    pub event: String,
    /// In plain words; no text of a message, no whole number.
    pub message: String,
    pub at: Time,
}

/// The name by which the dialect takes the person of `row` back: the number, else `contact:` and their number here.
fn best_name(row: &str) -> String {
    format!(
        "coalesce((SELECT i.value FROM contact_identities i WHERE i.contact_id = {row}.contact_id AND i.kind = 'phone'
             ORDER BY i.former_at IS NOT NULL, i.is_variant, i.value LIMIT 1), 'contact:' || {row}.contact_id)"
    )
}

/// What the instance of a row is called in the dialect.
const CLIENT: &str = "coalesce((SELECT i.client_id FROM instances i WHERE i.id = x.instance_id), x.instance_id)";

/// The last messages that were sent.
pub fn sent(tx: &Tx<'_>, whose: &ClientScope, limit: u32) -> Result<Vec<Sent>, StoreError> {
    let mut all = Vec::new();
    for (went, which) in WENT {
        let sql = format!(
            "SELECT m.id, coalesce(i.client_id, m.instance_id), i.phone,
                    iif(m.contact_id IS NULL OR m.recipient LIKE '+%', m.recipient, {}),
                    m.body, m.status, coalesce(m.sent_at, m.{went})
             FROM messages m LEFT JOIN instances i ON i.id = m.instance_id
             WHERE (?1 IS NULL OR m.account_id = ?1) AND (?2 IS NULL OR m.instance_id = ?2) AND m.status <> 'blocked'
               AND {which}
             ORDER BY m.{went} DESC, m.id DESC LIMIT ?3",
            best_name("m")
        );
        all.extend(tx.list(&sql, params![whose.scope, whose.instance, limit], read_sent)?);
    }
    all.sort_by_key(|sent| std::cmp::Reverse((sent.at, sent.id)));
    all.truncate(limit as usize);
    Ok(all)
}

fn read_sent(r: &Row<'_>) -> rusqlite::Result<Sent> {
    Ok(Sent {
        id: r.get(0)?,
        instance: r.get(1)?,
        own_number: r.get(2)?,
        recipient: r.get(3)?,
        text: r.get(4)?,
        status: r.get(5)?,
        at: r.get(6)?,
    })
}

/// The last messages that were received.
pub fn received(tx: &Tx<'_>, whose: &ClientScope, limit: u32) -> Result<Vec<Received>, StoreError> {
    let sql = format!(
        "SELECT x.id, {CLIENT}, coalesce(x.group_id, {}), x.body, x.heard_at FROM inbound_messages x
         WHERE (?1 IS NULL OR x.account_id = ?1) AND (?2 IS NULL OR x.instance_id = ?2) AND x.kind <> 'reaction'
           AND x.origin IS NULL ORDER BY x.created_at DESC, x.id DESC LIMIT ?3",
        best_name("x")
    );
    tx.list(&sql, params![whose.scope, whose.instance, limit], |r| {
        Ok(Received { id: r.get(0)?, instance: r.get(1)?, from: r.get(2)?, text: r.get(3)?, at: r.get(4)? })
    })
}

/// The last calls.
pub fn calls(tx: &Tx<'_>, whose: &ClientScope, limit: u32) -> Result<Vec<Call>, StoreError> {
    let sql = format!(
        "SELECT x.id, {CLIENT}, {}, x.is_video, x.started_at, x.ended_at FROM calls x
         WHERE (?1 IS NULL OR x.account_id = ?1) AND (?2 IS NULL OR x.instance_id = ?2)
         ORDER BY x.started_at DESC, x.id DESC LIMIT ?3",
        best_name("x")
    );
    tx.list(&sql, params![whose.scope, whose.instance, limit], |r| {
        Ok(Call {
            id: r.get(0)?,
            instance: r.get(1)?,
            from: r.get(2)?,
            is_video: r.get(3)?,
            started_at: r.get(4)?,
            ended_at: r.get(5)?,
        })
    })
}

/// What was changed by people, and what did not get out; newest first.
pub fn log(tx: &Tx<'_>, whose: &ClientScope, limit: u32) -> Result<Vec<LogLine>, StoreError> {
    let mut all = tx.list(
        "SELECT id, action, target, at, iif(action = 'webhook.answer_withheld', ': ' || after, '') FROM audit
         WHERE (?1 IS NULL OR account_id = ?1) AND (?2 IS NULL OR target = ?2) ORDER BY at DESC, id DESC LIMIT ?3",
        params![whose.scope, whose.instance, limit],
        |r| {
            let (event, target) = (r.get::<_, String>(1)?, r.get::<_, String>(2)?);
            // Two tables, one list: even numbers and odd ones.
            Ok(LogLine {
                id: r.get::<_, i64>(0)? * 2,
                level: "info",
                message: format!("{event} {target}{}", r.get::<_, String>(4)?),
                event,
                at: r.get(3)?,
            })
        },
    )?;
    all.extend(tx.list(
        "SELECT id, status, coalesce(reason, ''), coalesce((SELECT i.client_id FROM instances i WHERE i.id = instance_id),
                instance_id), updated_at FROM messages
         WHERE (?1 IS NULL OR account_id = ?1) AND (?2 IS NULL OR instance_id = ?2)
           AND (status = 'failed' OR status = 'unknown' OR status = 'blocked')
         ORDER BY created_at DESC, id DESC LIMIT ?3",
        params![whose.scope, whose.instance, limit],
        |r| {
            let (id, status) = (r.get::<_, i64>(0)?, r.get::<_, Status>(1)?);
            let (reason, instance) = (r.get::<_, String>(2)?, r.get::<_, String>(3)?);
            Ok(LogLine {
                id: id * 2 + 1,
                level: if status == Status::Blocked { "warning" } else { "error" },
                event: format!("message.{status}"),
                message: match (instance.as_str(), reason.as_str()) {
                    ("", "") => format!("message {id}"),
                    ("", why) => format!("message {id}: {why}"),
                    (of, "") => format!("message {id} of {of}"),
                    (of, why) => format!("message {id} of {of}: {why}"),
                },
                at: r.get(4)?,
            })
        },
    )?);
    all.sort_by_key(|line| std::cmp::Reverse((line.at, line.id)));
    all.truncate(limit as usize);
    Ok(all)
}
