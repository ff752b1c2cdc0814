//! `/account/people`: an owner's colleagues. Invited with a one-time link, given the role of an owner or a viewer, kept out.
//! Administrators of the appliance are not shown here and not made.

use crate::{
    accounts::{AccountError, NewUser, Person, Role, Scope},
    gateway::Gateway,
    model::ids::UserId,
    portal::{PageContext, PageError, colleague, page_error::see_other},
};
use ::http::StatusCode;
use askama::Template;
use warp::reply::Response;

/// The roles that an owner gives.
const ROLES: &[Role] = &[Role::Viewer, Role::Owner];

#[derive(Template)]
#[template(path = "people.html", config = "assets/askama.toml")]
struct People<'a> {
    v: &'a PageContext,
    people: Vec<Person>,
    roles: &'static [Role],
    /// A link that was just made: for whom, and its address.
    link: Option<(String, String)>,
    problem: String,
}

/// `GET /account/people`.
///
/// # Errors
/// No account is chosen.
pub async fn list(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&page(gateway, v, None, String::new()).await?))
}

/// `POST /account/people`: the link by which they choose a password is on the answer, and nowhere after it.
///
/// # Errors
/// No account is chosen.
pub async fn create(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let account = v.account()?;
    let there = gateway.accounts.list_people(Scope::Account(account)).await?.len();
    if let Some(problem) = super::too_many(gateway, v, there) {
        return again(gateway, v, problem).await;
    }
    let role = Role::parse(v.form.text("role")).filter(|role| ROLES.contains(role)).unwrap_or(Role::Viewer);
    let email = v.form.text("email").to_owned();
    let new = NewUser { account: Some(account), email: email.clone(), role, password_hash: None };
    match gateway.accounts.create_user(new, v.actor()).await {
        Ok(_) => link(gateway, v, &email).await,
        Err(e) => again(gateway, v, PageError::from(e).user_message(v)?).await,
    }
}

/// `POST /account/people/{id}`: `do=role`, `disable`, `enable` or `link`.
///
/// # Errors
/// Nobody of this account whom an owner may change; oneself.
pub async fn change(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let user = UserId(v.segment().parse().map_err(|_| PageError::NotFound)?);
    let person = match gateway.accounts.find_person(user).await {
        Ok(person) => person,
        Err(AccountError::NotFound(_)) => return Err(PageError::NotFound),
        Err(e) => return Err(e.into()),
    };
    let is_ours = person.account == Some(v.account()?) && person.role != Role::Admin.as_str();
    if !is_ours || user == v.session()?.user {
        return Err(PageError::NotFound);
    }
    let done = match v.form.text("do") {
        "link" if person.disabled_at.is_none() => return link(gateway, v, &person.email).await,
        _ => colleague::change(gateway, v, user, ROLES).await?,
    };
    match done {
        Ok(()) => Ok(see_other("/account/people?done=saved")),
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
) -> Result<People<'a>, PageError> {
    let mut people = gateway.accounts.list_people(Scope::Account(v.account()?)).await?;
    people.retain(|person| person.role != Role::Admin.as_str());
    Ok(People { v, people, roles: ROLES, link, problem })
}

impl People<'_> {
    /// Whether it is the one who looks.
    fn is_self(&self, person: &Person) -> bool {
        self.v.who.as_ref().is_some_and(|who| who.user == person.id)
    }
}
