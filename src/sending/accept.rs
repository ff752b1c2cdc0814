//! The first transaction of a message: replay an idempotent answer, else load every fact, judge, and record.
//!
//! What leaves here as [`Accepted`] is on disk with its quota reserved, and nothing else can be dispatched: its fields
//! are private to `sending`, and [`accept`] is the only maker.

use super::{
    answer::{Answer, Outcome, Quota},
    asked::Asked,
    facts::{self, Facts},
    file::{self, Here, PreparedFile},
    idempotency::{self, KnownKey},
    policy::{self, Passed, content::Score},
    quota::{self, Booked},
    record,
    refusal::Refusal,
    strikes, waiting,
};
use crate::{
    connectors::{Address, Outgoing},
    model::{
        clock::Time,
        code::{Action, Code},
        ids::{ContactId, LogId, MessageId},
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
    pub(super) booked: Booked,
    pub(super) has_key: bool,
    pub(super) excused_from_suppression: bool,
    pub(super) quota: Quota,
}

pub(super) fn accept(
    tx: &WriteTx<'_>,
    asked: &Asked<'_>,
    score: Score,
    file: Option<&PreparedFile>,
) -> Result<Accepting, StoreError> {
    let Asked { shared, rules, sender, request, now } = *asked;
    shared.begin(tx);
    if let Some(key) = sender.key {
        shared.key_uses.note(tx, key, now)?;
    }
    let known = match &request.idempotency_key {
        Some(key) => idempotency::look_up(tx, asked, key)?,
        None => KnownKey::New,
    };
    let again = match known {
        KnownKey::New => None,
        KnownKey::Answered(log_id, message_id, outcome) => {
            let quota = facts::load_quota(tx, sender, now)?;
            return Ok(Accepting::Answered(Box::new(replayed(log_id, message_id, outcome, quota))));
        }
        KnownKey::UnderWay => Some(under_way()),
        KnownKey::Reused => {
            Some(key_refusal(Code::IdempotencyKeyReused, "this Idempotency-Key came with another request before"))
        }
    };
    let facts = facts::load(tx, asked, score)?;
    if let Some(answer) = waiting::too_late(tx, asked, &facts)? {
        return Ok(Accepting::Answered(Box::new(answer)));
    }
    let verdict = match again {
        Some(refusal) => Err(refusal),
        None => {
            let limits = facts.instance.as_ref().map(|i| i.capabilities.limits).unwrap_or_default();
            policy::judge(request, &facts, rules)
                .and_then(|passed| passed.with_file(|wanted| file::here(file, &wanted, limits)))
        }
    };
    let verdict = verdict.map_err(|refusal| waiting::foremost(asked, &facts, refusal));
    if let Some(due) = waiting::due(asked, verdict.as_ref().map(|_| ())) {
        return match waiting::wait(tx, asked, &facts, due)? {
            Ok(answer) => Ok(Accepting::Answered(Box::new(answer))),
            Err(refusal) => refuse(tx, asked, &facts, refusal),
        };
    }
    match verdict {
        Err(refusal) => refuse(tx, asked, &facts, refusal),
        Ok(passed) => pass(tx, asked, &facts, passed),
    }
}

fn pass(
    tx: &WriteTx<'_>,
    asked: &Asked<'_>,
    facts: &Facts,
    passed: Passed<'_, &Here>,
) -> Result<Accepting, StoreError> {
    let Asked { shared, rules, sender, request, now } = *asked;
    let contact = written_to(tx, asked, facts, passed.address)?;
    quota::reserve(tx, sender.account, (&facts.period, facts.usage), passed.limits, now)?;
    let wait = facts.pace.wait();
    let status = if wait.is_zero() { Status::Sending } else { Status::Accepted };
    let message_id = asked.message_id();
    let log_id = record::accepted(tx, &record::MessageRow { message_id: &message_id, asked, facts, contact, status })?;
    let content = passed.content.resolve(|here| here.record(tx, asked, log_id), Ok)?;
    if let Some(key) = &request.idempotency_key {
        idempotency::begin(tx, asked, key, log_id)?;
    }
    let person = facts::person_key(contact, passed.address);
    let ask = facts::question(request, &person, facts.fingerprint, facts.contact.as_ref());
    shared.pace.record(&ask, wait, rules, now);
    Ok(Accepting::Accepted(Box::new(Accepted {
        log_id,
        slot: (!wait.is_zero()).then(|| now.plus(wait)),
        expires_at: request.expires_at,
        booked: Booked::new(sender.account, &facts.period),
        has_key: request.idempotency_key.is_some(),
        excused_from_suppression: facts.suppressed.is_some(),
        quota: facts.quota(passed.limits, 1),
        outgoing: Outgoing {
            instance: request.instance.clone(),
            message_id,
            to: passed.address.clone(),
            content,
            reply_to: passed.reply_to.map(str::to_owned),
            outside_window: passed.outside_window,
        },
    })))
}

/// The person who is written to, known from now on; none: a group.
fn written_to(
    tx: &WriteTx<'_>,
    asked: &Asked<'_>,
    facts: &Facts,
    address: &Address,
) -> Result<Option<ContactId>, StoreError> {
    let contact = match (&facts.contact, address) {
        (None, Address::Group(_)) => return Ok(None),
        (None, address) => {
            return conversations::add_written_to(tx, asked.sender.account, &identity_of(address), facts.now).map(Some);
        }
        (Some(contact), _) => contact,
    };
    if contact.first_outbound_at.is_none() {
        conversations::note_outbound(tx, contact.id, facts.now)?;
    }
    Ok(Some(contact.id))
}

fn refuse(tx: &WriteTx<'_>, asked: &Asked<'_>, facts: &Facts, refusal: Refusal) -> Result<Accepting, StoreError> {
    let Asked { shared, rules, sender, request, .. } = *asked;
    let message_id = asked.message_id();
    let contact = facts.contact.as_ref().map(|c| c.id);
    let row = record::MessageRow { message_id: &message_id, asked, facts, contact, status: Status::Blocked };
    let recipient = contact.map_or_else(|| request.recipient.canonical(), |id| format!("contact:{id}"));
    let said = if refusal.code == Code::PolicyViolation { facts.fingerprint } else { 0 };
    let like = (sender.account, sender.key, refusal.code, request.instance.clone(), recipient, said);
    // One that has waited has a row of its own, which says how it ended.
    let earlier = match request.message_id {
        None => record::repeated(tx, shared.repeats.earlier(&like, facts.now), facts.now)?,
        Some(_) => None,
    };
    let (log_id, message_id) = match earlier {
        Some(earlier) => earlier,
        None => {
            let log_id = record::refused(tx, &row, &refusal)?;
            shared.repeats.remember(like, log_id, message_id.clone(), facts.now);
            (log_id, message_id)
        }
    };
    if refusal.code == Code::PolicyViolation {
        strikes::strike(tx, rules, request, facts, log_id)?;
    }
    if refusal.action() == Some(Action::Throttle) && facts.pace.must_pause(rules) && !rules.observe {
        strikes::pause_for_health(tx, &request.instance, facts, log_id)?;
    }
    let quota = facts.limits.map(|limits| facts.quota(limits, 0));
    Ok(Accepting::Answered(Box::new(Answer::blocked(log_id, message_id, refusal, quota))))
}

fn replayed(log_id: LogId, message_id: MessageId, outcome: Outcome, quota: Option<Quota>) -> Answer {
    let refusal = (outcome == Outcome::Unknown)
        .then(|| Refusal::new(Code::GatewaySendFailed, "it is not known whether the provider took the message"));
    Answer { outcome, log_id, message_id, refusal, quota, replayed: true, unusual: None }
}

fn under_way() -> Refusal {
    key_refusal(Code::IdempotencyInProgress, "the first request with this Idempotency-Key is under way")
        .retry_after(Duration::from_secs(1))
}

fn key_refusal(code: Code, reason: &str) -> Refusal {
    Refusal { gate: "idempotency", ..Refusal::new(code, reason) }
}

fn identity_of(address: &Address) -> Identity {
    Identity { kind: facts::kind_of(address), value: address.to_string() }
}
