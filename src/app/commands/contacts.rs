//! `wa-gateway contacts …`

use super::{CommandResult, Execute, account::reading, group, text, values::read_text};
use crate::{
    dialects::AppState,
    model::{csv, ids::AccountId},
    people::conversations,
    store::StoreError,
};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::PathBuf;

group! { ContactsCommand is Contacts: Import(ContactsImport) }

/// Bring in existing customers from a CSV file: phone, name
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct ContactsImport {
    /// Whose
    #[arg(long)]
    pub account: i64,
    /// The file; - for stdin
    #[serde(skip)]
    pub file: PathBuf,
    /// What stands in the file.
    #[arg(skip)]
    pub csv: String,
}

impl Execute for ContactsImport {
    fn prepare(&mut self) -> Result<(), String> {
        self.csv = read_text(&self.file)?;
        Ok(())
    }

    async fn execute(self, gateway: &AppState) -> CommandResult {
        let account = AccountId(self.account);
        let how = reading(gateway, account).await?;
        let rows = csv::phones(&self.csv).map_err(text)?;
        let now = gateway.clock.now();
        let report = gateway.store.write(move |tx| conversations::import(tx, account, how, &rows, now)).await;
        Ok(json!(report.map_err(|e: StoreError| e.to_string())?))
    }
}
