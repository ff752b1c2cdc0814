//! Contacts' rows: found by any identity, added with the first one.

use crate::{
    connectors::{Address, inbound_event::RemoteParty},
    model::{
        clock::Time,
        ids::{AccountId, ContactId},
        phone::Phone,
        string_enum::string_enum,
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::{Row, params};

string_enum! {
    /// By what kind of name a person is known.
    IdentityKind {
        /// E.164 with `+`.
        Phone = "phone",
        /// WhatsApp Web's hidden id.
        Lid = "lid",
        /// The Cloud API's business-scoped user id.
        Bsuid = "bsuid",
        /// Another one, to which nothing is sent: the provider's word for somebody that is no number and no hidden id,
        /// [`NOBODY`], or `contact:` and the number of a contact that has become a part of this one.
        Other = "jid",
    }
}

/// By this name whoever is not named is known: what they write stands in one chat.
pub const NOBODY: &str = "nobody";

/// One name of a person.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Identity {
    /// Of what kind.
    pub kind: IdentityKind,
    pub value: String,
}

impl Identity {
    /// The name behind a recipient as the log has it: a number, or a hidden id.
    pub fn of(recipient: &str) -> Self {
        let kind = match recipient {
            phone if phone.starts_with('+') => IdentityKind::Phone,
            lid if lid.ends_with("@lid") => IdentityKind::Lid,
            other if other.contains('@') || other.starts_with("contact:") => IdentityKind::Other,
            _ => IdentityKind::Bsuid,
        };
        Self { kind, value: recipient.to_owned() }
    }

    /// The same number in the other form that it has, see [`Phone::twin`].
    pub fn twin(&self) -> Option<Self> {
        let phone = (self.kind == IdentityKind::Phone).then(|| Phone::known(&self.value)).flatten()?;
        phone.twin().map(|twin| Self::phone(twin.as_str()))
    }

    /// Where a message to this name goes; none for a kind that nothing is sent to.
    pub fn address(&self) -> Option<Address> {
        match self.kind {
            IdentityKind::Phone => Phone::known(&self.value).map(Address::Phone),
            IdentityKind::Lid => Some(Address::Lid(self.value.clone())),
            IdentityKind::Bsuid => Some(Address::Bsuid(self.value.clone())),
            IdentityKind::Other => None,
        }
    }

    /// The names that a provider gave somebody.
    pub fn all_of(person: &RemoteParty) -> Vec<Self> {
        let named = [
            (IdentityKind::Phone, &person.phone),
            (IdentityKind::Lid, &person.lid),
            (IdentityKind::Bsuid, &person.bsuid),
            (IdentityKind::Other, &person.other),
        ];
        let given = named.into_iter().filter_map(|(kind, value)| value.as_ref().map(|value| (kind, value)));
        given.map(|(kind, value)| Self { kind, value: value.clone() }).collect()
    }

    /// The number of a contact that may have become a part of another one.
    pub(super) fn former(contact: ContactId) -> Self {
        Self { kind: IdentityKind::Other, value: format!("contact:{contact}") }
    }

    /// A telephone number in E.164 with `+`.
    pub fn phone(value: impl Into<String>) -> Self {
        Self { kind: IdentityKind::Phone, value: value.into() }
    }
}

/// A person, as far as sending to them asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contact {
    /// Their number here.
    pub id: ContactId,
    pub name: Option<String>,
    /// When the account brought them in as an existing customer.
    pub imported_at: Option<Time>,
    /// When they were first written to.
    pub first_outbound_at: Option<Time>,
    /// When they last wrote (or called).
    pub last_inbound_at: Option<Time>,
}

impl Contact {
    /// Whether the account never had to do with them: they never wrote, were never written to, were not imported.
    pub const fn is_stranger(&self) -> bool {
        self.imported_at.is_none() && self.first_outbound_at.is_none() && self.last_inbound_at.is_none()
    }
}

/// The contact known by `identity`.
pub fn find(tx: &Tx<'_>, account: AccountId, identity: &Identity) -> Result<Option<Contact>, StoreError> {
    tx.find(
        "SELECT c.id, c.name, c.imported_at, c.first_outbound_at, c.last_inbound_at
         FROM contact_identities i JOIN contacts c ON c.id = i.contact_id
         WHERE i.account_id = ?1 AND i.kind = ?2 AND i.value = ?3",
        params![account, identity.kind.as_str(), identity.value],
        read,
    )
}

/// Whose a name is.
#[derive(Clone, Copy)]
pub(super) struct NameOwner {
    pub(super) contact: ContactId,
    /// Nobody has told it: it is the other form of a number that somebody told.
    pub(super) is_variant: bool,
    /// They gave it up.
    pub(super) is_former: bool,
}

/// Whose a name is, if it is anybody's.
pub(super) fn find_owner(
    tx: &Tx<'_>,
    account: AccountId,
    identity: &Identity,
) -> Result<Option<NameOwner>, StoreError> {
    let sql = "SELECT contact_id, is_variant, former_at IS NOT NULL FROM contact_identities
               WHERE account_id = ?1 AND kind = ?2 AND value = ?3";
    tx.find(sql, params![account, identity.kind.as_str(), identity.value], |r| {
        Ok(NameOwner { contact: r.get(0)?, is_variant: r.get(1)?, is_former: r.get(2)? })
    })
}

