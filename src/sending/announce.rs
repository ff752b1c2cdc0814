//! Telling endpoints what became of a message, in the transaction that makes it so.

use crate::{
    connectors::meta_error,
    events::webhooks::{self, ChangedRef, Event, EventPerson, OutboundRef, StatusStep},
    model::{
        ids::{AccountId, InstanceId, LogId},
        message::Status,
        moment::Moment,
    },
    people::conversations,
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;

/// The message went from one state to another: `message.status_updated`, and the state's own event.
pub(super) fn step(
    tx: &WriteTx<'_>,
    id: LogId,
    from: Status,
    to: Status,
    moment: Moment<'_>,
) -> Result<(), StoreError> {
    if from == to {
        return Ok(());
    }
    let Some(told) = load(tx, id)? else { return Ok(()) };
    let (account, instance) = (told.account, told.instance.clone());
    let emit = |event: &Event| webhooks::emit(tx, account, &instance, event, moment).map(drop);
    let message = told.message.clone();
    let step = told.step(from, to);
    let own = match to {
        Status::Sent => Some(Event::MessageSent(message.clone())),
        Status::Delivered => Some(Event::MessageDelivered(message.clone())),
        Status::Read => Some(Event::MessageRead(message.clone())),
        Status::Failed | Status::Blocked => Some(Event::MessageFailed(message.clone(), step.clone())),
        Status::Accepted | Status::Sending | Status::Unknown => None,
    };
    if let Some(event) = own {
        emit(&event)?;
    }
    if let (Status::Sent, Some(contact)) = (to, message.to.contact_id) {
        conversations::announce(tx, account, &instance, contact, moment)?;
    }
    emit(&Event::MessageStatusUpdated(message, step))
}

struct AnnouncedChange {
    account: AccountId,
    instance: InstanceId,
    reason: Option<String>,
    provider_code: Option<String>,
    message: OutboundRef,
}

impl AnnouncedChange {
    fn step(&self, from: Status, to: Status) -> StatusStep {
        let step = StatusStep { status: to, previous_status: from, reason: None, provider_code: None, retry: None };
        if !matches!(to, Status::Failed | Status::Blocked) {
            return step;
        }
        let retry = (to == Status::Failed).then(|| meta_error::retry(self.provider_code.as_deref()));
        StatusStep { reason: self.reason.clone(), provider_code: self.provider_code.clone(), retry, ..step }
    }
}

/// The message, if its account has an endpoint or a key that reads at all: most have none, and pay for one look.
fn load(tx: &Tx<'_>, id: LogId) -> Result<Option<AnnouncedChange>, StoreError> {
    tx.find(
        "SELECT m.account_id, m.instance_id, m.reason, m.provider_code, m.message_id, m.provider_message_id,
                m.reference, m.contact_id, m.recipient, m.purpose, m.body, m.source,
                CASE WHEN m.kind IN ('edit', 'revoke') THEN m.reply_to END, o.message_id, o.body
         FROM messages m LEFT JOIN messages o ON m.kind IN ('edit', 'revoke') AND o.provider_message_id = m.reply_to
                                              AND o.instance_id = m.instance_id
         WHERE m.id = ?1
           AND (EXISTS (SELECT 1 FROM endpoints e WHERE e.account_id = m.account_id AND e.deleted_at IS NULL)
                OR EXISTS (SELECT 1 FROM api_keys k WHERE k.account_id = m.account_id AND k.revoked_at IS NULL
                             AND instr(k.scopes, 'read') > 0))",
        params![id],
        |r| {
            let recipient: String = r.get(8)?;
            let changed = match r.get::<_, Option<String>>(12)? {
                Some(id) => Some(ChangedRef { message_id: r.get(13)?, provider_message_id: id, text: r.get(14)? }),
                None => None,
            };
            let phone = recipient.starts_with('+').then(|| recipient.clone());
            Ok(AnnouncedChange {
                account: r.get(0)?,
                instance: r.get(1)?,
                reason: r.get(2)?,
                provider_code: r.get(3)?,
                message: OutboundRef {
                    log_id: id,
                    message_id: r.get(4)?,
                    provider_message_id: r.get(5)?,
                    reference: r.get(6)?,
                    to: EventPerson { contact_id: r.get(7)?, phone },
                    recipient,
                    message_purpose: r.get(9)?,
                    message_text: r.get(10)?,
                    source: r.get(11)?,
                    changed,
                },
            })
        },
    )
}
