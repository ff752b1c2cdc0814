//! What the lists of people, of conversations and of what was heard are asked for.

use crate::model::{
    clock::Time,
    ids::{AccountId, ContactId, InstanceId},
};
use rusqlite::{ToSql, types::ToSqlOutput};

/// One person, by what they are looked for by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Whose {
    /// A number, E.164, in either form.
    Phone(String),
    /// Their number here.
    Contact(ContactId),
}

impl Whose {
    /// The SQL that lists the contact: the account is `?1`, and this is `?2`.
    pub(super) const fn contacts(&self) -> &'static str {
        match self {
            Self::Phone(_) => {
                "(SELECT contact_id FROM contact_identities WHERE account_id = ?1 AND kind = 'phone' AND value = ?2)"
            }
            Self::Contact(_) => "(?2)",
        }
    }
}

impl ToSql for Whose {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Phone(phone) => phone.to_sql(),
            Self::Contact(contact) => contact.to_sql(),
        }
    }
}

/// Which people, conversations or inbound messages. What is not set does not matter.
#[derive(Clone, Debug)]
pub struct PeopleSearch {
    pub account: AccountId,
    /// Of one instance.
    pub instance: Option<InstanceId>,
    /// Of any of these; none: of whichever.
    pub among: Option<Vec<String>>,
    /// One person; what they wrote.
    pub person: Option<Whose>,
    /// Not older; of messages: not taken in before.
    pub since: Option<Time>,
    /// Older than this row: the page after the one that ended with it.
    pub after: Option<(Time, i64)>,
    /// At most so many.
    pub limit: u32,
}
