//! `wa-gateway sandbox …`: plays the customers' phones.

use super::pairs;
use crate::control::Request;
use clap::Subcommand;

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
        /// What
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
            Self::Receive { instance, from, text } => Request::SandboxReceive { instance, from, text },
            Self::Call { instance, from, missed } => Request::SandboxCall { instance, from, missed },
            Self::Group { instance, group, name, from, text } => {
                Request::SandboxGroup { instance, group, name, from, text }
            }
            Self::Inbox { instance, phone } => Request::SandboxInbox { instance, phone },
            Self::Set { instance, set } => Request::InstanceSet { id: instance, settings: pairs::parse(&set)? },
        })
    }
}
