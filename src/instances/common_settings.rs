//! The settings of the gateway's own, which every connector has.
//!
//! - `reject_calls` (on or off) ends a call by itself; `reject_text` is what the caller is then told, in any language;
//!   without it the dialect's own text.
//! - `tell_read` (on or off, on by default): whether people are told that their messages were read, and that an answer is
//!   being written.

use super::{Instance, InstanceError};
use crate::{
    model::{ids::InstanceId, why::why},
    store::WriteTx,
};
use rusqlite::params;
use std::collections::BTreeMap;

const REJECT: &str = "reject_calls";
const TEXT: &str = "reject_text";
const TELL_READ: &str = "tell_read";
/// Longest text, in characters.
const TEXT_MAX: usize = 1000;

/// These settings, and those of the connector.
pub(super) fn apart(changes: &BTreeMap<String, String>) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    changes.clone().into_iter().partition(|(name, _)| [REJECT, TEXT, TELL_READ].contains(&name.as_str()))
}

/// How those that are named stand, as [`set`] would be told them.
pub(super) fn now(instance: &Instance, named: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let word = |is_on: bool| if is_on { "on" } else { "off" }.to_owned();
    let value = |name: &str| match name {
        REJECT => word(instance.reject_calls),
        TELL_READ => word(instance.tell_read),
        _ => instance.reject_text.clone().unwrap_or_default(),
    };
    named.keys().map(|name| (name.clone(), value(name))).collect()
}

/// Whether these changes are any to the connector's own settings: a secret that is named, another that differs.
pub(super) fn changes_connector(changes: &BTreeMap<String, String>, plain: &BTreeMap<String, String>) -> bool {
    let (_, theirs) = apart(changes);
    theirs.iter().any(|(name, value)| plain.get(name).map_or("", String::as_str) != value)
}

/// Writes those that are named; an empty value takes one back to its default.
pub(super) fn set(tx: &WriteTx<'_>, id: &InstanceId, own: &BTreeMap<String, String>) -> Result<(), InstanceError> {
    if let Some(value) = own.get(REJECT) {
        let on = is_on(REJECT, value, false)?;
        tx.execute("UPDATE instances SET reject_calls = ?2 WHERE id = ?1", params![id, on])?;
    }
    if let Some(value) = own.get(TELL_READ) {
        let on = is_on(TELL_READ, value, true)?;
        tx.execute("UPDATE instances SET tell_read = ?2 WHERE id = ?1", params![id, on])?;
    }
    if let Some(text) = own.get(TEXT) {
        if text.chars().count() > TEXT_MAX || text.contains('\0') {
            return Err(InstanceError::Invalid(why!(
                "setting_long",
                "{name} has at most {most} characters",
                name = TEXT,
                most = TEXT_MAX
            )));
        }
        let text = Some(text.trim()).filter(|t| !t.is_empty());
        tx.execute("UPDATE instances SET reject_text = ?2 WHERE id = ?1", params![id, text])?;
    }
    Ok(())
}

fn is_on(name: &str, value: &str, by_default: bool) -> Result<bool, InstanceError> {
    match value {
        "on" => Ok(true),
        "off" => Ok(false),
        "" => Ok(by_default),
        other => {
            let why = why!("on_or_off", "{name} is on or off, not {value:?}", name = name, value = other);
            Err(InstanceError::Invalid(why))
        }
    }
}
