//! What a broker's endpoint may get next: a batch in the order of each conversation. An event whose turn has not come
//! again, because it failed, holds up the later ones of its conversation, and nobody else's.

use super::{claim::DueRow, endpoint::EndpointId};
use crate::{
    model::clock::Time,
    store::{StoreError, Tx},
};
use rusqlite::params;
use std::collections::HashSet;

/// Bytes of a batch, but for its last event.
const BATCH_BYTES: usize = 1024 * 1024;
/// How far it is looked when all that came first is held up.
const LOOK_AHEAD: usize = 64 * 1024;

/// At most `limit` deliveries of the endpoint, each with the number of its conversation; those of one conversation in their
/// order.
pub(super) fn due(
    tx: &Tx<'_>,
    endpoint: EndpointId,
    limit: usize,
    now: Time,
) -> Result<Vec<(DueRow, i64)>, StoreError> {
    let first = window(tx, endpoint, (&HashSet::new(), limit), now)?;
    if !first.is_empty() || !is_waited_for(tx, endpoint, now)? {
        return Ok(first);
    }
    batch(tx, endpoint, (limit, LOOK_AHEAD), now)
}

/// The same beside a batch that is under way: nothing of its conversations.
pub(super) fn due_beside(
    tx: &Tx<'_>,
    endpoint: EndpointId,
    (under_way, limit): (&HashSet<i64>, usize),
    now: Time,
) -> Result<Vec<(DueRow, i64)>, StoreError> {
    window(tx, endpoint, (under_way, limit), now)
}

fn is_waited_for(tx: &Tx<'_>, endpoint: EndpointId, now: Time) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM deliveries WHERE endpoint_id = ?1 AND state = 'pending' AND due_at <= ?2 LIMIT 1";
    Ok(tx.find(sql, params![endpoint, now], |_| Ok(()))?.is_some())
}

/// What may go of the first `limit` deliveries that are due and not under way: each whose nearest earlier one goes, too. One
/// statement, because this is what a long queue is read by.
fn window(
    tx: &Tx<'_>,
    endpoint: EndpointId,
    (under_way, limit): (&HashSet<i64>, usize),
    now: Time,
) -> Result<Vec<(DueRow, i64)>, StoreError> {
    let (mut bytes, under_way) = (0, serde_json::json!(under_way).to_string());
    let rows = tx.list(
        "SELECT d.id, d.attempts, e.event_id, e.name, e.body, e.instance_id, coalesce(d.conversation, 0),
                (SELECT max(o.id) FROM deliveries o
                 WHERE o.endpoint_id = ?1 AND o.conversation = d.conversation AND o.state = 'pending'
                   AND o.conversation IS NOT NULL AND o.id < d.id)
         FROM deliveries d JOIN events e ON e.id = d.event_id
         WHERE d.endpoint_id = ?1 AND d.state = 'pending' AND d.due_at <= ?2
           AND d.id NOT IN (SELECT value FROM json_each(?4)) ORDER BY d.due_at, d.id LIMIT ?3",
        params![endpoint, now, i64::try_from(limit).unwrap_or(i64::MAX), under_way],
        |r| {
            if bytes >= BATCH_BYTES {
                return Ok(None);
            }
            let row: DueRow = (r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?);
            bytes += row.4.len();
            Ok(Some((row, r.get::<_, i64>(6)?, r.get::<_, Option<i64>>(7)?)))
        },
    )?;
    let mut rows: Vec<_> = rows.into_iter().flatten().collect();
    rows.sort_unstable_by_key(|(row, ..)| row.0);
    let mut goes = HashSet::new();
    rows.retain(|(row, _, earlier)| earlier.is_none_or(|id| goes.contains(&id)) && goes.insert(row.0));
    Ok(rows.into_iter().map(|(row, conversation, _)| (row, conversation)).collect())
}

/// Looks at the conversations of the first `ahead` deliveries that are due, and takes what each may get.
fn batch(
    tx: &Tx<'_>,
    endpoint: EndpointId,
    (limit, ahead): (usize, usize),
    now: Time,
) -> Result<Vec<(DueRow, i64)>, StoreError> {
    let conversations = tx.list(
        "SELECT coalesce(conversation, 0) FROM deliveries
         WHERE endpoint_id = ?1 AND state = 'pending' AND due_at <= ?2 ORDER BY due_at, id LIMIT ?3",
        params![endpoint, now, i64::try_from(ahead).unwrap_or(i64::MAX)],
        |r| r.get::<_, i64>(0),
    )?;
    let (mut seen, mut taken, mut bytes) = (HashSet::new(), Vec::new(), 0);
    for conversation in conversations {
        let room = limit - taken.len();
        if room == 0 || bytes >= BATCH_BYTES {
            break;
        }
        if !seen.insert(conversation) {
            continue;
        }
        for row in of_conversation(tx, (endpoint, conversation), room, now)? {
            bytes += row.4.len();
            taken.push((row, conversation));
            if bytes >= BATCH_BYTES {
                break;
            }
        }
    }
    Ok(taken)
}

/// The first deliveries of a conversation, up to one that is not due.
fn of_conversation(
    tx: &Tx<'_>,
    (endpoint, conversation): (EndpointId, i64),
    limit: usize,
    now: Time,
) -> Result<Vec<DueRow>, StoreError> {
    let rows = tx.list(
        "SELECT d.id, d.attempts, e.event_id, e.name, e.body, d.due_at <= ?3, e.instance_id
         FROM deliveries d JOIN events e ON e.id = d.event_id
         WHERE d.endpoint_id = ?1 AND d.conversation = ?2 AND d.state = 'pending' AND d.conversation IS NOT NULL
         ORDER BY d.id LIMIT ?4",
        params![endpoint, conversation, now, i64::try_from(limit).unwrap_or(i64::MAX)],
        |r| Ok(((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(6)?), r.get::<_, bool>(5)?)),
    )?;
    Ok(rows.into_iter().take_while(|(_, is_due)| *is_due).map(|(row, _)| row).collect())
}
