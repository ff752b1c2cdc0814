//! `/admin/accounts/{id}`: one account. Plan, modules, granted limits, its people and numbers; off and on.

use super::{day_before, end_of_day, id, number};
use crate::{
    accounts::{
        self, Account, AccountError, Grant, Granted, Person, Scope, Update,
        usage::{self, ClosedPeriod, UsedMessages},
    },
    gateway::Gateway,
    instances::{self, Instance},
    model::{
        clock::Time,
        ids::AccountId,
        phone::Region,
        plan::{Module, Plan},
    },
    portal::{PageContext, PageError, page_error::see_other},
    store::Tx,
};
use ::http::StatusCode;
use askama::Template;
use warp::reply::Response;

#[derive(Template)]
#[template(path = "admin/account.html", config = "assets/askama.toml")]
struct AccountDetailPage<'a> {
    v: &'a PageContext,
    a: Account,
    used: UsedMessages,
    past: Vec<ClosedPeriod>,
    grants: Vec<Granted>,
    people: Vec<Person>,
    instances: Vec<Instance>,
    form: AccountForm,
    plans: &'static [Plan],
    problem: String,
    grant_problem: String,
}

/// What stands in the fields of the settings: as typed, else as it is.
struct AccountForm {
    plan: String,
    plan_until: String,
    timezone: String,
    region: String,
    modules: Vec<(&'static str, &'static str)>,
}

/// Which of the page's forms has something to correct.
enum AccountFormPart {
    None,
    Settings(String),
    Grant(String),
}

/// `GET /admin/accounts/{id}`.
///
/// # Errors
/// No such account.
pub async fn show(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&page(gateway, v, AccountFormPart::None).await?))
}

/// `POST /admin/accounts/{id}`: plan, zone, region, modules.
///
/// # Errors
/// No such account.
pub async fn save(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let account = gateway.accounts.find_account(id(v, 0)?).await?;
    let update = match settings(v, &account) {
        Ok(update) => update,
        Err(problem) => return again(gateway, v, AccountFormPart::Settings(problem)).await,
    };
    match gateway.accounts.update_account(account.id, update, v.actor()).await {
        Ok(_) => Ok(done(account.id, "saved")),
        Err(e) => again(gateway, v, AccountFormPart::Settings(PageError::from(e).user_message(v)?)).await,
    }
}

/// `POST /admin/accounts/{id}/grants`: a reviewed higher limit, with its reason.
///
/// # Errors
/// No such account.
pub async fn grant(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let account: AccountId = id(v, 0)?;
    let read = || -> Result<Grant, String> {
        Ok(Grant {
            daily: number(v, "daily")?,
            monthly: number(v, "monthly")?,
            reason: v.form.text("reason").to_owned(),
            until: end_of_day(v, "until")?,
        })
    };
    let grant = match read() {
        Ok(grant) => grant,
        Err(problem) => return again(gateway, v, AccountFormPart::Grant(problem)).await,
    };
    let update = Update { grant: Some(grant), ..Update::default() };
    match gateway.accounts.update_account(account, update, v.actor()).await {
        Ok(_) => Ok(done(account, "granted")),
        Err(e) => again(gateway, v, AccountFormPart::Grant(PageError::from(e).user_message(v)?)).await,
    }
}

/// `POST /admin/accounts/{id}/grants/{grant}/withdraw`.
///
/// # Errors
/// No such grant in force.
pub async fn withdraw(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let account: AccountId = id(v, 0)?;
    gateway.accounts.withdraw_grant(account, id(v, 1)?, v.actor()).await?;
    Ok(done(account, "withdrawn"))
}

/// `POST /admin/accounts/{id}/state`: `do=disable` or `do=enable`.
///
/// # Errors
/// No such account.
pub async fn state(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let account: AccountId = id(v, 0)?;
    let disable = match v.form.text("do") {
        "disable" => true,
        "enable" => false,
        _ => return Err(PageError::NotFound),
    };
    gateway.accounts.set_account_disabled(account, disable, v.actor()).await?;
    Ok(done(account, if disable { "account_off" } else { "account_on" }))
}

