//! `/api-keys`: made, shown once, revoked.

use super::too_many;
use crate::{
    accounts::{self, AccountError, ApiKey, KeyAddresses, KeyKind, KeyScope, KeyScopes, NewKey, Scope},
    gateway::Gateway,
    instances::{self, Instance},
    model::{
        clock::Time,
        ids::{InstanceId, KeyId},
        purpose::Purpose,
    },
    portal::{PageContext, PageError, page_error::see_other},
};
use ::http::StatusCode;
use askama::Template;
use warp::reply::Response;

#[derive(Template)]
#[template(path = "keys.html", config = "assets/askama.toml")]
struct KeysPage<'a> {
    v: &'a PageContext,
    keys: Vec<ApiKey>,
    instances: Vec<Instance>,
    made: Option<String>,
    problem: String,
    sample: String,
}

/// `GET /api-keys`.
///
/// # Errors
/// No account is chosen.
pub async fn list(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&page(gateway, v).await?))
}

/// `POST /api-keys`: the key's text is on the answer, and nowhere after it.
pub async fn create(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let there = gateway.accounts.list_keys(v.account()?).await?.iter().filter(|key| key.revoked_at.is_none()).count();
    if let Some(problem) = too_many(gateway, v, there) {
        return again(gateway, v, problem).await;
    }
    let expires_at = match v.form.some("expires") {
        None => None,
        Some(day) => match super::messages::day_start(v, day, 1).filter(|end| *end > v.now) {
            Some(end) => Some(end),
            None => return again(gateway, v, v.t("keys.expires_bad").to_owned()).await,
        },
    };
    let kind = KeyKind::parse(v.form.text("kind")).unwrap_or(KeyKind::Bearer);
    let scopes: Vec<KeyScope> = v.form.all("scope").filter_map(KeyScope::parse).collect();
    if scopes.is_empty() {
        return again(gateway, v, v.t("keys.scopes_none").to_owned()).await;
    }
    let typed = v.form.text("addresses").split([',', ' ', '\n', '\r']).filter(|one| !one.is_empty()).map(str::to_owned);
    let addresses = match KeyAddresses::of(&typed.collect::<Vec<_>>()) {
        Ok(addresses) => addresses,
        Err(why) => return again(gateway, v, v.why(&why)).await,
    };
    let new = NewKey {
        account: v.account()?,
        name: v.form.some("name").unwrap_or("key").to_owned(),
        instances: v.form.all("instance").map(InstanceId::from_text).collect(),
        kind,
        purpose: Purpose::parse(v.form.text("purpose")).unwrap_or(Purpose::Transactional),
        scopes: KeyScopes::of(&scopes),
        addresses,
        expires_at,
    };
    match gateway.accounts.create_key(new, v.actor()).await {
        Ok((_, text)) => {
            let made = page(gateway, v).await?;
            let sample = made.sample.replace("YOUR_API_KEY", &text);
            Ok(v.page(&KeysPage { made: Some(text), sample, ..made }))
        }
        Err(AccountError::NotFound(_)) => again(gateway, v, v.t("keys.no_instance").to_owned()).await,
        Err(e) => again(gateway, v, PageError::from(e).user_message(v)?).await,
    }
}

/// `POST /api-keys/{id}/revoke`: in force when it answers.
///
/// # Errors
/// No such key, or another account's.
pub async fn revoke(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let key = own(gateway, v).await?;
    gateway.accounts.revoke_key(key.id, v.actor()).await?;
    Ok(see_other("/api-keys?done=revoked"))
}

/// `POST /api-keys/{id}/purpose`: why messages of a key of the Chattu dialect are sent whose request does not say.
///
/// # Errors
/// No such key of that dialect, or another account's.
pub async fn purpose(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let key = own(gateway, v).await?;
    let (Some(_), None, Some(purpose)) = (key.purpose, key.revoked_at, Purpose::parse(v.form.text("purpose"))) else {
        return Err(PageError::NotFound);
    };
    gateway.accounts.set_key_purpose(key.id, purpose, v.actor()).await?;
    Ok(see_other("/api-keys?done=saved"))
}

/// The key that the path names, if it is the account's.
async fn own(gateway: &Gateway, v: &PageContext) -> Result<ApiKey, PageError> {
    let id = KeyId(v.segment().parse().map_err(|_| PageError::NotFound)?);
    let keys = gateway.accounts.list_keys(v.account()?).await?;
    keys.into_iter().find(|key| key.id == id).ok_or(PageError::NotFound)
}

async fn again(gateway: &Gateway, v: &PageContext, problem: String) -> Result<Response, PageError> {
    let page = KeysPage { problem, ..page(gateway, v).await? };
    Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY))
}

async fn page<'a>(gateway: &Gateway, v: &'a PageContext) -> Result<KeysPage<'a>, PageError> {
    let account = v.account()?;
    let read = gateway.store.read(move |tx| {
        Ok::<_, AccountError>((accounts::list_keys(tx, account)?, instances::list(tx, Scope::Account(account))?))
    });
    let (keys, instances) = read.await?;
    let kind = KeyKind::parse(v.form.text("kind")).unwrap_or(KeyKind::Bearer);
    let chosen = v.form.some("instance").map(str::to_owned);
    let first = chosen.or_else(|| super::messages::for_sample(&instances));
    let sample = super::messages::sample(v, first.as_ref(), kind);
    Ok(KeysPage { v, keys, instances, made: None, problem: String::new(), sample })
}

/// How a key stands: `on`, `expired`, `revoked`.
fn standing(key: &ApiKey, now: &Time) -> &'static str {
    match (key.revoked_at, key.expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(end)) if end <= *now => "expired",
        _ => "on",
    }
}
