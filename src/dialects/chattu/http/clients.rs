//! Clients: added, listed, paired, pointed to a webhook, deleted; the account's profile and key.

use super::{
    ApiError, ChattuResult,
    auth::{Who, bounded, has_dialect},
    digits, needed, needed_number, object, ok,
};
use crate::{
    accounts::{DialectCaller, Scope, User},
    dialects::chattu::{Chattu, NewClient, RateKind, Refused, client_ids},
    instances::{Instance, InstanceError, NewInstance},
    model::{
        instance::{ConnectorKind, InstanceState},
        phone::Phone,
        qr,
    },
    web::Incoming,
};
use ::http::{HeaderValue, header};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use warp::reply::Response;

/// What is said of a client that reaches no phone.
const SANDBOX: &str = ". This client is a sandbox: its code links no phone, and nothing it sends reaches WhatsApp. \
    Connectors that reach WhatsApp are on the page /docs/connect; chattu.new_client_connector says which one this call \
    makes.";

/// `POST /api/add-number`
pub async fn add(chattu: &Chattu, who: Who, mut incoming: Incoming) -> ChattuResult {
    let caller = who.key()?;
    let object = object(&mut incoming).await?;
    has_dialect(chattu, caller.caller.account).await?;
    let id = needed(&object, "clientId")?;
    let phone = Phone::parse(&needed_number(&object, "phoneNumber")?, caller.caller.region);
    let phone = phone.map_err(|e| ApiError::invalid(format!("phoneNumber: {e}.")))?;
    let client = match Who::Key(caller.clone()).client(chattu, id).await {
        Ok(client) => client,
        Err(_) => make(chattu, &caller, id).await?,
    };
    chattu.note_number(&client.id, &phone).await?;
    wake(chattu, &client).await;
    let key = chattu.gateway.accounts.client_key(client.account_id, &client.id).await?;
    let open = chattu.gateway.registry.standing(&client.id).is_some_and(|s| s.state == InstanceState::Open);
    let picture = if open { None } else { picture(chattu, &client) };
    let message = match (&picture, open) {
        (_, true) => "The client is connected",
        (Some(_), _) => "QR Code generated for authentication",
        (None, _) => "The client waits for its QR code: ask for it again in a moment",
    };
    let code = picture.map(|png| format!("data:image/png;base64,{}", STANDARD.encode(png)));
    let sandbox = if client.connector == ConnectorKind::Sandbox && !open { SANDBOX } else { "" };
    Ok(ok(&json!({
        "status": if open { "connected" } else { "pending_auth" }, "message": format!("{message}{sandbox}"),
        "qrCode": code, "apiKey": key,
    })))
}

/// A client that is closed is opened again, so that it shows a new code.
async fn wake(chattu: &Chattu, client: &Instance) {
    if client.state != InstanceState::Close {
        return;
    }
    let woken = match client.connector {
        ConnectorKind::Sandbox => {
            let changes = [("state".to_owned(), "qr".to_owned())].into();
            chattu.gateway.instances.set(&client.id, changes, "gateway").await.map(drop).map_err(|e| e.to_string())
        }
        _ => chattu.gateway.registry.reconnect(&client.id).await.map_err(|e| e.to_string()),
    };
    if let Err(e) = woken {
        tracing::info!(instance = %client.id, "it stays closed: {e}");
    }
}

async fn make(chattu: &Chattu, caller: &DialectCaller, id: &str) -> Result<Instance, ApiError> {
    let there = chattu.gateway.instances.list(Scope::Account(caller.caller.account)).await?.len();
    if !chattu.gateway.may_make(there) {
        return Err(ApiError::invalid("This account has as many clients as it may make: delete one, or ask for more."));
    }
    client_ids::check(id).map_err(|e| ApiError::invalid(format!("{e}.")))?;
    let name = id.to_owned();
    let asked = name.clone();
    let id = chattu.gateway.store.read(move |tx| client_ids::free_slug(tx, &asked)).await?;
    let NewClient { connector, mut settings } = chattu.new_client.clone();
    if connector == ConnectorKind::Sandbox {
        // The phone network inside waits for its code, too, so that everything can be tried.
        settings.entry("state".to_owned()).or_insert_with(|| "qr".to_owned());
    }
    let new = NewInstance { id, account: caller.caller.account, name: name.clone(), connector, settings };
    let made =
        chattu.gateway.instances.create(new, &format!("key {}", caller.caller.key)).await.map_err(|e| match e {
            InstanceError::Invalid(why) => {
                let text = "Clients of this gateway need settings that this call does not have";
                ApiError::invalid(format!(
                    "{text} ({why}): chattu.new_client_settings has them for all clients; or make a client in the portal, \
                     page Instances, and use its id here."
                ))
            }
            other => other.into(),
        })?;
    let instance = made.id.clone();
    chattu.gateway.store.write(move |tx| client_ids::set(tx, &instance, &name)).await?;
    Ok(made)
}

fn picture(chattu: &Chattu, client: &Instance) -> Option<Vec<u8>> {
    qr::png(&chattu.gateway.registry.pairing(&client.id)?.qr?)
}

/// `GET /api/qr/{client_id}`
pub async fn code(chattu: &Chattu, who: Who, incoming: Incoming) -> ChattuResult {
    let client = who.client(chattu, &incoming.segments[0]).await?;
    let Some(png) = picture(chattu, &client) else {
        return Err(ApiError::missing("CLIENT_NOT_FOUND", "There is no QR code: the client does not wait for one."));
    };
    let mut response = Response::new(png.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("image/png"));
    Ok(response)
}

