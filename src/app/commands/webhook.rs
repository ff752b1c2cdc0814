//! `wa-gateway webhook …`

use super::{
    CLI, CommandResult, Execute, group, text,
    values::{listed, parse_time},
};
use crate::{
    dialects::AppState,
    events::webhooks::{EndpointChange, EndpointId, Filter, NewEndpoint, own_headers},
    model::ids::{AccountId, InstanceId},
};
use clap::{ArgGroup, Args};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Display;

group! { WebhookCommand is Webhook:
    Create(WebhookCreate),
    List(WebhookList),
    Set(WebhookSet),
    Test(WebhookTest),
    Rotate(WebhookRotate),
    Enable(WebhookEnable),
    Disable(WebhookDisable),
    Delete(WebhookDelete),
    Deliveries(WebhookDeliveries),
    Resend(WebhookResend),
}

/// Deliveries that are listed at most.
const LISTED: u32 = 200;

/// Make an endpoint; its secret is shown once
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct WebhookCreate {
    /// Whose
    #[arg(long)]
    pub account: i64,
    /// Of one instance; without it, of all of the account
    #[arg(long)]
    pub instance: Option<String>,
    /// Where events go: https://…, or a place in a broker: nats://…, amqp://…, mqtt://… (see the documentation)
    #[arg(long)]
    pub url: String,
    /// Which events
    #[arg(long, value_delimiter = ',', required = true)]
    pub events: Vec<String>,
    /// A header that goes with each delivery, such as "Authorization: Bearer …"; kept sealed
    #[arg(long = "header", value_name = "NAME: VALUE")]
    pub headers: Vec<String>,
}

impl Execute for WebhookCreate {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let (account, instance) = (AccountId(self.account), self.instance.map(InstanceId::from_text));
        let headers = own_headers::parse(self.headers.iter().map(String::as_str)).map_err(text)?;
        let (url, events) = (self.url, listed(&self.events));
        let new = NewEndpoint { account, instance, url, events, headers: headers.clone() };
        let (id, secret) = gateway.webhooks.create(new, CLI).await.map_err(text)?;
        let mut made = json!({"ok": true, "id": id, "secret": secret.as_str()});
        if !headers.is_empty() {
            made["headers"] = json!(headers);
        }
        Ok(made)
    }
}

/// Show all endpoints
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct WebhookList;

impl Execute for WebhookList {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        Ok(json!(gateway.webhooks.list().await.map_err(text)?))
    }
}

/// Change an endpoint: what is not named stays. Headers are shown this once
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
#[command(group = ArgGroup::new("what").required(true).multiple(true))]
pub struct WebhookSet {
    /// Its id
    pub id: i64,
    /// Where events go from now on, also those that wait
    #[arg(long, group = "what")]
    pub url: Option<String>,
    /// Which events
    #[arg(long, value_delimiter = ',', group = "what")]
    pub events: Vec<String>,
    /// Of one instance alone
    #[arg(long, group = "what", conflicts_with = "all_instances")]
    pub instance: Option<String>,
    /// Of all instances of the account
    #[arg(long, group = "what")]
    pub all_instances: bool,
    /// All headers that go with each delivery from now on
    #[arg(long = "header", value_name = "NAME: VALUE", group = "what")]
    pub headers: Vec<String>,
    /// No headers of its own any more
    #[arg(long, group = "what", conflicts_with = "headers")]
    pub no_headers: bool,
}

impl Execute for WebhookSet {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let headers = own_headers::parse(self.headers.iter().map(String::as_str)).map_err(text)?;
        let wanted = EndpointChange {
            url: self.url,
            instance: self.instance.map(|id| Some(InstanceId::from_text(id))).or(self.all_instances.then_some(None)),
            events: (!self.events.is_empty()).then(|| listed(&self.events)),
            headers: (self.no_headers || !headers.is_empty()).then(|| headers.clone()),
        };
        gateway.webhooks.change(EndpointId(self.id), wanted, CLI).await.map_err(text)?;
        Ok(json!({"ok": true, "id": self.id, "headers": headers}))
    }
}

/// Send a test event
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct WebhookTest {
    /// Its id
    pub id: i64,
}

impl Execute for WebhookTest {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let delivery = gateway.webhooks.test(EndpointId(self.id)).await.map_err(text)?;
        Ok(json!({"ok": true, "delivery": delivery}))
    }
}

/// Make a new secret; the old one signs beside it for a day
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct WebhookRotate {
    /// Its id
    pub id: i64,
}

impl Execute for WebhookRotate {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let secret = gateway.webhooks.rotate(EndpointId(self.id), CLI).await.map_err(text)?;
        Ok(json!({"ok": true, "id": self.id, "secret": secret.as_str()}))
    }
}

/// Enable it; what it collected goes out at once
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct WebhookEnable {
    /// Its id
    pub id: i64,
}

impl Execute for WebhookEnable {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        done(self.id, gateway.webhooks.enable(EndpointId(self.id), CLI).await)
    }
}

/// Disable it; it keeps collecting for three days
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct WebhookDisable {
    /// Its id
    pub id: i64,
}

impl Execute for WebhookDisable {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        done(self.id, gateway.webhooks.disable(EndpointId(self.id), CLI).await)
    }
}

/// Take it away
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct WebhookDelete {
    /// Its id
    pub id: i64,
}

impl Execute for WebhookDelete {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        done(self.id, gateway.webhooks.delete(EndpointId(self.id), CLI).await)
    }
}

/// The newest deliveries
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct WebhookDeliveries {
    /// Only those that are not delivered and were tried
    #[arg(long)]
    pub failed: bool,
    /// Of one endpoint
    #[arg(long)]
    pub endpoint: Option<i64>,
}

impl Execute for WebhookDeliveries {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let filter =
            Filter { endpoint: self.endpoint.map(EndpointId), failed: self.failed, limit: LISTED, ..Filter::default() };
        let found = gateway.webhooks.deliveries(filter).await.map_err(text)?;
        if let (true, Some(id)) = (found.is_empty(), self.endpoint)
            && gateway.webhooks.list().await.map_err(text)?.iter().all(|one| one.id != EndpointId(id))
        {
            return Err(format!("there is no endpoint {id}"));
        }
        Ok(json!(found))
    }
}

/// Send one delivery again, or all that failed since a time
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct WebhookResend {
    /// The delivery
    #[arg(required_unless_present = "failed_since", conflicts_with = "failed_since")]
    pub delivery: Option<i64>,
    /// A date or a time
    #[arg(long)]
    pub failed_since: Option<String>,
    /// Of one endpoint
    #[arg(long, requires = "failed_since")]
    pub endpoint: Option<i64>,
}

impl Execute for WebhookResend {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let resent = match (self.delivery, self.failed_since) {
            (Some(delivery), _) => gateway.webhooks.resend(delivery).await.map(|resent| json!(resent)),
            (None, Some(since)) => {
                let (since, endpoint) = (parse_time(&since)?, self.endpoint.map(EndpointId));
                gateway.webhooks.resend_failed(since, endpoint).await.map(|resent| json!(resent))
            }
            (None, None) => return Err("name a delivery, or --failed-since a time".into()),
        };
        Ok(json!({"ok": true, "resent": resent.map_err(text)?}))
    }
}

fn done(id: i64, result: Result<(), impl Display>) -> CommandResult {
    result.map(|()| json!({"ok": true, "id": id})).map_err(text)
}
