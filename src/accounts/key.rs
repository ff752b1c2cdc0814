//! API keys: made, listed, revoked. `wg_live_` or `wg_test_`, 30 letters and digits, 6 more as a checksum.
//!
//! A `wg_test_` key is made when every instance it is bound to is a sandbox; it never reaches another kind, also when
//! an instance changes later. The text is shown once; SHA-256 of it is kept (the text has 178 random bits: a slow hash
//! would add nothing).

use super::{AccountError, KeyAddresses, KeyScopes, Scope, account, audit};
use crate::{
    model::{
        clock::Time,
        ids::{AccountId, InstanceId, KeyId},
        purpose::Purpose,
        random::{BASE62, Random, base62},
        short_text,
        string_enum::string_enum,
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::time::Duration;

const RANDOM_LEN: usize = 30;
const CHECKSUM_LEN: usize = 6;
const LIVE: &str = "wg_live_";
const TEST: &str = "wg_test_";

string_enum! {
    /// Which dialect a key speaks.
    KeyKind {
        /// `Authorization: Bearer` of contract 1.
        Bearer = "bearer",
        /// `x-api-key` of contract 3.
        Chattu = "chattu",
    }
}

/// A key, without its text.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ApiKey {
    pub id: KeyId,
    pub name: String,
    /// bearer or chattu.
    pub kind: String,
    /// Of a key of the Chattu dialect: why its messages are sent whose request does not say.
    pub purpose: Option<String>,
    /// Of a Bearer key: what it is good for, in the words of [`KeyScope`](super::KeyScope).
    pub scopes: Vec<&'static str>,
    /// Its first characters.
    pub prefix: String,
    /// The instances it may use; empty: all of the account.
    pub instances: Vec<String>,
    /// The networks it may be used from; empty: from anywhere.
    pub addresses: Vec<String>,
    /// When it was made.
    pub created_at: Time,
    /// When it ends.
    pub expires_at: Option<Time>,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Time>,
}

/// What makes a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewKey {
    pub account: AccountId,
    /// What people call it.
    pub name: String,
    /// The instances it may use; empty: all of the account, also later ones.
    pub instances: Vec<InstanceId>,
    pub kind: KeyKind,
    /// Why messages of a key of the Chattu dialect are sent whose request does not say.
    pub purpose: Purpose,
    /// What a Bearer key is good for.
    pub scopes: KeyScopes,
    /// From where it may be used.
    pub addresses: KeyAddresses,
    /// When it ends; none: open end.
    pub expires_at: Option<Time>,
}

/// SHA-256 of a key's text: what is kept of it.
pub(super) fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Whether `text` can be a key at all: prefix, length and checksum. Spares a look-up, proves nothing.
pub(super) fn is_well_formed(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(LIVE).or_else(|| text.strip_prefix(TEST)) else { return false };
    rest.len() == RANDOM_LEN + CHECKSUM_LEN
        && rest.bytes().all(|b| b.is_ascii_alphanumeric())
        && text.ends_with(&checksum(&text[..text.len() - CHECKSUM_LEN]))
}

pub(super) fn create(
    tx: &WriteTx<'_>,
    new: &NewKey,
    now: Time,
    random: &dyn Random,
    actor: &str,
) -> Result<(KeyId, String), AccountError> {
    account::find(tx, new.account, now)?;
    let name = match new.name.trim() {
        "" => String::new(),
        name => short_text::name(name, "a name", short_text::NAME_MAX).map_err(AccountError::Invalid)?,
    };
    let is_test = check_instances(tx, new)?;
    let body = format!("{}{}", if is_test { TEST } else { LIVE }, base62(random, RANDOM_LEN));
    let text = format!("{body}{}", checksum(&body));
    let prefix = &text[..LIVE.len() + 4];
    let id = KeyId(tx.insert(
        "INSERT INTO api_keys (account_id, name, kind, is_test, prefix, hash, created_at, expires_at, purpose, scopes,
             addresses)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            new.account,
            name,
            new.kind.as_str(),
            is_test,
            prefix,
            hash(&text),
            now,
            new.expires_at,
            new.purpose.as_str(),
            new.scopes.words().join(","),
            new.addresses.texts().join(","),
        ],
    )?);
    for instance in &new.instances {
        tx.execute(
            "INSERT OR IGNORE INTO api_key_instances (key_id, instance_id) VALUES (?1, ?2)",
            params![id, instance],
        )?;
    }
    record(tx, (now, actor), new.account, "key.create", (id, prefix))?;
    Ok((id, text))
}

