//! What programs read of the outbox: the events of an account in the order of their commits, from a position on.
//!
//! A position is the number of the last row that was seen. There is one writer, so a row with a lower number is never
//! committed later: who asks for what came after a position misses nothing and sees nothing twice.

use crate::{
    model::{
        clock::Time,
        ids::{AccountId, InstanceId, MessageId},
    },
    store::{StoreError, Tx},
};
use rusqlite::params;
use std::{collections::BTreeSet, time::Duration};

/// Behind which row somebody reads on, and when that row was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FeedPosition {
    pub row: i64,
    pub at: Time,
}

/// An event as it was told: the same id and the same bytes as the webhooks have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToldEvent {
    pub position: FeedPosition,
    pub account: AccountId,
    pub instance: InstanceId,
    /// `evt_…`
    pub event_id: String,
    pub name: String,
    /// One JSON object, in one line.
    pub body: String,
}

/// Whose events somebody reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeedFilter {
    pub account: AccountId,
    /// Of these instances; none: of whichever.
    pub instances: Option<BTreeSet<String>>,
    /// Of these names; empty: all.
    pub names: BTreeSet<&'static str>,
}

impl FeedFilter {
    /// Whether it lets an event through.
    pub fn holds(&self, event: &ToldEvent) -> bool {
        self.account == event.account
            && self.instances.as_ref().is_none_or(|ids| ids.contains(event.instance.as_str()))
            && (self.names.is_empty() || self.names.contains(event.name.as_str()))
    }
}

/// The newest row of the outbox, whoever it is for; 0 before the first.
pub fn newest(tx: &Tx<'_>) -> Result<i64, StoreError> {
    // The table's own counter knows it also when no row is left.
    Ok(tx.find("SELECT seq FROM sqlite_sequence WHERE name = 'events'", [], |r| r.get(0))?.unwrap_or(0))
}

/// Where somebody stands who reads what happens from `since` on; none: from now on.
pub fn position_since(tx: &Tx<'_>, since: Option<Time>, now: Time) -> Result<FeedPosition, StoreError> {
    let newest = newest(tx)?;
    let Some(since) = since else { return Ok(FeedPosition { row: newest, at: now }) };
    // Their ids begin with the time, and are in no order within a millisecond.
    let begins = |at: Time| format!("evt_{}", MessageId::time_part(at));
    let first = tx.find(
        "SELECT created_at FROM events WHERE event_id >= ?1 ORDER BY event_id LIMIT 1",
        params![begins(since)],
        |r| r.get::<_, Time>(0),
    )?;
    let Some(first) = first else { return Ok(FeedPosition { row: newest, at: since }) };
    let row = tx.one(
        "SELECT min(id) - 1 FROM events WHERE event_id >= ?1 AND event_id < ?2",
        params![begins(first), begins(first.plus(Duration::from_millis(1)))],
        |r| r.get::<_, Option<i64>>(0),
    )?;
    Ok(FeedPosition { row: row.unwrap_or(newest), at: since })
}

/// Where an event of the account stands; none: there is none of that id, or none any more.
pub fn position_of(tx: &Tx<'_>, account: AccountId, event_id: &str) -> Result<Option<FeedPosition>, StoreError> {
    let sql = "SELECT id, created_at FROM events WHERE event_id = ?1 AND account_id = ?2 AND is_told = 1";
    tx.find(sql, params![event_id, account], |r| Ok(FeedPosition { row: r.get(0)?, at: r.get(1)? }))
}

/// What came after a row, oldest first: at most `limit` events that the filter lets through, and the row up to which that
/// is all.
pub fn told_after(tx: &Tx<'_>, filter: &FeedFilter, row: i64, limit: u32) -> Result<(Vec<ToldEvent>, i64), StoreError> {
    // Before the rows: what is written in between comes another time, and not never.
    let newest = newest(tx)?.max(row);
    let list = |values: Vec<&str>| serde_json::json!(values).to_string();
    let instances = filter.instances.as_ref().map(|ids| list(ids.iter().map(String::as_str).collect()));
    let names = (!filter.names.is_empty()).then(|| list(filter.names.iter().copied().collect()));
    let events = tx.list(
        "SELECT id, created_at, account_id, instance_id, event_id, name, body FROM events
         WHERE account_id = ?1 AND is_told = 1 AND id > ?2
           AND (?3 IS NULL OR instance_id IN (SELECT value FROM json_each(?3)))
           AND (?4 IS NULL OR name IN (SELECT value FROM json_each(?4)))
         ORDER BY id LIMIT ?5",
        params![filter.account, row, instances, names, limit],
        read,
    )?;
    let is_all = events.len() < limit as usize;
    let up_to = if is_all { newest } else { events.last().map_or(newest, |last| last.position.row) };
    Ok((events, up_to))
}

/// What was told to anybody after a row, at most `limit` events.
pub(super) fn told_to_all(tx: &Tx<'_>, row: i64, limit: u32) -> Result<Vec<ToldEvent>, StoreError> {
    tx.list(
        "SELECT id, created_at, account_id, instance_id, event_id, name, body FROM events
         WHERE id > ?1 AND is_told = 1 ORDER BY id LIMIT ?2",
        params![row, limit],
        read,
    )
}

fn read(r: &rusqlite::Row<'_>) -> rusqlite::Result<ToldEvent> {
    Ok(ToldEvent {
        position: FeedPosition { row: r.get(0)?, at: r.get(1)? },
        account: r.get(2)?,
        instance: r.get(3)?,
        event_id: r.get(4)?,
        name: r.get(5)?,
        body: r.get(6)?,
    })
}
