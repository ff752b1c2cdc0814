//! `/admin/reviews`: numbers that wait for a person, with why and by which messages; resumed or kept paused, with a note.

use super::id;
use crate::{
    gateway::Gateway,
    instances::InstanceError,
    model::{ids::InstanceId, short_text},
    portal::{PageContext, PageError, page_error::see_other},
    sending::{
        review::{self, Closed, Review},
        search::{LogRow, LogSearch, search},
    },
    store::StoreError,
};
use ::http::StatusCode;
use askama::Template;
use warp::reply::Response;

/// How many sent messages are listed that are worth a look.
const LISTED: u32 = 20;

#[derive(Template)]
#[template(path = "admin/reviews.html", config = "assets/askama.toml")]
struct Reviews<'a> {
    v: &'a PageContext,
    open: Vec<Review>,
    closed: Vec<Closed>,
    listed: Vec<LogRow>,
    /// The review whose form has something to correct, and what.
    wrong: Option<(i64, String)>,
}

/// `GET /admin/reviews`.
pub async fn list(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&page(gateway, v, None).await?))
}

/// `POST /admin/reviews/{id}`: `do=resume` or `do=keep`, with a note.
///
/// One that somebody else decided in the meantime, or that was sent twice, is no error: the list is shown.
///
/// # Errors
/// No such word in `do`.
pub async fn decide(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let review: i64 = id(v, 0)?;
    let scope = v.everybody()?;
    let open = gateway.store.read(move |tx| review::list(tx, scope)).await?;
    let Some(instance) = open.into_iter().find(|r| r.id == review).map(|r| r.instance) else {
        return Ok(see_other("/admin/reviews?done=decided_already"));
    };
    let note = match short_text::reason(v.form.text("note")).map_err(|why| v.why(&why)) {
        Ok(note) if !note.is_empty() => note,
        wrong => {
            let problem = wrong.err().unwrap_or_else(|| v.t("reviews.note_missing").to_owned());
            let page = page(gateway, v, Some((review, problem))).await?;
            return Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY));
        }
    };
    match v.form.text("do") {
        "resume" => resume(gateway, v, &instance, &note).await,
        "keep" => {
            let (now, actor) = (v.now, v.actor().to_owned());
            let kept = gateway.store.write(move |tx| review::keep(tx, review, &note, now, &actor)).await?;
            let done = if kept { "kept_paused" } else { "decided_already" };
            Ok(see_other(&format!("/admin/reviews?done={done}")))
        }
        _ => Err(PageError::NotFound),
    }
}

async fn resume(gateway: &Gateway, v: &PageContext, instance: &InstanceId, note: &str) -> Result<Response, PageError> {
    gateway.instances.resume(instance, note, v.actor()).await.map_err(|e: InstanceError| PageError::from(e))?;
    gateway.sending.forgive(instance);
    Ok(see_other("/admin/reviews?done=resumed"))
}

async fn page<'a>(
    gateway: &Gateway,
    v: &'a PageContext,
    wrong: Option<(i64, String)>,
) -> Result<Reviews<'a>, PageError> {
    let scope = v.everybody()?;
    let scored = Some(gateway.sending.rules().review_score);
    let near = LogSearch { scored, limit: LISTED, ..LogSearch::of(scope) };
    let (open, closed, listed) = gateway
        .store
        .read(move |tx| Ok::<_, StoreError>((review::list(tx, scope)?, review::list_closed(tx)?, search(tx, &near)?)))
        .await?;
    Ok(Reviews { v, open, closed, listed, wrong })
}

impl Reviews<'_> {
    /// What is wrong with the form of this review, and what was typed into it.
    fn problem(&self, review: &i64) -> Option<(&str, &str)> {
        self.wrong.as_ref().filter(|(id, _)| id == review).map(|(_, text)| (text.as_str(), self.v.form.text("note")))
    }
}
