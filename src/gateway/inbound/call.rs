//! Calls: kept, told, and counted as contact from that person.

use super::{
    After, Recording,
    message::{person, writer},
};
use crate::{
    connectors::inbound_event::CallHeard,
    events::webhooks::{self, Event},
    people::conversations,
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;

pub(super) fn record(tx: &WriteTx<'_>, recording: &Recording<'_>, heard: &CallHeard) -> Result<After, StoreError> {
    let CallHeard { call_id, from, is_video, missed } = heard;
    let (is_video, missed) = (*is_video, *missed);
    let contact = writer(tx, recording, from)?;
    let at = recording.heard.at;
    if let Some(contact) = contact {
        conversations::note_inbound(tx, contact, from.name.as_deref(), at)?;
    }
    // A call is heard of when it rings, and again when nobody answered; each of both once. One that was rejected has
    // ended with that: the provider's word that nobody took it is no news.
    let before = tx.find(
        "SELECT missed OR rejected_at IS NOT NULL FROM calls WHERE instance_id = ?1 AND call_id = ?2",
        params![recording.heard.instance, call_id],
        |r| r.get::<_, bool>(0),
    )?;
    if before.is_some_and(|has_ended| has_ended || !missed) {
        return Ok(After::Nothing);
    }
    let rejects = before.is_none() && !missed && rejects_calls(tx, recording)?;
    let ended_at = (missed || rejects).then_some(at);
    let started_at = tx.one(
        "INSERT INTO calls (account_id, instance_id, call_id, contact_id, is_video, missed, started_at, ended_at,
             rejected_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT DO UPDATE SET missed = excluded.missed, ended_at = excluded.ended_at
         RETURNING started_at",
        params![
            recording.account,
            recording.heard.instance,
            call_id,
            contact,
            is_video,
            missed,
            at,
            ended_at,
            rejects.then_some(at),
        ],
        |r| r.get(0),
    )?;
    let caller = person(tx, from, contact)?;
    let event = |missed| Event::Call {
        missed,
        from: caller.clone(),
        call_id: call_id.clone(),
        is_video,
        started_at,
        ended_at: if missed { Some(at) } else { None },
    };
    if before.is_none() {
        recording.emit(tx, &event(false))?;
    }
    if missed {
        recording.emit(tx, &event(true))?;
    }
    if !rejects {
        return Ok(After::Nothing);
    }
    let rejected = Event::CallRejected { from: caller, call_id: call_id.clone(), is_video, started_at };
    recording.emit(tx, &rejected)?;
    let instance = &recording.heard.instance;
    if let Some(contact) = contact
        && !webhooks::is_asked_about_calls(tx, recording.account, instance, recording.now())?
    {
        webhooks::answer_unasked(tx, recording.account, instance, contact, recording.now())?;
    }
    Ok(After::Rejected(instance.clone(), call_id.clone()))
}

/// Whether the instance is set to end calls by itself.
fn rejects_calls(tx: &Tx<'_>, recording: &Recording<'_>) -> Result<bool, StoreError> {
    let sql = "SELECT reject_calls FROM instances WHERE id = ?1";
    Ok(tx.find(sql, params![recording.heard.instance], |r| r.get(0))?.unwrap_or(false))
}
