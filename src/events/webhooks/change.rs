//! What a customer changes of an endpoint of his own: where events go, of which instance, which of them, with which headers.

use super::{
    WebhookError, address,
    endpoint::{self, ChangedBy, Endpoint},
    endpoint_id::EndpointId,
    own_headers,
};
use crate::{
    events::brokers,
    model::{ids::InstanceId, why::why},
    store::{Vault, WriteTx},
};
use rusqlite::params;
use std::collections::BTreeMap;

/// What is to be other than it is; what is none stays.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct EndpointChange {
    /// Where events go; judged by the egress before. The address as it is shown stays what it is.
    pub url: Option<String>,
    /// Of one instance; an inner none: of all.
    pub instance: Option<Option<InstanceId>>,
    /// Names of the contract; at least one.
    pub events: Option<Vec<String>>,
    /// All headers of the customer's own, as [`own_headers::parse`] reads them; none in it takes them away.
    pub headers: Option<BTreeMap<String, String>>,
}

/// Changes an endpoint. What waits for it goes to the new address with the bytes it has, and a new address is tried even
/// where the gateway had given up the old one; one that a person switched off stays so.
///
/// # Errors
/// No such endpoint, instance or event; another part of the gateway manages it; an address that was copied from where
/// it is not shown whole.
pub(super) fn change(
    tx: &WriteTx<'_>,
    id: EndpointId,
    wanted: &EndpointChange,
    vault: &Vault,
    by: &ChangedBy,
) -> Result<(), WebhookError> {
    tx.outdate();
    let before = endpoint::find(tx, id)?;
    endpoint::own(&before)?;
    let is_broker = brokers::is_broker(&before.destination_url);
    if let Some(headers) = &wanted.headers {
        no_headers(&before.destination_url, headers)?;
    }
    if wanted.url.as_ref().is_some_and(|url| brokers::is_broker(url) != is_broker) {
        return Err(WebhookError::Invalid(why!(
            "endpoint_kind",
            "a webhook does not become a broker's endpoint, nor the other way round: make a new one"
        )));
    }
    if let Some(url) = wanted.url.as_ref().filter(|url| **url != before.destination_url) {
        move_to(tx, &before, url, vault, by)?;
    }
    if let Some(instance) = &wanted.instance {
        if let Some(instance) = instance {
            endpoint::judge_instance(tx, before.account_id, instance)?;
        }
        tx.execute("UPDATE endpoints SET instance_id = ?2 WHERE id = ?1", params![id, instance])?;
    }
    if let Some(events) = &wanted.events {
        tx.execute("UPDATE endpoints SET events = ?2 WHERE id = ?1", params![id, endpoint::judge_events(events)?])?;
    }
    if let Some(headers) = &wanted.headers {
        own_headers::keep(tx, id, headers, vault)?;
    }
    let after = told(&endpoint::find(tx, id)?);
    endpoint::note(tx, by, (before.account_id, id), "webhook.update", (Some(&told(&before)), Some(&after)))?;
    Ok(())
}

/// What goes to a broker has no headers of the customer's.
pub(super) fn no_headers(url: &str, headers: &BTreeMap<String, String>) -> Result<(), WebhookError> {
    if headers.is_empty() || !brokers::is_broker(url) {
        return Ok(());
    }
    Err(WebhookError::Invalid(why!(
        "broker_headers",
        "headers go with webhooks alone: who may write to a broker is said by user:password@ in its address"
    )))
}

fn move_to(tx: &WriteTx<'_>, before: &Endpoint, url: &str, vault: &Vault, by: &ChangedBy) -> Result<(), WebhookError> {
    if url.contains(address::HIDDEN) && before.destination_url.contains(address::HIDDEN) {
        return Err(WebhookError::Invalid(why!(
            "address_hidden",
            "{hidden} stands for what is not shown: write the whole address, or leave it as it is",
            hidden = address::HIDDEN
        )));
    }
    let (shown, whole) = address::sealed(url, vault);
    tx.execute("UPDATE endpoints SET url = ?2, sealed_url = ?3 WHERE id = ?1", params![before.id, shown, whole])?;
    if before.disabled_reason.as_deref().is_none_or(|reason| !endpoint::BY_HAND.contains(&reason)) {
        endpoint::reopen(tx, before.id, by.now)?;
        tx.announce();
    }
    Ok(())
}

/// An endpoint in one line of the audit.
fn told(endpoint: &Endpoint) -> String {
    let Endpoint { destination_url, events, headers, instance_id, .. } = endpoint;
    let whose = instance_id.as_ref().map_or_else(|| "*".to_owned(), ToString::to_string);
    format!("{destination_url} {whose} {} [{}]", events.join(","), headers.join(","))
}
