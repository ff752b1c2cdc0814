//! The instances' rows.

use super::{InstanceError, secret};
use crate::{
    accounts::{
        Scope, audit,
        notices::{self, NoticeKind},
    },
    connectors::{
        ConnectionStatus, is_without_answer,
        registry::{check_settings, claimed_place, secret_settings},
    },
    events::webhooks::{self, Event},
    instances::common_settings,
    model::{
        clock::Time,
        ids::{AccountId, InstanceId},
        instance::{ConnectorKind, Health, InstanceState},
        moment::Moment,
        short_text,
        why::why,
    },
    store::{StoreError, Tx, Vault, WriteTx},
};
use rusqlite::{Row, params};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// An instance, as people are shown it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Instance {
    /// Its slug.
    pub id: InstanceId,
    /// Whose it is.
    pub account_id: AccountId,
    pub name: String,
    /// How it reaches WhatsApp.
    pub connector: ConnectorKind,
    /// The connector's settings; no secrets.
    pub settings: BTreeMap<String, String>,
    /// Open or not.
    pub state: InstanceState,
    /// Why it is not open; of one that is, that its provider gives no answer.
    pub state_reason: Option<String>,
    /// Whether it hears.
    pub health: Health,
    /// Its own number.
    pub phone: Option<String>,
    /// Since when it waits for a person.
    pub paused_at: Option<Time>,
    pub pause_reason: Option<String>,
    /// Whether it is paused by its owner alone, who resumes it, too: no review is open.
    #[serde(skip)]
    pub is_paused_by_owner: bool,
    /// Whether people are told that their messages were read.
    pub tell_read: bool,
    /// Whether a call is ended by itself.
    pub reject_calls: bool,
    /// What its caller is then told; none: the dialect's own text.
    pub reject_text: Option<String>,
    /// When it was made.
    pub created_at: Time,
}

impl Instance {
    /// The word for how it stands, for people: one that is open and whose provider gives no answer is not called
    /// connected.
    pub fn shown_state(&self) -> &'static str {
        shown_state(self.state, self.state_reason.as_deref())
    }
}

/// The word of [`Instance::shown_state`].
pub fn shown_state(state: InstanceState, reason: Option<&str>) -> &'static str {
    let is_silent = state == InstanceState::Open && reason.is_some_and(is_without_answer);
    if is_silent { "unanswered" } else { state.as_str() }
}

/// What makes an instance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewInstance {
    /// Its slug.
    pub id: InstanceId,
    /// Whose it is.
    pub account: AccountId,
    /// Its name; not empty.
    pub name: String,
    /// How it reaches WhatsApp.
    pub connector: ConnectorKind,
    /// The connector's settings.
    pub settings: BTreeMap<String, String>,
}

const COLUMNS: &str = "id, account_id, name, connector, settings, state, state_reason, health, phone, paused_at, \
                       pause_reason, created_at, tell_read, reject_calls, reject_text, \
                       paused_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM reviews r \
                         WHERE r.instance_id = instances.id AND r.closed_at IS NULL)";

pub(super) fn create(
    tx: &WriteTx<'_>,
    new: &NewInstance,
    vault: &Vault,
    now: Time,
    actor: &str,
) -> Result<Instance, InstanceError> {
    InstanceId::parse(new.id.as_str()).map_err(|e| InstanceError::Invalid(why!("instance_id", "{text}", text = e)))?;
    if new.name.trim().is_empty() {
        return Err(InstanceError::Invalid(why!("instance_name", "an instance needs a name (--name)")));
    }
    let name = short_text::name(&new.name, "a name", short_text::NAME_MAX).map_err(InstanceError::Invalid)?;
    if tx.find("SELECT 1 FROM accounts WHERE id = ?1", params![new.account], |_| Ok(()))?.is_none() {
        return Err(InstanceError::Invalid(why!("no_account", "there is no account {id}", id = new.account)));
    }
    let taken = is_taken(tx, new.id.as_str())?;
    if taken || new.id.is_reserved() {
        return Err(InstanceError::NotAvailable(new.id.clone()));
    }
    let (secrets, plain) = apart(new.connector, new.settings.clone());
    judge_place(tx, &new.id, (new.account, new.connector), &plain)?;
    tx.execute(
        "INSERT INTO instances (id, account_id, name, connector, settings, state, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, 'connecting', ?6)",
        params![new.id, new.account, name, new.connector, settings_text(&plain), now],
    )?;
    for (name, value) in &secrets {
        secret::keep(tx, vault, &new.id, name, value)?;
    }
    record(tx, (now, actor), (new.account, &new.id), "instance.create", (None, Some(new.connector.as_str())))?;
    find(tx, &new.id)
}

