//! The lines of one chat, by key.

use super::{
    ChatId, is_group,
    line::{ChatFile, ChatMessage, Cursor, LineWindow, MessagePage, Reaction},
    list::person,
    quote,
    since::{self, OwnSince, own_since},
};
use crate::{
    instances::templates,
    model::{
        clock::Time,
        ids::{AccountId, ContactId, InstanceId, inbound_id},
        message::{EDIT, REVOKE},
    },
    store::{
        StoreError, Tx,
        went::{WENT, WENT_AT},
    },
};
use rusqlite::{Row, ToSql, params};

const FILE: &str = "f.kind, f.state, coalesce(f.sniffed_type, f.declared_type), f.file_name, f.size";

fn heard_sql(rest: &str) -> String {
    format!(
        "SELECT m.id, m.body, m.kind, m.heard_at, m.provider_message_id, m.reply_to,
                CASE WHEN m.group_id IS NULL THEN NULL ELSE m.contact_id END, {FILE}, m.origin,
                coalesce(m.sequence <= (SELECT c.sequence - c.unread_count FROM conversations c
                                        WHERE c.id = m.conversation_id), 1)
         FROM inbound_messages m LEFT JOIN media f ON f.inbound_id = m.id WHERE {rest}"
    )
}

fn sent_sql(rest: &str) -> String {
    format!(
        "SELECT m.id, m.body, m.kind, {WENT_AT}, m.provider_message_id, m.reply_to, m.message_id, {FILE}, m.status,
                m.reason, m.reference, m.source
         FROM messages m LEFT JOIN media f ON f.log_id = m.id WHERE {rest}"
    )
}

/// The last lines of a chat within `window`, earliest first.
pub fn lines(
    tx: &Tx<'_>,
    account: AccountId,
    instance: &InstanceId,
    chat: &ChatId,
    window: LineWindow,
) -> Result<MessagePage, StoreError> {
    let end = window.before.unwrap_or(Cursor { at: Time::from_millis(i64::MAX), side: 0, row: 0 });
    let heard = heard_sql(
        "m.instance_id = ?1 AND m.chat = ?2 AND m.kind <> 'reaction' AND m.heard_at <= ?3
           AND (m.heard_at, 0, m.id) < (?3, ?4, ?5)
           AND NOT (m.kind IN ('edit', 'revoke') AND (
               EXISTS (SELECT 1 FROM inbound_messages o WHERE o.instance_id = ?1 AND o.chat = ?2
                       AND o.provider_message_id = m.reply_to AND (o.origin IS NULL) = (m.origin IS NULL))
               OR m.origin IS NOT NULL AND EXISTS (SELECT 1 FROM messages s
                       WHERE s.provider_message_id = m.reply_to AND s.instance_id = ?1)))
         ORDER BY m.heard_at DESC, m.id DESC LIMIT ?6",
    );
    let most = window.most + 1;
    let mut all = tx.list(&heard, params![instance, chat.chat_key(), end.at, end.side, end.row, most], heard_row)?;
    // What the idempotency key refused is no message: the first request with the key is.
    let (whom, chat_key) = addressed_to(chat);
    let wanted = params![account, instance, end.at, chat_key, end.side, end.row, most, window.refused];
    for (went, which) in WENT {
        let sent = sent_sql(&format!(
            "m.account_id = ?1 AND +m.instance_id = ?2 AND m.recipient {whom} AND {which} AND m.{went} <= ?3
               AND (m.{went}, 1, m.id) < (?3, ?5, ?6)
               AND m.kind NOT IN ('reaction', 'edit', 'revoke')
               AND (?8 OR m.status <> 'blocked')
               AND NOT (m.status = 'blocked' AND m.reason IN ('idempotency_in_progress', 'idempotency_key_reused'))
             ORDER BY m.{went} DESC, m.id DESC LIMIT ?7"
        ));
        all.extend(tx.list(&sent, wanted, sent_row)?);
    }
    all.sort_by_key(|line| std::cmp::Reverse(line.key));
    let has_earlier = all.len() > window.most;
    all.truncate(window.most);
    all.reverse();
    let ours = own_since(tx, account, instance, chat, all.first())?;
    for line in &mut all {
        complete(tx, instance, chat, line, &ours)?;
    }
    Ok(MessagePage { lines: all, has_earlier })
}

