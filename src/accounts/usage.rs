//! Closing days and months: a row of usage history for each local period that is over, for people to read.
//!
//! Which periods are over is decided by each account's own zone. Running late, twice or not at all changes no limit.

use crate::{
    model::{clock::Time, ids::AccountId, plan::Zone},
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;

/// Writes the history of all periods that are over; says how many.
///
/// # Errors
/// The store's.
pub fn close_periods(tx: &WriteTx<'_>, now: Time) -> Result<usize, StoreError> {
    let mut closed = 0;
    for (account, zone, limits) in accounts(tx)? {
        let period = zone.period(now);
        for (table, column, current, limit) in
            [("usage_days", "day", &period.day, limits.0), ("usage_months", "month", &period.month, limits.1)]
        {
            // What is still reserved is on its way: its period is closed when that is known.
            let sql = format!(
                "INSERT INTO usage_history (account_id, period, used, max_used, closed_at)
                 SELECT account_id, {column}, counted, ?3, ?4 FROM {table}
                 WHERE account_id = ?1 AND {column} < ?2 AND reserved = 0
                   AND NOT EXISTS (SELECT 1 FROM usage_history h
                                   WHERE h.account_id = {table}.account_id AND h.period = {table}.{column})"
            );
            closed += tx.execute(&sql, params![account, current, limit, now])?;
        }
    }
    Ok(closed)
}

type Row = (AccountId, Zone, (i64, i64));

fn accounts(tx: &Tx<'_>) -> Result<Vec<Row>, StoreError> {
    tx.list(
        "SELECT a.id, a.timezone, a.next_timezone, a.next_timezone_from, coalesce(p.daily, 0), coalesce(p.monthly, 0)
         FROM accounts a LEFT JOIN plans p ON p.id = a.plan",
        [],
        |r| {
            let zone = Zone::stored(r.get(1)?, r.get::<_, Option<String>>(2)?.zip(r.get(3)?));
            Ok((r.get(0)?, zone, (r.get(4)?, r.get(5)?)))
        },
    )
}
