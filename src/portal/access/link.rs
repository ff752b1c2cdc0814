//! One-time links: `/login/{token}` and `/password/{token}`.

use super::{welcome, welcome_by_page};
use crate::{
    accounts::AccountError,
    gateway::Gateway,
    portal::{PageContext, PageError, page_error::note},
};
use ::http::StatusCode;
use askama::Template;
use warp::reply::Response;

#[derive(Template)]
#[template(path = "access/password.html", config = "assets/askama.toml")]
struct Password<'a> {
    v: &'a PageContext,
    /// Whose it is.
    email: String,
    problem: String,
}

/// `GET /login/{token}`: the link becomes a session.
pub async fn log_in(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    match gateway.accounts.redeem_login(v.segment(), &v.user_agent, v.address).await {
        Ok(session) => Ok(welcome_by_page(v, &session, "/overview")),
        Err(AccountError::Store(e)) => Err(e.into()),
        Err(_) => Ok(gone(v)),
    }
}

/// `GET /password/{token}`: the form; the link is not used up by looking.
pub async fn show_password(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let Some(email) = gateway.accounts.password_link_email(v.segment()).await? else { return Ok(gone(v)) };
    Ok(v.page(&Password { v, email, problem: String::new() }))
}

/// `POST /password/{token}`.
pub async fn save_password(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let Some(email) = gateway.accounts.password_link_email(v.segment()).await? else { return Ok(gone(v)) };
    let password = v.form.raw("password");
    let again = |problem: String| v.page_with(&Password { v, email, problem }, StatusCode::UNPROCESSABLE_ENTITY);
    if password != v.form.raw("again") {
        return Ok(again(v.t("access.not_the_same").to_owned()));
    }
    let accounts = &gateway.accounts;
    match accounts.redeem_password_link(v.segment(), password, &v.user_agent, v.address).await {
        Ok(session) => Ok(welcome(v, &session, "/overview")),
        Err(AccountError::NotFound(_)) => Ok(gone(v)),
        Err(AccountError::Invalid(_)) => Ok(again(v.t("access.password_rule").to_owned())),
        Err(AccountError::Store(e)) => Err(e.into()),
    }
}

fn gone(v: &PageContext) -> Response {
    note(v, StatusCode::FORBIDDEN, v.t("access.link_gone"), v.t("access.link_gone_text"))
}
