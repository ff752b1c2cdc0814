//! Telling endpoints that something about a conversation changed, in the transaction that changes it.

use super::{
    contact::{find_name, find_phone},
    find_conversation,
};
use crate::{
    events::webhooks::{self, Event, EventName, EventPerson},
    model::{
        clock::Time,
        ids::{AccountId, ContactId, InstanceId},
        moment::Moment,
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;

/// `conversation.updated`, as the conversation stands now. Without a conversation there is nothing to tell: the person has
/// never written.
pub fn announce(
    tx: &WriteTx<'_>,
    account: AccountId,
    instance: &InstanceId,
    contact: ContactId,
    moment: Moment<'_>,
) -> Result<(), StoreError> {
    if !webhooks::is_wanted(tx, account, instance, EventName::ConversationUpdated, moment.now)? {
        return Ok(());
    }
    let Some(conversation) = find_conversation(tx, instance, contact)? else { return Ok(()) };
    let (contact_name, phone) = (find_name(tx, contact)?, find_phone(tx, contact)?);
    let written_at = last_written_at(tx, instance, contact)?;
    let event = Event::ConversationUpdated {
        conversation_id: conversation.id,
        from: EventPerson { contact_id: Some(contact), phone },
        contact_name,
        unread_count: conversation.unread_count,
        last_message_at: written_at.map_or(conversation.last_message_at, |at| at.max(conversation.last_message_at)),
    };
    // What it tells is how things stand now, whenever that happened by which they do.
    webhooks::emit(tx, account, instance, &event, moment.told_of(moment.now)).map(drop)
}

/// When we last wrote to the person.
fn last_written_at(tx: &Tx<'_>, instance: &InstanceId, contact: ContactId) -> Result<Option<Time>, StoreError> {
    let sql = "SELECT coalesce(sending_at, created_at) AS went_at FROM messages
               WHERE instance_id = ?1 AND contact_id = ?2 AND status <> 'blocked' AND status <> 'accepted'
               ORDER BY went_at DESC LIMIT 1";
    tx.find(sql, params![instance, contact], |r| r.get(0))
}
