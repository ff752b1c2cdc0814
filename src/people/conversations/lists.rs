//! People and conversations, the newest first, a page at a time.

use super::search::PeopleSearch;
use crate::{
    model::{clock::Time, ids::ContactId},
    store::{StoreError, Tx},
};
use rusqlite::{Row, ToSql};
use serde::Serialize;

/// A person, as the list shows one.
#[derive(Clone, Debug, Serialize)]
pub struct ListedContact {
    pub contact_id: ContactId,
    pub contact_name: Option<String>,
    /// E.164, or null for a hidden number.
    pub phone: Option<String>,
    /// Whether nothing is sent to them.
    pub suppressed: bool,
    /// When the account brought them in as an existing customer.
    pub imported_at: Option<Time>,
    /// When they were first written to.
    pub first_outbound_at: Option<Time>,
    /// When they last wrote or called.
    pub last_inbound_at: Option<Time>,
    /// What the list is ordered by.
    pub created_at: Time,
}

/// A conversation of an instance with a person, with the names that the event `conversation.updated` has for its parts.
#[derive(Clone, Debug, Serialize)]
pub struct ListedConversation {
    pub conversation_id: i64,
    pub instance_id: String,
    pub contact_id: ContactId,
    pub contact_name: Option<String>,
    /// E.164, or null for a hidden number.
    pub from: Option<String>,
    /// Not read yet.
    pub unread_count: i64,
    /// Inbound messages so far.
    pub sequence: i64,
    /// When the person last opened the 24 hours in which a provider takes any text; by a call it may be later.
    pub last_inbound_at: Option<Time>,
    /// When anything was last heard in it, by the provider's clock: what the list is ordered by.
    pub last_heard_at: Time,
    pub created_at: Time,
}

/// The best number of the contact `c`.
const PHONE: &str = "(SELECT i.value FROM contact_identities i WHERE i.contact_id = c.id AND i.kind = 'phone'
                 ORDER BY i.former_at IS NOT NULL, i.is_variant, i.value LIMIT 1)";

/// The people of an account. Of instances that are named: those who wrote to one of them.
pub fn list_contacts(tx: &Tx<'_>, wanted: &PeopleSearch) -> Result<Vec<ListedContact>, StoreError> {
    let (sql, values) = contacts_statement(wanted);
    tx.list(&sql, rusqlite::params_from_iter(values.iter()), read_contact)
}

pub fn list_conversations(tx: &Tx<'_>, wanted: &PeopleSearch) -> Result<Vec<ListedConversation>, StoreError> {
    let (sql, values) = conversations_statement(wanted);
    tx.list(&sql, rusqlite::params_from_iter(values.iter()), read_conversation)
}

/// The statement that looks for these people, and its values.
pub fn contacts_statement(wanted: &PeopleSearch) -> (String, Vec<Box<dyn ToSql>>) {
    let mut conditions = own("c.", wanted);
    if wanted.instance.is_some() {
        conditions += " AND EXISTS (SELECT 1 FROM conversations v WHERE v.contact_id = c.id AND v.instance_id = ?3)";
    }
    if wanted.among.is_some() {
        conditions += " AND EXISTS (SELECT 1 FROM conversations v WHERE v.contact_id = c.id
                            AND v.instance_id IN (SELECT value FROM json_each(?4)))";
    }
    let sql = format!(
        "SELECT c.id, c.name, {PHONE},
                EXISTS (SELECT 1 FROM suppressions s WHERE s.contact_id = c.id AND s.lifted_at IS NULL),
                c.imported_at, c.first_outbound_at, c.last_inbound_at, c.created_at
         FROM contacts c
         WHERE {conditions} AND c.created_at >= ?5 AND c.created_at <= ?6
               AND NOT (c.created_at = ?6 AND c.id >= ?7)
         ORDER BY c.created_at DESC, c.id DESC LIMIT ?8"
    );
    (sql, values(wanted))
}

/// The statement that looks for these conversations, and its values: entered by a person, else an instance, else the
/// account; the others are looked at row by row, which the `+` says.
pub fn conversations_statement(wanted: &PeopleSearch) -> (String, Vec<Box<dyn ToSql>>) {
    let (person, instance) = (wanted.person.as_ref(), wanted.instance.is_some());
    let plus = |is_other: bool| if is_other { "+" } else { "" };
    let mut conditions = format!("{}v.account_id = ?1", plus(person.is_some() || instance));
    if let Some(person) = person {
        conditions += &format!(" AND v.contact_id IN {}", person.contacts());
    }
    if instance {
        conditions += &format!(" AND {}v.instance_id = ?3", plus(person.is_some()));
    }
    if wanted.among.is_some() {
        conditions += " AND +v.instance_id IN (SELECT value FROM json_each(?4))";
    }
    let by = if person.is_some() { "+v.last_message_at" } else { "v.last_message_at" };
    let sql = format!(
        "SELECT v.id, v.instance_id, c.id, c.name, {PHONE}, v.unread_count, v.sequence, v.last_inbound_at,
                v.last_message_at, v.created_at
         FROM conversations v JOIN contacts c ON c.id = v.contact_id
         WHERE {conditions} AND {by} >= ?5 AND {by} <= ?6 AND NOT (v.last_message_at = ?6 AND v.id >= ?7)
         ORDER BY {by} DESC, v.id DESC LIMIT ?8"
    );
    (sql, values(wanted))
}

/// Of the account; of one person of it.
fn own(table: &str, wanted: &PeopleSearch) -> String {
    match &wanted.person {
        Some(person) => format!("+{table}account_id = ?1 AND {table}id IN {}", person.contacts()),
        None => format!("{table}account_id = ?1"),
    }
}

fn values(wanted: &PeopleSearch) -> Vec<Box<dyn ToSql>> {
    let (time, row) = wanted.after.unwrap_or((Time::from_millis(i64::MAX), i64::MAX));
    let since = wanted.since.unwrap_or(Time::from_millis(i64::MIN));
    let among = wanted.among.as_ref().map(|ids| serde_json::json!(ids).to_string());
    vec![
        Box::new(wanted.account),
        Box::new(wanted.person.clone()),
        Box::new(wanted.instance.clone()),
        Box::new(among),
        Box::new(since),
        Box::new(time),
        Box::new(row),
        Box::new(wanted.limit),
    ]
}

fn read_contact(r: &Row<'_>) -> rusqlite::Result<ListedContact> {
    Ok(ListedContact {
        contact_id: r.get(0)?,
        contact_name: r.get(1)?,
        phone: r.get(2)?,
        suppressed: r.get(3)?,
        imported_at: r.get(4)?,
        first_outbound_at: r.get(5)?,
        last_inbound_at: r.get(6)?,
        created_at: r.get(7)?,
    })
}

fn read_conversation(r: &Row<'_>) -> rusqlite::Result<ListedConversation> {
    Ok(ListedConversation {
        conversation_id: r.get(0)?,
        instance_id: r.get(1)?,
        contact_id: r.get(2)?,
        contact_name: r.get(3)?,
        from: r.get(4)?,
        unread_count: r.get(5)?,
        sequence: r.get(6)?,
        last_inbound_at: r.get(7)?,
        last_heard_at: r.get(8)?,
        created_at: r.get(9)?,
    })
}
