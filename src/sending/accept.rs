//! The first transaction of a message: replay an idempotent answer, else load every fact, judge, and record.
//!
//! What leaves here as [`Accepted`] is on disk with its quota reserved, and nothing else can be dispatched: its fields
//! are private to `sending`, and [`accept`] is the only maker.

use super::{
    Action, SendingContext,
    answer::{Answer, Outcome, Quota},
    facts::{self, Facts, Sources},
    file::PreparedFile,
    idempotency::{self, KnownKey},
    policy::{self, Refusal, content::Score},
    quota, record,
    request::{Draft, Request, Sender},
    strikes,
};
use crate::{
    accounts,
    connectors::{Address, Content, Outgoing, outgoing::MediaFile},
    model::{
        clock::Time,
        code::Code,
        ids::{AccountId, ContactId, InstanceId, LogId, MessageId},
        message::Status,
    },
    people::conversations::{self, Identity},
    store::{StoreError, WriteTx},
};
use std::time::Duration;

/// How the first transaction ended.
pub(super) enum Accepting {
    /// Answered already: refused, replayed, under way.
    Answered(Box<Answer>),
    /// To be dispatched.
    Accepted(Box<Accepted>),
}

/// A message that passed the guard and is on disk.
pub(super) struct Accepted {
    pub(super) log_id: LogId,
    pub(super) outgoing: Outgoing,
    /// When its slot is; not after the moment of acceptance: its row is `sending` already.
    pub(super) slot: Option<Time>,
    pub(super) expires_at: Option<Time>,
    pub(super) account: AccountId,
    pub(super) day: String,
    pub(super) month: String,
    pub(super) has_key: bool,
    pub(super) excused_from_suppression: bool,
    pub(super) quota: Option<Quota>,
}

pub(super) fn accept(
    tx: &WriteTx<'_>,
    shared: &SendingContext,
    sender: &Sender,
    request: &Request,
    score: Score,
    file: &PreparedFile,
) -> Result<Accepting, StoreError> {
    let now = shared.clock.now();
    if let Some(key) = sender.key {
        accounts::note_key_use(tx, key, now)?;
    }
    if let Some(key) = &request.idempotency_key {
        let known =
            idempotency::look_up(tx, sender.account, key, request, (now, shared.rules.load().idempotency_life))?;
        if let KnownKey::Answered(log_id, message_id, outcome) = known {
            let quota = facts::load_quota(tx, sender, now)?;
            return Ok(Accepting::Answered(Box::new(replayed(log_id, message_id, outcome, quota))));
        }
        let code = match known {
            KnownKey::UnderWay(_) => Some(Code::IdempotencyInProgress),
            KnownKey::Reused(_) => Some(Code::IdempotencyKeyReused),
            _ => None,
        };
        if let Some(code) = code {
            let facts = load(tx, shared, sender, request, score, now)?;
            return refuse(tx, shared, sender, request, &facts, idempotency_refusal(code));
        }
    }
    let facts = load(tx, shared, sender, request, score, now)?;
    let judged = policy::judge(request, &facts, &shared.rules.load());
    match judged.and_then(|()| file.refusal().map_or(Ok(()), Err)) {
        Err(refusal) => refuse(tx, shared, sender, request, &facts, refusal),
        Ok(()) => pass(tx, shared, sender, request, &facts, file),
    }
}

fn load(
    tx: &WriteTx<'_>,
    shared: &SendingContext,
    sender: &Sender,
    request: &Request,
    score: Score,
    now: Time,
) -> Result<Facts, StoreError> {
    let rules = shared.rules.load();
    let sources = Sources { pace: &shared.pace, registry: &shared.registry, rules: &rules, erased: &shared.erased };
    facts::load(tx, &sources, sender, request, score, now)
}

fn pass(
    tx: &WriteTx<'_>,
    shared: &SendingContext,
    sender: &Sender,
    request: &Request,
    facts: &Facts,
    file: &PreparedFile,
) -> Result<Accepting, StoreError> {
    let now = facts.now;
    // The gate "capability" let no message pass that has no address.
    let Some(address) = facts.address.clone() else { return Err(StoreError::Panicked("no address".into())) };
    let contact = written_to(tx, sender, facts, &address)?;
    quota::reserve(tx, sender.account, &facts.period, facts.limits, now)?;
    let wait = facts.pace.wait();
    let status = if wait.is_zero() { Status::Sending } else { Status::Accepted };
    let message_id = request.message_id.clone().unwrap_or_else(|| MessageId::new(now, &*shared.random));
    let row = record::MessageRow { message_id: &message_id, sender, request, facts, contact, status };
    let log_id = record::accepted(tx, &row)?;
    let file = file.record(tx, shared, sender, request, log_id, now)?;
    if let Some(key) = &request.idempotency_key {
        idempotency::begin(tx, sender.account, key, request, log_id, now, shared.rules.load().idempotency_life)?;
    }
    let person = facts::person_key(contact, &address);
    let ask = facts::question(request, &person, facts.fingerprint, facts.contact.as_ref());
    shared.pace.record(&ask, wait, &shared.rules.load(), now);
    Ok(Accepting::Accepted(Box::new(Accepted {
        log_id,
        slot: (!wait.is_zero()).then(|| now.plus(wait)),
        expires_at: request.expires_at,
        account: sender.account,
        day: facts.period.day.clone(),
        month: facts.period.month.clone(),
        has_key: request.idempotency_key.is_some(),
        excused_from_suppression: facts.suppressed.is_some(),
        quota: quota_of(facts, 1),
        outgoing: outgoing(request, message_id, address, facts, file)?,
    })))
}

