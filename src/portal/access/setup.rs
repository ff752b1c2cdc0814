//! `/setup/{token}`: the first person, their business, its zone and language.

use super::welcome;
use crate::{
    accounts::{AccountError, FirstUser},
    gateway::Gateway,
    model::plan::Zone,
    portal::{Trouble, Visit, cookie, locale::Lang, trouble::note},
};
use ::http::StatusCode;
use askama::Template;
use warp::reply::Response;

#[derive(Template)]
#[template(path = "access/setup.html", config = "assets/askama.toml")]
pub(super) struct Setup<'a> {
    pub v: &'a Visit,
    pub title: &'a str,
    pub text: &'a str,
    pub email: &'a str,
    pub business: &'a str,
    pub timezone: &'a str,
    pub problem: String,
}

impl<'a> Setup<'a> {
    /// As it was typed; before anything was, empty.
    pub fn typed(v: &'a Visit, (title, text): (&'static str, &'static str), problem: String) -> Self {
        let timezone = v.form.some("timezone").unwrap_or("UTC");
        let (email, business) = (v.form.text("email"), v.form.text("business"));
        Self { v, title: v.t(title), text: v.t(text), email, business, timezone, problem }
    }
}

const WORDS: (&str, &str) = ("access.setup", "access.setup_text");

/// `GET /setup/{token}`.
///
/// # Errors
/// The database's.
pub async fn show(gateway: &Gateway, v: &Visit) -> Result<Response, Trouble> {
    if !gateway.accounts.is_setup_link(v.segment()).await? {
        return Ok(gone(v));
    }
    Ok(v.page(&Setup::typed(v, WORDS, String::new())))
}

/// `POST /setup/{token}`.
///
/// # Errors
/// The database's.
pub async fn save(gateway: &Gateway, v: &Visit) -> Result<Response, Trouble> {
    let (email, business, timezone) = (v.form.text("email"), v.form.text("business"), v.form.text("timezone"));
    let again = |problem: String| v.page_with(&Setup::typed(v, WORDS, problem), StatusCode::UNPROCESSABLE_ENTITY);
    if v.form.raw("password") != v.form.raw("again") {
        return Ok(again(v.t("access.not_the_same").to_owned()));
    }
    if business.is_empty() {
        return Ok(again(v.t("access.business_missing").to_owned()));
    }
    if Zone::parse(timezone).is_err() {
        return Ok(again(v.t("access.timezone_unknown").to_owned()));
    }
    let language = Lang::parse(v.form.text("language")).unwrap_or(v.lang);
    let first = FirstUser {
        email: email.to_owned(),
        password: v.form.raw("password").to_owned(),
        business: business.to_owned(),
        timezone: timezone.to_owned(),
        language: language.as_str(),
    };
    match gateway.accounts.set_up(v.segment(), first, &v.user_agent, v.address).await {
        Ok((_, session)) => {
            let mut response = welcome(v, &session, "/overview");
            cookie::set(&mut response, cookie::LANGUAGE, language.as_str());
            Ok(response)
        }
        Err(AccountError::NotFound(_)) => Ok(gone(v)),
        Err(AccountError::Invalid(why)) => Ok(again(v.why(&why))),
        Err(AccountError::Store(e)) => Err(e.into()),
    }
}

fn gone(v: &Visit) -> Response {
    note(v, StatusCode::FORBIDDEN, v.t("access.link_gone"), v.t("access.setup_gone_text"))
}
