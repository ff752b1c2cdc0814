//! Who goes on with a text that was throttled. One text to more people than may have it is throttled, and a program that
//! means well waits; a bulk script goes on. When the text sounds like advertising besides, that is a violation of the
//! policy, and three of them pause the number. Neither repetition nor a soft text does so alone.

use super::{asked::Asked, pace::PaceFacts, policy::content::Score};
use crate::{
    model::code::Code,
    store::{StoreError, Tx},
};
use rusqlite::params;

/// So many people for whom a text was throttled within the window are no program's mistake.
const PEOPLE: u32 = 20;

/// The score of a text with this fingerprint, refused where its sender insists on it.
pub(super) fn judge(
    tx: &Tx<'_>,
    asked: &Asked<'_>,
    (fingerprint, pace): (u64, &PaceFacts),
    content: Score,
) -> Result<Score, StoreError> {
    let Asked { rules, request, now, .. } = *asked;
    if fingerprint == 0 || rules.observe || !content.is_soft() || pace.behaviour(rules).is_none() {
        return Ok(content);
    }
    let since = now.minus(rules.repetition_window);
    let people: u32 = tx.one(
        "SELECT count(DISTINCT recipient) FROM messages
         WHERE instance_id = ?1 AND created_at > ?2 AND fingerprint = ?3 AND status = 'blocked' AND reason = ?4",
        params![request.instance, since, fingerprint.cast_signed(), Code::SendingThrottled.as_str()],
        |r| r.get(0),
    )?;
    Ok(if people >= PEOPLE { content.as_insisted(rules.refuse_score) } else { content })
}
