//! Customers' endpoints: where events go, which of them, and the secret that signs them.

use super::{
    WebhookError, address, event::EventName, managed::Format, own_headers, retry::COLLECTS_FOR, secrets,
    signature::Secret,
};
use crate::{
    accounts::{
        audit,
        notices::{self, NoticeKind},
    },
    events::brokers,
    model::{
        clock::Time,
        ids::{AccountId, InstanceId},
        why::why,
    },
    store::{StoreError, Tx, Vault, WriteTx},
};
use rusqlite::{Row, params};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

pub use super::endpoint_id::EndpointId;

/// What a secret is sealed for.
pub(super) const SEALED_FOR: &str = "webhook_secret";
pub(super) const URL_MAX: usize = 2000;

/// An endpoint, as people are shown it; without its secret, its headers' values and what may be a token in its address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Endpoint {
    pub id: EndpointId,
    pub account_id: AccountId,
    /// Of one instance, or of all.
    pub instance_id: Option<InstanceId>,
    /// Where events go, as it is shown.
    pub destination_url: String,
    pub events: Vec<String>,
    /// The names of the customer's own headers that go with each delivery.
    pub headers: Vec<String>,
    /// When it was made.
    pub created_at: Time,
    /// Since when it is disabled.
    pub disabled_at: Option<Time>,
    pub disabled_reason: Option<String>,
    /// How events are written for it.
    pub format: Format,
    /// The integration that it belongs to, such as `3cx:tcx_…`; none: the customer's own.
    pub managed_by: Option<String>,
    /// Since when nothing but failures came back; none while it works, or was never tried.
    pub failing_since: Option<Time>,
}

/// What makes an endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewEndpoint {
    pub account: AccountId,
    /// Of one instance; none: of all.
    pub instance: Option<InstanceId>,
    /// Where events go; judged by the egress before.
    pub url: String,
    /// Names of the contract; at least one.
    pub events: Vec<String>,
    /// Further headers of each delivery, by their names in lower case, as [`own_headers::parse`] reads them.
    pub headers: BTreeMap<String, String>,
}

const COLUMNS: &str = "id, account_id, instance_id, url, events, created_at, disabled_at, disabled_reason, format, \
                       managed_by, failing_since, header_names";

pub(super) fn create(
    tx: &WriteTx<'_>,
    new: &NewEndpoint,
    secret: &Secret,
    vault: &Vault,
    by: &ChangedBy,
) -> Result<EndpointId, WebhookError> {
    if tx.find("SELECT 1 FROM accounts WHERE id = ?1", params![new.account], |_| Ok(()))?.is_none() {
        return Err(WebhookError::NotFound(format!("there is no account {}", new.account)));
    }
    if let Some(instance) = &new.instance {
        judge_instance(tx, new.account, instance)?;
    }
    let events = judge_events(&new.events)?;
    let sealed = vault.seal(SEALED_FOR, secret.as_str());
    let (shown, whole) = address::sealed(&new.url, vault);
    let id = EndpointId(tx.insert(
        "INSERT INTO endpoints (account_id, instance_id, url, events, secret, created_at, sealed_url)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![new.account, new.instance, shown, events, sealed, by.now, whole],
    )?);
    own_headers::keep(tx, id, &new.headers, vault)?;
    let after = format!("{shown} {events}");
    note(tx, by, (new.account, id), "webhook.create", (None, Some(&after)))?;
    Ok(id)
}

/// Whether the account has this instance.
pub(super) fn judge_instance(tx: &Tx<'_>, account: AccountId, instance: &InstanceId) -> Result<(), WebhookError> {
    let own = "SELECT 1 FROM instances WHERE id = ?1 AND account_id = ?2 AND deleted_at IS NULL";
    match tx.find(own, params![instance, account], |_| Ok(()))? {
        Some(()) => Ok(()),
        None => Err(WebhookError::Invalid(why!(
            "no_instance",
            "account {account} has no instance {instance}",
            account = account,
            instance = instance
        ))),
    }
}

