//! Integrations' rows: their settings, their sealed secrets, and the endpoint that forwards what comes in.

use super::{
    Actor, ThreecxError,
    secrets::{SECRET, SIGNING, Secrets, forward},
    settings::{Mode, Settings, SettingsChange},
};
use crate::{
    accounts::{Scope, audit},
    events::webhooks::{EndpointId, address},
    model::{
        clock::Time,
        ids::{AccountId, InstanceId},
        phone::{Phone, Region},
        random::{Random, base62},
        why::why,
    },
    store::{StoreError, Tx, Vault, WriteTx},
};
use rusqlite::{Row, params};
use serde::{Serialize, Serializer};
use std::time::Duration;

/// How long a rotated secret is still good.
pub(super) const OVERLAP: Duration = Duration::from_secs(24 * 3600);

/// What an integration is called in addresses: nobody can guess it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize)]
pub struct IntegrationId(String);

impl IntegrationId {
    /// As it was stored or named by a caller; not judged.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for IntegrationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl rusqlite::ToSql for IntegrationId {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(self.0.as_str().into())
    }
}

impl rusqlite::types::FromSql for IntegrationId {
    fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
        value.as_str().map(Self::from_text)
    }
}

/// An integration, as people are shown it; without its secrets.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Integration {
    pub id: IntegrationId,
    pub account_id: AccountId,
    #[serde(flatten, serialize_with = "flat")]
    pub settings: Settings,
    /// Until when the secrets before the last rotation are good.
    pub previous_until: Option<Time>,
    /// What forwards inbound messages; its deliveries are in the webhooks' log.
    pub endpoint_id: Option<EndpointId>,
    /// When it was made.
    pub created_at: Time,
}

const COLUMNS: &str = "id, account_id, instance_id, name, enabled, inbound_enabled, outbound_enabled, \
    call_events_enabled, signing_enabled, facade_while_signing, strict_mode, window_hours, allowlist, business_name, \
    mode, destination_url, trunk_number, previous_until, endpoint_id, created_at";

/// Makes an integration.
pub(super) fn create(
    tx: &WriteTx<'_>,
    account: AccountId,
    settings: Settings,
    made: &IntegrationParts<'_>,
) -> Result<IntegrationId, ThreecxError> {
    let IntegrationParts { vault, secrets, random, by, now } = *made;
    check_instance(tx, account, &settings.instance)?;
    let id = IntegrationId(format!("tcx_{}", base62(random, 22)));
    tx.execute(
        "INSERT INTO threecx_integrations (id, account_id, instance_id, name, secret, signing_secret, enabled,
             inbound_enabled, outbound_enabled, call_events_enabled, signing_enabled, facade_while_signing,
             strict_mode, window_hours, allowlist, business_name, mode, created_at)
         VALUES (?1, ?2, ?3, '', ?4, ?5, 0, 0, 0, 0, 0, 0, 1, 24, '[]', '', 'event', ?6)",
        params![
            id,
            account,
            settings.instance,
            vault.seal(SECRET, &secrets.secret),
            vault.seal(SIGNING, &secrets.signing),
            now
        ],
    )?;
    let described = settings.described();
    write(tx, &id, &settings, vault)?;
    forward(tx, &id, vault, now)?;
    note(tx, (by, now), (account, &id), "threecx.create", (None, Some(&described)))?;
    Ok(id)
}

/// What making an integration takes besides its settings.
#[derive(Clone, Copy)]
pub(super) struct IntegrationParts<'a> {
    pub(super) vault: &'a Vault,
    pub(super) secrets: &'a Secrets,
    pub(super) random: &'a dyn Random,
    pub(super) by: &'a Actor<'a>,
    pub(super) now: Time,
}

/// What changing an integration takes besides the change.
#[derive(Clone, Copy)]
pub(super) struct Doing<'a> {
    pub(super) vault: &'a Vault,
    pub(super) by: &'a Actor<'a>,
    pub(super) now: Time,
}