/// The condition for a chat's recipients, with `?4` for the value beside it.
pub(super) fn addressed_to(chat: &ChatId) -> (&'static str, &dyn ToSql) {
    match chat {
        ChatId::Person(contact) => ("IN (SELECT value FROM contact_identities WHERE contact_id = ?4)", contact),
        ChatId::Group(id) => ("= ?4", id),
    }
}

/// A message that we sent, with its chat; none: it is gone, or belongs to none. A reaction, an edit or a deletion is the
/// line that it is about.
pub fn sent(tx: &Tx<'_>, row: i64) -> Result<Option<(ChatId, ChatMessage)>, StoreError> {
    let whose = tx.find(
        "SELECT m.account_id, m.instance_id, m.recipient, coalesce(m.contact_id,
             (SELECT i.contact_id FROM contact_identities i WHERE i.account_id = m.account_id AND i.value = m.recipient)),
             CASE WHEN m.kind IN ('reaction', 'edit', 'revoke') THEN coalesce(m.reply_to, '') END
         FROM messages m WHERE m.id = ?1 AND m.recipient <> ''",
        params![row],
        |r| {
            let chat = (r.get::<_, String>(2)?, r.get::<_, Option<ContactId>>(3)?);
            Ok((r.get::<_, InstanceId>(1)?, chat, r.get::<_, Option<String>>(4)?))
        },
    )?;
    let Some((instance, (recipient, contact), about)) = whose else { return Ok(None) };
    let chat = match contact {
        _ if is_group(&recipient) => ChatId::Group(recipient),
        Some(contact) => ChatId::Person(contact),
        None => return Ok(None),
    };
    let found = match about {
        Some(about) => line_of(tx, &instance, &chat.chat_key(), &about)?,
        None => tx.find(&sent_sql("m.id = ?1"), params![row], sent_row)?,
    };
    finish(tx, &instance, chat, found)
}

/// A message that was heard, with its chat. A reaction, an edit or a deletion is the line that it is about.
pub fn heard(tx: &Tx<'_>, row: i64) -> Result<Option<(ChatId, ChatMessage)>, StoreError> {
    let whose =
        tx.find("SELECT instance_id, chat, kind, reply_to FROM inbound_messages WHERE id = ?1", params![row], |r| {
            let about = r.get::<_, Option<String>>(3)?;
            Ok((r.get::<_, InstanceId>(0)?, r.get::<_, String>(1)?, r.get::<_, String>(2)?, about))
        })?;
    let Some((instance, chat, kind, about)) = whose else { return Ok(None) };
    let of = match chat.strip_prefix("contact:").map(str::parse) {
        Some(Ok(contact)) => ChatId::Person(ContactId(contact)),
        _ if is_group(&chat) => ChatId::Group(chat.clone()),
        _ => return Ok(None),
    };
    let itself = || tx.find(&heard_sql("m.id = ?1"), params![row], heard_row);
    let found = match (kind.as_str(), about) {
        ("reaction", None) => return Ok(None),
        ("reaction", Some(about)) => line_of(tx, &instance, &chat, &about)?,
        // One about a message that is not here stands for itself.
        (EDIT | REVOKE, Some(about)) => match line_of(tx, &instance, &chat, &about)? {
            Some(line) => Some(line),
            None => itself()?,
        },
        _ => itself()?,
    };
    finish(tx, &instance, of, found)
}

fn finish(
    tx: &Tx<'_>,
    instance: &InstanceId,
    chat: ChatId,
    found: Option<ChatMessage>,
) -> Result<Option<(ChatId, ChatMessage)>, StoreError> {
    let Some(mut line) = found else { return Ok(None) };
    let account = tx.one("SELECT account_id FROM instances WHERE id = ?1", params![instance], |r| r.get(0))?;
    let ours = own_since(tx, account, instance, &chat, Some(&line))?;
    complete(tx, instance, &chat, &mut line, &ours)?;
    Ok(Some((chat, line)))
}

