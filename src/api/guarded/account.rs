//! `GET /api/suppressions`, `GET /api/templates`, `GET /api/usage`: what a program asks before it sends, for keys that are
//! good for reading.

use super::{
    lists::allowed,
    paging::{self, PAGE, Paging},
};
use crate::{
    accounts::{Account, AccountError, Caller, Scope, usage},
    gateway::Gateway,
    instances::{
        self,
        templates::{self, KnownTemplate},
    },
    model::{clock::Time, code::Code, ids::InstanceId},
    people::suppression,
    store::{StoreError, Tx},
    web::{Incoming, problem},
};
use serde_json::{Value, json};
use warp::reply::Response;

/// `GET /api/suppressions?since=&limit=&cursor=`: who is not written to. It holds for the whole account, so each key sees
/// all of it.
pub async fn suppressions(gateway: &Gateway, caller: Caller, incoming: Incoming) -> Response {
    if let Some(refused) = paging::unless_reader(caller) {
        return refused;
    }
    let query = paging::read_query(&incoming.query, &[], &PAGE);
    let paging = match query.and_then(|query| Paging::read(&query, 's')) {
        Ok(paging) => paging,
        Err(bad) => return bad.into_response(),
    };
    let Paging { since, after, limit } = paging;
    let read = gateway.store.read(move |tx| suppression::newest(tx, caller.account, since, after, limit + 1));
    match read.await {
        Ok(rows) => {
            let rows = rows.into_iter().map(|(row, one)| ((one.since, row), json!(one))).collect();
            paging::page(&incoming, rows, limit, 's')
        }
        Err(e) => problem::internal(&e, &incoming.request_id),
    }
}

/// `GET /api/templates?instance_id=`: what the providers have told of the templates of the key's instances.
pub async fn templates(gateway: &Gateway, caller: Caller, incoming: Incoming) -> Response {
    if let Some(refused) = paging::unless_reader(caller) {
        return refused;
    }
    let wanted = match paging::read_query(&incoming.query, &["instance_id"], &[]) {
        Ok(query) => query.some("instance_id").map(str::to_owned),
        Err(bad) => return bad.into_response(),
    };
    let read = gateway.store.read(move |tx| {
        let mut ids: Vec<InstanceId> =
            instances::list(tx, Scope::Account(caller.account))?.into_iter().map(|instance| instance.id).collect();
        if let Some(allowed) = allowed(tx, caller)? {
            ids.retain(|id| allowed.iter().any(|one| one == id.as_str()));
        }
        ids.retain(|id| wanted.as_ref().is_none_or(|one| one == id.as_str()));
        let mut all = Vec::new();
        for id in ids {
            all.extend(templates::list(tx, &id)?.iter().map(|template| shown_template(&id, template)));
        }
        Ok::<_, StoreError>(all)
    });
    match read.await {
        Ok(all) => paging::answer(&incoming, &json!({"data": all})),
        Err(e) => problem::internal(&e, &incoming.request_id),
    }
}

/// `GET /api/usage`: how much of the plan is used, in the account's own day and month.
pub async fn usage(gateway: &Gateway, caller: Caller, incoming: Incoming) -> Response {
    if let Some(refused) = paging::unless_reader(caller) {
        return refused;
    }
    if let Err(bad) = paging::read_query(&incoming.query, &[], &[]) {
        return bad.into_response();
    }
    let now = gateway.clock.now();
    match gateway.store.read(move |tx| used(tx, caller, now)).await {
        Ok(body) => paging::answer(&incoming, &body),
        Err(AccountError::Store(e)) => problem::internal(&e, &incoming.request_id),
        // Its account went since the key was let in.
        Err(_) => problem::code(Code::InvalidApiKey),
    }
}

fn used(tx: &Tx<'_>, caller: Caller, now: Time) -> Result<Value, AccountError> {
    let account = Account::find(tx, caller.account, now)?;
    let period = account.zone().period(now);
    let used = usage::of(tx, &[(account.id, period.clone())])?.into_iter().next().unwrap_or_default();
    let left = |limit: Option<u64>, used: u64| limit.map(|limit| limit.saturating_sub(used));
    Ok(json!({
        "plan": account.plan,
        "plan_until": account.plan_until,
        "timezone": account.timezone,
        "day": {"period": period.day, "used": used.day, "limit": account.daily_limit,
            "remaining": left(account.daily_limit, used.day)},
        "month": {"period": period.month, "used": used.month, "limit": account.monthly_limit,
            "remaining": left(account.monthly_limit, used.month)},
    }))
}

fn shown_template(instance: &InstanceId, known: &KnownTemplate) -> Value {
    json!({
        "instance_id": instance,
        "template_name": known.template.name,
        "language": known.template.language,
        "category": known.category,
        "status": known.status,
        "quality": known.quality,
        "reason": known.reason,
        "text": known.body,
        "variables": known.slots.as_ref().map(Vec::len),
        "can_be_sent": known.is_ready(),
        "updated_at": known.updated_at,
    })
}
