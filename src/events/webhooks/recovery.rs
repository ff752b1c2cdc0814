//! When a receiver is back after an outage, what waits for it follows at once and not at its own next try, minutes or
//! hours later. The endpoint's places bound how many go at once.

use super::endpoint::EndpointId;
use crate::{
    model::clock::Time,
    store::{StoreError, WriteTx},
};
use rusqlite::params;

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
