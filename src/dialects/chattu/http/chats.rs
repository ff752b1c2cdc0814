//! Chats with people, for whoever is logged in.

use super::{ApiError, ChattuResult, auth::Who, draft, kind, last, object, ok, purpose, said, sent, serialized};
use crate::{
    api::media,
    connectors::Address,
    dialects::chattu::Chattu,
    instances::Instance,
    model::{
        ids::{AccountId, ContactId, LogId},
        message::Status,
        phone::{Phone, Recipient},
    },
    people::{
        chats::{self, ChatId, ChatMessage, LineWindow, list_people},
        conversations::{self, Identity, IdentityKind},
        media::Of,
    },
    sending::Request,
    store::{StoreError, Tx},
    web::{Incoming, form::Fields},
};
use ::http::{StatusCode, header};
use serde_json::{Value, json};

/// Chats that are listed.
const MOST_CHATS: u32 = 500;
/// Messages of one, where the request does not say.
const LIMIT: usize = 50;
const LIMIT_MAX: usize = 500;
/// What stands for a message that was taken back.
const DELETED: &str = "This message was deleted.";

/// `GET /api/chats/{client_id}`. A `profilePic` is null until the connector has asked for it, and where it cannot. No
/// connector tells of chats that somebody muted or pinned on the phone: `isMuted` and `pinned` are always false, as the
/// documents allow. Groups tell more.
pub async fn list(chattu: &Chattu, who: Who, incoming: Incoming) -> ChattuResult {
    let client = who.client(chattu, &incoming.segments[0]).await?;
    let instance = client.id.clone();
    let all = chattu.gateway.store.read(move |tx| list_people(tx, &client.id, MOST_CHATS)).await?;
    let picture = |of: &str| chattu.gateway.registry.picture(&instance, &address(of)?);
    let shown = all.iter().map(|chat| {
        let id = serialized(&chat.address);
        json!({
            "id": {"_serialized": id}, "name": chat.name.as_deref().unwrap_or(&chat.address), "profilePic": picture(&chat.address),
            "lastMessage": last(chat.last.as_ref()), "timestamp": chat.at.seconds(), "unreadCount": chat.unread,
            "isMuted": false, "pinned": false,
        })
    });
    Ok(ok(&json!({"chats": shown.collect::<Vec<_>>()})))
}

/// A chat's person as a connector knows them.
fn address(text: &str) -> Option<Address> {
    match text {
        lid if lid.ends_with("@lid") => Some(Address::Lid(lid.to_owned())),
        phone if phone.starts_with('+') => Phone::parse(phone, None).ok().map(Address::Phone),
        _ => None,
    }
}

/// `GET /api/chats/{client_id}/{chat_id}/messages`
pub async fn messages(chattu: &Chattu, who: Who, incoming: Incoming) -> ChattuResult {
    let client = who.client(chattu, &incoming.segments[0]).await?;
    let query = Fields::parse(&incoming.query);
    let limit = match query.some("limit") {
        None => LIMIT,
        Some(text) => text.parse().map_err(|_| ApiError::invalid("limit must be a number."))?,
    };
    let limit = limit.clamp(1, LIMIT_MAX);
    let contact = contact(chattu, &client, &incoming.segments[1]).await?;
    let (account, instance) = (client.account_id, client.id);
    let window = LineWindow { before: None, most: limit, refused: false };
    let chat = ChatId::Person(contact);
    let page = chattu.gateway.store.read(move |tx| chats::lines(tx, account, &instance, &chat, window)).await?;
    let own = client.phone.unwrap_or_default();
    Ok(ok(&json!({"messages": page.lines.iter().map(|line| shown(line, &own)).collect::<Vec<_>>()})))
}

/// `own` is the client's own number: who gave a reaction of ours.
fn shown(line: &ChatMessage, own: &str) -> Value {
    let by = |r: &chats::Reaction| serialized(r.by.as_ref().map_or(own, |who| &who.address));
    let reactions = line.reactions.iter().map(|r| json!({"reaction": r.sign, "senderId": by(r)}));
    let reactions = (!line.reactions.is_empty()).then(|| reactions.collect::<Vec<_>>());
    let (kind, text) = if line.is_deleted { ("revoked", DELETED) } else { (kind(&line.kind), &*line.text) };
    json!({
        "id": {"_serialized": line.id}, "body": text, "fromMe": line.is_ours, "timestamp": line.key.at.seconds(),
        "type": kind, "hasMedia": line.file.is_some(), "hasReaction": reactions.is_some(),
        "reactions": reactions, "ack": ack(line), "filename": line.file.as_ref().and_then(|f| f.name.as_ref()),
    })
}

