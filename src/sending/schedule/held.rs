//! What is due, what will be, and what waits all the same: for its number to be open again.

use crate::{
    model::clock::Time,
    store::{StoreError, Tx},
};
use rusqlite::params;

/// The number of the row `s` connects: most often it is open again in seconds, and what is sent now would fail for good.
/// What stays so long that its grace runs out is missed. What is only queued has somebody who waits for it, or a time of
/// its own, and is tried.
pub(super) const HELD: &str =
    "s.kind = 'listed' AND EXISTS (SELECT 1 FROM instances i WHERE i.id = s.instance_id AND i.state = 'connecting')";

/// Whether something that was due at `looked` waits for its number to be open again. Asked after each message that was
/// due: it begins with the numbers that connect, of which there are none most of the time.
pub(super) fn is_held(tx: &Tx<'_>, looked: Time) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM instances i WHERE i.state = 'connecting' AND EXISTS (
                   SELECT 1 FROM schedules s WHERE s.state IN ('pending', 'claimed') AND s.state = 'pending'
                       AND s.due_at <= ?1 AND s.kind = 'listed' AND s.instance_id = i.id) LIMIT 1";
    Ok(tx.find(sql, params![looked], |_| Ok(()))?.is_some())
}

/// When the next one is due after `looked`. What was due then and is left waits for another one to be through.
pub(super) fn next_due(tx: &Tx<'_>, looked: Time) -> Result<Option<Time>, StoreError> {
    let sql = "SELECT min(due_at) FROM schedules
               WHERE state IN ('pending', 'claimed') AND state = 'pending' AND due_at > ?1";
    tx.one(sql, params![looked], |r| r.get(0))
}

/// Whether anything is due, or was claimed.
pub(super) fn has_work(tx: &Tx<'_>, now: Time) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM schedules WHERE state = 'claimed')
                   OR EXISTS (SELECT 1 FROM schedules WHERE state IN ('pending', 'claimed') AND due_at <= ?1)";
    tx.one(sql, params![now], |r| r.get(0))
}