/// Who does it, and when.
#[derive(Clone, Debug)]
pub(super) struct ChangedBy {
    pub(super) actor: String,
    pub(super) now: Time,
}

/// One line of the audit.
pub(super) fn note(
    tx: &WriteTx<'_>,
    by: &ChangedBy,
    (account, id): (AccountId, EndpointId),
    action: &str,
    (before, after): (Option<&str>, Option<&str>),
) -> Result<(), StoreError> {
    let target = id.to_string();
    let entry = audit::AuditEntry { actor: &by.actor, account: Some(account), action, target: &target, before, after };
    audit::record(tx, by.now, &entry)
}

/// It was disabled by itself: owner and admin are told.
fn tell_disabled(tx: &WriteTx<'_>, id: EndpointId, reason: &str, now: Time) -> Result<(), StoreError> {
    let (account, url) = tx.one("SELECT account_id, url FROM endpoints WHERE id = ?1", params![id], |r| {
        Ok((r.get::<_, AccountId>(0)?, r.get::<_, String>(1)?))
    })?;
    let by = ChangedBy { actor: "gateway".into(), now };
    note(tx, &by, (account, id), "webhook.disable", (None, Some(reason)))?;
    let parameters = json!({"url": url, "reason": reason});
    notices::raise(tx, Some(account), (NoticeKind::EndpointDisabled, &id.to_string()), &parameters, now)
}

pub(super) fn judge_events(names: &[String]) -> Result<String, WebhookError> {
    let known = || {
        let all = EventName::ALL.iter().filter(|n| **n != EventName::Test);
        all.map(|n| n.as_str()).collect::<Vec<_>>().join(", ")
    };
    if names.is_empty() {
        return Err(WebhookError::Invalid(why!(
            "no_event",
            "an endpoint names at least one event: {known}",
            known = known()
        )));
    }
    for name in names {
        if EventName::parse(name).is_none_or(|n| n == EventName::Test) {
            return Err(WebhookError::Invalid(why!(
                "event_unknown",
                "{name:?} is no event: use {known}",
                name = name,
                known = known()
            )));
        }
    }
    Ok(serde_json::to_string(names).unwrap_or_else(|_| "[]".into()))
}

/// A new secret; the old one signs beside it for a day.
pub(super) fn rotate(
    tx: &WriteTx<'_>,
    id: EndpointId,
    secret: &Secret,
    vault: &Vault,
    by: &ChangedBy,
) -> Result<(), WebhookError> {
    let endpoint = find(tx, id)?;
    own(&endpoint)?;
    note(tx, by, (endpoint.account_id, id), "webhook.rotate", (None, None))?;
    Ok(secrets::replace(tx, id, secret, vault, by.now)?)
}

/// Enables an endpoint: what was collected is due at once.
pub(super) fn enable(tx: &WriteTx<'_>, id: EndpointId, by: &ChangedBy) -> Result<(), WebhookError> {
    let endpoint = find(tx, id)?;
    note(tx, by, (endpoint.account_id, id), "webhook.enable", (endpoint.disabled_reason.as_deref(), None))?;
    Ok(reopen(tx, id, by.now)?)
}

pub(super) fn reopen(tx: &WriteTx<'_>, id: EndpointId, now: Time) -> Result<(), StoreError> {
    tx.outdate();
    let account = tx.one("SELECT account_id FROM endpoints WHERE id = ?1", params![id], |r| r.get(0))?;
    notices::clear(tx, Some(account), NoticeKind::EndpointDisabled, &id.to_string(), now)?;
    tx.execute(
        "UPDATE endpoints SET disabled_at = NULL, disabled_reason = NULL, failing_since = NULL WHERE id = ?1",
        params![id],
    )?;
    tx.execute("UPDATE deliveries SET due_at = ?2 WHERE endpoint_id = ?1 AND state = 'pending'", params![id, now])?;
    Ok(())
}

