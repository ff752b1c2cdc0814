//! `/admin/users`: who logs in. Made with a one-time link, given a role, kept out, helped when the second factor is lost.

use super::id;
use crate::{
    accounts::{AccountError, NewUser, Person, Role},
    gateway::Gateway,
    model::{ids::UserId, plan::Plan},
    portal::{PageContext, PageError, colleague, page_error::see_other},
};
use ::http::StatusCode;
use askama::Template;
use warp::reply::Response;

#[derive(Template)]
#[template(path = "admin/users.html", config = "assets/askama.toml")]
struct Users<'a> {
    v: &'a PageContext,
    people: Vec<Person>,
    roles: &'static [Role],
    plans: &'static [Plan],
    /// Whether people can register by invitation.
    may_invite: bool,
    /// A link that was just made: for whom, and its address.
    link: Option<(String, String)>,
    problem: String,
}

/// `GET /admin/users`.
pub async fn list(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&page(gateway, v, None, String::new()).await?))
}

/// `POST /admin/users`: the link by which they choose a password is on the answer, and nowhere after it.
pub async fn create(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let role = Role::parse(v.form.text("role")).unwrap_or(Role::Viewer);
    let email = v.form.text("email").to_owned();
    let new = NewUser { account: v.form.parsed("account"), email: email.clone(), role, password_hash: None };
    match gateway.accounts.create_user(new, v.actor()).await {
        Ok(_) => link(gateway, v, &email).await,
        Err(AccountError::NotFound(_)) => again(gateway, v, v.t("users.gone_account").to_owned()).await,
        Err(e) => again(gateway, v, PageError::from(e).user_message(v)?).await,
    }
}

/// `POST /admin/invitations`: a link by which somebody registers an account, on the answer and nowhere after it.
///
/// # Errors
/// Nobody may register.
pub async fn invite(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    if gateway.registration == "off" {
        return Err(PageError::NotFound);
    }
    let link = gateway.accounts.invite(Plan::parse(v.form.text("plan")), v.actor()).await?;
    let address = format!("{}/register/{}", gateway.public_url, link.token);
    let whom = v.t("users.invitation").to_owned();
    Ok(v.page(&page(gateway, v, Some((whom, address)), String::new()).await?))
}

/// `POST /admin/users/{id}`: `do=role`, `disable`, `enable`, `link` or `factor`.
///
/// # Errors
/// No such user.
pub async fn change(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let user: UserId = id(v, 0)?;
    let person = gateway.accounts.find_person(user).await?;
    let done = match v.form.text("do") {
        "factor" => gateway.accounts.drop_second_factor(user, v.actor()).await.map_err(AccountError::from),
        "link" if person.disabled_at.is_none() => return link(gateway, v, &person.email).await,
        _ => colleague::change(gateway, v, user, Role::ALL).await?,
    };
    match done {
        Ok(()) => Ok(see_other("/admin/users?done=saved")),
        Err(e) => again(gateway, v, PageError::from(e).user_message(v)?).await,
    }
}

async fn link(gateway: &Gateway, v: &PageContext, email: &str) -> Result<Response, PageError> {
    let link = colleague::password_link(gateway, v, email).await?;
    Ok(v.page(&page(gateway, v, Some(link), String::new()).await?))
}

async fn again(gateway: &Gateway, v: &PageContext, problem: String) -> Result<Response, PageError> {
    Ok(v.page_with(&page(gateway, v, None, problem).await?, StatusCode::UNPROCESSABLE_ENTITY))
}

async fn page<'a>(
    gateway: &Gateway,
    v: &'a PageContext,
    link: Option<(String, String)>,
    problem: String,
) -> Result<Users<'a>, PageError> {
    let people = gateway.accounts.list_people(v.everybody()?).await?;
    let may_invite = gateway.registration != "off";
    Ok(Users { v, people, roles: Role::ALL, plans: Plan::ALL, may_invite, link, problem })
}
