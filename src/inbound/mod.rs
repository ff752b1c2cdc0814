//! What connectors hear becomes rows: one entry, [`Inbound::hear`], one transaction for each thing heard. The
//! connector acknowledges to its provider only after it.
//!
//! Receipts move a message's state up; state changes are kept on the instance; somebody who writes or calls becomes a
//! contact with an open conversation window; a whole-message opt-out suppresses, START lifts what the person did.
//!
//! It knows nothing of HTTP, and sends nothing.

use crate::{
    connectors::{
        Boxed, Ear, Heard, NotRecorded, What,
        heard::{InboundMessage, Sender},
    },
    conversations::{self, Identity, IdentityKind},
    instances,
    model::{
        clock::{Clock, Time},
        ids::{AccountId, ContactId, InstanceId},
        instance::{Health, InstanceState},
    },
    sending::{
        Sending,
        receipts::{self, ReceiptHeard, Step},
    },
    store::{Store, StoreError, WriteTx},
    suppression::{
        self, Source,
        phrases::{self, Phrases},
    },
};
use rusqlite::params;
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

/// How long an offered word ("reply CANCEL to cancel") makes that word an answer instead of an opt-out.
const OFFER: Duration = Duration::from_secs(24 * 60 * 60);

/// The one ear of all connectors.
pub struct Inbound {
    store: Store,
    clock: Arc<dyn Clock>,
    phrases: Arc<Phrases>,
    /// Set once, right after the sender is made: connectors need the ear first, the sender needs the connectors.
    sending: OnceLock<Arc<Sending>>,
}

/// What a transaction leaves to be done after its commit.
enum After {
    Nothing,
    Step(Step),
    OptOut(InstanceId),
}

impl Inbound {
    /// The ear over `store`.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, phrases: Arc::new(Phrases::built_in()), sending: OnceLock::new() }
    }

    /// Ties the ear to the sender, whose waiting requests it tells of acknowledgements.
    pub fn attach(&self, sending: Arc<Sending>) {
        let _ = self.sending.set(sending);
    }

    async fn record(&self, heard: Heard) -> Result<(), StoreError> {
        let now = self.clock.now();
        let instance = heard.instance.clone();
        let phrase = match &heard.what {
            What::Message(m) if m.may_opt_out && m.group.is_none() => {
                m.text.as_deref().and_then(|text| self.phrases.hear(text))
            }
            _ => None,
        };
        let phrases = self.phrases.clone();
        let after = self.store.write(move |tx| record(tx, &heard, phrase.as_ref(), &phrases, now)).await?;
        if let Some(sending) = self.sending.get() {
            match after {
                After::Nothing => {}
                After::Step(step) => sending.note_step(&step),
                After::OptOut(id) => sending.note_opt_out(&id),
            }
        }
        tracing::debug!(%instance, "heard and recorded");
        Ok(())
    }
}

impl Ear for Inbound {
    fn hear(&self, heard: Heard) -> Boxed<'_, Result<(), NotRecorded>> {
        Box::pin(async move { self.record(heard).await.map_err(|e| NotRecorded(e.to_string())) })
    }
}

fn record(
    tx: &WriteTx<'_>,
    heard: &Heard,
    phrase: Option<&phrases::Heard>,
    phrases: &Phrases,
    now: Time,
) -> Result<After, StoreError> {
    let account = tx.find("SELECT account_id FROM instances WHERE id = ?1", params![heard.instance], |r| {
        r.get::<_, AccountId>(0)
    })?;
    // A connector that outlives its instance by a moment: nobody's news.
    let Some(account) = account else { return Ok(After::Nothing) };
    match &heard.what {
        What::Receipt { provider_message_id, message_id, receipt, code, reason } => {
            let receipt = ReceiptHeard {
                instance: heard.instance.clone(),
                provider_message_id: provider_message_id.clone(),
                message_id: message_id.clone(),
                receipt: *receipt,
                at: heard.at,
                code: code.clone(),
                reason: reason.clone(),
            };
            Ok(receipts::apply(tx, &receipt, now)?.map_or(After::Nothing, After::Step))
        }
        What::State { state, health, reason, phone } => {
            record_state(tx, &heard.instance, (*state, *health), reason, phone, now)?;
            Ok(After::Nothing)
        }
        What::Message(message) => record_message(tx, account, heard, message, phrase, phrases, now),
        What::Call { from, .. } => {
            // A call counts as contact from that person.
            find_contact(tx, account, from, heard.at)?;
            Ok(After::Nothing)
        }
        What::Qr { .. } | What::GroupUpdated { .. } => Ok(After::Nothing),
    }
}

