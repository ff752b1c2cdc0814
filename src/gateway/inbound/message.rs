//! An inbound message: its contact, its conversation, its row, its events.

use super::{After, Recorded, Recording, opt_out};
use crate::{
    connectors::inbound_event::{GroupRef, InboundMessage, RemoteParty, Told},
    events::webhooks::{self, ChangedRef, Event, EventPerson},
    model::{
        file_name,
        ids::{AccountId, ContactId, inbound_id},
        message::{EDIT, EchoOrigin, REVOKE},
    },
    people::{
        chats,
        conversations::{self, Conversation, Identity, IdentityKind, InConversation, NOBODY, WhoWrote},
        media::{self, EventMedia, Of},
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;
use serde_json::{Value, json};

/// The kind of what a provider notes by itself in a chat.
const SYSTEM: &str = "system";

pub(super) fn record(
    tx: &WriteTx<'_>,
    recording: &Recording<'_>,
    message: &InboundMessage,
) -> Result<Recorded, StoreError> {
    // A note of the provider's that names nobody but by an id that they had makes nobody known.
    let is_bare_note = message.kind == SYSTEM && message.group.is_none() && message.from.phone.is_none();
    let contact = match is_bare_note {
        true => known(tx, recording.account, &message.from)?,
        false if message.group.is_some() || message.kind == SYSTEM => writer(tx, recording, &message.from)?,
        false => Some(party_or_nobody(tx, recording, &message.from)?),
    };
    match (&message.group, contact) {
        (Some(group), contact) => {
            let group_name = group_of_message(tx, recording, group, message.told)?;
            let row = NewRow { chat: &group.id, contact, origin: None, place: None };
            let Some(id) = insert(tx, recording, message, &row)? else { return Ok(heard_before()) };
            let media = note_file(tx, recording, message, id)?;
            let event = Event::GroupMessageReceived {
                group_id: group.id.clone(),
                group_name,
                from: person(tx, &message.from, contact)?,
                message_type: message.kind.clone(),
                message_text: message.text.clone(),
                message_id: inbound_id(id),
                provider_message_id: message.provider_message_id.clone(),
                media: media.map(|shown| json!(shown)),
                raw: as_told(message),
                changed: changed(tx, recording, message, &group.id)?,
            };
            if message.told != Told::History {
                recording.emit(tx, &event)?;
            }
            Ok(Recorded { after: After::Nothing, has_row: true })
        }
        // The provider's own note about somebody: kept, and nobody wrote it.
        (None, Some(contact)) if message.kind == SYSTEM => {
            let chat = format!("contact:{contact}");
            let row = NewRow { chat: &chat, contact: Some(contact), origin: None, place: None };
            let is_new = insert(tx, recording, message, &row)?.is_some();
            Ok(Recorded { after: After::Nothing, has_row: is_new })
        }
        (None, Some(contact)) => one_to_one(tx, recording, message, contact),
        // A note about nobody: it is kept, so that it can be looked at.
        (None, None) => {
            let row = NewRow { chat: NOBODY, contact: None, origin: None, place: None };
            let Some(id) = insert(tx, recording, message, &row)? else { return Ok(heard_before()) };
            note_file(tx, recording, message, id)?;
            Ok(Recorded { after: After::Nothing, has_row: true })
        }
    }
}

pub(super) const fn heard_before() -> Recorded {
    Recorded { after: After::Nothing, has_row: false }
}

/// Writes the row of the message's file; says how events name it.
pub(super) fn note_file(
    tx: &WriteTx<'_>,
    recording: &Recording<'_>,
    message: &InboundMessage,
    inbound: i64,
) -> Result<Option<EventMedia>, StoreError> {
    let (Some(heard), Some(file)) = (&message.media, recording.file) else { return Ok(None) };
    let file_name = heard.file_name.as_deref().and_then(file_name::clean);
    let new = media::NewMedia {
        account: recording.account,
        instance: &recording.heard.instance,
        of: Of::Inbound(inbound),
        kind: &heard.kind,
        declared_type: &heard.mime_type,
        file_name: file_name.as_deref(),
        content: file.taken.content(),
    };
    let id = media::record(tx, &new, recording.now())?;
    Ok(Some(file.shelf.show(id, heard, &file.taken, recording.now())))
}

fn one_to_one(
    tx: &WriteTx<'_>,
    recording: &Recording<'_>,
    message: &InboundMessage,
    contact: ContactId,
) -> Result<Recorded, StoreError> {
    let chat = format!("contact:{contact}");
    let (instance, at) = (&recording.heard.instance, recording.heard.at);
    let before = conversations::find_conversation(tx, instance, contact)?;
    let place = before.map(|before| (before.id, before.sequence + 1));
    let row = NewRow { chat: &chat, contact: Some(contact), origin: None, place };
    let Some(id) = insert(tx, recording, message, &row)? else { return Ok(heard_before()) };
    let media = note_file(tx, recording, message, id)?;
    let contact_name = note_writer(tx, recording, &message.from, contact)?;
    let written = match message.told {
        Told::History => WhoWrote::LongAgo,
        _ if is_change(message) => WhoWrote::AboutEarlier,
        _ => WhoWrote::ByThem,
    };
    let in_it = InConversation { account: recording.account, instance, contact, at, now: recording.now() };
    let conversation = conversations::note_message(tx, &in_it, before, written)?;
    if place.is_none() {
        tx.execute(
            "UPDATE inbound_messages SET conversation_id = ?2, sequence = ?3 WHERE id = ?1",
            params![id, conversation.id, conversation.sequence],
        )?;
    }
    let from = person(tx, &message.from, Some(contact))?;
    if message.told == Told::History {
        let after = opt_out::record_old(tx, recording, contact, &from, message.text.as_deref().unwrap_or_default())?;
        return Ok(Recorded { after, has_row: true });
    }
    let holder = (message.told == Told::Standby).then_some(EchoOrigin::Agent);
    conversations::note_holder(tx, instance, contact, holder)?;
    recording.emit(
        tx,
        &Event::MessageReceived {
            from: from.clone(),
            contact_name: contact_name.clone(),
            message_type: message.kind.clone(),
            message_text: message.text.clone(),
            message_id: inbound_id(id),
            provider_message_id: message.provider_message_id.clone(),
            conversation_id: conversation.id,
            sequence: conversation.sequence,
            reply_to: message.reply_to.clone(),
            media: media.map(|shown| json!(shown)),
            raw: as_told(message),
            changed: changed(tx, recording, message, &chat)?,
            is_standby: message.told == Told::Standby,
        },
    )?;
    conversation_updated(tx, recording, &from, contact_name, conversation)?;
    let after = opt_out::record(tx, recording, contact, &from, message.text.as_deref().unwrap_or_default())?;
    Ok(Recorded { after, has_row: true })
}

/// They wrote, under names that are good by that. Says what they are called: what is told with the message, else what is
/// known.
fn note_writer(
    tx: &WriteTx<'_>,
    recording: &Recording<'_>,
    from: &RemoteParty,
    contact: ContactId,
) -> Result<Option<String>, StoreError> {
    let (names, at) = (Identity::all_of(from), recording.heard.at);
    // What somebody is called who is not named is no name of all of them.
    let is_named = !names.is_empty();
    conversations::note_inbound(tx, contact, from.name.as_deref().filter(|_| is_named), at)?;
    for name in names {
        conversations::revive(tx, recording.account, &name, at)?;
    }
    match &from.name {
        None if is_named => conversations::find_name(tx, contact),
        told => Ok(told.clone()),
    }
}

/// Whether it only changes an earlier message.
fn is_change(message: &InboundMessage) -> bool {
    message.kind == EDIT || message.kind == REVOKE
}

/// The message that this one changes, for its event.
pub(super) fn changed(
    tx: &WriteTx<'_>,
    recording: &Recording<'_>,
    message: &InboundMessage,
    chat: &str,
) -> Result<Option<ChangedRef>, StoreError> {
    let Some(id) = message.reply_to.clone().filter(|_| is_change(message)) else { return Ok(None) };
    let found = tx.find(
        "SELECT id, body FROM inbound_messages WHERE instance_id = ?1 AND chat = ?2 AND provider_message_id = ?3",
        params![recording.heard.instance, chat, id],
        |r| Ok((r.get::<_, i64>(0)?, r.get::<_, String>(1)?)),
    )?;
    let (row, text) = found.unzip();
    Ok(Some(ChangedRef { message_id: row.map(inbound_id), provider_message_id: id, text }))
}

/// The message as it came, for its event.
pub(super) fn as_told(message: &InboundMessage) -> Option<Value> {
    message.raw.as_deref().and_then(|raw| serde_json::from_str(raw).ok())
}

pub(super) fn conversation_updated(
    tx: &WriteTx<'_>,
    recording: &Recording<'_>,
    from: &EventPerson,
    contact_name: Option<String>,
    conversation: Conversation,
) -> Result<(), StoreError> {
    let event = Event::ConversationUpdated {
        conversation_id: conversation.id,
        from: from.clone(),
        contact_name,
        unread_count: conversation.unread_count,
        last_message_at: conversation.last_message_at,
    };
    // How the conversation stands is news of now, however old the message is that came.
    let moment = recording.means.moment.told_of(recording.now());
    webhooks::emit(tx, recording.account, &recording.heard.instance, &event, moment).map(drop)
}

/// Where a message stands, and whose it is.
pub(super) struct NewRow<'a> {
    /// The chat's key.
    pub(super) chat: &'a str,
    /// The writer; of one of our own, to whom it went.
    pub(super) contact: Option<ContactId>,
    /// What wrote it, of one of our own.
    pub(super) origin: Option<EchoOrigin>,
    /// Its conversation and the number that it will have there, where there is one already.
    pub(super) place: Option<(i64, i64)>,
}

/// Writes the row; `None` when this message was heard before. One that was told without its file, with the rest of an
/// old chat, gets it now.
pub(super) fn insert(
    tx: &WriteTx<'_>,
    recording: &Recording<'_>,
    message: &InboundMessage,
    row: &NewRow<'_>,
) -> Result<Option<i64>, StoreError> {
    if is_change(message) && is_repeated(tx, recording, message, row)? {
        return Ok(None);
    }
    let (conversation, sequence) = row.place.unzip();
    // FAIL, and no word about what it replaces: SQLite copies no page for the case that only half of it can be done. What
    // is half done is undone with the transaction.
    let inserted = tx.execute(
        "INSERT OR FAIL INTO inbound_messages (account_id, instance_id, chat, provider_message_id, contact_id,
             group_id, kind, body, reply_to, heard_at, created_at, raw, origin, conversation_id, sequence)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
         ON CONFLICT DO NOTHING",
        params![
            recording.account,
            recording.heard.instance,
            row.chat,
            message.provider_message_id,
            row.contact,
            message.group.as_ref().map(|g| &g.id),
            message.kind,
            message.text.as_deref().unwrap_or_default(),
            message.reply_to,
            recording.heard.at,
            recording.now(),
            message.raw,
            row.origin.map(EchoOrigin::as_str),
            conversation,
            sequence,
        ],
    )?;
    if inserted > 0 {
        return Ok(Some(tx.last_inserted()));
    }
    complete(tx, recording, message, row)
}

