//! The endpoint of a client: one for each instance, changed by the dialect's own call.

use super::Chattu;
use crate::{
    events::webhooks::{
        EndpointId, EventName, WebhookError,
        managed::{self, Format, Managed},
        signature::Secret,
    },
    model::ids::{AccountId, InstanceId},
    store::{StoreError, Tx},
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
    pub async fn set_webhook(
        &self,
        account: AccountId,
        instance: &InstanceId,
        url: &str,
        key: &str,
    ) -> Result<(), WebhookError> {
        if !url.is_empty() {
            self.gateway.webhooks.check_url(url)?;
        }
        let (vault, now) = (self.vault.clone(), self.gateway.clock.now());
        let managed = Managed {
            account,
            instance: instance.clone(),
            url: url.to_owned(),
            events: EVENTS.to_vec(),
            format: Format::Chattu,
            sms_number: None,
            secret: Secret::new(&*self.gateway.random),
            headers: [("x-api-key".to_owned(), key.to_owned())].into(),
            managed_by: manager(instance),
            module: "chattu",
        };
        self.gateway
            .store
            .write(move |tx| {
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

fn manager(instance: &InstanceId) -> String {
    format!("chattu:{instance}")
}

fn find(tx: &Tx<'_>, instance: &InstanceId) -> Result<Option<EndpointId>, StoreError> {
    let sql = "SELECT id FROM endpoints WHERE managed_by = ?1 AND deleted_at IS NULL";
    tx.find(sql, params![manager(instance)], |r| r.get(0))
}
