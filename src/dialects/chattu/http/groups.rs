//! Groups and channels. A message to one waits ([`after_group_pause`]) in the queue, while its request waits.

use super::{ApiError, ChattuResult, auth::Who, draft, last, needed, object, ok, purpose, seconds, sent, text};
use crate::{
    connectors::GroupInfo,
    dialects::chattu::{Chattu, groups::ListedGroup},
    instances::Instance,
    model::phone::Recipient,
    people::chats::ChatId,
    sending::schedule::{NewSchedule, after_group_pause},
    web::Incoming,
};
use serde_json::{Map, Value, json};

/// `GET /api/groups/{client_id}`
pub async fn list(chattu: &Chattu, who: Who, incoming: Incoming) -> ChattuResult {
    let client = who.client(chattu, &incoming.segments[0]).await?;
    let all = chattu.groups(&client.id).await?;
    let (channels, groups): (Vec<_>, Vec<_>) = all.iter().partition(|g| g.info.is_channel);
    let shown = |list: Vec<&ListedGroup>| list.into_iter().map(shown).collect::<Vec<_>>();
    Ok(ok(&json!({"groups": shown(groups), "channels": shown(channels), "total": all.len()})))
}

fn shown(listed: &ListedGroup) -> Value {
    let ListedGroup { info, last: newest, at, unread } = listed;
    let mut shown = json!({
        "id": info.id, "name": info.name, "description": info.description, "profilePic": info.picture_url,
        "lastMessage": last(newest.as_ref()), "timestamp": at.map_or(0, |at| at.seconds()), "unreadCount": unread,
        "isMuted": info.is_muted, "pinned": info.is_pinned, "isReadOnly": info.is_read_only,
        "type": if info.is_channel { "channel" } else { "group" },
    });
    if !info.is_channel {
        shown["participants"] = json!(info.participants.unwrap_or(0));
        shown["owner"] = json!(info.owner.as_deref().map(|owner| match owner.strip_suffix("@s.whatsapp.net") {
            Some(digits) => format!("{digits}@c.us"),
            None => owner.to_owned(),
        }));
        shown["createdAt"] = seconds(info.created_at);
    }
    shown
}

/// `POST /api/send-group-message`
pub async fn send_by_key(chattu: &Chattu, who: Who, mut incoming: Incoming) -> ChattuResult {
    let object = object(&mut incoming).await?;
    let client = who.client_or_own(chattu, text(&object, "clientId")?).await?;
    let group = find(chattu, &client, needed(&object, "groupId")?).await?;
    let more = json!({"groupId": group.id, "groupName": group.name});
    send(chattu, &incoming, &who, (&client, &group), (&object, more)).await
}

/// `POST /api/groups/{client_id}/{group_id}/send`
pub async fn send_by_session(chattu: &Chattu, who: Who, mut incoming: Incoming) -> ChattuResult {
    let object = object(&mut incoming).await?;
    let client = who.client(chattu, &incoming.segments[0]).await?;
    let group = find(chattu, &client, &incoming.segments[1]).await?;
    send(chattu, &incoming, &who, (&client, &group), (&object, json!({}))).await
}

async fn find(chattu: &Chattu, client: &Instance, id: &str) -> Result<GroupInfo, ApiError> {
    match chattu.group(&client.id, id).await? {
        Some(group) => Ok(group),
        None if id.ends_with("@c.us") || !id.contains('@') => Err(ApiError::chat_type()),
        None => Err(ApiError::group()),
    }
}

async fn send(
    chattu: &Chattu,
    incoming: &Incoming,
    who: &Who,
    (client, group): (&Instance, &GroupInfo),
    (object, more): (&Map<String, Value>, Value),
) -> ChattuResult {
    if group.is_read_only {
        return Err(ApiError::read_only());
    }
    if text(object, "mediaUrl")?.is_some() && text(object, "mediaType")?.is_none() {
        return Err(ApiError::invalid("mediaType is required beside mediaUrl."));
    }
    let draft = draft(object)?;
    let new = NewSchedule {
        sender: who.sender(client, &incoming.request_id),
        account: client.account_id,
        instance: client.id.clone(),
        recipient: Recipient::Group(group.id.clone()),
        draft: draft.clone(),
        purpose: purpose(object, who)?,
        reference: None,
        due_at: after_group_pause(chattu.gateway.clock.now(), &*chattu.gateway.random),
        created_by: who.actor(),
    };
    let answer = chattu.gateway.schedules.send_after(new).await?;
    if answer.refusal.is_none() {
        chattu.gateway.attention.read(&client.id, &ChatId::Group(group.id.clone())).await?;
    }
    sent(chattu, &answer, &draft, more)
}