/// The line that a provider's id names.
fn line_of(tx: &Tx<'_>, instance: &InstanceId, chat: &str, id: &str) -> Result<Option<ChatMessage>, StoreError> {
    let sql = sent_sql("m.provider_message_id = ?1 AND m.instance_id = ?2");
    if let Some(line) = tx.find(&sql, params![id, instance], sent_row)? {
        return Ok(Some(line));
    }
    let sql = heard_sql("m.provider_message_id = ?1 AND m.instance_id = ?2 AND m.chat = ?3");
    tx.find(&sql, params![id, instance, chat], heard_row)
}

fn heard_row(r: &Row<'_>) -> rusqlite::Result<ChatMessage> {
    let origin: Option<String> = r.get(12)?;
    let written_by = if origin.is_none() { r.get(6)? } else { None };
    let is_ours = origin.is_some();
    Ok(ChatMessage { written_by, is_ours, source: origin, is_read: r.get(13)?, ..line(r, inbound_id(r.get(0)?), 0)? })
}

fn sent_row(r: &Row<'_>) -> rusqlite::Result<ChatMessage> {
    Ok(ChatMessage {
        status: Some(r.get(12)?),
        reason: r.get(13)?,
        reference: r.get(14)?,
        source: Some(r.get(15)?),
        is_ours: true,
        ..line(r, r.get(6)?, 1)?
    })
}

/// What lines of both sides have.
fn line(r: &Row<'_>, id: String, side: u8) -> rusqlite::Result<ChatMessage> {
    Ok(ChatMessage {
        id,
        key: Cursor { at: r.get(3)?, side, row: r.get(0)? },
        text: r.get(1)?,
        kind: r.get(2)?,
        status: None,
        reason: None,
        reference: None,
        source: None,
        is_ours: false,
        is_read: true,
        former: Vec::new(),
        is_deleted: false,
        writer: None,
        quoted: None,
        file: file(r, 7)?,
        reactions: Vec::new(),
        provider_message_id: r.get(4)?,
        reply_to: r.get(5)?,
        written_by: None,
        template: None,
    })
}

fn file(r: &Row<'_>, at: usize) -> rusqlite::Result<Option<ChatFile>> {
    let Some(kind) = r.get::<_, Option<String>>(at)? else { return Ok(None) };
    let (state, media_type) = (r.get(at + 1)?, r.get(at + 2)?);
    Ok(Some(ChatFile { kind, state, media_type, name: r.get(at + 3)?, size: r.get(at + 4)? }))
}

/// What stands in other rows: the writer, what is quoted, reactions.
fn complete(
    tx: &Tx<'_>,
    instance: &InstanceId,
    chat: &ChatId,
    line: &mut ChatMessage,
    ours: &OwnSince,
) -> Result<(), StoreError> {
    let chat_key = chat.chat_key();
    if line.key.side == 1
        && line.kind == "template"
        && let Some(sent) = templates::sent(tx, line.key.row)?
    {
        line.text = sent.shown(&line.text);
        line.template = Some(format!("{} {}", sent.name, sent.language));
    }
    if let Some(writer) = line.written_by {
        let (name, address) = person(tx, writer)?;
        line.writer = Some(name.unwrap_or(address));
    }
    if let Some(about) = &line.reply_to {
        line.quoted = quote::text(tx, instance, &chat_key, about)?;
    }
    if let Some(id) = line.provider_message_id.clone() {
        let id = &id;
        since::apply(tx, (instance, &chat_key), id, ours, line)?;
        line.reactions = quote::reactions(tx, instance, &chat_key, id)?;
        line.reactions.extend(ours.signs.get(id).map(|sign| Reaction { sign: sign.clone(), by: None }));
    }
    Ok(())
}
