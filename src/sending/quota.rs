//! Quota: taken with the row, given back when the provider certainly did not take the message. Always of the day and the
//! month that the message was accepted in; the row alone says what is not known yet (`reserved`), so that an outcome, of
//! which there is one a message, does not write the counters again.

use super::facts::UsedQuota;
use crate::{
    accounts::notices::{self, NoticeKind},
    model::{
        clock::Time,
        ids::{AccountId, LogId},
        plan::{Period, PlanLimits},
    },
    store::{StoreError, WriteTx},
};
use rusqlite::params;
use serde_json::json;

/// Where a message's quota stands in the books: with whom, in which local day and month.
pub(super) struct Booked {
    account: AccountId,
    day: String,
    month: String,
}

impl Booked {
    pub(super) const fn account(&self) -> AccountId {
        self.account
    }

    pub(super) fn new(account: AccountId, period: &Period) -> Self {
        Self { account, day: period.day.clone(), month: period.month.clone() }
    }
}

/// Takes one message from the period's day and month, of which `used` are taken; tells the owner when little or nothing
/// is left.
pub(super) fn reserve(
    tx: &WriteTx<'_>,
    account: AccountId,
    (period, used): (&Period, UsedQuota),
    limits: PlanLimits,
    now: Time,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO usage_days (account_id, day, counted) VALUES (?1, ?2, 1)
         ON CONFLICT DO UPDATE SET counted = counted + 1",
        params![account, period.day],
    )?;
    tx.execute(
        "INSERT INTO usage_months (account_id, month, counted) VALUES (?1, ?2, 1)
         ON CONFLICT DO UPDATE SET counted = counted + 1",
        params![account, period.month],
    )?;
    let (day, month) = (used.day + 1, used.month + 1);
    for (name, used, limit) in [(&period.day, day, limits.daily), (&period.month, month, limits.monthly)] {
        // A figure that is given back and taken again tells nobody twice: once a period.
        let kind = match used.saturating_mul(100) {
            _ if used >= limit => NoticeKind::LimitReached,
            hundredfold if hundredfold >= limit.saturating_mul(NEAR_PERCENT) => NoticeKind::LimitNear,
            _ => continue,
        };
        notices::raise_once(tx, account, (kind, name), &json!({"period": name, "limit": limit, "used": used}), now)?;
    }
    Ok(())
}

/// From so many percent of a limit its owner is told.
const NEAR_PERCENT: u64 = 80;

/// What becomes of a message's quota.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Settle {
    /// It was used.
    Count,
    /// It was not.
    GiveBack,
}

/// Moves a message's quota, whatever it was before; doing it twice changes nothing.
pub(super) fn settle(tx: &WriteTx<'_>, id: LogId, settle: Settle) -> Result<(), StoreError> {
    let row = tx.one("SELECT quota, account_id, day, month FROM messages WHERE id = ?1", params![id], |r| {
        Ok((r.get::<_, String>(0)?, Booked { account: r.get(1)?, day: r.get(2)?, month: r.get(3)? }))
    })?;
    let (was, booked) = row;
    let (word, more) = match (was.as_str(), settle) {
        ("reserved", Settle::Count) => ("counted", 0),
        ("reserved" | "counted", Settle::GiveBack) => ("returned", -1),
        ("returned", Settle::Count) => ("counted", 1),
        _ => return Ok(()),
    };
    tx.execute("UPDATE messages SET quota = ?2 WHERE id = ?1", params![id, word])?;
    move_usage(tx, &booked, more)
}

/// Adds to the counters of a day and its month.
pub(super) fn move_usage(tx: &WriteTx<'_>, booked: &Booked, more: i64) -> Result<(), StoreError> {
    if more == 0 {
        return Ok(());
    }
    let Booked { account, day, month } = booked;
    tx.execute(
        "UPDATE usage_days SET counted = counted + ?3 WHERE account_id = ?1 AND day = ?2",
        params![account, day, more],
    )?;
    tx.execute(
        "UPDATE usage_months SET counted = counted + ?3 WHERE account_id = ?1 AND month = ?2",
        params![account, month, more],
    )?;
    Ok(())
}
