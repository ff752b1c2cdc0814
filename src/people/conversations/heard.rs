//! What was heard, newest first, a page at a time.

use super::search::PeopleSearch;
use crate::{
    model::{
        clock::Time,
        ids::{ContactId, inbound_id},
    },
    store::{StoreError, Tx},
};
use rusqlite::{Row, ToSql};
use serde::Serialize;

/// An inbound message, with the names that the event `message.received` has for its parts.
#[derive(Clone, Debug, Serialize)]
pub struct HeardMessage {
    /// Its number; not part of the answer.
    #[serde(skip)]
    pub row: i64,
    /// `inb_` and a number.
    pub message_id: String,
    pub provider_message_id: String,
    pub instance_id: String,
    /// The writer; null: a group member whom nobody names.
    pub contact_id: Option<ContactId>,
    pub contact_name: Option<String>,
    /// E.164, or null for a hidden number.
    pub from: Option<String>,
    pub message_type: String,
    pub message_text: String,
    pub conversation_id: Option<i64>,
    /// Within the conversation.
    pub sequence: Option<i64>,
    /// The group that it was written in.
    pub group_id: Option<String>,
    /// What it answers: the provider's id.
    pub reply_to: Option<String>,
    /// By the provider's clock.
    pub timestamp: Time,
    /// When it was taken in: what the list is ordered by.
    pub created_at: Time,
}

pub fn list_heard(tx: &Tx<'_>, wanted: &PeopleSearch) -> Result<Vec<HeardMessage>, StoreError> {
    let (sql, values) = heard_statement(wanted);
    tx.list(&sql, rusqlite::params_from_iter(values.iter()), read)
}

/// The statement that looks for these rows, and its values. It is entered by the narrowest index: a person's, else an
/// instance's, else the account's; the others are looked at row by row, which the `+` says.
pub fn heard_statement(wanted: &PeopleSearch) -> (String, Vec<Box<dyn ToSql>>) {
    let (time, row) = wanted.after.unwrap_or((Time::from_millis(i64::MAX), i64::MAX));
    let since = wanted.since.unwrap_or(Time::from_millis(i64::MIN));
    let among = wanted.among.as_ref().map(|ids| serde_json::json!(ids).to_string());
    let (person, instance) = (wanted.person.as_ref(), wanted.instance.is_some());
    let plus = |is_other: bool| if is_other { "+" } else { "" };
    let mut conditions = format!("{}m.account_id = ?1", plus(person.is_some() || instance));
    if let Some(person) = person {
        conditions += &format!(" AND m.contact_id IN {}", person.contacts());
    }
    if instance {
        conditions += &format!(" AND {}m.instance_id = ?3", plus(person.is_some()));
    }
    if among.is_some() {
        conditions += " AND +m.instance_id IN (SELECT value FROM json_each(?4))";
    }
    let sql = format!(
        "SELECT m.id, m.provider_message_id, m.instance_id, m.contact_id, c.name,
                (SELECT i.value FROM contact_identities i WHERE i.contact_id = m.contact_id AND i.kind = 'phone'
                 ORDER BY i.former_at IS NOT NULL, i.is_variant, i.value LIMIT 1),
                m.kind, m.body, m.conversation_id, m.sequence, m.group_id, m.reply_to, m.heard_at, m.created_at
         FROM inbound_messages m LEFT JOIN contacts c ON c.id = m.contact_id
         WHERE {conditions} AND m.origin IS NULL AND m.created_at >= ?5 AND m.created_at <= ?6
               AND NOT (m.created_at = ?6 AND m.id >= ?7)
         ORDER BY m.created_at DESC, m.id DESC LIMIT ?8"
    );
    let values: Vec<Box<dyn ToSql>> = vec![
        Box::new(wanted.account),
        Box::new(wanted.person.clone()),
        Box::new(wanted.instance.clone()),
        Box::new(among),
        Box::new(since),
        Box::new(time),
        Box::new(row),
        Box::new(wanted.limit),
    ];
    (sql, values)
}

fn read(r: &Row<'_>) -> rusqlite::Result<HeardMessage> {
    let row: i64 = r.get(0)?;
    Ok(HeardMessage {
        row,
        message_id: inbound_id(row),
        provider_message_id: r.get(1)?,
        instance_id: r.get(2)?,
        contact_id: r.get(3)?,
        contact_name: r.get(4)?,
        from: r.get(5)?,
        message_type: r.get(6)?,
        message_text: r.get(7)?,
        conversation_id: r.get(8)?,
        sequence: r.get(9)?,
        group_id: r.get(10)?,
        reply_to: r.get(11)?,
        timestamp: r.get(12)?,
        created_at: r.get(13)?,
    })
}
