//! Switching accounts off and on, and deciding requests for higher limits.

use super::{
    AccountDeed,
    perform::{CLI, Done, parse_time, text},
};
use crate::{
    accounts::{Grant, LimitRequest},
    gateway::Gateway,
    model::ids::AccountId,
};
use serde_json::{Value, json};

pub(super) async fn perform(gateway: &Gateway, deed: AccountDeed) -> Done {
    let accounts = &gateway.accounts;
    match deed {
        AccountDeed::Disable { id } => {
            Ok(json!(accounts.set_account_disabled(AccountId(id), true, CLI).await.map_err(text)?))
        }
        AccountDeed::Enable { id } => {
            Ok(json!(accounts.set_account_disabled(AccountId(id), false, CLI).await.map_err(text)?))
        }
        AccountDeed::Requests => {
            let all = accounts.list_limit_requests(None).await.map_err(text)?;
            Ok(Value::Array(all.iter().map(shown).collect()))
        }
        AccountDeed::Grant { id, daily, monthly, until, answer } => {
            let asked = find(gateway, id).await?;
            let (daily, monthly) =
                if daily.is_none() && monthly.is_none() { (asked.daily, asked.monthly) } else { (daily, monthly) };
            let until = until.as_deref().map(parse_time).transpose()?;
            let grant = Grant { daily, monthly, reason: answer.clone(), until };
            accounts.decide_limit_request(id, Some(grant), &answer, CLI).await.map_err(text)?;
            Ok(shown(&find(gateway, id).await?))
        }
        AccountDeed::Deny { id, answer } => {
            accounts.decide_limit_request(id, None, &answer, CLI).await.map_err(text)?;
            Ok(shown(&find(gateway, id).await?))
        }
    }
}

async fn find(gateway: &Gateway, id: i64) -> Result<LimitRequest, String> {
    let all = gateway.accounts.list_limit_requests(None).await.map_err(text)?;
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
