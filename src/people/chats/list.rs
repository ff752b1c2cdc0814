//! The chats of an instance, newest first, with the newest line of each and how many are not read.

use super::ChatId;
use crate::{
    instances::templates,
    model::{
        clock::Time,
        ids::{ContactId, InstanceId},
        message::Status,
        text::digit,
    },
    people::conversations::TALKED_WITH,
    store::{StoreError, Tx, went::WENT_AT},
};
use rusqlite::params;

/// What of an instance's log is looked through at least for people who were written to, and for each chat of a longer list.
const LOOKED_THROUGH: u32 = 2500;
const LOOKED_THROUGH_EACH: u32 = 10;

/// A chat as the list shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chat {
    pub id: ChatId,
    /// The person's or group's name.
    pub name: Option<String>,
    /// The person's number (E.164) or hidden id, or the group's id.
    pub address: String,
    /// Its newest line.
    pub last: Option<Snippet>,
    /// When anything last happened.
    pub at: Time,
    /// Not read yet.
    pub unread: i64,
}

/// The newest line of a chat.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snippet {
    pub text: String,
    /// text, image, …
    pub kind: String,
    pub at: Time,
    /// Whether it is ours: sent from here, or written on the number's own phone.
    pub is_ours: bool,
    /// Where it is, of one that was sent from here.
    pub status: Option<Status>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// Words of a name, or digits of a number; empty: all.
    pub text: String,
    /// At most so many.
    pub limit: u32,
}

struct ChatMatch {
    id: ChatId,
    at: Time,
    unread: i64,
}

/// The chats of an instance, newest first.
pub fn list(tx: &Tx<'_>, instance: &InstanceId, filter: &Filter) -> Result<Vec<Chat>, StoreError> {
    let text = filter.text.trim();
    let like = (!text.is_empty()).then(|| format!("%{}%", escape(text)));
    let digits: String = text.chars().filter_map(digit).map(|d| char::from(b'0' + d)).collect();
    // A name with a figure in it is no number.
    let number = (digits.len() >= 3).then(|| format!("%{}%", digits.trim_start_matches('0')));
    let mut all = people(tx, instance, like.as_deref(), number.as_deref(), filter.limit)?;
    all.extend(groups(tx, instance, like.as_deref(), filter.limit)?);
    all.sort_by_key(|found| std::cmp::Reverse(found.at));
    all.truncate(filter.limit as usize);
    all.into_iter().map(|found| shown(tx, instance, found)).collect()
}

/// The chats of an instance with one person each, newest first.
pub fn list_people(tx: &Tx<'_>, instance: &InstanceId, limit: u32) -> Result<Vec<Chat>, StoreError> {
    people(tx, instance, None, None, limit)?.into_iter().map(|found| shown(tx, instance, found)).collect()
}

/// The newest line of a group, and how many are not read: also of one that nothing was heard of.
pub fn group_standing(tx: &Tx<'_>, instance: &InstanceId, group: &str) -> Result<(Option<Snippet>, i64), StoreError> {
    let unread = tx.one(
        "SELECT count(*) FROM inbound_messages WHERE instance_id = ?1 AND chat = ?2 AND kind <> 'reaction'
           AND origin IS NULL AND heard_at > coalesce((SELECT read_at FROM groups WHERE instance_id = ?1 AND group_id = ?2), 0)",
        params![instance, group],
        |r| r.get(0),
    )?;
    Ok((last(tx, instance, &ChatId::Group(group.to_owned()), group)?, unread))
}

/// The groups of an instance that were heard of: id and name.
pub fn heard_groups(tx: &Tx<'_>, instance: &InstanceId) -> Result<Vec<(String, String)>, StoreError> {
    let sql = "SELECT group_id, name FROM groups WHERE instance_id = ?1";
    tx.list(sql, params![instance], |r| Ok((r.get(0)?, r.get(1)?)))
}

/// One chat of it, if it is there.
pub fn find(tx: &Tx<'_>, instance: &InstanceId, id: &ChatId) -> Result<Option<Chat>, StoreError> {
    let found = match id {
        ChatId::Person(contact) => tx.find(
            "SELECT coalesce(v.last_message_at, c.created_at), coalesce(v.unread_count, 0)
             FROM contacts c LEFT JOIN conversations v ON v.contact_id = c.id AND v.instance_id = ?1
             WHERE c.id = ?2 AND c.account_id = (SELECT account_id FROM instances WHERE id = ?1)",
            params![instance, contact],
            |r| Ok(ChatMatch { id: id.clone(), at: r.get(0)?, unread: r.get(1)? }),
        )?,
        ChatId::Group(group) => {
            tx.find(&format!("{GROUPS} AND g.group_id = ?2"), params![instance, group], group_row)?
        }
    };
    found.map(|found| shown(tx, instance, found)).transpose()
}

fn people(
    tx: &Tx<'_>,
    instance: &InstanceId,
    like: Option<&str>,
    number: Option<&str>,
    limit: u32,
) -> Result<Vec<ChatMatch>, StoreError> {
    let written_to = LOOKED_THROUGH.max(limit.saturating_mul(LOOKED_THROUGH_EACH));
    // The newest are enough where all are meant; who is looked for by a name may be any of them.
    let conversations = if like.is_some() { -1 } else { i64::from(limit) };
    tx.list(
        &format!(
            "SELECT c.contact_id, max(c.at), max(c.unread) FROM ({TALKED_WITH}) c
             JOIN contacts p ON p.id = c.contact_id
             WHERE ?4 IS NULL OR p.name LIKE ?4 ESCAPE '\\'
                OR (?5 IS NOT NULL AND EXISTS (SELECT 1 FROM contact_identities i
                                               WHERE i.contact_id = p.id AND i.value LIKE ?5))
             GROUP BY c.contact_id ORDER BY 2 DESC LIMIT ?6"
        ),
        params![instance, written_to, conversations, like, number, limit],
        |r| Ok(ChatMatch { id: ChatId::Person(r.get(0)?), at: r.get(1)?, unread: r.get(2)? }),
    )
}

