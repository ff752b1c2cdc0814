//! The settings of an instance of Meta's Cloud API: which there are, and what each may say.
//!
//! A map of texts becomes a [`Settings`] or a [`BadSetting`]; nothing here calls out.

use crate::connectors::{provider_text::unknown_setting, registry::BadSetting, templates::TemplateName};
use crate::model::why::why;
use std::{collections::BTreeMap, fmt};

/// Everything that can be set.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// Meta's id of the number; not the number.
    pub phone_number_id: String,
    /// Meta's id of the business account that has the number; none: its templates cannot be listed.
    pub waba_id: Option<String>,
    /// Meta's id of the messaging account that pays, where the token reaches several of the number's; none: Meta knows it.
    pub messaging_account_id: Option<String>,
    /// What Meta knows us by.
    pub access_token: String,
    /// What Meta signs its calls with; none: no call is believed.
    pub app_secret: Option<String>,
    /// What Meta must say when the address of its calls is confirmed; none: it cannot be confirmed.
    pub verify_token: Option<String>,
    /// Where the API is, without a slash at the end.
    pub base_url: String,
    /// The API's version, such as `v25.0`.
    pub graph_version: String,
    /// The template that a caller is offered when the recipient's 24 hours are over.
    pub window_template: Option<TemplateName>,
    /// Whether texts go after those 24 hours, of which Meta makes templates (its "Direct Send").
    pub direct_send: bool,
}

/// Shows no secret.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("phone_number_id", &self.phone_number_id)
            .field("waba_id", &self.waba_id)
            .field("messaging_account_id", &self.messaging_account_id)
            .field("base_url", &self.base_url)
            .field("graph_version", &self.graph_version)
            .field("window_template", &self.window_template)
            .finish_non_exhaustive()
    }
}

const KEYS: [&str; 11] = [
    "phone_number_id",
    "waba_id",
    "messaging_account_id",
    "access_token",
    "app_secret",
    "verify_token",
    "base_url",
    "graph_version",
    "window_template",
    "direct_send",
    "free_replies",
];
const BASE_URL: &str = "https://graph.facebook.com";
/// The newest version whose answers were read for this connector.
const GRAPH_VERSION: &str = "v25.0";
const ID_MAX: usize = 64;
const COUNT_MAX: u64 = 1_000_000;
/// Meta's tokens have some hundred characters, and it names no limit.
const SECRET_MAX: usize = 2048;

impl Settings {
    /// Reads a whole map of settings.
    ///
    /// # Errors
    /// An unknown key (naming the nearest known one), one that is missing, or a value out of range.
    pub fn parse(map: &BTreeMap<String, String>) -> Result<Self, BadSetting> {
        if let Some(unknown) = map.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(unknown_setting("a cloud-api instance", unknown, &KEYS));
        }
        let text = |key: &str| map.get(key).map(|v| v.trim()).filter(|v| !v.is_empty());
        let access_token = text("access_token").ok_or_else(|| {
            BadSetting(why!(
                "setting_token",
                "access_token is missing: the token of a system user, from Meta's business settings"
            ))
        })?;
        if let Some(value) = text("free_replies") {
            count("free_replies", value)?;
        }
        Ok(Self {
            phone_number_id: match text("phone_number_id") {
                Some(value) => id("phone_number_id", value, "it is not the telephone number itself")?,
                None => {
                    return Err(BadSetting(why!(
                        "setting_number_id",
                        "phone_number_id is missing: it stands beside the number, in the app's WhatsApp settings at Meta"
                    )));
                }
            },
            messaging_account_id: text("messaging_account_id")
                .map(|v| id("messaging_account_id", v, "the messaging account's that pays"))
                .transpose()?,
            waba_id: text("waba_id").map(|v| id("waba_id", v, "the WhatsApp business account's")).transpose()?,
            access_token: secret("access_token", access_token)?,
            app_secret: text("app_secret").map(|v| secret("app_secret", v)).transpose()?,
            verify_token: text("verify_token").map(|v| secret("verify_token", v)).transpose()?,
            base_url: base_url(text("base_url").unwrap_or(BASE_URL))?,
            graph_version: version(text("graph_version").unwrap_or(GRAPH_VERSION))?,
            window_template: text("window_template").map(template).transpose()?,
            direct_send: text("direct_send").map(on).transpose()?.unwrap_or(false),
        })
    }
}

/// Of what the gateway counts beside the connector.
fn count(name: &str, value: &str) -> Result<(), BadSetting> {
    if value.parse::<u64>().is_ok_and(|n| n <= COUNT_MAX) {
        return Ok(());
    }
    Err(BadSetting(why!("setting_figure", "{name} is a whole number from 0 to {most}", name = name, most = COUNT_MAX)))
}

fn on(value: &str) -> Result<bool, BadSetting> {
    match value {
        "on" => Ok(true),
        "off" => Ok(false),
        other => Err(BadSetting(why!(
            "on_or_off",
            "{name} is on or off, not {value:?}",
            name = "direct_send",
            value = other
        ))),
    }
}

