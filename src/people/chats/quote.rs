//! What refers to a line, and what a line refers to.

use super::{
    ChatId,
    line::{Reaction, Reactor},
    list::person,
    thread::sent,
};
use crate::{
    model::ids::{ContactId, InstanceId},
    store::{StoreError, Tx},
};
use rusqlite::params;

/// The text of the message that an id names: ours, or a provider's within the chat.
pub(super) fn text(tx: &Tx<'_>, instance: &InstanceId, chat: &str, id: &str) -> Result<Option<String>, StoreError> {
    for sql in [
        "SELECT body FROM inbound_messages WHERE instance_id = ?1 AND chat = ?2 AND provider_message_id = ?3",
        "SELECT body FROM messages WHERE provider_message_id = ?3 AND instance_id = ?1 AND ?2 <> ''",
        "SELECT body FROM messages WHERE message_id = ?3 AND instance_id = ?1 AND ?2 <> ''",
    ] {
        if let Some(text) = tx.find(sql, params![instance, chat, id], |r| r.get::<_, String>(0))? {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

/// How a request names the line of a chat that it answers: ours by our id, another's by the provider's. None: there is no
/// such line in this chat, or it never reached its provider.
pub fn answerable(tx: &Tx<'_>, instance: &InstanceId, chat: &ChatId, line: &str) -> Result<Option<String>, StoreError> {
    if let Some(row) = line.strip_prefix("inb_") {
        let sql = "SELECT provider_message_id FROM inbound_messages
                   WHERE id = ?1 AND instance_id = ?2 AND chat = ?3 AND kind NOT IN ('reaction', 'edit', 'revoke')";
        return tx.find(sql, params![row.parse().unwrap_or(0_i64), instance, chat.chat_key()], |r| r.get(0));
    }
    let sql = "SELECT id FROM messages WHERE message_id = ?1 AND instance_id = ?2 AND provider_message_id IS NOT NULL
               AND kind NOT IN ('reaction', 'edit', 'revoke')";
    let Some(row) = tx.find(sql, params![line, instance], |r| r.get(0))? else { return Ok(None) };
    let is_here = sent(tx, row)?.is_some_and(|(of, _)| of == *chat);
    Ok(is_here.then(|| line.to_owned()))
}

/// What people thought of the message with this provider's id; the newest of each person counts, an empty one takes it
/// back.
pub(super) fn reactions(tx: &Tx<'_>, instance: &InstanceId, chat: &str, id: &str) -> Result<Vec<Reaction>, StoreError> {
    let given = tx.list(
        "SELECT CASE WHEN origin IS NULL THEN contact_id END, body, origin IS NOT NULL FROM inbound_messages
         WHERE instance_id = ?1 AND chat = ?2 AND reply_to = ?3 AND kind = 'reaction' ORDER BY heard_at, id",
        params![instance, chat, id],
        |r| Ok(((r.get::<_, Option<ContactId>>(0)?, r.get::<_, bool>(2)?), r.get::<_, String>(1)?)),
    )?;
    let mut newest: Vec<((Option<ContactId>, bool), String)> = Vec::new();
    for (by, sign) in given {
        newest.retain(|(earlier, _)| *earlier != by);
        newest.push((by, sign));
    }
    let shown = newest.into_iter().filter(|(_, sign)| !sign.is_empty()).map(|((by, is_ours), sign)| {
        if is_ours {
            return Ok(Reaction { sign, by: None });
        }
        let (name, address) = by.map_or_else(|| Ok(Default::default()), |contact| person(tx, contact))?;
        Ok(Reaction { sign, by: Some(Reactor { name, address }) })
    });
    shown.collect()
}
