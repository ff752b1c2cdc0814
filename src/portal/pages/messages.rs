//! `/message-logs`: what was sent and what was refused; each row opens its timeline.
//!
//! Filters stand in the address, so that a view can be kept and sent on; pages go by the last row seen.

use super::new_rows::{self, Fresh};
use crate::{
    accounts::{KeyKind, Scope},
    gateway::Gateway,
    instances::{self, Instance},
    model::{
        clock::Time,
        csv,
        ids::{InstanceId, LogId},
        instance::InstanceState,
        message::Status,
        phone::{Impossible, Phone, PhoneReading},
        purpose::Purpose,
    },
    portal::{PageContext, PageError},
    sending::search::{LogRow, LogSearch, search},
    store::{Store, StoreError},
};
use ::http::{HeaderValue, header};
use askama::Template;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use std::{borrow::Cow, io};
use warp::{Reply, reply::Response};

const ROWS: u32 = 50;

#[derive(Template)]
#[template(path = "messages.html", config = "assets/askama.toml")]
struct Messages<'a> {
    v: &'a PageContext,
    lines: Vec<LogRow>,
    instances: Vec<String>,
    statuses: &'static [Status],
    purposes: Vec<&'static str>,
    is_filtered: bool,
    problem: &'static str,
    next: Option<String>,
    sample: String,
    fresh: Option<Fresh>,
}

/// `GET /message-logs?q=&instance=&status=&purpose=&from=&to=&after=`.
pub async fn list(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let is_live = new_rows::is_wanted(v, &["q", "status", "purpose", "from", "to"]);
    let (wanted, problem) = wanted(v, v.scope()?, gateway.sending.rules().review_score);
    let filter = LogSearch { limit: ROWS + 1, ..wanted };
    let (asked, of, scope) = (filter.clone(), v.query.text("instance").to_owned(), filter.scope);
    let read = gateway.store.read(move |tx| {
        let fresh = is_live.then(|| new_rows::begin(tx, "out", of)).transpose()?;
        Ok::<_, StoreError>((fresh, search(tx, &asked)?, instances::list(tx, scope)?))
    });
    let (fresh, mut lines, instances) = read.await?;
    let more = lines.len() > ROWS as usize;
    lines.truncate(ROWS as usize);
    let next = lines
        .last()
        .filter(|_| more)
        .map(|last| v.query.with("after", &format!("{}-{}", last.created_at.millis(), last.log_id)));
    let named = for_sample(&instances);
    let instances: Vec<String> = instances.into_iter().map(|i| i.id.to_string()).collect();
    let fields = ["q", "instance", "status", "purpose", "from", "to"];
    let page = Messages {
        v,
        lines,
        sample: sample(v, named.as_ref(), KeyKind::Bearer),
        instances,
        statuses: Status::ALL,
        purposes: Purpose::ALL.iter().map(|p| p.as_str()).collect(),
        is_filtered: fields.iter().any(|name| v.query.some(name).is_some()),
        problem,
        next,
        fresh,
    };
    Ok(v.page(&page))
}

const EXPORTED: &[&str] = &[
    "log_id",
    "created_at",
    "instance_id",
    "recipient",
    "purpose",
    "status",
    "reason",
    "reference",
    "message",
    "repeats",
    "template",
];
/// Rows read at once for an export: what is in memory of it, however long it is.
const EXPORT_ROWS: u32 = 500;

/// `GET /message-logs/export.csv` with the filters of the page: all rows that fit, as a file that spreadsheets take for
/// text. It is written while it is read.
///
/// # Errors
/// None; a database that fails midway breaks the download off, so that nobody takes a part for the whole.
pub async fn export(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let (wanted, _) = wanted(v, v.scope()?, gateway.sending.rules().review_score);
    let filter = LogSearch { limit: EXPORT_ROWS, after: None, ..wanted };
    let rows = stream::try_unfold(Some((gateway.store.clone(), filter)), next_rows);
    let heading = stream::once(async { Ok(Bytes::from(csv::heading(EXPORTED))) });
    Ok(download(warp::reply::stream(heading.chain(rows)).into_response(), "messages.csv"))
}

type Left = Option<(Store, LogSearch)>;

async fn next_rows(left: Left) -> io::Result<Option<(Bytes, Left)>> {
    let Some((store, mut filter)) = left else { return Ok(None) };
    // All of it is done where the rows are read: whoever asks for the next ones also answers messages.
    let read = store.read(move |tx| {
        let lines = search(tx, &filter)?;
        let Some(last) = lines.last() else { return Ok(None) };
        filter.after = Some((last.created_at, last.log_id));
        let text: String = lines.iter().map(|line| csv::line(&cells(line))).collect();
        Ok(Some((Bytes::from(text), (lines.len() == EXPORT_ROWS as usize).then_some(filter))))
    });
    let written = read.await.map_err(|e: StoreError| io::Error::other(e.to_string()))?;
    Ok(written.map(|(text, next)| (text, next.map(|filter| (store, filter)))))
}

