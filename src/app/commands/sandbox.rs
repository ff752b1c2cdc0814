//! `wa-gateway sandbox …`: plays the customers' phones.

use super::{CommandResult, Execute, InstanceSet, account::reading, group, key_value, text};
use crate::{
    connectors::{inbound_event, sandbox::Sandbox},
    dialects::AppState,
    gateway::Gateway,
    model::{
        ids::InstanceId,
        phone::{Impossible, Phone, PhoneReading},
    },
    people::media,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

group! { SandboxCommand is Sandbox:
    Receive(SandboxReceive),
    Call(SandboxCall),
    Group(SandboxGroup),
    Inbox(SandboxInbox),
    Set(SandboxSet),
}

/// Somebody writes to the instance
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct SandboxReceive {
    /// Which instance
    #[arg(long)]
    pub instance: String,
    /// Who writes
    #[arg(long)]
    pub from: String,
    /// A file that they send; the text is its caption
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub media: Option<PathBuf>,
    /// What the file is sent as: image, video, audio, document, sticker [default: by its first bytes]
    #[arg(long, requires = "media")]
    pub kind: Option<String>,
    /// The provider keeps the file until the gateway fetches it
    #[arg(long, requires = "media")]
    pub later: bool,
    /// What; may be left out beside a file
    #[arg(required_unless_present = "media", default_value = "")]
    pub text: String,
    /// The file itself.
    #[arg(skip)]
    pub file: Option<SandboxFile>,
}

/// A file that somebody sends.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SandboxFile {
    /// Its name.
    pub name: String,
    /// Its bytes, in base64.
    pub base64: String,
}

impl Execute for SandboxReceive {
    fn prepare(&mut self) -> Result<(), String> {
        if let Some(path) = &self.media {
            let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.file = Some(SandboxFile { name, base64: STANDARD.encode(bytes) });
        }
        Ok(())
    }

    async fn execute(self, gateway: &AppState) -> CommandResult {
        let (sandbox, from) = (find(gateway, &self.instance)?, person(gateway, &self.instance, &self.from).await?);
        let id = match self.file {
            None => sandbox.receive(from, &self.text).await,
            Some(file) => {
                let bytes = STANDARD.decode(file.base64).map_err(text)?;
                let media = inbound_event::HeardMedia {
                    kind: self.kind.unwrap_or_else(|| media::kind_of_bytes(&bytes).to_owned()),
                    mime_type: "application/octet-stream".into(),
                    file_name: Some(file.name),
                    size: u64::try_from(bytes.len()).ok(),
                    source: inbound_event::MediaSource::Bytes(bytes),
                };
                sandbox.receive_file(from, media, &self.text, self.later).await
            }
        };
        Ok(json!({"ok": true, "provider_message_id": id.map_err(text)?}))
    }
}

/// Somebody calls the instance
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct SandboxCall {
    /// Which instance
    #[arg(long)]
    pub instance: String,
    /// Who calls
    #[arg(long)]
    pub from: String,
    /// Nobody answers
    #[arg(long)]
    pub missed: bool,
}

impl Execute for SandboxCall {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let from = person(gateway, &self.instance, &self.from).await?;
        let id = find(gateway, &self.instance)?.call(from, self.missed).await.map_err(text)?;
        Ok(json!({"ok": true, "call_id": id}))
    }
}

/// Somebody writes in a group
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct SandboxGroup {
    /// Which instance
    #[arg(long)]
    pub instance: String,
    /// The group's id
    #[arg(long, default_value = "120363000000000001@g.us")]
    pub group: String,
    /// The group's name; another one than before renames it [default: as it is called, at first "Sandbox group"]
    #[arg(long)]
    pub name: Option<String>,
    /// Who writes
    #[arg(long)]
    pub from: String,
    /// What
    pub text: String,
}

impl Execute for SandboxGroup {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let sandbox = find(gateway, &self.instance)?;
        let name = match self.name {
            Some(name) => name,
            None => group_name(gateway, &self.instance, &self.group).await?,
        };
        let group = inbound_event::GroupRef { id: self.group, name };
        let from = person(gateway, &self.instance, &self.from).await?;
        let id = sandbox.group_message(group, from, &self.text).await.map_err(text)?;
        Ok(json!({"ok": true, "provider_message_id": id}))
    }
}

/// What the phones received
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct SandboxInbox {
    /// Of which instance
    #[arg(long)]
    pub instance: String,
    /// Of one phone
    #[arg(long)]
    pub phone: Option<String>,
}

impl Execute for SandboxInbox {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let sandbox = find(gateway, &self.instance)?;
        let of = match &self.phone {
            Some(number) => Some(phone(gateway, &self.instance, number).await?),
            None => None,
        };
        let read = tokio::task::spawn_blocking(move || sandbox.inbox(of.as_deref())).await.map_err(text)?;
        Ok(json!(read.map_err(text)?))
    }
}

/// How the network behaves: latency_ms, state, fail, receipts
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct SandboxSet {
    /// Which instance
    #[arg(long)]
    pub instance: String,
    /// key=value
    #[arg(required = true, value_name = "K=V")]
    #[serde(skip)]
    pub set: Vec<String>,
    /// What changes.
    #[arg(skip)]
    pub settings: BTreeMap<String, String>,
}

impl Execute for SandboxSet {
    fn prepare(&mut self) -> Result<(), String> {
        self.settings = key_value::parse(&self.set)?;
        Ok(())
    }

    async fn execute(self, gateway: &AppState) -> CommandResult {
        InstanceSet { id: self.instance, settings: self.settings, ..Default::default() }.execute(gateway).await
    }
}

/// What a group is called.
async fn group_name(gateway: &AppState, instance: &str, group: &str) -> Result<String, String> {
    let known = gateway.chattu.group(&InstanceId::from_text(instance), group).await.map_err(text)?;
    let named = known.map(|known| known.name).filter(|name| !name.is_empty());
    Ok(named.unwrap_or_else(|| "Sandbox group".to_owned()))
}

fn find(gateway: &Gateway, id: &str) -> Result<Arc<Sandbox>, String> {
    gateway.registry.sandbox(&InstanceId::from_text(id)).ok_or_else(|| format!("there is no sandbox instance {id}"))
}

/// A number as it is written for the account of an instance.
async fn phone(gateway: &Gateway, instance: &str, number: &str) -> Result<String, String> {
    let instance = gateway.instances.find(&InstanceId::from_text(instance)).await.map_err(text)?;
    // The sandbox is a provider of its own: whoever it plays may have any number.
    let any = PhoneReading { impossible: Impossible::Warn, ..reading(gateway, instance.account_id).await? };
    Phone::parse(number, any).map(|p| p.to_string()).map_err(text)
}

async fn person(gateway: &Gateway, instance: &str, number: &str) -> Result<inbound_event::RemoteParty, String> {
    let phone = Some(phone(gateway, instance, number).await?);
    Ok(inbound_event::RemoteParty { phone, ..inbound_event::RemoteParty::default() })
}