/// Changes an integration.
pub(super) fn update(
    tx: &WriteTx<'_>,
    id: &IntegrationId,
    scope: Scope,
    change: SettingsChange,
    doing: &Doing<'_>,
) -> Result<Integration, ThreecxError> {
    let Doing { vault, by, now } = *doing;
    let before = find(tx, id, scope)?;
    let region = region_of(tx, before.account_id)?;
    let described = before.settings.described();
    let settings = before.settings.changed(change, by, region)?;
    check_instance(tx, before.account_id, &settings.instance)?;
    write(tx, id, &settings, vault)?;
    forward(tx, id, vault, now)?;
    let change = (Some(described.as_str()), Some(settings.described()));
    note(tx, (by, now), (before.account_id, id), "threecx.update", (change.0, change.1.as_deref()))?;
    find(tx, id, scope)
}

/// New secrets; the old ones are good for a day more.
pub(super) fn rotate(
    tx: &WriteTx<'_>,
    id: &IntegrationId,
    scope: Scope,
    secrets: &Secrets,
    doing: &Doing<'_>,
) -> Result<(), ThreecxError> {
    let Doing { vault, by, now } = *doing;
    let found = find(tx, id, scope)?;
    tx.execute(
        "UPDATE threecx_integrations SET previous_secret = secret, previous_signing = signing_secret,
             previous_until = ?4, secret = ?2, signing_secret = ?3 WHERE id = ?1",
        params![id, vault.seal(SECRET, &secrets.secret), vault.seal(SIGNING, &secrets.signing), now.plus(OVERLAP)],
    )?;
    forward(tx, id, vault, now)?;
    Ok(note(tx, (by, now), (found.account_id, id), "threecx.rotate", (None, None))?)
}

/// One integration, whosever it is: for what happens by itself.
pub(super) fn by_id(tx: &Tx<'_>, id: &IntegrationId) -> Result<Integration, ThreecxError> {
    let sql = format!("SELECT {COLUMNS} FROM threecx_integrations WHERE id = ?1");
    tx.find(&sql, params![id], read)?.ok_or_else(|| ThreecxError::NotFound(id.clone()))
}

/// All integrations: for what happens by itself.
pub(super) fn all(tx: &Tx<'_>) -> Result<Vec<Integration>, StoreError> {
    tx.list(&format!("SELECT {COLUMNS} FROM threecx_integrations ORDER BY created_at, id"), [], read)
}

/// One integration, if they see it, in a read that brings more.
///
/// # Errors
/// No such one; the store's.
pub fn find(tx: &Tx<'_>, id: &IntegrationId, scope: Scope) -> Result<Integration, ThreecxError> {
    let sql = format!("SELECT {COLUMNS} FROM threecx_integrations WHERE id = ?1 AND (?2 IS NULL OR account_id = ?2)");
    tx.find(&sql, params![id, scope], read)?.ok_or_else(|| ThreecxError::NotFound(id.clone()))
}

pub(super) fn list(tx: &Tx<'_>, scope: Scope) -> Result<Vec<Integration>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM threecx_integrations WHERE ?1 IS NULL OR account_id = ?1 ORDER BY created_at, id"
    );
    tx.list(&sql, params![scope], read)
}

/// The account's default region.
pub(super) fn region_of(tx: &Tx<'_>, account: AccountId) -> Result<Option<Region>, StoreError> {
    let text =
        tx.one("SELECT region FROM accounts WHERE id = ?1", params![account], |r| r.get::<_, Option<String>>(0))?;
    Ok(text.and_then(|text| Region::parse(&text).ok()))
}

fn check_instance(tx: &Tx<'_>, account: AccountId, instance: &InstanceId) -> Result<(), ThreecxError> {
    let own = "SELECT 1 FROM instances WHERE id = ?1 AND account_id = ?2 AND deleted_at IS NULL";
    match tx.find(own, params![instance, account], |_| Ok(()))? {
        Some(()) => Ok(()),
        None => Err(ThreecxError::Invalid(why!(
            "no_instance",
            "account {account} has no instance {instance}",
            account = account,
            instance = instance
        ))),
    }
}