/// The person who is written to, known from now on; none: a group.
fn written_to(
    tx: &WriteTx<'_>,
    sender: &Sender,
    facts: &Facts,
    address: &Address,
) -> Result<Option<ContactId>, StoreError> {
    let contact = match (&facts.contact, address) {
        (Some(contact), _) => contact.id,
        (None, Address::Group(_)) => return Ok(None),
        (None, address) => conversations::add(tx, sender.account, &identity_of(address), facts.now)?,
    };
    if facts.contact.as_ref().is_none_or(|c| c.first_outbound_at.is_none()) {
        conversations::note_outbound(tx, contact, facts.now)?;
    }
    Ok(Some(contact))
}

fn refuse(
    tx: &WriteTx<'_>,
    shared: &SendingContext,
    sender: &Sender,
    request: &Request,
    facts: &Facts,
    refusal: Refusal,
) -> Result<Accepting, StoreError> {
    let message_id = request.message_id.clone().unwrap_or_else(|| MessageId::new(facts.now, &*shared.random));
    let contact = facts.contact.as_ref().map(|c| c.id);
    let row = record::MessageRow { message_id: &message_id, sender, request, facts, contact, status: Status::Blocked };
    let recipient = contact.map_or_else(|| request.recipient.canonical(), |id| format!("contact:{id}"));
    let like = (sender.account, sender.key, refusal.code, request.instance.clone(), recipient);
    let (log_id, message_id) = match shared.repeats.earlier(&like, facts.now) {
        Some((log_id, message_id)) => {
            record::repeated(tx, log_id, facts.now)?;
            (log_id, message_id)
        }
        None => {
            let log_id = record::refused(tx, &row, &refusal)?;
            shared.repeats.remember(like, log_id, message_id.clone(), facts.now);
            (log_id, message_id)
        }
    };
    let rules = shared.rules.load();
    if refusal.code == Code::PolicyViolation {
        strikes::strike(tx, &rules, request, facts, log_id)?;
    }
    if refusal.action() == Some(Action::Throttle) && facts.pace.must_pause(&rules) && !rules.observe {
        strikes::pause_for_health(tx, &request.instance, facts, log_id)?;
    }
    let quota = quota_of(facts, 0);
    Ok(Accepting::Answered(Box::new(Answer {
        outcome: Outcome::Blocked,
        log_id,
        message_id,
        refusal: Some(refusal),
        quota,
        replayed: false,
    })))
}

fn replayed(log_id: LogId, message_id: MessageId, outcome: Outcome, quota: Option<Quota>) -> Answer {
    let refusal = (outcome == Outcome::Unknown)
        .then(|| Refusal::new(Code::GatewaySendFailed, "it is not known whether the provider took the message"));
    Answer { outcome, log_id, message_id, refusal, quota, replayed: true }
}

fn idempotency_refusal(code: Code) -> Refusal {
    let reason = if code == Code::IdempotencyInProgress {
        "the first request with this Idempotency-Key is under way"
    } else {
        "this Idempotency-Key came with another request before"
    };
    let refusal = Refusal { gate: "idempotency", ..Refusal::new(code, reason) };
    if code == Code::IdempotencyInProgress { refusal.retry_after(Duration::from_secs(1)) } else { refusal }
}

/// The account's limits with `more` messages used on top of what the facts saw.
fn quota_of(facts: &Facts, more: u64) -> Option<Quota> {
    facts.limits.map(|limits| Quota {
        limits,
        day_used: facts.usage.day + more,
        month_used: facts.usage.month + more,
        period: facts.period.clone(),
        at: facts.now,
    })
}

fn identity_of(address: &Address) -> Identity {
    Identity { kind: facts::kind_of(address), value: address.to_string() }
}

fn outgoing(
    request: &Request,
    message_id: MessageId,
    to: Address,
    facts: &Facts,
    file: Option<MediaFile>,
) -> Result<Outgoing, StoreError> {
    let content = match request.draft.clone() {
        Draft::Media { kind, caption, .. } => {
            let file = file.ok_or_else(|| StoreError::Panicked("no file".into()))?;
            Content::Media { kind, file, caption }
        }
        Draft::Text(text) => Content::Text(text),
        Draft::Template { name, language, variables } => Content::Template { name, language, variables },
        Draft::Reaction { emoji, .. } => {
            // The gate "capability" let none pass whose message was not found.
            let about = facts.reacted.clone().ok_or_else(|| StoreError::Panicked("no message to react to".into()))?;
            Content::Reaction { about, emoji }
        }
    };
    let instance: InstanceId = request.instance.clone();
    let reply_to = request.reply_to.as_ref().and(facts.reply_to.clone());
    Ok(Outgoing { instance, message_id, to, content, reply_to })
}
