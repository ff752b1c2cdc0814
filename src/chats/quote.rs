//! What refers to a line, and what a line refers to.

use super::{list::person, thread::Reaction};
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

/// What people thought of the message with this provider's id; the newest of each person counts, an empty one takes it
/// back.
pub(super) fn reactions(tx: &Tx<'_>, instance: &InstanceId, chat: &str, id: &str) -> Result<Vec<Reaction>, StoreError> {
    let given = tx.list(
        "SELECT contact_id, body FROM inbound_messages
         WHERE instance_id = ?1 AND chat = ?2 AND reply_to = ?3 AND kind = 'reaction' ORDER BY heard_at, id",
        params![instance, chat, id],
        |r| Ok((r.get::<_, Option<ContactId>>(0)?, r.get::<_, String>(1)?)),
    )?;
    let mut newest: Vec<(Option<ContactId>, String)> = Vec::new();
    for (by, sign) in given {
        newest.retain(|(earlier, _)| *earlier != by);
        newest.push((by, sign));
    }
    let shown = newest.into_iter().filter(|(_, sign)| !sign.is_empty()).map(|(by, sign)| {
        let (name, address) = by.map_or_else(|| Ok(Default::default()), |contact| person(tx, contact))?;
        Ok(Reaction { sign, by: Some(name.unwrap_or(address)) })
    });
    shown.collect()
}
