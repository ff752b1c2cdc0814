//! `/message-logs`: what was sent and what was refused; each row opens its timeline.
//!
//! Filters stand in the address, so that a view can be kept and sent on; pages go by the last row seen.

use super::fresh::{self, Fresh};
use crate::{
    gateway::Gateway,
    model::{
        clock::Time,
        ids::{InstanceId, LogId},
        message::Status,
        phone::Phone,
        purpose::Purpose,
    },
    portal::{Trouble, Visit},
    sending::search::{Line, Search, search},
};
use askama::Template;
use warp::reply::Response;

const ROWS: u32 = 50;

#[derive(Template)]
#[template(path = "messages.html", config = "assets/askama.toml")]
struct Messages<'a> {
    v: &'a Visit,
    lines: Vec<Line>,
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
///
/// # Errors
/// The database's.
pub async fn list(gateway: &Gateway, v: &Visit) -> Result<Response, Trouble> {
    let fresh = fresh::begin(gateway, v, "out", &["q", "status", "purpose", "from", "to"]).await?;
    let (wanted, problem) = wanted(v);
    let filter = Search { limit: ROWS + 1, ..wanted };
    let asked = filter.clone();
    let mut lines = gateway.store.read(move |tx| search(tx, &asked)).await?;
    let more = lines.len() > ROWS as usize;
    lines.truncate(ROWS as usize);
    let next = lines
        .last()
        .filter(|_| more)
        .map(|last| v.query.with("after", &format!("{}-{}", last.created_at.millis(), last.log_id)));
    let instances = gateway.instances.list(v.scope()).await?;
    let instances: Vec<String> = instances.into_iter().map(|i| i.id.to_string()).collect();
    let fields = ["q", "instance", "status", "purpose", "from", "to"];
    let page = Messages {
        v,
        lines,
        sample: sample(v, instances.first()),
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

/// What the address asks for. One search field takes whatever a person has at hand: a phone, a number of the log, an
/// id, a reference; and words, which need a day.
fn wanted(v: &Visit) -> (Search, &'static str) {
    let query = &v.query;
    let mut wanted = Search {
        account: v.scope(),
        instance: query.some("instance").map(InstanceId::from_text),
        status: Status::parse(query.text("status")),
        purpose: query.some("purpose").map(str::to_owned),
        since: query.some("from").and_then(|day| day_start(v, day, 0)),
        until: query.some("to").and_then(|day| day_start(v, day, 1)),
        after: query.some("after").and_then(|mark| {
            let (time, id) = mark.split_once('-')?;
            Some((Time::from_millis(time.parse().ok()?), LogId(id.parse().ok()?)))
        }),
        ..Search::default()
    };
    let mut problem = "";
    if let Some(q) = query.some("q") {
        let digits = q.chars().filter(char::is_ascii_digit).count();
        let looks_like_a_phone = digits >= 8 && !q.chars().any(char::is_alphabetic);
        if let Some(phone) = looks_like_a_phone.then(|| Phone::parse(q, None).ok()).flatten() {
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

/// The first moment of a day, or of the one after it, in the account's zone.
pub(super) fn day_start(v: &Visit, day: &str, plus: i64) -> Option<Time> {
    let day: jiff::civil::Date = day.parse().ok()?;
    let day = day.checked_add(jiff::Span::new().days(plus)).ok()?;
    let start = day.to_zoned(v.time_zone.clone()).ok()?;
    Some(Time::from_millis(start.timestamp().as_millisecond()))
}

/// What one pastes into a shell to see the first row here.
pub(super) fn sample(v: &Visit, instance: Option<&String>) -> String {
    let instance = instance.map_or("INSTANCE_ID", String::as_str);
    format!(
        "curl -X POST {}/api/send-message \\\n  -H 'Authorization: Bearer YOUR_API_KEY' \\\n  -H 'Content-Type: \
         application/json' \\\n  -d '{{\"instance_id\":\"{instance}\",\"phone\":\"+966501234567\",\"message\":\"Your \
         order #2041 has been shipped.\",\"message_purpose\":\"transactional\"}}'",
        v.base_url
    )
}
