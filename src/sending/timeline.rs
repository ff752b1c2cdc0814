//! All that is known of one message, typed, for the page that tells its story.

use super::gate_figures;
use crate::{
    accounts::Scope,
    instances::templates::{self, SentTemplate},
    model::{
        clock::Time,
        ids::{AccountId, LogId},
        message::Status,
    },
    store::{StoreError, Tx},
};
use rusqlite::{Row, params};
use serde_json::Value;

#[derive(Clone, Debug)]
pub struct Story {
    pub log_id: LogId,
    /// Its stable id.
    pub message_id: String,
    /// The provider's id.
    pub provider_message_id: Option<String>,
    pub status: Status,
    /// The refusal's code, or why it failed.
    pub reason: Option<String>,
    /// The provider's code.
    pub provider_code: Option<String>,
    /// What the provider said of its price: its word for the category, and whether it charges.
    pub pricing: Option<(String, bool)>,
    /// As the caller named it.
    pub instance_id: String,
    /// The caller's own id.
    pub reference: Option<String>,
    /// E.164, a hidden id, or empty.
    pub recipient: String,
    /// As the caller named it.
    pub purpose: String,
    /// text, template, image, …
    pub kind: String,
    pub body: String,
    /// Of a template message.
    pub template: Option<SentTemplate>,
    /// Which part of the gateway it came by.
    pub source: String,
    /// The name of the API key.
    pub key_name: Option<String>,
    pub request_id: Option<String>,
    /// Refusals of the same kind on this row.
    pub repeats: i64,
    /// When it came.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
    /// When it was committed for the wire.
    pub sending_at: Option<Time>,
    /// When the provider acknowledged it.
    pub sent_at: Option<Time>,
    /// When the phone had it.
    pub delivered_at: Option<Time>,
    /// When it was read.
    pub read_at: Option<Time>,
    /// When it failed.
    pub failed_at: Option<Time>,
    /// What the guard saw.
    pub decision: Option<GuardDecision>,
    /// The attempts to tell endpoints of it.
    pub deliveries: Vec<WebhookAttempt>,
}

/// What the guard decided, and by which figures.
#[derive(Clone, Debug)]
pub struct GuardDecision {
    /// The gate that refused; none: all passed.
    pub gate: Option<String>,
    /// Of 100.
    pub score: i64,
    /// What made the score: id, weight, reason.
    pub signals: Vec<(String, i64, String)>,
    /// Used and limit of the day.
    pub daily: (u64, u64),
    /// Used and limit of the month.
    pub monthly: (u64, u64),
    /// The wait that pacing asked for, in milliseconds.
    pub wait_ms: u64,
    /// Why, in the refusal's own words.
    pub why: Option<String>,
}

/// One attempt to tell an endpoint.
#[derive(Clone, Debug)]
pub struct WebhookAttempt {
    pub at: Time,
    pub event: String,
    /// The endpoint's host.
    pub host: String,
    /// Its answer's status.
    pub status: Option<i64>,
    /// How long it took.
    pub took_ms: i64,
    /// Whether it was taken.
    pub is_delivered: bool,
}

/// Whose a message is; none: there is no such one in the scope.
pub fn find_account(tx: &Tx<'_>, scope: Scope, id: LogId) -> Result<Option<AccountId>, StoreError> {
    let sql = "SELECT account_id FROM messages WHERE id = ?1 AND (?2 IS NULL OR account_id = ?2)";
    tx.find(sql, params![id, scope], |r| r.get(0))
}

/// One message, if it is the account's, or anybody's for who runs the appliance.
pub fn find(tx: &Tx<'_>, scope: Scope, id: LogId) -> Result<Option<Story>, StoreError> {
    let found = tx.find(
        "SELECT m.id, m.message_id, m.provider_message_id, m.status, m.reason, m.provider_code, m.instance_id,
                m.reference, m.recipient, m.purpose, m.kind, m.body, m.source, k.name, m.request_id, m.repeats,
                m.created_at, m.updated_at, m.sending_at, m.sent_at, m.delivered_at, m.read_at, m.failed_at,
                d.gate, d.score, d.signals, d.figures, m.pricing
         FROM messages m LEFT JOIN policy_decisions d ON d.log_id = m.id LEFT JOIN api_keys k ON k.id = m.key_id
         WHERE m.id = ?1 AND (?2 IS NULL OR m.account_id = ?2)",
        params![id, scope],
        read,
    )?;
    let Some(mut story) = found else { return Ok(None) };
    story.deliveries = told(tx, &story)?;
    if story.kind == "template" {
        story.template = templates::sent(tx, story.log_id.0)?;
    }
    Ok(Some(story))
}

