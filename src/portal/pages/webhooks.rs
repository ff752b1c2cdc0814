//! `/webhooks`: endpoints, and each delivery with its attempts; made, rotated, tested, switched off and on; re-sent.

use super::too_many;
use crate::{
    accounts::Scope,
    events::webhooks::{self, Attempt, Delivery, Endpoint, EndpointId, EventName, Filter, NewEndpoint, WebhookError},
    gateway::Gateway,
    instances,
    model::ids::InstanceId,
    portal::{PageContext, PageError, page_error::see_other},
    store::Tx,
};
use ::http::StatusCode;
use askama::Template;
use std::collections::HashMap;
use warp::reply::Response;

const ROWS: u32 = 100;

#[derive(Template)]
#[template(path = "webhooks.html", config = "assets/askama.toml")]
struct WebhooksPage<'a> {
    v: &'a PageContext,
    endpoints: Vec<Endpoint>,
    waiting: HashMap<i64, u64>,
    deliveries: Vec<Delivery>,
    instances: Vec<String>,
    events: Vec<&'static str>,
    secret: Option<String>,
    problem: String,
}

#[derive(Template)]
#[template(path = "delivery.html", config = "assets/askama.toml")]
struct DeliveryPage<'a> {
    v: &'a PageContext,
    d: Delivery,
    url: String,
    attempts: Vec<Attempt>,
    body: String,
}

/// `GET /webhooks?failed=&endpoint=`.
pub async fn list(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&page(gateway, v).await?))
}

/// `POST /webhooks`: the secret is on the answer, and nowhere after it.
///
/// # Errors
/// No account is chosen.
pub async fn create(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let account = v.account()?;
    let there = gateway.webhooks.list().await?.iter().filter(|endpoint| endpoint.account_id == account).count();
    if let Some(problem) = too_many(gateway, v, there) {
        let page = WebhooksPage { problem, ..page(gateway, v).await? };
        return Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY));
    }
    let new = NewEndpoint {
        account: v.account()?,
        instance: v.form.some("instance").map(InstanceId::from_text),
        url: v.form.text("url").to_owned(),
        events: v.form.all("event").map(str::to_owned).collect(),
    };
    match gateway.webhooks.create(new, v.actor()).await {
        Ok((_, secret)) => {
            Ok(v.page(&WebhooksPage { secret: Some(secret.as_str().to_owned()), ..page(gateway, v).await? }))
        }
        Err(WebhookError::NotFound(_)) => Err(PageError::NotFound),
        Err(e) => {
            let page = WebhooksPage { problem: PageError::from(e).user_message(v)?, ..page(gateway, v).await? };
            Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}

/// `POST /webhooks/{id}`: `rotate`, `test`, `enable`, `disable` or `delete`.
///
/// # Errors
/// No such endpoint, or another account's.
pub async fn change(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let id = own_endpoint(gateway, v, v.segment().parse().map_err(|_| PageError::NotFound)?).await?.id;
    let webhooks = &gateway.webhooks;
    let done = match v.form.text("do") {
        "rotate" => {
            let secret = webhooks.rotate(id, v.actor()).await?;
            return Ok(v.page(&WebhooksPage { secret: Some(secret.as_str().to_owned()), ..page(gateway, v).await? }));
        }
        "test" => {
            let delivery = webhooks.test(id).await?;
            return Ok(see_other(&format!("/webhooks/deliveries/{delivery}?done=queued")));
        }
        "enable" => webhooks.enable(id, v.actor()).await.map(|()| "endpoint_on")?,
        "disable" => webhooks.disable(id, "switched off by hand", v.actor()).await.map(|()| "endpoint_off")?,
        "delete" => webhooks.delete(id, v.actor()).await.map(|()| "endpoint_gone")?,
        _ => return Err(PageError::NotFound),
    };
    Ok(see_other(&format!("/webhooks?done={done}")))
}

/// `GET /webhooks/deliveries/{id}`.
///
/// # Errors
/// No such delivery, or another account's.
pub async fn delivery(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let (id, scope) = (v.segment().parse().map_err(|_| PageError::NotFound)?, v.scope()?);
    let read = gateway.store.read(move |tx| {
        let Some((d, endpoint)) = find_delivery(tx, id, scope)? else { return Ok::<_, WebhookError>(None) };
        let sql = "SELECT body FROM events WHERE event_id = ?1";
        let body = tx.find(sql, rusqlite::params![d.event_id], |r| r.get::<_, String>(0))?;
        Ok(Some((webhooks::attempts(tx, d.id)?, body.unwrap_or_default(), endpoint, d)))
    });
    let (attempts, body, endpoint, d) = read.await?.ok_or(PageError::NotFound)?;
    let body = serde_json::from_str::<serde_json::Value>(&body)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or(body);
    Ok(v.page(&DeliveryPage { v, url: endpoint.destination_url, attempts, body, d }))
}

/// `POST /webhooks/deliveries/{id}/resend`: the same id and bytes, a new timestamp.
///
/// # Errors
/// No such delivery, or another account's.
pub async fn resend(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let (delivery, _) = own_delivery(gateway, v).await?;
    gateway.webhooks.resend(delivery.id).await?;
    Ok(see_other(&format!("/webhooks/deliveries/{}?done=queued", delivery.id)))
}

/// `POST /webhooks/{id}/resend-failed`: all of an endpoint that failed since a day.
///
/// # Errors
/// No such endpoint, or another account's.
pub async fn resend_failed(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let endpoint = own_endpoint(gateway, v, v.segment().parse().map_err(|_| PageError::NotFound)?).await?;
    let since = super::messages::day_start(v, v.form.text("since"), 0);
    let since = since.ok_or_else(|| PageError::Invalid(v.t("webhooks.since_bad").to_owned()))?;
    gateway.webhooks.resend_failed(since, Some(endpoint.id)).await?;
    Ok(see_other("/webhooks?done=queued"))
}

async fn own_endpoint(gateway: &Gateway, v: &PageContext, id: i64) -> Result<Endpoint, PageError> {
    let scope = v.scope()?;
    let mine = |e: &Endpoint| scope.sees(e.account_id);
    let all = gateway.webhooks.list().await?;
    all.into_iter().find(|e| e.id == EndpointId(id)).filter(mine).ok_or(PageError::NotFound)
}

async fn own_delivery(gateway: &Gateway, v: &PageContext) -> Result<(Delivery, Endpoint), PageError> {
    let (id, scope) = (v.segment().parse().map_err(|_| PageError::NotFound)?, v.scope()?);
    let found = gateway.store.read(move |tx| find_delivery(tx, id, scope)).await?;
    found.ok_or(PageError::NotFound)
}

fn find_delivery(tx: &Tx<'_>, id: i64, scope: Scope) -> Result<Option<(Delivery, Endpoint)>, WebhookError> {
    let Some(delivery) = webhooks::find_delivery(tx, id)? else { return Ok(None) };
    let endpoint = webhooks::list_endpoints(tx)?.into_iter().find(|e| e.id == delivery.endpoint_id);
    let endpoint = endpoint.filter(|e| scope.sees(e.account_id));
    Ok(endpoint.map(|endpoint| (delivery, endpoint)))
}

async fn page<'a>(gateway: &Gateway, v: &'a PageContext) -> Result<WebhooksPage<'a>, PageError> {
    let scope = v.scope()?;
    let (asked, failed) = (v.query.parsed::<i64>("endpoint").map(EndpointId), v.query.is_on("failed"));
    let read = gateway.store.read(move |tx| figures(tx, scope, asked, failed));
    let WebhookFigures { endpoints, deliveries, instances, waiting } = read.await?;
    let events = EventName::ALL.iter().filter(|n| **n != EventName::Test).map(|n| n.as_str()).collect();
    Ok(WebhooksPage { v, waiting, endpoints, deliveries, instances, events, secret: None, problem: String::new() })
}