/// One that was told without its file gets it, and its place; `None` for any other.
fn complete(
    tx: &WriteTx<'_>,
    recording: &Recording<'_>,
    message: &InboundMessage,
    row: &NewRow<'_>,
) -> Result<Option<i64>, StoreError> {
    let (conversation, sequence) = row.place.unzip();
    tx.find(
        "UPDATE inbound_messages SET kind = ?4, body = ?5, raw = ?6, conversation_id = coalesce(?7, conversation_id),
             sequence = coalesce(?8, sequence)
         WHERE instance_id = ?1 AND chat = ?2 AND provider_message_id = ?3
           AND kind = 'media_placeholder' AND ?4 <> 'media_placeholder'
         RETURNING id",
        params![
            recording.heard.instance,
            row.chat,
            message.provider_message_id,
            message.kind,
            message.text.as_deref().unwrap_or_default(),
            message.raw,
            conversation,
            sequence,
        ],
        |r| r.get(0),
    )
}

/// Whether the newest change of the same message says the same: providers tell some of them in two ways.
fn is_repeated(
    tx: &Tx<'_>,
    recording: &Recording<'_>,
    message: &InboundMessage,
    row: &NewRow<'_>,
) -> Result<bool, StoreError> {
    let newest = tx.find(
        "SELECT kind, body FROM inbound_messages
         WHERE instance_id = ?1 AND chat = ?2 AND reply_to = ?3 AND kind IN ('edit', 'revoke')
         ORDER BY heard_at DESC, id DESC LIMIT 1",
        params![recording.heard.instance, row.chat, message.reply_to],
        |r| Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?)),
    )?;
    Ok(newest.is_some_and(|(kind, body)| kind == message.kind && body == message.text.as_deref().unwrap_or_default()))
}

