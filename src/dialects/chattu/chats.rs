//! What was said in the chats with one person each.

use crate::{
    model::{
        clock::Time,
        ids::{AccountId, ContactId, InstanceId, inbound_id},
        message::Status,
    },
    people::conversations::{self, Identity, IdentityKind},
    store::{StoreError, Tx},
};
use rusqlite::params;
use std::collections::HashMap;

/// A message of a chat.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChattuMessage {
    /// `msg_…` or `inb_…`.
    pub id: String,
    pub text: String,
    /// Whether we wrote it.
    pub from_me: bool,
    pub at: Time,
    /// text, image, …
    pub kind: String,
    /// Where it is, of one that we wrote.
    pub status: Option<Status>,
    /// Whether it was read here, of one that was received.
    pub is_read: bool,
    /// Whether a file belongs to it.
    pub has_media: bool,
    /// The file's name.
    pub file_name: Option<String>,
    /// What people thought of it: the sign and who gave it.
    pub reactions: Vec<(String, String)>,
    provider_message_id: Option<String>,
}

/// The person behind a chat's id: a number or a hidden id, with or without `@c.us`.
pub fn contact_of(tx: &Tx<'_>, account: AccountId, chat: &str) -> Result<Option<ContactId>, StoreError> {
    let (name, host) = chat.split_once('@').unwrap_or((chat, "c.us"));
    let identity = match host {
        "c.us" | "s.whatsapp.net" if name.bytes().all(|b| b.is_ascii_digit()) => Identity::phone(format!("+{name}")),
        "lid" => Identity { kind: IdentityKind::Lid, value: chat.to_owned() },
        _ => Identity { kind: IdentityKind::Bsuid, value: name.to_owned() },
    };
    Ok(conversations::find(tx, account, &identity)?.map(|contact| contact.id))
}

/// The newest messages with a person, earliest first.
pub fn messages(
    tx: &Tx<'_>,
    account: AccountId,
    instance: &InstanceId,
    contact: ContactId,
    limit: u32,
) -> Result<Vec<ChattuMessage>, StoreError> {
    let Some((_, identities)) = conversations::find_by_id(tx, account, contact)? else { return Ok(Vec::new()) };
    let mut all = received(tx, instance, contact, limit)?;
    for identity in &identities {
        all.extend(sent(tx, account, instance, &identity.value, limit)?);
    }
    all.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    let surplus = all.len().saturating_sub(limit as usize);
    all.drain(..surplus);
    react(tx, instance, contact, &mut all)?;
    Ok(all)
}

fn received(
    tx: &Tx<'_>,
    instance: &InstanceId,
    contact: ContactId,
    limit: u32,
) -> Result<Vec<ChattuMessage>, StoreError> {
    tx.list(
        "SELECT m.id, m.body, m.heard_at, m.kind, m.provider_message_id, f.id IS NOT NULL, f.file_name,
                m.sequence <= (SELECT c.sequence - c.unread_count FROM conversations c WHERE c.id = m.conversation_id),
                m.origin IS NOT NULL
         FROM inbound_messages m LEFT JOIN media f ON f.inbound_id = m.id
         WHERE m.contact_id = ?2 AND m.instance_id = ?1 AND m.group_id IS NULL AND m.kind <> 'reaction'
         ORDER BY m.heard_at DESC, m.id DESC LIMIT ?3",
        params![instance, contact, limit],
        |r| {
            Ok(ChattuMessage {
                id: inbound_id(r.get(0)?),
                text: r.get(1)?,
                from_me: r.get(8)?,
                at: r.get(2)?,
                kind: r.get(3)?,
                status: None,
                is_read: r.get::<_, Option<bool>>(7)?.unwrap_or(true),
                has_media: r.get(5)?,
                file_name: r.get(6)?,
                reactions: Vec::new(),
                provider_message_id: r.get(4)?,
            })
        },
    )
}

fn sent(
    tx: &Tx<'_>,
    account: AccountId,
    instance: &InstanceId,
    recipient: &str,
    limit: u32,
) -> Result<Vec<ChattuMessage>, StoreError> {
    tx.list(
        "SELECT m.message_id, m.body, m.created_at, m.kind, m.provider_message_id, f.id IS NOT NULL, f.file_name,
                m.status
         FROM messages m LEFT JOIN media f ON f.log_id = m.id
         WHERE m.account_id = ?1 AND m.recipient = ?3 AND m.instance_id = ?2 AND m.status <> 'blocked'
           AND m.kind <> 'reaction'
         ORDER BY m.created_at DESC, m.id DESC LIMIT ?4",
        params![account, instance, recipient, limit],
        |r| {
            Ok(ChattuMessage {
                id: r.get(0)?,
                text: r.get(1)?,
                from_me: true,
                at: r.get(2)?,
                kind: r.get(3)?,
                status: Some(r.get(7)?),
                is_read: true,
                has_media: r.get(5)?,
                file_name: r.get(6)?,
                reactions: Vec::new(),
                provider_message_id: r.get(4)?,
            })
        },
    )
}

/// Puts reactions to the messages that they are about; the newest of a person counts, an empty one takes it back.
fn react(tx: &Tx<'_>, instance: &InstanceId, contact: ContactId, all: &mut [ChattuMessage]) -> Result<(), StoreError> {
    let reactions = tx.list(
        "SELECT m.reply_to, m.body,
                (SELECT i.value FROM contact_identities i WHERE i.contact_id = m.contact_id
                 ORDER BY CASE i.kind WHEN 'phone' THEN 0 ELSE 1 END, i.is_variant, i.value LIMIT 1)
         FROM inbound_messages m
         WHERE m.contact_id = ?2 AND m.instance_id = ?1 AND m.group_id IS NULL AND m.kind = 'reaction'
           AND m.origin IS NULL
         ORDER BY m.heard_at, m.id",
        params![instance, contact],
        |r| Ok((r.get::<_, Option<String>>(0)?, r.get::<_, String>(1)?, r.get::<_, Option<String>>(2)?)),
    )?;
    let about: HashMap<String, (String, String)> =
        reactions.into_iter().filter_map(|(about, sign, by)| Some((about?, (sign, by.unwrap_or_default())))).collect();
    for said in all {
        let found = said.provider_message_id.as_ref().and_then(|id| about.get(id));
        said.reactions.extend(found.filter(|(sign, _)| !sign.is_empty()).cloned());
    }
    Ok(())
}
