//! Who gets a soft text: how long ago this person last wrote, and whether those answer whom this number writes to.
//!
//! Counted from the message log when a text asks for it, at most the newest 500 messages of a week: nothing to keep, and
//! the same after a restart.

use super::{
    asked::Asked,
    pace::PaceFacts,
    policy::content::{Audience, CROWD, Score},
};
use crate::{
    model::clock::Time,
    people::conversations::Contact,
    store::{StoreError, Tx},
};
use rusqlite::params;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How far back is looked: for what a person wrote, and for who answered.
const LATELY: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The most messages that are looked at, the newest.
const LOOKED_AT: u32 = 500;
/// Fewer people than this say nothing of how many answer.
const ENOUGH: u32 = 20;
/// One of so many at least answers a number that people want to hear from.
const ONE_OF: u32 = 20;

/// The audience of a text with this score. Who answers is counted for soft texts only, when they go to several people.
pub(super) fn of(
    tx: &Tx<'_>,
    asked: &Asked<'_>,
    contact: Option<&Contact>,
    pace: &PaceFacts,
    content: &Score,
) -> Result<Audience, StoreError> {
    let silent = contact.and_then(|c| c.last_inbound_at).map(|at| asked.now.since(at));
    // Who wrote within the week is in touch, and a text like this is less of a surprise.
    let crowd = if silent.is_some_and(|silent| silent < LATELY) { 2 * CROWD } else { CROWD };
    let people = pace.same_text_to.max(pace.strangers);
    let matters = content.is_soft() && (crowd / 2..crowd).contains(&people);
    let is_unanswered = matters && is_unanswered(tx, asked)?;
    let crowd = if is_unanswered { crowd / 2 } else { crowd };
    Ok(Audience { answers: silent.is_some_and(|silent| silent < DAY), people, crowd, is_unanswered })
}

/// Whether next to none of those wrote since whom this number wrote to within the week; they had an hour to.
fn is_unanswered(tx: &Tx<'_>, asked: &Asked<'_>) -> Result<bool, StoreError> {
    let (since, until): (Time, Time) = (asked.now.minus(LATELY), asked.now.minus(HOUR));
    let (written_to, answered) = tx.one(
        "SELECT count(*), count(CASE WHEN c.last_inbound_at > m.at THEN 1 END) FROM (
             SELECT contact_id, min(created_at) AS at FROM (
                 SELECT contact_id, created_at FROM messages
                 WHERE instance_id = ?1 AND created_at > ?2 AND created_at <= ?3 AND contact_id IS NOT NULL
                     AND status <> 'blocked'
                 ORDER BY created_at DESC LIMIT ?4)
             GROUP BY contact_id) m JOIN contacts c ON c.id = m.contact_id",
        params![asked.request.instance, since, until, LOOKED_AT],
        |r| Ok((r.get::<_, u32>(0)?, r.get::<_, u32>(1)?)),
    )?;
    Ok(written_to >= ENOUGH && answered < written_to / ONE_OF)
}
