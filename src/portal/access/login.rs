//! `/login` and `/logout`.

use super::{guesser, next, welcome};
use crate::{
    accounts::{DEVICE_KNOWN_FOR, LoggedIn, LoginError, LoginStep},
    gateway::Gateway,
    portal::{PageContext, PageError, page_error::see_other},
    web::cookie,
};
use ::http::{HeaderValue, StatusCode, header};
use askama::Template;
use warp::reply::Response;

#[derive(Template)]
#[template(path = "access/login.html", config = "assets/askama.toml")]
struct Login<'a> {
    v: &'a PageContext,
    next: String,
    email: &'a str,
    problem: String,
}

#[derive(Template)]
#[template(path = "access/code.html", config = "assets/askama.toml")]
struct CodePage<'a> {
    v: &'a PageContext,
    next: String,
    ticket: &'a str,
    problem: String,
}

/// `GET /login`.
///
/// # Errors
/// None of its own.
pub async fn show(_: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    if v.is_in() {
        return Ok(see_other(&next(v)));
    }
    Ok(v.page(&Login { v, next: next(v), email: "", problem: String::new() }))
}

/// `POST /login`: email and password.
pub async fn save(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let (email, password) = (v.form.text("email"), v.form.raw("password"));
    match gateway.accounts.log_in(email, password, &v.user_agent, guesser(v)).await {
        Ok(LoginStep::In(in_)) => Ok(known(v, &in_, welcome(v, &in_.session, &next(v)))),
        Ok(LoginStep::WantsCode(ticket)) => {
            Ok(v.page(&CodePage { v, next: next(v), ticket: &ticket, problem: String::new() }))
        }
        Err(e) => {
            let (status, problem) = say(v, e)?;
            Ok(refused(v.page_with(&Login { v, next: next(v), email, problem }, status)))
        }
    }
}

/// `POST /login/code`: the code of the second factor.
pub async fn code(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let ticket = v.form.text("ticket");
    match gateway.accounts.log_in_with_code(ticket, v.form.text("code"), &v.user_agent, guesser(v)).await {
        Ok(in_) => Ok(known(v, &in_, welcome(v, &in_.session, &next(v)))),
        Err(LoginError::Wrong) => {
            let problem = v.t("access.code_wrong").to_owned();
            Ok(v.page_with(&CodePage { v, next: next(v), ticket, problem }, StatusCode::UNPROCESSABLE_ENTITY))
        }
        Err(e) => {
            let (status, problem) = say(v, e)?;
            Ok(refused(v.page_with(&CodePage { v, next: next(v), ticket, problem }, status)))
        }
    }
}

/// `POST /logout`.
///
/// # Errors
/// The database's: then the session is still in force.
pub async fn log_out(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    if let Some(token) = &v.token {
        gateway.accounts.log_out(token).await?;
    }
    let mut response = see_other("/login");
    cookie::clear_session(&mut response, v.is_https);
    Ok(response)
}

/// The browser keeps that this person has logged in here.
fn known(v: &PageContext, in_: &LoggedIn, mut response: Response) -> Response {
    cookie::set_device(&mut response, &in_.device, DEVICE_KNOWN_FOR, v.is_https);
    response
}

pub(super) fn say(v: &PageContext, e: LoginError) -> Result<(StatusCode, String), PageError> {
    Ok(match e {
        LoginError::Wrong => (StatusCode::UNPROCESSABLE_ENTITY, v.t("access.wrong").to_owned()),
        LoginError::Wait(wait) => {
            let problem = format!("{} {}", v.count("access.wait", wait.as_secs().max(1)), v.t("access.wait_way_in"));
            (StatusCode::TOO_MANY_REQUESTS, problem)
        }
        LoginError::Password(_) => (StatusCode::SERVICE_UNAVAILABLE, v.t("access.busy").to_owned()),
        LoginError::Store(e) => return Err(e.into()),
    })
}

pub(super) fn refused(mut response: Response) -> Response {
    if response.status() == StatusCode::TOO_MANY_REQUESTS || response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
    }
    response
}
