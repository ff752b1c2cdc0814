//! `/overview`: is my number connected, what went out today, what was refused, and is everything told to my programs?

use crate::{
    gateway::Gateway,
    instances::Instance,
    model::{clock::Time, ids::AccountId, plan::Zone},
    portal::{Trouble, Visit},
    store::{StoreError, Tx},
};
use askama::Template;
use rusqlite::params;
use warp::reply::Response;

const DAYS: i64 = 14;

#[derive(Template)]
#[template(path = "overview.html", config = "assets/askama.toml")]
struct Overview<'a> {
    v: &'a Visit,
    instances: Vec<Instance>,
    usage: Option<Usage>,
    days: Vec<Day>,
    most: u64,
    refusals: Vec<(String, u64)>,
    keys: Vec<(String, Time)>,
    endpoints: Endpoints,
    checklist: Vec<(&'static str, &'static str, bool)>,
    sample: String,
}

struct Usage {
    day: (u64, u64),
    month: (u64, u64),
    month_ends: Time,
}

/// A day of the chart.
struct Day {
    name: String,
    date: String,
    good: u64,
    bad: u64,
}

#[derive(Default, Clone, Copy)]
struct Endpoints {
    active: u64,
    disabled: u64,
    waiting: u64,
}

/// What one reading of the database brings.
struct Figures {
    used: (u64, u64),
    days: Vec<(String, u64, u64)>,
    refusals: Vec<(String, u64)>,
    keys: Vec<(String, Time)>,
    endpoints: Endpoints,
    has_key: bool,
    has_sent: bool,
}

/// `GET /overview`.
///
/// # Errors
/// The database's.
pub async fn show(gateway: &Gateway, v: &Visit) -> Result<Response, Trouble> {
    let (account, now) = (v.scope(), v.now);
    let known = match account {
        Some(id) => Some(gateway.accounts.find_account(id).await?),
        None => None,
    };
    let zone = known.as_ref().map_or_else(|| v.zone.clone(), |a| Zone::stored(a.timezone.clone(), None));
    let period = zone.period(now);
    let (day, month) = (period.day.clone(), period.month.clone());
    let figures = gateway.store.read(move |tx| figures(tx, account, &day, &month, now)).await?;
    let usage = known.and_then(|a| {
        let (daily, monthly) = (a.daily_limit?, a.monthly_limit?);
        let (day, month) = ((figures.used.0, daily), (figures.used.1, monthly));
        Some(Usage { day, month, month_ends: period.month_ends })
    });
    let instances = gateway.instances.list(account).await?;
    let has_open = instances.iter().any(|i| i.state == crate::model::instance::InstanceState::Open);
    let checklist = [
        ("overview.step_instance", "/instances", has_open),
        ("overview.step_key", "/api-keys", figures.has_key),
        ("overview.step_send", "/docs/quickstart", figures.has_sent),
        ("overview.step_webhook", "/webhooks", figures.endpoints.active > 0),
    ];
    let checklist = if checklist.iter().all(|(.., done)| *done) { Vec::new() } else { checklist.to_vec() };
    let days: Vec<Day> = chart(v, &figures.days);
    let sample = super::messages::sample(v, instances.first().map(|i| i.id.to_string()).as_ref());
    Ok(v.page(&Overview {
        v,
        usage,
        most: days.iter().map(|d| d.good + d.bad).max().unwrap_or(0).max(1),
        days,
        refusals: figures.refusals,
        keys: figures.keys,
        endpoints: figures.endpoints,
        checklist,
        instances,
        sample,
    }))
}

