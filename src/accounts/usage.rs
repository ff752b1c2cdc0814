//! Closing days and months: a row of usage history for each local period that is over, for people to read.
//!
//! Which periods are over is decided by each account's own zone. Running late, twice or not at all changes no limit.
//! The limit that is shown is the one that held at the period's end: the grant of that moment, else the plan's figure.

use crate::{
    accounts::{
        Scope,
        notices::{self, NoticeKind},
    },
    model::{
        clock::Time,
        ids::AccountId,
        plan::{Period, Zone},
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;

/// One length of period: its table, its column there and in the grants, and where a period of it ends.
struct Length {
    table: &'static str,
    column: &'static str,
    granted: &'static str,
    end: fn(&Zone, &str) -> Option<Time>,
}

const DAY: Length = Length { table: "usage_days", column: "day", granted: "daily", end: end_of_day };
const MONTH: Length = Length { table: "usage_months", column: "month", granted: "monthly", end: end_of_month };

/// Writes the history of all periods that are over; says how many.
pub fn close_periods(tx: &WriteTx<'_>, now: Time) -> Result<usize, StoreError> {
    let mut closed = 0;
    for (account, zone, daily, monthly) in accounts(tx)? {
        let current = zone.period(now);
        closed += close(tx, &DAY, (account, &zone), (&current.day, daily), now)?;
        closed += close(tx, &MONTH, (account, &zone), (&current.month, monthly), now)?;
    }
    Ok(closed)
}

/// Messages that count, with those that are on their way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct UsedMessages {
    /// Of the local day.
    pub day: u64,
    /// Of the local month.
    pub month: u64,
}

/// What each of these accounts used in its period, in their order.
pub fn of(tx: &Tx<'_>, accounts: &[(AccountId, Period)]) -> Result<Vec<UsedMessages>, StoreError> {
    let one = |(account, period): &(AccountId, Period)| {
        tx.one(
            "SELECT coalesce((SELECT counted FROM usage_days WHERE account_id = ?1 AND day = ?2), 0),
                    coalesce((SELECT counted FROM usage_months WHERE account_id = ?1 AND month = ?3), 0)",
            params![account, period.day, period.month],
            |r| Ok(UsedMessages { day: r.get(0)?, month: r.get(1)? }),
        )
    };
    accounts.iter().map(one).collect()
}

/// What was used in a day and a month, by all accounts in scope.
pub fn total(tx: &Tx<'_>, scope: Scope, day: &str, month: &str) -> Result<UsedMessages, StoreError> {
    let whose = if scope.account().is_some() { "account_id = ?1" } else { "?1 IS NULL" };
    let used = |table: &str, column: &str, period: &str| {
        let sql = format!("SELECT coalesce(sum(counted), 0) FROM {table} WHERE {whose} AND {column} = ?2");
        tx.one(&sql, params![scope, period], |r| r.get::<_, u64>(0))
    };
    Ok(UsedMessages { day: used("usage_days", "day", day)?, month: used("usage_months", "month", month)? })
}

/// A closed day or month.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClosedPeriod {
    /// A day or a month.
    pub period: String,
    /// Messages that counted.
    pub used: u64,
    /// The limit at its end.
    pub limit: u64,
}

/// The last twelve closed months of an account, newest first.
pub fn past(tx: &Tx<'_>, account: AccountId) -> Result<Vec<ClosedPeriod>, StoreError> {
    tx.list(
        "SELECT period, used, max_used FROM usage_history WHERE account_id = ?1 AND length(period) = 7
         ORDER BY period DESC LIMIT 12",
        params![account],
        |r| Ok(ClosedPeriod { period: r.get(0)?, used: r.get(1)?, limit: r.get(2)? }),
    )
}

