//! Accounts: plan, modules, time zone, default region, granted limits.

use super::{AccountError, audit};
use crate::{
    model::{
        clock::Time,
        ids::AccountId,
        phone::Region,
        plan::{Module, Plan, Zone},
        short_text,
        why::why,
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::{Row, params};
use serde::Serialize;

/// An account, as people are shown it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Account {
    pub id: AccountId,
    pub name: String,
    /// The zone that holds now.
    pub timezone: String,
    /// The zone that follows, when a change is waiting.
    pub next_timezone: Option<String>,
    /// Default region for national numbers.
    pub region: Option<String>,
    pub plan: Option<String>,
    /// When the plan ends.
    pub plan_until: Option<Time>,
    /// Modules that are on.
    pub modules: Vec<String>,
    /// Modules that are on its list and switched off.
    pub disabled_modules: Vec<String>,
    /// Messages a day, grants included; none without a plan.
    pub daily_limit: Option<u64>,
    /// Messages a month, grants included; none without a plan.
    pub monthly_limit: Option<u64>,
    /// Since when it is switched off.
    pub disabled_at: Option<Time>,
    /// When it was made.
    pub created_at: Time,
}

impl Account {
    /// The zone that its days and months are counted in now.
    pub fn zone(&self) -> Zone {
        Zone::stored(self.timezone.clone(), None)
    }

    /// The account with this number, in a transaction that reads more.
    ///
    /// # Errors
    /// No such one; the store's.
    pub fn find(tx: &Tx<'_>, id: AccountId, now: Time) -> Result<Self, AccountError> {
        find(tx, id, now)
    }

    /// Number and name of every account, in the order in which they were made.
    pub fn names(tx: &Tx<'_>) -> Result<Vec<(AccountId, String)>, StoreError> {
        tx.list("SELECT id, name FROM accounts ORDER BY id", [], |r| Ok((r.get(0)?, r.get(1)?)))
    }

    /// Whether its plan has run out.
    pub fn is_plan_over(&self, now: &Time) -> bool {
        self.plan_until.is_some_and(|until| until <= *now)
    }
}

/// What makes an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewAccount {
    /// Its name; not empty.
    pub name: String,
    /// Its plan; none: it cannot send.
    pub plan: Option<Plan>,
    /// A zone of the IANA database.
    pub timezone: String,
    /// Default region for national numbers.
    pub region: Option<Region>,
    /// Its modules, all on.
    pub modules: Vec<Module>,
}

/// What changes in an account; what is `None` stays.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Update {
    /// A plan, or `Some(None)` to take it away.
    pub plan: Option<Option<Plan>>,
    /// When the plan ends, or `Some(None)` for an open end.
    pub plan_until: Option<Option<Time>>,
    /// The list of modules, all on.
    pub modules: Option<Vec<Module>>,
    /// Modules on the list to switch off.
    pub disable_modules: Vec<Module>,
    /// A new zone; holds from the later of both next midnights.
    pub timezone: Option<String>,
    /// Default region, or `Some(None)` for none.
    pub region: Option<Option<Region>>,
    /// Reviewed higher limits.
    pub grant: Option<Grant>,
}

/// Reviewed limits that replace the plan's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// Messages a day; none: the plan's.
    pub daily: Option<u64>,
    /// Messages a month; none: the plan's.
    pub monthly: Option<u64>,
    /// Why; not empty.
    pub reason: String,
    /// Until when; none: open end.
    pub until: Option<Time>,
}

pub(super) fn create(tx: &WriteTx<'_>, new: &NewAccount, now: Time, actor: &str) -> Result<AccountId, AccountError> {
    let name = new.name.trim();
    if name.is_empty() {
        return Err(AccountError::Invalid(why!("account_name", "an account needs a name")));
    }
    let name = short_text::name(name, "a name", short_text::NAME_MAX).map_err(AccountError::Invalid)?;
    let zone = Zone::parse(&new.timezone)?;
    let id = AccountId(tx.insert(
        "INSERT INTO accounts (name, timezone, region, plan, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![name, zone.to_string(), new.region.map(|r| r.to_string()), new.plan.map(Plan::as_str), now],
    )?);
    set_modules(tx, id, &new.modules)?;
    record(tx, (now, actor), id, "account.create", (None, Some(&describe(&find(tx, id, now)?))))?;
    Ok(id)
}