/// An address that is the stored one as it is shown is the stored one.
fn write(tx: &WriteTx<'_>, id: &IntegrationId, s: &Settings, vault: &Vault) -> Result<(), StoreError> {
    let before: Option<String> =
        tx.one("SELECT destination_url FROM threecx_integrations WHERE id = ?1", params![id], |r| r.get(0))?;
    let allowlist = serde_json::to_string(&s.allowlist).unwrap_or_else(|_| "[]".into());
    tx.execute(
        "UPDATE threecx_integrations SET instance_id = ?2, name = ?3, enabled = ?4, inbound_enabled = ?5,
             outbound_enabled = ?6, call_events_enabled = ?7, signing_enabled = ?8, facade_while_signing = ?9,
             strict_mode = ?10, window_hours = ?11, allowlist = ?12, business_name = ?13, mode = ?14,
             destination_url = ?15, trunk_number = ?16
         WHERE id = ?1",
        params![
            id,
            s.instance,
            s.name,
            s.enabled,
            s.inbound,
            s.outbound,
            s.call_events,
            s.signing,
            s.facade_while_signing,
            s.strict_mode,
            s.window_hours,
            allowlist,
            s.business_name,
            s.mode.as_str(),
            s.destination_url.as_deref().map(address::shown),
            s.trunk_number.as_ref().map(Phone::as_str),
        ],
    )?;
    if before != s.destination_url {
        let sealed = s.destination_url.as_deref().and_then(|url| address::sealed(url, vault).1);
        tx.execute("UPDATE threecx_integrations SET sealed_destination = ?2 WHERE id = ?1", params![id, sealed])?;
    }
    Ok(())
}

fn read(r: &Row<'_>) -> rusqlite::Result<Integration> {
    let trunk = r.get::<_, Option<String>>(16)?;
    let settings = Settings {
        instance: r.get(2)?,
        name: r.get(3)?,
        enabled: r.get(4)?,
        inbound: r.get(5)?,
        outbound: r.get(6)?,
        call_events: r.get(7)?,
        signing: r.get(8)?,
        facade_while_signing: r.get(9)?,
        strict_mode: r.get(10)?,
        window_hours: r.get(11)?,
        allowlist: serde_json::from_str(&r.get::<_, String>(12)?).unwrap_or_default(),
        business_name: r.get(13)?,
        mode: Mode::parse(&r.get::<_, String>(14)?).unwrap_or(Mode::Event),
        destination_url: r.get(15)?,
        trunk_number: trunk.and_then(|text| Phone::known(&text)),
    };
    Ok(Integration {
        id: r.get(0)?,
        account_id: r.get(1)?,
        settings,
        previous_until: r.get(17)?,
        endpoint_id: r.get(18)?,
        created_at: r.get(19)?,
    })
}

/// The settings under the names that the documents and the command line use.
fn flat<S: Serializer>(s: &Settings, serializer: S) -> Result<S::Ok, S::Error> {
    serde_json::json!({
        "instance_id": s.instance,
        "name": s.name,
        "enabled": s.enabled,
        "inbound_enabled": s.inbound,
        "outbound_enabled": s.outbound,
        "call_event_enabled": s.call_events,
        "signing_enabled": s.signing,
        "facade_while_signing": s.facade_while_signing,
        "strict_mode": s.strict_mode,
        "window_hours": s.window_hours,
        "allowlist": s.allowlist,
        "business_name": s.business_name,
        "mode": s.mode,
        "destination_url": s.destination_url,
        "trunk_number": s.trunk_number,
    })
    .serialize(serializer)
}

fn note(
    tx: &WriteTx<'_>,
    (by, now): (&Actor<'_>, Time),
    (account, id): (AccountId, &IntegrationId),
    action: &str,
    (before, after): (Option<&str>, Option<&str>),
) -> Result<(), StoreError> {
    let entry =
        audit::AuditEntry { actor: by.actor, account: Some(account), action, target: id.as_str(), before, after };
    audit::record(tx, now, &entry)
}