pub(super) fn set(
    tx: &WriteTx<'_>,
    id: &InstanceId,
    changes: &BTreeMap<String, String>,
    vault: &Vault,
    (now, actor): (Time, &str),
) -> Result<Instance, InstanceError> {
    let before = find(tx, id)?;
    let (ours, changes) = common_settings::apart(changes);
    let was_ours = common_settings::now(&before, &ours);
    common_settings::set(tx, id, &ours)?;
    let changes = &changes;
    let (secrets, plain) = apart(before.connector, changes.clone());
    let mut settings = before.settings.clone();
    for (key, value) in &plain {
        if value.is_empty() {
            settings.remove(key)
        } else {
            settings.insert(key.clone(), value.clone())
        };
    }
    // A key that is taken back is judged too, so that a misspelt one does not pass as done.
    let mut judged = secret::open_all(tx, vault, id)?;
    judged.retain(|name, _| secrets.get(name).is_none_or(|value| !value.is_empty()));
    judged.extend(settings.clone());
    judged.extend(changes.iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| (k.clone(), v.clone())));
    check_settings(before.connector, &judged)?;
    if claimed_place(before.connector, &before.settings) != claimed_place(before.connector, &settings) {
        judge_place(tx, id, (before.account_id, before.connector), &settings)?;
    }
    tx.execute("UPDATE instances SET settings = ?2 WHERE id = ?1", params![id, settings_text(&settings)])?;
    for (name, value) in &secrets {
        secret::keep(tx, vault, id, name, value)?;
        settings.insert(name.clone(), if value.is_empty() { "(taken away)" } else { "(changed)" }.to_owned());
    }
    settings.extend(ours);
    let after = settings_text(&settings);
    let mut were = before.settings.clone();
    were.extend(was_ours);
    let was = settings_text(&were);
    record(tx, (now, actor), (before.account_id, id), "instance.set", (Some(&was), Some(&after)))?;
    find(tx, id)
}

/// A setting is off from now on, because its provider does not let it any more; nothing where it was off or the instance
/// is gone.
///
/// # Errors
/// The store's.
pub fn end_setting(tx: &WriteTx<'_>, id: &InstanceId, name: &str, now: Time) -> Result<(), StoreError> {
    let before = match find(tx, id) {
        Ok(before) => before,
        Err(InstanceError::Store(e)) => return Err(e),
        Err(_) => return Ok(()),
    };
    let mut settings = before.settings.clone();
    if settings.remove(name).is_none() {
        return Ok(());
    }
    let (was, after) = (settings_text(&before.settings), settings_text(&settings));
    tx.execute("UPDATE instances SET settings = ?2 WHERE id = ?1", params![id, after])?;
    let change = (Some(was.as_str()), Some(after.as_str()));
    let entry = (before.account_id, id);
    record(tx, (now, "gateway"), entry, "instance.set", change)
}

pub(super) fn delete(tx: &WriteTx<'_>, id: &InstanceId, now: Time, actor: &str) -> Result<(), InstanceError> {
    let instance = find(tx, id)?;
    tx.execute(
        "UPDATE instances SET deleted_at = ?2, state = 'close', state_reason = 'deleted' WHERE id = ?1",
        params![id, now],
    )?;
    for kind in [NoticeKind::InstanceDisconnected, NoticeKind::InstancePaused] {
        notices::clear(tx, Some(instance.account_id), kind, id.as_str(), now)?;
    }
    Ok(record(tx, (now, actor), (instance.account_id, id), "instance.delete", (Some(&instance.name), None))?)
}

/// One instance, in a read that brings more.
///
/// # Errors
/// No such one; the store's.
pub fn find(tx: &Tx<'_>, id: &InstanceId) -> Result<Instance, InstanceError> {
    let sql = format!("SELECT {COLUMNS} FROM instances WHERE id = ?1 AND deleted_at IS NULL");
    tx.find(&sql, params![id], read)?.ok_or_else(|| InstanceError::NotFound(id.clone()))
}

/// No other instance stands for the same number at its provider. Another account's is not named.
fn judge_place(
    tx: &Tx<'_>,
    id: &InstanceId,
    (account, connector): (AccountId, ConnectorKind),
    settings: &BTreeMap<String, String>,
) -> Result<(), InstanceError> {
    let Some(place) = claimed_place(connector, settings) else { return Ok(()) };
    let is_there = |other: &Instance| {
        other.connector == connector && claimed_place(connector, &other.settings) == Some(place.clone())
    };
    let Some(other) = all(tx)?.into_iter().find(|other| other.id != *id && is_there(other)) else { return Ok(()) };
    Err(InstanceError::Invalid(if other.account_id == account {
        why!("place_taken", "the instance {id} is this number already: change or delete that one", id = other.id)
    } else {
        why!("place_taken_elsewhere", "another account's instance is this number already")
    }))
}

/// Ids are nobody's twice: that of a deleted instance stays taken.
fn is_taken(tx: &Tx<'_>, id: &str) -> Result<bool, StoreError> {
    Ok(tx.find("SELECT 1 FROM instances WHERE id = ?1", params![id], |_| Ok(()))?.is_some())
}

