//! `/admin/audit`: who changed what, how it was and how it is. Filters stand in the address; pages go by the last row.

use crate::{
    accounts::{
        Scope,
        audit::{AuditRow, AuditSearch, search},
    },
    gateway::Gateway,
    portal::{PageContext, PageError, pages::messages::day_start},
};
use askama::Template;
use warp::reply::Response;

const ROWS: u32 = 50;

#[derive(Template)]
#[template(path = "admin/audit.html", config = "assets/askama.toml")]
struct Audit<'a> {
    v: &'a PageContext,
    rows: Vec<AuditRow>,
    is_filtered: bool,
    next: Option<String>,
}

/// `GET /admin/audit?actor=&action=&target=&account=&from=&to=&after=`.
pub async fn list(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let text = |name: &str| v.query.some(name).map(str::to_owned);
    let wanted = AuditSearch {
        scope: v.query.parsed("account").map_or(v.everybody()?, Scope::Account),
        actor: text("actor"),
        action: text("action"),
        target: text("target"),
        since: v.query.some("from").and_then(|day| day_start(v, day, 0)),
        until: v.query.some("to").and_then(|day| day_start(v, day, 1)),
        after: v.query.parsed("after"),
        limit: ROWS + 1,
    };
    let mut rows = gateway.store.read(move |tx| search(tx, &wanted)).await?;
    let more = rows.len() > ROWS as usize;
    rows.truncate(ROWS as usize);
    let next = rows.last().filter(|_| more).map(|last| v.query.with("after", &last.id.to_string()));
    let fields = ["actor", "action", "target", "account", "from", "to", "after"];
    let is_filtered = fields.iter().any(|name| v.query.some(name).is_some());
    Ok(v.page(&Audit { v, rows, is_filtered, next }))
}
