//! `wa-gateway key …`

use crate::control::Request;
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
            Self::Create { account, name, instances, kind } => Request::KeyCreate { account, name, instances, kind },
            Self::List { account } => Request::KeyList { account },
            Self::Revoke { id } => Request::KeyRevoke { id },
        })
    }
}