/// Why an endpoint is disabled that a person switched off; the second is what the command line wrote once.
pub(super) const BY_HAND: [&str; 2] = ["switched off by hand", "disabled by hand"];

/// A person disables an endpoint; it keeps collecting for a while.
pub(super) fn disable(tx: &WriteTx<'_>, id: EndpointId, by: &ChangedBy) -> Result<(), WebhookError> {
    let endpoint = find(tx, id)?;
    if set_disabled(tx, id, BY_HAND[0], by.now)? {
        note(tx, by, (endpoint.account_id, id), "webhook.disable", (None, Some(BY_HAND[0])))?;
    }
    Ok(())
}

/// The gateway disables an endpoint by itself.
pub(super) fn give_up(tx: &WriteTx<'_>, id: EndpointId, reason: &str, now: Time) -> Result<(), StoreError> {
    if set_disabled(tx, id, reason, now)? { tell_disabled(tx, id, reason, now) } else { Ok(()) }
}

fn set_disabled(tx: &WriteTx<'_>, id: EndpointId, reason: &str, now: Time) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE endpoints SET disabled_at = ?2, disabled_reason = ?3 WHERE id = ?1 AND disabled_at IS NULL",
        params![id, now, reason],
    )?;
    tx.outdate();
    Ok(changed > 0)
}

/// Takes an endpoint away. What waits for it is given up, and stays in the log.
pub(super) fn delete(tx: &WriteTx<'_>, id: EndpointId, by: &ChangedBy) -> Result<(), WebhookError> {
    let endpoint = find(tx, id)?;
    own(&endpoint)?;
    note(tx, by, (endpoint.account_id, id), "webhook.delete", (Some(&endpoint.destination_url), None))?;
    notices::clear(tx, Some(endpoint.account_id), NoticeKind::EndpointDisabled, &id.to_string(), by.now)?;
    Ok(remove(tx, id, by.now)?)
}

/// What a customer changes himself is his own; what another part of the gateway manages is changed there.
pub(super) fn own(endpoint: &Endpoint) -> Result<(), WebhookError> {
    match &endpoint.managed_by {
        None => Ok(()),
        Some(manager) => Err(WebhookError::Invalid(why!(
            "endpoint_managed",
            "webhook {id} belongs to the integration {manager}: change it there",
            id = endpoint.id,
            manager = manager
        ))),
    }
}

pub(super) fn remove(tx: &WriteTx<'_>, id: EndpointId, now: Time) -> Result<(), StoreError> {
    tx.outdate();
    tx.execute("UPDATE endpoints SET deleted_at = ?2 WHERE id = ?1", params![id, now])?;
    tx.execute(
        "UPDATE deliveries SET state = 'given_up', last_error = 'the endpoint was deleted'
         WHERE endpoint_id = ?1 AND state = 'pending'",
        params![id],
    )?;
    Ok(())
}

pub(super) fn find(tx: &Tx<'_>, id: EndpointId) -> Result<Endpoint, WebhookError> {
    let sql = format!("SELECT {COLUMNS} FROM endpoints WHERE id = ?1 AND deleted_at IS NULL");
    tx.find(&sql, params![id], read)?
        .ok_or_else(|| WebhookError::NotFound(format!("there is no webhook {id}; `wa-gateway webhook list`")))
}

/// Every endpoint, in a read that brings more.
pub fn list(tx: &Tx<'_>) -> Result<Vec<Endpoint>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM endpoints WHERE deleted_at IS NULL ORDER BY id");
    tx.list(&sql, [], read)
}

/// An endpoint that wants an event, and how it wants it.
pub(super) struct Wanting {
    pub(super) id: EndpointId,
    pub(super) format: Format,
    /// Format sms: whom people wrote to.
    pub(super) sms_number: String,
    /// Its deliveries keep the order of their conversations.
    pub(super) is_broker: bool,
}