fn close(
    tx: &WriteTx<'_>,
    length: &Length,
    (account, zone): (AccountId, &Zone),
    (current, plan): (&str, Option<i64>),
    now: Time,
) -> Result<usize, StoreError> {
    let Length { table, column, .. } = length;
    // What is still on its way may be given back: its period is closed when that is known.
    let over = tx.list(
        &format!(
            "SELECT {column}, counted FROM {table}
             WHERE account_id = ?1 AND {column} < ?2
               AND NOT EXISTS (SELECT 1 FROM messages m
                               WHERE (m.status = 'accepted' OR m.status = 'sending') AND m.quota = 'reserved'
                                 AND m.account_id = {table}.account_id AND m.{column} = {table}.{column})
               AND NOT EXISTS (SELECT 1 FROM usage_history h
                               WHERE h.account_id = {table}.account_id AND h.period = {table}.{column})"
        ),
        params![account, current],
        |r| Ok((r.get::<_, String>(0)?, r.get::<_, i64>(1)?)),
    )?;
    for (period, used) in &over {
        let end = (length.end)(zone, period).unwrap_or(now);
        let granted = granted(tx, length, account, end)?;
        // Without a plan nothing can be sent, whatever is granted.
        let limit = plan.map_or(0, |plan| granted.unwrap_or(plan));
        tx.execute(
            "INSERT INTO usage_history (account_id, period, used, max_used, closed_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![account, period, used, limit, now],
        )?;
        for kind in [NoticeKind::LimitNear, NoticeKind::LimitReached] {
            notices::clear(tx, Some(account), kind, period, now)?;
        }
    }
    Ok(over.len())
}

/// The figure of the grant that held in the last moment before `end`.
fn granted(tx: &Tx<'_>, length: &Length, account: AccountId, end: Time) -> Result<Option<i64>, StoreError> {
    let sql = format!(
        "SELECT {} FROM granted_limits
         WHERE account_id = ?1 AND created_at < ?2 AND (withdrawn_at IS NULL OR withdrawn_at >= ?2)
           AND (until IS NULL OR until >= ?2)
         ORDER BY id DESC LIMIT 1",
        length.granted
    );
    Ok(tx.find(&sql, params![account, end], |r| r.get(0))?.flatten())
}

fn end_of_day(zone: &Zone, day: &str) -> Option<Time> {
    // Noon UTC is in this day or, far in the east, in the first hours of the next; midnight UTC is in it there.
    [12, 0].into_iter().find_map(|hour| {
        let period = zone.period(Time::parse(&format!("{day}T{hour:02}:00:00Z")).ok()?);
        (period.day == day).then_some(period.day_ends)
    })
}

fn end_of_month(zone: &Zone, month: &str) -> Option<Time> {
    Time::parse(&format!("{month}-15T12:00:00Z")).ok().map(|middle| zone.period(middle).month_ends)
}

type UsageRow = (AccountId, Zone, Option<i64>, Option<i64>);

fn accounts(tx: &Tx<'_>) -> Result<Vec<UsageRow>, StoreError> {
    tx.list(
        "SELECT a.id, a.timezone, a.next_timezone, a.next_timezone_from, p.daily, p.monthly
         FROM accounts a LEFT JOIN plans p ON p.id = a.plan",
        [],
        |r| {
            let zone = Zone::stored(r.get(1)?, r.get::<_, Option<String>>(2)?.zip(r.get(3)?));
            Ok((r.get(0)?, zone, r.get(4)?, r.get(5)?))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_end_at_their_zones_midnight() {
        let rows = [
            ("Pacific/Kiritimati", "2026-06-01", "2026-06-01T10:00:00Z", "2026-06-30T10:00:00Z"),
            ("Pacific/Auckland", "2026-12-31", "2026-12-31T11:00:00Z", "2026-12-31T11:00:00Z"),
            ("UTC", "2028-02-29", "2028-03-01T00:00:00Z", "2028-03-01T00:00:00Z"),
            ("America/Los_Angeles", "2026-06-01", "2026-06-02T07:00:00Z", "2026-07-01T07:00:00Z"),
            ("Etc/GMT+12", "2026-06-01", "2026-06-02T12:00:00Z", "2026-07-01T12:00:00Z"),
        ];
        for (zone, day, day_ends, month_ends) in rows {
            let at = |text| Time::parse(text).expect("a time");
            let zone = Zone::parse(zone).expect("a zone");
            assert_eq!(end_of_day(&zone, day), Some(at(day_ends)), "{zone} {day}");
            assert_eq!(end_of_month(&zone, &day[..7]), Some(at(month_ends)), "{zone} {day}");
        }
    }
}
