//! `wa-gateway user …`

use super::{CLI, CommandResult, Execute, group, text};
use crate::{
    accounts::{LinkPurpose, NewUser, Role},
    dialects::AppState,
    gateway::Gateway,
    model::ids::AccountId,
};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::io::Read;

group! { UserCommand is User:
    Create(UserCreate),
    ResetPassword(UserResetPassword),
    List(UserList),
    // Of no use on the command line: it is what `demo` prints.
    #[command(skip)]
    LoginLink(UserLoginLink),
}

/// The longest password that is read, in bytes.
const PASSWORD_MAX: u64 = 4096;

/// Make a user; without a password it prints a one-time link
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct UserCreate {
    /// Their account; only an admin may have none
    #[arg(long)]
    pub account: Option<i64>,
    /// Their email
    #[arg(long)]
    pub email: String,
    /// admin, owner or viewer
    #[arg(long)]
    pub role: String,
    /// Read the password from stdin
    #[arg(long)]
    #[serde(skip)]
    pub password_stdin: bool,
    /// The password.
    #[arg(skip)]
    pub password: Option<String>,
}

impl Execute for UserCreate {
    fn prepare(&mut self) -> Result<(), String> {
        if self.password_stdin {
            self.password = Some(read_password()?);
        }
        Ok(())
    }

    async fn execute(self, gateway: &AppState) -> CommandResult {
        let Self { account, email, role, password, .. } = self;
        let role = Role::parse(&role).ok_or_else(|| format!("{role:?} is no role: use admin, owner or viewer"))?;
        let password_hash = match &password {
            Some(password) => Some(gateway.accounts.passwords.hash(password).await.map_err(text)?),
            None => None,
        };
        let has_password = password_hash.is_some();
        let new = NewUser { account: account.map(AccountId), email: email.clone(), role, password_hash };
        let id = gateway.accounts.create_user(new, CLI).await.map_err(text)?;
        if has_password {
            return Ok(json!({"ok": true, "id": id}));
        }
        let link = link(gateway, &email, LinkPurpose::Password).await?;
        Ok(json!({"ok": true, "id": id, "link": link}))
    }
}

fn read_password() -> Result<String, String> {
    let mut text = String::new();
    std::io::stdin().take(PASSWORD_MAX).read_to_string(&mut text).map_err(|e| format!("stdin: {e}"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Print a one-time link to choose a new password
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct UserResetPassword {
    /// Their email
    pub email: String,
}

impl Execute for UserResetPassword {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        Ok(json!({"ok": true, "link": link(gateway, &self.email, LinkPurpose::Password).await?}))
    }
}

/// Show all users
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct UserList;

impl Execute for UserList {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        Ok(json!(gateway.accounts.list_users().await.map_err(text)?))
    }
}

/// A one-time link that logs in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserLoginLink {
    /// Their email.
    pub email: String,
}

impl Execute for UserLoginLink {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        Ok(json!({"ok": true, "link": link(gateway, &self.email, LinkPurpose::Login).await?}))
    }
}

async fn link(gateway: &Gateway, email: &str, purpose: LinkPurpose) -> Result<String, String> {
    let link = gateway.accounts.create_link(email, purpose, CLI).await.map_err(text)?;
    Ok(format!("{}/{purpose}/{}", gateway.portal_url, link.token))
}
