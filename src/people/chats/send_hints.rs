//! What whoever types should know before the guard says it.

use super::ChatId;
use crate::{
    model::{clock::Time, ids::InstanceId},
    people::{conversations, suppression},
    store::{StoreError, Tx},
};
use rusqlite::params;

/// How a chat stands.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SendHints {
    /// The person must not be written to: why.
    pub suppressed: Option<String>,
    /// When the person opened their window with this instance last, see
    /// [`window_opened_at`](conversations::window_opened_at).
    pub window_opened_at: Option<Time>,
    /// Whether the provider's own agent has the conversation: what is sent takes it over.
    pub is_held: bool,
    /// The instance is paused: why.
    pub paused: Option<String>,
}

/// How a chat of an instance stands.
pub fn standing(tx: &Tx<'_>, instance: &InstanceId, chat: &ChatId) -> Result<SendHints, StoreError> {
    let paused = tx.find(
        "SELECT coalesce(pause_reason, '') FROM instances WHERE id = ?1 AND paused_at IS NOT NULL",
        params![instance],
        |r| r.get(0),
    )?;
    let ChatId::Person(contact) = chat else { return Ok(SendHints { paused, ..SendHints::default() }) };
    let window_opened_at = conversations::window_opened_at(tx, instance, *contact)?;
    let is_held = conversations::is_held(tx, instance, *contact)?;
    Ok(SendHints { suppressed: suppression::active(tx, *contact)?, window_opened_at, is_held, paused })
}
