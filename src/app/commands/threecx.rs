//! `wa-gateway threecx …`

use super::{CLI, CommandResult, Execute, group, text};
use crate::{
    app::root::everybody,
    dialects::{
        AppState,
        threecx::{Actor, EventType, IntegrationId, Mode, NewIntegration, SettingsChange},
    },
    model::ids::{AccountId, InstanceId},
};
use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

group! { ThreecxCommand is Threecx:
    Create(ThreecxCreate),
    Update(ThreecxUpdate),
    Rotate(ThreecxRotate),
    List(ThreecxList),
    Template(ThreecxTemplate),
}

/// Who has the command line runs the appliance.
const BY: Actor<'_> = Actor { actor: CLI, is_admin: true };

/// A network that stands for all of them.
const ANYWHERE: &str = "any";

// Not a doc comment: clap would put it in the place of the commands' own.
// Settings of a 3CX integration; what is not named stays.
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct ThreecxSettings {
    /// What people call it
    #[arg(long)]
    pub name: Option<String>,
    /// Whether it takes requests at all
    #[arg(long, value_parser = on_or_off())]
    pub enabled: Option<bool>,
    /// Whether inbound messages are forwarded
    #[arg(long, value_parser = on_or_off())]
    pub inbound: Option<bool>,
    /// Whether agents' replies are sent
    #[arg(long, value_parser = on_or_off())]
    pub outbound: Option<bool>,
    /// Whether call events are answered
    #[arg(long, value_parser = on_or_off())]
    pub call_events: Option<bool>,
    /// Whether requests must be signed
    #[arg(long, value_parser = on_or_off())]
    pub signing: Option<bool>,
    /// Whether the text messages' address, which cannot sign, works while signing is on
    #[arg(long, value_parser = on_or_off())]
    pub sms_while_signing: Option<bool>,
    /// Whether call events write only to people who wrote lately
    #[arg(long, value_parser = on_or_off())]
    pub strict: Option<bool>,
    /// How long after somebody wrote they may be answered
    #[arg(long, value_name = "HOURS")]
    pub window_hours: Option<u32>,
    /// A network that requests may come from, several times for several; "any" for all
    #[arg(long, value_name = "CIDR")]
    pub allow: Option<Vec<String>>,
    /// Where inbound messages go; "" for nowhere
    #[arg(long, value_name = "URL")]
    pub destination: Option<String>,
    /// How they are told: event, or sms (to a trunk)
    #[arg(long)]
    pub mode: Option<String>,
    /// The business's name, for templates
    #[arg(long)]
    pub business_name: Option<String>,
    /// Mode sms: the trunk's own number
    #[arg(long, value_name = "PHONE")]
    pub trunk_number: Option<String>,
}

fn on_or_off() -> impl TypedValueParser<Value = bool> {
    PossibleValuesParser::new(["on", "off"]).map(|word| word == "on")
}

impl ThreecxSettings {
    fn change(self, instance: Option<String>) -> Result<SettingsChange, String> {
        let mode = |word: String| Mode::parse(&word).ok_or_else(|| format!("{word:?} is no mode: use event or sms"));
        let networks = |list: Vec<String>| if list.iter().any(|one| one == ANYWHERE) { Vec::new() } else { list };
        Ok(SettingsChange {
            instance: instance.map(InstanceId::from_text),
            name: self.name,
            enabled: self.enabled,
            inbound: self.inbound,
            outbound: self.outbound,
            call_events: self.call_events,
            signing: self.signing,
            facade_while_signing: self.sms_while_signing,
            strict_mode: self.strict,
            window_hours: self.window_hours,
            allowlist: self.allow.map(networks),
            business_name: self.business_name,
            mode: self.mode.map(mode).transpose()?,
            destination_url: self.destination,
            trunk_number: self.trunk_number,
        })
    }
}

/// Tie a telephone system to an instance; its secrets are shown once
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct ThreecxCreate {
    /// Whose
    #[arg(long)]
    pub account: i64,
    /// The instance that it writes from and hears of
    #[arg(long)]
    pub instance: String,
    #[command(flatten)]
    pub settings: ThreecxSettings,
}

impl Execute for ThreecxCreate {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let (account, instance) = (AccountId(self.account), InstanceId::from_text(self.instance));
        let new = NewIntegration { account, instance, change: self.settings.change(None)? };
        let (id, secrets) = gateway.threecx.create(new, BY).await.map_err(text)?;
        Ok(json!({"ok": true, "id": id, "secret": secrets.secret, "signing_secret": secrets.signing}))
    }
}

/// Change settings; those not named stay
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct ThreecxUpdate {
    /// Its id
    pub id: String,
    /// Another instance
    #[arg(long)]
    pub instance: Option<String>,
    #[command(flatten)]
    pub settings: ThreecxSettings,
}

impl Execute for ThreecxUpdate {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let (id, change) = (IntegrationId::from_text(self.id), self.settings.change(self.instance)?);
        Ok(json!(gateway.threecx.update(&id, everybody(), change, BY).await.map_err(text)?))
    }
}

/// Make new secrets; the old ones are good for a day more
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct ThreecxRotate {
    /// Its id
    pub id: String,
}

impl Execute for ThreecxRotate {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let id = IntegrationId::from_text(self.id);
        let secrets = gateway.threecx.rotate(&id, everybody(), BY).await.map_err(text)?;
        Ok(json!({"ok": true, "id": id, "secret": secrets.secret, "signing_secret": secrets.signing}))
    }
}

/// Show all, with the outcomes of their requests
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct ThreecxList;

impl Execute for ThreecxList {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        Ok(json!(gateway.threecx.monitor(everybody()).await.map_err(text)?))
    }
}

/// Show or change what a call event sends
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
pub struct ThreecxTemplate {
    /// Its id
    pub id: String,
    /// missed_call, voicemail, call_ended, queue_callback or after_hours
    pub event: String,
    /// Send it
    #[arg(long, conflicts_with = "disable")]
    pub enable: bool,
    /// Do not send it
    #[arg(long)]
    pub disable: bool,
    /// What to send; {{customer_phone}}, {{agent_extension}}, {{queue}}, {{call_time}}, {{business_name}} are filled in
    #[arg(long)]
    pub text: Option<String>,
}

impl Execute for ThreecxTemplate {
    async fn execute(self, gateway: &AppState) -> CommandResult {
        let (id, event) = (IntegrationId::from_text(self.id), parse_event(&self.event)?);
        let enabled = (self.enable || self.disable).then_some(self.enable);
        if enabled.is_none() && self.text.is_none() {
            let all = gateway.threecx.templates(&id, everybody()).await.map_err(text)?;
            return Ok(all.into_iter().find(|t| t.event_type == event).map_or(Value::Null, |t| json!(t)));
        }
        let saved = gateway.threecx.save_template(&id, everybody(), (event, enabled, self.text), BY).await;
        Ok(json!(saved.map_err(text)?))
    }
}

fn parse_event(word: &str) -> Result<EventType, String> {
    let known = || EventType::WITH_TEMPLATE.map(EventType::as_str).join(", ");
    EventType::parse(word).ok_or_else(|| format!("{word:?} is no event with a template: use {}", known()))
}