/// The keys of an account, the newest first, in a read that brings more.
pub fn list(tx: &Tx<'_>, account: AccountId) -> Result<Vec<ApiKey>, AccountError> {
    let mut keys = tx.list(
        "SELECT id, name, kind, prefix, created_at, expires_at, revoked_at, last_used_at,
                CASE kind WHEN 'chattu' THEN purpose END, CASE kind WHEN 'bearer' THEN scopes ELSE '' END,
                addresses
         FROM api_keys WHERE account_id = ?1 ORDER BY id",
        params![account],
        |r| {
            Ok(ApiKey {
                id: r.get(0)?,
                name: r.get(1)?,
                kind: r.get(2)?,
                prefix: r.get(3)?,
                instances: Vec::new(),
                addresses: r.get::<_, String>(10)?.split(',').filter(|a| !a.is_empty()).map(str::to_owned).collect(),
                created_at: r.get(4)?,
                expires_at: r.get(5)?,
                revoked_at: r.get(6)?,
                last_used_at: r.get(7)?,
                purpose: r.get(8)?,
                scopes: KeyScopes::from_text(&r.get::<_, String>(9)?).words(),
            })
        },
    )?;
    for key in &mut keys {
        key.instances = instances_of(tx, key.id)?;
    }
    Ok(keys)
}

/// The instances that a key may use; empty: all of its account.
pub fn instances_of(tx: &Tx<'_>, key: KeyId) -> Result<Vec<String>, StoreError> {
    tx.list("SELECT instance_id FROM api_key_instances WHERE key_id = ?1 ORDER BY instance_id", params![key], |r| {
        r.get(0)
    })
}

pub(super) fn revoke(tx: &WriteTx<'_>, id: KeyId, now: Time, actor: &str) -> Result<(), AccountError> {
    let found = tx.find("SELECT account_id, prefix FROM api_keys WHERE id = ?1", params![id], |r| {
        Ok((r.get::<_, AccountId>(0)?, r.get::<_, String>(1)?))
    })?;
    let Some((account, prefix)) = found else {
        return Err(AccountError::NotFound(format!("there is no key {id}; `wa-gateway key list` shows them")));
    };
    tx.execute("UPDATE api_keys SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL", params![id, now])?;
    record(tx, (now, actor), account, "key.revoke", (id, &prefix))
}

/// Notes that a key was used, at most once a minute: a busy key costs a look and no write.
pub fn note_key_use(tx: &WriteTx<'_>, id: KeyId, now: Time) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE api_keys SET last_used_at = ?2 WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?3 OR last_used_at > ?2)",
        params![id, now, now.minus(Duration::from_secs(60))],
    )?;
    Ok(())
}

/// Whether there is a key at all.
pub fn has_key(tx: &Tx<'_>, scope: Scope) -> Result<bool, StoreError> {
    let whose = if scope.account().is_some() { "account_id = ?1" } else { "?1 IS NULL" };
    tx.one(&format!("SELECT EXISTS (SELECT 1 FROM api_keys WHERE {whose})"), params![scope], |r| r.get(0))
}

/// Each instance must be the account's own. Answers whether all are sandboxes (and there is at least one).
fn check_instances(tx: &Tx<'_>, new: &NewKey) -> Result<bool, AccountError> {
    let mut sandboxes = 0;
    for id in &new.instances {
        let connector = tx.find(
            "SELECT connector FROM instances WHERE id = ?1 AND account_id = ?2 AND deleted_at IS NULL",
            params![id, new.account],
            |r| r.get::<_, String>(0),
        )?;
        let Some(connector) = connector else {
            return Err(AccountError::NotFound(format!("account {} has no instance {id}", new.account)));
        };
        sandboxes += usize::from(connector == "sandbox");
    }
    Ok(sandboxes > 0 && sandboxes == new.instances.len())
}

fn checksum(body: &str) -> String {
    let mut number = u64::from_be_bytes(hash(body)[..8].try_into().unwrap_or_default());
    let mut out = String::with_capacity(CHECKSUM_LEN);
    for _ in 0..CHECKSUM_LEN {
        out.push(BASE62[(number % 62) as usize] as char);
        number /= 62;
    }
    out
}

pub(super) fn record(
    tx: &WriteTx<'_>,
    (now, actor): (Time, &str),
    account: AccountId,
    action: &str,
    (id, after): (KeyId, &str),
) -> Result<(), AccountError> {
    let target = id.to_string();
    let entry =
        audit::AuditEntry { actor, account: Some(account), action, target: &target, before: None, after: Some(after) };
    Ok(audit::record(tx, now, &entry)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_with_one_wrong_character_is_not_well_formed() {
        let body = "wg_live_abcdefghijABCDEFGHIJ0123456789";
        let key = format!("{body}{}", checksum(body));
        assert!(is_well_formed(&key), "{key}");
        for (i, c) in key.char_indices() {
            let other = if c == 'x' { 'y' } else { 'x' };
            let mut wrong = key.clone();
            wrong.replace_range(i..i + c.len_utf8(), &other.to_string());
            assert!(!is_well_formed(&wrong), "{wrong}");
        }
        assert!(!is_well_formed("") && !is_well_formed("wg_live_") && !is_well_formed("wg_live_é"));
    }
}
