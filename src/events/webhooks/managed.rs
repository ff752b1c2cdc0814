//! Endpoints that a part of the gateway manages for its owner (so far: 3CX). They are endpoints like any other, with the
//! same outbox, retries, log and resend; what differs is the format of their bytes, the headers that go with them, and
//! that only their manager changes or deletes them.

use super::{
    WebhookError, address,
    endpoint::{self, EndpointId, SEALED_FOR},
    event::EventName,
    own_headers, secrets,
    signature::Secret,
};
use crate::{
    model::{
        clock::Time,
        ids::{AccountId, InstanceId},
        string_enum::string_enum,
        why::why,
    },
    store::{StoreError, Tx, Vault, WriteTx},
};
use ::http::{HeaderName, HeaderValue};
use rusqlite::params;
use std::collections::BTreeMap;

string_enum! {
    /// How an event is written for an endpoint.
    Format {
        /// As the contract has it: one flat object.
        Event = "event",
        /// As a provider of text messages tells a telephone system of one; only `message.received`, and tests.
        Sms = "sms",
        /// As the Chattu dialect has it: an event's name and its data; only messages and rejected calls, and tests.
        Chattu = "chattu",
    }
}

/// What a manager says of its endpoint.
#[derive(Clone, Debug)]
pub struct Managed {
    pub account: AccountId,
    /// Of which instance.
    pub instance: InstanceId,
    /// Where events go; judged by [`super::Webhooks::check_url`] before.
    pub url: String,
    pub events: Vec<EventName>,
    /// How they are written.
    pub format: Format,
    /// Format sms: the number that people wrote to, in E.164.
    pub sms_number: Option<String>,
    /// What signs them.
    pub secret: Secret,
    /// Further headers, names in lower case; they may be secrets.
    pub headers: BTreeMap<String, String>,
    /// Who manages it: a word, a colon, an id.
    pub managed_by: String,
    /// The module without which the account gets nothing; a word of the contract.
    pub module: &'static str,
}

/// Makes the endpoint.
pub fn create(tx: &WriteTx<'_>, managed: &Managed, vault: &Vault, now: Time) -> Result<EndpointId, StoreError> {
    let secret = vault.seal(SEALED_FOR, managed.secret.as_str());
    let id = tx.insert(
        "INSERT INTO endpoints (account_id, instance_id, url, events, secret, created_at, managed_by, module)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            managed.account,
            managed.instance,
            address::shown(&managed.url),
            names(&managed.events),
            secret,
            now,
            managed.managed_by,
            managed.module,
        ],
    )?;
    update(tx, EndpointId(id), managed, vault, now)?;
    Ok(EndpointId(id))
}

/// Brings the endpoint to what its manager says now. What waits in it goes to the new address with the bytes it has, and
/// a new address is tried even where the old one was given up. A changed secret signs beside its predecessor for a day.
pub fn update(tx: &WriteTx<'_>, id: EndpointId, managed: &Managed, vault: &Vault, now: Time) -> Result<(), StoreError> {
    tx.outdate();
    let headers = serde_json::to_string(&managed.headers).unwrap_or_default();
    let (shown, whole) = address::sealed(&managed.url, vault);
    if url(tx, id, vault).ok().as_ref() != Some(&managed.url) {
        endpoint::reopen(tx, id, now)?;
        tx.announce();
    }
    tx.execute(
        "UPDATE endpoints SET instance_id = ?2, url = ?3, events = ?4, format = ?5, sms_number = ?6, headers = ?7,
             sealed_url = ?8
         WHERE id = ?1",
        params![
            id,
            managed.instance,
            shown,
            names(&managed.events),
            managed.format.as_str(),
            managed.sms_number,
            vault.seal(own_headers::SEALED_FOR, &headers),
            whole,
        ],
    )?;
    let sealed = tx.one("SELECT secret FROM endpoints WHERE id = ?1", params![id], |r| r.get::<_, Vec<u8>>(0))?;
    if vault.unseal(SEALED_FOR, &sealed).ok().as_deref() != Some(managed.secret.as_str()) {
        secrets::replace(tx, id, &managed.secret, vault, now)?;
    }
    Ok(())
}

/// Enables an endpoint that was disabled: what it collected is due at once.
pub fn enable(tx: &WriteTx<'_>, id: EndpointId, now: Time) -> Result<(), WebhookError> {
    endpoint::enable(tx, id, &endpoint::ChangedBy { actor: "gateway".into(), now })
}

/// Takes the endpoint away. What waits in it is given up, and stays in the log.
pub fn delete(tx: &WriteTx<'_>, id: EndpointId, now: Time) -> Result<(), StoreError> {
    endpoint::remove(tx, id, now)
}

/// Where an endpoint's events go, whole.
///
/// # Errors
/// It cannot be opened; the store's.
pub fn url(tx: &Tx<'_>, id: EndpointId, vault: &Vault) -> Result<String, WebhookError> {
    let (shown, sealed) = tx.one("SELECT url, sealed_url FROM endpoints WHERE id = ?1", params![id], |r| {
        Ok((r.get::<_, String>(0)?, r.get::<_, Option<Vec<u8>>>(1)?))
    })?;
    address::whole(shown, sealed.as_deref(), vault)
}

/// The further headers of an endpoint's deliveries.
pub(super) fn headers(
    tx: &Tx<'_>,
    id: EndpointId,
    vault: &Vault,
) -> Result<Vec<(HeaderName, HeaderValue)>, WebhookError> {
    let sealed =
        tx.one("SELECT headers FROM endpoints WHERE id = ?1", params![id], |r| r.get::<_, Option<Vec<u8>>>(0))?;
    let Some(sealed) = sealed else { return Ok(Vec::new()) };
    let text = vault
        .unseal(own_headers::SEALED_FOR, &sealed)
        .map_err(|e| WebhookError::Invalid(why!("sealed", "{e}", e = e)))?;
    let all: BTreeMap<String, String> = serde_json::from_str(&text).unwrap_or_default();
    Ok(all.iter().filter_map(|(name, value)| own_headers::to_send(name, value)).collect())
}

fn names(events: &[EventName]) -> String {
    let names: Vec<&str> = events.iter().map(|e| e.as_str()).collect();
    serde_json::to_string(&names).unwrap_or_else(|_| "[]".into())
}
