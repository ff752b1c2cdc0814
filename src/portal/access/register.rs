//! `/register` and `/register/{invitation}`: a new account with its owner, where `portal.registration` lets people.

use super::setup::{Setup, again, entered, first_user};
use crate::{
    gateway::Gateway,
    portal::{PageContext, PageError, page_error::note},
};
use ::http::StatusCode;
use warp::reply::Response;

const WORDS: (&str, &str) = ("access.register", "access.register_text");

/// `GET /register` where anybody may; `GET /register/{invitation}` where an invitation is good.
///
/// # Errors
/// Nobody may register; the database's.
pub async fn show(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    match invitation(gateway, v)? {
        Some(token) if !gateway.accounts.is_invitation(token).await? => Ok(gone(v)),
        _ => Ok(v.page(&Setup::typed(v, WORDS, String::new()))),
    }
}

/// `POST` of the same.
///
/// # Errors
/// Nobody may register; the database's.
pub async fn save(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let token = invitation(gateway, v)?;
    let first = match first_user(v) {
        Ok(first) => first,
        Err(problem) => return Ok(again(v, WORDS, problem)),
    };
    let language = first.language;
    match entered(v, WORDS, language, gateway.accounts.register(token, first, &v.user_agent, v.address).await) {
        Err(PageError::NotFound) => Ok(gone(v)),
        other => other,
    }
}

/// The invitation in the path; none where anybody may register.
fn invitation<'a>(gateway: &Gateway, v: &'a PageContext) -> Result<Option<&'a str>, PageError> {
    match (gateway.registration, v.segments.first()) {
        ("invite" | "open", Some(token)) => Ok(Some(token)),
        ("open", None) => Ok(None),
        _ => Err(PageError::NotFound),
    }
}

fn gone(v: &PageContext) -> Response {
    note(v, StatusCode::FORBIDDEN, v.t("access.link_gone"), v.t("access.invitation_gone"))
}
