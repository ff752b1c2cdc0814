//! What becomes of messages after they were handed over: receipts of the provider, and a person who settles what
//! nobody could tell. States only move up; late, early, doubled and unknown receipts are normal and change nothing.

use super::{announce, outcome::settle_quota};
use crate::{
    accounts::audit,
    connectors::{SendError, inbound_event::ReceiptHeard},
    model::{
        clock::Time,
        ids::{AccountId, InstanceId, LogId, MessageId},
        message::Status,
        moment::Moment,
        why::Why,
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::oneshot;

/// Which step a receipt made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReceiptStep {
    pub log_id: LogId,
    /// Its stable id.
    pub message_id: MessageId,
    /// The state before.
    pub from: Status,
    /// The state now.
    pub to: Status,
    /// Over which instance it went.
    pub instance: InstanceId,
    /// It failed for a reason of the recipient.
    pub recipient_fault: bool,
}

/// Applies a receipt that `instance` heard, of `at` by its provider's clock; `None` when it changes nothing.
pub fn apply(
    tx: &WriteTx<'_>,
    instance: &InstanceId,
    at: Time,
    heard: &ReceiptHeard,
    moment: Moment<'_>,
) -> Result<Option<ReceiptStep>, StoreError> {
    let Some((log_id, message_id, from)) = find(tx, instance, heard)? else { return Ok(None) };
    let to = heard.receipt.status();
    if let Some(pricing) = &heard.pricing {
        tx.execute("UPDATE messages SET pricing = ?2 WHERE id = ?1", params![log_id, pricing])?;
    }
    if !from.may_become(to) {
        return Ok(None);
    }
    let reason = heard.reason.as_deref().filter(|_| to == Status::Failed);
    let column = match to {
        Status::Sent => "sent_at",
        Status::Delivered => "delivered_at",
        Status::Read => "read_at",
        _ => "failed_at",
    };
    let sql = format!(
        "UPDATE messages SET status = ?2, {column} = ?3, updated_at = ?4, reason = coalesce(?5, reason),
             provider_code = coalesce(?6, provider_code),
             provider_message_id = coalesce(provider_message_id, ?7), sent_at = coalesce(sent_at, ?8),
             recipient_fault = max(recipient_fault, ?9)
         WHERE id = ?1"
    );
    // A phone that has it tells that the server took it, too.
    let sent_at = (to != Status::Failed).then_some(at);
    let recipient_fault = heard.recipient_fault && to == Status::Failed;
    let theirs = &heard.provider_message_id;
    tx.execute(&sql, params![log_id, to, at, moment.now, reason, heard.code, theirs, sent_at, recipient_fault])?;
    if from == Status::Unknown || (from == Status::Sending && to == Status::Failed) {
        settle_quota(tx, log_id, to)?;
    }
    let was_taken = matches!(from, Status::Sending | Status::Unknown) && matches!(to, Status::Delivered | Status::Read);
    if was_taken {
        announce::step(tx, log_id, from, Status::Sent, moment)?;
    }
    announce::step(tx, log_id, if was_taken { Status::Sent } else { from }, to, moment)?;
    Ok(Some(ReceiptStep { log_id, message_id, from, to, instance: instance.clone(), recipient_fault }))
}

fn find(
    tx: &Tx<'_>,
    instance: &InstanceId,
    heard: &ReceiptHeard,
) -> Result<Option<(LogId, MessageId, Status)>, StoreError> {
    let read = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, r.get(1)?, r.get(2)?));
    if let Some(ours) = &heard.message_id {
        let found = tx.find(
            "SELECT id, message_id, status FROM messages WHERE message_id = ?1 AND instance_id = ?2",
            params![ours, instance],
            read,
        )?;
        if found.is_some() {
            return Ok(found);
        }
    }
    tx.find(
        "SELECT id, message_id, status FROM messages WHERE provider_message_id = ?1 AND instance_id = ?2",
        params![heard.provider_message_id, instance],
        read,
    )
}

