//! Scheduled messages.

use super::{
    ApiError, ChattuResult, auth::Who, created, draft, messages::recipient, needed, needed_number, object, ok, purpose,
    text,
};
use crate::{
    dialects::chattu::Chattu,
    model::{
        ids::InstanceId,
        plan::{Module, Zone},
    },
    sending::{
        Sender, Source,
        request::Draft,
        schedule::{self, Filter, NewSchedule, ScheduleState, ScheduledMessage},
    },
    web::Incoming,
};
use serde_json::{Value, json};
use std::collections::HashMap;

const LISTED: u32 = 500;

/// `POST /schedule-message`
pub async fn create(chattu: &Chattu, who: Who, mut incoming: Incoming) -> ChattuResult {
    let object = object(&mut incoming).await?;
    let client = who.client_or_own(chattu, text(&object, "clientId")?).await?;
    let account = chattu.gateway.accounts.find_account(client.account_id).await?;
    let zone = Zone::stored(account.timezone, None);
    let due_at = schedule::parse(needed(&object, "scheduleTime")?, &zone, chattu.gateway.clock.now());
    let due_at = due_at.map_err(|e| ApiError::invalid(format!("scheduleTime: {e}.")))?;
    let draft = draft(&object)?;
    if !matches!(draft, Draft::Text(_)) {
        return Err(ApiError::invalid("Only texts can be scheduled."));
    }
    // Sent later by nobody's key: a key that is renewed in between must not stop what was scheduled with it.
    let sender = Sender {
        account: client.account_id,
        key: None,
        source: Source::Schedule,
        module: Some(Module::Chattu),
        request_id: Some(incoming.request_id.clone()),
    };
    let new = NewSchedule {
        sender,
        account: client.account_id,
        instance: client.id,
        recipient: recipient(chattu, &needed_number(&object, "number")?, &who)?,
        draft,
        purpose: purpose(&object, &who)?,
        reference: None,
        due_at,
        created_by: who.actor(),
    };
    let entry = chattu.gateway.schedules.create(new).await?;
    let names = chattu.client_names(vec![entry.instance.clone()]).await?;
    Ok(created(&shown(&entry, &names)))
}

/// `GET /scheduled-messages`
pub async fn list(chattu: &Chattu, who: Who, _: Incoming) -> ChattuResult {
    let whose = who.scope()?;
    let all = chattu.gateway.schedules.list(Filter {
        scope: whose.scope,
        instance: whose.instance,
        before: None,
        limit: LISTED,
    });
    let all = all.await?;
    let names = chattu.client_names(all.iter().map(|entry| entry.instance.clone()).collect()).await?;
    Ok(ok(&Value::Array(all.iter().map(|entry| shown(entry, &names)).collect())))
}

/// `DELETE /scheduled-messages/{id}`
pub async fn cancel(chattu: &Chattu, who: Who, incoming: Incoming) -> ChattuResult {
    let id = incoming.segments[0]
        .parse()
        .map_err(|_| ApiError::missing("SCHEDULE_NOT_FOUND", "Scheduled message not found."))?;
    let whose = who.scope()?;
    chattu.gateway.schedules.cancel(whose.scope, whose.instance, id).await?;
    Ok(ok(&json!({"message": "Schedule cancelled."})))
}

fn shown(entry: &ScheduledMessage, names: &HashMap<InstanceId, String>) -> Value {
    // The dialect has no word for what nobody can tell; whoever sends a failed one again must be warned.
    let (status, reason) = match entry.state {
        ScheduleState::Unknown => {
            ("failed", Some("it is not known whether the provider took it: do not send it again"))
        }
        other => (other.as_str(), entry.reason.as_deref()),
    };
    let mut shown = json!({
        "id": entry.id, "clientId": names.get(&entry.instance), "recipient": entry.recipient, "message": entry.message,
        "scheduleTime": entry.due_at, "status": status, "createdAt": entry.created_at, "sentTime": entry.sent_at,
    });
    if let Some(reason) = reason {
        shown["reason"] = json!(reason);
    }
    shown
}
