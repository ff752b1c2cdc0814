//! Messages of the number's own that did not leave through this gateway: written on its phone, or by the provider's own
//! agent. They stand in the chat and are told to programs, and nothing of the guard's counts them: they were not ours to
//! judge.

use super::{
    After, Recorded, Recording,
    message::{self, NewRow, as_told, heard_before, known, note_file, party_or_nobody, person},
};
use crate::{
    connectors::inbound_event::{Echo, RemoteParty, Told},
    events::webhooks::{EchoRef, Event},
    model::{
        ids::{ContactId, inbound_id},
        message::EchoOrigin,
    },
    people::{
        chats,
        conversations::{self, InConversation, WhoWrote},
    },
    store::{StoreError, Tx, WriteTx, went::WENT_AFTER},
};
use rusqlite::params;
use serde_json::json;
use std::time::Duration;

/// How long a message of ours may wait for its answer, within which its echo is taken for it.
const ANSWERED_WITHIN: Duration = Duration::from_secs(15 * 60);

pub(super) fn record(tx: &WriteTx<'_>, recording: &Recording<'_>, echo: &Echo) -> Result<Recorded, StoreError> {
    let Echo { to, origin, message } = echo;
    let instance = &recording.heard.instance;
    if is_sent(tx, recording, &message.provider_message_id)? {
        return Ok(heard_before());
    }
    let words = message.text.as_deref().unwrap_or_default();
    let (contact, chat) = match &message.group {
        Some(group) => {
            chats::note_group(tx, instance, &group.id, &group.name, recording.now())?;
            (None, group.id.clone())
        }
        None => {
            let contact = party_or_nobody(tx, recording, to)?;
            (Some(contact), format!("contact:{contact}"))
        }
    };
    if is_waited_for(tx, recording, contact, &chat, words)? {
        return Ok(heard_before());
    }
    let row = NewRow { chat: &chat, contact, origin: Some(*origin), place: None };
    let Some(id) = message::insert(tx, recording, message, &row)? else { return Ok(heard_before()) };
    let media = note_file(tx, recording, message, id)?;
    if let Some(contact) = contact {
        note_chat(tx, recording, echo, contact)?;
    }
    if message.told != Told::History {
        let event = EchoRef {
            to: person(tx, to, contact)?,
            group_id: message.group.as_ref().map(|group| group.id.clone()),
            message_type: message.kind.clone(),
            message_text: message.text.clone(),
            message_id: inbound_id(id),
            provider_message_id: message.provider_message_id.clone(),
            source: *origin,
            reply_to: message.reply_to.clone(),
            media: media.map(|shown| json!(shown)),
            raw: as_told(message),
            changed: message::changed(tx, recording, message, &chat)?,
        };
        recording.emit(tx, &Event::MessageEchoed(event))?;
    }
    Ok(Recorded { after: After::Nothing, has_row: true })
}

/// The person is no stranger any more, and whoever wrote has read what came before.
fn note_chat(tx: &WriteTx<'_>, recording: &Recording<'_>, echo: &Echo, contact: ContactId) -> Result<(), StoreError> {
    let (instance, at) = (&recording.heard.instance, recording.heard.at);
    conversations::note_outbound(tx, contact, at)?;
    let before = conversations::find_conversation(tx, instance, contact)?;
    let in_it = InConversation { account: recording.account, instance, contact, at, now: recording.now() };
    let is_live = echo.message.told != Told::History;
    let written = if is_live { WhoWrote::ByOurPhone } else { WhoWrote::ByOurPhoneLongAgo };
    let now = conversations::note_message(tx, &in_it, before, written)?;
    if echo.origin == EchoOrigin::Agent && is_live {
        conversations::note_holder(tx, instance, contact, Some(EchoOrigin::Agent))?;
    }
    if is_live && before.is_some_and(|before| before.unread_count > 0) {
        let (to, name) = (person(tx, &echo.to, Some(contact))?, conversations::find_name(tx, contact)?);
        message::conversation_updated(tx, recording, &to, name, now)?;
    }
    Ok(())
}

/// Whether it left through this gateway.
fn is_sent(tx: &Tx<'_>, recording: &Recording<'_>, id: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM messages WHERE provider_message_id = ?1 AND instance_id = ?2";
    Ok(tx.find(sql, params![id, recording.heard.instance], |_| Ok(()))?.is_some())
}

/// Whether it may be a message of ours whose answer is still to come: the same words to the same chat.
fn is_waited_for(
    tx: &Tx<'_>,
    recording: &Recording<'_>,
    contact: Option<ContactId>,
    chat: &str,
    words: &str,
) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT 1 FROM messages
               WHERE instance_id = ?1 AND {WENT_AFTER} AND status IN ('sending', 'unknown')
                 AND provider_message_id IS NULL AND body = ?3 AND (contact_id = ?4 OR recipient = ?5) LIMIT 1"
    );
    let since = recording.now().minus(ANSWERED_WITHIN);
    let of = params![recording.heard.instance, since, words, contact, chat];
    Ok(tx.find(&sql, of, |_| Ok(()))?.is_some())
}

/// Somebody else has a conversation now, or we have it again.
pub(super) fn held(
    tx: &WriteTx<'_>,
    recording: &Recording<'_>,
    with: &RemoteParty,
    by: Option<EchoOrigin>,
) -> Result<(), StoreError> {
    match known(tx, recording.account, with)? {
        Some(contact) => conversations::note_holder(tx, &recording.heard.instance, contact, by),
        None => Ok(()),
    }
}
