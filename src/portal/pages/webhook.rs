//! `/webhooks/{id}`: one endpoint; changed, rotated, tested, switched off and on, deleted; what failed is sent again.

use super::webhooks::{GROUPS, manager_link, missing_entry, standing};
use crate::{
    accounts::Scope,
    events::webhooks::{self, Endpoint, EndpointChange, EndpointId, LateDeliveries, WebhookError, own_headers},
    gateway::Gateway,
    instances,
    model::ids::InstanceId,
    portal::{PageContext, PageError, page_error::see_other},
    store::Tx,
};
use ::http::StatusCode;
use askama::Template;
use std::{collections::BTreeMap, fmt::Display};
use warp::reply::Response;

#[derive(Template)]
#[template(path = "webhook.html", config = "assets/askama.toml")]
struct WebhookPage<'a> {
    v: &'a PageContext,
    e: Endpoint,
    /// Deliveries that wait.
    waiting: u64,
    lately: LateDeliveries,
    /// Of the endpoint's account.
    instances: Vec<String>,
    secret: Option<String>,
    /// Headers that were just set: shown this once.
    headers: BTreeMap<String, String>,
    problem: String,
    /// Whether an entry of the list of private addresses would let the address pass.
    missing_entry: String,
}

impl WebhookPage<'_> {
    /// How its newest deliveries went, in a sentence; empty: there are none.
    fn how_lately(&self) -> String {
        let (v, LateDeliveries { all, delivered, median_ms }) = (self.v, self.lately);
        let n = v.number(all);
        match median_ms {
            Some(ms) => {
                let figures: [(&str, &dyn Display); 3] =
                    [("n", &n), ("delivered", &v.number(delivered)), ("ms", &v.number(ms))];
                v.fill_all("webhooks.lately_arrived", &figures)
            }
            None if all > 0 => v.fill("webhooks.lately_none", "n", n),
            None => String::new(),
        }
    }

    /// What is wrong, if it is this of the page's forms that was sent: the others show what is stored.
    fn told_of(&self, form: &str) -> &str {
        if self.v.form.text("do") == form { &self.problem } else { "" }
    }

    fn is_of(&self, instance: &str) -> bool {
        self.e.instance_id.as_ref().is_some_and(|id| id.as_str() == instance)
    }

    fn wants(&self, event: &str) -> bool {
        self.e.events.iter().any(|name| name == event)
    }
}

/// `GET /webhooks/{id}`.
///
/// # Errors
/// No such endpoint, or another account's.
pub async fn show(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    Ok(v.page(&page(gateway, v).await?))
}

/// `POST /webhooks/{id}`: `change` with `url`, `instance` and `event`, `headers`, `rotate`, `test`, `enable`, `disable` or
/// `delete`.
///
/// # Errors
/// No such endpoint, or another account's.
pub async fn change(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let WebhookPage { e: Endpoint { id, .. }, .. } = page(gateway, v).await?;
    let webhooks = &gateway.webhooks;
    let done = match v.form.text("do") {
        "change" => {
            let wanted = EndpointChange {
                url: Some(v.form.text("url").to_owned()),
                instance: Some(v.form.some("instance").map(InstanceId::from_text)),
                events: Some(v.form.all("event").map(str::to_owned).collect()),
                headers: None,
            };
            match webhooks.change(id, wanted, v.actor()).await {
                Ok(()) => "saved",
                Err(e) => return refused(gateway, v, e).await,
            }
        }
        "headers" => return set_headers(gateway, v, id).await,
        "rotate" => {
            let secret = webhooks.rotate(id, v.actor()).await?;
            return Ok(v.page(&WebhookPage { secret: Some(secret.as_str().to_owned()), ..page(gateway, v).await? }));
        }
        "test" => {
            let delivery = webhooks.test(id).await?;
            return Ok(see_other(&format!("/webhooks/deliveries/{delivery}?done=queued")));
        }
        "enable" => webhooks.enable(id, v.actor()).await.map(|()| "endpoint_on")?,
        "disable" => webhooks.disable(id, v.actor()).await.map(|()| "endpoint_off")?,
        "delete" => {
            webhooks.delete(id, v.actor()).await?;
            return Ok(see_other("/webhooks?done=endpoint_gone"));
        }
        _ => return Err(PageError::NotFound),
    };
    Ok(see_other(&format!("/webhooks/{id}?done={done}")))
}

