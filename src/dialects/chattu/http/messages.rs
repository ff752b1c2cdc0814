//! Sending, and the lists of what was sent, received, called and logged.

use super::{
    ApiError, ChattuResult, auth::Who, digits, draft, needed_number, object, ok, purpose, sent, serialized, text,
};
use crate::{
    accounts::Scope,
    dialects::chattu::{Chattu, ClientScope, lists},
    model::{code::Code, message::Status, phone::Recipient, plan::Module},
    sending::{Refusal, Request, Sender, Source, request::PurposeField},
    web::Incoming,
};
use serde_json::{Map, Value, json};

const MESSAGES: u32 = 100;
const CALLS_OF_ALL: u32 = 50;

/// `POST /api/send-message` with `x-api-key`.
pub async fn send(chattu: &Chattu, who: Who, mut incoming: Incoming) -> ChattuResult {
    let object = object(&mut incoming).await?;
    match read(chattu, &who, &object).await {
        Ok((client, request)) => {
            let sender = who.sender(&client, &incoming.request_id);
            let draft = request.draft.clone();
            let answer = chattu.gateway.sending.submit(sender, request).await?;
            sent(chattu, &answer, &draft, json!({}))
        }
        Err(wrong) => {
            if let Who::Key(key) = &who {
                let sender = Sender {
                    account: key.caller.account,
                    key: Some(key.caller.key),
                    source: Source::Chattu,
                    module: Some(Module::Chattu),
                    request_id: Some(incoming.request_id.clone()),
                };
                let refusal = Refusal { gate: "request", ..Refusal::new(Code::ValidationError, wrong.text()) };
                chattu.gateway.sending.refuse_unreadable(sender, refusal).await?;
            }
            Err(wrong)
        }
    }
}

async fn read(
    chattu: &Chattu,
    who: &Who,
    object: &Map<String, Value>,
) -> Result<(crate::instances::Instance, Request), ApiError> {
    let client = who.client_or_own(chattu, text(object, "clientId")?).await?;
    let recipient = recipient(chattu, &needed_number(object, "number")?, who)?;
    let purpose = purpose(object, who)?;
    let mut request = Request::text(client.id.clone(), recipient, purpose, String::new());
    request.draft = draft(object)?.into();
    request.purpose = PurposeField::Allowed(purpose);
    Ok((client, request))
}

/// A number as the dialect writes it: digits with or without `+`, or with a chat's server behind them.
pub(super) fn recipient(chattu: &Chattu, number: &str, who: &Who) -> Result<Recipient, ApiError> {
    let servers = ["@c.us", "@s.whatsapp.net"];
    let number = servers.iter().find_map(|server| number.strip_suffix(server)).unwrap_or(number);
    let how = chattu.gateway.sending.rules().reading(who.region());
    Recipient::parse(number, how).map_err(|e| ApiError::invalid(format!("number: {e}.")))
}

/// `GET /api/sent-messages`
pub async fn list_sent(chattu: &Chattu, who: Who, _: Incoming) -> ChattuResult {
    let scope = who.scope()?;
    let all = chattu.gateway.store.read(move |tx| lists::sent(tx, &scope, MESSAGES)).await?;
    let shown = all.iter().map(|m| {
        let status = match m.status {
            Status::Accepted | Status::Sending => "pending",
            other => other.as_str(),
        };
        json!({
            "id": m.id, "clientId": m.instance, "senderNumber": m.own_number.as_deref().map_or("", digits),
            "recipient": digits(&m.recipient), "message": m.text, "status": status, "sentAt": m.at,
        })
    });
    Ok(ok(&Value::Array(shown.collect())))
}

/// `GET /api/received-messages/{client_id}`
pub async fn list_received(chattu: &Chattu, who: Who, incoming: Incoming) -> ChattuResult {
    let scope = scope_of_client(chattu, &who, &incoming).await?;
    let all = chattu.gateway.store.read(move |tx| lists::received(tx, &scope, MESSAGES)).await?;
    let shown = all.iter().map(|m| {
        json!({
            "id": m.id, "client_id": m.instance, "sender": m.from.as_deref().map_or("", digits), "message": m.text,
            "received_at": m.at,
        })
    });
    Ok(ok(&json!({"status": "success", "messages": shown.collect::<Vec<_>>()})))
}

/// `GET /api/incoming-calls/{client_id}`
pub async fn list_calls(chattu: &Chattu, who: Who, incoming: Incoming) -> ChattuResult {
    let scope = scope_of_client(chattu, &who, &incoming).await?;
    calls(chattu, scope, MESSAGES).await
}

/// `GET /api/call-logs`
pub async fn list_all_calls(chattu: &Chattu, who: Who, _: Incoming) -> ChattuResult {
    let scope = who.scope()?;
    calls(chattu, scope, CALLS_OF_ALL).await
}

async fn calls(chattu: &Chattu, scope: ClientScope, limit: u32) -> ChattuResult {
    let all = chattu.gateway.store.read(move |tx| lists::calls(tx, &scope, limit)).await?;
    let shown = all.iter().map(|c| {
        let duration = c.ended_at.map(|end| end.since(c.started_at).as_secs());
        json!({
            "id": c.id, "client_id": c.instance, "call_from": c.from.as_deref().map_or_else(String::new, serialized),
            "is_video": c.is_video, "start_time": c.started_at, "end_time": c.ended_at, "duration": duration,
            "created_at": c.started_at,
        })
    });
    Ok(ok(&json!({"status": "success", "calls": shown.collect::<Vec<_>>()})))
}

/// `GET /api/logs`
pub async fn list_log(chattu: &Chattu, who: Who, _: Incoming) -> ChattuResult {
    let scope = who.scope()?;
    let all = chattu.gateway.store.read(move |tx| lists::log(tx, &scope, MESSAGES)).await?;
    let shown = all.iter().map(|line| {
        json!({"id": line.id, "level": line.level, "event": line.event, "message": line.message, "createdAt": line.at})
    });
    Ok(ok(&Value::Array(shown.collect())))
}

async fn scope_of_client(chattu: &Chattu, who: &Who, incoming: &Incoming) -> Result<ClientScope, ApiError> {
    let client = who.client(chattu, &incoming.segments[0]).await?;
    Ok(ClientScope { scope: Scope::Account(client.account_id), instance: Some(client.id) })
}