/// The contact behind a sender; contacts that turn out to be one person become one.
pub(super) fn writer(
    tx: &WriteTx<'_>,
    recording: &Recording<'_>,
    from: &RemoteParty,
) -> Result<Option<ContactId>, StoreError> {
    recording.person(tx, &Identity::all_of(from))
}

/// The contact behind the other side of a chat. Who is not named at all is one, too: what they write is told and shown.
pub(super) fn party_or_nobody(
    tx: &WriteTx<'_>,
    recording: &Recording<'_>,
    party: &RemoteParty,
) -> Result<ContactId, StoreError> {
    if let Some(contact) = writer(tx, recording, party)? {
        return Ok(contact);
    }
    let nobody = Identity { kind: IdentityKind::Other, value: NOBODY.to_owned() };
    conversations::find_or_add(tx, recording.account, &nobody, recording.now())
}

/// The contact that is known by one of these names already.
pub(super) fn known(tx: &Tx<'_>, account: AccountId, of: &RemoteParty) -> Result<Option<ContactId>, StoreError> {
    for name in Identity::all_of(of) {
        if let Some(contact) = conversations::find(tx, account, &name)? {
            return Ok(Some(contact.id));
        }
    }
    Ok(None)
}

/// Remembers the group of a message; one that is called otherwise than before was renamed, whoever tells it.
fn group_of_message(
    tx: &WriteTx<'_>,
    recording: &Recording<'_>,
    group: &GroupRef,
    told: Told,
) -> Result<String, StoreError> {
    let instance = &recording.heard.instance;
    let sql = "SELECT name FROM groups WHERE instance_id = ?1 AND group_id = ?2";
    let before = tx.find(sql, params![instance, group.id], |r| r.get::<_, String>(0))?;
    let name = chats::note_group(tx, instance, &group.id, &group.name, recording.now())?;
    if told != Told::History && before.is_some_and(|before| !before.is_empty() && before != name) {
        let (group_id, group_name) = (group.id.clone(), name.clone());
        recording.emit(tx, &Event::GroupUpdated { group_id, group_name, change: "subject".to_owned() })?;
    }
    Ok(name)
}

/// Whom an event names: by the number that the provider named now, else by the one that is known.
pub(super) fn person(tx: &Tx<'_>, from: &RemoteParty, contact: Option<ContactId>) -> Result<EventPerson, StoreError> {
    let phone = match (&from.phone, contact) {
        (None, Some(contact)) => conversations::find_phone(tx, contact)?,
        (phone, _) => phone.clone(),
    };
    Ok(EventPerson { contact_id: contact, phone })
}
