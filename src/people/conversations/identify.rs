//! Who is this? A provider names a person by one or more identities; they lead to one contact, which learns the others.
//!
//! A number that has two forms brings the other one with it, so that a lookup by either finds the person, whoever asks
//! and before any provider has said which form it uses.

use super::{
    contact::{self, Identity, IdentityKind, NameOwner},
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

/// The contact behind `identities`: added when none is known, merged when several are. `None` for an empty list. A number
/// that somebody gave up, and that is named with another one's hidden id, is the other one's from now on.
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
    let mut unwritten = Vec::new();
    for identity in &ordered {
        // One after the other: the second may have been the first one's, and have moved with it.
        let mut own = contact::find_owner(tx, account, identity)?;
        if let Some(NameOwner { contact, is_former: true, .. }) = own
            && identity.kind == IdentityKind::Phone
            && is_another(tx, account, contact, identities)?
        {
            contact::release(tx, account, contact, identity)?;
            own = None;
        }
        if let (Some(one), Some(NameOwner { contact: other, .. })) = (known, own)
            && one != other
        {
            let still = without_given_up(tx, [one, other], identities)?;
            if still.len() < identities.len() {
                let found = identify(tx, account, &still, now)?;
                return Ok(found.map(|found| Identified { has_merged: found.has_merged | has_merged, ..found }));
            }
        }
        has_merged |= join(tx, &mut known, own)?;
        let lacks_twin = match identity.twin() {
            Some(twin) => {
                let owner = contact::find_owner(tx, account, &twin)?;
                has_merged |= join(tx, &mut known, owner)?;
                owner.is_none()
            }
            None => false,
        };
        // Known as it is told, in both forms: nothing is to be written.
        if lacks_twin || own.is_none_or(|own| own.is_variant) {
            unwritten.push(*identity);
        }
    }
    let Some(first) = ordered.first() else { return Ok(None) };
    let contact = match known {
        Some(id) => id,
        None => contact::add(tx, account, first, now)?,
    };
    let mut has_learnt = has_merged;
    for identity in unwritten {
        has_learnt |= contact::name(tx, account, contact, identity)?;
    }
    Ok(Some(Identified { contact, has_learnt, has_merged }))
}

/// Whether `identities` are not the contact's: it has a hidden id of a kind that is among them, and none of them is its own.
fn is_another(
    tx: &WriteTx<'_>,
    account: AccountId,
    contact: ContactId,
    identities: &[Identity],
) -> Result<bool, StoreError> {
    let mut is_another = false;
    for hidden in identities.iter().filter(|name| matches!(name.kind, IdentityKind::Lid | IdentityKind::Bsuid)) {
        if contact::find_owner(tx, account, hidden)?.is_some_and(|owner| owner.contact == contact) {
            return Ok(false);
        }
        is_another |= contact::has_kind(tx, contact, hidden.kind)?;
    }
    Ok(is_another)
}

/// The names without the numbers that one of the two had before somebody else: late news, or news told again, of the time
/// when it was theirs makes nobody one person.
fn without_given_up(
    tx: &WriteTx<'_>,
    two: [ContactId; 2],
    identities: &[Identity],
) -> Result<Vec<Identity>, StoreError> {
    let mut still = Vec::new();
    for identity in identities {
        let is_phone = identity.kind == IdentityKind::Phone;
        if !(is_phone && (contact::gave_up(tx, two[0], identity)? || contact::gave_up(tx, two[1], identity)?)) {
            still.push(identity.clone());
        }
    }
    Ok(still)
}

/// A name's owner is `known`, or becomes it; says whether two contacts became one by that.
fn join(tx: &WriteTx<'_>, known: &mut Option<ContactId>, owner: Option<NameOwner>) -> Result<bool, StoreError> {
    let Some(NameOwner { contact, .. }) = owner else { return Ok(false) };
    let stays = *known.get_or_insert(contact);
    if stays != contact {
        merge(tx, stays, contact)?;
    }
    Ok(stays != contact)
}
