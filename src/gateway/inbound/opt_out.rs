//! Opt-out and opt-in: what a whole message said, applied to the person who wrote it.

use super::{After, Recording};
use crate::{
    connectors::templates::TemplateName,
    events::webhooks::{Event, EventPerson},
    instances::templates::{self, SentTemplate},
    model::{
        clock::Time,
        ids::{ContactId, InstanceId},
    },
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

/// Later messages of a person that are looked through for another word.
const LATER_MOST: i64 = 500;

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
            // CANCEL may have been an answer: it counts where it opted out.
            let is_stop = |meaning: &_, counted| match meaning {
                phrases::PhraseMeaning::OptOut { always, .. } => *always || counted,
                phrases::PhraseMeaning::OptIn => false,
            };
            if said_later(tx, recording, contact, is_stop)? {
                return Ok(After::Nothing);
            }
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
            let is_start = |meaning: &_, _| matches!(meaning, phrases::PhraseMeaning::OptIn);
            if !always && was_offered(tx, recording, contact, word)? || said_later(tx, recording, contact, is_start)? {
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
            if !suppression::add(tx, &new, recording.happened_at())? {
                return Ok(After::Nothing);
            }
            recording.emit(tx, &Event::RecipientOptedOut { from: from.clone(), message_text: text.to_owned() })?;
            Ok(After::OptOut(instance.clone()))
        }
    }
}

/// The same for what was said long ago and is told only now: an opt-in of then lifts nothing of now.
pub(super) fn record_old(
    tx: &WriteTx<'_>,
    recording: &Recording<'_>,
    contact: ContactId,
    from: &EventPerson,
    text: &str,
) -> Result<After, StoreError> {
    match recording.phrase {
        Some(phrases::PhraseMeaning::OptOut { .. }) => record(tx, recording, contact, from, text),
        _ => Ok(After::Nothing),
    }
}

/// Whether the person said later, to any number of the account, what means that: providers promise no order, and the last
/// word counts. What opts nobody out does not count here either: a caption, what was chosen from a menu, a sign.
fn said_later(
    tx: &WriteTx<'_>,
    recording: &Recording<'_>,
    contact: ContactId,
    means: impl Fn(&phrases::PhraseMeaning, bool) -> bool,
) -> Result<bool, StoreError> {
    let later = tx.list(
        "SELECT m.body, EXISTS (SELECT 1 FROM suppressions s WHERE s.contact_id = ?2 AND s.source = 'recipient'
                                AND s.lifted_at IS NULL AND s.since IN (min(m.heard_at, m.created_at), m.created_at))
         FROM inbound_messages m
         WHERE m.instance_id IN (SELECT id FROM instances WHERE account_id = ?1) AND m.chat = 'contact:' || ?2
           AND m.heard_at > ?3 AND m.heard_at <= ?5 AND m.origin IS NULL AND m.kind IN ('text', 'button')
         ORDER BY m.heard_at DESC LIMIT ?4",
        params![recording.account, contact, recording.heard.at, LATER_MOST, recording.now()],
        |r| Ok((r.get::<_, String>(0)?, r.get::<_, bool>(1)?)),
    )?;
    let hear = |(text, counted): &(String, bool)| Some((recording.means.phrases.hear(text)?, *counted));
    Ok(later.iter().filter_map(hear).any(|(meaning, counted)| means(&meaning, counted)))
}

/// Whether our last message to this person within 24 hours, from here or from the number's phone, offered the word as an
/// answer. It counts from when it went; what never went is none.
fn was_offered(
    tx: &WriteTx<'_>,
    recording: &Recording<'_>,
    contact: ContactId,
    word: &str,
) -> Result<bool, StoreError> {
    let since = recording.now().minus(OFFER);
    let ours = tx.find(
        "SELECT body, coalesce(sent_at, sending_at) AS went_at, content FROM messages
         WHERE account_id = ?4 AND recipient IN (SELECT value FROM contact_identities WHERE contact_id = ?3)
           AND instance_id = ?1 AND contact_id = ?3 AND status IN ('sending', 'sent', 'delivered', 'read', 'unknown')
           AND kind NOT IN ('reaction', 'revoke') AND coalesce(sent_at, sending_at) > ?2
         ORDER BY went_at DESC, id DESC LIMIT 1",
        params![recording.heard.instance, since, contact, recording.account],
        |r| Ok((r.get::<_, String>(0)?, r.get::<_, Time>(1)?, r.get::<_, Option<String>>(2)?)),
    )?;
    let phones = tx.find(
        "SELECT body, heard_at FROM inbound_messages
         WHERE instance_id = ?1 AND chat = 'contact:' || ?3 AND heard_at > ?2 AND origin IS NOT NULL
           AND kind NOT IN ('reaction', 'revoke')
         ORDER BY heard_at DESC LIMIT 1",
        params![recording.heard.instance, since, contact],
        |r| Ok((r.get::<_, String>(0)?, r.get::<_, Time>(1)?, None)),
    )?;
    let last = [ours, phones].into_iter().flatten().max_by_key(|(_, at, _)| *at);
    let Some((mut text, _, content)) = last else { return Ok(false) };
    if let Some(content) = content {
        text.push_str(&said_by_template(tx, &recording.heard.instance, &content)?);
    }
    Ok(recording.means.phrases.offers(&text, word))
}

/// What the reader of a template saw beside its variables, each part on a line of its own: its text, and its buttons.
fn said_by_template(tx: &WriteTx<'_>, instance: &InstanceId, content: &str) -> Result<String, StoreError> {
    let Ok(content) = serde_json::from_str(content) else { return Ok(String::new()) };
    let Some(SentTemplate { name, language, said }) = templates::of_content(tx, instance, &content)? else {
        return Ok(String::new());
    };
    let known = templates::find(tx, instance, &TemplateName { name, language })?;
    let buttons = known.and_then(|known| known.frame).map(|frame| frame.buttons).unwrap_or_default();
    let parts = said.into_iter().chain(buttons.into_iter().map(|button| button.text));
    Ok(parts.map(|part| format!("\n{part}")).collect())
}