/// Whether the contact has a name of this kind.
pub(super) fn has_kind(tx: &Tx<'_>, id: ContactId, kind: IdentityKind) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM contact_identities WHERE contact_id = ?1 AND kind = ?2 LIMIT 1";
    Ok(tx.find(sql, params![id, kind.as_str()], |_| Ok(()))?.is_some())
}

/// The contact with this number, or the one that it has become a part of, and its names: of each kind those first that are
/// good.
pub fn find_by_id(
    tx: &Tx<'_>,
    account: AccountId,
    id: ContactId,
) -> Result<Option<(Contact, Vec<Identity>)>, StoreError> {
    let contact = tx.find(
        "SELECT id, name, imported_at, first_outbound_at, last_inbound_at FROM contacts
         WHERE id = ?1 AND account_id = ?2",
        params![id, account],
        read,
    )?;
    let contact = match contact {
        Some(contact) => Some(contact),
        None => find(tx, account, &Identity::former(id))?,
    };
    let Some(contact) = contact else { return Ok(None) };
    let identities = tx.list(
        "SELECT kind, value FROM contact_identities WHERE contact_id = ?1
         ORDER BY kind, former_at IS NOT NULL, former_at DESC, is_variant, value",
        params![contact.id],
        |r| {
            let kind = IdentityKind::parse(&r.get::<_, String>(0)?).unwrap_or(IdentityKind::Other);
            Ok(Identity { kind, value: r.get(1)? })
        },
    )?;
    Ok(Some((contact, identities)))
}

/// The number by which people are shown the contact: one that is still theirs, the last one where they gave up all; none:
/// it is hidden.
pub fn find_phone(tx: &Tx<'_>, id: ContactId) -> Result<Option<String>, StoreError> {
    tx.find(
        "SELECT value FROM contact_identities WHERE contact_id = ?1 AND kind = 'phone'
         ORDER BY former_at IS NOT NULL, former_at DESC, is_variant, value LIMIT 1",
        params![id],
        |r| r.get(0),
    )
}

/// What the contact is called; none: nobody has said.
pub fn find_name(tx: &Tx<'_>, id: ContactId) -> Result<Option<String>, StoreError> {
    Ok(tx.find("SELECT name FROM contacts WHERE id = ?1", params![id], |r| r.get(0))?.flatten())
}

/// A new contact, known by `identity`. It must not be known yet.
pub fn add(tx: &WriteTx<'_>, account: AccountId, identity: &Identity, now: Time) -> Result<ContactId, StoreError> {
    insert(tx, account, identity, (now, None))
}

/// The same for somebody who is written to, [`note_outbound`] included.
pub fn add_written_to(
    tx: &WriteTx<'_>,
    account: AccountId,
    identity: &Identity,
    now: Time,
) -> Result<ContactId, StoreError> {
    insert(tx, account, identity, (now, Some(now)))
}

fn insert(
    tx: &WriteTx<'_>,
    account: AccountId,
    identity: &Identity,
    (now, first_outbound): (Time, Option<Time>),
) -> Result<ContactId, StoreError> {
    let sql = "INSERT INTO contacts (account_id, created_at, first_outbound_at) VALUES (?1, ?2, ?3)";
    let id = ContactId(tx.insert(sql, params![account, now, first_outbound])?);
    name(tx, account, id, identity)?;
    Ok(id)
}

/// The person is known by this, too, and by the number's other form, which nobody has used yet. Says whether that is
/// new. A name of somebody else's stays theirs.
pub(super) fn name(
    tx: &WriteTx<'_>,
    account: AccountId,
    id: ContactId,
    identity: &Identity,
) -> Result<bool, StoreError> {
    let insert = |value: &str, is_variant: bool| {
        tx.execute(
            "INSERT INTO contact_identities (account_id, kind, value, contact_id, is_variant)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET is_variant = 0 WHERE is_variant > excluded.is_variant",
            params![account, identity.kind.as_str(), value, id, is_variant],
        )
    };
    let is_new = insert(&identity.value, false)? > 0;
    if let Some(twin) = identity.twin() {
        insert(&twin.value, true)?;
    }
    Ok(is_new)
}

/// The contact known by `identity`, added where there is none.
pub fn find_or_add(
    tx: &WriteTx<'_>,
    account: AccountId,
    identity: &Identity,
    now: Time,
) -> Result<ContactId, StoreError> {
    match find(tx, account, identity)? {
        Some(contact) => Ok(contact.id),
        None => add(tx, account, identity, now),
    }
}