/// To whom a message of the instance's went, as the log has it; none for one that is not known.
pub fn recipient(
    tx: &Tx<'_>,
    instance: &InstanceId,
    provider_message_id: &str,
    message_id: Option<&MessageId>,
) -> Result<Option<String>, StoreError> {
    if let Some(ours) = message_id {
        let sql = "SELECT recipient FROM messages WHERE message_id = ?1 AND instance_id = ?2";
        let found = tx.find(sql, params![ours, instance], |r| r.get(0))?;
        if found.is_some() {
            return Ok(found);
        }
    }
    let sql = "SELECT recipient FROM messages WHERE provider_message_id = ?1 AND instance_id = ?2";
    tx.find(sql, params![provider_message_id, instance], |r| r.get(0))
}

/// Why a message cannot be settled by hand.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// No such row.
    #[error("there is no message with log id {0}")]
    NotFound(LogId),
    /// It is not unknown.
    #[error("message {0} is {1}: only an unknown message can be settled by hand")]
    NotUnknown(LogId, Status),
    /// The note.
    #[error("{0}")]
    Invalid(Why),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a person says became of an unknown message.
pub(super) struct ByHand<'a> {
    pub(super) id: LogId,
    pub(super) to: Status,
    pub(super) note: &'a str,
    pub(super) actor: &'a str,
}

/// A person says what became of an unknown message.
pub(super) fn settle_by_hand(tx: &WriteTx<'_>, said: &ByHand<'_>, moment: Moment<'_>) -> Result<(), SettleError> {
    let ByHand { id, to, note, actor } = *said;
    let now = moment.now;
    let read = |r: &rusqlite::Row<'_>| Ok((r.get::<_, Status>(0)?, r.get::<_, AccountId>(1)?));
    let (status, account) = tx
        .find("SELECT status, account_id FROM messages WHERE id = ?1", params![id], read)?
        .ok_or(SettleError::NotFound(id))?;
    if status != Status::Unknown {
        return Err(SettleError::NotUnknown(id, status));
    }
    let column = if to == Status::Failed { "failed_at" } else { "sent_at" };
    let sql = format!("UPDATE messages SET status = ?2, {column} = ?3, updated_at = ?3, reason = ?4 WHERE id = ?1");
    tx.execute(&sql, params![id, to, now, format!("settled by hand: {note}")]).map_err(SettleError::from)?;
    let target = id.to_string();
    let entry = audit::AuditEntry {
        actor,
        account: Some(account),
        action: "message.settle",
        target: &target,
        before: Some(status.as_str()),
        after: Some(to.as_str()),
    };
    audit::record(tx, now, &entry)?;
    announce::step(tx, id, status, to, moment)?;
    Ok(settle_quota(tx, id, to)?)
}

/// Requests that wait for the acknowledgement of a message in hand.
#[derive(Default)]
pub(super) struct AckWaiters {
    by_id: Arc<Mutex<HashMap<MessageId, oneshot::Sender<Option<SendError>>>>>,
}

/// One of them; ends its waiting when dropped.
pub(super) struct Expected {
    id: MessageId,
    by_id: Arc<Mutex<HashMap<MessageId, oneshot::Sender<Option<SendError>>>>>,
    news: Option<oneshot::Receiver<Option<SendError>>>,
}

impl AckWaiters {
    pub(super) fn expect(&self, id: &MessageId) -> Expected {
        let (tell, news) = oneshot::channel();
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), tell);
        Expected { id: id.clone(), by_id: self.by_id.clone(), news: Some(news) }
    }

    /// Tells the request that waits for this message: `None`, it was taken; else why not.
    pub(super) fn tell(&self, id: &MessageId, failed: Option<SendError>) {
        if let Some(waiting) = self.by_id.lock().unwrap_or_else(PoisonError::into_inner).remove(id) {
            let _ = waiting.send(failed);
        }
    }
}

impl Expected {
    /// Ends when the provider's server has spoken; never, if it does not.
    pub(super) async fn wait(mut self) -> Option<SendError> {
        match self.news.take() {
            Some(news) => match news.await {
                Ok(answer) => answer,
                Err(_) => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}
