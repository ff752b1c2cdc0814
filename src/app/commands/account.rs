//! `wa-gateway account …`

use super::{
    CLI, CommandResult, Execute, group, text,
    values::{none_or, parse_module, parse_modules, parse_plan, parse_time},
};
use crate::{
    accounts::{Grant, LimitRequest, NewAccount, Update},
    app::root::everybody,
    dialects::AppState,
    gateway::Gateway,
    model::{
        ids::AccountId,
        phone::{PhoneReading, Region},
    },
};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

group! { AccountCommand is Account:
    Create(AccountCreate),
    List(AccountList),
    Update(AccountUpdate),
    Disable(AccountDisable),
    Enable(AccountEnable),
    Requests(AccountRequests),
    Grant(AccountGrant),
    Deny(AccountDeny),
}

const PLAN: &str = "starter";
const TIMEZONE: &str = "UTC";
const MODULE: &str = "api_access";

/// Make an account
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct AccountCreate {
    /// Its name
    #[arg(long)]
    pub name: String,
    /// starter, growth, scale or none
    #[arg(long, default_value = PLAN)]
    pub plan: String,
    /// A name of the IANA database, such as Asia/Riyadh
    #[arg(long, default_value = TIMEZONE)]
    pub timezone: String,
    /// Two letters: how national phone numbers are read
    #[arg(long)]
    pub region: Option<String>,
    /// api_access, 3cx, chattu
    #[arg(long, value_delimiter = ',', default_value = MODULE)]
    pub modules: Vec<String>,
}

impl Default for AccountCreate {
    fn default() -> Self {
        let (plan, timezone, modules) = (PLAN.into(), TIMEZONE.into(), vec![MODULE.into()]);
        Self { name: String::new(), plan, timezone, region: None, modules }
    }
}

impl Execute for AccountCreate {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let new = NewAccount {
            name: self.name,
            plan: parse_plan(&self.plan)?,
            timezone: self.timezone,
            region: self.region.as_deref().map(Region::parse).transpose().map_err(text)?,
            modules: parse_modules(&self.modules)?,
        };
        let id = gateway.accounts.create_account(new, CLI).await.map_err(text)?;
        Ok(json!({"ok": true, "id": id}))
    }
}

/// Show all accounts
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct AccountList;

impl Execute for AccountList {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        Ok(json!(gateway.accounts.list_accounts().await.map_err(text)?))
    }
}

/// Change an account; what is not named stays
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct AccountUpdate {
    /// Its id
    pub id: i64,
    /// starter, growth, scale or none
    #[arg(long)]
    pub plan: Option<String>,
    /// The plan's end: a date, a time, or none
    #[arg(long)]
    pub plan_until: Option<String>,
    /// The new list of modules
    #[arg(long, value_delimiter = ',')]
    pub modules: Option<Vec<String>>,
    /// A module on the list to switch off
    #[arg(long)]
    pub disable_module: Option<String>,
    /// A new time zone; holds from the later of both next midnights
    #[arg(long)]
    pub timezone: Option<String>,
    /// Two letters, or none
    #[arg(long)]
    pub region: Option<String>,
    /// A reviewed limit a day
    #[arg(long, requires = "reason")]
    pub grant_daily: Option<u64>,
    /// A reviewed limit a month
    #[arg(long, requires = "reason")]
    pub grant_monthly: Option<u64>,
    /// Why it is granted
    #[arg(long)]
    pub reason: Option<String>,
    /// The grant's end: a date or a time
    #[arg(long)]
    pub until: Option<String>,
}

impl AccountUpdate {
    fn grant(&self) -> Result<Option<Grant>, String> {
        let (daily, monthly) = (self.grant_daily, self.grant_monthly);
        if daily.is_none() && monthly.is_none() {
            return Ok(None);
        }
        let until = self.until.as_deref().map(parse_time).transpose()?;
        Ok(Some(Grant { daily, monthly, reason: self.reason.clone().unwrap_or_default(), until }))
    }
}

