//! How the endpoints stand, in figures.

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
    tx.list(
        "SELECT url FROM endpoints WHERE deleted_at IS NULL AND disabled_at IS NOT NULL AND failing_since IS NOT NULL
           AND (?1 IS NULL OR account_id = ?1) ORDER BY id LIMIT ?2",
        params![scope, limit],
        |r| r.get(0),
    )
}