const GROUPS: &str = "SELECT g.group_id,
        coalesce((SELECT max(heard_at) FROM inbound_messages m WHERE m.instance_id = g.instance_id AND m.chat = g.group_id),
                 g.updated_at),
        (SELECT count(*) FROM inbound_messages m WHERE m.instance_id = g.instance_id AND m.chat = g.group_id
           AND m.kind <> 'reaction' AND m.origin IS NULL AND m.heard_at > coalesce(g.read_at, 0))
     FROM groups g WHERE g.instance_id = ?1";

fn groups(tx: &Tx<'_>, instance: &InstanceId, like: Option<&str>, limit: u32) -> Result<Vec<ChatMatch>, StoreError> {
    let sql = format!("{GROUPS} AND (?2 IS NULL OR g.name LIKE ?2 ESCAPE '\\') ORDER BY 2 DESC LIMIT ?3");
    tx.list(&sql, params![instance, like, limit], group_row)
}

fn group_row(r: &rusqlite::Row<'_>) -> rusqlite::Result<ChatMatch> {
    Ok(ChatMatch { id: ChatId::Group(r.get(0)?), at: r.get(1)?, unread: r.get(2)? })
}

fn shown(tx: &Tx<'_>, instance: &InstanceId, found: ChatMatch) -> Result<Chat, StoreError> {
    let ChatMatch { id, at, unread } = found;
    let (name, address) = match &id {
        ChatId::Person(contact) => person(tx, *contact)?,
        ChatId::Group(group) => {
            let sql = "SELECT name FROM groups WHERE instance_id = ?1 AND group_id = ?2";
            (tx.find(sql, params![instance, group], |r| r.get(0))?, group.clone())
        }
    };
    let last = last(tx, instance, &id, &address)?;
    let at = last.as_ref().map_or(at, |last| last.at.max(at));
    Ok(Chat { id, name: name.filter(|name| !name.trim().is_empty()), address, last, at, unread })
}

/// A person's name, and the best of what they are known by.
pub(super) fn person(tx: &Tx<'_>, contact: ContactId) -> Result<(Option<String>, String), StoreError> {
    let found = tx.find(
        "SELECT c.name, (SELECT i.value FROM contact_identities i WHERE i.contact_id = c.id
                         ORDER BY CASE i.kind WHEN 'phone' THEN 0 WHEN 'lid' THEN 1 WHEN 'bsuid' THEN 2 ELSE 3 END, i.is_variant, i.value LIMIT 1)
         FROM contacts c WHERE c.id = ?1",
        params![contact],
        |r| Ok((r.get(0)?, r.get::<_, Option<String>>(1)?.unwrap_or_default())),
    )?;
    Ok(found.unwrap_or_default())
}

fn last(tx: &Tx<'_>, instance: &InstanceId, id: &ChatId, address: &str) -> Result<Option<Snippet>, StoreError> {
    let received = tx.find(
        "SELECT body, kind, heard_at, origin IS NOT NULL FROM inbound_messages
         WHERE instance_id = ?1 AND chat = ?2 AND kind <> 'reaction' ORDER BY heard_at DESC, id DESC LIMIT 1",
        params![instance, id.chat_key()],
        |r| Ok(Snippet { text: r.get(0)?, kind: r.get(1)?, at: r.get(2)?, is_ours: r.get(3)?, status: None }),
    )?;
    // Whatever they were written to under.
    let contact = match id {
        ChatId::Person(contact) => Some(*contact),
        ChatId::Group(_) => None,
    };
    let sql = format!(
        "SELECT m.body, m.kind, {WENT_AT} AS went_at, m.status, m.id FROM messages m
         WHERE account_id = (SELECT account_id FROM instances WHERE id = ?1) AND instance_id = ?1
           AND recipient IN (SELECT ?2 UNION ALL SELECT value FROM contact_identities WHERE contact_id = ?3)
           AND status <> 'blocked' AND kind <> 'reaction' AND NOT (kind IN ('edit', 'revoke') AND status = 'failed')
         ORDER BY went_at DESC, m.id DESC LIMIT 1"
    );
    let sent = tx.find(&sql, params![instance, address, contact], |r| {
        let status = Some(r.get(3)?);
        let snippet = Snippet { text: r.get(0)?, kind: r.get(1)?, at: r.get(2)?, is_ours: true, status };
        Ok((snippet, r.get::<_, i64>(4)?))
    })?;
    // Of the same moment, what was sent is the later one, as in the thread.
    match (received, sent) {
        (Some(received), Some((sent, _))) if received.at > sent.at => Ok(Some(received)),
        (_, Some((sent, row))) if sent.kind == "template" => {
            let template = templates::sent(tx, row)?;
            Ok(Some(template.map_or(sent.clone(), |it| Snippet { text: it.shown(&sent.text), ..sent })))
        }
        (received, sent) => Ok(sent.map(|(sent, _)| sent).or(received)),
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
