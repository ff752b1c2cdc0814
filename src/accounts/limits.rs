//! Reviewed higher limits: what was granted to an account, taken back, asked for and decided.
//!
//! A request waits until an admin grants or denies it; either way the account is told by a notice. One account has at
//! most one request that waits.

use super::{AccountError, Accounts, Grant, Scope, account, audit};
use crate::{
    accounts::notices::{self, NoticeKind},
    model::{
        clock::Time,
        ids::AccountId,
        short_text::REASON_MAX,
        string_enum::string_enum,
        why::{Why, why},
    },
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::{Row, params};
use serde_json::json;

/// Beyond this nobody asks: more than one number sends in a month.
const MOST: u64 = 10_000_000;

/// A limit that was granted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Granted {
    pub id: i64,
    /// Messages a day; none: the plan's.
    pub daily: Option<u64>,
    /// Messages a month; none: the plan's.
    pub monthly: Option<u64>,
    pub reason: String,
    pub granted_by: String,
    pub created_at: Time,
    /// Until when; none: open end.
    pub until: Option<Time>,
    /// When it was taken back.
    pub withdrawn_at: Option<Time>,
    /// Whether it is the one that holds.
    pub holds: bool,
}

string_enum! {
    /// What became of a request.
    LimitDecision {
        /// The account may send more.
        Granted = "granted",
        /// The plan's limit stays.
        Denied = "denied",
    }
}

/// A request for a higher limit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LimitRequest {
    pub id: i64,
    pub account: AccountId,
    /// The account's name.
    pub account_name: String,
    /// Messages a day that are asked for.
    pub daily: Option<u64>,
    /// Messages a month that are asked for.
    pub monthly: Option<u64>,
    pub reason: String,
    pub asked_by: String,
    pub created_at: Time,
    /// What became of it; none: it waits.
    pub decision: Option<String>,
    /// What the account was told.
    pub answer: Option<String>,
    /// By whom it was decided.
    pub decided_by: Option<String>,
    pub decided_at: Option<Time>,
}

/// What an account asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WantedLimits {
    /// Messages a day; none: no change.
    pub daily: Option<u64>,
    /// Messages a month; none: no change.
    pub monthly: Option<u64>,
    /// Why; not empty, at most 1,000 characters.
    pub reason: String,
}

impl Accounts {
    /// What was granted to an account, newest first.
    pub async fn list_grants(&self, account: AccountId) -> Result<Vec<Granted>, StoreError> {
        let now = self.clock.now();
        self.store.read(move |tx| list_grants(tx, account, now)).await
    }

    /// Takes a granted limit back; the one before it, or the plan's, holds from now on.
    ///
    /// # Errors
    /// No such grant of this account, or one that was taken back.
    pub async fn withdraw_grant(&self, account: AccountId, id: i64, actor: &str) -> Result<(), AccountError> {
        let (now, actor) = (self.clock.now(), actor.to_owned());
        self.store.write(move |tx| withdraw(tx, account, id, now, &actor)).await
    }

    /// Asks for a higher limit. Admins are told.
    ///
    /// # Errors
    /// Nothing asked for, no higher than what holds, no reason, or a request that waits already.
    pub async fn ask_for_limit(
        &self,
        account: AccountId,
        wanted: WantedLimits,
        actor: &str,
    ) -> Result<i64, AccountError> {
        let (now, actor) = (self.clock.now(), actor.to_owned());
        self.store.write(move |tx| ask(tx, account, &wanted, now, &actor)).await
    }

    /// Requests: those that wait first, then the newest, 200 at most; of one account or of all.
    pub async fn list_limit_requests(&self, scope: Scope) -> Result<Vec<LimitRequest>, StoreError> {
        self.store.read(move |tx| list_requests(tx, scope)).await
    }

    /// Grants or denies a request; `answer` is what the account is told. A grant may name other figures than were asked.
    ///
    /// # Errors
    /// No such request, one that was decided, an empty answer, a grant without a figure.
    pub async fn decide_limit_request(
        &self,
        id: i64,
        grant: Option<Grant>,
        answer: &str,
        actor: &str,
    ) -> Result<(), AccountError> {
        let (now, actor, answer) = (self.clock.now(), actor.to_owned(), answer.trim().to_owned());
        self.store.write(move |tx| decide(tx, id, grant.as_ref(), &answer, (now, &actor))).await
    }
}

/// The limits that were granted to an account, in a read that brings more.
pub fn list_grants(tx: &Tx<'_>, account: AccountId, now: Time) -> Result<Vec<Granted>, StoreError> {
    let mut all = tx.list(
        "SELECT id, daily, monthly, reason, granted_by, created_at, until, withdrawn_at FROM granted_limits
         WHERE account_id = ?1 ORDER BY id DESC LIMIT 100",
        params![account],
        |r| {
            Ok(Granted {
                id: r.get(0)?,
                daily: r.get(1)?,
                monthly: r.get(2)?,
                reason: r.get(3)?,
                granted_by: r.get(4)?,
                created_at: r.get(5)?,
                until: r.get(6)?,
                withdrawn_at: r.get(7)?,
                holds: false,
            })
        },
    )?;
    let in_force = |g: &&mut Granted| g.withdrawn_at.is_none() && g.until.is_none_or(|until| until > now);
    if let Some(grant) = all.iter_mut().find(in_force) {
        grant.holds = true;
    }
    Ok(all)
}

