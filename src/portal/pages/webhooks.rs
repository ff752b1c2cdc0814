//! `/webhooks`: endpoints, a new one, and each delivery with its attempts; re-sent. What is changed of one is in
//! `webhook.rs`.

use super::too_many;
use crate::{
    accounts::Scope,
    events::webhooks::{
        self, Attempt, Delivery, Endpoint, EndpointId, EventName, Filter, NewEndpoint, WebhookError, own_headers,
    },
    gateway::Gateway,
    instances,
    model::ids::InstanceId,
    portal::{PageContext, PageError, page_error::see_other},
    store::Tx,
};
use ::http::StatusCode;
use askama::Template;
use std::collections::{BTreeMap, HashMap};
use warp::reply::Response;

const ROWS: u32 = 100;

#[derive(Template)]
#[template(path = "webhooks.html", config = "assets/askama.toml")]
struct WebhooksPage<'a> {
    v: &'a PageContext,
    endpoints: Vec<Endpoint>,
    waiting: HashMap<EndpointId, u64>,
    deliveries: Vec<Delivery>,
    /// The query of the next page; none: this is the last one.
    next: Option<String>,
    instances: Vec<String>,
    secret: Option<String>,
    /// Headers that were just set: shown this once.
    headers: BTreeMap<String, String>,
    problem: String,
    /// Whether an entry of the list of private addresses would let the address pass.
    missing_entry: String,
}

/// The events as the form offers them: a group's word, and what is in it.
pub(super) const GROUPS: &[(&str, &[EventName])] = &[
    ("recommended", RECOMMENDED),
    ("message", &[EventName::MessageDelivered, EventName::MessageRead, EventName::MessageStatusUpdated]),
    (
        "instance",
        &[
            EventName::InstanceConnected,
            EventName::InstanceDisconnected,
            EventName::InstanceConnectionUpdated,
            EventName::InstanceQrUpdated,
        ],
    ),
    ("conversation", &[EventName::ConversationUpdated]),
    ("call", &[EventName::CallReceived, EventName::CallMissed, EventName::CallRejected]),
    ("group", &[EventName::GroupMessageReceived, EventName::GroupUpdated]),
];

/// What nearly everybody wants to hear; ticked until somebody chooses.
const RECOMMENDED: &[EventName] =
    &[EventName::MessageReceived, EventName::MessageSent, EventName::MessageFailed, EventName::RecipientOptedOut];

#[derive(Template)]
#[template(path = "delivery.html", config = "assets/askama.toml")]
struct DeliveryPage<'a> {
    v: &'a PageContext,
    d: Delivery,
    url: String,
    attempts: Vec<Attempt>,
    body: String,
}

