//! What a provider bills: messages by month and category, as it told of each, and how many of its free replies are left. There
//! are no prices here: those are the provider's, and change.
//!
//! A month is one of UTC.

use super::timeline::pricing;
use crate::{
    accounts::notices::{self, NoticeKind},
    model::{
        clock::Time,
        ids::{AccountId, InstanceId},
        instance::ConnectorKind,
    },
    store::{StoreError, Tx, WriteTx, went::WENT},
};
use rusqlite::{Row, params};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Free replies that Meta gives a number each month, unless `free_replies` says otherwise.
const FREE_REPLIES: u64 = 1000;
/// The provider's word for a reply that one of them pays for.
const FREE_REPLY: &str = "free_customer_service";

/// Messages of one month and category that reached their phones.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct BilledMonth {
    /// `2026-11`.
    pub month: String,
    /// The provider's word: utility, service, …
    pub category: String,
    /// Billed ones.
    pub billed: u64,
    /// Free ones.
    pub free: u64,
}

/// What an instance's provider bills.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Billed {
    /// The last twelve months, newest first.
    pub months: Vec<BilledMonth>,
    /// Free replies of this month that are used.
    pub free_used: u64,
    /// All that there are of them each month; 0: they are not counted.
    pub free_replies: u64,
}

impl Billed {
    /// Free replies that are left this month.
    pub fn free_left(&self) -> u64 {
        self.free_replies.saturating_sub(self.free_used)
    }
}

/// What an instance's provider billed in the last twelve months.
///
/// # Errors
/// The store's.
pub fn billed(tx: &Tx<'_>, instance: &InstanceId, now: Time) -> Result<Billed, StoreError> {
    let settings = "SELECT settings FROM instances WHERE id = ?1";
    let settings = tx.find(settings, params![instance], |r| r.get::<_, String>(0))?.unwrap_or_default();
    let mut all: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
    let mut free_used = 0;
    let mut rows = Vec::new();
    for (went, which) in WENT {
        let sql = format!(
            "SELECT strftime('%Y-%m', m.{went} / 1000, 'unixepoch') AS month, m.pricing, count(*),
                    strftime('%Y-%m', m.{went} / 1000, 'unixepoch') = strftime('%Y-%m', ?2 / 1000, 'unixepoch')
             FROM messages m
             WHERE m.instance_id = ?1 AND m.pricing IS NOT NULL AND m.status IN ('delivered', 'read') AND {which}
               AND m.{went} >= 1000 * strftime('%s', ?2 / 1000, 'unixepoch', 'start of month', '-11 months')
             GROUP BY month, m.pricing"
        );
        let read = |r: &Row<'_>| {
            Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?, r.get::<_, u64>(2)?, r.get::<_, bool>(3)?))
        };
        rows.extend(tx.list(&sql, params![instance, now], read)?);
    }
    for (month, told, count, is_current) in rows {
        if is_current && is_free_reply(&told) {
            free_used += count;
        }
        let (category, is_billed) = pricing(&told).unwrap_or_else(|| ("other".to_owned(), false));
        let figures = all.entry((month, category)).or_default();
        *(if is_billed { &mut figures.0 } else { &mut figures.1 }) += count;
    }
    let months = all.into_iter().rev();
    let months = months.map(|((month, category), (billed, free))| BilledMonth { month, category, billed, free });
    Ok(Billed { months: months.collect(), free_used, free_replies: free_replies(&settings) })
}

/// Tells the owner of each number whose free replies of this month come to their end: once, at four fifths.
///
/// # Errors
/// The store's.
pub fn warn(tx: &WriteTx<'_>, now: Time) -> Result<(), StoreError> {
    let used = WENT.map(|(went, which)| {
        format!(
            "(SELECT count(*) FROM messages m
              WHERE m.instance_id = i.id AND m.pricing IS NOT NULL AND m.status IN ('delivered', 'read') AND {which}
                AND m.{went} >= 1000 * strftime('%s', ?2 / 1000, 'unixepoch', 'start of month')
                AND json_extract(m.pricing, '$.type') = ?3)"
        )
    });
    let all = tx.list(
        &format!(
            "SELECT id, account_id, name, settings, strftime('%Y-%m', ?2 / 1000, 'unixepoch'), {}
             FROM instances i WHERE connector = ?1 AND deleted_at IS NULL",
            used.join(" + ")
        ),
        params![ConnectorKind::CloudApi.as_str(), now, FREE_REPLY],
        |r| {
            let whose = (r.get::<_, InstanceId>(0)?, r.get::<_, AccountId>(1)?, r.get::<_, String>(2)?);
            Ok((whose, r.get::<_, String>(3)?, r.get::<_, String>(4)?, r.get::<_, u64>(5)?))
        },
    )?;
    for ((instance, account, name), settings, month, used) in all {
        let limit = free_replies(&settings);
        if limit > 0 && used * 5 >= limit * 4 {
            let parameters = json!({"name": name, "instance": instance, "used": used, "limit": limit});
            let subject = format!("{instance}/{month}");
            notices::raise_once(tx, account, (NoticeKind::FreeRepliesEnding, &subject), &parameters, now)?;
        }
    }
    Ok(())
}

fn is_free_reply(told: &str) -> bool {
    serde_json::from_str::<Value>(told).is_ok_and(|told| told["type"] == FREE_REPLY)
}

fn free_replies(settings: &str) -> u64 {
    let settings: Value = serde_json::from_str(settings).unwrap_or_default();
    settings["free_replies"].as_str().and_then(|n| n.parse().ok()).unwrap_or(FREE_REPLIES)
}
