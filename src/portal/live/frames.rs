//! What a change looks like: the thing itself as it is now, so that a frame that is heard twice changes nothing.

use crate::{
    chats::{self, ChatId},
    connectors::Registry,
    live::{Change, Kind},
    model::{
        ids::InstanceId,
        instance::{Health, InstanceState},
    },
    portal::{chat::shown, locale::Locale},
    store::{StoreError, Tx},
};
use rusqlite::params;
use serde_json::{Value, json};

/// The frame for a change; none: what it was about is gone.
pub(super) fn frame(
    tx: &Tx<'_>,
    registry: &Registry,
    locale: &Locale,
    change: &Change,
) -> Result<Option<Value>, StoreError> {
    let Some(instance) = &change.instance else { return Ok(None) };
    let told = match (change.kind, change.row, &change.name) {
        (Kind::Out, Some(row), _) => said(tx, locale, instance, chats::sent(tx, row)?)?,
        (Kind::In, Some(row), _) => said(tx, locale, instance, chats::heard(tx, row)?)?,
        (Kind::Read, Some(row), _) => chat(tx, locale, instance, &ChatId::Person(crate::model::ids::ContactId(row)))?,
        (Kind::Group, _, Some(name)) => chat(tx, locale, instance, &ChatId::Group(name.clone()))?,
        (Kind::Connection | Kind::Qr, ..) => connection(tx, registry, locale, instance)?,
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
    found: Option<(ChatId, chats::Line)>,
) -> Result<Option<Value>, StoreError> {
    let Some((id, line)) = found else { return Ok(None) };
    let chat = chats::find(tx, instance, &id)?.map(|chat| shown::chat(locale, &chat));
    Ok(Some(json!({
        "type": "message", "chat": id.to_string(), "line": shown::line(locale, instance, line), "row": chat,
    })))
}

fn chat(tx: &Tx<'_>, locale: &Locale, instance: &InstanceId, id: &ChatId) -> Result<Option<Value>, StoreError> {
    let found = chats::find(tx, instance, id)?;
    Ok(found.map(|chat| json!({"type": "chat", "chat": id.to_string(), "row": shown::chat(locale, &chat)})))
}

fn connection(
    tx: &Tx<'_>,
    registry: &Registry,
    locale: &Locale,
    instance: &InstanceId,
) -> Result<Option<Value>, StoreError> {
    let found = tx.find(
        "SELECT state, health, name, phone, state_reason, paused_at IS NOT NULL FROM instances
         WHERE id = ?1 AND deleted_at IS NULL",
        params![instance],
        |r| {
            let (state, health): (InstanceState, Health) = (r.get(0)?, r.get(1)?);
            let (name, phone): (String, Option<String>) = (r.get(2)?, r.get(3)?);
            let (reason, is_paused): (Option<String>, bool) = (r.get(4)?, r.get(5)?);
            Ok((state, health, name, phone, reason, is_paused))
        },
    )?;
    let Some((state, health, name, phone, reason, is_paused)) = found else {
        return Ok(Some(json!({"type": "connection", "state": "gone"})));
    };
    let shown = if is_paused { "paused" } else { state.as_str() };
    let word = if is_paused { locale.t("instance.paused").to_owned() } else { locale.word("state", state) };
    let pairing = registry.pairing(instance);
    let code = pairing.as_ref().map(|p| {
        json!({
            "has_qr": p.qr.is_some(), "code": p.code,
            "until": locale.fill("manage.code_until", "time", locale.exact(&p.expires_at)),
        })
    });
    Ok(Some(json!({
        "type": "connection", "state": shown, "word": word, "is_deaf": health == Health::Deaf, "name": name,
        "phone": phone, "reason": reason, "pairing": code,
    })))
}
