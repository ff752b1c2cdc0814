//! `wa-gateway instance …`

use super::pairs;
use crate::app::control::Request;
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make an instance
    Create {
        /// Whose
        #[arg(long)]
        account: i64,
        /// Its id: a slug, unique in the whole gateway
        #[arg(long, value_name = "SLUG")]
        id: String,
        /// Its name
        #[arg(long)]
        name: String,
        /// sandbox, whatsapp-web, cloud-api or evolution
        #[arg(long)]
        connector: String,
        /// A setting of the connector, key=value or key=@file
        #[arg(long = "set", value_name = "K=V")]
        set: Vec<String>,
    },
    /// Show all instances
    List,
    /// Show one
    Status {
        /// Its id
        id: String,
    },
    /// Change settings; an empty value takes one back to its default
    Set {
        /// Its id
        id: String,
        /// key=value or key=@file
        #[arg(required = true, value_name = "K=V")]
        set: Vec<String>,
    },
    /// Link a phone: shows the QR code to scan
    Pair {
        /// Its id
        id: String,
    },
    /// Pause it for review
    Pause {
        /// Its id
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// End its pause
    Resume {
        /// Its id
        id: String,
        /// What was found
        #[arg(long)]
        note: String,
    },
    /// Stop it for good; its log stays
    Delete {
        /// Its id
        id: String,
    },
}

impl Command {
    pub(super) fn request(self) -> Result<Request, String> {
        Ok(match self {
            Self::Create { account, id, name, connector, set } => {
                Request::InstanceCreate { account, id, name, connector, settings: pairs::parse(&set)? }
            }
            Self::List => Request::InstanceList,
            Self::Status { id } => Request::InstanceStatus { id },
            Self::Set { id, set } => Request::InstanceSet { id, settings: pairs::parse(&set)? },
            Self::Pair { id } => Request::InstancePair { id },
            Self::Pause { id, reason } => Request::InstancePause { id, reason },
            Self::Resume { id, note } => Request::InstanceResume { id, note },
            Self::Delete { id } => Request::InstanceDelete { id },
        })
    }
}
