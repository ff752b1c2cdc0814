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

/// At most `limit` deliveries of the endpoint, each with the number of its conversation.
pub(super) fn due(
    tx: &Tx<'_>,
    endpoint: EndpointId,
    limit: usize,
    now: Time,
) -> Result<Vec<(DueRow, i64)>, StoreError> {
    let first = batch(tx, endpoint, (limit, limit), now)?;
    if !first.is_empty() || !is_waited_for(tx, endpoint, now)? {
        return Ok(first);
    }
    batch(tx, endpoint, (limit, LOOK_AHEAD), now)
}

fn is_waited_for(tx: &Tx<'_>, endpoint: EndpointId, now: Time) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM deliveries WHERE endpoint_id = ?1 AND state = 'pending' AND due_at <= ?2 LIMIT 1";
    Ok(tx.find(sql, params![endpoint, now], |_| Ok(()))?.is_some())
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
