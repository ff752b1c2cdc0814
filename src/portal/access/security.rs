//! `/security`: one's own password, second factor and sessions.

use super::login::{refused, say};
use crate::{
    accounts::{LoginError, OwnSecurity, PasswordError, totp},
    gateway::Gateway,
    model::qr,
    portal::{PageContext, PageError, page_error::see_other},
};
use ::http::StatusCode;
use askama::Template;
use base64::{Engine, engine::general_purpose::STANDARD};
use warp::reply::Response;

#[derive(Template)]
#[template(path = "access/security.html", config = "assets/askama.toml")]
struct Security<'a> {
    v: &'a PageContext,
    email: &'a str,
    own: OwnSecurity,
    /// The seed that waits for its first code, its address, and that as a picture to be scanned.
    seed: Option<(String, String, String)>,
    codes: Vec<String>,
    password_problem: String,
    factor_problem: String,
}

/// `GET /security`.
pub async fn show(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&blank(gateway, v).await?))
}

/// `POST /security/password`.
pub async fn password(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let (old, new) = (v.form.raw("old"), v.form.raw("password"));
    let problem = if new == v.form.raw("again") {
        let keep = v.token.as_deref().unwrap_or_default();
        match gateway.accounts.change_password(v.session()?.user, old, new, keep).await {
            Ok(()) => return Ok(see_other("/security?done=password")),
            Err(LoginError::Wrong) => v.t("access.old_wrong"),
            Err(LoginError::Password(PasswordError::TooShort | PasswordError::TooLong)) => v.t("access.password_rule"),
            Err(e) => {
                let (status, problem) = say(v, e)?;
                let page = Security { password_problem: problem, ..blank(gateway, v).await? };
                return Ok(refused(v.page_with(&page, status)));
            }
        }
    } else {
        v.t("access.not_the_same")
    };
    let page = Security { password_problem: problem.to_owned(), ..blank(gateway, v).await? };
    Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY))
}

/// `POST /security/second-factor`: shows a new seed.
pub async fn second_factor(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let seed = gateway.accounts.begin_second_factor(v.session()?.user).await?;
    let seed = Some(with_address(v, seed)?);
    Ok(v.page(&Security { seed, ..blank(gateway, v).await? }))
}

/// `POST /security/second-factor/confirm`: the app's first code; shows the recovery codes, this once.
pub async fn confirm(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    match gateway.accounts.confirm_second_factor(v.session()?.user, v.form.text("code")).await {
        Ok(codes) => Ok(v.page(&Security { codes, ..blank(gateway, v).await? })),
        Err(e) => {
            let seed = Some(with_address(v, v.form.text("seed").to_owned())?);
            let (status, factor_problem) = match e {
                LoginError::Wrong => (StatusCode::UNPROCESSABLE_ENTITY, v.t("access.code_wrong").to_owned()),
                e => say(v, e)?,
            };
            let page = Security { seed, factor_problem, ..blank(gateway, v).await? };
            Ok(refused(v.page_with(&page, status)))
        }
    }
}

/// `POST /security/second-factor/off`, with the password.
pub async fn off(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let user = v.session()?.user;
    let (status, factor_problem) = match gateway.accounts.is_password(user, v.form.raw("old")).await {
        Ok(true) => (StatusCode::OK, String::new()),
        Ok(false) => (StatusCode::UNPROCESSABLE_ENTITY, v.t("access.old_wrong").to_owned()),
        Err(e) => say(v, e)?,
    };
    if status != StatusCode::OK {
        let page = Security { factor_problem, ..blank(gateway, v).await? };
        return Ok(refused(v.page_with(&page, status)));
    }
    gateway.accounts.drop_second_factor(user, v.actor()).await?;
    Ok(see_other("/security?done=factor_off"))
}

/// `POST /security/sessions`: `session` names one that ends; without, all but this one do.
pub async fn end_sessions(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let number = match v.form.some("session") {
        Some(number) => Some(number.parse().map_err(|_| PageError::NotFound)?),
        None => None,
    };
    let keep = v.token.as_deref().unwrap_or_default();
    gateway.accounts.end_sessions(v.session()?.user, number, keep).await?;
    Ok(see_other("/security?done=sessions_ended"))
}

async fn blank<'a>(gateway: &Gateway, v: &'a PageContext) -> Result<Security<'a>, PageError> {
    let who = v.session()?;
    Ok(Security {
        v,
        email: &who.email,
        own: gateway.accounts.own_security(who.user, v.token.as_deref().unwrap_or_default()).await?,
        seed: None,
        codes: Vec::new(),
        password_problem: String::new(),
        factor_problem: String::new(),
    })
}

fn with_address(v: &PageContext, seed: String) -> Result<(String, String, String), PageError> {
    let address = totp::address(&seed, &v.session()?.email);
    let picture = qr::png(&address).map(|png| format!("data:image/png;base64,{}", STANDARD.encode(png)));
    Ok((seed, address, picture.unwrap_or_default()))
}