impl Execute for AccountUpdate {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let region = |t: &str| Region::parse(t).map_err(text);
        let update = Update {
            plan: self.plan.as_deref().map(parse_plan).transpose()?,
            plan_until: self.plan_until.as_deref().map(|t| none_or(t, parse_time)).transpose()?,
            modules: self.modules.as_deref().map(parse_modules).transpose()?,
            disable_modules: self.disable_module.as_deref().map(parse_module).transpose()?.into_iter().collect(),
            region: self.region.as_deref().map(|t| none_or(t, region)).transpose()?,
            grant: self.grant()?,
            timezone: self.timezone,
        };
        Ok(json!(gateway.accounts.update_account(AccountId(self.id), update, CLI).await.map_err(text)?))
    }
}

/// Switch an account off: it sends nothing, and its people cannot log in
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct AccountDisable {
    /// Its id
    pub id: i64,
}

impl Execute for AccountDisable {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        Ok(json!(gateway.accounts.set_account_disabled(AccountId(self.id), true, CLI).await.map_err(text)?))
    }
}

/// Switch an account on again
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct AccountEnable {
    /// Its id
    pub id: i64,
}

impl Execute for AccountEnable {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        Ok(json!(gateway.accounts.set_account_disabled(AccountId(self.id), false, CLI).await.map_err(text)?))
    }
}

/// Show what accounts ask for: higher limits, those that wait first
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct AccountRequests;

impl Execute for AccountRequests {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let all = gateway.accounts.list_limit_requests(everybody()).await.map_err(text)?;
        Ok(Value::Array(all.iter().map(shown).collect()))
    }
}

/// Grant a request for a higher limit
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct AccountGrant {
    /// The request's number
    pub request: i64,
    /// Messages a day; without any figure: what was asked for
    #[arg(long)]
    pub daily: Option<u64>,
    /// Messages a month
    #[arg(long)]
    pub monthly: Option<u64>,
    /// The grant's end: a date or a time
    #[arg(long)]
    pub until: Option<String>,
    /// What the account is told
    #[arg(long)]
    pub answer: String,
}

impl Execute for AccountGrant {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let Self { request, daily, monthly, until, answer } = self;
        let asked = find(gateway, request).await?;
        let (daily, monthly) =
            if daily.is_none() && monthly.is_none() { (asked.daily, asked.monthly) } else { (daily, monthly) };
        let until = until.as_deref().map(parse_time).transpose()?;
        let grant = Grant { daily, monthly, reason: answer.clone(), until };
        gateway.accounts.decide_limit_request(request, Some(grant), &answer, CLI).await.map_err(text)?;
        Ok(shown(&find(gateway, request).await?))
    }
}

/// Deny a request for a higher limit
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct AccountDeny {
    /// The request's number
    pub request: i64,
    /// What the account is told
    #[arg(long)]
    pub answer: String,
}

impl Execute for AccountDeny {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        gateway.accounts.decide_limit_request(self.request, None, &self.answer, CLI).await.map_err(text)?;
        Ok(shown(&find(gateway, self.request).await?))
    }
}

async fn find(gateway: &Gateway, id: i64) -> Result<LimitRequest, String> {
    let all = gateway.accounts.list_limit_requests(everybody()).await.map_err(text)?;
    let found = all.into_iter().find(|request| request.id == id);
    found.ok_or_else(|| format!("there is no request {id}; `wa-gateway account requests` shows them"))
}

fn shown(request: &LimitRequest) -> Value {
    json!({
        "id": request.id, "account_id": request.account, "account": request.account_name, "daily": request.daily,
        "monthly": request.monthly, "reason": request.reason, "asked_by": request.asked_by,
        "created_at": request.created_at, "decision": request.decision, "answer": request.answer,
        "decided_by": request.decided_by, "decided_at": request.decided_at,
    })
}

/// How phones are read for an account.
pub(super) async fn reading(gateway: &Gateway, id: AccountId) -> Result<PhoneReading, String> {
    Ok(gateway.sending.rules().reading(region_of(gateway, id).await?))
}

/// The default region of an account.
pub(super) async fn region_of(gateway: &Gateway, id: AccountId) -> Result<Option<Region>, String> {
    let all = gateway.accounts.list_accounts().await.map_err(text)?;
    let account = all.into_iter().find(|a| a.id == id).ok_or_else(|| format!("there is no account {id}"))?;
    Ok(account.region.and_then(|r| Region::parse(&r).ok()))
}
