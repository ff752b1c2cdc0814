//! What became of deliveries, for people: listed, looked into, sent again.

use super::{WebhookError, endpoint::EndpointId, event::EventName};
use crate::{
    model::clock::Time,
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::{Row, params};
use serde::Serialize;
use std::collections::HashMap;

/// A delivery, as people are shown it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Delivery {
    pub id: i64,
    /// The event's id; `webhook-id`.
    pub event_id: String,
    /// The event's name.
    pub event: String,
    /// To which endpoint.
    pub endpoint_id: EndpointId,
    /// pending, delivered, given_up.
    pub state: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next, while it is pending.
    pub due_at: Option<Time>,
    /// The last answer's status.
    pub last_status: Option<i64>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was last tried.
    pub last_at: Option<Time>,
    /// When the event happened.
    pub created_at: Time,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Attempt {
    pub at: Time,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// The answer's status.
    pub status: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
    /// The first 1 KiB of the answer.
    pub answer: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// Of one endpoint.
    pub endpoint: Option<EndpointId>,
    /// Of one event.
    pub event: Option<EventName>,
    /// Only those that are not delivered and whose last attempt failed.
    pub failed: bool,
    /// Only those older than this one: the next page.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

const FAILED: &str = "d.state <> 'delivered' AND d.last_at IS NOT NULL";

/// The newest deliveries first, in a read that brings more.
pub fn list(tx: &Tx<'_>, filter: &Filter) -> Result<Vec<Delivery>, StoreError> {
    let only = if filter.failed { FAILED } else { "1" };
    let sql = format!(
        "{SELECT}
         WHERE (?1 IS NULL OR d.endpoint_id = ?1) AND d.id < ?3 AND (?4 IS NULL OR e.name = ?4) AND {only}
         ORDER BY d.id DESC LIMIT ?2"
    );
    let event = filter.event.map(|name| name.as_str());
    tx.list(&sql, params![filter.endpoint, filter.limit, filter.before.unwrap_or(i64::MAX), event], read)
}

/// One delivery, in a read that brings more.
pub fn find(tx: &Tx<'_>, id: i64) -> Result<Option<Delivery>, StoreError> {
    tx.find(&format!("{SELECT} WHERE d.id = ?1"), params![id], read)
}

const SELECT: &str = "SELECT d.id, e.event_id, e.name, d.endpoint_id, d.state, d.attempts, d.due_at, d.last_status,
                d.last_error, d.last_at, e.created_at
         FROM deliveries d JOIN events e ON e.id = d.event_id";

fn read(r: &Row<'_>) -> rusqlite::Result<Delivery> {
    let state: String = r.get(4)?;
    let due_at = (state == "pending").then(|| r.get(6)).transpose()?;
    Ok(Delivery {
        id: r.get(0)?,
        event_id: r.get(1)?,
        event: r.get(2)?,
        endpoint_id: r.get(3)?,
        state,
        attempts: r.get(5)?,
        due_at,
        last_status: r.get(7)?,
        last_error: r.get(8)?,
        last_at: r.get(9)?,
        created_at: r.get(10)?,
    })
}

/// The attempts of a delivery, oldest first, in a read that brings more.
pub fn attempts(tx: &Tx<'_>, delivery: i64) -> Result<Vec<Attempt>, StoreError> {
    tx.list(
        "SELECT at, took_ms, status, error, answer FROM attempts WHERE delivery_id = ?1 ORDER BY id",
        params![delivery],
        |r| Ok(Attempt { at: r.get(0)?, took_ms: r.get(1)?, status: r.get(2)?, error: r.get(3)?, answer: r.get(4)? }),
    )
}

/// What an event says, as its endpoints are sent it; none where it is not kept any more.
pub fn body(tx: &Tx<'_>, event_id: &str) -> Result<Option<String>, StoreError> {
    tx.find("SELECT body FROM events WHERE event_id = ?1", params![event_id], |r| r.get(0))
}

/// How many deliveries wait for each endpoint that any wait for.
pub fn waiting(tx: &Tx<'_>) -> Result<HashMap<EndpointId, u64>, StoreError> {
    let sql = "SELECT endpoint_id, count(*) FROM deliveries WHERE state = 'pending' GROUP BY endpoint_id";
    Ok(tx.list(sql, [], |r| Ok((r.get(0)?, r.get(1)?)))?.into_iter().collect())
}

/// Due at once, with all its tries before it again.
pub(super) fn resend(tx: &WriteTx<'_>, delivery: i64, now: Time) -> Result<usize, WebhookError> {
    let sent = tx.execute(
        "UPDATE deliveries SET state = 'pending', attempts = 0, due_at = ?2 WHERE id = ?1",
        params![delivery, now],
    )?;
    if sent == 0 {
        return Err(WebhookError::NotFound(format!("there is no delivery {delivery}")));
    }
    Ok(sent)
}

pub(super) fn resend_failed(
    tx: &WriteTx<'_>,
    since: Time,
    to: Option<EndpointId>,
    now: Time,
) -> Result<usize, StoreError> {
    let sql = format!(
        "UPDATE deliveries AS d SET state = 'pending', attempts = 0, due_at = ?3
         WHERE {FAILED} AND (?2 IS NULL OR d.endpoint_id = ?2)
           AND (SELECT e.created_at FROM events e WHERE e.id = d.event_id) >= ?1"
    );
    tx.execute(&sql, params![since, to, now])
}