pub(super) fn update(
    tx: &WriteTx<'_>,
    id: AccountId,
    update: &Update,
    now: Time,
    actor: &str,
) -> Result<Account, AccountError> {
    let before = describe(&find(tx, id, now)?);
    if let Some(plan) = update.plan {
        tx.execute("UPDATE accounts SET plan = ?2 WHERE id = ?1", params![id, plan.map(Plan::as_str)])?;
    }
    if let Some(until) = update.plan_until {
        tx.execute("UPDATE accounts SET plan_until = ?2 WHERE id = ?1", params![id, until])?;
    }
    if let Some(region) = update.region {
        tx.execute("UPDATE accounts SET region = ?2 WHERE id = ?1", params![id, region.map(|r| r.to_string())])?;
    }
    if let Some(modules) = &update.modules {
        tx.execute("DELETE FROM account_modules WHERE account_id = ?1", params![id])?;
        set_modules(tx, id, modules)?;
    }
    for module in &update.disable_modules {
        disable_module(tx, id, *module)?;
    }
    if let Some(name) = &update.timezone {
        change_zone(tx, id, name, now)?;
    }
    if let Some(grant) = &update.grant {
        record_grant(tx, id, grant, now, actor)?;
    }
    let account = find(tx, id, now)?;
    record(tx, (now, actor), id, "account.update", (Some(&before), Some(&describe(&account))))?;
    Ok(account)
}

/// Every account, in a read that brings more.
pub fn list(tx: &Tx<'_>, now: Time) -> Result<Vec<Account>, AccountError> {
    let ids = tx.list("SELECT id FROM accounts ORDER BY id", [], |r| r.get(0))?;
    ids.into_iter().map(|id| find(tx, id, now)).collect()
}

pub(super) fn find(tx: &Tx<'_>, id: AccountId, now: Time) -> Result<Account, AccountError> {
    let account = tx.find(
        "SELECT a.name, a.timezone, a.next_timezone, a.next_timezone_from, a.region, a.plan, a.plan_until,
                p.daily, p.monthly, a.disabled_at, a.created_at
         FROM accounts a LEFT JOIN plans p ON p.id = a.plan WHERE a.id = ?1",
        params![id],
        |r| read_account(r, id, now),
    )?;
    let mut account = account.ok_or_else(|| unknown(id))?;
    if let Some((daily, monthly)) = find_grant(tx, id, now)? {
        account.daily_limit = account.daily_limit.map(|plan| daily.unwrap_or(plan));
        account.monthly_limit = account.monthly_limit.map(|plan| monthly.unwrap_or(plan));
    }
    let modules = tx.list(
        "SELECT module, enabled FROM account_modules WHERE account_id = ?1 ORDER BY module",
        params![id],
        |r| Ok((r.get::<_, String>(0)?, r.get::<_, bool>(1)?)),
    )?;
    for (module, enabled) in modules {
        if enabled { account.modules.push(module) } else { account.disabled_modules.push(module) }
    }
    Ok(account)
}

pub(super) fn unknown(id: AccountId) -> AccountError {
    AccountError::NotFound(format!("there is no account {id}; `wa-gateway account list` shows them"))
}

fn read_account(r: &Row<'_>, id: AccountId, now: Time) -> rusqlite::Result<Account> {
    let next = r.get::<_, Option<String>>(2)?.zip(r.get(3)?);
    let zone = Zone::stored(r.get(1)?, next);
    Ok(Account {
        id,
        name: r.get(0)?,
        timezone: zone.name_at(now).to_owned(),
        next_timezone: zone.next_at(now).map(|(name, _)| name.to_owned()),
        region: r.get(4)?,
        plan: r.get(5)?,
        plan_until: r.get(6)?,
        modules: Vec::new(),
        disabled_modules: Vec::new(),
        daily_limit: r.get(7)?,
        monthly_limit: r.get(8)?,
        disabled_at: r.get(9)?,
        created_at: r.get(10)?,
    })
}

/// Messages a day and a month, as far as a grant names them.
type GrantedLimits = (Option<u64>, Option<u64>);

