//! `wa-gateway message …`

use super::{CLI, CommandResult, Execute, group, text, values::parse_time};
use crate::{
    app::root::everybody,
    dialects::AppState,
    model::{
        ids::{InstanceId, LogId, MessageId},
        message::Status,
    },
    sending::log,
};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

group! { MessageCommand is Message: List(MessageList), Show(MessageShow), Settle(MessageSettle) }

const LIMIT: u32 = 50;

/// The newest rows of the log
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct MessageList {
    /// Of one instance
    #[arg(long)]
    pub instance: Option<String>,
    /// In one state
    #[arg(long)]
    pub status: Option<String>,
    /// Not before this date or time
    #[arg(long)]
    pub since: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = LIMIT, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

impl Default for MessageList {
    fn default() -> Self {
        Self { instance: None, status: None, since: None, limit: LIMIT }
    }
}

impl Execute for MessageList {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let words = || Status::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(", ");
        let status = |s: String| Status::parse(&s).ok_or_else(|| format!("{s:?} is no status: use one of {}", words()));
        let filter = log::Filter {
            scope: everybody(),
            instance: self.instance.map(InstanceId::from_text),
            status: self.status.map(status).transpose()?,
            since: self.since.as_deref().map(parse_time).transpose()?,
            limit: self.limit,
        };
        let instance = filter.instance.clone();
        let found = gateway.store.read(move |tx| log::list(tx, &filter)).await.map_err(text)?;
        // One that was deleted may have left messages.
        if let (true, Some(id)) = (found.is_empty(), instance) {
            gateway.instances.find(&id).await.map_err(text)?;
        }
        Ok(json!(found))
    }
}

/// One row with its timeline
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct MessageShow {
    /// Its log id, or its message_id (msg_…)
    pub log_id: String,
}

impl Execute for MessageShow {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let named = self.log_id.trim().to_owned();
        let found = gateway.store.read(move |tx| match named.parse() {
            Ok(number) => log::timeline(tx, everybody(), LogId(number)),
            Err(_) => match log::numbered(tx, &MessageId::from_text(&named))? {
                Some(id) => log::timeline(tx, everybody(), id),
                None => Ok(None),
            },
        });
        let what = if self.log_id.starts_with("msg_") { "the id" } else { "log id" };
        found.await.map_err(text)?.ok_or_else(|| format!("there is no message with {what} {}", self.log_id))
    }
}

/// Say what became of an unknown message
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct MessageSettle {
    /// Its log id
    pub log_id: i64,
    /// sent or failed
    pub status: String,
    /// How it is known
    #[arg(long)]
    pub note: String,
}

impl Execute for MessageSettle {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let to = match self.status.as_str() {
            "sent" => Status::Sent,
            "failed" => Status::Failed,
            other => return Err(format!("a message is settled as sent or failed, not as {other:?}")),
        };
        let note = self.note.trim();
        if note.is_empty() {
            return Err("settling needs a note (--note) that says how it is known".into());
        }
        gateway.sending.settle(LogId(self.log_id), to, note, CLI).await.map_err(text)?;
        Ok(json!({"ok": true, "log_id": self.log_id, "status": to}))
    }
}
