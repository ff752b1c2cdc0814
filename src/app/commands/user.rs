//! `wa-gateway user …`

use crate::app::control::Request;
use clap::Subcommand;
use std::io::Read;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a user; without a password it prints a one-time link
    Create {
        /// Their account; only an admin may have none
        #[arg(long)]
        account: Option<i64>,
        /// Their email
        #[arg(long)]
        email: String,
        /// admin, owner or viewer
        #[arg(long)]
        role: String,
        /// Read the password from stdin
        #[arg(long)]
        password_stdin: bool,
    },
    /// Print a one-time link to choose a new password
    ResetPassword {
        /// Their email
        email: String,
    },
    /// Show all users
    List,
}

impl Command {
    pub(super) fn request(self) -> Result<Request, String> {
        Ok(match self {
            Self::Create { account, email, role, password_stdin } => {
                let password = password_stdin.then(read_password).transpose()?;
                Request::UserCreate { account, email, role, password }
            }
            Self::ResetPassword { email } => Request::UserResetPassword { email },
            Self::List => Request::UserList,
        })
    }
}

fn read_password() -> Result<String, String> {
    let mut text = String::new();
    std::io::stdin().take(4096).read_to_string(&mut text).map_err(|e| format!("stdin: {e}"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
