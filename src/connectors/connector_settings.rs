//! The settings of each kind of connector: judged before they are stored, filled in for a new instance, and which of them
//! are secrets.

#[cfg(feature = "whatsapp-web")]
use super::whatsapp_web::WhatsappWeb;
use super::{cloud_api::CloudApi, evolution::Evolution, sandbox::Sandbox, state_words};
#[cfg(not(feature = "whatsapp-web"))]
use crate::model::why::why;
use crate::model::{ids::InstanceId, instance::ConnectorKind, random::Random, why::Why};
use std::collections::BTreeMap;

/// A setting that the connector does not have, or a value that it cannot take, in plain words.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadSetting(pub Why);

/// Judges the settings of a connector before they are stored.
///
/// # Errors
/// An unknown key (naming the nearest known one) or a value out of range.
pub fn check_settings(connector: ConnectorKind, settings: &BTreeMap<String, String>) -> Result<(), BadSetting> {
    match connector {
        ConnectorKind::Sandbox => Sandbox::check(settings),
        ConnectorKind::Evolution => Evolution::check(settings),
        ConnectorKind::CloudApi => CloudApi::check(settings),
        #[cfg(feature = "whatsapp-web")]
        ConnectorKind::WhatsappWeb => WhatsappWeb::check(settings),
        #[cfg(not(feature = "whatsapp-web"))]
        ConnectorKind::WhatsappWeb => Err(missing(connector)),
    }
}

/// What of a provider's an instance with these settings stands for, as far as two of ours may not share it: a provider
/// tells one address alone what happens. None: nothing.
pub fn claimed_place(connector: ConnectorKind, settings: &BTreeMap<String, String>) -> Option<String> {
    let of = |key: &str| settings.get(key).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    match connector {
        ConnectorKind::Evolution => {
            let url = of("base_url")?;
            Some(format!("{} {}", url.trim_end_matches('/').to_ascii_lowercase(), of("instance")?))
        }
        ConnectorKind::CloudApi => of("phone_number_id"),
        ConnectorKind::Sandbox | ConnectorKind::WhatsappWeb => None,
    }
}

/// A reason that the pages have in their languages: its name, and what was given behind the sentence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KnownReason<'a> {
    /// One of a linked phone's.
    LinkedPhone(&'static str, &'a str),
    /// One of another connector's.
    Connector(&'static str, &'a str),
}

/// None: it is shown as it is.
pub fn known_reason(reason: &str) -> Option<KnownReason<'_>> {
    #[cfg(feature = "whatsapp-web")]
    if let Some((name, given)) = super::whatsapp_web::words::find(reason) {
        return Some(KnownReason::LinkedPhone(name, given));
    }
    state_words::find(reason).map(|(name, given)| KnownReason::Connector(name, given))
}

#[cfg(not(feature = "whatsapp-web"))]
pub(super) fn missing(connector: ConnectorKind) -> BadSetting {
    BadSetting(why!("connector_missing", "the connector {name} is not part of this build", name = connector))
}

/// Fills in what a connector makes up by itself for a new instance: names, secrets.
pub fn fill_settings(
    connector: ConnectorKind,
    settings: &mut BTreeMap<String, String>,
    id: &InstanceId,
    random: &dyn Random,
) {
    if connector == ConnectorKind::Evolution {
        super::evolution::settings::fill(settings, id, random);
    }
}

/// The settings of a connector that are secrets: sealed at rest, never shown again.
pub const fn secret_settings(connector: ConnectorKind) -> &'static [&'static str] {
    match connector {
        ConnectorKind::CloudApi => &["access_token", "app_secret", "verify_token"],
        ConnectorKind::Evolution => &["api_key", "hook_secret"],
        ConnectorKind::Sandbox | ConnectorKind::WhatsappWeb => &[],
    }
}
