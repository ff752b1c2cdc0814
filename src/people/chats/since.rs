//! What became of a line since it was written: our signs on it, edits and deletions of both sides.

use super::{ChatId, line::ChatMessage, thread::addressed_to};
use crate::{
    model::{
        clock::Time,
        ids::{AccountId, InstanceId},
        message::{EDIT, REVOKE},
    },
    store::{StoreError, Tx},
};
use rusqlite::params;
use std::{collections::HashMap, time::Duration};

/// How far a provider's clock may be ahead of ours.
const CLOCKS_APART: Duration = Duration::from_secs(24 * 60 * 60);

/// What we did about lines after they were written, by the provider's ids of the lines.
#[derive(Default)]
pub(super) struct OwnSince {
    pub(super) signs: HashMap<String, String>,
    changes: HashMap<String, Vec<LineChange>>,
}

/// An edit or a deletion of a line.
#[derive(Clone)]
struct LineChange {
    at: Time,
    /// None: it was taken back.
    text: Option<String>,
}

/// Our own signs, edits and deletions on lines from `earliest` on: the newest sign on each counts, an empty one takes it
/// back, and what did not go is none.
pub(super) fn own_since(
    tx: &Tx<'_>,
    account: AccountId,
    instance: &InstanceId,
    chat: &ChatId,
    earliest: Option<&ChatMessage>,
) -> Result<OwnSince, StoreError> {
    let Some(earliest) = earliest else { return Ok(OwnSince::default()) };
    // A sign is younger than its line by our clock; the provider's, by which a line was heard, may be ahead a little.
    let since = earliest.key.at.minus(CLOCKS_APART);
    let (whom, chat_key) = addressed_to(chat);
    let sql = format!(
        "SELECT reply_to, body, kind, created_at FROM messages
         WHERE account_id = ?1 AND instance_id = ?2 AND recipient {whom} AND created_at >= ?3
           AND kind IN ('reaction', 'edit', 'revoke') AND reply_to IS NOT NULL AND status NOT IN ('blocked', 'failed')
         ORDER BY created_at, id"
    );
    let all = tx.list(&sql, params![account, instance, since, chat_key], |r| {
        Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?, r.get::<_, String>(2)?, r.get::<_, Time>(3)?))
    })?;
    let mut ours = OwnSince::default();
    for (about, text, kind, at) in all {
        let change = match kind.as_str() {
            EDIT => LineChange { at, text: Some(text) },
            REVOKE => LineChange { at, text: None },
            _ => {
                ours.signs.insert(about, text);
                continue;
            }
        };
        ours.changes.entry(about).or_default().push(change);
    }
    ours.signs.retain(|_, sign| !sign.is_empty());
    Ok(ours)
}

/// Shows a line as it is now: edits and deletions of whoever wrote it, in their order. What it said before is kept.
pub(super) fn apply(
    tx: &Tx<'_>,
    (instance, chat): (&InstanceId, &str),
    id: &str,
    ours: &OwnSince,
    line: &mut ChatMessage,
) -> Result<(), StoreError> {
    let mut changes = tx.list(
        "SELECT kind, body, heard_at FROM inbound_messages
         WHERE instance_id = ?1 AND chat = ?2 AND reply_to = ?3 AND kind IN ('edit', 'revoke')
           AND (origin IS NOT NULL) = ?4
         ORDER BY heard_at, id",
        params![instance, chat, id, line.is_ours],
        |r| {
            let (kind, text): (String, String) = (r.get(0)?, r.get(1)?);
            Ok(LineChange { at: r.get(2)?, text: (kind != REVOKE).then_some(text) })
        },
    )?;
    changes.extend(ours.changes.get(id).filter(|_| line.is_ours).into_iter().flatten().cloned());
    changes.sort_by_key(|change| change.at);
    for change in changes {
        match change.text {
            None => line.is_deleted = true,
            // One that could not be read says nothing; nobody edits a text to none.
            Some(text) if text.is_empty() => {}
            Some(text) if text != line.text => line.former.push(std::mem::replace(&mut line.text, text)),
            Some(_) => {}
        }
    }
    if line.is_deleted && !line.text.is_empty() {
        line.former.push(std::mem::take(&mut line.text));
    }
    Ok(())
}