/// Events name their message in their body; the instance's events since the message came are few, and indexed by time.
fn told(tx: &Tx<'_>, story: &Story) -> Result<Vec<WebhookAttempt>, StoreError> {
    tx.list(
        "SELECT a.at, e.name, n.url, a.status, a.took_ms
         FROM events e JOIN deliveries d ON d.event_id = e.id JOIN endpoints n ON n.id = d.endpoint_id
              JOIN attempts a ON a.delivery_id = d.id
         WHERE e.instance_id = ?1 AND e.created_at BETWEEN ?2 AND ?3
           AND json_extract(e.body, '$.message_id') = ?4
         ORDER BY a.at LIMIT 50",
        params![story.instance_id, story.created_at, story.updated_at, story.message_id],
        |r| {
            let url: String = r.get(2)?;
            let status: Option<i64> = r.get(3)?;
            let host = url.split("://").nth(1).unwrap_or(&url).split(['/', '?']).next().unwrap_or_default();
            Ok(WebhookAttempt {
                at: r.get(0)?,
                event: r.get(1)?,
                host: host.to_owned(),
                is_delivered: status.is_some_and(|s| (200..300).contains(&s)),
                status,
                took_ms: r.get(4)?,
            })
        },
    )
}

fn read(r: &Row<'_>) -> rusqlite::Result<Story> {
    Ok(Story {
        log_id: r.get(0)?,
        message_id: r.get(1)?,
        provider_message_id: r.get(2)?,
        status: r.get(3)?,
        reason: r.get(4)?,
        provider_code: r.get(5)?,
        pricing: r.get::<_, Option<String>>(27)?.and_then(|text| pricing(&text)),
        instance_id: r.get(6)?,
        reference: r.get(7)?,
        recipient: r.get(8)?,
        purpose: r.get(9)?,
        kind: r.get(10)?,
        body: r.get(11)?,
        template: None,
        source: r.get(12)?,
        key_name: r.get(13)?,
        request_id: r.get(14)?,
        repeats: r.get(15)?,
        created_at: r.get(16)?,
        updated_at: r.get(17)?,
        sending_at: r.get(18)?,
        sent_at: r.get(19)?,
        delivered_at: r.get(20)?,
        read_at: r.get(21)?,
        failed_at: r.get(22)?,
        decision: decision(r)?,
        deliveries: Vec::new(),
    })
}

/// The category, and whether it is billed. Where `billable` is told it decides; where it is absent, as it is to be from
/// October 2026 on, the `type` does: what Meta calls free is free, and nothing else is (Meta's page on pricing).
pub(super) fn pricing(text: &str) -> Option<(String, bool)> {
    let told: Value = serde_json::from_str(text).ok()?;
    let is_free = || told["type"].as_str().is_some_and(|kind| kind.starts_with("free_"));
    let is_billed = told["billable"].as_bool().unwrap_or_else(|| !is_free());
    Some((told["category"].as_str()?.to_owned(), is_billed))
}

fn decision(r: &Row<'_>) -> rusqlite::Result<Option<GuardDecision>> {
    let Some(score) = r.get::<_, Option<i64>>(24)? else { return Ok(None) };
    let signals: Value = serde_json::from_str(&r.get::<_, String>(25)?).unwrap_or_default();
    let figures = gate_figures::named(&r.get::<_, String>(26)?);
    let pair = |name: &str| (figures[name][0].as_u64().unwrap_or(0), figures[name][1].as_u64().unwrap_or(0));
    let signal = |s: &Value| {
        let text = |name: &str| s[name].as_str().unwrap_or_default().to_owned();
        (text("id"), s["weight"].as_i64().unwrap_or(0), text("reason"))
    };
    Ok(Some(GuardDecision {
        gate: r.get(23)?,
        score,
        signals: signals.as_array().map(|all| all.iter().map(signal).collect()).unwrap_or_default(),
        daily: pair("daily"),
        monthly: pair("monthly"),
        wait_ms: figures["wait_ms"].as_u64().unwrap_or(0),
        why: figures["why"].as_str().map(str::to_owned),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_called_free_is_billed() {
        let utility = |billed| Some(("utility".to_owned(), billed));
        for (text, told) in [
            (r#"{"category":"utility","billable":true,"type":"free_entry_point"}"#, utility(true)),
            (r#"{"category":"utility","billable":false,"type":"regular"}"#, utility(false)),
            (r#"{"category":"utility","type":"regular"}"#, utility(true)),
            (r#"{"category":"utility","type":"free_customer_service"}"#, utility(false)),
            (r#"{"category":"utility","type":"free_entry_point"}"#, utility(false)),
            (r#"{"category":"utility","type":"free_group_customer_service"}"#, utility(false)),
            (r#"{"category":"utility"}"#, utility(true)),
            (r#"{"type":"regular"}"#, None),
            ("no JSON", None),
        ] {
            assert_eq!(pricing(text), told, "{text}");
        }
    }
}
