//! What follows once a request is proven: load, judge, record; then, outside of any transaction, the guarded sender.
//!
//! One write transaction keeps the signature that was used, loads every fact, judges in the contract's order, claims the
//! cooldown of a call event, and writes the log of everything that ends here. What is to be sent goes to
//! [`Sending::submit`], and a second transaction writes how that ended; a cooldown whose message certainly did not go is
//! given back there.

use super::{
    event::{EventAction, EventType, ThreecxEvent},
    facts::{self, Asking},
    integration::Integration,
    judge::{self, NextStep},
    log::{self, RequestLogLine},
    templates,
};
use crate::dialects::threecx::auth::{Admission, Via};
use crate::{
    model::{clock::Time, ids::AccountId, plan::Module},
    sending::{Answer, Outcome, Refusal, Request, Sender, Source},
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How long a call event leaves somebody alone after it wrote to him.
pub const COOLDOWN: Duration = Duration::from_secs(15 * 60);

/// What a proven request brought.
pub enum Payload {
    Object(Map<String, Value>),
    /// More than the webhook takes.
    TooLarge,
    /// No object; why, for the log.
    Unreadable(String),
}

/// How a request ended.
#[derive(Clone, Debug)]
pub struct ThreecxReply {
    /// What it was about, if that could be read.
    pub event_type: Option<EventType>,
    /// How it ended.
    pub ending: RequestOutcome,
    /// The message's answer, where one was tried.
    pub answer: Option<Answer>,
}

/// How a request ended.
#[derive(Clone, PartialEq, Debug)]
pub enum RequestOutcome {
    /// The provider took the message, or has it in hand.
    Sent(Outcome),
    /// Kept in the log; nothing was to be sent.
    Recorded,
    /// Nothing was sent, and that is as it should be; why.
    Skipped(&'static str),
    /// The set-up works; what is configured.
    Ready(Value),
    Refused(Refusal),
}

/// How the first transaction ended.
pub(super) enum Decided {
    Told(Box<ThreecxReply>),
    Send(Box<SendJob>),
}

/// A message to be sent, and what its log line says besides.
pub(super) struct SendJob {
    pub(super) sender: Sender,
    pub(super) request: Request,
    event_type: EventType,
    line: RequestLogLine,
    /// Of a call event: to whom its cooldown holds.
    cooling: Option<String>,
}

/// The first transaction.
pub(super) fn decide(
    tx: &WriteTx<'_>,
    admission: &Admission,
    asked: &Payload,
    before: &Asking,
    request_id: &str,
) -> Result<Decided, StoreError> {
    let now = before.now;
    if let Some((signature, until)) = admission.signature {
        tx.execute("DELETE FROM threecx_signatures WHERE until < ?1", params![now])?;
        let keep = "INSERT INTO threecx_signatures (signature, until) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        tx.execute(keep, params![signature, until])?;
    }
    let sender = sender(admission.account, request_id);
    let event = event_of(asked, admission.via);
    let facts = facts::load(tx, &admission.id, &sender, event.as_ref(), before)?;
    let mut line = RequestLogLine::new(admission, request_id, event.as_ref(), facts.recipient.as_ref());
    let event_type = event.as_ref().and_then(|e| e.event_type.clone().ok());
    let told = |ending| ThreecxReply { event_type, ending, answer: None };
    let next = judge::before_reading(asked, &facts).and_then(|()| match &event {
        Some(event) => judge::judge(event, &facts),
        None => Ok(NextStep::Record),
    });
    let ending = match next {
        Err(refusal) => RequestOutcome::Refused(refusal),
        Ok(NextStep::Record) => RequestOutcome::Recorded,
        Ok(NextStep::Skip(reason)) => RequestOutcome::Skipped(reason),
        Ok(NextStep::SayReady) => RequestOutcome::Ready(ready(tx, &facts.integration)?),
        Ok(NextStep::Send { recipient, purpose, text, file }) => {
            let event_type = event_type.unwrap_or(EventType::OutboundMessage);
            let cooling = (event_type.kind() == EventAction::Call).then(|| recipient.canonical());
            if let Some(person) = &cooling {
                cool(tx, admission, event_type, person, now)?;
            }
            line.recipient = Some(recipient.to_string());
            let instance = facts.integration.settings.instance.clone();
            let mut request = match file {
                Some(url) => Request::file(instance, recipient, purpose, url, text),
                None => Request::text(instance, recipient, purpose, text),
            };
            request.reference = event.and_then(|e| e.conversation_id);
            return Ok(Decided::Send(Box::new(SendJob { sender, request, event_type, line, cooling })));
        }
    };
    log::record(tx, &line, &ending, None, now)?;
    Ok(Decided::Told(Box::new(told(ending))))
}

/// On whose behalf a telephone system sends.
pub(super) fn sender(account: AccountId, request_id: &str) -> Sender {
    Sender {
        account,
        key: None,
        source: Source::ThreeCx,
        module: Some(Module::ThreeCx),
        request_id: Some(request_id.to_owned()),
    }
}

/// What a readable request says.
pub(super) fn event_of(asked: &Payload, via: Via) -> Option<ThreecxEvent> {
    match asked {
        Payload::Object(object) if via == Via::Sms => Some(ThreecxEvent::of_sms(object)),
        Payload::Object(object) => Some(ThreecxEvent::of_webhook(object)),
        _ => None,
    }
}

/// The second transaction: what became of the message.
pub(super) fn settle(tx: &WriteTx<'_>, job: &SendJob, answer: &Answer, now: Time) -> Result<(), StoreError> {
    if !may_have_gone(answer.outcome) {
        uncool(tx, job)?;
    }
    log::record(tx, &job.line, &ending(answer), Some(answer.log_id), now)
}

/// What a sender's answer means here.
pub(super) fn told(job: &SendJob, answer: Answer) -> ThreecxReply {
    ThreecxReply { event_type: Some(job.event_type), ending: ending(&answer), answer: Some(answer) }
}

/// A message that was not even tried leaves no cooldown.
pub(super) fn uncool(tx: &WriteTx<'_>, job: &SendJob) -> Result<(), StoreError> {
    let Some(person) = &job.cooling else { return Ok(()) };
    tx.execute(
        "DELETE FROM threecx_cooldowns WHERE integration_id = ?1 AND event_type = ?2 AND recipient = ?3",
        params![job.line.integration, job.event_type.as_str(), person],
    )?;
    Ok(())
}

/// Deletes cooldowns and signatures that have run out; says how many.
pub(super) fn expire(tx: &WriteTx<'_>, now: Time) -> Result<usize, StoreError> {
    let cooldowns = tx.execute("DELETE FROM threecx_cooldowns WHERE until <= ?1", params![now])?;
    Ok(cooldowns + tx.execute("DELETE FROM threecx_signatures WHERE until < ?1", params![now])?)
}

fn ending(answer: &Answer) -> RequestOutcome {
    match &answer.refusal {
        Some(refusal) => RequestOutcome::Refused(refusal.clone()),
        None => RequestOutcome::Sent(answer.outcome),
    }
}

/// Whether it would be a second one if another followed.
const fn may_have_gone(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Sent | Outcome::Accepted | Outcome::Unknown)
}

fn cool(
    tx: &WriteTx<'_>,
    admission: &Admission,
    event_type: EventType,
    person: &str,
    now: Time,
) -> Result<(), StoreError> {
    tx.execute("DELETE FROM threecx_cooldowns WHERE integration_id = ?1 AND until <= ?2", params![admission.id, now])?;
    tx.execute(
        "INSERT INTO threecx_cooldowns (integration_id, event_type, recipient, until) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET until = excluded.until",
        params![admission.id, event_type.as_str(), person, now.plus(COOLDOWN)],
    )?;
    Ok(())
}

/// What `test` is answered.
fn ready(tx: &Tx<'_>, integration: &Integration) -> Result<Value, StoreError> {
    let settings = &integration.settings;
    let state =
        tx.find("SELECT state FROM instances WHERE id = ?1", params![settings.instance], |r| r.get::<_, String>(0))?;
    let open = "SELECT disabled_at IS NULL FROM endpoints WHERE id = ?1";
    let forwarding = tx.find(open, params![integration.endpoint_id], |r| r.get::<_, bool>(0))?;
    let on: Vec<EventType> =
        templates::list(tx, &integration.id)?.into_iter().filter(|t| t.enabled).map(|t| t.event_type).collect();
    Ok(json!({
        "name": settings.name,
        "instance_id": settings.instance,
        "instance_state": state,
        "inbound_enabled": settings.inbound,
        "outbound_enabled": settings.outbound,
        "call_event_enabled": settings.call_events,
        "templates_enabled": on,
        "strict_mode": settings.strict_mode,
        "window_hours": settings.window_hours,
        "signing_enabled": settings.signing,
        "mode": settings.mode,
        "forwarding": forwarding == Some(true),
    }))
}
