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

/// How many days can be looked at, and how many are where nobody says.
const RANGES: &[usize] = &[7, 14, 30, 90];
const DAYS: usize = 14;
/// The width of the chart's columns together.
const WIDTH: usize = 700;

#[derive(Template)]
#[template(path = "overview.html", config = "assets/askama.toml")]
struct Overview<'a> {
    v: &'a PageContext,
    instances: Vec<Instance>,
    usage: Option<Usage>,
    /// How many days the figures below are of.
    days: usize,
    ranges: &'static [usize],
    /// None: nothing happened in these days.
    chart: Option<Chart>,
    today: Day,
    refusals: Vec<(String, u64)>,
    keys: Vec<KeyUse>,
    endpoints: EndpointCounts,
    checklist: Vec<(&'static str, String, bool)>,
    sample: String,
}

struct Usage {
    day: (u64, u64),
    month: (u64, u64),
    month_ends: Time,
}

/// What happened in the last days.
struct Chart {
    days: Vec<Column>,
    /// The axis: from above, of 100, and the number that stands there.
    ticks: [(u64, u64); 3],
    /// Where the axis' numbers end, where the lines begin and the columns do; from the left.
    axis: [usize; 3],
    /// All messages in it.
    total: u64,
}

/// A day of the chart.
struct Column {
    /// What stands below it; empty where it would touch the next one.
    name: String,
    day: Day,
    /// Where it begins from the left of the columns and how wide its place is, of [`WIDTH`].
    left: usize,
    width: usize,
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

/// `GET /overview?days=`.
pub async fn show(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let (scope, now) = (v.scope()?, v.now);
    let known = v.account_facts();
    let zone = known.map_or_else(|| v.zone.clone(), Account::zone);
    let period = zone.period(now);
    let (day, month) = (period.day.clone(), period.month.clone());
    let days = v.query.parsed("days").filter(|days| RANGES.contains(days)).unwrap_or(DAYS);
    let dates = dates(v, days);
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
    let send = instances.first().map(|i| format!("/instances/{}/manage?tab=send", i.id));
    let checklist = [
        ("overview.step_instance", "/instances".to_owned(), has_open),
        ("overview.step_key", "/api-keys".to_owned(), figures.has_key),
        ("overview.step_send", send.unwrap_or_else(|| "/instances".to_owned()), figures.has_sent),
        ("overview.step_webhook", "/webhooks".to_owned(), figures.endpoints.active > 0),
    ];
    let checklist = if checklist.iter().all(|(.., done)| *done) { Vec::new() } else { checklist.to_vec() };
    let sample = super::messages::sample(v, super::messages::for_sample(&instances).as_ref(), KeyKind::Bearer);
    let last = dates.last().map(ToString::to_string).unwrap_or_default();
    Ok(v.page(&Overview {
        v,
        usage,
        days,
        ranges: RANGES,
        today: figures.days.iter().find(|d| d.day == last).cloned().unwrap_or_default(),
        chart: chart(&dates, figures.days, v.lang.dir() == "rtl"),
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
fn dates(v: &PageContext, days: usize) -> Vec<jiff::civil::Date> {
    let today = v.now.timestamp().to_zoned(v.time_zone.clone()).date();
    let days = i64::try_from(days).unwrap_or_default();
    (0..days).rev().filter_map(|back| today.checked_sub(jiff::Span::new().days(back)).ok()).collect()
}

/// The chart of these days; none where nothing happened in them.
fn chart(dates: &[jiff::civil::Date], days: Vec<Day>, is_mirrored: bool) -> Option<Chart> {
    let total = days.iter().map(Day::all).sum();
    let most = days.iter().map(Day::all).max().filter(|most| *most > 0)?;
    let top = round_up(most);
    // The axis stands where reading begins.
    let axis = if is_mirrored { [744, 0, 0] } else { [36, 40, 40] };
    let ticks = [(0, top), (50, top / 2), (100, 0)];
    Some(Chart { days: columns(dates, days, top, is_mirrored), ticks, axis, total })
}

/// The least of 2, 4, 10, 20, 40, 100 … that is not below a number: its half is a whole number, too.
fn round_up(most: u64) -> u64 {
    let mut unit = 1_u64;
    loop {
        if let Some(top) = [2, 4, 10].into_iter().map(|n| unit.saturating_mul(n)).find(|top| *top >= most) {
            return top;
        }
        unit = unit.saturating_mul(10);
    }
}

/// A column for each day, also for those on which nothing happened; a column of `top` fills the height.
fn columns(dates: &[jiff::civil::Date], days: Vec<Day>, top: u64, is_mirrored: bool) -> Vec<Column> {
    let column = |(at, date): (usize, &jiff::civil::Date)| {
        let text = date.to_string();
        let day = days.iter().find(|d| d.day == text).cloned().unwrap_or(Day { day: text, ..Day::default() });
        let parts = [
            ("read", day.read),
            ("delivered", day.delivered),
            ("sent", day.sent),
            ("failed", day.lost()),
            ("refused", day.refused),
        ];
        let (mut below, mut bars) = (0, Vec::new());
        for (class, n) in parts {
            // From the running sum, so that roundings do not pile up.
            let (from, to) = (below * 100 / top, (below + n) * 100 / top);
            below += n;
            bars.push((class, 100 - to, to - from));
        }
        // The first day stands where reading begins.
        let place = if is_mirrored { dates.len() - 1 - at } else { at };
        let (left, right) = (WIDTH * place / dates.len(), WIDTH * (place + 1) / dates.len());
        // Counted from today, so that today has its name.
        let is_named = (dates.len() - 1 - at).is_multiple_of(dates.len().div_ceil(15));
        let name = if is_named { date.day().to_string() } else { String::new() };
        Column { name, day, left, width: right - left, bars }
    };
    dates.iter().enumerate().map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_round_number_with_a_whole_half() {
        for (most, top) in [(1, 2), (2, 2), (3, 4), (5, 10), (10, 10), (11, 20), (41, 100), (400, 400), (401, 1000)] {
            assert_eq!(round_up(most), top, "{most}");
        }
    }

    #[test]
    fn days_on_which_nothing_happened_have_no_chart() {
        let date = jiff::civil::date(2026, 5, 8);
        assert!(chart(&[date], Vec::new(), false).is_none());
        let busy = Day { day: date.to_string(), sent: 3, ..Day::default() };
        let shown = chart(&[date], vec![busy], false).expect("a chart");
        assert_eq!((shown.total, shown.ticks), (3, [(0, 4), (50, 2), (100, 0)]));
        assert_eq!(shown.days[0].bars.iter().map(|(.., height)| height).sum::<u64>(), 75);
    }

    #[test]
    fn columns_fill_the_width_and_names_have_room() {
        for days in RANGES {
            let dates: Vec<_> = jiff::civil::date(2026, 5, 8).series(jiff::Span::new().days(1)).take(*days).collect();
            for is_mirrored in [false, true] {
                let shown = columns(&dates, Vec::new(), 2, is_mirrored);
                assert_eq!(shown.iter().map(|c| c.width).sum::<usize>(), WIDTH);
                let named: Vec<_> = shown.iter().filter(|c| !c.name.is_empty()).map(|c| c.left).collect();
                assert!(named.windows(2).all(|two| two[0].abs_diff(two[1]) >= 40), "{days}: {named:?}");
                assert!(!shown[days - 1].name.is_empty(), "today has its name");
            }
        }
    }
}