/// What the settings' form asks to change. A day that stands as it stood changes nothing, so that a plan that ends in the
/// middle of a day is not moved by saving something else.
fn settings(v: &PageContext, account: &Account) -> Result<Update, String> {
    let stands = AccountForm::of(v, account);
    let region = v.form.some("region").map(Region::parse).transpose();
    let until = v.form.text("plan_until");
    let state = |m: &Module| v.form.text(module_field(*m));
    Ok(Update {
        plan: Some(Plan::parse(v.form.text("plan"))),
        plan_until: if until == stands.plan_until { None } else { Some(end_of_day(v, "plan_until")?) },
        modules: Some(Module::ALL.iter().copied().filter(|m| ["on", "off"].contains(&state(m))).collect()),
        disable_modules: Module::ALL.iter().copied().filter(|m| state(m) == "off").collect(),
        timezone: v.form.some("timezone").filter(|zone| *zone != stands.timezone).map(str::to_owned),
        region: Some(region.map_err(|_| v.t("accounts.region_bad").to_owned())?),
        grant: None,
    })
}

/// The name of a module's field in the form.
const fn module_field(module: Module) -> &'static str {
    match module {
        Module::ApiAccess => "module_api_access",
        Module::ThreeCx => "module_3cx",
        Module::Chattu => "module_chattu",
    }
}

impl AccountDetailPage<'_> {
    /// What is said of the zone: which follows, or what a change does.
    fn about_zone(&self) -> String {
        match &self.a.next_timezone {
            Some(next) => self.v.fill_all("accounts.zone_waits", &[("now", &self.a.timezone), ("next", next)]),
            None => self.v.t("accounts.zone_text").to_owned(),
        }
    }
}

impl AccountForm {
    fn of(v: &PageContext, a: &Account) -> Self {
        let state = |m: &Module| match m.as_str() {
            m if a.modules.iter().any(|on| on == m) => "on",
            m if a.disabled_modules.iter().any(|off| off == m) => "off",
            _ => "none",
        };
        Self {
            plan: a.plan.clone().unwrap_or_else(|| "none".into()),
            plan_until: day_before(v, a.plan_until),
            timezone: a.next_timezone.clone().unwrap_or_else(|| a.timezone.clone()),
            region: a.region.clone().unwrap_or_default(),
            modules: Module::ALL.iter().map(|m| (m.as_str(), state(m))).collect(),
        }
    }

    fn typed(v: &PageContext) -> Self {
        let text = |name: &str| v.form.text(name).to_owned();
        let state = |m: &Module| match v.form.text(module_field(*m)) {
            "on" => "on",
            "off" => "off",
            _ => "none",
        };
        Self {
            plan: text("plan"),
            plan_until: text("plan_until"),
            timezone: text("timezone"),
            region: text("region"),
            modules: Module::ALL.iter().map(|m| (m.as_str(), state(m))).collect(),
        }
    }
}

fn done(account: AccountId, what: &str) -> Response {
    see_other(&format!("/admin/accounts/{account}?done={what}"))
}

async fn again(gateway: &Gateway, v: &PageContext, wrong: AccountFormPart) -> Result<Response, PageError> {
    Ok(v.page_with(&page(gateway, v, wrong).await?, StatusCode::UNPROCESSABLE_ENTITY))
}

/// What one read brings.
struct AccountFigures {
    a: Account,
    used: UsedMessages,
    past: Vec<ClosedPeriod>,
    grants: Vec<Granted>,
    people: Vec<Person>,
    instances: Vec<Instance>,
}

fn figures(tx: &Tx<'_>, id: AccountId, now: Time) -> Result<AccountFigures, AccountError> {
    let a = Account::find(tx, id, now)?;
    let used = usage::of(tx, &[(id, a.zone().period(now))])?.into_iter().next().unwrap_or_default();
    Ok(AccountFigures {
        a,
        used,
        past: usage::past(tx, id)?,
        grants: accounts::list_grants(tx, id, now)?,
        people: accounts::list_people(tx, Scope::Account(id))?,
        instances: instances::list(tx, Scope::Account(id))?,
    })
}

async fn page<'a>(
    gateway: &Gateway,
    v: &'a PageContext,
    wrong: AccountFormPart,
) -> Result<AccountDetailPage<'a>, PageError> {
    let (account, now) = (id(v, 0)?, v.now);
    let AccountFigures { a, used, past, grants, people, instances } =
        gateway.store.read(move |tx| figures(tx, account, now)).await?;
    let form =
        if matches!(wrong, AccountFormPart::Settings(_)) { AccountForm::typed(v) } else { AccountForm::of(v, &a) };
    let (problem, grant_problem) = match wrong {
        AccountFormPart::None => (String::new(), String::new()),
        AccountFormPart::Settings(text) => (text, String::new()),
        AccountFormPart::Grant(text) => (String::new(), text),
    };
    Ok(AccountDetailPage {
        v,
        used,
        past,
        grants,
        people,
        instances,
        form,
        plans: Plan::ALL,
        a,
        problem,
        grant_problem,
    })
}
