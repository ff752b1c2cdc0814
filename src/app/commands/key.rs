//! `wa-gateway key …`

use super::{CLI, CommandResult, Execute, account::region_of, group, text};
use crate::{
    accounts::{KeyAddresses, KeyKind, KeyScope, KeyScopes, NewKey},
    dialects::AppState,
    model::{
        ids::{AccountId, InstanceId, KeyId},
        purpose::Purpose,
    },
};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

group! { KeyCommand is Key: Create(KeyCreate), Set(KeySet), List(KeyList), Revoke(KeyRevoke) }

const KIND: &str = "bearer";

/// Make a key; it is shown once
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct KeyCreate {
    /// Whose
    #[arg(long)]
    pub account: i64,
    /// What to call it
    #[arg(long, default_value = "")]
    pub name: String,
    /// An instance that it may use; more than once for more, none for all
    #[arg(long = "instance", value_name = "ID")]
    pub instances: Vec<String>,
    /// bearer or chattu
    #[arg(long, default_value = KIND)]
    pub kind: String,
    /// Of a chattu key: the purpose of messages whose request names none (transactional where this is not given)
    #[arg(long)]
    pub purpose: Option<String>,
    /// What a bearer key is good for, send, read or manage; more than once for several (send where this is not given)
    #[arg(long = "scope", value_name = "SCOPE")]
    #[serde(default)]
    pub scopes: Vec<String>,
    /// An address or network that it may be used from; more than once for more, none for anywhere
    #[arg(long = "allow", value_name = "CIDR")]
    #[serde(default)]
    pub addresses: Vec<String>,
}

impl Default for KeyCreate {
    fn default() -> Self {
        Self {
            account: 0,
            name: String::new(),
            instances: Vec::new(),
            kind: KIND.into(),
            purpose: None,
            scopes: Vec::new(),
            addresses: Vec::new(),
        }
    }
}

impl Execute for KeyCreate {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let Self { account, name, instances, kind, purpose, scopes, addresses } = self;
        let kind = KeyKind::parse(&kind).ok_or_else(|| format!("{kind:?} is no kind: use bearer or chattu"))?;
        if purpose.is_some() && kind == KeyKind::Bearer {
            return Err("a bearer key has no purpose of its own: its requests name theirs; use --kind chattu".into());
        }
        if !scopes.is_empty() && kind == KeyKind::Chattu {
            return Err("a chattu key has no scopes: use --kind bearer".into());
        }
        let scopes = scopes.iter().map(|word| scope(word)).collect::<Result<Vec<_>, _>>()?;
        let new = NewKey {
            account: AccountId(account),
            name,
            instances: instances.into_iter().map(InstanceId::from_text).collect(),
            kind,
            purpose: purpose.as_deref().map_or(Ok(Purpose::Transactional), default_purpose)?,
            scopes: KeyScopes::of(&scopes),
            addresses: KeyAddresses::of(&addresses).map_err(text)?,
            expires_at: None,
        };
        let (id, key) = gateway.accounts.create_key(new, CLI).await.map_err(text)?;
        Ok(json!({"ok": true, "id": id, "key": key}))
    }
}

/// Change the default purpose of a chattu key
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct KeySet {
    /// Its id
    pub id: i64,
    /// transactional, operational, support, internal_team or authentication
    #[arg(long)]
    pub purpose: String,
}

impl Execute for KeySet {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let purpose = default_purpose(&self.purpose)?;
        gateway.accounts.set_key_purpose(KeyId(self.id), purpose, CLI).await.map_err(text)?;
        Ok(json!({"ok": true, "id": self.id, "purpose": purpose.as_str()}))
    }
}

/// Show the keys of an account
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct KeyList {
    /// Whose
    #[arg(long)]
    pub account: i64,
}

impl Execute for KeyList {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let account = AccountId(self.account);
        region_of(gateway, account).await?;
        Ok(json!(gateway.accounts.list_keys(account).await.map_err(text)?))
    }
}

/// End a key for good
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct KeyRevoke {
    /// Its id
    pub id: i64,
}

impl Execute for KeyRevoke {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        gateway.accounts.revoke_key(KeyId(self.id), CLI).await.map_err(text)?;
        Ok(json!({"ok": true, "id": self.id}))
    }
}

fn default_purpose(word: &str) -> Result<Purpose, String> {
    let known = Purpose::ALL.map(Purpose::as_str).join(", ");
    Purpose::parse(word).ok_or_else(|| format!("{word:?} is no purpose that is served: use one of {known}"))
}

fn scope(word: &str) -> Result<KeyScope, String> {
    KeyScope::parse(word).ok_or_else(|| format!("{word:?} is no scope: use send, read or manage"))
}