/// See [`Instances::free_id`](super::Instances::free_id).
pub(super) fn free_id(tx: &Tx<'_>, stem: &str) -> Result<String, StoreError> {
    let (mut id, mut n) = (stem.to_owned(), 1);
    while is_taken(tx, &id)? {
        n += 1;
        id = format!("{stem}-{n}");
    }
    Ok(id)
}

/// All instances: for what happens by itself.
pub(super) fn all(tx: &Tx<'_>) -> Result<Vec<Instance>, StoreError> {
    tx.list(&format!("SELECT {COLUMNS} FROM instances WHERE deleted_at IS NULL ORDER BY id"), [], read)
}

/// The instances that somebody sees, in a read that brings more.
pub fn list(tx: &Tx<'_>, scope: Scope) -> Result<Vec<Instance>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM instances WHERE deleted_at IS NULL AND (?1 IS NULL OR account_id = ?1) ORDER BY id"
    );
    tx.list(&sql, params![scope], read)
}

/// Writes how an instance stands, and tells endpoints of what changed; a standing that is as it was changes nothing.
pub fn record_standing(
    tx: &WriteTx<'_>,
    id: &InstanceId,
    standing: &ConnectionStatus,
    moment: Moment<'_>,
) -> Result<(), StoreError> {
    let before = match find(tx, id) {
        Ok(before) => before,
        Err(InstanceError::Store(e)) => return Err(e),
        // Deleted in between: nobody's news.
        Err(_) => return Ok(()),
    };
    tx.execute(
        "UPDATE instances SET state = ?2, state_reason = ?3, health = ?4, phone = coalesce(?5, phone) WHERE id = ?1",
        params![id, standing.state, standing.reason, standing.health, standing.phone],
    )?;
    let says_the_same = before.state_reason == standing.reason || standing.state != InstanceState::Open;
    if before.state == standing.state && before.health == standing.health && says_the_same {
        return Ok(());
    }
    let emit = |event: &Event| webhooks::emit(tx, before.account_id, id, event, moment).map(drop);
    let now = moment.now;
    let phone = standing.phone.clone().or(before.phone);
    let was_open = before.state == InstanceState::Open;
    let is_open = standing.state == InstanceState::Open;
    let dropped = (NoticeKind::InstanceDisconnected, id.as_str());
    let parameters = json!({"name": before.name, "state": standing.state, "reason": standing.reason});
    if is_open {
        notices::clear(tx, Some(before.account_id), dropped.0, dropped.1, now)?;
    }
    if is_open && !was_open {
        emit(&Event::InstanceConnected { phone })?;
    } else if was_open && !is_open {
        notices::raise(tx, Some(before.account_id), dropped, &parameters, now)?;
        emit(&Event::InstanceDisconnected { phone, reason: standing.reason.clone() })?;
    } else if before.state == InstanceState::Connecting && standing.state == InstanceState::Close && phone.is_some() {
        // It was to come back by itself, and does not: the owner reads why, not that it was lost.
        notices::raise_or_reword(tx, Some(before.account_id), dropped, &parameters, now)?;
    }
    emit(&Event::InstanceConnectionUpdated {
        state: standing.state,
        previous_state: before.state,
        health: standing.health,
        reason: standing.reason.clone(),
    })
}

fn read(r: &Row<'_>) -> rusqlite::Result<Instance> {
    Ok(Instance {
        id: r.get(0)?,
        account_id: r.get(1)?,
        name: r.get(2)?,
        connector: r.get(3)?,
        settings: serde_json::from_str(&r.get::<_, String>(4)?).unwrap_or_default(),
        state: r.get(5)?,
        state_reason: r.get(6)?,
        health: r.get(7)?,
        phone: r.get(8)?,
        paused_at: r.get(9)?,
        pause_reason: r.get(10)?,
        created_at: r.get(11)?,
        tell_read: r.get(12)?,
        reject_calls: r.get(13)?,
        reject_text: r.get(14)?,
        is_paused_by_owner: r.get(15)?,
    })
}

/// The secret ones among a connector's settings, and the others.
fn apart(
    connector: ConnectorKind,
    settings: BTreeMap<String, String>,
) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    settings.into_iter().partition(|(name, _)| secret_settings(connector).contains(&name.as_str()))
}

fn settings_text(settings: &BTreeMap<String, String>) -> String {
    serde_json::to_string(settings).unwrap_or_else(|_| "{}".into())
}

fn record(
    tx: &WriteTx<'_>,
    (now, actor): (Time, &str),
    (account, id): (AccountId, &InstanceId),
    action: &str,
    (before, after): (Option<&str>, Option<&str>),
) -> Result<(), StoreError> {
    let entry = audit::AuditEntry { actor, account: Some(account), action, target: id.as_str(), before, after };
    audit::record(tx, now, &entry)
}