/// Who wants an event.
#[derive(Default)]
pub(super) struct WantedBy {
    pub(super) endpoints: Vec<Wanting>,
    /// The account has a key that reads: the event is kept for it.
    pub(super) has_reader: bool,
}

/// The row of [`wanting`] that stands for the account's readers.
const READER: &str = "reader";

/// Who wants an event now: the endpoints that are enabled, or disabled not long ago, and whose module the account has;
/// and whoever has a key that reads.
pub(super) fn wanting(
    tx: &Tx<'_>,
    account: AccountId,
    instance: &InstanceId,
    name: EventName,
    now: Time,
) -> Result<WantedBy, StoreError> {
    let rows = tx.list(
        "SELECT e.id, e.events, e.format, coalesce(e.sms_number, ''), e.url FROM endpoints e
         WHERE e.account_id = ?1 AND e.deleted_at IS NULL AND (e.instance_id IS NULL OR e.instance_id = ?2)
           AND (e.disabled_at IS NULL OR e.disabled_at > ?3)
           AND (e.module IS NULL OR EXISTS (SELECT 1 FROM account_modules m
                WHERE m.account_id = e.account_id AND m.module = e.module AND m.enabled = 1))
         UNION ALL
         SELECT 0, '', 'reader', '', '' WHERE EXISTS (SELECT 1 FROM api_keys k
                WHERE k.account_id = ?1 AND k.revoked_at IS NULL AND instr(k.scopes, 'read') > 0
                  AND (k.expires_at IS NULL OR k.expires_at > ?4))",
        params![account, instance, now.minus(COLLECTS_FOR), now],
        |r| {
            let wanting = Wanting {
                id: r.get(0)?,
                format: format_of(&r.get::<_, String>(2)?),
                sms_number: r.get(3)?,
                is_broker: brokers::is_broker(&r.get::<_, String>(4)?),
            };
            Ok((wanting, r.get::<_, String>(1)?, r.get::<_, String>(2)? == READER))
        },
    )?;
    let wants = |events: &str| {
        serde_json::from_str::<Vec<String>>(events).is_ok_and(|list| list.iter().any(|e| e == name.as_str()))
    };
    let mut wanted = WantedBy::default();
    for (endpoint, events, is_reader) in rows {
        if is_reader {
            wanted.has_reader = true;
        } else if wants(&events) {
            wanted.endpoints.push(endpoint);
        }
    }
    Ok(wanted)
}

/// How an endpoint wants its events.
pub(super) fn wanted(tx: &Tx<'_>, id: EndpointId) -> Result<Wanting, StoreError> {
    tx.one("SELECT format, coalesce(sms_number, ''), url FROM endpoints WHERE id = ?1", params![id], |r| {
        let (format, sms_number) = (format_of(&r.get::<_, String>(0)?), r.get(1)?);
        Ok(Wanting { id, format, sms_number, is_broker: brokers::is_broker(&r.get::<_, String>(2)?) })
    })
}

fn format_of(text: &str) -> Format {
    Format::parse(text).unwrap_or(Format::Event)
}

fn read(r: &Row<'_>) -> rusqlite::Result<Endpoint> {
    Ok(Endpoint {
        id: EndpointId(r.get(0)?),
        account_id: r.get(1)?,
        instance_id: r.get(2)?,
        destination_url: r.get(3)?,
        events: serde_json::from_str(&r.get::<_, String>(4)?).unwrap_or_default(),
        created_at: r.get(5)?,
        disabled_at: r.get(6)?,
        disabled_reason: r.get(7)?,
        format: format_of(&r.get::<_, String>(8)?),
        managed_by: r.get(9)?,
        failing_since: r.get(10)?,
        headers: r
            .get::<_, Option<String>>(11)?
            .and_then(|names| serde_json::from_str(&names).ok())
            .unwrap_or_default(),
    })
}
