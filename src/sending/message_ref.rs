//! The message that a request names: the one that it answers, or reacts to. By our id of it, or by the provider's.

use super::request::{Draft, Request};
use crate::{
    connectors::{Address, Reacted},
    model::ids::{AccountId, ContactId},
    people::conversations::{self, Contact},
    store::{StoreError, Tx},
};
use rusqlite::params;

/// The provider's id of the message that is answered. An id that is none of ours is taken for the provider's.
pub(super) fn answered(tx: &Tx<'_>, request: &Request) -> Result<Option<String>, StoreError> {
    let Some(named) = &request.reply_to else { return Ok(None) };
    let sql = match MessageRef::read(named) {
        MessageRef::Sent => "SELECT provider_message_id FROM messages WHERE message_id = ?1 AND instance_id = ?2",
        MessageRef::Heard(_) => {
            "SELECT provider_message_id FROM inbound_messages WHERE id = substr(?1, 5) AND instance_id = ?2"
        }
        MessageRef::Theirs => return Ok(Some(named.clone())),
    };
    Ok(tx.find(sql, params![named, request.instance], |r| r.get::<_, Option<String>>(0))?.flatten())
}

/// The message that is reacted to, if it stands in the chat with the recipient and its provider has it. A reaction and
/// the provider's own notes are no such messages.
pub(super) fn reacted(
    tx: &Tx<'_>,
    account: AccountId,
    request: &Request,
    address: Option<&Address>,
    contact: Option<&Contact>,
) -> Result<Option<Reacted>, StoreError> {
    let (Draft::Reaction { about, .. }, Some(address)) = (&request.draft, address) else { return Ok(None) };
    let named = MessageRef::read(about);
    if !matches!(named, MessageRef::Heard(_)) {
        let column = if matches!(named, MessageRef::Sent) { "message_id" } else { "provider_message_id" };
        let sql = format!(
            "SELECT provider_message_id FROM messages
             WHERE {column} = ?1 AND instance_id = ?2 AND (contact_id = ?3 OR recipient = ?4) AND kind <> 'reaction'"
        );
        let person = contact.map(|c| c.id);
        let found = tx.find(&sql, params![about, request.instance, person, address.to_string()], |r| r.get(0))?;
        if let Some(provider_message_id) = found.flatten() {
            return Ok(Some(Reacted { provider_message_id, from_me: true, author: None }));
        }
    }
    let is_group = matches!(address, Address::Group(_));
    let chat = match contact {
        _ if is_group => address.to_string(),
        Some(contact) => format!("contact:{}", contact.id),
        None => return Ok(None),
    };
    let (column, id) = match &named {
        MessageRef::Heard(row) => ("id", *row),
        MessageRef::Theirs => ("provider_message_id", about.as_str()),
        MessageRef::Sent => return Ok(None),
    };
    let sql = format!(
        "SELECT provider_message_id, contact_id, origin IS NOT NULL FROM inbound_messages
         WHERE {column} = ?1 AND instance_id = ?2 AND chat = ?3 AND kind NOT IN ('reaction', 'system', 'edit', 'revoke')"
    );
    let found = tx.find(&sql, params![id, request.instance, chat], |r| {
        Ok((r.get::<_, String>(0)?, r.get::<_, Option<ContactId>>(1)?, r.get::<_, bool>(2)?))
    })?;
    let Some((provider_message_id, writer, from_me)) = found else { return Ok(None) };
    let author = match writer.filter(|_| is_group && !from_me) {
        None => None,
        Some(writer) => {
            conversations::find_by_id(tx, account, writer)?.and_then(|(_, ids)| conversations::address_of(&ids))
        }
    };
    Ok(Some(Reacted { provider_message_id, from_me, author }))
}

/// Whose id it is.
enum MessageRef<'a> {
    /// Ours, of a message that was sent: `msg_…`.
    Sent,
    /// Ours, of one that was heard: the number after `inb_`.
    Heard(&'a str),
    /// The provider's.
    Theirs,
}

impl<'a> MessageRef<'a> {
    fn read(id: &'a str) -> Self {
        match id.strip_prefix("inb_") {
            Some(row) if !row.is_empty() && row.bytes().all(|b| b.is_ascii_digit()) => Self::Heard(row),
            _ if id.starts_with("msg_") => Self::Sent,
            _ => Self::Theirs,
        }
    }
}
