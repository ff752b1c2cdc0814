//! `wa-gateway send`

use super::{CommandResult, Execute, account::reading, single, text};
use crate::{
    dialects::AppState,
    model::ids::InstanceId,
    sending::{Sender, Source, request},
    web::reply,
};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Send one message through the guard
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct SendText {
    /// From which instance
    #[arg(long)]
    pub instance: String,
    /// To whom
    #[arg(long, value_name = "PHONE")]
    pub to: String,
    /// transactional, operational, support, internal_team or authentication
    #[arg(long)]
    pub purpose: String,
    /// What
    pub text: String,
    /// Who sends it, in the log: a word of [`Source`], cli or demo.
    #[arg(skip = Source::Cli.as_str())]
    pub source: String,
}

single!(SendText is Send);

impl Execute for SendText {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let instance = gateway.instances.find(&InstanceId::from_text(self.instance.as_str())).await.map_err(text)?;
        let how = reading(gateway, instance.account_id).await?;
        let body = json!({"instance_id": self.instance, "phone": self.to, "message": self.text,
                          "message_purpose": self.purpose});
        let object = body.as_object().cloned().unwrap_or_default();
        let request = request::parse(&object, how, None).map_err(text)?;
        let sender = Sender {
            account: instance.account_id,
            key: None,
            source: Source::parse(&self.source).unwrap_or(Source::Cli),
            module: None,
            request_id: None,
        };
        let answer = gateway.sending.submit(sender, request).await.map_err(text)?;
        Ok(reply::body(&answer))
    }
}
