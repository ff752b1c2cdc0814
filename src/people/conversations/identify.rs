//! Who is this? A provider names a person by one or more identities; they lead to one contact, which learns the others.

use super::{
    contact::{self, Identity, IdentityKind},
    merge::merge,
};
use crate::{
    model::{
        clock::Time,
        ids::{AccountId, ContactId},
    },
    store::{StoreError, WriteTx},
};
use rusqlite::params;

/// The contact behind `identities`: added when none is known, merged when several are. `None` for an empty list.
///
/// # Errors
/// The store's.
pub fn identify(
    tx: &WriteTx<'_>,
    account: AccountId,
    identities: &[Identity],
    now: Time,
) -> Result<Option<ContactId>, StoreError> {
    let mut known: Option<ContactId> = None;
    // The one that is known by a number stays: people are shown numbers.
    let phones_first = |identity: &&Identity| identity.kind != IdentityKind::Phone;
    let mut ordered: Vec<&Identity> = identities.iter().collect();
    ordered.sort_by_key(phones_first);
    for identity in &ordered {
        match (known, contact::find(tx, account, identity)?) {
            (None, Some(found)) => known = Some(found.id),
            (Some(stays), Some(found)) => merge(tx, stays, found.id)?,
            (_, None) => {}
        }
    }
    let Some(first) = ordered.first() else { return Ok(None) };
    let id = match known {
        Some(id) => id,
        None => contact::add(tx, account, first, now)?,
    };
    for identity in ordered {
        tx.execute(
            "INSERT INTO contact_identities (account_id, kind, value, contact_id) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
            params![account, identity.kind.as_str(), identity.value, id],
        )?;
    }
    Ok(Some(id))
}