fn withdraw(tx: &WriteTx<'_>, account: AccountId, id: i64, now: Time, actor: &str) -> Result<(), AccountError> {
    let before = describe(&account::find(tx, account, now)?);
    let changed = tx.execute(
        "UPDATE granted_limits SET withdrawn_at = ?3, withdrawn_by = ?4
         WHERE id = ?2 AND account_id = ?1 AND withdrawn_at IS NULL",
        params![account, id, now, actor],
    )?;
    if changed == 0 {
        return Err(AccountError::NotFound(format!("account {account} has no granted limit {id} in force")));
    }
    let after = describe(&account::find(tx, account, now)?);
    record(tx, (now, actor), account, "account.limit_withdrawn", (Some(&before), &after))
}

fn ask(
    tx: &WriteTx<'_>,
    account: AccountId,
    wanted: &WantedLimits,
    now: Time,
    actor: &str,
) -> Result<i64, AccountError> {
    let invalid = |why: Why| Err(AccountError::Invalid(why));
    let holds = account::find(tx, account, now)?;
    let reason = wanted.reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_MAX {
        return invalid(why!("limit_reason", "say in a few sentences why (1,000 characters at most)"));
    }
    let (daily, monthly) = (wanted.daily, wanted.monthly);
    if daily.is_none() && monthly.is_none() {
        return invalid(why!("limit_empty", "ask for a daily limit, a monthly limit, or both"));
    }
    let too_low = |asked: Option<u64>, now: Option<u64>| asked.is_some_and(|n| n <= now.unwrap_or(0) || n > MOST);
    if too_low(daily, holds.daily_limit) || too_low(monthly, holds.monthly_limit) {
        return invalid(why!("limit_low", "ask for more than what holds now (and at most 10,000,000)"));
    }
    let waits = "SELECT 1 FROM limit_requests WHERE account_id = ?1 AND decision IS NULL";
    if tx.find(waits, params![account], |_| Ok(()))?.is_some() {
        return invalid(why!("limit_waits", "a request waits already: it is decided first"));
    }
    let id = tx.insert(
        "INSERT INTO limit_requests (account_id, daily, monthly, reason, asked_by, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![account, daily, monthly, reason, actor, now],
    )?;
    let parameters = json!({"name": holds.name, "daily": daily, "monthly": monthly});
    notices::raise(tx, None, (NoticeKind::LimitRequested, &id.to_string()), &parameters, now)?;
    let after = json!({"daily": daily, "monthly": monthly, "reason": reason}).to_string();
    record(tx, (now, actor), account, "limit.request", (None, &after))?;
    Ok(id)
}

/// The requests for other limits of one account (none: of all), in a read that brings more.
pub fn list_requests(tx: &Tx<'_>, scope: Scope) -> Result<Vec<LimitRequest>, StoreError> {
    tx.list(
        "SELECT q.id, q.account_id, a.name, q.daily, q.monthly, q.reason, q.asked_by, q.created_at, q.decision, q.answer,
                q.decided_by, q.decided_at
         FROM limit_requests q JOIN accounts a ON a.id = q.account_id
         WHERE ?1 IS NULL OR q.account_id = ?1 ORDER BY q.decision IS NOT NULL, q.id DESC LIMIT 200",
        params![scope],
        read_request,
    )
}

fn read_request(r: &Row<'_>) -> rusqlite::Result<LimitRequest> {
    Ok(LimitRequest {
        id: r.get(0)?,
        account: r.get(1)?,
        account_name: r.get(2)?,
        daily: r.get(3)?,
        monthly: r.get(4)?,
        reason: r.get(5)?,
        asked_by: r.get(6)?,
        created_at: r.get(7)?,
        decision: r.get(8)?,
        answer: r.get(9)?,
        decided_by: r.get(10)?,
        decided_at: r.get(11)?,
    })
}

fn decide(
    tx: &WriteTx<'_>,
    id: i64,
    grant: Option<&Grant>,
    answer: &str,
    (now, actor): (Time, &str),
) -> Result<(), AccountError> {
    if answer.is_empty() || answer.chars().count() > REASON_MAX {
        return Err(AccountError::Invalid(why!(
            "answer_empty",
            "say why: the account is told (1,000 characters at most)"
        )));
    }
    let decision = if grant.is_some() { LimitDecision::Granted } else { LimitDecision::Denied };
    let account = tx.find(
        "UPDATE limit_requests SET decision = ?2, answer = ?3, decided_by = ?4, decided_at = ?5
         WHERE id = ?1 AND decision IS NULL RETURNING account_id",
        params![id, decision.as_str(), answer, actor, now],
        |r| r.get::<_, AccountId>(0),
    )?;
    let account = account.ok_or_else(|| AccountError::NotFound(format!("no request {id} waits for a decision")))?;
    let before = describe(&account::find(tx, account, now)?);
    if let Some(grant) = grant {
        account::record_grant(tx, account, grant, now, actor)?;
    }
    notices::clear(tx, None, NoticeKind::LimitRequested, &id.to_string(), now)?;
    let parameters = json!({"decision": decision.as_str(), "answer": answer});
    notices::raise(tx, Some(account), (NoticeKind::LimitDecided, &id.to_string()), &parameters, now)?;
    let mut after = serde_json::to_value(account::find(tx, account, now)?).unwrap_or_default();
    after["answer"] = json!(answer);
    let word = if grant.is_some() { "limit.grant" } else { "limit.deny" };
    record(tx, (now, actor), account, word, (Some(&before), &after.to_string()))
}

fn describe(account: &super::Account) -> String {
    serde_json::to_string(account).unwrap_or_default()
}

fn record(
    tx: &WriteTx<'_>,
    (now, actor): (Time, &str),
    account: AccountId,
    action: &str,
    (before, after): (Option<&str>, &str),
) -> Result<(), AccountError> {
    let target = account.to_string();
    let entry =
        audit::AuditEntry { actor, account: Some(account), action, target: &target, before, after: Some(after) };
    Ok(audit::record(tx, now, &entry)?)
}
