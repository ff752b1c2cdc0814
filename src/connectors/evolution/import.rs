//! What lies on an Evolution server, for whoever wants to bring it over: its instances and their webhooks. It only looks.

use super::{
    client::{EvolutionClient, EvolutionError},
    reading::{self, text},
    settings::Settings,
};
use crate::{
    connectors::ActionError,
    egress::Egress,
    model::{egress::Use, instance::InstanceState, percent},
};
use http::Method;
use serde_json::Value;

/// One instance of the server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportCandidate {
    /// The server's name of it; empty where its list has none.
    pub name: String,
    /// Its own number, once it was paired.
    pub phone: Option<String>,
    /// Whether it is connected.
    pub is_open: bool,
    /// Its own key, if the server shows it; else the one that was used to look.
    pub key: String,
    /// How the server reaches WhatsApp for it.
    pub integration: String,
    /// Where the server tells of it now, if it does.
    pub webhook: Option<FoundWebhook>,
    /// Why it cannot be brought over, where that shows.
    pub problem: Option<String>,
}

/// Where the server tells of an instance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundWebhook {
    pub url: String,
    /// The events in the server's words; empty: none were named.
    pub events: Vec<String>,
    /// The headers that go with each delivery: names and values, which may be secrets.
    pub headers: Vec<(String, String)>,
    /// Why we may not call it, as far as the address shows.
    pub problem: Option<String>,
}

/// What [`ImportCandidate::integration`] says of a paired phone, which is the only kind that is brought over.
pub const PAIRED_PHONE: &str = "WHATSAPP-BAILEYS";

/// Our events behind one of the server's words for events.
pub fn our_events(theirs: &str) -> &'static [&'static str] {
    match theirs.to_ascii_uppercase().replace('.', "_").as_str() {
        "MESSAGES_UPSERT" => &["message.received", "group.message_received"],
        "MESSAGES_UPDATE" => &["message.status_updated"],
        "SEND_MESSAGE" => &["message.sent"],
        "CONNECTION_UPDATE" => &["instance.connection_updated"],
        "QRCODE_UPDATED" => &["instance.qr_updated"],
        "CALL" => &["call.received", "call.missed"],
        "GROUPS_UPSERT" | "GROUP_UPDATE" | "GROUP_PARTICIPANTS_UPDATE" => &["group.updated"],
        "CHATS_UPSERT" | "CHATS_UPDATE" => &["conversation.updated"],
        _ => &[],
    }
}

/// Looks at a server.
///
/// # Errors
/// An address or key that is none, a place that may not be called, or a server that does not answer.
pub async fn survey(egress: &Egress, base_url: &str, key: &str) -> Result<Vec<ImportCandidate>, ActionError> {
    let settings = [("base_url", base_url), ("api_key", key), ("instance", "-"), ("hook_secret", "----------------")];
    let settings = settings.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    let settings = Settings::parse(&settings).map_err(|e| ActionError(e.to_string()))?;
    let client = EvolutionClient::new(egress.clone(), &settings);
    let listed = client.ask_server(Method::GET, "/instance/fetchInstances", None).await;
    let listed = listed.map_err(|trouble| ActionError(said(&trouble)))?;
    let Some(rows) = listed.as_array() else {
        return Err(ActionError("the Evolution server's list of instances is none".to_owned()));
    };
    let mut all = Vec::new();
    for row in rows {
        let mut found = instance(row, key);
        if found.name.is_empty() {
            found.problem = Some("the server's list has it without a name, by which it would be reached".to_owned());
        } else {
            match webhook(&client, &found.name).await {
                Ok(webhook) => found.webhook = webhook,
                // Brought over without it, its owner would hear no more: the server calls us from then on.
                Err(why) => found.problem = Some(format!("where the server tells of it cannot be read: {why}")),
            }
        }
        if let Some(webhook) = &mut found.webhook {
            webhook.problem = egress.check_url(&webhook.url, Use::Webhooks).err().map(|e| e.to_string());
        }
        all.push(found);
    }
    Ok(all)
}

/// A server's trouble, for whoever gave its key with the command.
fn said(trouble: &EvolutionError) -> String {
    match trouble {
        EvolutionError::Refused { status: 401 | 403, .. } => {
            "the Evolution server refuses the key: --key takes the global one, which its configuration calls \
             AUTHENTICATION_API_KEY"
                .to_owned()
        }
        other => other.text(),
    }
}

/// One row; older versions wrap it.
fn instance(row: &Value, key: &str) -> ImportCandidate {
    let row = if row["instance"].is_object() { &row["instance"] } else { row };
    let status = row["connectionStatus"].as_str().or_else(|| row["status"].as_str());
    ImportCandidate {
        name: text(&row["name"]).or_else(|| text(&row["instanceName"])).unwrap_or_default(),
        phone: text(&row["ownerJid"]).or_else(|| text(&row["owner"])).and_then(|jid| reading::phone(&jid)),
        is_open: status == Some(InstanceState::Open.as_str()),
        key: text(&row["token"]).or_else(|| text(&row["apikey"])).unwrap_or_else(|| key.to_owned()),
        integration: text(&row["integration"]).unwrap_or_else(|| PAIRED_PHONE.to_owned()),
        webhook: None,
        problem: None,
    }
}

/// An instance that has none is answered with `null`, or with an error.
async fn webhook(client: &EvolutionClient, name: &str) -> Result<Option<FoundWebhook>, String> {
    let found = match client.ask_server(Method::GET, &format!("/webhook/find/{}", percent::encode(name)), None).await {
        Ok(found) => found,
        Err(EvolutionError::Refused { status: 400 | 404, .. }) => return Ok(None),
        Err(trouble) => return Err(said(&trouble)),
    };
    let found = if found["webhook"].is_object() { &found["webhook"] } else { &found };
    let events = found["events"].as_array().into_iter().flatten().filter_map(text).collect();
    let headers = found["headers"].as_object().into_iter().flatten();
    let headers =
        headers.map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
    let headers = headers.collect();
    let url = text(&found["url"]).filter(|_| found["enabled"] != false);
    Ok(url.map(|url| FoundWebhook { url, events, headers, problem: None }))
}
