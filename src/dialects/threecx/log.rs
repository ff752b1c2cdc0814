//! The log of proven requests: the last hundred of each integration, with their outcome; and how often which outcome. No
//! secret, no text and no whole number is in it.

use super::{
    event::{ThreecxEvent, masked},
    handle::RequestOutcome,
    integration::{self, Integration, IntegrationId},
};
use crate::accounts::Scope;
use crate::dialects::threecx::auth::{Admission, Rejected, Via};
use crate::{
    model::{clock::Time, ids::LogId, phone::Recipient},
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;
use serde::Serialize;

/// Rows that are kept of each integration.
const KEPT: i64 = 100;

/// One request, as it is logged.
pub(super) struct RequestLogLine {
    pub(super) integration: IntegrationId,
    /// Whole; only for the cooldown's row.
    pub(super) recipient: Option<String>,
    via: Via,
    event_type: String,
    phone: Option<String>,
    conversation_id: Option<String>,
    agent_extension: Option<String>,
    request_id: String,
}

/// A request, as people are shown it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RequestLogEntry {
    pub at: Time,
    /// webhook or sms.
    pub via: String,
    /// What it was about; empty where that could not be read.
    pub event_type: String,
    /// sent, accepted, recorded, skipped, ok, or the code of the refusal.
    pub outcome: String,
    /// Why it was skipped or refused, in plain words.
    pub reason: Option<String>,
    /// Whom it was about, masked.
    pub phone: Option<String>,
    /// 3CX's own name of the chat.
    pub conversation_id: Option<String>,
    /// Who spoke for the business.
    pub agent_extension: Option<String>,
    /// The message's row in the message log.
    pub log_id: Option<LogId>,
    /// The request's id.
    pub request_id: String,
    /// Further ones like it right after it.
    pub repeats: i64,
}

/// How often an outcome came.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Count {
    /// sent, accepted, recorded, skipped, ok, or the code of a refusal.
    pub outcome: String,
    pub count: i64,
    /// When last.
    pub last_at: Time,
}

/// An integration, as those who run the appliance watch it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Monitored {
    #[serde(flatten)]
    pub integration: Integration,
    pub account_name: String,
    /// Its outcomes.
    pub outcomes: Vec<Count>,
    /// Requests that were not proven, since the gateway started.
    pub rejected: Rejected,
}

impl RequestLogLine {
    pub(super) fn new(
        admission: &Admission,
        request_id: &str,
        event: Option<&ThreecxEvent>,
        recipient: Option<&Recipient>,
    ) -> Self {
        let event_type = event.map(|e| match &e.event_type {
            Ok(event_type) => event_type.as_str().to_owned(),
            Err(said) => said.clone(),
        });
        Self {
            integration: admission.id.clone(),
            recipient: None,
            via: admission.via,
            event_type: event_type.unwrap_or_default(),
            phone: recipient.map(masked),
            conversation_id: event.and_then(|e| e.conversation_id.clone()),
            agent_extension: event.and_then(|e| e.agent_extension.clone()),
            request_id: request_id.to_owned(),
        }
    }
}

/// Writes a request's line, or counts it on the newest one when that says the same of nobody in particular.
pub(super) fn record(
    tx: &WriteTx<'_>,
    line: &RequestLogLine,
    ending: &RequestOutcome,
    log_id: Option<LogId>,
    now: Time,
) -> Result<(), StoreError> {
    let (outcome, reason) = match ending {
        RequestOutcome::Sent(outcome) => (outcome.as_str(), None),
        RequestOutcome::Recorded => ("recorded", None),
        RequestOutcome::Skipped(reason) => ("skipped", Some((*reason).to_owned())),
        RequestOutcome::Ready(_) => ("ok", None),
        RequestOutcome::Refused(refusal) => (refusal.code.as_str(), Some(refusal.reason.clone())),
    };
    tx.execute(
        "INSERT INTO threecx_counters (integration_id, outcome, count, last_at) VALUES (?1, ?2, 1, ?3)
         ON CONFLICT DO UPDATE SET count = count + 1, last_at = excluded.last_at",
        params![line.integration, outcome, now],
    )?;
    let repeated = log_id.is_none() && line.phone.is_none() && repeat(tx, line, outcome, reason.as_deref(), now)?;
    if !repeated {
        insert(tx, line, (outcome, reason.as_deref()), log_id, now)?;
    }
    Ok(())
}

