//! What a change looks like: the thing itself as it is now, so that a frame that is heard twice changes nothing.

use crate::{
    events::live::{ChangeKind, LiveChange},
    instances::{self, InstanceError},
    model::{
        ids::{ContactId, InstanceId},
        instance::Health,
    },
    people::chats::{self, ChatId},
    portal::chat::{line_html, row_html, shown},
    store::{StoreError, Tx},
    texts::locale::Locale,
};
use serde_json::{Value, json};

/// The frame for a change; none: what it was about is gone.
pub(super) fn frame(tx: &Tx<'_>, locale: &Locale, change: &LiveChange) -> Result<Option<Value>, StoreError> {
    let Some(instance) = &change.instance else { return Ok(None) };
    let told = match (change.kind, change.row, &change.name) {
        (ChangeKind::Out, Some(row), _) => said(tx, locale, instance, chats::sent(tx, row)?)?,
        (ChangeKind::In, Some(row), _) => said(tx, locale, instance, chats::heard(tx, row)?)?,
        (ChangeKind::Read, Some(contact), _) => row(tx, locale, instance, &ChatId::Person(ContactId(contact)))?,
        (ChangeKind::Group, _, Some(name)) => row(tx, locale, instance, &ChatId::Group(name.clone()))?,
        (ChangeKind::Connection | ChangeKind::Qr, ..) => connection(tx, locale, instance)?,
        _ => None,
    };
    Ok(told.map(|mut frame| {
        frame["position"] = json!(change.position);
        frame["instance"] = json!(instance);
        frame
    }))
}

fn said(
    tx: &Tx<'_>,
    locale: &Locale,
    instance: &InstanceId,
    found: Option<(ChatId, chats::ChatMessage)>,
) -> Result<Option<Value>, StoreError> {
    let Some((id, line)) = found else { return Ok(None) };
    let line = shown::line(locale, instance, line);
    let mut frame = row(tx, locale, instance, &id)?.unwrap_or_else(|| json!({}));
    (frame["type"], frame["html"], frame["line"]) = (json!("message"), json!(line_html(locale, &line)), json!(line));
    Ok(Some(frame))
}

/// A chat of the list.
fn row(tx: &Tx<'_>, locale: &Locale, instance: &InstanceId, id: &ChatId) -> Result<Option<Value>, StoreError> {
    let found = chats::find(tx, instance, id)?.map(|chat| shown::chat(locale, &chat));
    Ok(found.map(|chat| {
        let html = row_html(locale, &chat, instance, false);
        json!({"type": "chat", "chat": chat.id, "row": html, "at": chat.at, "unread": chat.unread})
    }))
}

fn connection(tx: &Tx<'_>, locale: &Locale, instance: &InstanceId) -> Result<Option<Value>, StoreError> {
    let found = match instances::find(tx, instance) {
        Ok(found) => found,
        Err(InstanceError::Store(e)) => return Err(e),
        Err(_) => return Ok(Some(json!({"type": "connection", "state": "gone"}))),
    };
    let is_paused = found.paused_at.is_some();
    let stands = instances::shown_state(found.state, found.state_reason.as_deref());
    let shown = if is_paused { "paused" } else { stands };
    let word = if is_paused { locale.t("instance.paused").to_owned() } else { locale.word("state", stands) };
    Ok(Some(json!({
        "type": "connection", "state": shown, "word": word, "is_deaf": found.health == Health::Deaf,
        "name": found.name, "phone": found.phone, "reason": found.state_reason,
    })))
}
