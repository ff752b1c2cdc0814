//! Clients: added, listed, paired, pointed to a webhook, deleted; the account's profile and key.

use super::{
    ApiError, ChattuResult,
    auth::{Who, bounded, by_account_key, by_key, by_session, has_dialect},
    digits, needed, object, ok,
};
use crate::{
    accounts::{DialectCaller, User},
    dialects::chattu::RateKind,
    gateway::Gateway,
    instances::{Instance, InstanceError, NewInstance},
    model::{
        ids::InstanceId,
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

/// `POST /api/add-number`
pub async fn add(gateway: &Gateway, mut incoming: Incoming) -> ChattuResult {
    let caller = by_account_key(gateway, &incoming)?;
    let object = object(&mut incoming).await?;
    has_dialect(gateway, caller.caller.account).await?;
    let id = needed(&object, "clientId")?;
    let phone = Phone::parse(needed(&object, "phoneNumber")?, caller.caller.region);
    let phone = phone.map_err(|e| ApiError::invalid(format!("phoneNumber: {e}.")))?;
    let client = match Who::Key(caller.clone()).client(gateway, id).await {
        Ok(client) => client,
        Err(_) => make(gateway, &caller, id).await?,
    };
    gateway.chattu.note_number(&client.id, &phone).await?;
    let key = gateway.accounts.client_key(client.account_id, &client.id).await?;
    let open = gateway.registry.standing(&client.id).is_some_and(|s| s.state == InstanceState::Open);
    let picture = if open { None } else { picture(gateway, &client) };
    let message = match (&picture, open) {
        (_, true) => "The client is connected.",
        (Some(_), _) => "QR Code generated for authentication",
        (None, _) => "The client waits for its QR code: ask for it again in a moment.",
    };
    let code = picture.map(|png| format!("data:image/png;base64,{}", STANDARD.encode(png)));
    Ok(ok(&json!({
        "status": if open { "connected" } else { "pending_auth" }, "message": message, "qrCode": code, "apiKey": key,
    })))
}

async fn make(gateway: &Gateway, caller: &DialectCaller, id: &str) -> Result<Instance, ApiError> {
    let id = InstanceId::parse(id).map_err(|e| ApiError::invalid(format!("clientId: {e}.")))?;
    let connector = gateway.chattu.new_client_connector;
    // The phone network inside waits for its code, too, so that everything can be tried.
    let settings = match connector {
        ConnectorKind::Sandbox => [("state".to_owned(), "qr".to_owned())].into(),
        _ => std::collections::BTreeMap::new(),
    };
    let name = id.to_string();
    let new = NewInstance { id, account: caller.caller.account, name, connector, settings };
    let made = gateway.instances.create(new, &format!("key {}", caller.caller.key)).await;
    made.map_err(|e| match e {
        InstanceError::NotAvailable(_) => ApiError::invalid("This clientId is not available: choose another."),
        other => other.into(),
    })
}

fn picture(gateway: &Gateway, client: &Instance) -> Option<Vec<u8>> {
    qr::png(&gateway.registry.pairing(&client.id)?.qr?)
}

/// `GET /api/qr/{client_id}`
pub async fn code(gateway: &Gateway, incoming: Incoming) -> ChattuResult {
    let who = by_key(gateway, &incoming)?;
    let client = who.client(gateway, &incoming.segments[0]).await?;
    let Some(png) = picture(gateway, &client) else {
        return Err(ApiError::missing("CLIENT_NOT_FOUND", "There is no QR code: the client does not wait for one."));
    };
    let mut response = Response::new(png.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/png"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// `GET /api/clients`
pub async fn list(gateway: &Gateway, incoming: Incoming) -> ChattuResult {
    let caller = by_account_key(gateway, &incoming)?;
    has_dialect(gateway, caller.caller.account).await?;
    let mut shown = Vec::new();
    for client in gateway.instances.list(Some(caller.caller.account)).await? {
        let key = gateway.accounts.client_key(client.account_id, &client.id).await?;
        let number = client.phone.as_deref().map_or("", digits);
        let (connected, status) = match client.state {
            InstanceState::Open if number.is_empty() => (client.id.to_string(), "Authenticated"),
            InstanceState::Open => (format!("{number}@c.us"), "Authenticated"),
            InstanceState::Qr | InstanceState::Connecting => ("Not Connected".to_owned(), "Pending Authentication"),
            InstanceState::Close => ("Not Connected".to_owned(), "Disconnected"),
        };
        shown.push(json!({
            "clientId": client.id, "phoneNumber": number, "apiKey": key, "connectedNumber": connected, "status": status,
        }));
    }
    Ok(ok(&Value::Array(shown)))
}

/// `GET /api/profile`
pub async fn profile(gateway: &Gateway, incoming: Incoming) -> ChattuResult {
    let caller = by_account_key(gateway, &incoming)?;
    let account = gateway.accounts.find_account(caller.caller.account).await?;
    has_dialect(gateway, account.id).await?;
    let people = gateway.accounts.people(account.id).await?;
    let count = gateway.instances.list(Some(account.id)).await?.len();
    let (name, role) = people.first().map_or((account.name.as_str(), "owner"), |u: &User| (&u.email, &u.role));
    Ok(ok(&json!({
        "username": name, "role": role, "apiKey": incoming.header("x-api-key").unwrap_or_default().trim(),
        "clientCount": count,
    })))
}

/// `DELETE /clients/{client_id}`
pub async fn delete(gateway: &Gateway, mut incoming: Incoming) -> ChattuResult {
    bounded(gateway, &incoming, RateKind::Delete)?;
    // It takes a password, which is not to be guessed here either.
    bounded(gateway, &incoming, RateKind::Password)?;
    let who = by_session(gateway, &incoming).await?;
    let Who::Person(session) = &who else { return Err(ApiError::auth()) };
    let object = object(&mut incoming).await.unwrap_or_default();
    let password = object.get("password").and_then(Value::as_str).unwrap_or_default();
    if password.is_empty() {
        return Err(ApiError::invalid("Password is required."));
    }
    if !gateway.accounts.is_password(session.user, password).await? {
        return Err(ApiError::access("Invalid password or client not owned by user."));
    }
    let client = who.client(gateway, &incoming.segments[0]).await?;
    if let Err(e) = gateway.registry.log_out(&client.id).await {
        tracing::info!(instance = %client.id, "deleted without a logout: {e}");
    }
    let key = gateway.accounts.client_key(client.account_id, &client.id).await?;
    gateway.chattu.set_webhook(client.account_id, &client.id, "", &key).await?;
    gateway.instances.delete(&client.id, &who.actor()).await?;
    gateway.accounts.end_client_keys(&client.id).await?;
    Ok(ok(&json!({"message": "Client deleted successfully."})))
}

/// `POST /api/update-webhook`
pub async fn update_webhook(gateway: &Gateway, mut incoming: Incoming) -> ChattuResult {
    let who = by_key(gateway, &incoming)?;
    let object = object(&mut incoming).await?;
    let client = who.client_or_own(gateway, super::text(&object, "clientId")).await?;
    let url = object.get("webhookUrl").and_then(Value::as_str);
    let url = url.ok_or_else(|| ApiError::invalid("webhookUrl is required; an empty one takes the webhook away."))?;
    let key = gateway.accounts.client_key(client.account_id, &client.id).await?;
    gateway.chattu.set_webhook(client.account_id, &client.id, url.trim(), &key).await?;
    Ok(ok(&json!({"message": "Webhook URL updated successfully."})))
}

/// `POST /api/reset-api-key`
pub async fn reset_key(gateway: &Gateway, mut incoming: Incoming) -> ChattuResult {
    bounded(gateway, &incoming, RateKind::Sensitive)?;
    let object = object(&mut incoming).await?;
    let (name, key) = (needed(&object, "username")?, needed(&object, "currentApiKey")?);
    let found = gateway.accounts.ring().find_dialect(key, gateway.clock.now());
    let caller = found.ok().filter(|c| c.instance.is_none()).ok_or_else(ApiError::auth)?;
    let account = gateway.accounts.find_account(caller.caller.account).await?;
    let people = gateway.accounts.people(account.id).await?;
    let is_theirs =
        people.iter().any(|u| u.email.eq_ignore_ascii_case(name)) || (people.is_empty() && account.name == name);
    if !is_theirs {
        return Err(ApiError::auth());
    }
    let text = gateway.accounts.renew_key(caller.caller.key, name).await?;
    Ok(ok(&json!({"message": "API key reset successfully.", "newApiKey": text})))
}
