//! Opt-out and opt-in: what a whole message said, applied to the person who wrote it.

use super::{After, Recording};
use crate::{
    events::webhooks::{Event, EventPerson},
    model::ids::ContactId,
    people::{
        conversations,
        suppression::{self, SuppressionSource, phrases},
    },
    store::{StoreError, WriteTx},
};
use rusqlite::params;
use std::time::Duration;

/// How long an offered word ("reply CANCEL to cancel") makes that word an answer instead of an opt-out.
const OFFER: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn record(
    tx: &WriteTx<'_>,
    recording: &Recording<'_>,
    contact: ContactId,
    from: &EventPerson,
    text: &str,
) -> Result<After, StoreError> {
    match &recording.phrase {
        None => Ok(After::Nothing),
        Some(phrases::PhraseMeaning::OptIn) => {
            suppression::lift(tx, contact, &[SuppressionSource::Recipient], "recipient", recording.now())?;
            if let Some((_, names)) = conversations::find_by_id(tx, recording.account, contact)? {
                for name in names {
                    let name = (name.kind.as_str(), name.value.as_str());
                    recording.means.erased.lift(tx, recording.account, name, &[SuppressionSource::Recipient])?;
                }
            }
            Ok(After::Nothing)
        }
        Some(phrases::PhraseMeaning::OptOut { always, word }) => {
            if !always && was_offered(tx, recording, contact, word)? {
                return Ok(After::Nothing);
            }
            let instance = &recording.heard.instance;
            let new = suppression::NewSuppression {
                account: recording.account,
                contact,
                source: SuppressionSource::Recipient,
                reason: "recipient_requested_stop",
                instance: Some(instance),
            };
            if !suppression::add(tx, &new, recording.now())? {
                return Ok(After::Nothing);
            }
            recording.emit(tx, &Event::RecipientOptedOut { from: from.clone(), message_text: text.to_owned() })?;
            Ok(After::OptOut(instance.clone()))
        }
    }
}

/// Whether our last message to this person within 24 hours offered the word as an answer.
fn was_offered(
    tx: &WriteTx<'_>,
    recording: &Recording<'_>,
    contact: ContactId,
    word: &str,
) -> Result<bool, StoreError> {
    let ours = tx.find(
        "SELECT body FROM messages
         WHERE instance_id = ?1 AND created_at > ?2 AND contact_id = ?3 AND status <> 'blocked'
         ORDER BY created_at DESC LIMIT 1",
        params![recording.heard.instance, recording.now().minus(OFFER), contact],
        |r| r.get::<_, String>(0),
    )?;
    Ok(ours.is_some_and(|text| recording.means.phrases.offers(&text, word)))
}