fn record_state(
    tx: &WriteTx<'_>,
    id: &InstanceId,
    (state, health): (InstanceState, Health),
    reason: &Option<String>,
    phone: &Option<String>,
    now: Time,
) -> Result<(), StoreError> {
    let standing = crate::connectors::Standing {
        state,
        reason: reason.clone(),
        health,
        phone: phone.clone(),
        last_heard_at: Some(now),
    };
    instances::record_standing(tx, id, &standing, now)
}

fn record_message(
    tx: &WriteTx<'_>,
    account: AccountId,
    heard: &Heard,
    message: &InboundMessage,
    phrase: Option<&phrases::Heard>,
    phrases: &Phrases,
    now: Time,
) -> Result<After, StoreError> {
    // In a group nobody writes to the business alone.
    if message.group.is_some() {
        return Ok(After::Nothing);
    }
    let Some(contact) = find_contact(tx, account, &message.from, heard.at)? else { return Ok(After::Nothing) };
    match phrase {
        Some(phrases::Heard::OptIn) => {
            suppression::lift(tx, contact, &[Source::Recipient], "recipient", now)?;
            Ok(After::Nothing)
        }
        Some(phrases::Heard::OptOut { always, word }) => {
            if !always && was_offered(tx, &heard.instance, contact, phrases, word, now)? {
                return Ok(After::Nothing);
            }
            let new = suppression::New {
                account,
                contact,
                source: Source::Recipient,
                reason: "recipient_requested_stop",
                instance: Some(&heard.instance),
            };
            let is_new = suppression::add(tx, &new, now)?;
            Ok(if is_new { After::OptOut(heard.instance.clone()) } else { After::Nothing })
        }
        None => Ok(After::Nothing),
    }
}

/// The contact behind a sender, by the first identity that is known, and with a window that is open from now on.
fn find_contact(
    tx: &WriteTx<'_>,
    account: AccountId,
    from: &Sender,
    at: Time,
) -> Result<Option<ContactId>, StoreError> {
    let identities =
        [(IdentityKind::Phone, &from.phone), (IdentityKind::Lid, &from.lid), (IdentityKind::Bsuid, &from.bsuid)];
    let named = identities
        .into_iter()
        .filter_map(|(kind, value)| value.as_ref().map(|value| Identity { kind, value: value.clone() }));
    let mut first = None;
    for identity in named {
        if let Some(contact) = conversations::find(tx, account, &identity)? {
            conversations::note_inbound(tx, contact.id, from.name.as_deref(), at)?;
            return Ok(Some(contact.id));
        }
        first = first.or(Some(identity));
    }
    let Some(identity) = first else { return Ok(None) };
    let id = conversations::add(tx, account, &identity, at)?;
    conversations::note_inbound(tx, id, from.name.as_deref(), at)?;
    Ok(Some(id))
}

/// Whether our last message to this person within 24 hours offered the word as an answer.
fn was_offered(
    tx: &WriteTx<'_>,
    instance: &InstanceId,
    contact: ContactId,
    phrases: &Phrases,
    word: &str,
    now: Time,
) -> Result<bool, StoreError> {
    let ours = tx.find(
        "SELECT body FROM messages
         WHERE instance_id = ?1 AND created_at > ?2 AND contact_id = ?3 AND status <> 'blocked'
         ORDER BY created_at DESC LIMIT 1",
        params![instance, now.minus(OFFER), contact],
        |r| r.get::<_, String>(0),
    )?;
    Ok(ours.is_some_and(|text| phrases.offers(&text, word)))
}
