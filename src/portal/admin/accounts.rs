//! `/admin/accounts`: all accounts with what they use; a new one.

use crate::{
    accounts::{
        self, Account, AccountError, NewAccount,
        usage::{self, UsedMessages},
    },
    gateway::Gateway,
    instances,
    model::{
        phone::Region,
        plan::{Module, Plan},
    },
    portal::{PageContext, PageError, page_error::see_other},
};
use ::http::StatusCode;
use askama::Template;
use warp::reply::Response;

#[derive(Template)]
#[template(path = "admin/accounts.html", config = "assets/askama.toml")]
struct AccountsPage<'a> {
    v: &'a PageContext,
    lines: Vec<AccountRow>,
    plans: &'static [Plan],
    modules: &'static [Module],
    problem: String,
}

struct AccountRow {
    account: Account,
    used: UsedMessages,
    people: usize,
    instances: usize,
}

/// `GET /admin/accounts?q=`.
pub async fn list(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&page(gateway, v, String::new()).await?))
}

/// `POST /admin/accounts`.
pub async fn create(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let region = v.form.some("region").map(Region::parse).transpose();
    let problem = match region {
        Err(_) => v.t("accounts.region_bad").to_owned(),
        Ok(region) => {
            let new = NewAccount {
                name: v.form.text("name").to_owned(),
                plan: Plan::parse(v.form.text("plan")),
                timezone: v.form.some("timezone").unwrap_or("UTC").to_owned(),
                region,
                modules: v.form.all("module").filter_map(Module::parse).collect(),
            };
            match gateway.accounts.create_account(new, v.actor()).await {
                Ok(id) => return Ok(see_other(&format!("/admin/accounts/{id}?done=account_made"))),
                Err(e) => PageError::from(e).user_message(v)?,
            }
        }
    };
    let page = page(gateway, v, problem).await?;
    Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY))
}

async fn page<'a>(gateway: &Gateway, v: &'a PageContext, problem: String) -> Result<AccountsPage<'a>, PageError> {
    let wanted = v.query.text("q").to_lowercase();
    let (scope, now) = (v.everybody()?, v.now);
    let read = gateway.store.read(move |tx| {
        let mut all = accounts::list_accounts(tx, now)?;
        all.retain(|a| a.name.to_lowercase().contains(&wanted) || a.id.to_string() == wanted);
        let asked: Vec<_> = all.iter().map(|a| (a.id, a.zone().period(now))).collect();
        let used = usage::of(tx, &asked)?;
        Ok::<_, AccountError>((all, used, accounts::list_people(tx, scope)?, instances::list(tx, scope)?))
    });
    let (accounts, used, people, instances) = read.await?;
    let lines = accounts.into_iter().zip(used).map(|(account, used)| AccountRow {
        people: people.iter().filter(|p| p.account == Some(account.id)).count(),
        instances: instances.iter().filter(|i| i.account_id == account.id).count(),
        account,
        used,
    });
    Ok(AccountsPage { v, lines: lines.collect(), plans: Plan::ALL, modules: Module::ALL, problem })
}

/// Whether the new account's form has this module ticked: the first one is, before anything was typed.
fn is_ticked(v: &PageContext, module: &Module) -> bool {
    if v.form.some("timezone").is_none() {
        return *module == Module::ApiAccess;
    }
    v.form.all("module").any(|m| m == module.as_str())
}
