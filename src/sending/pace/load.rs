//! The counters of an instance, counted again from the message log: how they survive a restart.
//!
//! At most the newest 20,000 messages are looked at, so that the first message after a restart does not wait long.

use super::{Counters, Question};
use crate::{
    model::{clock::Time, ids::InstanceId, purpose::Purpose},
    sending::rules::Rules,
    store::{StoreError, Tx, went::WENT},
};
use rusqlite::{Row, params};

struct PastSends {
    at: Time,
    person: String,
    purpose: Option<Purpose>,
    fingerprint: u64,
    stranger: bool,
}

pub(super) fn counters(tx: &Tx<'_>, instance: &InstanceId, rules: &Rules, now: Time) -> Result<Counters, StoreError> {
    let mut counters = Counters::default();
    let window = rules.repetition_window.max(rules.outreach_window).max(rules.authentication_window);
    for past in last_messages(tx, instance, now.minus(window), now)? {
        let ask = Question {
            instance,
            person: &past.person,
            purpose: past.purpose,
            fingerprint: past.fingerprint,
            stranger: past.stranger,
        };
        // A message that waited for its slot took the one after the others: the bucket finds that out again.
        counters.count(&ask, past.at, rules, past.at);
    }
    counters.health = super::HealthWindow::default();
    load_health(tx, instance, rules, now, &mut counters.health)?;
    Ok(counters)
}

/// Whether the message `m` was the first to its contact `c`. A stranger's contact is made with the first message to them; who
/// wrote to us first was a contact before.
const TO_A_STRANGER: &str = "c.first_outbound_at >= m.created_at
    AND c.first_outbound_at <= coalesce(m.sending_at, m.created_at) AND c.imported_at IS NULL
    AND (c.last_inbound_at IS NULL OR (c.last_inbound_at > c.first_outbound_at AND c.created_at >= m.created_at))";

/// Most messages that are looked at.
const NEWEST: u32 = 20_000;

/// How many strangers an instance wrote to after `since`.
pub(super) fn strangers(tx: &Tx<'_>, instance: &InstanceId, since: Time, now: Time) -> Result<u32, StoreError> {
    let [at_once, waited] = WENT.map(|(went, which)| {
        format!(
            "SELECT c.id FROM messages m JOIN contacts c ON c.id = m.contact_id
             WHERE m.instance_id = ?1 AND m.{went} > ?2 AND m.{went} <= ?3 AND {which} AND m.status <> 'blocked'
               AND {TO_A_STRANGER}"
        )
    });
    let sql = format!("SELECT count(*) FROM ({at_once} UNION {waited})");
    tx.one(&sql, params![instance, since, now], |r| r.get(0))
}

fn last_messages(tx: &Tx<'_>, instance: &InstanceId, since: Time, now: Time) -> Result<Vec<PastSends>, StoreError> {
    let mut rows = Vec::new();
    for (went, which) in WENT {
        // What a clock that was ahead has written is of no known time: it is not counted.
        rows.extend(tx.list(
            &format!(
                "SELECT m.{went}, coalesce('contact:' || m.contact_id, m.recipient), m.purpose, m.fingerprint,
                        coalesce({TO_A_STRANGER}, 0)
                 FROM messages m LEFT JOIN contacts c ON c.id = m.contact_id
                 WHERE m.instance_id = ?1 AND m.{went} > ?2 AND m.{went} <= ?3 AND {which} AND m.status <> 'blocked'
                   AND m.quota <> 'none'
                 ORDER BY m.{went} DESC, m.id DESC LIMIT ?4"
            ),
            params![instance, since, now, NEWEST],
            |r| {
                Ok(PastSends {
                    at: r.get(0)?,
                    person: r.get(1)?,
                    purpose: Purpose::parse(&r.get::<_, String>(2)?),
                    fingerprint: r.get::<_, i64>(3)?.cast_unsigned(),
                    stranger: r.get(4)?,
                })
            },
        )?);
    }
    rows.reverse();
    rows.sort_by_key(|past| past.at);
    Ok(rows)
}

/// Health since a person last looked, at most the health window.
fn load_health(
    tx: &Tx<'_>,
    instance: &InstanceId,
    rules: &Rules,
    now: Time,
    health: &mut super::HealthWindow,
) -> Result<(), StoreError> {
    let looked = tx.one("SELECT max(closed_at) FROM reviews WHERE instance_id = ?1", params![instance], |r| {
        r.get::<_, Option<Time>>(0)
    })?;
    let since = looked.unwrap_or(Time::from_millis(0)).min(now).max(now.minus(rules.health_window));
    let mut messages = Vec::new();
    for (went, which) in WENT {
        let sql = format!(
            "SELECT m.{went}, m.recipient_fault FROM messages m
             WHERE m.instance_id = ?1 AND m.{went} > ?2 AND m.{went} <= ?3 AND {which} AND m.status <> 'blocked'
               AND m.quota <> 'none'
             ORDER BY m.{went} DESC LIMIT ?4"
        );
        let read = |r: &Row<'_>| Ok((r.get::<_, Time>(0)?, r.get::<_, bool>(1)?));
        messages.extend(tx.list(&sql, params![instance, since, now, NEWEST], read)?);
    }
    messages.sort_by_key(|(at, _)| *at);
    for (at, failed) in messages {
        health.sent(at);
        if failed {
            health.failed(at);
        }
    }
    let opt_outs = tx.list(
        "SELECT since FROM suppressions
         WHERE instance_id = ?1 AND since > ?2 AND since <= ?3 AND source = 'recipient' ORDER BY since",
        params![instance, since, now],
        |r| r.get::<_, Time>(0),
    )?;
    opt_outs.into_iter().for_each(|at| health.opted_out(at));
    Ok(())
}
