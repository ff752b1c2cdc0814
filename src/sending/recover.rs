//! At start: what an earlier run left under way.
//!
//! `sending`: the provider may have it, so it is `unknown`, its quota is used, its Idempotency-Key answers `unknown`.
//! `accepted`: it was waiting for its slot and certainly did not leave, so it `failed` and its quota is given back; one that
//! may wait, and that nobody else would send again, goes on waiting.

use super::{
    announce,
    answer::Outcome,
    idempotency,
    quota::{self, Settle},
};
use crate::{
    model::{ids::LogId, message::Status, moment::Moment},
    store::{StoreError, WriteTx},
};
use rusqlite::params;

/// How many messages were found under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Recovered {
    pub unknown: usize,
    pub failed: usize,
}

/// Whether a message of the log, `m`, is one that the schedule handed in and that may wait.
const MAY_WAIT: &str = "EXISTS (SELECT 1 FROM schedules s WHERE s.message_id = m.message_id AND s.state = 'claimed'
     AND (s.source = 'auto_reply' OR json_extract(s.request, '$.queue') = 1))";

pub(super) fn recover(tx: &WriteTx<'_>, moment: Moment<'_>) -> Result<Recovered, StoreError> {
    let mut recovered = Recovered::default();
    let now = moment.now;
    let sql = format!(
        "SELECT id, status, {MAY_WAIT} FROM messages m WHERE status IN ('accepted', 'sending') AND quota <> 'none'"
    );
    let rows = tx.list(&sql, [], |r| Ok((r.get::<_, LogId>(0)?, r.get::<_, Status>(1)?, r.get::<_, bool>(2)?)))?;
    for (id, status, may_wait) in rows {
        if status == Status::Accepted && may_wait {
            quota::settle(tx, id, Settle::GiveBack)?;
            tx.execute("UPDATE messages SET quota = 'none' WHERE id = ?1", params![id])?;
            continue;
        }
        let (to, reason, quota, outcome) = if status == Status::Sending {
            recovered.unknown += 1;
            (Status::Unknown, "the gateway stopped while it was being sent", Settle::Count, Outcome::Unknown)
        } else {
            recovered.failed += 1;
            (Status::Failed, "the gateway stopped while it waited for its slot", Settle::GiveBack, Outcome::Failed)
        };
        tx.execute(
            "UPDATE messages SET status = ?2, reason = ?3, updated_at = ?4,
                 failed_at = CASE WHEN ?2 = 'failed' THEN ?4 ELSE failed_at END
             WHERE id = ?1",
            params![id, to, reason, now],
        )?;
        quota::settle(tx, id, quota)?;
        idempotency::finish(tx, id, outcome)?;
        announce::step(tx, id, status, to, moment)?;
    }
    Ok(recovered)
}
