//! Who is this? A provider names a person by one or more identities; they lead to one contact, which learns the others.
//!
//! A number that has two forms brings the other one with it, so that a lookup by either finds the person, whoever asks
//! and before any provider has said which form it uses.

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

/// Somebody who was identified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identified {
    /// The one contact behind all the names.
    pub contact: ContactId,
    /// A name was new to it, or two contacts became one: what is kept by name alone must be told.
    pub has_learnt: bool,
    /// Two contacts became one: what counts by contact must be counted anew.
    pub has_merged: bool,
}

/// The contact behind `identities`: added when none is known, merged when several are. `None` for an empty list.
pub fn identify(
    tx: &WriteTx<'_>,
    account: AccountId,
    identities: &[Identity],
    now: Time,
) -> Result<Option<Identified>, StoreError> {
    let mut known: Option<ContactId> = None;
    let mut has_merged = false;
    // The one that is known by a number stays: people are shown numbers.
    let phones_first = |identity: &&Identity| identity.kind != IdentityKind::Phone;
    let mut ordered: Vec<&Identity> = identities.iter().collect();
    ordered.sort_by_key(phones_first);
    for identity in &ordered {
        for name in [Some((*identity).clone()), identity.twin()].into_iter().flatten() {
            match (known, contact::find(tx, account, &name)?) {
                (None, Some(found)) => known = Some(found.id),
                (Some(stays), Some(found)) if stays != found.id => {
                    merge(tx, stays, found.id)?;
                    has_merged = true;
                }
                (Some(_), Some(_)) | (_, None) => {}
            }
        }
    }
    let Some(first) = ordered.first() else { return Ok(None) };
    let contact = match known {
        Some(id) => id,
        None => contact::add(tx, account, first, now)?,
    };
    let mut has_learnt = has_merged;
    for identity in ordered {
        has_learnt |= contact::name(tx, account, contact, identity)?;
    }
    Ok(Some(Identified { contact, has_learnt, has_merged }))
}
