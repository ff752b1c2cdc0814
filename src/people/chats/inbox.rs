//! What people wrote, of all chats, newest first.

use crate::{
    accounts::scope::Scope,
    model::clock::Time,
    store::{StoreError, Tx},
};
use rusqlite::params;

/// Which of it. What is not set does not matter.
#[derive(Clone, Debug)]
pub struct InboxFilter {
    pub scope: Scope,
    pub instance: Option<String>,
    /// Of the person with this number, E.164.
    pub phone: Option<String>,
    /// Before this row.
    pub before: i64,
    /// At most so many.
    pub limit: usize,
}

/// One inbound message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InboxRow {
    pub id: i64,
    /// When it was taken in.
    pub at: Time,
    pub instance: String,
    /// E.164; none: a hidden number.
    pub phone: Option<String>,
    pub name: Option<String>,
    pub contact: Option<i64>,
    /// The group's name, if it was written in one that has a name.
    pub group: Option<String>,
    pub kind: String,
    pub body: String,
    /// The chat that it stands in, as [`super::ChatId`] is written; none: nobody is known by it.
    pub chat: Option<String>,
}

/// A page of it. What the owner wrote on their own phone is none.
///
/// # Errors
/// The database's own.
pub fn inbox(tx: &Tx<'_>, wanted: &InboxFilter) -> Result<Vec<InboxRow>, StoreError> {
    tx.list(
        "SELECT m.id, m.created_at, m.instance_id,
                (SELECT i.value FROM contact_identities i WHERE i.contact_id = m.contact_id AND i.kind = 'phone'
                 ORDER BY i.former_at IS NOT NULL, i.is_variant, i.value LIMIT 1),
                c.name, m.contact_id, g.name, m.kind, m.body,
                coalesce(m.group_id, 'c' || m.contact_id)
         FROM inbound_messages m LEFT JOIN contacts c ON c.id = m.contact_id
              LEFT JOIN groups g ON g.instance_id = m.instance_id AND g.group_id = m.group_id
         WHERE (?1 IS NULL OR m.account_id = ?1) AND (?2 IS NULL OR m.instance_id = ?2) AND m.id < ?4
           AND m.origin IS NULL
           AND (?3 IS NULL OR m.contact_id IN (SELECT contact_id FROM contact_identities
                WHERE kind = 'phone' AND value = ?3))
         ORDER BY m.id DESC LIMIT ?5",
        params![wanted.scope, wanted.instance, wanted.phone, wanted.before, wanted.limit],
        |r| {
            Ok(InboxRow {
                id: r.get(0)?,
                at: r.get(1)?,
                instance: r.get(2)?,
                phone: r.get(3)?,
                name: r.get(4)?,
                contact: r.get(5)?,
                group: r.get(6)?,
                kind: r.get(7)?,
                body: r.get(8)?,
                chat: r.get(9)?,
            })
        },
    )
}

/// The number of the newest row; 0: there is none.
///
/// # Errors
/// The database's own.
pub fn newest_heard(tx: &Tx<'_>) -> Result<i64, StoreError> {
    tx.one("SELECT coalesce(max(id), 0) FROM inbound_messages", [], |r| r.get(0))
}
