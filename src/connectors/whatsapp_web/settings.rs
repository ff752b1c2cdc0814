//! The settings of an instance that is a linked device of a phone: which there are, and what each may say.
//!
//! None is needed: without any, the instance shows a QR code. A map of texts becomes a [`Settings`] or a
//! [`BadSetting`]; nothing here calls out.

use crate::{
    connectors::{provider_text::unknown_setting, registry::BadSetting},
    model::{phone::Phone, why::why},
};
use std::collections::BTreeMap;

/// Where WhatsApp Web is.
pub const WHATSAPP: &str = "wss://web.whatsapp.com/ws/chat";

/// Everything that can be set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The number whose phone is linked by typing a code; none: by scanning alone.
    pub phone: Option<Phone>,
    /// The version of WhatsApp Web that the gateway says it is; none: WhatsApp is asked for the present one once a day.
    pub version: Option<(u32, u32, u32)>,
    /// How many days a number that was linked lately begins few chats; 0: none.
    pub warm_up_days: u32,
    /// How many new chats more it may begin on each of them.
    pub warm_up_chats: u32,
    /// How many days of what the phone holds already are shown in the chats; 0: none.
    pub history_days: u32,
    /// Where to connect: [`WHATSAPP`], or what stands in its place in tests.
    pub ws_url: String,
}

const KEYS: [&str; 6] = ["phone", "version", "warm_up_days", "warm_up_chats", "history_days", "ws_url"];
/// What is taken where these are not set, and what they may be at most.
const DAYS: (u32, u32) = (14, 90);
const CHATS: (u32, u32) = (10, 1000);
const HISTORY: (u32, u32) = (30, 365);

impl Settings {
    /// Reads a whole map of settings.
    ///
    /// # Errors
    /// An unknown key (naming the nearest known one), or a value out of range.
    pub fn parse(map: &BTreeMap<String, String>) -> Result<Self, BadSetting> {
        if let Some(unknown) = map.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(unknown_setting("a whatsapp-web instance", unknown, &KEYS));
        }
        let text = |key: &str| map.get(key).map(|v| v.trim()).filter(|v| !v.is_empty());
        Ok(Self {
            phone: text("phone").map(phone).transpose()?,
            version: text("version").map(version).transpose()?,
            warm_up_days: text("warm_up_days").map_or(Ok(DAYS.0), |v| figure("warm_up_days", v, DAYS.1))?,
            warm_up_chats: text("warm_up_chats").map_or(Ok(CHATS.0), |v| figure("warm_up_chats", v, CHATS.1))?,
            history_days: text("history_days").map_or(Ok(HISTORY.0), |v| figure("history_days", v, HISTORY.1))?,
            ws_url: text("ws_url").map_or_else(|| Ok(WHATSAPP.to_owned()), ws_url)?,
        })
    }
}

fn phone(value: &str) -> Result<Phone, BadSetting> {
    let bad = || {
        BadSetting(why!("setting_own_phone", "phone is the number of the phone that is linked, such as +966501234567"))
    };
    Phone::parse(value, None).map_err(|_| bad())
}

fn version(value: &str) -> Result<(u32, u32, u32), BadSetting> {
    let mut parts = value.split('.').map(str::parse::<u32>);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(Ok(a)), Some(Ok(b)), Some(Ok(c)), None) => Ok((a, b, c)),
        _ => Err(BadSetting(why!(
            "setting_version",
            "version is a version of WhatsApp Web, three numbers such as 2.3000.1035194821"
        ))),
    }
}

fn figure(name: &str, value: &str, most: u32) -> Result<u32, BadSetting> {
    let figure = value.parse::<u32>().ok().filter(|figure| *figure <= most);
    figure.ok_or_else(|| {
        BadSetting(why!("setting_figure", "{name} is a whole number from 0 to {most}", name = name, most = most))
    })
}

fn ws_url(value: &str) -> Result<String, BadSetting> {
    let rest = value.strip_prefix("wss://").or_else(|| value.strip_prefix("ws://")).unwrap_or_default();
    if rest.is_empty() || rest.contains(['?', '#', '@', ' ']) {
        return Err(BadSetting(why!(
            "setting_ws_url",
            "ws_url is where WhatsApp Web is, {usual} but in tests, without a user, a query or a fragment",
            usual = WHATSAPP
        )));
    }
    Ok(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(settings: &[(&str, &str)]) -> Result<Settings, String> {
        let map = settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Settings::parse(&map).map_err(|e| e.to_string())
    }

    #[test]
    fn nothing_needs_to_be_set() {
        let plain = Settings {
            phone: None,
            version: None,
            warm_up_days: 14,
            warm_up_chats: 10,
            history_days: 30,
            ws_url: WHATSAPP.to_owned(),
        };
        assert_eq!(parse(&[]), Ok(plain.clone()));
        assert_eq!(parse(&[("phone", " "), ("version", ""), ("ws_url", "")]), Ok(plain));
        let all = [("phone", "+966 50 123 4567"), ("version", "2.3000.7"), ("ws_url", "ws://127.0.0.1:9/ws/chat")];
        let all = parse(&all).expect("settings");
        assert_eq!(all.phone.as_ref().map(Phone::digits), Some("966501234567"));
        assert_eq!((all.version, all.ws_url.as_str()), (Some((2, 3000, 7)), "ws://127.0.0.1:9/ws/chat"));
    }

    #[test]
    fn a_bad_value_is_told_what_would_be_right() {
        for (key, value, told) in [
            ("phone", "0501234567", "+966501234567"),
            ("phone", "shop", "+966501234567"),
            ("version", "2.3000", "2.3000.1035194821"),
            ("version", "2.3000.1.1", "three numbers"),
            ("version", "2.3000.x", "three numbers"),
            ("version", "2.-1.5", "three numbers"),
            ("warm_up_days", "91", "0 to 90"),
            ("warm_up_days", "two", "0 to 90"),
            ("warm_up_chats", "-1", "0 to 1000"),
            ("history_days", "366", "0 to 365"),
            ("ws_url", "web.whatsapp.com", "wss://web.whatsapp.com/ws/chat"),
            ("ws_url", "https://web.whatsapp.com", "wss://web.whatsapp.com/ws/chat"),
            ("ws_url", "wss://me:word@a", "without a user"),
            ("fone", "x", "did you mean phone?"),
        ] {
            let problem = parse(&[(key, value)]).expect_err(key);
            assert!(problem.contains(told), "{key}={value}: {problem}");
        }
    }
}