/// The contact does not use this name of theirs any more: it still leads to them, and is the last one to write to.
pub fn retire(
    tx: &WriteTx<'_>,
    account: AccountId,
    (contact, identity): (ContactId, &Identity),
    at: Time,
) -> Result<(), StoreError> {
    let twin = identity.twin().map(|twin| twin.value);
    tx.execute(
        "UPDATE contact_identities SET former_at = ?5
         WHERE account_id = ?1 AND kind = ?2 AND value IN (?3, ?4) AND contact_id = ?6",
        params![account, identity.kind.as_str(), identity.value, twin, at, contact],
    )?;
    Ok(())
}

/// The number, which its owner gave up, leads to them no longer: somebody else has it now. What the owner was written to
/// under it stays theirs, and so does what waits for them.
pub(super) fn release(
    tx: &WriteTx<'_>,
    account: AccountId,
    owner: ContactId,
    number: &Identity,
) -> Result<(), StoreError> {
    for value in [Some(number.value.clone()), number.twin().map(|twin| twin.value)].into_iter().flatten() {
        let was = given_up(&value, owner);
        tx.execute(
            "UPDATE messages SET recipient = ?4 WHERE account_id = ?1 AND recipient = ?2 AND contact_id = ?3",
            params![account, value, owner, was],
        )?;
        tx.execute(
            "UPDATE schedules SET recipient = 'contact:' || ?3, request = json_set(request, '$.phone', 'contact:' || ?3)
             WHERE account_id = ?1 AND recipient = ?2 AND state = 'pending'",
            params![account, value, owner],
        )?;
        tx.execute(
            "UPDATE contact_identities SET kind = ?5, value = ?4, is_variant = 0
             WHERE account_id = ?1 AND kind = 'phone' AND value = ?2 AND contact_id = ?3",
            params![account, value, owner, was, IdentityKind::Other.as_str()],
        )?;
    }
    Ok(())
}

/// What stands for a number with whoever had it before.
fn given_up(number: &str, owner: ContactId) -> String {
    format!("former:{number}:{owner}")
}

/// Whether the number was the contact's before somebody else had it.
pub(super) fn gave_up(tx: &Tx<'_>, id: ContactId, number: &Identity) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM contact_identities WHERE contact_id = ?1 AND kind = 'jid' AND value LIKE ?2 LIMIT 1";
    Ok(tx.find(sql, params![id, format!("former:{}:%", number.value)], |_| Ok(()))?.is_some())
}

/// Somebody wrote under this name: it is good again, unless they wrote before it was given up.
pub fn revive(tx: &WriteTx<'_>, account: AccountId, identity: &Identity, at: Time) -> Result<(), StoreError> {
    let twin = identity.twin().map(|twin| twin.value);
    let named = params![account, identity.kind.as_str(), identity.value, twin, at];
    // Most names were never given up, and to look is less than to change.
    let sql = "SELECT 1 FROM contact_identities
               WHERE account_id = ?1 AND kind = ?2 AND value IN (?3, ?4) AND former_at < ?5 LIMIT 1";
    if tx.find(sql, named, |_| Ok(()))?.is_some() {
        tx.execute(
            "UPDATE contact_identities SET former_at = NULL
             WHERE account_id = ?1 AND kind = ?2 AND value IN (?3, ?4) AND former_at < ?5",
            named,
        )?;
    }
    Ok(())
}

/// They were written to: from now on they are no stranger.
pub fn note_outbound(tx: &WriteTx<'_>, id: ContactId, now: Time) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE contacts SET first_outbound_at = ?2 WHERE id = ?1 AND first_outbound_at IS NULL",
        params![id, now],
    )?;
    Ok(())
}

/// They wrote or called: opens the conversation window. Late news does not close it earlier.
pub fn note_inbound(tx: &WriteTx<'_>, id: ContactId, name: Option<&str>, at: Time) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE contacts SET last_inbound_at = max(coalesce(last_inbound_at, 0), ?2), name = coalesce(?3, name)
         WHERE id = ?1",
        params![id, at, name],
    )?;
    Ok(())
}

/// What the owner calls them in the address book, where they gave no name themself. Says whether that is new.
pub fn note_name(tx: &WriteTx<'_>, id: ContactId, name: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE contacts SET name = ?2 WHERE id = ?1 AND coalesce(name, '') = '' AND ?2 <> ''";
    Ok(tx.execute(sql, params![id, name])? > 0)
}

fn read(r: &Row<'_>) -> rusqlite::Result<Contact> {
    Ok(Contact {
        id: r.get(0)?,
        name: r.get(1)?,
        imported_at: r.get(2)?,
        first_outbound_at: r.get(3)?,
        last_inbound_at: r.get(4)?,
    })
}

/// The best of a person's identities to write to: the phone, else a hidden id.
pub fn address_of(identities: &[Identity]) -> Option<Address> {
    let named = |kind| identities.iter().find(|i| i.kind == kind).map(|i| i.value.clone());
    let phone = named(IdentityKind::Phone).and_then(|text| Phone::known(&text));
    phone
        .map(Address::Phone)
        .or_else(|| named(IdentityKind::Lid).map(Address::Lid))
        .or_else(|| named(IdentityKind::Bsuid).map(Address::Bsuid))
}
