//! `/inbound-logs`: what was heard, newest first.

use super::new_rows::{self, Fresh};
use crate::{
    gateway::Gateway,
    instances,
    people::chats::{self, InboxFilter, InboxRow},
    portal::{PageContext, PageError},
    store::StoreError,
};
use askama::Template;
use warp::reply::Response;

const ROWS: usize = 50;

#[derive(Template)]
#[template(path = "inbox.html", config = "assets/askama.toml")]
struct Inbox<'a> {
    v: &'a PageContext,
    rows: Vec<InboxRow>,
    instances: Vec<String>,
    next: Option<String>,
    is_filtered: bool,
    fresh: Option<Fresh>,
}

/// `GET /inbound-logs?instance=&q=&after=`.
pub async fn list(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let (is_live, of) = (new_rows::is_wanted(v, &["q"]), v.query.text("instance").to_owned());
    let scope = v.scope()?;
    let phone = v.query.some("q").map(|q| format!("+{}", crate::portal::typed::digits(q)));
    let wanted = InboxFilter {
        scope,
        instance: v.query.some("instance").map(str::to_owned),
        phone,
        before: v.query.parsed::<i64>("after").unwrap_or(i64::MAX),
        limit: ROWS + 1,
    };
    let is_filtered = wanted.instance.is_some() || wanted.phone.is_some();
    let read = gateway.store.read(move |tx| {
        let fresh = is_live.then(|| new_rows::begin(tx, "in", of)).transpose()?;
        Ok::<_, StoreError>((fresh, chats::inbox(tx, &wanted)?, instances::list(tx, scope)?))
    });
    let (fresh, mut rows, instances) = read.await?;
    let more = rows.len() > ROWS;
    rows.truncate(ROWS);
    let next = rows.last().filter(|_| more).map(|last| v.query.with("after", &last.id.to_string()));
    let instances = instances.into_iter().map(|i| i.id.to_string()).collect();
    Ok(v.page(&Inbox { v, rows, instances, next, is_filtered, fresh }))
}
