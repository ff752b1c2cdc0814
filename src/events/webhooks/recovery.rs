//! Whether a receiver is there, by what came of each attempt. When it is back after an outage, what waits for it follows at once and not at its own next try, minutes or
//! hours later. The endpoint's places bound how many go at once.

use super::{
    endpoint::{EndpointId, give_up},
    retry::FAILING_MAX,
};
use crate::{
    model::clock::Time,
    store::{StoreError, WriteTx},
};
use rusqlite::params;

/// An attempt succeeded: the endpoint works. If it had been failing, what waits for its next try is due at once.
pub(super) fn note_success(tx: &WriteTx<'_>, id: EndpointId, now: Time) -> Result<(), StoreError> {
    let failing = "SELECT failing_since FROM endpoints WHERE id = ?1 AND failing_since IS NOT NULL";
    let Some(since) = tx.find(failing, params![id], |r| r.get::<_, Time>(0))? else { return Ok(()) };
    tx.execute("UPDATE endpoints SET failing_since = NULL WHERE id = ?1", params![id])?;
    bring_forward(tx, id, since, now)
}

/// An attempt failed; says whether the endpoint was disabled for it.
pub(super) fn note_failure(tx: &WriteTx<'_>, id: EndpointId, now: Time) -> Result<bool, StoreError> {
    tx.execute(
        "UPDATE endpoints SET failing_since = ?2 WHERE id = ?1 AND (failing_since IS NULL OR failing_since > ?2)",
        params![id, now],
    )?;
    let is_dead = tx.one(
        "SELECT disabled_at IS NULL AND failing_since <= ?2 FROM endpoints WHERE id = ?1",
        params![id, now.minus(FAILING_MAX)],
        |r| r.get::<_, bool>(0),
    )?;
    if is_dead {
        give_up(tx, id, "five days of nothing but failures", now)?;
    }
    Ok(is_dead)
}

/// Makes due what an outage held up. A try that is brought forward is not counted: the delivery keeps as many as it had.
///
/// An event that this receiver never takes, among others that it does, is no outage: its failure began the "outage" and
/// is the only one in it. Else each success would bring it back at once.
pub(super) fn bring_forward(tx: &WriteTx<'_>, id: EndpointId, since: Time, now: Time) -> Result<(), StoreError> {
    let others = "EXISTS (SELECT 1 FROM deliveries o WHERE o.endpoint_id = ?1 AND o.state = 'pending'
                      AND o.id <> deliveries.id AND o.last_at >= ?2)";
    let sql = format!(
        "UPDATE deliveries SET due_at = ?3, attempts = max(attempts - 1, 1)
         WHERE endpoint_id = ?1 AND state = 'pending' AND attempts > 0 AND due_at > ?3
           AND (last_at > ?2 OR last_at = ?2 AND {others})"
    );
    if tx.execute(&sql, params![id, since, now])? > 0 {
        tx.announce();
    }
    Ok(())
}
