//! Everything that a proven request is judged by, loaded in one place and in one transaction.

use super::{
    event::{EventAction, EventType, ThreecxEvent},
    handle::COOLDOWN,
    integration::{self, Integration, IntegrationId},
    template::TextTemplate,
    templates,
};
use crate::{
    accounts::Scope,
    model::{
        clock::Time,
        ids::{AccountId, ContactId},
        phone::{Impossible, PhoneError, PhoneReading, Recipient},
    },
    people::conversations::{self, Identity},
    sending::{self, Refusal, Sender},
    store::{StoreError, Tx},
};
use rusqlite::params;
use std::time::Duration;

/// What is known before the facts are loaded.
#[derive(Clone, Copy)]
pub(super) struct Asking {
    /// Whether the integration has asked too often, and until when.
    pub(super) rate: Result<(), Duration>,
    /// What becomes of a number that cannot be one.
    pub(super) impossible: Impossible,
    pub(super) now: Time,
}

/// What is judged.
pub(super) struct RequestFacts {
    pub(super) now: Time,
    pub(super) rate: Result<(), Duration>,
    pub(super) standing: Result<(), Refusal>,
    pub(super) integration: Integration,
    pub(super) recipient: Option<Recipient>,
    /// Why what was given is no number.
    pub(super) no_recipient: Option<PhoneError>,
    /// When the recipient opened their window with the integration's instance last.
    pub(super) window_opened_at: Option<Time>,
    /// Of a call event: the text, if it is on.
    pub(super) template: Option<TextTemplate>,
    pub(super) cooling: bool,
}

pub(super) fn load(
    tx: &Tx<'_>,
    id: &IntegrationId,
    sender: &Sender,
    event: Option<&ThreecxEvent>,
    asked: &Asking,
) -> Result<RequestFacts, StoreError> {
    let Asking { rate, impossible, now } = *asked;
    // Proven a moment ago: integrations are switched off, and never deleted.
    let found = integration::find(tx, id, Scope::Account(sender.account));
    let integration = found.map_err(|e| StoreError::Panicked(e.to_string()))?;
    let standing = sending::standing(tx, sender, now)?;
    let region = integration::region_of(tx, sender.account)?;
    let how = PhoneReading { region, impossible };
    let recipient = event.and_then(|e| e.recipient(how));
    let no_recipient = event.filter(|_| recipient.is_none()).and_then(|e| e.no_recipient(how));
    let contact = match &recipient {
        Some(recipient) => contact_of(tx, integration.account_id, recipient)?,
        None => None,
    };
    let window_opened_at = match contact {
        Some(contact) => conversations::window_opened_at(tx, &integration.settings.instance, contact)?,
        None => None,
    };
    let kind = event.and_then(|e| e.event_type.clone().ok()).filter(|t| t.kind() == EventAction::Call);
    let (mut template, mut cooling) = (None, false);
    if let Some(event_type) = kind {
        template = templates::enabled(tx, id, event_type)?;
        cooling = is_cooling(tx, id, event_type, (recipient.as_ref(), contact), now)?;
    }
    Ok(RequestFacts { now, rate, standing, integration, recipient, no_recipient, window_opened_at, template, cooling })
}

/// The contact that a request means, if it is known.
fn contact_of(tx: &Tx<'_>, account: AccountId, recipient: &Recipient) -> Result<Option<ContactId>, StoreError> {
    Ok(match recipient {
        Recipient::Phone(phone) => conversations::find(tx, account, &Identity::phone(phone.as_str()))?.map(|c| c.id),
        Recipient::Contact(id) => Some(*id),
        Recipient::Group(_) => None,
    })
}

/// Whether the person had such a message a moment ago, whatever they were called then.
fn is_cooling(
    tx: &Tx<'_>,
    id: &IntegrationId,
    event_type: EventType,
    (recipient, contact): (Option<&Recipient>, Option<ContactId>),
    now: Time,
) -> Result<bool, StoreError> {
    let found = tx.find(
        "SELECT 1 FROM threecx_cooldowns
         WHERE integration_id = ?1 AND event_type = ?2 AND until > ?5 AND until <= ?6
           AND recipient IN (SELECT ?3 UNION ALL SELECT 'contact:' || ?4
                             UNION ALL SELECT value FROM contact_identities WHERE contact_id = ?4)",
        // A clock that was set back does not make a cooldown longer than it is.
        params![id, event_type.as_str(), recipient.map(Recipient::canonical), contact, now, now.plus(COOLDOWN)],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}
