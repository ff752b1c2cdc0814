//! `wa-gateway sandbox …`: plays the customers' phones.

use super::pairs;
use crate::{app::control::Request, people::media};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Subcommand;
use std::path::PathBuf;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Somebody writes to the instance
    Receive {
        /// Which instance
        #[arg(long)]
        instance: String,
        /// Who writes
        #[arg(long)]
        from: String,
        /// A file that they send; the text is its caption
        #[arg(long, value_name = "FILE")]
        media: Option<PathBuf>,
        /// What the file is sent as: image, video, audio, document, sticker [default: by its first bytes]
        #[arg(long, requires = "media")]
        kind: Option<String>,
        /// The provider keeps the file until the gateway fetches it
        #[arg(long, requires = "media")]
        later: bool,
        /// What; may be left out beside a file
        #[arg(required_unless_present = "media", default_value = "")]
        text: String,
    },
    /// Somebody calls the instance
    Call {
        /// Which instance
        #[arg(long)]
        instance: String,
        /// Who calls
        #[arg(long)]
        from: String,
        /// Nobody answers
        #[arg(long)]
        missed: bool,
    },
    /// Somebody writes in a group
    Group {
        /// Which instance
        #[arg(long)]
        instance: String,
        /// The group's id
        #[arg(long, default_value = "120363000000000001@g.us")]
        group: String,
        /// The group's name
        #[arg(long, default_value = "Sandbox group")]
        name: String,
        /// Who writes
        #[arg(long)]
        from: String,
        /// What
        text: String,
    },
    /// What the phones received
    Inbox {
        /// Of which instance
        #[arg(long)]
        instance: String,
        /// Of one phone
        #[arg(long)]
        phone: Option<String>,
    },
    /// How the network behaves: latency_ms, state, fail, receipts
    Set {
        /// Which instance
        #[arg(long)]
        instance: String,
        /// key=value
        #[arg(required = true, value_name = "K=V")]
        set: Vec<String>,
    },
}

impl Command {
    pub(super) fn request(self) -> Result<Request, String> {
        Ok(match self {
            Self::Receive { instance, from, media: None, text, .. } => Request::SandboxReceive { instance, from, text },
            Self::Receive { instance, from, media: Some(path), kind, later, text } => {
                let bytes = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
                let kind = kind.unwrap_or_else(|| media::kind_of_bytes(&bytes).to_owned());
                let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let base64 = STANDARD.encode(bytes);
                Request::SandboxReceiveFile { instance, from, text, kind, file_name, base64, later }
            }
            Self::Call { instance, from, missed } => Request::SandboxCall { instance, from, missed },
            Self::Group { instance, group, name, from, text } => {
                Request::SandboxGroup { instance, group, name, from, text }
            }
            Self::Inbox { instance, phone } => Request::SandboxInbox { instance, phone },
            Self::Set { instance, set } => Request::InstanceSet { id: instance, settings: pairs::parse(&set)? },
        })
    }
}
