//! `/register` and `/register/{invitation}`: a new account with its owner, where `portal.registration` lets people.

use super::{setup::Setup, welcome};
use crate::{
    accounts::{AccountError, FirstUser},
    gateway::Gateway,
    model::plan::Zone,
    portal::{Trouble, Visit, cookie, locale::Lang, trouble::note},
};
use ::http::StatusCode;
use warp::reply::Response;

const WORDS: (&str, &str) = ("access.register", "access.register_text");

/// `GET /register` where anybody may; `GET /register/{invitation}` where an invitation is good.
///
/// # Errors
/// Nobody may register; the database's.
pub async fn show(gateway: &Gateway, v: &Visit) -> Result<Response, Trouble> {
    match invitation(gateway, v)? {
        Some(token) if !gateway.accounts.is_invitation(token).await? => Ok(gone(v)),
        _ => Ok(v.page(&Setup::typed(v, WORDS, String::new()))),
    }
}

/// `POST` of the same.
///
/// # Errors
/// Nobody may register; the database's.
pub async fn save(gateway: &Gateway, v: &Visit) -> Result<Response, Trouble> {
    let token = invitation(gateway, v)?;
    let again = |problem: String| v.page_with(&Setup::typed(v, WORDS, problem), StatusCode::UNPROCESSABLE_ENTITY);
    if v.form.raw("password") != v.form.raw("again") {
        return Ok(again(v.t("access.not_the_same").to_owned()));
    }
    if v.form.text("business").is_empty() {
        return Ok(again(v.t("access.business_missing").to_owned()));
    }
    if Zone::parse(v.form.text("timezone")).is_err() {
        return Ok(again(v.t("access.timezone_unknown").to_owned()));
    }
    let language = Lang::parse(v.form.text("language")).unwrap_or(v.lang);
    let first = FirstUser {
        email: v.form.text("email").to_owned(),
        password: v.form.raw("password").to_owned(),
        business: v.form.text("business").to_owned(),
        timezone: v.form.text("timezone").to_owned(),
        language: language.as_str(),
    };
    match gateway.accounts.register(token, first, &v.user_agent, v.address).await {
        Ok(session) => {
            let mut response = welcome(v, &session, "/overview");
            cookie::set(&mut response, cookie::LANGUAGE, language.as_str());
            Ok(response)
        }
        Err(AccountError::NotFound(_)) => Ok(gone(v)),
        Err(AccountError::Invalid(why)) => Ok(again(v.why(&why))),
        Err(AccountError::Store(e)) => Err(e.into()),
    }
}

/// The invitation in the path; none where anybody may register.
fn invitation<'a>(gateway: &Gateway, v: &'a Visit) -> Result<Option<&'a str>, Trouble> {
    match (gateway.registration, v.segments.first()) {
        ("invite" | "open", Some(token)) => Ok(Some(token)),
        ("open", None) => Ok(None),
        _ => Err(Trouble::NotFound),
    }
}

fn gone(v: &Visit) -> Response {
    note(v, StatusCode::FORBIDDEN, v.t("access.link_gone"), v.t("access.invitation_gone"))
}