/// `POST /webhooks/{id}/resend-failed`: all of an endpoint that failed since a day.
///
/// # Errors
/// No such endpoint, or another account's.
pub async fn resend_failed(gateway: &Gateway, v: &PageContext) -> Result<Response, PageError> {
    let WebhookPage { e: Endpoint { id, .. }, .. } = page(gateway, v).await?;
    match super::messages::day_start(v, v.form.text("since"), 0) {
        Some(since) => gateway.webhooks.resend_failed(since, Some(id)).await?,
        None => return again(gateway, v, v.t("webhooks.since_bad").to_owned(), String::new()).await,
    };
    Ok(see_other(&format!("/webhooks?endpoint={id}&done=queued")))
}

async fn set_headers(gateway: &Gateway, v: &PageContext, id: EndpointId) -> Result<Response, PageError> {
    let headers = match own_headers::parse(v.form.raw("headers").lines()) {
        Ok(headers) => headers,
        Err(e) => return refused(gateway, v, e).await,
    };
    let wanted = EndpointChange { headers: Some(headers.clone()), ..EndpointChange::default() };
    match gateway.webhooks.change(id, wanted, v.actor()).await {
        Ok(()) if headers.is_empty() => Ok(see_other(&format!("/webhooks/{id}?done=saved"))),
        Ok(()) => Ok(v.page(&WebhookPage { headers, ..page(gateway, v).await? })),
        Err(e) => refused(gateway, v, e).await,
    }
}

async fn refused(gateway: &Gateway, v: &PageContext, e: WebhookError) -> Result<Response, PageError> {
    let missing_entry = missing_entry(&e);
    let problem = PageError::from(e).user_message(v)?;
    again(gateway, v, problem, missing_entry).await
}

async fn again(
    gateway: &Gateway,
    v: &PageContext,
    problem: String,
    missing_entry: String,
) -> Result<Response, PageError> {
    let page = WebhookPage { problem, missing_entry, ..page(gateway, v).await? };
    Ok(v.page_with(&page, StatusCode::UNPROCESSABLE_ENTITY))
}

async fn page<'a>(gateway: &Gateway, v: &'a PageContext) -> Result<WebhookPage<'a>, PageError> {
    let id = EndpointId(v.segment().parse().map_err(|_| PageError::NotFound)?);
    let scope = v.scope()?;
    let found = gateway.store.read(move |tx| facts(tx, id, scope)).await?;
    let EndpointFacts { endpoint: e, waiting, lately, instances } = found.ok_or(PageError::NotFound)?;
    let (problem, headers) = (String::new(), BTreeMap::new());
    Ok(WebhookPage { v, e, waiting, lately, instances, secret: None, headers, problem, missing_entry: String::new() })
}

/// What one read brings.
struct EndpointFacts {
    endpoint: Endpoint,
    waiting: u64,
    lately: LateDeliveries,
    /// Of its account.
    instances: Vec<String>,
}

fn facts(tx: &Tx<'_>, id: EndpointId, scope: Scope) -> Result<Option<EndpointFacts>, WebhookError> {
    let found = webhooks::list_endpoints(tx)?.into_iter().find(|e| e.id == id && scope.sees(e.account_id));
    let Some(endpoint) = found else { return Ok(None) };
    let mut instances = instances::list(tx, scope)?;
    instances.retain(|i| i.account_id == endpoint.account_id);
    let instances = instances.into_iter().map(|i| i.id.to_string()).collect();
    let waiting = webhooks::waiting(tx)?.get(&id).copied().unwrap_or_default();
    Ok(Some(EndpointFacts { endpoint, waiting, lately: webhooks::how_lately(tx, id)?, instances }))
}
