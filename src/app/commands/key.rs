//! `wa-gateway key …`

use crate::app::control::Request;
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a key; it is shown once
    Create {
        /// Whose
        #[arg(long)]
        account: i64,
        /// What to call it
        #[arg(long, default_value = "")]
        name: String,
        /// An instance that it may use; more than once for more, none for all
        #[arg(long = "instance", value_name = "ID")]
        instances: Vec<String>,
        /// bearer or chattu
        #[arg(long, default_value = "bearer")]
        kind: String,
        /// Of a chattu key: the purpose of messages whose request names none (transactional where this is not given)
        #[arg(long)]
        purpose: Option<String>,
    },
    /// Change the default purpose of a chattu key
    Set {
        /// Its id
        id: i64,
        /// transactional, operational, support, internal_team or authentication
        #[arg(long)]
        purpose: String,
    },
    /// Show the keys of an account
    List {
        /// Whose
        #[arg(long)]
        account: i64,
    },
    /// End a key for good
    Revoke {
        /// Its id
        id: i64,
    },
}

impl Command {
    pub(super) fn request(self) -> Result<Request, String> {
        Ok(match self {
            Self::Create { account, name, instances, kind, purpose } => {
                Request::KeyCreate { account, name, instances, kind, purpose }
            }
            Self::Set { id, purpose } => Request::KeySet { id, purpose },
            Self::List { account } => Request::KeyList { account },
            Self::Revoke { id } => Request::KeyRevoke { id },
        })
    }
}
