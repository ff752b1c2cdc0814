//! What an endpoint answered becomes a message to whoever wrote or called: a guarded `support` message, once, never to a
//! group, never to somebody who has opted out, and not without end between two programs that answer each other.
//!
//! The endpoint's answer and the queue's row change in one transaction, so that neither a crash nor a second look sends
//! it twice.

use super::{
    Chattu,
    loops::{self, Said},
};
use crate::{
    events::webhooks::{self, EndpointReply},
    model::{
        clock::Time,
        ids::{AccountId, ContactId, InstanceId},
        moment::Moment,
        phone::Recipient,
        plan::Module,
        purpose::Purpose,
        random::Random,
        text,
    },
    people::suppression,
    sending::{Sender, Source, request::Draft, schedule},
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// What a caller is told when neither the endpoint nor the instance says anything.
pub const DEFAULT_REJECTION: &str = "מצטער אינני זמין כעת.";
/// An answer that is older was kept while the gateway was off: it may be sent no more freely.
const STALE_AFTER: Duration = Duration::from_secs(24 * 3600);
/// The same for somebody who called.
const CALL_STALE_AFTER: Duration = Duration::from_secs(5 * 60);
/// Answers that are looked at together.
const AT_ONCE: u32 = 100;
/// The worker looks at least this often.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

impl Chattu {
    /// Puts everything that endpoints answered into the queue; says how many messages that are. Tests step with this.
    pub async fn step(&self) -> Result<usize, StoreError> {
        let mut queued = 0;
        loop {
            let waiting = self.gateway.store.read(|tx| webhooks::answers(tx, AT_ONCE)).await?;
            if waiting.is_empty() {
                return Ok(queued);
            }
            let (now, random) = (self.gateway.clock.now(), self.gateway.random.clone());
            let work = move |tx: &WriteTx<'_>| {
                let mut made = 0;
                for answered in &waiting {
                    made += usize::from(take(tx, answered, now, &*random)?);
                }
                Ok::<_, StoreError>(made)
            };
            queued += self.gateway.store.write(work).await?;
            self.gateway.schedules.wake();
        }
    }

    /// Works until `stop`.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        loop {
            match self.step().await {
                Ok(_) => {}
                Err(StoreError::Stopping) => return,
                Err(e) => tracing::warn!("endpoints' answers wait: {e}"),
            }
            let look_at = self.gateway.clock.now().plus(LOOK_AGAIN);
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = self.gateway.webhooks.answered() => {}
                () = self.gateway.clock.sleep_until(look_at) => {}
            }
        }
    }
}

/// Takes one answer; says whether a message was made of it.
fn take(tx: &WriteTx<'_>, answered: &EndpointReply, now: Time, random: &dyn Random) -> Result<bool, StoreError> {
    // Another turn of the worker may have been quicker.
    if !webhooks::close_answer(tx, answered.id, now)? {
        return Ok(false);
    }
    let to = AnswerTarget { account: answered.account, instance: &answered.instance, contact: answered.contact };
    if let Some(why) = silent(tx, answered, &to, now)? {
        webhooks::record_withheld(tx, answered.account, &answered.instance, why, now)?;
        return Ok(false);
    }
    let (text, module) = match &answered.text {
        Some(text) => (text.clone(), Some(Module::Chattu)),
        // The instance's own setting, which needs no dialect.
        None => (rejection_text(tx, &answered.instance)?, None),
    };
    queue(tx, &to, text, module, Moment::new(now, random))?;
    Ok(true)
}

/// To whom something is said.
struct AnswerTarget<'a> {
    account: AccountId,
    instance: &'a InstanceId,
    contact: ContactId,
}

/// Puts one automatic answer into the queue.
fn queue(
    tx: &WriteTx<'_>,
    to: &AnswerTarget<'_>,
    text: String,
    module: Option<Module>,
    moment: Moment<'_>,
) -> Result<(), StoreError> {
    let Moment { now, random, .. } = moment;
    let account = to.account;
    let new = schedule::NewSchedule {
        sender: Sender { account, key: None, source: Source::AutoReply, module, request_id: None },
        account,
        instance: to.instance.clone(),
        recipient: Recipient::Contact(to.contact),
        draft: Draft::Text(text),
        purpose: Purpose::Support,
        reference: None,
        due_at: now,
        created_by: "automatic answer".into(),
    };
    schedule::enqueue(tx, &new, now, random).map(drop)
}

/// Why nothing is said.
fn silent(
    tx: &Tx<'_>,
    answered: &EndpointReply,
    to: &AnswerTarget<'_>,
    now: Time,
) -> Result<Option<&'static str>, StoreError> {
    if now.since(answered.at) > if answered.is_call { CALL_STALE_AFTER } else { STALE_AFTER } {
        return Ok(Some("it is too old"));
    }
    if suppression::active(tx, to.contact)?.is_some() {
        return Ok(Some("the person wants no more messages"));
    }
    if is_ours(tx, to)? {
        return Ok(Some("the person is another instance of this gateway"));
    }
    looped(tx, to, now)
}

/// Why this person is a program that answers our answers.
fn looped(tx: &Tx<'_>, to: &AnswerTarget<'_>, now: Time) -> Result<Option<&'static str>, StoreError> {
    let since = now.minus(loops::LOOP_WINDOW);
    let told = tx.list(
        "SELECT created_at, body FROM schedules
         WHERE source = 'auto_reply' AND instance_id = ?1 AND recipient = ?2 AND created_at > ?3
         ORDER BY created_at DESC, id DESC LIMIT ?4",
        params![to.instance, Recipient::Contact(to.contact).to_string(), since, loops::LOOKED_AT],
        |r| Ok(Said { at: r.get(0)?, text: r.get(1)? }),
    )?;
    if told.is_empty() {
        return Ok(None);
    }
    let heard = tx.list(
        "SELECT created_at, body FROM inbound_messages
         WHERE contact_id = ?2 AND instance_id = ?1 AND group_id IS NULL AND origin IS NULL AND kind <> 'reaction'
           AND created_at > ?3
         ORDER BY created_at DESC, id DESC LIMIT ?4",
        params![to.instance, to.contact, since, loops::LOOKED_AT],
        |r| Ok(Said { at: r.get(0)?, text: r.get(1)? }),
    )?;
    Ok(loops::why(&heard, &told))
}

/// Whether somebody is known by a number that is an instance of this gateway.
fn is_ours(tx: &Tx<'_>, to: &AnswerTarget<'_>) -> Result<bool, StoreError> {
    let found = tx.find(
        "SELECT 1 FROM contact_identities i JOIN instances n ON n.phone = i.value
         WHERE i.contact_id = ?1 AND i.kind = 'phone' AND n.deleted_at IS NULL LIMIT 1",
        params![to.contact],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

fn rejection_text(tx: &Tx<'_>, instance: &InstanceId) -> Result<String, StoreError> {
    let sql = "SELECT reject_text FROM instances WHERE id = ?1";
    let own = tx.find(sql, params![instance], |r| r.get::<_, Option<String>>(0))?.flatten();
    Ok(own.filter(|said| !text::is_blank(said)).unwrap_or_else(|| DEFAULT_REJECTION.to_owned()))
}
