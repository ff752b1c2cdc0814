//! `/notices`: what needed a hand, open and over; marked as seen, put away.

use crate::texts::notices::{Words, words};
use crate::{
    accounts::notices::{self, Notice, NoticeScope},
    gateway::Gateway,
    portal::{PageContext, PageError, notice, page_error::see_other},
};
use askama::Template;
use warp::reply::Response;

#[derive(Template)]
#[template(path = "notices.html", config = "assets/askama.toml")]
struct NoticesPage<'a> {
    v: &'a PageContext,
    rows: Vec<NoticeRow>,
    all: bool,
    is_sent: bool,
}

struct NoticeRow {
    n: Notice,
    words: Words,
    link: &'static str,
    tone: &'static str,
    account: Option<String>,
}

/// `GET /notices?all=`.
pub async fn list(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let (scope, all) = (scope(v)?, v.query.is_on("all"));
    let rows = gateway.store.read(move |tx| notices::list(tx, scope, all)).await?;
    let name = |n: &Notice| v.accounts.iter().find(|(id, _)| Some(*id) == n.account_id).map(|(_, name)| name.clone());
    let row = |n: Notice| NoticeRow {
        words: words(&v.locale, &n),
        link: notice::link(&n, v.is_admin()),
        tone: notice::tone(&n),
        account: name(&n).filter(|_| n.account_id.is_none_or(|id| !v.is_chosen(&id))),
        n,
    };
    let rows = rows.into_iter().map(row).collect();
    Ok(v.page(&NoticesPage { v, rows, all, is_sent: gateway.digests.is_on() }))
}

/// `POST /notices/{id}`: `seen` or `dismiss`.
///
/// # Errors
/// No such notice, or another account's.
pub async fn change(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let id: i64 = v.segment().parse().map_err(|_| PageError::NotFound)?;
    let (scope, now) = (scope(v)?, v.now);
    let (is_there, done) = match v.form.text("do") {
        "seen" => (gateway.store.write(move |tx| notices::mark_seen(tx, scope, id, now)).await?, "settled"),
        "dismiss" => (gateway.store.write(move |tx| notices::dismiss(tx, scope, id, now)).await?, "dismissed"),
        _ => return Err(PageError::NotFound),
    };
    if is_there { Ok(see_other(&format!("/notices?done={done}"))) } else { Err(PageError::NotFound) }
}

/// What they may see: an owner theirs, an admin also the appliance's.
fn scope(v: &PageContext) -> Result<NoticeScope, PageError> {
    Ok(NoticeScope { scope: v.scope()?, with_appliance: v.is_admin() })
}
