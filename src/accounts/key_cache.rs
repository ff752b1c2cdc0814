//! The key ring: which key text belongs to whom, in memory, so that a request is known before its body is read.
//!
//! It is filled at start and after each change of keys or accounts. The guard looks at the key's row again inside the
//! transaction that accepts a message, so that a key which is revoked in between is refused all the same.

use super::{
    KeyAddresses, KeyScopes,
    key::{self, KeyKind},
};
use crate::{
    model::{
        clock::Time,
        ids::{AccountId, InstanceId, KeyId},
        phone::Region,
        purpose::Purpose,
    },
    store::{StoreError, Tx},
};
use arc_swap::ArcSwap;
use std::{collections::HashMap, net::IpAddr, sync::Arc};
use subtle::ConstantTimeEq;

/// Who calls: a key in force.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caller {
    pub key: KeyId,
    pub account: AccountId,
    /// The account's default region, for reading national numbers.
    pub region: Option<Region>,
    /// What the key is good for.
    pub scopes: KeyScopes,
}

/// Who calls in the Chattu dialect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DialectCaller {
    /// The key and its account.
    pub caller: Caller,
    /// A client key is good for one instance; none: an account key, good for all.
    pub instance: Option<InstanceId>,
    /// Why messages are sent whose request does not say.
    pub purpose: Purpose,
}

/// Why a key is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyProblem {
    /// Missing, malformed, unknown or expired.
    Invalid,
    /// Known, and revoked.
    Revoked,
    /// In force, and not from where the request came.
    Elsewhere,
}

/// All keys by the hash of their text.
#[derive(Default)]
pub struct KeyCache {
    entries: ArcSwap<HashMap<[u8; 32], CachedKey>>,
}

#[derive(Clone, Debug)]
pub(super) struct CachedKey {
    hash: [u8; 32],
    caller: Caller,
    dialect: Option<(Option<InstanceId>, Purpose)>,
    revoked: bool,
    expires_at: Option<Time>,
    /// None: from nowhere.
    addresses: Option<KeyAddresses>,
}

impl KeyCache {
    /// Whose Bearer key this text is, in a request that came from `from`.
    ///
    /// # Errors
    /// See [`KeyProblem`].
    pub fn find(&self, text: &str, from: IpAddr, now: Time) -> Result<Caller, KeyProblem> {
        let entry = self.look_up(text, now)?;
        if entry.dialect.is_some() { Err(KeyProblem::Invalid) } else { entry.used_from(from).map(|entry| entry.caller) }
    }

    /// Whose key of the Chattu dialect this text is, in a request that came from `from`.
    ///
    /// # Errors
    /// See [`KeyProblem`].
    pub fn find_dialect(&self, text: &str, from: IpAddr, now: Time) -> Result<DialectCaller, KeyProblem> {
        let CachedKey { caller, dialect, .. } = self.look_up(text, now)?.used_from(from)?;
        let (instance, purpose) = dialect.ok_or(KeyProblem::Invalid)?;
        Ok(DialectCaller { caller, instance, purpose })
    }

    fn look_up(&self, text: &str, now: Time) -> Result<CachedKey, KeyProblem> {
        if !key::is_well_formed(text) {
            return Err(KeyProblem::Invalid);
        }
        let hash = key::hash(text);
        let entries = self.entries.load();
        let entry = entries.get(&hash).ok_or(KeyProblem::Invalid)?;
        // The map finds by a hash that a caller cannot steer; the comparison of the whole is constant in time.
        if !bool::from(entry.hash.ct_eq(&hash)) || entry.expires_at.is_some_and(|end| end <= now) {
            return Err(KeyProblem::Invalid);
        }
        if entry.revoked { Err(KeyProblem::Revoked) } else { Ok(entry.clone()) }
    }

    pub(super) fn replace(&self, entries: Vec<CachedKey>) {
        self.entries.store(Arc::new(entries.into_iter().map(|e| (e.hash, e)).collect()));
    }
}

impl CachedKey {
    fn used_from(self, from: IpAddr) -> Result<Self, KeyProblem> {
        let is_held = self.addresses.as_ref().is_some_and(|addresses| addresses.holds(from));
        if is_held { Ok(self) } else { Err(KeyProblem::Elsewhere) }
    }
}

pub(super) fn load(tx: &Tx<'_>) -> Result<Vec<CachedKey>, StoreError> {
    tx.list(
        "SELECT k.hash, k.id, k.account_id, a.region, k.revoked_at, k.expires_at, k.kind, k.purpose,
                (SELECT min(x.instance_id) FROM api_key_instances x WHERE x.key_id = k.id), k.scopes,
                k.addresses
         FROM api_keys k JOIN accounts a ON a.id = k.account_id",
        [],
        |r| {
            let region = r.get::<_, Option<String>>(3)?.and_then(|text| Region::parse(&text).ok());
            let purpose = Purpose::parse(&r.get::<_, String>(7)?).unwrap_or(Purpose::Transactional);
            let is_dialect = r.get::<_, String>(6)? == KeyKind::Chattu.as_str();
            Ok(CachedKey {
                dialect: is_dialect.then_some((r.get(8)?, purpose)),
                hash: r.get(0)?,
                caller: Caller {
                    key: r.get(1)?,
                    account: r.get(2)?,
                    region,
                    scopes: KeyScopes::from_text(&r.get::<_, String>(9)?),
                },
                revoked: r.get::<_, Option<Time>>(4)?.is_some(),
                expires_at: r.get(5)?,
                addresses: KeyAddresses::from_text(&r.get::<_, String>(10)?),
            })
        },
    )
}
