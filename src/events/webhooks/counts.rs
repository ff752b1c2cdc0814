//! How the endpoints stand, in figures.

use super::{EndpointId, endpoint};
use crate::{
    accounts::Scope,
    store::{StoreError, Tx},
};
use rusqlite::params;

/// How many endpoints there are, and what waits for them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EndpointCounts {
    /// Those that are called, failing ones included.
    pub active: u64,
    /// Of them, those that failed last.
    pub failing: u64,
    pub disabled: u64,
    /// Deliveries that are not there yet.
    pub waiting: u64,
}

/// Deliveries that [`how_lately`] looks at.
const LATELY: i64 = 200;

/// How the newest deliveries of one endpoint went, 200 at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LateDeliveries {
    /// Those that were looked at.
    pub all: usize,
    /// Those that arrived.
    pub delivered: usize,
    /// In how many milliseconds half of those were answered; none: none arrived.
    pub median_ms: Option<u64>,
}

/// How the newest deliveries of an endpoint went.
///
/// # Errors
/// The database's own.
pub fn how_lately(tx: &Tx<'_>, endpoint: EndpointId) -> Result<LateDeliveries, StoreError> {
    let all = tx.list(
        "SELECT state = 'delivered', (SELECT took_ms FROM attempts a WHERE a.delivery_id = d.id ORDER BY a.id DESC LIMIT 1)
         FROM (SELECT id, state FROM deliveries WHERE endpoint_id = ?1 ORDER BY id DESC LIMIT ?2) d",
        params![endpoint, LATELY],
        |r| Ok((r.get::<_, bool>(0)?, r.get::<_, Option<u64>>(1)?)),
    )?;
    let mut took: Vec<u64> = all.iter().filter(|(arrived, _)| *arrived).filter_map(|(_, took)| *took).collect();
    took.sort_unstable();
    let delivered = all.iter().filter(|(arrived, _)| *arrived).count();
    Ok(LateDeliveries { all: all.len(), delivered, median_ms: took.get(took.len() / 2).copied() })
}

/// Counts them.
///
/// # Errors
/// The database's own.
pub fn count_endpoints(tx: &Tx<'_>, scope: Scope) -> Result<EndpointCounts, StoreError> {
    let (active, failing, disabled) = tx.one(
        "SELECT coalesce(sum(disabled_at IS NULL), 0),
                coalesce(sum(disabled_at IS NULL AND failing_since IS NOT NULL), 0),
                coalesce(sum(disabled_at IS NOT NULL), 0) FROM endpoints
         WHERE deleted_at IS NULL AND (?1 IS NULL OR account_id = ?1)",
        params![scope],
        |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
    )?;
    let waiting = tx.one(
        "SELECT count(*) FROM endpoints n JOIN deliveries d ON d.endpoint_id = n.id AND d.state = 'pending'
         WHERE n.deleted_at IS NULL AND (?1 IS NULL OR n.account_id = ?1)",
        params![scope],
        |r| r.get(0),
    )?;
    Ok(EndpointCounts { active, failing, disabled, waiting })
}

/// The addresses of those that were disabled because they failed, the first ones.
///
/// # Errors
/// The database's own.
pub fn list_given_up(tx: &Tx<'_>, scope: Scope, limit: u32) -> Result<Vec<String>, StoreError> {
    let by_hand = endpoint::BY_HAND;
    tx.list(
        "SELECT url FROM endpoints WHERE deleted_at IS NULL AND disabled_at IS NOT NULL AND failing_since IS NOT NULL
           AND coalesce(disabled_reason, '') NOT IN (?3, ?4)
           AND (?1 IS NULL OR account_id = ?1) ORDER BY id LIMIT ?2",
        params![scope, limit, by_hand[0], by_hand[1]],
        |r| r.get(0),
    )
}
