//! `/setup/{token}`: the first person, their business, its zone and language.

use super::welcome;
use crate::{
    accounts::{AccountError, FirstUser, OneTimeLink},
    gateway::Gateway,
    model::plan::Zone,
    portal::{PageContext, PageError, page_error::note},
    texts::locale::Lang,
    web::cookie,
};
use ::http::StatusCode;
use askama::Template;
use warp::reply::Response;

#[derive(Template)]
#[template(path = "access/setup.html", config = "assets/askama.toml")]
pub(super) struct Setup<'a> {
    pub v: &'a PageContext,
    pub title: &'a str,
    pub text: &'a str,
    pub email: &'a str,
    pub business: &'a str,
    pub timezone: &'a str,
    pub language: Lang,
    pub problem: String,
}

impl<'a> Setup<'a> {
    /// As it was typed; before anything was, empty.
    pub fn typed(v: &'a PageContext, (title, text): (&'static str, &'static str), problem: String) -> Self {
        let timezone = v.form.some("timezone").unwrap_or("UTC");
        let (email, business) = (v.form.text("email"), v.form.text("business"));
        let language = Lang::parse(v.form.text("language")).unwrap_or(v.lang);
        Self { v, title: v.t(title), text: v.t(text), email, business, timezone, language, problem }
    }
}

const WORDS: (&str, &str) = ("access.setup", "access.setup_text");

/// `GET /setup/{token}`.
pub async fn show(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    if !gateway.accounts.is_setup_link(v.segment()).await? {
        return Ok(gone(v));
    }
    Ok(v.page(&Setup::typed(v, WORDS, String::new())))
}

/// `POST /setup/{token}`.
pub async fn save(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let first = match first_user(v) {
        Ok(first) => first,
        Err(problem) => return Ok(again(v, WORDS, problem)),
    };
    let language = first.language;
    let done = gateway.accounts.set_up(v.segment(), first, &v.user_agent, v.address).await;
    match entered(v, WORDS, language, done.map(|(_, session)| session)) {
        Err(PageError::NotFound) => Ok(gone(v)),
        other => other,
    }
}

/// Whoever typed themselves and their account in, or what is wrong with that.
pub(super) fn first_user(v: &PageContext) -> Result<FirstUser, String> {
    if v.form.raw("password") != v.form.raw("again") {
        return Err(v.t("access.not_the_same").to_owned());
    }
    if v.form.text("business").is_empty() {
        return Err(v.t("access.business_missing").to_owned());
    }
    if Zone::parse(v.form.text("timezone")).is_err() {
        return Err(v.t("access.timezone_unknown").to_owned());
    }
    Ok(FirstUser {
        email: v.form.text("email").to_owned(),
        password: v.form.raw("password").to_owned(),
        business: v.form.text("business").to_owned(),
        timezone: v.form.text("timezone").to_owned(),
        language: Lang::parse(v.form.text("language")).unwrap_or(v.lang).as_str(),
    })
}

/// The form again, as it was typed, with what is wrong.
pub(super) fn again(v: &PageContext, words: (&'static str, &'static str), problem: String) -> Response {
    v.page_with(&Setup::typed(v, words, problem), StatusCode::UNPROCESSABLE_ENTITY)
}

/// Lets in who was just made.
///
/// # Errors
/// [`PageError::NotFound`] for a link that is not good any more; the database's.
pub(super) fn entered(
    v: &PageContext,
    words: (&'static str, &'static str),
    language: &str,
    done: Result<OneTimeLink, AccountError>,
) -> Result<Response, PageError> {
    match done {
        Ok(session) => {
            let mut response = welcome(v, &session, "/overview");
            cookie::set(&mut response, cookie::LANGUAGE, language);
            Ok(response)
        }
        Err(AccountError::NotFound(_)) => Err(PageError::NotFound),
        Err(AccountError::Invalid(why)) => Ok(again(v, words, v.why(&why))),
        Err(AccountError::Store(e)) => Err(e.into()),
    }
}

fn gone(v: &PageContext) -> Response {
    note(v, StatusCode::FORBIDDEN, v.t("access.link_gone"), v.t("access.setup_gone_text"))
}
