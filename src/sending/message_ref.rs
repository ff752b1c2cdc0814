//! The message that a request names: the one that it answers, reacts to, edits or takes back. By our id of it, or by the
//! provider's.

use super::request::{Draft, Request};
use crate::{
    connectors::{AboutMessage, Address, outgoing::MediaKind},
    model::{
        clock::Time,
        ids::{AccountId, ContactId},
    },
    people::conversations::{self, Contact},
    store::{StoreError, Tx},
};
use rusqlite::params;

/// The provider's id of the message that is answered, of the conversation with the recipient: a provider that quotes what
/// it finds under an id would show one customer what another one wrote. An id that is known nowhere is taken for the
/// provider's.
pub(super) fn answered(
    tx: &Tx<'_>,
    request: &Request,
    address: Option<&Address>,
    contact: Option<&Contact>,
) -> Result<Option<String>, StoreError> {
    let (Some(named), Some(address)) = (&request.reply_to, address) else { return Ok(None) };
    let sent = |column: &str| {
        let sql = format!(
            "SELECT provider_message_id, coalesce(contact_id = ?3, 0) OR recipient = ?4 FROM messages
             WHERE {column} = ?1 AND instance_id = ?2"
        );
        let of = params![named, request.instance, contact.map(|c| c.id), address.to_string()];
        tx.list(&sql, of, |r| Ok((r.get::<_, Option<String>>(0)?, r.get::<_, bool>(1)?)))
    };
    let heard = |column: &str, id: &str| {
        let sql = format!(
            "SELECT provider_message_id, chat = ?3 FROM inbound_messages WHERE {column} = ?1 AND instance_id = ?2"
        );
        let of = params![id, request.instance, chat(address, contact).unwrap_or_default()];
        tx.list(&sql, of, |r| Ok((r.get::<_, Option<String>>(0)?, r.get::<_, bool>(1)?)))
    };
    let found = match MessageRef::read(named) {
        MessageRef::Sent => sent("message_id")?,
        MessageRef::Heard(row) => heard("id", row)?,
        MessageRef::Theirs => {
            let mut known = sent("provider_message_id")?;
            known.extend(heard("provider_message_id", named)?);
            if known.is_empty() {
                return Ok(Some(named.clone()));
            }
            known
        }
    };
    Ok(found.into_iter().find(|(_, is_in_chat)| *is_in_chat).and_then(|(id, _)| id))
}

/// The conversation with a recipient, as inbound messages name it; none: nothing was ever said there.
fn chat(address: &Address, contact: Option<&Contact>) -> Option<String> {
    match (address, contact) {
        (Address::Group(_), _) => Some(address.to_string()),
        (_, Some(contact)) => Some(format!("contact:{}", contact.id)),
        (_, None) => None,
    }
}

/// A message of a chat that a later one is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EarlierMessage {
    /// As the provider knows it.
    pub message: AboutMessage,
    /// text, image, …
    pub kind: String,
    /// When it was sent or heard.
    pub at: Time,
    /// Whether it was taken back since.
    pub is_deleted: bool,
}

/// The message that a request is about, if it stands in the chat with the recipient and its provider has it. What is
/// itself about an earlier message, and the provider's own notes, are no such messages.
pub(super) fn about(
    tx: &Tx<'_>,
    account: AccountId,
    request: &Request,
    address: Option<&Address>,
    contact: Option<&Contact>,
) -> Result<Option<EarlierMessage>, StoreError> {
    let (Draft::Reaction { about, .. } | Draft::Change { about, .. }, Some(address)) = (&request.draft, address) else {
        return Ok(None);
    };
    let named = MessageRef::read(about);
    if !matches!(named, MessageRef::Heard(_)) {
        let column = if matches!(named, MessageRef::Sent) { "message_id" } else { "provider_message_id" };
        let sql = format!(
            "SELECT provider_message_id, kind, coalesce(sent_at, created_at), EXISTS (
                 SELECT 1 FROM messages r WHERE r.instance_id = m.instance_id AND r.created_at >= m.created_at
                     AND r.kind = 'revoke' AND r.reply_to = m.provider_message_id AND r.status NOT IN ('blocked', 'failed'))
             FROM messages m
             WHERE {column} = ?1 AND instance_id = ?2 AND (contact_id = ?3 OR recipient = ?4)
               AND provider_message_id IS NOT NULL AND kind NOT IN ('reaction', 'edit', 'revoke')"
        );
        let person = contact.map(|c| c.id);
        let found = tx.find(&sql, params![about, request.instance, person, address.to_string()], |r| {
            let kind: String = r.get(1)?;
            let file = MediaKind::parse(&kind);
            let message = AboutMessage { provider_message_id: r.get(0)?, from_me: true, author: None, file };
            Ok(EarlierMessage { message, kind, at: r.get(2)?, is_deleted: r.get(3)? })
        })?;
        if found.is_some() {
            return Ok(found);
        }
    }
    let is_group = matches!(address, Address::Group(_));
    let Some(chat) = chat(address, contact) else { return Ok(None) };
    let (column, id) = match &named {
        MessageRef::Heard(row) => ("id", *row),
        MessageRef::Theirs => ("provider_message_id", about.as_str()),
        MessageRef::Sent => return Ok(None),
    };
    let sql = format!(
        "SELECT provider_message_id, contact_id, origin IS NOT NULL, kind, heard_at, EXISTS (
             SELECT 1 FROM inbound_messages r WHERE r.instance_id = ?2 AND r.chat = ?3 AND r.kind = 'revoke'
                 AND r.reply_to = m.provider_message_id)
         FROM inbound_messages m
         WHERE {column} = ?1 AND instance_id = ?2 AND chat = ?3 AND kind NOT IN ('reaction', 'system', 'edit', 'revoke')"
    );
    let found = tx.find(&sql, params![id, request.instance, chat], |r| {
        let kind: String = r.get(3)?;
        let file = MediaKind::parse(&kind);
        let message = AboutMessage { provider_message_id: r.get(0)?, from_me: r.get(2)?, author: None, file };
        let earlier = EarlierMessage { message, kind, at: r.get(4)?, is_deleted: r.get(5)? };
        Ok((earlier, r.get::<_, Option<ContactId>>(1)?))
    })?;
    let Some((mut earlier, writer)) = found else { return Ok(None) };
    if let Some(writer) = writer.filter(|_| is_group && !earlier.message.from_me) {
        let known = conversations::find_by_id(tx, account, writer)?;
        earlier.message.author = known.and_then(|(_, ids)| conversations::address_of(&ids));
    }
    Ok(Some(earlier))
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