fn cells(line: &LogRow) -> [Cow<'_, str>; 11] {
    [
        line.log_id.to_string().into(),
        line.created_at.rfc3339().into(),
        line.instance_id.as_str().into(),
        line.recipient.as_str().into(),
        line.purpose.as_str().into(),
        line.status.as_str().into(),
        line.reason.as_deref().unwrap_or_default().into(),
        line.reference.as_deref().unwrap_or_default().into(),
        match &line.template {
            Some(template) => template.shown(&line.body).into(),
            None => line.body.as_str().into(),
        },
        line.repeats.to_string().into(),
        line.template.as_ref().map_or("", |template| &template.name).into(),
    ]
}

/// An answer as a CSV file to be kept.
pub(super) fn download(mut response: Response, name: &str) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// What the address asks for. One search field takes whatever a person has at hand: a phone, a number of the log, an
/// id, a reference; and words, which need a day.
fn wanted(v: &PageContext, scope: Scope, review_score: u8) -> (LogSearch, &'static str) {
    let query = &v.query;
    let mut wanted = LogSearch {
        instance: query.some("instance").map(InstanceId::from_text),
        status: Status::parse(query.text("status")),
        // No status of the contract: sent, and worth a look.
        scored: (query.text("status") == "review").then_some(review_score),
        purpose: query.some("purpose").map(str::to_owned),
        since: query.some("from").and_then(|day| day_start(v, day, 0)),
        until: query.some("to").and_then(|day| day_start(v, day, 1)),
        after: query.some("after").and_then(|mark| {
            let (time, id) = mark.split_once('-')?;
            Some((Time::from_millis(time.parse().ok()?), LogId(id.parse().ok()?)))
        }),
        ..LogSearch::of(scope)
    };
    let mut problem = "";
    if let Some(q) = query.some("q") {
        let digits = crate::portal::typed::digits(q).len();
        let looks_like_a_phone = digits >= 8 && !q.chars().any(char::is_alphabetic);
        if let Some(phone) = looks_like_a_phone.then(|| Phone::parse(q, ANY).ok()).flatten() {
            wanted.recipient = Some(phone.as_str().to_owned());
        } else if q.bytes().all(|b| b.is_ascii_digit()) || q.starts_with("msg_") {
            wanted.id = Some(q.to_owned());
        } else if wanted.since.is_some() {
            wanted.text = Some(q.to_owned());
        } else {
            wanted.reference = Some(q.to_owned());
            problem = "messages.text_needs_a_day";
        }
    }
    (wanted, problem)
}

/// What is looked for may have been taken when such a number still was.
const ANY: PhoneReading = PhoneReading { region: None, impossible: Impossible::Warn };

/// The first moment of a day, or of the one after it, in the account's zone.
pub(in crate::portal) fn day_start(v: &PageContext, day: &str, plus: i64) -> Option<Time> {
    let day: jiff::civil::Date = day.parse().ok()?;
    let day = day.checked_add(jiff::Span::new().days(plus)).ok()?;
    let start = day.to_zoned(v.time_zone.clone()).ok()?;
    Some(Time::from_millis(start.timestamp().as_millisecond()))
}

/// The instance that a sample names: one that can send, if there is one.
pub(super) fn for_sample(instances: &[Instance]) -> Option<String> {
    let can_send = |i: &&Instance| i.state == InstanceState::Open && i.paused_at.is_none();
    instances.iter().find(can_send).or_else(|| instances.first()).map(|i| i.id.to_string())
}

/// What one pastes into a shell to see the first row here; `kind`: of the key that sends it.
pub(super) fn sample(v: &PageContext, instance: Option<&String>, kind: KeyKind) -> String {
    let instance = instance.map_or("INSTANCE_ID", String::as_str);
    if kind == KeyKind::Chattu {
        return format!(
            "curl -X POST {}/api/send-message \\\n  -H 'x-api-key: YOUR_API_KEY' \\\n  -H 'Content-Type: \
             application/json' \\\n  -d '{{\"clientId\":\"{instance}\",\"number\":\"966501234567\",\"message\":\"Your order \
             #2041 has been shipped.\"}}'",
            v.base_url
        );
    }
    format!(
        "curl -X POST {}/api/send-message \\\n  -H 'Authorization: Bearer YOUR_API_KEY' \\\n  -H 'Content-Type: \
         application/json' \\\n  -d '{{\"instance_id\":\"{instance}\",\"phone\":\"+966501234567\",\"message\":\"Your \
         order #2041 has been shipped.\",\"message_purpose\":\"transactional\"}}'",
        v.base_url
    )
}
