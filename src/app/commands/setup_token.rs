//! `wa-gateway setup-token`

use super::{CommandResult, Execute, single, text};
use crate::dialects::AppState;
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The one-time set-up link, while nobody has a login
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct SetupToken;

single!(SetupToken is SetupToken);

impl Execute for SetupToken {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let link = gateway.accounts.create_setup_link().await.map_err(text)?;
        let address = format!("{}/setup/{}", gateway.portal_url, link.token);
        Ok(json!({"ok": true, "link": address, "expires_at": link.expires_at}))
    }
}
