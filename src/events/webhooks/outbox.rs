//! Into the outbox: an event and its deliveries are written in the transaction of the change that causes them, so that
//! neither is there without the other, whatever dies in between.

use super::{
    chattu, conversation,
    endpoint::{self, WantedBy, Wanting},
    event::{Event, EventContext, EventName},
    managed::Format,
    sms,
};
use crate::{
    model::{
        clock::Time,
        ids::{AccountId, InstanceId, MessageId},
        moment::Moment,
        random::Random,
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;

/// Writes `event` for every endpoint that wants it, and for the account's readers; for nobody, nothing. Says how many
/// deliveries were made.
pub fn emit(
    tx: &WriteTx<'_>,
    account: AccountId,
    instance: &InstanceId,
    event: &Event,
    moment: Moment<'_>,
) -> Result<usize, StoreError> {
    let Moment { now, at, random } = moment;
    let WantedBy { endpoints, has_reader } = endpoint::wanting(tx, account, instance, event.name(), now)?;
    let happened = Happened { account, instance, event, at, now, random };
    // The documented format is the same for all that want it, readers included: one row.
    let mut shared = has_reader.then(|| record(tx, &happened, None)).transpose()?.flatten();
    let mut made = 0;
    for endpoint in &endpoints {
        let row = match (endpoint.format, shared) {
            (Format::Event, Some(row)) => Some(row),
            _ => record(tx, &happened, Some(endpoint))?,
        };
        if endpoint.format == Format::Event {
            shared = row;
        }
        if let Some(row) = row {
            deliver(tx, row, &happened, endpoint)?;
            made += 1;
        }
    }
    if made > 0 {
        tx.announce();
    }
    Ok(made)
}

/// Whether anybody wants such an event now: for what costs something to put together.
pub fn is_wanted(
    tx: &Tx<'_>,
    account: AccountId,
    instance: &InstanceId,
    name: EventName,
    now: Time,
) -> Result<bool, StoreError> {
    let wanted = endpoint::wanting(tx, account, instance, name, now)?;
    Ok(wanted.has_reader || !wanted.endpoints.is_empty())
}

/// An event with where and when it happened.
pub(super) struct Happened<'a> {
    pub(super) account: AccountId,
    pub(super) instance: &'a InstanceId,
    pub(super) event: &'a Event,
    /// When it happened, which its bytes say.
    pub(super) at: Time,
    /// When it is written down, which its id, its order and its deliveries go by.
    pub(super) now: Time,
    pub(super) random: &'a dyn Random,
}

/// Writes an event's row as this endpoint wants it, or (none) as the account's readers do; returns its number. None: it
/// cannot be told in that format.
pub(super) fn record(
    tx: &WriteTx<'_>,
    happened: &Happened<'_>,
    endpoint: Option<&Wanting>,
) -> Result<Option<i64>, StoreError> {
    let format = endpoint.map_or(Format::Event, |endpoint| endpoint.format);
    let Happened { account, instance, event, at, now, random } = *happened;
    let named = tx.find("SELECT name, client_id FROM instances WHERE id = ?1", params![instance], |r| {
        Ok((r.get::<_, String>(0)?, r.get::<_, Option<String>>(1)?))
    })?;
    let (name, client) = named.map_or((None, None), |(name, client)| (Some(name), client));
    let event_id = format!("evt_{}", &MessageId::new(now, random).as_str()[4..]);
    let place = EventContext {
        event_id: &event_id,
        instance_id: instance,
        instance_name: name.as_deref().unwrap_or_default(),
        at,
    };
    let body = match format {
        Format::Event => event.body(&place),
        Format::Sms => match sms::body(event, endpoint.map_or("", |to| &to.sms_number), at, random) {
            Some(body) => body,
            None => return Ok(None),
        },
        Format::Chattu => match chattu::body(event, client.as_deref().unwrap_or(instance.as_str()), at) {
            Some(body) => body,
            None => return Ok(None),
        },
    };
    let row = tx.insert(
        "INSERT INTO events (event_id, account_id, instance_id, name, body, created_at, is_told)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![event_id, account, instance, event.name().as_str(), body, now, endpoint.is_none()],
    )?;
    if format == Format::Chattu {
        chattu::note_answerable(tx, row, account, instance, event)?;
    }
    Ok(Some(row))
}

/// Writes one delivery of an event's row, due at once; returns its number.
pub(super) fn deliver(
    tx: &WriteTx<'_>,
    row: i64,
    happened: &Happened<'_>,
    endpoint: &Wanting,
) -> Result<i64, StoreError> {
    let conversation = endpoint.is_broker.then(|| conversation::number(happened.event, happened.instance));
    tx.insert(
        "INSERT INTO deliveries (event_id, endpoint_id, state, due_at, conversation) VALUES (?1, ?2, 'pending', ?3, ?4)",
        params![row, endpoint.id, happened.now, conversation],
    )
}
