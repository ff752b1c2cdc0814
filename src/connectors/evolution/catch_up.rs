//! What the webhook did not bring, asked for in the server's own log: messages that came while nobody listened, and
//! what became of messages whose fate is open.
//!
//! The ear says how far it has heard and which messages are open, so that nothing is needed here but its memory. The
//! server need not keep a log; then nothing is found, and what is open stays so for a receipt or a person to settle.

use super::{
    EvolutionInner,
    client::EvolutionError,
    hook,
    outgoing::recipient,
    reading::{self, ParsedMessage, text},
    sent_index,
};
use crate::{
    connectors::{
        EventKind,
        inbound_event::{Backlog, Unsettled, Whom},
    },
    model::{clock::Time, ids::MessageId, instance::Health, message::Receipt},
};
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
/// How far back is looked at most.
const BACK: Duration = Duration::from_secs(3 * 24 * 3600);
/// Messages a page, and pages at most.
const PAGE: u64 = 50;
const PAGES: u64 = 40;
/// How long after it was handed over a message can appear in the log.
const APPEARS_WITHIN: Duration = Duration::from_secs(900);
/// Open messages that are asked about in one round.
const AT_ONCE: usize = 50;

impl EvolutionInner {
    /// Looks once; answers when to look again.
    pub(super) async fn sweep(&self) -> Duration {
        let backlog = match self.ear.backlog(&self.instance).await {
            Ok(backlog) => backlog,
            Err(e) => {
                tracing::debug!(instance = %self.instance, "what is open is not known: {e}");
                return MINUTE;
            }
        };
        let open = !backlog.unsettled.is_empty();
        let done = self.hear_missed(&backlog).await.and(self.settle(&backlog).await);
        if let Err(trouble) = done {
            tracing::debug!(instance = %self.instance, "its log could not be read: {}", trouble.text());
            return MINUTE;
        }
        if open { MINUTE } else { 5 * MINUTE }
    }

    /// Messages of others since the last one that was heard.
    async fn hear_missed(&self, backlog: &Backlog) -> Result<(), EvolutionError> {
        let now = self.clock.now();
        let Some(until) = backlog.heard_until else { return Ok(()) };
        // One may be missing among others that came: what was looked at before begins where that look ended.
        let looked_until = self.plan().swept_at.unwrap_or(until);
        let from = until.min(looked_until).min(now).minus(MINUTE).max(now.minus(BACK));
        let mut missed = Vec::new();
        for page in 1..=PAGES {
            let filter = json!({"messageTimestamp": span(from, now.plus(MINUTE))});
            let (records, pages) = self.log(filter, page).await?;
            missed.extend(records);
            if page >= pages {
                break;
            }
        }
        // The newest comes first.
        for record in missed.iter().rev() {
            self.note_deafness(record, now).await;
            if hook::message(self, record).await.is_err() {
                // Not recorded now: the next round begins where this one ended.
                return Ok(());
            }
        }
        self.plan().swept_at = Some(now);
        Ok(())
    }

    /// A message that the webhook should have brought a minute ago, after the last call that it made.
    async fn note_deafness(&self, record: &Value, now: Time) {
        let heard_at = self.plan().hook_heard_at.min(now);
        let Some(ParsedMessage { id, from_me: false, at: Some(at), .. }) = reading::read(record) else { return };
        let is_late = now.since(at) >= MINUTE && at.since(heard_at) > Duration::ZERO;
        if is_late && !self.keys().was_heard(&id) {
            tracing::warn!(instance = %self.instance, "the server has messages that its webhook did not bring");
            self.line.hears(Health::Deaf).await;
        }
    }

    async fn settle(&self, backlog: &Backlog) -> Result<(), EvolutionError> {
        for one in backlog.unsettled.iter().take(AT_ONCE) {
            if self.keys().is_in_flight(&one.message_id) {
                continue;
            }
            let record = match &one.provider_message_id {
                Some(id) => self.log(json!({"key": {"id": id}}), 1).await?.0.into_iter().next(),
                None => self.find_sent(one, backlog).await?,
            };
            let Some(record) = record else { continue };
            let Some(id) = text(&record["key"]["id"]) else { continue };
            self.keys().learn(&id, &one.message_id);
            self.tell_recipient(&id, &one.message_id, &record["key"]).await;
            if let Some(receipt) = last_receipt(&record) {
                // Not recorded now: the next round finds it again.
                let _ = self.receipt(&id, receipt, None).await;
            }
        }
        Ok(())
    }

    /// By which names the server knows the one that a message went to whose answer was lost.
    async fn tell_recipient(&self, id: &str, message: &MessageId, key: &Value) {
        let names = recipient(key);
        let whom = Whom::Recipient { provider_message_id: id.to_owned(), message_id: Some(message.clone()) };
        // Not recorded now: whoever writes is known by the same names.
        let _ = self.line.tell(self.clock.now(), EventKind::Named { whom, names }).await;
    }

    /// Looks for a message without an answer: in the chat that the server itself names for its recipient, the one of
    /// our own with the same text. Where two could be meant, none is.
    async fn find_sent(&self, one: &Unsettled, backlog: &Backlog) -> Result<Option<Value>, EvolutionError> {
        let twins = backlog.unsettled.iter().filter(|other| other.to == one.to && other.text == one.text).count();
        if twins > 1 || one.text.is_empty() {
            return Ok(None);
        }
        let Some(chat) = self.chat_of(&one.to).await? else { return Ok(None) };
        let over_meta = self.plan().over_meta;
        let span = span(one.at.minus(MINUTE), one.at.plus(APPEARS_WITHIN));
        // Over Meta's API nobody can ask for the digits under which it is kept.
        let key = if over_meta { json!({"fromMe": true}) } else { json!({"remoteJid": chat, "fromMe": true}) };
        let filter = json!({"key": key, "messageTimestamp": span});
        let (records, _) = self.log(filter, 1).await?;
        let mut found = records.into_iter().filter(|record| {
            reading::read(record).is_some_and(|read| {
                read.from_me
                    && (!over_meta || sent_index::may_be(&one.to, &read.chat))
                    && read.text.as_deref() == Some(&one.text)
                    && !backlog.taken.contains(&read.id)
                    && !self.keys().is_anothers(&read.id, &one.message_id)
            })
        });
        Ok(found.next().filter(|_| found.next().is_none()))
    }

    /// One page of the server's log, and how many there are.
    async fn log(&self, filter: Value, page: u64) -> Result<(Vec<Value>, u64), EvolutionError> {
        let body = json!({"where": filter, "page": page, "offset": PAGE});
        let answer = self.client.ask(Method::POST, "/chat/findMessages", "", Some(&body)).await?;
        let messages = &answer["messages"];
        let records = messages["records"].as_array().cloned().unwrap_or_default();
        Ok((records, messages["pages"].as_u64().unwrap_or(1)))
    }
}

/// The server takes a span only with both ends.
fn span(from: Time, to: Time) -> Value {
    json!({"gte": from.rfc3339(), "lte": to.rfc3339()})
}

/// The highest of a record's updates; a failure only where nothing speaks against it.
fn last_receipt(record: &Value) -> Option<Receipt> {
    let updates = record["MessageUpdate"].as_array()?;
    let told: Vec<Receipt> = updates.iter().filter_map(|u| hook::receipt(u["status"].as_str())).collect();
    [Receipt::Read, Receipt::Delivered, Receipt::Server, Receipt::Failed].into_iter().find(|r| told.contains(r))
}