fn figures(tx: &Tx<'_>, account: Option<AccountId>, day: &str, month: &str, now: Time) -> Result<Figures, StoreError> {
    let since = now.minus(std::time::Duration::from_secs(DAYS.unsigned_abs() * 86_400));
    let sum = |sql: &str, key: &str| tx.one(sql, params![account, key], |r| r.get::<_, u64>(0));
    let exists = |sql: &str| tx.one(sql, params![account], |r| r.get::<_, bool>(0));
    Ok(Figures {
        used: (
            sum(
                "SELECT coalesce(sum(counted + reserved), 0) FROM usage_days WHERE (?1 IS NULL OR account_id = ?1) AND day = ?2",
                day,
            )?,
            sum(
                "SELECT coalesce(sum(counted + reserved), 0) FROM usage_months WHERE (?1 IS NULL OR account_id = ?1) AND month = ?2",
                month,
            )?,
        ),
        days: per_day(tx, account, since)?,
        refusals: tx.list(
            "SELECT reason, count(*) FROM messages
             WHERE (?1 IS NULL OR account_id = ?1) AND status = 'blocked' AND created_at >= ?2
             GROUP BY reason ORDER BY 2 DESC LIMIT 6",
            params![account, since],
            |r| Ok((r.get::<_, Option<String>>(0)?.unwrap_or_default(), r.get(1)?)),
        )?,
        keys: tx.list(
            "SELECT name, last_used_at FROM api_keys
             WHERE (?1 IS NULL OR account_id = ?1) AND revoked_at IS NULL AND last_used_at IS NOT NULL
             ORDER BY last_used_at DESC LIMIT 5",
            params![account],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )?,
        endpoints: endpoints(tx, account)?,
        has_key: exists("SELECT EXISTS (SELECT 1 FROM api_keys WHERE ?1 IS NULL OR account_id = ?1)")?,
        has_sent: exists("SELECT EXISTS (SELECT 1 FROM messages WHERE (?1 IS NULL OR account_id = ?1))")?,
    })
}

/// Sent and not sent, by local day. What was counted stands in the usage rows; what was not is the few rows that the
/// index of troubles holds: no page reads the whole log.
fn per_day(tx: &Tx<'_>, account: Option<AccountId>, since: Time) -> Result<Vec<(String, u64, u64)>, StoreError> {
    tx.list(
        "SELECT day, sum(good), sum(bad) FROM (
             SELECT day, counted AS good, 0 AS bad FROM usage_days WHERE (?1 IS NULL OR account_id = ?1)
             UNION ALL
             SELECT day, 0, 1 FROM messages
             WHERE (?1 IS NULL OR account_id = ?1) AND status IN ('failed', 'unknown', 'blocked') AND created_at >= ?2)
         GROUP BY day ORDER BY day DESC LIMIT ?3",
        params![account, since, DAYS],
        |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
    )
}

fn endpoints(tx: &Tx<'_>, account: Option<AccountId>) -> Result<Endpoints, StoreError> {
    let (active, disabled) = tx.one(
        "SELECT coalesce(sum(disabled_at IS NULL), 0), coalesce(sum(disabled_at IS NOT NULL), 0) FROM endpoints
         WHERE deleted_at IS NULL AND (?1 IS NULL OR account_id = ?1)",
        params![account],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )?;
    let waiting = tx.one(
        "SELECT count(*) FROM endpoints n JOIN deliveries d ON d.endpoint_id = n.id AND d.state = 'pending'
         WHERE n.deleted_at IS NULL AND (?1 IS NULL OR n.account_id = ?1)",
        params![account],
        |r| r.get(0),
    )?;
    Ok(Endpoints { active, disabled, waiting })
}

/// The last days, oldest first, with those on which nothing happened.
fn chart(v: &Visit, rows: &[(String, u64, u64)]) -> Vec<Day> {
    let today = v.now.timestamp().to_zoned(v.time_zone.clone()).date();
    (0..DAYS)
        .rev()
        .filter_map(|back| today.checked_sub(jiff::Span::new().days(back)).ok())
        .map(|day| {
            let date = day.to_string();
            let found = rows.iter().find(|(d, ..)| *d == date);
            let (good, bad) = found.map_or((0, 0), |(_, good, bad)| (*good, *bad));
            Day { name: day.day().to_string(), date, good, bad }
        })
        .collect()
}

impl Day {
    /// The height of a part of the bar, of 100.
    const fn height(part: u64, most: u64) -> u64 {
        part * 100 / most
    }

    /// The bar of what was sent: where it begins, from above, and its height.
    const fn good_bar(&self, most: &u64) -> (u64, u64) {
        let height = Self::height(self.good, *most);
        (100 - height, height)
    }

    /// The same of what was not, on top of it.
    const fn bad_bar(&self, most: &u64) -> (u64, u64) {
        let height = Self::height(self.bad, *most);
        (self.good_bar(most).0.saturating_sub(height), height)
    }
}