/// The granted limits in force: the newest grant that is neither ended nor withdrawn.
fn find_grant(tx: &Tx<'_>, id: AccountId, now: Time) -> Result<Option<GrantedLimits>, StoreError> {
    tx.find(
        "SELECT daily, monthly FROM granted_limits
         WHERE account_id = ?1 AND withdrawn_at IS NULL AND (until IS NULL OR until > ?2) ORDER BY id DESC LIMIT 1",
        params![id, now],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )
}

fn set_modules(tx: &WriteTx<'_>, id: AccountId, modules: &[Module]) -> Result<(), StoreError> {
    for module in modules {
        tx.execute(
            "INSERT INTO account_modules (account_id, module, enabled) VALUES (?1, ?2, 1)
             ON CONFLICT DO UPDATE SET enabled = 1",
            params![id, module.as_str()],
        )?;
    }
    Ok(())
}

fn disable_module(tx: &WriteTx<'_>, id: AccountId, module: Module) -> Result<(), AccountError> {
    let changed = tx.execute(
        "UPDATE account_modules SET enabled = 0 WHERE account_id = ?1 AND module = ?2",
        params![id, module.as_str()],
    )?;
    if changed == 0 {
        return Err(AccountError::Invalid(why!(
            "module_missing",
            "the module {module} is not on the list of account {id}",
            module = module,
            id = id
        )));
    }
    Ok(())
}

fn change_zone(tx: &WriteTx<'_>, id: AccountId, name: &str, now: Time) -> Result<(), AccountError> {
    let new = Zone::parse(name)?;
    let current =
        tx.one("SELECT timezone, next_timezone, next_timezone_from FROM accounts WHERE id = ?1", params![id], |r| {
            Ok(Zone::stored(r.get(0)?, r.get::<_, Option<String>>(1)?.zip(r.get(2)?)))
        })?;
    let changed = current.changed_to(&new, now);
    let next = changed.next_at(now);
    tx.execute(
        "UPDATE accounts SET timezone = ?2, next_timezone = ?3, next_timezone_from = ?4 WHERE id = ?1",
        params![id, changed.name_at(now), next.map(|n| n.0), next.map(|n| n.1)],
    )?;
    Ok(())
}

/// Switches an account off or on: off, it sends nothing, and its people are logged out and cannot log in. Those who run
/// the appliance can.
pub(super) fn set_disabled(
    tx: &WriteTx<'_>,
    id: AccountId,
    disabled: bool,
    now: Time,
    actor: &str,
) -> Result<Account, AccountError> {
    let before = describe(&find(tx, id, now)?);
    let at = disabled.then_some(now);
    tx.execute("UPDATE accounts SET disabled_at = ?2 WHERE id = ?1", params![id, at])?;
    if disabled {
        tx.execute(
            "DELETE FROM sessions WHERE user_id IN (SELECT id FROM users WHERE account_id = ?1 AND role <> 'admin')",
            params![id],
        )?;
    }
    let account = find(tx, id, now)?;
    let word = if disabled { "account.disable" } else { "account.enable" };
    record(tx, (now, actor), id, word, (Some(&before), Some(&describe(&account))))?;
    Ok(account)
}

pub(super) fn record_grant(
    tx: &WriteTx<'_>,
    id: AccountId,
    grant: &Grant,
    now: Time,
    actor: &str,
) -> Result<(), AccountError> {
    let reason = short_text::reason(&grant.reason).map_err(AccountError::Invalid)?;
    if reason.is_empty() {
        return Err(AccountError::Invalid(why!("grant_reason", "a granted limit needs a reason (--reason)")));
    }
    if grant.daily.is_none() && grant.monthly.is_none() {
        return Err(AccountError::Invalid(why!(
            "grant_empty",
            "a grant names a daily limit, a monthly limit, or both"
        )));
    }
    tx.execute(
        "INSERT INTO granted_limits (account_id, daily, monthly, reason, granted_by, created_at, until)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![id, grant.daily, grant.monthly, reason, actor, now, grant.until],
    )?;
    Ok(())
}

fn describe(account: &Account) -> String {
    serde_json::to_string(account).unwrap_or_default()
}

fn record(
    tx: &WriteTx<'_>,
    (now, actor): (Time, &str),
    id: AccountId,
    action: &str,
    (before, after): (Option<&str>, Option<&str>),
) -> Result<(), StoreError> {
    let target = id.to_string();
    audit::record(tx, now, &audit::AuditEntry { actor, account: Some(id), action, target: &target, before, after })
}
