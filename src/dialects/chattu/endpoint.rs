//! The endpoint of a client: one for each instance, changed by the dialect's own call.

use super::Chattu;
use crate::{
    accounts::audit::{self, AuditEntry},
    events::webhooks::{
        EndpointId, EventName, WebhookError,
        address::shown,
        managed::{self, Format, Managed},
        signature::Secret,
    },
    instances::Instance,
    model::{clock::Time, ids::InstanceId},
    store::{StoreError, Tx, WriteTx},
};
use rusqlite::params;

/// What the dialect tells of.
const EVENTS: [EventName; 4] =
    [EventName::MessageReceived, EventName::MessageSent, EventName::CallRejected, EventName::GroupMessageReceived];

impl Chattu {
    /// Points the client's endpoint to `url`; `key` goes with each event. An empty address takes the endpoint away.
    ///
    /// # Errors
    /// An address that may not be called.
    pub async fn set_webhook(&self, client: &Instance, url: &str, key: &str, actor: &str) -> Result<(), WebhookError> {
        if !url.is_empty() {
            self.gateway.webhooks.check_url(client.account_id, url)?;
        }
        let url = self.as_before(&client.id, url).await?;
        let (vault, now, actor) = (self.vault.clone(), self.gateway.clock.now(), actor.to_owned());
        let managed = Managed {
            account: client.account_id,
            instance: client.id.clone(),
            url,
            events: EVENTS.to_vec(),
            format: Format::Chattu,
            sms_number: None,
            secret: Secret::new(&*self.gateway.random),
            headers: [("x-api-key".to_owned(), key.to_owned())].into(),
            managed_by: manager(&client.id),
            module: "chattu",
        };
        self.gateway
            .store
            .write(move |tx| {
                note(tx, &managed, now, &actor)?;
                match (find(tx, &managed.instance)?, managed.url.is_empty()) {
                    (Some(id), true) => managed::delete(tx, id, now)?,
                    (Some(id), false) => {
                        managed::update(tx, id, &managed, &vault, now)?;
                        managed::enable(tx, id, now)?;
                    }
                    (None, true) => {}
                    (None, false) => drop(managed::create(tx, &managed, &vault, now)?),
                }
                Ok::<_, WebhookError>(())
            })
            .await
    }
}

impl Chattu {
    /// The whole address, where what is asked for is how the present one is shown: a form that was not changed.
    async fn as_before(&self, instance: &InstanceId, url: &str) -> Result<String, WebhookError> {
        let (of, asked, vault) = (instance.clone(), url.to_owned(), self.vault.clone());
        let read = self.gateway.store.read(move |tx| {
            let is_shown = address(tx, &of)?.is_some_and(|now| now == asked);
            match find(tx, &of)?.filter(|_| is_shown) {
                Some(id) => managed::url(tx, id, &vault),
                None => Ok(asked),
            }
        });
        read.await
    }
}

/// Where the client's events go, as it is shown.
pub fn address(tx: &Tx<'_>, instance: &InstanceId) -> Result<Option<String>, StoreError> {
    let sql = "SELECT url FROM endpoints WHERE managed_by = ?1 AND deleted_at IS NULL";
    tx.find(sql, params![manager(instance)], |r| r.get(0))
}

/// Keeps in the audit who pointed a client's events where; nothing where nothing changes.
fn note(tx: &WriteTx<'_>, to: &Managed, now: Time, actor: &str) -> Result<(), StoreError> {
    let after = Some(shown(&to.url)).filter(|url| !url.is_empty());
    let before = address(tx, &to.instance)?;
    if before == after {
        return Ok(());
    }
    let (account, target) = (Some(to.account), to.instance.as_str());
    let (before, after) = (before.as_deref(), after.as_deref());
    let entry = AuditEntry { actor, account, action: "client.webhook", target, before, after };
    audit::record(tx, now, &entry)
}

fn manager(instance: &InstanceId) -> String {
    format!("chattu:{instance}")
}

fn find(tx: &Tx<'_>, instance: &InstanceId) -> Result<Option<EndpointId>, StoreError> {
    let sql = "SELECT id FROM endpoints WHERE managed_by = ?1 AND deleted_at IS NULL";
    tx.find(sql, params![manager(instance)], |r| r.get(0))
}
