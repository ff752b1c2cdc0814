//! `wa-gateway export` and `wa-gateway erase`: everything about one person, over all accounts.

use super::{CLI, CommandResult, Execute, single, text};
use crate::{
    app::root::everybody,
    dialects::AppState,
    model::phone::{Impossible, PhoneReading, Recipient},
};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Who is looked for may have been taken when such a number still was.
const ANY: PhoneReading = PhoneReading { region: None, impossible: Impossible::Warn };

/// Everything about a person, as JSON
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct PersonExport {
    /// Who: a number, or contact: and the contact's id
    #[arg(long)]
    pub phone: String,
}

single!(PersonExport is Export);

impl Execute for PersonExport {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let who = Recipient::parse(&self.phone, ANY).map_err(text)?;
        gateway.retention.export(&who, everybody()).await.map_err(text)
    }
}

/// Erase everything about a person; a suppression survives as a keyed hash
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct PersonErase {
    /// Who: a number, or contact: and the contact's id
    #[arg(long)]
    pub phone: String,
}

single!(PersonErase is Erase);

impl Execute for PersonErase {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let who = Recipient::parse(&self.phone, ANY).map_err(text)?;
        let report = gateway.erase_person(&who, everybody(), CLI).await.map_err(text)?;
        let mut answer = json!(report);
        answer["ok"] = json!(true);
        Ok(answer)
    }
}
