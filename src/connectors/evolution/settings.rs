//! The settings of an instance that is reached through an Evolution API server: which there are, and what each may say.
//!
//! A map of texts becomes a [`Settings`] or a [`BadSetting`]; nothing here calls out. What can be made up is filled in
//! when the instance is made ([`fill`]), so that whoever types the rest cannot choose a weak secret.

use crate::{
    connectors::{provider_text::unknown_setting, registry::BadSetting},
    model::{
        ids::InstanceId,
        random::{Random, base62},
        why::why,
    },
};
use std::{collections::BTreeMap, fmt};

/// Everything that can be set.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where the server is, without a slash at the end.
    pub base_url: String,
    /// What the server knows us by: its global key, or the instance's own token.
    pub api_key: String,
    /// What the server calls the instance.
    pub instance: String,
    /// What the server must say when it calls us.
    pub hook_secret: String,
}

/// Shows no secret.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("base_url", &self.base_url).field("instance", &self.instance).finish()
    }
}

const KEYS: [&str; 4] = ["base_url", "api_key", "instance", "hook_secret"];
/// Letters and digits of a secret that we make up: 190 bits.
const SECRET_LENGTH: usize = 32;
/// Shorter ones could be guessed.
const SECRET_MIN: usize = 16;
const TEXT_MAX: usize = 256;

/// Fills in what can be made up for a new instance: its name at the server, and the secret of its webhook.
pub fn fill(settings: &mut BTreeMap<String, String>, id: &InstanceId, random: &dyn Random) {
    settings.entry("instance".to_owned()).or_insert_with(|| id.to_string());
    settings.entry("hook_secret".to_owned()).or_insert_with(|| base62(random, SECRET_LENGTH));
}

impl Settings {
    /// Reads a whole map of settings.
    ///
    /// # Errors
    /// An unknown key (naming the nearest known one), one that is missing, or a value out of range.
    pub fn parse(map: &BTreeMap<String, String>) -> Result<Self, BadSetting> {
        if let Some(unknown) = map.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(unknown_setting("an evolution instance", unknown, &KEYS));
        }
        let text = |key: &str| map.get(key).map(|v| v.trim()).unwrap_or_default().to_owned();
        let settings = Self {
            base_url: base_url(&text("base_url"))?,
            api_key: header("api_key", text("api_key"), 1)?,
            instance: instance(text("instance"))?,
            hook_secret: header("hook_secret", text("hook_secret"), SECRET_MIN)?,
        };
        Ok(settings)
    }
}

fn base_url(value: &str) -> Result<String, BadSetting> {
    let bad = |why: &str| {
        Err(BadSetting(why!("setting_url", "base_url is the address of the Evolution API server, {why}", why = why)))
    };
    let Some((scheme, rest)) = value.split_once("://") else { return bad("such as http://127.0.0.1:8080") };
    if !["http", "https"].contains(&scheme) {
        return bad("with http:// or https:// in front");
    }
    if rest.is_empty() || rest.contains(['?', '#', '@', ' ']) {
        return bad("without a user, a query or a fragment");
    }
    Ok(value.trim_end_matches('/').to_owned())
}

/// A text that goes into a header: what is visible in ASCII.
fn header(key: &str, value: String, min: usize) -> Result<String, BadSetting> {
    if value.len() < min || value.len() > TEXT_MAX || !value.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(BadSetting(why!(
            "setting_signs",
            "{name} has {least} to {most} characters, letters, digits and ASCII signs only",
            name = key,
            least = min,
            most = TEXT_MAX
        )));
    }
    Ok(value)
}

fn instance(value: String) -> Result<String, BadSetting> {
    if value.is_empty() || value.len() > TEXT_MAX || value.chars().any(char::is_control) {
        return Err(BadSetting(why!(
            "setting_instance",
            "instance is the server's name of the instance, 1 to {most} bytes",
            most = TEXT_MAX
        )));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::random::SystemRandom;

    fn parse(changes: &[(&str, &str)]) -> Result<Settings, String> {
        let mut map: BTreeMap<String, String> = [("base_url", "http://127.0.0.1:8080/"), ("api_key", "key")]
            .into_iter()
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        fill(&mut map, &InstanceId::from_text("shop-line"), &SystemRandom);
        map.extend(changes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        Settings::parse(&map).map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_not_set_is_made_up() {
        let settings = parse(&[]).expect("settings");
        assert_eq!(settings.base_url, "http://127.0.0.1:8080");
        assert_eq!(settings.instance, "shop-line");
        assert_eq!(settings.hook_secret.len(), SECRET_LENGTH);
        assert_ne!(settings.hook_secret, parse(&[]).expect("settings").hook_secret);
        let kept = parse(&[("hook_secret", "sixteen-letters!"), ("instance", "Loja 1")]).expect("settings");
        assert_eq!((kept.hook_secret.as_str(), kept.instance.as_str()), ("sixteen-letters!", "Loja 1"));
    }

    #[test]
    fn a_bad_value_is_told_what_would_be_right() {
        for (key, value, told) in [
            ("base_url", "", "such as http://127.0.0.1:8080"),
            ("base_url", "ftp://a", "http:// or https://"),
            ("base_url", "http://me:word@a", "without a user"),
            ("base_url", "http://a?b=c", "without a user, a query"),
            ("api_key", "", "1 to 256"),
            ("api_key", "two words", "ASCII"),
            ("hook_secret", "short", "16 to 256"),
            ("instance", "", "1 to 256 bytes"),
            ("apikey", "x", "did you mean api_key?"),
            ("zzz", "x", "base_url, api_key, instance, hook_secret"),
        ] {
            let problem = parse(&[(key, value)]).expect_err(key);
            assert!(problem.contains(told), "{key}={value}: {problem}");
        }
    }

    #[test]
    fn no_secret_is_shown() {
        let shown = format!("{:?}", parse(&[("api_key", "canary")]).expect("settings"));
        assert!(!shown.contains("canary") && !shown.contains("hook_secret"), "{shown}");
    }
}
