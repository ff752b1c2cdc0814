//! What an instance may ask its provider about after a silence: how far it has heard, and which messages are open.

use crate::{
    connectors::inbound_event::{Backlog, Unsettled},
    model::{clock::Time, ids::InstanceId},
    store::{StoreError, Tx, went::WENT_AFTER},
};
use rusqlite::params;
use std::time::Duration;

/// What is older stays for a person to settle.
const OPEN_FOR: Duration = Duration::from_secs(24 * 3600);
const MOST: i64 = 200;

/// Reads it; empty for an instance that is gone.
pub(super) fn read(tx: &Tx<'_>, instance: &InstanceId, now: Time) -> Result<Backlog, StoreError> {
    let heard_until = tx.find(
        "SELECT coalesce((SELECT max(heard_at) FROM inbound_messages WHERE instance_id = ?1 AND origin IS NULL), created_at)
         FROM instances WHERE id = ?1 AND deleted_at IS NULL",
        params![instance],
        |r| r.get(0),
    )?;
    let unsettled = format!(
        "SELECT message_id, provider_message_id, recipient, CASE WHEN kind IN ('reaction', 'edit', 'revoke') THEN '' ELSE body END,
                coalesce(sending_at, created_at)
         FROM messages
         WHERE instance_id = ?1 AND {WENT_AFTER}
           AND status IN ('sending', 'unknown')
         ORDER BY coalesce(sending_at, created_at) DESC LIMIT ?3"
    );
    let unsettled = tx.list(&unsettled, params![instance, now.minus(OPEN_FOR), MOST], |r| {
        Ok(Unsettled {
            message_id: r.get(0)?,
            provider_message_id: r.get(1)?,
            to: r.get(2)?,
            text: r.get(3)?,
            at: r.get(4)?,
        })
    })?;
    let taken = format!(
        "SELECT provider_message_id FROM messages
         WHERE instance_id = ?1 AND {WENT_AFTER}
           AND provider_message_id IS NOT NULL AND recipient IN (
             SELECT recipient FROM messages
             WHERE instance_id = ?1 AND {WENT_AFTER}
                 AND provider_message_id IS NULL AND status IN ('sending', 'unknown'))"
    );
    let taken = tx.list(&taken, params![instance, now.minus(OPEN_FOR)], |r| r.get(0))?;
    Ok(Backlog { heard_until, unsettled, taken })
}
