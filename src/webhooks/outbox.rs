//! Into the outbox: an event and its deliveries are written in the transaction of the change that causes them, so that
//! neither is there without the other, whatever dies in between.

use super::{
    endpoint,
    event::{Event, Place},
};
use crate::{
    model::{
        clock::Time,
        ids::{AccountId, InstanceId, MessageId},
        random::Random,
    },
    store::{StoreError, WriteTx},
};
use rusqlite::params;

/// Writes `event` for every endpoint that wants it; without one, nothing. Says how many deliveries were made.
///
/// # Errors
/// The store's.
pub fn emit(
    tx: &WriteTx<'_>,
    account: AccountId,
    instance: &InstanceId,
    event: &Event,
    now: Time,
    random: &dyn Random,
) -> Result<usize, StoreError> {
    let wanting = endpoint::wanting(tx, account, instance, event.name(), now)?;
    if wanting.is_empty() {
        return Ok(0);
    }
    let id = record(tx, account, instance, event, now, random)?;
    for endpoint in &wanting {
        deliver(tx, id, *endpoint, now)?;
    }
    tx.announce();
    Ok(wanting.len())
}

/// Writes an event's row; returns its number.
pub(super) fn record(
    tx: &WriteTx<'_>,
    account: AccountId,
    instance: &InstanceId,
    event: &Event,
    now: Time,
    random: &dyn Random,
) -> Result<i64, StoreError> {
    let name = tx.find("SELECT name FROM instances WHERE id = ?1", params![instance], |r| r.get::<_, String>(0))?;
    let event_id = format!("evt_{}", &MessageId::new(now, random).as_str()[4..]);
    let place = Place {
        event_id: &event_id,
        instance_id: instance,
        instance_name: name.as_deref().unwrap_or_default(),
        at: now,
    };
    tx.insert(
        "INSERT INTO events (event_id, account_id, instance_id, name, body, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![event_id, account, instance, event.name().as_str(), event.body(&place), now],
    )
}

/// Writes one delivery, due at once; returns its number.
pub(super) fn deliver(
    tx: &WriteTx<'_>,
    event: i64,
    endpoint: endpoint::EndpointId,
    now: Time,
) -> Result<i64, StoreError> {
    tx.insert(
        "INSERT INTO deliveries (event_id, endpoint_id, state, due_at) VALUES (?1, ?2, 'pending', ?3)",
        params![event, endpoint, now],
    )
}
