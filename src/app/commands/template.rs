//! `wa-gateway template …`: templates at a number's provider.

use super::{CommandResult, Execute, group, text};
use crate::{
    connectors::{
        template_draft::TemplateDraft,
        templates::{Category, TemplateName},
    },
    dialects::AppState,
    instances::templates,
    model::ids::InstanceId,
    store::StoreError,
};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

group! { TemplateCommand is Template:
    List(TemplateList),
    Submit(TemplateSubmit),
    Delete(TemplateDelete),
}

/// Show the templates that an instance's provider holds, as it last told
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct TemplateList {
    /// The instance
    pub instance: String,
}

impl Execute for TemplateList {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let id = gateway.instances.find(&InstanceId::from_text(self.instance)).await.map_err(text)?.id;
        let all = gateway.store.read(move |tx| templates::list(tx, &id)).await.map_err(|e: StoreError| text(e))?;
        let row = |one: &templates::KnownTemplate| {
            json!({
                "name": one.template.name, "language": one.template.language, "category": one.category,
                "status": one.status, "quality": one.quality, "reason": one.reason, "body": one.body,
            })
        };
        Ok(all.iter().map(row).collect())
    }
}

/// Submit a template for approval, or change the one that the provider holds under this name and language
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct TemplateSubmit {
    /// The instance
    pub instance: String,
    /// Its name: small letters, digits, underscores
    #[arg(long)]
    pub name: String,
    /// Its language, such as he or en_US
    #[arg(long)]
    pub language: String,
    /// utility or authentication
    #[arg(long, default_value = "utility")]
    pub category: String,
    /// A line above the text
    #[arg(long)]
    pub header: Option<String>,
    /// The text, with {{1}}, {{2}} for what differs; not for authentication
    #[arg(long, default_value = "")]
    pub body: String,
    /// An example for each placeholder, in order
    #[arg(long = "example")]
    pub examples: Vec<String>,
    /// A small line below
    #[arg(long)]
    pub footer: Option<String>,
    /// A button that is an answer
    #[arg(long = "reply")]
    pub replies: Vec<String>,
}

impl Execute for TemplateSubmit {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let Self { instance, name, language, category, header, body, examples, footer, replies } = self;
        let name = named(&name, &language)?;
        let category = Category::parse(&category).unwrap_or(Category::Other);
        let draft = TemplateDraft { name, category, header, body, footer, examples, replies };
        draft.judge().map_err(text)?;
        let instance = gateway.instances.find(&InstanceId::from_text(instance)).await.map_err(text)?;
        let (account, purpose) = (Some(instance.account_id), draft.purpose());
        gateway.sending.judge_text(account, purpose, &draft.words()).map_err(text)?;
        let status = gateway.registry.submit_template(&instance.id, &draft).await.map_err(text)?;
        Ok(json!({"ok": true, "name": draft.name.name, "language": draft.name.language, "status": status}))
    }
}

/// Delete a template at the provider, in one language
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct TemplateDelete {
    /// The instance
    pub instance: String,
    /// Its name
    #[arg(long)]
    pub name: String,
    /// Its language
    #[arg(long)]
    pub language: String,
}

impl Execute for TemplateDelete {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let name = named(&self.name, &self.language)?;
        gateway.registry.delete_template(&InstanceId::from_text(self.instance), &name).await.map_err(text)?;
        Ok(json!({"ok": true}))
    }
}

fn named(name: &str, language: &str) -> Result<TemplateName, String> {
    TemplateName::parse(name, language).ok_or_else(|| {
        format!("{name:?} in {language:?} is no template: a name such as order_news, a language such as he")
    })
}
