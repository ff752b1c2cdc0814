//! `wa-gateway webhook …`

use super::{
    Request,
    perform::{CLI, Done, parse_time, text, unexpected},
};
use crate::{
    events::webhooks::{EndpointId, Filter, NewEndpoint},
    gateway::Gateway,
    model::ids::{AccountId, InstanceId},
};
use serde_json::json;

/// Deliveries that are listed at most.
const LISTED: u32 = 200;

pub(super) async fn perform(gateway: &Gateway, request: Request) -> Done {
    let webhooks = &gateway.webhooks;
    match request {
        Request::WebhookCreate { account, instance, url, events } => {
            let instance = instance.map(InstanceId::from_text);
            let new = NewEndpoint { account: AccountId(account), instance, url, events };
            let (id, secret) = webhooks.create(new, CLI).await.map_err(text)?;
            Ok(json!({"ok": true, "id": id, "secret": secret.as_str()}))
        }
        Request::WebhookList => Ok(json!(webhooks.list().await.map_err(text)?)),
        Request::WebhookTest { id } => {
            let delivery = webhooks.test(EndpointId(id)).await.map_err(text)?;
            Ok(json!({"ok": true, "delivery": delivery}))
        }
        Request::WebhookRotate { id } => {
            let secret = webhooks.rotate(EndpointId(id), CLI).await.map_err(text)?;
            Ok(json!({"ok": true, "id": id, "secret": secret.as_str()}))
        }
        Request::WebhookEnable { id } => done(id, webhooks.enable(EndpointId(id), CLI).await),
        Request::WebhookDisable { id } => done(id, webhooks.disable(EndpointId(id), "disabled by hand", CLI).await),
        Request::WebhookDelete { id } => done(id, webhooks.delete(EndpointId(id), CLI).await),
        Request::WebhookDeliveries { failed, endpoint } => {
            let filter = Filter { endpoint: endpoint.map(EndpointId), failed, limit: LISTED };
            Ok(json!(webhooks.deliveries(filter).await.map_err(text)?))
        }
        Request::WebhookResend { delivery: Some(delivery), .. } => {
            Ok(json!({"ok": true, "resent": webhooks.resend(delivery).await.map_err(text)?}))
        }
        Request::WebhookResend { failed_since: Some(since), endpoint, .. } => {
            let since = parse_time(&since)?;
            let resent = webhooks.resend_failed(since, endpoint.map(EndpointId)).await.map_err(text)?;
            Ok(json!({"ok": true, "resent": resent}))
        }
        Request::WebhookResend { .. } => Err("name a delivery, or --failed-since a time".into()),
        _ => unexpected(),
    }
}

fn done(id: i64, result: Result<(), impl std::fmt::Display>) -> Done {
    result.map(|()| json!({"ok": true, "id": id})).map_err(text)
}