/// What one read brings.
struct WebhookFigures {
    endpoints: Vec<Endpoint>,
    deliveries: Vec<Delivery>,
    instances: Vec<String>,
    waiting: HashMap<i64, u64>,
}

fn figures(tx: &Tx<'_>, scope: Scope, asked: Option<EndpointId>, failed: bool) -> Result<WebhookFigures, WebhookError> {
    let mut endpoints = webhooks::list_endpoints(tx)?;
    endpoints.retain(|e| scope.sees(e.account_id));
    let mut deliveries = Vec::new();
    for endpoint in endpoints.iter().map(|e| e.id).filter(|id| asked.is_none_or(|asked| asked == *id)) {
        let filter = Filter { endpoint: Some(endpoint), failed, limit: ROWS };
        deliveries.extend(webhooks::list_deliveries(tx, &filter)?);
    }
    deliveries.sort_by_key(|d| std::cmp::Reverse(d.id));
    deliveries.truncate(ROWS as usize);
    let instances = instances::list(tx, scope)?.into_iter().map(|i| i.id.to_string()).collect();
    // How far a resend has come: what was failed waits, and becomes fewer.
    let sql = "SELECT endpoint_id, count(*) FROM deliveries WHERE state = 'pending' GROUP BY endpoint_id";
    let waiting = tx.list(sql, [], |r| Ok((r.get::<_, i64>(0)?, r.get::<_, u64>(1)?)))?.into_iter().collect();
    Ok(WebhookFigures { endpoints, deliveries, instances, waiting })
}

/// Where an endpoint's events go; empty for one that is not on the page.
fn url_of<'a>(endpoints: &'a [Endpoint], id: &EndpointId) -> &'a str {
    endpoints.iter().find(|e| e.id == *id).map_or("", |e| e.destination_url.as_str())
}

/// Whether an event is chosen in the form: as it was sent where that had a problem, else what is usual.
fn is_ticked(v: &PageContext, problem: &str, name: &str) -> bool {
    if problem.is_empty() { is_usual(name) } else { v.form.all("event").any(|chosen| chosen == name) }
}

/// What nearly everybody wants to hear: answers, and who wants no more.
fn is_usual(name: &str) -> bool {
    [EventName::MessageReceived, EventName::RecipientOptedOut].iter().any(|usual| usual.as_str() == name)
}