/// 1 sent, 2 delivered, 3 read; 0 on its way or nobody knows; -1 failed.
const fn ack(line: &ChatMessage) -> i8 {
    match line.status {
        None => 2 + line.is_read as i8,
        Some(Status::Sent) => 1,
        Some(Status::Delivered) => 2,
        Some(Status::Read) => 3,
        Some(Status::Accepted | Status::Sending | Status::Unknown) => 0,
        Some(Status::Failed | Status::Blocked) => -1,
    }
}

/// `POST /api/chats/{client_id}/{chat_id}/send`
pub async fn send(chattu: &Chattu, who: Who, mut incoming: Incoming) -> ChattuResult {
    let client = who.client(chattu, &incoming.segments[0]).await?;
    let object = object(&mut incoming).await?;
    let recipient = match known(chattu, &client, &incoming.segments[1]).await? {
        Some(contact) => Recipient::Contact(contact),
        None => super::messages::recipient(chattu, &incoming.segments[1], &who)?,
    };
    let purpose = purpose(&object, &who)?;
    let mut request = Request::text(client.id.clone(), recipient, purpose, String::new());
    let draft = draft(&object)?;
    request.draft = draft.clone().into();
    let answer = chattu.gateway.sending.submit(who.sender(&client, &incoming.request_id), request).await?;
    let message = said(chattu, &answer, &draft);
    sent(chattu, &answer, &draft, json!({"message": message}))
}

/// `POST /api/chats/{client_id}/{chat_id}/read`
pub async fn read(chattu: &Chattu, who: Who, incoming: Incoming) -> ChattuResult {
    let client = who.client(chattu, &incoming.segments[0]).await?;
    let contact = contact(chattu, &client, &incoming.segments[1]).await?;
    chattu.gateway.attention.read(&client.id, &ChatId::Person(contact)).await?;
    Ok(ok(&json!({"success": true})))
}

/// `GET /api/chats/{client_id}/media/{message_id}`
pub async fn file(chattu: &Chattu, who: Who, incoming: Incoming) -> ChattuResult {
    let client = who.client(chattu, &incoming.segments[0]).await?;
    let id = incoming.segments[1].clone();
    let found = chattu.gateway.store.read(move |tx| item(tx, &id)).await?;
    match found.filter(|item| item.instance == client.id && item.account == client.account_id) {
        Some(item) => {
            let given = media::give(&chattu.gateway, &incoming, item).await;
            match given.status() {
                StatusCode::GONE => Err(ApiError::media("The file of this message is not kept any more.")),
                StatusCode::SERVICE_UNAVAILABLE => Err(ApiError::not_yet(given.headers().get(header::RETRY_AFTER))),
                _ => Ok(given),
            }
        }
        None => Err(ApiError::media("This message has no file.")),
    }
}

fn item(tx: &Tx<'_>, id: &str) -> Result<Option<crate::people::media::StoredFile>, StoreError> {
    let of = match id.strip_prefix("inb_") {
        Some(row) => row.parse().ok().map(Of::Inbound),
        None => crate::sending::log::id_of(tx, id)?.map(|LogId(id)| Of::Outbound(LogId(id))),
    };
    of.map_or(Ok(None), |of| crate::people::media::find_of(tx, of))
}

async fn known(chattu: &Chattu, client: &Instance, chat: &str) -> Result<Option<ContactId>, ApiError> {
    let (account, chat) = (client.account_id, chat.to_owned());
    Ok(chattu.gateway.store.read(move |tx| contact_of(tx, account, &chat)).await?)
}

/// The person behind a chat's id: a number or a hidden id, with or without `@c.us`.
fn contact_of(tx: &Tx<'_>, account: AccountId, chat: &str) -> Result<Option<ContactId>, StoreError> {
    let (name, host) = chat.split_once('@').unwrap_or((chat, "c.us"));
    let identity = match host {
        "c.us" | "s.whatsapp.net" if name.bytes().all(|b| b.is_ascii_digit()) => Identity::phone(format!("+{name}")),
        "lid" => Identity { kind: IdentityKind::Lid, value: chat.to_owned() },
        _ => Identity { kind: IdentityKind::Bsuid, value: name.to_owned() },
    };
    Ok(conversations::find(tx, account, &identity)?.map(|contact| contact.id))
}

async fn contact(chattu: &Chattu, client: &Instance, chat: &str) -> Result<ContactId, ApiError> {
    known(chattu, client, chat).await?.ok_or_else(|| ApiError::missing("CLIENT_NOT_FOUND", "Chat not found."))
}