fn id(key: &str, value: &str, what: &str) -> Result<String, BadSetting> {
    let fits = value.len() <= ID_MAX && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if fits {
        return Ok(value.to_owned());
    }
    Err(BadSetting(why!(
        "setting_id",
        "{name} is an id at Meta, such as 106540352242922 ({what}); got {value:?}",
        name = key,
        what = what,
        value = value
    )))
}

/// A text of visible ASCII, as Meta's tokens are.
fn secret(key: &str, value: &str) -> Result<String, BadSetting> {
    if value.len() <= SECRET_MAX && value.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(value.to_owned());
    }
    Err(BadSetting(why!(
        "setting_secret",
        "{name} has at most {most} letters, digits and ASCII signs, without spaces",
        name = key,
        most = SECRET_MAX
    )))
}

fn base_url(value: &str) -> Result<String, BadSetting> {
    let bad = |why: &str| {
        Err(BadSetting(why!(
            "setting_url",
            "base_url is the address of Meta's API, {why}; got {value:?}",
            why = why,
            value = value
        )))
    };
    let Some((scheme, rest)) = value.split_once("://") else { return bad(&format!("such as {BASE_URL}")) };
    if !["http", "https"].contains(&scheme) {
        return bad("with https:// (or http://) in front");
    }
    if rest.is_empty() || rest.contains(['?', '#', '@', ' ']) {
        return bad("without a user, a query or a fragment");
    }
    Ok(value.trim_end_matches('/').to_owned())
}

fn version(value: &str) -> Result<String, BadSetting> {
    let digits = |text: &str| (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let numbers = value.strip_prefix('v').and_then(|rest| rest.split_once('.'));
    if numbers.is_some_and(|(major, minor)| digits(major) && digits(minor)) {
        return Ok(value.to_owned());
    }
    Err(BadSetting(why!(
        "setting_version",
        "graph_version is a version of Meta's API such as {such}; got {value:?}",
        such = GRAPH_VERSION,
        value = value
    )))
}

fn template(value: &str) -> Result<TemplateName, BadSetting> {
    let named = value.split_once('/').and_then(|(name, language)| TemplateName::parse(name, language));
    named.ok_or_else(|| {
        BadSetting(why!(
            "setting_template",
            "window_template is a template's name and language, such as order_news/he; got {value:?}",
            value = value
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(changes: &[(&str, &str)]) -> Result<Settings, String> {
        let given = [("phone_number_id", "106540352242922"), ("access_token", "EAAG-canary")];
        let all = given.iter().chain(changes);
        let map = all.map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Settings::parse(&map).map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let settings = parse(&[]).expect("settings");
        assert_eq!(settings.base_url, "https://graph.facebook.com");
        assert_eq!(settings.graph_version, "v25.0");
        assert_eq!((settings.waba_id, settings.app_secret, settings.window_template), (None, None, None));
        let set = parse(&[("base_url", "http://127.0.0.1:9101/"), ("graph_version", "v26.0"), ("waba_id", "1")]);
        let set = set.expect("settings");
        assert_eq!((set.base_url.as_str(), set.graph_version.as_str()), ("http://127.0.0.1:9101", "v26.0"));
        let offered = parse(&[("window_template", "order_news/pt_BR")]).expect("settings").window_template;
        assert_eq!(offered, TemplateName::parse("order_news", "pt_BR"));
    }

    #[test]
    fn a_bad_value_is_told_what_would_be_right() {
        for (key, value, told) in [
            ("phone_number_id", "+966 50 123 4567", "not the telephone number itself"),
            ("phone_number_id", "", "is missing"),
            ("access_token", "", "a system user"),
            ("access_token", "two words", "without spaces"),
            ("app_secret", "s\u{e9}cret", "ASCII"),
            ("waba_id", "a/b", "id at Meta"),
            ("messaging_account_id", "acme & sons", "messaging_account_id is an id at Meta"),
            ("base_url", "graph.facebook.com", "such as https://graph.facebook.com"),
            ("base_url", "ftp://a", "with https://"),
            ("base_url", "http://me:word@a", "without a user"),
            ("graph_version", "25", "such as v25.0"),
            ("graph_version", "v25.0/x", "such as v25.0"),
            ("window_template", "order_news", "order_news/he"),
            ("acces_token", "x", "did you mean access_token?"),
            ("zzz", "x", "phone_number_id, waba_id"),
        ] {
            let problem = parse(&[(key, value)]).expect_err(key);
            assert!(problem.contains(told), "{key}={value}: {problem}");
        }
    }

    #[test]
    fn no_secret_is_shown() {
        let shown = format!("{:?}", parse(&[("app_secret", "canary"), ("verify_token", "canary")]).expect("settings"));
        assert!(!shown.contains("canary"), "{shown}");
    }
}
