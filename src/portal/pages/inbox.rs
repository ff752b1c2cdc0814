//! `/inbound-logs`: what was heard, newest first.

use super::new_rows::{self, Fresh};
use crate::{
    accounts::Scope,
    gateway::Gateway,
    instances,
    model::clock::Time,
    portal::{PageContext, PageError},
    store::{StoreError, Tx},
};
use askama::Template;
use rusqlite::params;
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

/// One inbound message.
struct InboxRow {
    id: i64,
    at: Time,
    instance: String,
    phone: Option<String>,
    name: Option<String>,
    contact: Option<i64>,
    group: Option<String>,
    kind: String,
    body: String,
}

/// `GET /inbound-logs?instance=&q=&after=`.
pub async fn list(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let (is_live, of) = (new_rows::is_wanted(v, &["q"]), v.query.text("instance").to_owned());
    let (scope, instance) = (v.scope()?, v.query.some("instance").map(str::to_owned));
    let phone = v.query.some("q").map(|q| format!("+{}", q.chars().filter(char::is_ascii_digit).collect::<String>()));
    let before = v.query.parsed::<i64>("after").unwrap_or(i64::MAX);
    let is_filtered = instance.is_some() || phone.is_some();
    let read = gateway.store.read(move |tx| {
        let fresh = is_live.then(|| new_rows::begin(tx, "in", of)).transpose()?;
        let rows = find(tx, scope, instance.as_deref(), phone.as_deref(), before)?;
        Ok::<_, StoreError>((fresh, rows, instances::list(tx, scope)?))
    });
    let (fresh, mut rows, instances) = read.await?;
    let more = rows.len() > ROWS;
    rows.truncate(ROWS);
    let next = rows.last().filter(|_| more).map(|last| v.query.with("after", &last.id.to_string()));
    let instances = instances.into_iter().map(|i| i.id.to_string()).collect();
    Ok(v.page(&Inbox { v, rows, instances, next, is_filtered, fresh }))
}

fn find(
    tx: &Tx<'_>,
    scope: Scope,
    instance: Option<&str>,
    phone: Option<&str>,
    before: i64,
) -> Result<Vec<InboxRow>, StoreError> {
    tx.list(
        "SELECT m.id, m.created_at, m.instance_id,
                (SELECT i.value FROM contact_identities i WHERE i.contact_id = m.contact_id AND i.kind = 'phone' ORDER BY i.is_variant LIMIT 1),
                c.name, m.contact_id, g.name, m.kind, m.body
         FROM inbound_messages m LEFT JOIN contacts c ON c.id = m.contact_id
              LEFT JOIN groups g ON g.instance_id = m.instance_id AND g.group_id = m.group_id
         WHERE (?1 IS NULL OR m.account_id = ?1) AND (?2 IS NULL OR m.instance_id = ?2) AND m.id < ?4
           AND (?3 IS NULL OR m.contact_id IN (SELECT contact_id FROM contact_identities WHERE kind = 'phone' AND value = ?3))
         ORDER BY m.id DESC LIMIT ?5",
        params![scope, instance, phone, before, ROWS + 1],
        |r| {
            Ok(InboxRow {
                id: r.get(0)?,
                at: r.get(1)?,
                instance: r.get(2)?,
                phone: r.get(3)?,
                name: r.get(4)?,
                contact: r.get(5)?,
                group: r.get(6)?,
                kind: r.get(7)?,
                body: r.get(8)?,
            })
        },
    )
}
