//! `/overview`: is my number connected, what went out today, what was refused, and is everything told to my programs?

use crate::{
    accounts::{
        self, Account, KeyKind, Scope,
        usage::{self, UsedMessages},
    },
    events::webhooks::{self, EndpointCounts},
    gateway::Gateway,
    instances::{self, Instance},
    model::clock::Time,
    portal::{PageContext, PageError},
    sending::counts::{self, Day, KeyUse},
    store::{StoreError, Tx},
};
use askama::Template;
use warp::reply::Response;

const DAYS: i64 = 14;

#[derive(Template)]
#[template(path = "overview.html", config = "assets/askama.toml")]
struct Overview<'a> {
    v: &'a PageContext,
    instances: Vec<Instance>,
    usage: Option<Usage>,
    days: Vec<Column>,
    refusals: Vec<(String, u64)>,
    keys: Vec<KeyUse>,
    endpoints: EndpointCounts,
    checklist: Vec<(&'static str, &'static str, bool)>,
    sample: String,
}

struct Usage {
    day: (u64, u64),
    month: (u64, u64),
    month_ends: Time,
}

/// A day of the chart.
struct Column {
    name: String,
    day: Day,
    /// Where it begins from the left, of 700.
    left: usize,
    /// Class, where it begins from above, height; of 100.
    bars: Vec<(&'static str, u64, u64)>,
}

/// What one reading of the database brings.
struct OverviewFigures {
    used: UsedMessages,
    days: Vec<Day>,
    refusals: Vec<(String, u64)>,
    keys: Vec<KeyUse>,
    endpoints: EndpointCounts,
    has_key: bool,
    has_sent: bool,
}

/// `GET /overview`.
pub async fn show(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let (scope, now) = (v.scope()?, v.now);
    let known = v.account_facts();
    let zone = known.map_or_else(|| v.zone.clone(), Account::zone);
    let period = zone.period(now);
    let (day, month) = (period.day.clone(), period.month.clone());
    let dates = dates(v);
    let since = dates.first().map(ToString::to_string).unwrap_or_default();
    let read = gateway
        .store
        .read(move |tx| Ok::<_, StoreError>((figures(tx, scope, &day, &month, &since)?, instances::list(tx, scope)?)));
    let (figures, instances) = read.await?;
    let usage = known.and_then(|a| {
        let (daily, monthly) = (a.daily_limit?, a.monthly_limit?);
        let (day, month) = ((figures.used.day, daily), (figures.used.month, monthly));
        Some(Usage { day, month, month_ends: period.month_ends })
    });
    let has_open = instances.iter().any(|i| i.state == crate::model::instance::InstanceState::Open);
    let checklist = [
        ("overview.step_instance", "/instances", has_open),
        ("overview.step_key", "/api-keys", figures.has_key),
        ("overview.step_send", "/docs/quickstart", figures.has_sent),
        ("overview.step_webhook", "/webhooks", figures.endpoints.active > 0),
    ];
    let checklist = if checklist.iter().all(|(.., done)| *done) { Vec::new() } else { checklist.to_vec() };
    let sample = super::messages::sample(v, instances.first().map(|i| i.id.to_string()).as_ref(), KeyKind::Bearer);
    Ok(v.page(&Overview {
        v,
        usage,
        days: columns(&dates, figures.days, v.lang.dir() == "rtl"),
        refusals: figures.refusals,
        keys: figures.keys,
        endpoints: figures.endpoints,
        checklist,
        instances,
        sample,
    }))
}

/// Every figure is of a small table or of one that is kept for it: nothing here reads the log.
fn figures(tx: &Tx<'_>, scope: Scope, day: &str, month: &str, since: &str) -> Result<OverviewFigures, StoreError> {
    Ok(OverviewFigures {
        used: usage::total(tx, scope, day, month)?,
        days: counts::days(tx, scope, since)?,
        refusals: counts::refusals(tx, scope, since)?,
        keys: counts::keys(tx, scope, since)?,
        endpoints: webhooks::count_endpoints(tx, scope)?,
        has_key: accounts::has_key(tx, scope)?,
        has_sent: counts::has_sent(tx, scope)?,
    })
}

/// The days of the chart, oldest first.
fn dates(v: &PageContext) -> Vec<jiff::civil::Date> {
    let today = v.now.timestamp().to_zoned(v.time_zone.clone()).date();
    (0..DAYS).rev().filter_map(|back| today.checked_sub(jiff::Span::new().days(back)).ok()).collect()
}

/// A column for each day, also for those on which nothing happened.
fn columns(dates: &[jiff::civil::Date], days: Vec<Day>, is_mirrored: bool) -> Vec<Column> {
    let most = days.iter().map(Day::all).max().unwrap_or(0).max(1);
    let column = |(at, date): (usize, &jiff::civil::Date)| {
        let text = date.to_string();
        let day = days.iter().find(|d| d.day == text).cloned().unwrap_or(Day { day: text, ..Day::default() });
        let parts = [
            ("read", day.read),
            ("delivered", day.delivered),
            ("sent", day.sent),
            ("failed", day.failed),
            ("refused", day.refused),
        ];
        let (mut below, mut bars) = (0, Vec::new());
        for (class, n) in parts {
            // From the running sum, so that roundings do not pile up.
            let (from, to) = (below * 100 / most, (below + n) * 100 / most);
            below += n;
            bars.push((class, 100 - to, to - from));
        }
        // The first day stands where reading begins.
        let left = 50 * if is_mirrored { dates.len() - 1 - at } else { at };
        Column { name: date.day().to_string(), day, left, bars }
    };
    dates.iter().enumerate().map(column).collect()
}
