//! `wa-gateway sandbox …`

use super::{
    Request,
    perform::{Done, text, unexpected},
};
use crate::{
    connectors::inbound_event,
    gateway::Gateway,
    model::{
        ids::InstanceId,
        phone::{Impossible, Phone, Reading},
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

pub(super) async fn perform(gateway: &Gateway, request: Request) -> Done {
    let find = |id: &str| {
        gateway.registry.sandbox(&InstanceId::from_text(id)).ok_or_else(|| format!("there is no sandbox instance {id}"))
    };
    // The sandbox is a provider of its own: whoever it plays may have any number.
    let any = Reading { region: None, impossible: Impossible::Warn };
    let phone = |text_of: &str| Phone::parse(text_of, any).map(|p| p.to_string()).map_err(text);
    let person = |number: &str| {
        phone(number).map(|p| inbound_event::RemoteParty { phone: Some(p), ..inbound_event::RemoteParty::default() })
    };
    match request {
        Request::SandboxReceive { instance, from, text: body } => {
            let id = find(&instance)?.receive(person(&from)?, &body).await.map_err(text)?;
            Ok(json!({"ok": true, "provider_message_id": id}))
        }
        Request::SandboxReceiveFile { instance, from, text: caption, kind, file_name, base64, later } => {
            let bytes = STANDARD.decode(base64).map_err(text)?;
            let media = inbound_event::HeardMedia {
                kind,
                mime_type: "application/octet-stream".into(),
                file_name: Some(file_name),
                size: u64::try_from(bytes.len()).ok(),
                source: inbound_event::MediaSource::Bytes(bytes),
            };
            let id = find(&instance)?.receive_file(person(&from)?, media, &caption, later).await.map_err(text)?;
            Ok(json!({"ok": true, "provider_message_id": id}))
        }
        Request::SandboxCall { instance, from, missed } => {
            let id = find(&instance)?.call(person(&from)?, missed).await.map_err(text)?;
            Ok(json!({"ok": true, "call_id": id}))
        }
        Request::SandboxGroup { instance, group, name, from, text: body } => {
            let group = inbound_event::GroupRef { id: group, name };
            let id = find(&instance)?.group_message(group, person(&from)?, &body).await.map_err(text)?;
            Ok(json!({"ok": true, "provider_message_id": id}))
        }
        Request::SandboxInbox { instance, phone: of } => {
            let sandbox = find(&instance)?;
            let of = of.as_deref().map(phone).transpose()?;
            let read = tokio::task::spawn_blocking(move || sandbox.inbox(of.as_deref())).await.map_err(text)?;
            Ok(json!(read.map_err(text)?))
        }
        _ => unexpected(),
    }
}
