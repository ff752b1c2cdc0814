//! `/admin/requests`: accounts that ask for higher limits; granted or denied, and told why.

use super::{end_of_day, id, number};
use crate::{
    accounts::{AccountError, Grant, LimitRequest},
    gateway::Gateway,
    portal::{PageContext, PageError, page_error::see_other},
};
use ::http::StatusCode;
use askama::Template;
use warp::reply::Response;

#[derive(Template)]
#[template(path = "admin/requests.html", config = "assets/askama.toml")]
struct Requests<'a> {
    v: &'a PageContext,
    requests: Vec<LimitRequest>,
    /// The request whose form has something to correct, and what.
    wrong: Option<(i64, String)>,
}

/// `GET /admin/requests`.
pub async fn list(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&page(gateway, v, None).await?))
}

/// `POST /admin/requests/{id}`: `do=grant` with figures and an end, or `do=deny`; either with an answer.
///
/// One that somebody else decided in the meantime is no error: the list is shown.
///
/// # Errors
/// No such word in `do`.
pub async fn decide(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let request: i64 = id(v, 0)?;
    let answer = v.form.text("answer");
    let read = || -> Result<Option<Grant>, String> {
        match v.form.text("do") {
            "grant" => Ok(Some(Grant {
                daily: number(v, "daily")?,
                monthly: number(v, "monthly")?,
                reason: answer.to_owned(),
                until: end_of_day(v, "until")?,
            })),
            _ => Ok(None),
        }
    };
    if !["grant", "deny"].contains(&v.form.text("do")) {
        return Err(PageError::NotFound);
    }
    let problem = match read() {
        Err(problem) => problem,
        Ok(grant) => match gateway.accounts.decide_limit_request(request, grant, answer, v.actor()).await {
            Ok(()) => return Ok(see_other("/admin/requests?done=decided")),
            // By somebody else meanwhile, or sent twice.
            Err(AccountError::NotFound(_)) => return Ok(see_other("/admin/requests?done=decided_already")),
            Err(e) => PageError::from(e).user_message(v)?,
        },
    };
    let page = page(gateway, v, Some((request, problem))).await?;
    Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY))
}

async fn page<'a>(
    gateway: &Gateway,
    v: &'a PageContext,
    wrong: Option<(i64, String)>,
) -> Result<Requests<'a>, PageError> {
    let requests = gateway.accounts.list_limit_requests(v.everybody()?).await?;
    Ok(Requests { v, requests, wrong })
}

impl Requests<'_> {
    fn problem(&self, request: &LimitRequest) -> Option<&str> {
        self.wrong.as_ref().filter(|(id, _)| *id == request.id).map(|(_, text)| text.as_str())
    }

    /// What stands in a field of a request's form: as typed, else as it was asked for.
    fn field(&self, request: &LimitRequest, name: &str) -> String {
        if self.problem(request).is_some() {
            return self.v.form.text(name).to_owned();
        }
        let asked = match name {
            "daily" => request.daily,
            "monthly" => request.monthly,
            _ => None,
        };
        asked.map(|n| n.to_string()).unwrap_or_default()
    }
}
