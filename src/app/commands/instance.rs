//! `wa-gateway instance …`

use super::{CLI, CommandResult, Execute, group, key_value, text};
use crate::{
    app::root::everybody,
    connectors::evolution,
    dialects::AppState,
    gateway::inbound,
    instances::{Instance, NewInstance},
    model::{
        ids::{AccountId, InstanceId},
        instance::{ConnectorKind, InstanceState},
    },
    sending::billed,
    store::StoreError,
};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt::Display, time::Duration};

group! { InstanceCommand is Instance:
    Create(InstanceCreate),
    List(InstanceList),
    Status(InstanceStatus),
    News(InstanceNews),
    Billing(InstanceBilling),
    Set(InstanceSet),
    Pair(InstancePair),
    Pause(InstancePause),
    Resume(InstanceResume),
    Delete(InstanceDelete),
}

/// Make an instance
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct InstanceCreate {
    /// Whose
    #[arg(long)]
    pub account: i64,
    /// Its id: a slug, unique in the whole gateway
    #[arg(long, value_name = "SLUG")]
    pub id: String,
    /// Its name
    #[arg(long)]
    pub name: String,
    /// The way to WhatsApp: one of those that this build has.
    #[arg(long, help = format!("The way to WhatsApp: {}", ConnectorKind::list_built()))]
    pub connector: String,
    /// A setting of the connector, key=value or key=@file
    #[arg(long = "set", value_name = "K=V")]
    #[serde(skip)]
    pub set: Vec<String>,
    /// The settings.
    #[arg(skip)]
    pub settings: BTreeMap<String, String>,
}

impl Execute for InstanceCreate {
    fn prepare(&mut self) -> Result<(), String> {
        self.settings = key_value::parse(&self.set)?;
        Ok(())
    }

    async fn execute(self, gateway: &AppState) -> CommandResult {
        let Self { account, id, name, connector, settings, .. } = self;
        let connector = ConnectorKind::parse(&connector)
            .ok_or_else(|| format!("{connector:?} is no connector: use one of {}", ConnectorKind::list_built()))?;
        let (id, account) = (InstanceId::from_text(id), AccountId(account));
        let new = NewInstance { id, account, name, connector, settings };
        let mut made = shown(gateway.instances.create(new, CLI).await)?;
        if connector == ConnectorKind::Evolution {
            made["notice"] = json!(evolution::NOTICE);
        }
        Ok(made)
    }
}

/// Show all instances
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct InstanceList;

impl Execute for InstanceList {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        Ok(json!(gateway.instances.list(everybody()).await.map_err(text)?))
    }
}

/// Show one
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct InstanceStatus {
    /// Its id
    pub id: String,
}

impl Execute for InstanceStatus {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        shown(gateway.instances.find(&InstanceId::from_text(self.id)).await)
    }
}

/// What its provider told besides messages, receipts and calls, newest first: as it came
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct InstanceNews {
    /// Its id
    pub id: String,
}

/// What its provider billed in the last twelve months, by month and category, and the free replies of this month
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct InstanceBilling {
    /// Its id
    pub id: String,
}

impl Execute for InstanceBilling {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let id = gateway.instances.find(&InstanceId::from_text(self.id)).await.map_err(text)?.id;
        let now = gateway.clock.now();
        let read = gateway.store.read(move |tx| billed::billed(tx, &id, now)).await;
        Ok(json!(read.map_err(|e: StoreError| text(e))?))
    }
}

/// News that are listed.
const NEWS: u32 = 100;

impl Execute for InstanceNews {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let id = gateway.instances.find(&InstanceId::from_text(self.id)).await.map_err(text)?.id;
        let read = gateway.store.read(move |tx| inbound::list_news(tx, &id, NEWS)).await;
        Ok(json!(read.map_err(|e: StoreError| text(e))?))
    }
}

/// Change settings; an empty value takes one back to its default
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct InstanceSet {
    /// Its id
    pub id: String,
    /// key=value or key=@file
    #[arg(required = true, value_name = "K=V")]
    #[serde(skip)]
    pub set: Vec<String>,
    /// What changes.
    #[arg(skip)]
    pub settings: BTreeMap<String, String>,
}

impl Execute for InstanceSet {
    fn prepare(&mut self) -> Result<(), String> {
        self.settings = key_value::parse(&self.set)?;
        Ok(())
    }

    async fn execute(self, gateway: &AppState) -> CommandResult {
        shown(gateway.instances.set(&InstanceId::from_text(self.id), self.settings, CLI).await)
    }
}

/// Link a phone: shows the QR code to scan
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct InstancePair {
    /// Its id
    pub id: String,
}

/// How long a provider may take until it has a code, and how often it is looked for.
const PATIENCE: Duration = Duration::from_secs(40);
const LOOK: Duration = Duration::from_millis(500);

impl Execute for InstancePair {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let id = gateway.instances.find(&InstanceId::from_text(self.id)).await.map_err(text)?.id;
        let late = gateway.clock.now().plus(PATIENCE);
        let mut asked = false;
        loop {
            let standing = gateway.registry.standing(&id);
            let standing =
                standing.ok_or_else(|| format!("{id} is not running: `wa-gateway instance status {id}` says why"))?;
            if standing.state == InstanceState::Open {
                return Err(format!("{id} is paired already, and open"));
            }
            if let Some(pairing) = gateway.registry.pairing(&id) {
                return Ok(json!({
                    "ok": true, "id": id, "state": standing.state, "qr": pairing.qr, "code": pairing.code,
                    "expires_at": pairing.expires_at,
                }));
            }
            if !asked {
                asked = true;
                gateway.registry.reconnect(&id).await.map_err(text)?;
                continue;
            }
            let now = gateway.clock.now();
            if now >= late {
                let why = standing.reason.unwrap_or_else(|| "its provider gives no code".to_owned());
                return Err(format!("{id} has no code to scan: {why}"));
            }
            gateway.clock.sleep_until(now.plus(LOOK)).await;
        }
    }
}

/// Pause it for review
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct InstancePause {
    /// Its id
    pub id: String,
    /// Why
    #[arg(long)]
    pub reason: String,
}

impl Execute for InstancePause {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        shown(gateway.instances.pause(&InstanceId::from_text(self.id), &self.reason, CLI).await)
    }
}

/// End its pause
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct InstanceResume {
    /// Its id
    pub id: String,
    /// What was found
    #[arg(long)]
    pub note: String,
}

impl Execute for InstanceResume {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let id = InstanceId::from_text(self.id);
        let resumed = gateway.instances.resume(&id, &self.note, CLI).await;
        gateway.sending.forgive(&id);
        shown(resumed)
    }
}

/// Stop it for good; its log stays
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct InstanceDelete {
    /// Its id
    pub id: String,
}

impl Execute for InstanceDelete {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        gateway.instances.delete(&InstanceId::from_text(self.id.as_str()), CLI).await.map_err(text)?;
        Ok(json!({"ok": true, "id": self.id}))
    }
}

fn shown(instance: Result<Instance, impl Display>) -> Result<Value, String> {
    instance.map(|i| json!(i)).map_err(text)
}