/// Counts the line on the newest row if that is like it; says whether it was.
fn repeat(
    tx: &WriteTx<'_>,
    line: &RequestLogLine,
    outcome: &str,
    reason: Option<&str>,
    now: Time,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE threecx_requests SET repeats = repeats + 1, at = ?2, request_id = ?6
         WHERE id = (SELECT max(id) FROM threecx_requests WHERE integration_id = ?1)
           AND phone IS NULL AND log_id IS NULL AND event_type = ?3 AND outcome = ?4 AND reason IS ?5",
        params![line.integration, now, line.event_type, outcome, reason, line.request_id],
    )?;
    Ok(changed > 0)
}

fn insert(
    tx: &WriteTx<'_>,
    line: &RequestLogLine,
    (outcome, reason): (&str, Option<&str>),
    log_id: Option<LogId>,
    now: Time,
) -> Result<(), StoreError> {
    let via = match line.via {
        Via::Webhook => "webhook",
        Via::Sms => "sms",
    };
    tx.execute(
        "INSERT INTO threecx_requests (integration_id, at, via, event_type, outcome, reason, phone, conversation_id,
             agent_extension, log_id, request_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            line.integration,
            now,
            via,
            line.event_type,
            outcome,
            reason,
            line.phone,
            line.conversation_id,
            line.agent_extension,
            log_id,
            line.request_id,
        ],
    )?;
    tx.execute(
        "DELETE FROM threecx_requests WHERE integration_id = ?1 AND id <= (
             SELECT id FROM threecx_requests WHERE integration_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        params![line.integration, KEPT],
    )?;
    Ok(())
}

/// The newest requests of an integration first, in a read that brings more.
pub fn list(tx: &Tx<'_>, id: &IntegrationId) -> Result<Vec<RequestLogEntry>, StoreError> {
    tx.list(
        "SELECT at, via, event_type, outcome, reason, phone, conversation_id, agent_extension, log_id, request_id,
                repeats
         FROM threecx_requests WHERE integration_id = ?1 ORDER BY id DESC",
        params![id],
        |r| {
            Ok(RequestLogEntry {
                at: r.get(0)?,
                via: r.get(1)?,
                event_type: r.get(2)?,
                outcome: r.get(3)?,
                reason: r.get(4)?,
                phone: r.get(5)?,
                conversation_id: r.get(6)?,
                agent_extension: r.get(7)?,
                log_id: r.get(8)?,
                request_id: r.get(9)?,
                repeats: r.get(10)?,
            })
        },
    )
}

/// All integrations (or an account's) with their outcomes, in a read that brings more; see
/// [`super::Threecx::with_rejections`].
pub fn monitored(tx: &Tx<'_>, scope: Scope) -> Result<Vec<Monitored>, StoreError> {
    let watched = integration::list(tx, scope)?.into_iter().map(|integration| {
        let name = "SELECT name FROM accounts WHERE id = ?1";
        Ok(Monitored {
            account_name: tx.one(name, params![integration.account_id], |r| r.get(0))?,
            outcomes: counts(tx, &integration.id)?,
            rejected: Rejected::default(),
            integration,
        })
    });
    watched.collect()
}

/// How often which outcome.
pub(super) fn counts(tx: &Tx<'_>, id: &IntegrationId) -> Result<Vec<Count>, StoreError> {
    tx.list(
        "SELECT outcome, count, last_at FROM threecx_counters WHERE integration_id = ?1 ORDER BY count DESC, outcome",
        params![id],
        |r| Ok(Count { outcome: r.get(0)?, count: r.get(1)?, last_at: r.get(2)? }),
    )
}