/// `GET /webhooks?failed=&endpoint=&event=&before=`.
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
    let made = match own_headers::parse(v.form.raw("headers").lines()) {
        Ok(headers) => {
            let new = NewEndpoint {
                account,
                instance: v.form.some("instance").map(InstanceId::from_text),
                url: v.form.text("url").to_owned(),
                events: v.form.all("event").map(str::to_owned).collect(),
                headers: headers.clone(),
            };
            gateway.webhooks.create(new, v.actor()).await.map(|(_, secret)| (secret, headers))
        }
        Err(e) => Err(e),
    };
    match made {
        Ok((secret, headers)) => {
            let secret = Some(secret.as_str().to_owned());
            Ok(v.page(&WebhooksPage { secret, headers, ..page(gateway, v).await? }))
        }
        Err(WebhookError::NotFound(_)) => Err(PageError::NotFound),
        Err(e) => {
            let missing_entry = missing_entry(&e);
            let problem = PageError::from(e).user_message(v)?;
            let page = WebhooksPage { problem, missing_entry, ..page(gateway, v).await? };
            Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}

/// `GET /webhooks/deliveries/{id}`.
///
/// # Errors
/// No such delivery, or another account's.
pub async fn delivery(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let (id, scope) = (v.segment().parse().map_err(|_| PageError::NotFound)?, v.scope()?);
    let read = gateway.store.read(move |tx| {
        let Some((d, endpoint)) = find_delivery(tx, id, scope)? else { return Ok::<_, WebhookError>(None) };
        let body = webhooks::event_body(tx, &d.event_id)?;
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
    let asked = Filter {
        endpoint: v.query.parsed::<i64>("endpoint").map(EndpointId),
        event: EventName::parse(v.query.text("event")),
        failed: v.query.is_on("failed"),
        before: v.query.parsed("before"),
        limit: ROWS + 1,
    };
    let read = gateway.store.read(move |tx| figures(tx, scope, &asked));
    let WebhookFigures { endpoints, mut deliveries, instances, waiting } = read.await?;
    let more = deliveries.len() > ROWS as usize;
    deliveries.truncate(ROWS as usize);
    let next = deliveries.last().filter(|_| more).map(|last| v.query.with("before", &last.id.to_string()));
    Ok(WebhooksPage {
        v,
        waiting,
        endpoints,
        deliveries,
        next,
        instances,
        secret: None,
        headers: BTreeMap::new(),
        problem: String::new(),
        missing_entry: String::new(),
    })
}

/// What one read brings.
struct WebhookFigures {
    endpoints: Vec<Endpoint>,
    deliveries: Vec<Delivery>,
    instances: Vec<String>,
    waiting: HashMap<EndpointId, u64>,
}

fn figures(tx: &Tx<'_>, scope: Scope, asked: &Filter) -> Result<WebhookFigures, WebhookError> {
    let mut endpoints = webhooks::list_endpoints(tx)?;
    endpoints.retain(|e| scope.sees(e.account_id));
    let mut deliveries = Vec::new();
    for endpoint in endpoints.iter().map(|e| e.id).filter(|id| asked.endpoint.is_none_or(|asked| asked == *id)) {
        let filter = Filter { endpoint: Some(endpoint), ..asked.clone() };
        deliveries.extend(webhooks::list_deliveries(tx, &filter)?);
    }
    deliveries.sort_by_key(|d| std::cmp::Reverse(d.id));
    deliveries.truncate(asked.limit as usize);
    let instances = instances::list(tx, scope)?.into_iter().map(|i| i.id.to_string()).collect();
    // How far a resend has come: what was failed waits, and becomes fewer.
    Ok(WebhookFigures { waiting: webhooks::waiting(tx)?, endpoints, deliveries, instances })
}

/// Where an endpoint's events go; empty for one that is not on the page.
fn url_of<'a>(endpoints: &'a [Endpoint], id: &EndpointId) -> &'a str {
    endpoints.iter().find(|e| e.id == *id).map_or("", |e| e.destination_url.as_str())
}

/// The entry of the list of private addresses that would let the address pass; empty: none would.
pub(super) fn missing_entry(e: &WebhookError) -> String {
    let WebhookError::Invalid(why) = e else { return String::new() };
    why.figures().iter().find(|(name, _)| *name == "entry").map_or_else(String::new, |(_, entry)| entry.clone())
}

/// Where the owner of an endpoint that is not the customer's own is changed.
pub(super) fn manager_link(endpoint: &Endpoint) -> Option<String> {
    let (manager, id) = endpoint.managed_by.as_deref()?.split_once(':')?;
    match manager {
        "chattu" => Some(format!("/instances/{id}/manage?tab=webhook")),
        _ => Some(format!("/integrations/3cx/{id}")),
    }
}

/// How an endpoint stands: its word's key, and the tone of its mark.
pub(super) fn standing(endpoint: &Endpoint) -> (&'static str, &'static str) {
    match (endpoint.disabled_at, endpoint.failing_since) {
        (Some(_), _) => ("webhooks.off", "bad"),
        (None, Some(_)) => ("webhooks.failing", "bad"),
        (None, None) => ("webhooks.on", "on"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_offered_once() {
        let mut offered: Vec<&str> = GROUPS.iter().flat_map(|(_, events)| *events).map(|n| n.as_str()).collect();
        let mut all: Vec<&str> = EventName::ALL.iter().map(|n| n.as_str()).filter(|n| *n != "test").collect();
        offered.sort_unstable();
        all.sort_unstable();
        assert_eq!(offered, all);
    }
}
