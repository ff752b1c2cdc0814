//! `/admin/3cx`: all telephone systems with what became of their requests, and those that were not proven.

use crate::{
    dialects::{AppState, threecx::Monitored},
    portal::{PageContext, PageError},
};
use askama::Template;
use warp::reply::Response;

/// What is no refusal.
const GOOD: &[&str] = &["sent", "accepted", "recorded", "skipped", "ok"];

#[derive(Template)]
#[template(path = "admin/threecx.html", config = "assets/askama.toml")]
struct Watched<'a> {
    v: &'a PageContext,
    all: Vec<Monitored>,
}

/// `GET /admin/3cx`.
pub async fn list(state: &AppState, v: &PageContext) -> Result<Response, PageError> {
    let all = state.threecx.monitor(v.everybody()?).await?;
    Ok(v.page(&Watched { v, all }))
}

/// Whether an outcome is one to look at.
fn is_good(outcome: &str) -> bool {
    GOOD.contains(&outcome)
}
