//! `wa-gateway threecx …`

use super::{
    Request, ThreecxSettings,
    perform::{CLI, Done, text, unexpected},
};
use crate::{
    dialects::threecx::{Actor, EventType, IntegrationId, Mode, NewIntegration, SettingsChange},
    gateway::Gateway,
    model::ids::{AccountId, InstanceId},
};
use serde_json::{Value, json};

/// Who has the command line runs the appliance.
const BY: Actor<'_> = Actor { actor: CLI, is_admin: true };

pub(super) async fn perform(gateway: &Gateway, request: Request) -> Done {
    let threecx = &gateway.threecx;
    match request {
        Request::ThreecxCreate { account, instance, settings } => {
            let (account, instance) = (AccountId(account), InstanceId::from_text(instance));
            let new = NewIntegration { account, instance, change: change(None, settings)? };
            let (id, secrets) = threecx.create(new, BY).await.map_err(text)?;
            Ok(json!({"ok": true, "id": id, "secret": secrets.secret, "signing_secret": secrets.signing}))
        }
        Request::ThreecxUpdate { id, instance, settings } => {
            let (id, change) = (IntegrationId::from_text(id), change(instance, settings)?);
            Ok(json!(threecx.update(&id, None, change, BY).await.map_err(text)?))
        }
        Request::ThreecxRotate { id } => {
            let id = IntegrationId::from_text(id);
            let secrets = threecx.rotate(&id, None, BY).await.map_err(text)?;
            Ok(json!({"ok": true, "id": id, "secret": secrets.secret, "signing_secret": secrets.signing}))
        }
        Request::ThreecxList => Ok(json!(threecx.monitor(None).await.map_err(text)?)),
        Request::ThreecxTemplate { id, event, enabled, text: new } => {
            let (id, event) = (IntegrationId::from_text(id), parse_event(&event)?);
            if enabled.is_none() && new.is_none() {
                let all = threecx.templates(&id, None).await.map_err(text)?;
                return Ok(all.into_iter().find(|t| t.event_type == event).map_or(Value::Null, |t| json!(t)));
            }
            Ok(json!(threecx.save_template(&id, None, event, (enabled, new), BY).await.map_err(text)?))
        }
        _ => unexpected(),
    }
}

fn change(instance: Option<String>, settings: ThreecxSettings) -> Result<SettingsChange, String> {
    let mode =
        settings.mode.map(|word| Mode::parse(&word).ok_or_else(|| format!("{word:?} is no mode: use event or sms")));
    Ok(SettingsChange {
        instance: instance.map(InstanceId::from_text),
        name: settings.name,
        enabled: settings.enabled,
        inbound: settings.inbound,
        outbound: settings.outbound,
        call_events: settings.call_events,
        signing: settings.signing,
        facade_while_signing: settings.sms_while_signing,
        strict_mode: settings.strict,
        window_hours: settings.window_hours,
        allowlist: settings.allow,
        business_name: settings.business_name,
        mode: mode.transpose()?,
        destination_url: settings.destination,
        trunk_number: settings.trunk_number,
    })
}

fn parse_event(word: &str) -> Result<EventType, String> {
    let known = || EventType::WITH_TEMPLATE.map(EventType::as_str).join(", ");
    EventType::parse(word).ok_or_else(|| format!("{word:?} is no event with a template: use {}", known()))
}