/// `GET /api/clients`
pub async fn list(chattu: &Chattu, who: Who, _: Incoming) -> ChattuResult {
    let caller = who.key()?;
    has_dialect(chattu, caller.caller.account).await?;
    let mut shown = Vec::new();
    let clients = chattu.gateway.instances.list(Scope::Account(caller.caller.account)).await?;
    let names = chattu.client_names(clients.iter().map(|client| client.id.clone()).collect()).await?;
    for client in clients {
        let key = chattu.gateway.accounts.client_key(client.account_id, &client.id).await?;
        let number = client.phone.as_deref().map_or("", digits);
        let (connected, status) = match client.state {
            InstanceState::Open if number.is_empty() => (client.id.to_string(), "Authenticated"),
            InstanceState::Open => (format!("{number}@c.us"), "Authenticated"),
            InstanceState::Qr | InstanceState::Connecting => ("Not Connected".to_owned(), "Pending Authentication"),
            InstanceState::Close => ("Not Connected".to_owned(), "Disconnected"),
        };
        shown.push(json!({
            "clientId": names.get(&client.id), "phoneNumber": number, "apiKey": key, "connectedNumber": connected, "status": status,
        }));
    }
    Ok(ok(&Value::Array(shown)))
}

/// `GET /api/profile`
pub async fn profile(chattu: &Chattu, who: Who, incoming: Incoming) -> ChattuResult {
    let caller = who.key()?;
    let account = chattu.gateway.accounts.find_account(caller.caller.account).await?;
    has_dialect(chattu, account.id).await?;
    let people = chattu.gateway.accounts.people(account.id).await?;
    let count = chattu.gateway.instances.list(Scope::Account(account.id)).await?.len();
    let (name, role) = people.first().map_or((account.name.as_str(), "owner"), |u: &User| (&u.email, &u.role));
    Ok(ok(&json!({
        "username": name, "role": role, "apiKey": incoming.header("x-api-key").unwrap_or_default().trim(),
        "clientCount": count,
    })))
}

/// `DELETE /clients/{client_id}`
pub async fn delete(chattu: &Chattu, who: Who, mut incoming: Incoming) -> ChattuResult {
    let Who::Person(session) = &who else { return Err(ApiError::auth()) };
    let object = object(&mut incoming).await.unwrap_or_default();
    let password = object.get("password").and_then(Value::as_str).unwrap_or_default();
    if password.is_empty() {
        return Err(ApiError::invalid("Password is required."));
    }
    if !chattu.gateway.accounts.is_password(session.user, password).await? {
        let refused = Refused { who: &session.email, account: session.account, action: "client.delete_refused" };
        chattu.note_refused(refused, &incoming.segments[0], "a wrong password").await?;
        return Err(ApiError::access("Invalid password or client not owned by user."));
    }
    let client = who.client(chattu, &incoming.segments[0]).await?;
    if let Err(e) = chattu.gateway.registry.log_out(&client.id).await {
        tracing::info!(instance = %client.id, "deleted without a logout: {e}");
    }
    let key = chattu.gateway.accounts.client_key(client.account_id, &client.id).await?;
    chattu.set_webhook(&client, "", &key, &who.actor()).await?;
    chattu.gateway.instances.delete(&client.id, &who.actor()).await?;
    chattu.gateway.accounts.end_client_keys(&client.id).await?;
    Ok(ok(&json!({"message": "Client deleted successfully."})))
}

/// `POST /api/update-webhook`
pub async fn update_webhook(chattu: &Chattu, who: Who, mut incoming: Incoming) -> ChattuResult {
    let object = object(&mut incoming).await?;
    let client = who.client_or_own(chattu, super::text(&object, "clientId")?).await?;
    let url = object.get("webhookUrl").and_then(Value::as_str);
    let url = url.ok_or_else(|| ApiError::invalid("webhookUrl is required; an empty one takes the webhook away."))?;
    let key = chattu.gateway.accounts.client_key(client.account_id, &client.id).await?;
    chattu.set_webhook(&client, url.trim(), &key, &who.actor()).await?;
    Ok(ok(&json!({"message": "Webhook URL updated successfully."})))
}

/// `POST /api/reset-api-key`
pub async fn reset_key(chattu: &Chattu, mut incoming: Incoming) -> ChattuResult {
    bounded(chattu, &incoming, RateKind::Sensitive)?;
    let object = object(&mut incoming).await?;
    let (name, key) = (needed(&object, "username")?, needed(&object, "currentApiKey")?);
    let address = incoming.client_address(&chattu.gateway);
    let found = chattu.gateway.accounts.ring().find_dialect(key, address, chattu.gateway.clock.now());
    let Some(caller) = found.ok().filter(|c| c.instance.is_none()) else {
        let address = address.to_string();
        let refused = Refused { who: "nobody", account: None, action: "key.reset_refused" };
        chattu.note_refused(refused, &address, "an unknown key").await?;
        return Err(ApiError::auth());
    };
    let account = chattu.gateway.accounts.find_account(caller.caller.account).await?;
    let people = chattu.gateway.accounts.people(account.id).await?;
    let is_theirs =
        people.iter().any(|u| u.email.eq_ignore_ascii_case(name)) || (people.is_empty() && account.name == name);
    if !is_theirs {
        let key = caller.caller.key.to_string();
        let refused = Refused { who: "nobody", account: Some(account.id), action: "key.reset_refused" };
        chattu.note_refused(refused, &key, "a name that does not fit the key").await?;
        return Err(ApiError::auth());
    }
    let text = chattu.gateway.accounts.renew_key(caller.caller.key, name).await?;
    Ok(ok(&json!({"message": "API key reset successfully.", "newApiKey": text})))
}
