//! Everything that a proven request is judged by, loaded in one place and in one transaction.

use super::{
    event::{EventAction, EventType, ThreecxEvent},
    handle::COOLDOWN,
    integration::{self, Integration, IntegrationId},
    template::TextTemplate,
    templates,
};
use crate::{
    model::{clock::Time, phone::Recipient},
    people::conversations::{self, Identity},
    sending::{self, Refusal, Sender},
    store::{StoreError, Tx},
};
use rusqlite::params;
use std::time::Duration;

/// What is judged.
pub(super) struct RequestFacts {
    pub(super) now: Time,
    pub(super) rate: Result<(), Duration>,
    pub(super) standing: Result<(), Refusal>,
    pub(super) integration: Integration,
    pub(super) recipient: Option<Recipient>,
    pub(super) last_written: Option<Time>,
    /// Of a call event: the text, if it is on.
    pub(super) template: Option<TextTemplate>,
    pub(super) cooling: bool,
}

pub(super) fn load(
    tx: &Tx<'_>,
    id: &IntegrationId,
    sender: &Sender,
    event: Option<&ThreecxEvent>,
    rate: Result<(), Duration>,
    now: Time,
) -> Result<RequestFacts, StoreError> {
    // Proven a moment ago: integrations are switched off, and never deleted.
    let found = integration::find(tx, id, None);
    let integration = found.map_err(|e| StoreError::Panicked(e.to_string()))?;
    let standing = sending::standing(tx, sender, now)?;
    let region = integration::region_of(tx, sender.account)?;
    let recipient = event.and_then(|e| e.recipient(region));
    let last_written = match &recipient {
        Some(recipient) => last_written(tx, &integration, recipient)?,
        None => None,
    };
    let kind = event.and_then(|e| e.event_type.clone().ok()).filter(|t| t.kind() == EventAction::Call);
    let (mut template, mut cooling) = (None, false);
    if let Some(event_type) = kind {
        template = templates::enabled(tx, id, event_type)?;
        cooling = is_cooling(tx, id, event_type, recipient.as_ref(), now)?;
    }
    Ok(RequestFacts { now, rate, standing, integration, recipient, last_written, template, cooling })
}

fn last_written(tx: &Tx<'_>, integration: &Integration, recipient: &Recipient) -> Result<Option<Time>, StoreError> {
    let contact = match recipient {
        Recipient::Phone(phone) => {
            conversations::find(tx, integration.account_id, &Identity::phone(phone.as_str()))?.map(|c| c.id)
        }
        Recipient::Contact(id) => Some(*id),
        Recipient::Group(_) => None,
    };
    match contact {
        Some(contact) => conversations::last_written(tx, &integration.settings.instance, contact),
        None => Ok(None),
    }
}

fn is_cooling(
    tx: &Tx<'_>,
    id: &IntegrationId,
    event_type: EventType,
    recipient: Option<&Recipient>,
    now: Time,
) -> Result<bool, StoreError> {
    let found = tx.find(
        "SELECT 1 FROM threecx_cooldowns
         WHERE integration_id = ?1 AND event_type = ?2 AND recipient = ?3 AND until > ?4 AND until <= ?5",
        // A clock that was set back does not make a cooldown longer than it is.
        params![id, event_type.as_str(), recipient.map(ToString::to_string), now, now.plus(COOLDOWN)],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}
