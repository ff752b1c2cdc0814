//! The five templates of an integration: off and with the built-in text until somebody says otherwise.

use super::{
    event::EventType,
    integration::IntegrationId,
    template::{TextTemplate, built_in},
};
use crate::store::{StoreError, Tx, WriteTx};
use rusqlite::params;
use serde::Serialize;

/// A template, as people are shown it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Saved {
    /// Of which event.
    pub event_type: EventType,
    /// Whether the event sends it.
    pub enabled: bool,
    /// Its text, with variables.
    pub text: String,
}

/// All five, in the order of the documents, in a read that brings more.
pub fn list(tx: &Tx<'_>, id: &IntegrationId) -> Result<Vec<Saved>, StoreError> {
    EventType::WITH_TEMPLATE.into_iter().map(|event_type| find(tx, id, event_type)).collect()
}

pub(super) fn find(tx: &Tx<'_>, id: &IntegrationId, event_type: EventType) -> Result<Saved, StoreError> {
    let row = tx.find(
        "SELECT enabled, text FROM threecx_templates WHERE integration_id = ?1 AND event_type = ?2",
        params![id, event_type.as_str()],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )?;
    let (enabled, text) = row.unwrap_or_else(|| (false, built_in(event_type).to_owned()));
    Ok(Saved { event_type, enabled, text })
}

/// What an event sends, if it sends anything.
pub(super) fn enabled(
    tx: &Tx<'_>,
    id: &IntegrationId,
    event_type: EventType,
) -> Result<Option<TextTemplate>, StoreError> {
    let saved = find(tx, id, event_type)?;
    // It was judged when it was saved.
    Ok(TextTemplate::parse(&saved.text).ok().filter(|_| saved.enabled))
}

pub(super) fn save(tx: &WriteTx<'_>, id: &IntegrationId, saved: &Saved) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO threecx_templates (integration_id, event_type, enabled, text) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET enabled = excluded.enabled, text = excluded.text",
        params![id, saved.event_type.as_str(), saved.enabled, saved.text],
    )?;
    Ok(())
}
