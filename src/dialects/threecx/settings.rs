//! What can be set on an integration, its defaults, and what a change is judged by. Pure.

use super::{Actor, ThreecxError};
use crate::{
    events::webhooks::address::shown,
    model::{
        egress::nets,
        ids::InstanceId,
        phone::{Phone, Region},
        short_text,
        string_enum::string_enum,
        why::why,
    },
};

string_enum! {
    /// How inbound messages go to the telephone system.
    Mode {
        /// As `message.received`.
        Event = "event",
        /// As a provider of text messages would send them, to the trunk's address.
        Sms = "sms",
    }
}

/// Longest name and business name, in characters.
const NAME_MAX: usize = 80;
/// Networks in an allowlist.
pub(super) const ALLOW_MAX: usize = 64;
/// The window that can be set, in hours.
const WINDOW_HOURS: std::ops::RangeInclusive<u32> = 1..=168;

/// The settings of an integration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The instance that it writes from and hears of.
    pub instance: InstanceId,
    /// What people call it.
    pub name: String,
    /// Whether it takes requests at all.
    pub enabled: bool,
    /// Whether inbound messages are forwarded.
    pub inbound: bool,
    /// Whether agents' replies are sent.
    pub outbound: bool,
    /// Whether call events are answered.
    pub call_events: bool,
    /// Whether requests must be signed.
    pub signing: bool,
    /// Whether the provider's address, which cannot sign, works all the same while signing is on.
    pub facade_while_signing: bool,
    /// Whether call events write only to people who wrote lately.
    pub strict_mode: bool,
    /// How long after somebody wrote they may be answered, in hours.
    pub window_hours: u32,
    /// Networks that requests may come from; empty: all.
    pub allowlist: Vec<String>,
    pub business_name: String,
    /// How inbound messages are told.
    pub mode: Mode,
    /// Where they go; none: nowhere.
    pub destination_url: Option<String>,
    /// Mode sms: the trunk's own number.
    pub trunk_number: Option<Phone>,
}

/// What changes; what is `None` stays.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SettingsChange {
    /// See [`Settings::instance`].
    pub instance: Option<InstanceId>,
    /// See [`Settings::name`].
    pub name: Option<String>,
    /// See [`Settings::enabled`].
    pub enabled: Option<bool>,
    /// See [`Settings::inbound`].
    pub inbound: Option<bool>,
    /// See [`Settings::outbound`].
    pub outbound: Option<bool>,
    /// See [`Settings::call_events`].
    pub call_events: Option<bool>,
    /// See [`Settings::signing`].
    pub signing: Option<bool>,
    /// See [`Settings::facade_while_signing`].
    pub facade_while_signing: Option<bool>,
    /// See [`Settings::strict_mode`]; only an admin may end it.
    pub strict_mode: Option<bool>,
    /// See [`Settings::window_hours`].
    pub window_hours: Option<u32>,
    /// See [`Settings::allowlist`]: addresses and networks, IPv4 and IPv6.
    pub allowlist: Option<Vec<String>>,
    /// See [`Settings::business_name`].
    pub business_name: Option<String>,
    /// See [`Settings::mode`].
    pub mode: Option<Mode>,
    /// See [`Settings::destination_url`]; empty takes it away. The egress judges it before.
    pub destination_url: Option<String>,
    /// See [`Settings::trunk_number`]; empty takes it away.
    pub trunk_number: Option<String>,
}

impl Settings {
    /// A new integration's: inbound and outbound on, strict; call events and signing off.
    pub fn new(instance: InstanceId, business_name: String) -> Self {
        Self {
            instance,
            name: "3CX".into(),
            enabled: true,
            inbound: true,
            outbound: true,
            call_events: false,
            signing: false,
            facade_while_signing: false,
            strict_mode: true,
            window_hours: 24,
            allowlist: Vec::new(),
            business_name,
            mode: Mode::Event,
            destination_url: None,
            trunk_number: None,
        }
    }

    /// These settings with a change.
    ///
    /// # Errors
    /// A value that cannot be taken; who may not change it.
    pub fn changed(
        mut self,
        change: SettingsChange,
        by: &Actor<'_>,
        region: Option<Region>,
    ) -> Result<Self, ThreecxError> {
        let SettingsChange { instance, name, enabled, inbound, outbound, call_events, signing, .. } = change;
        replace(&mut self.instance, instance);
        replace(&mut self.name, name.map(|text| judged_name(&text, "a name")).transpose()?);
        replace(&mut self.enabled, enabled);
        replace(&mut self.inbound, inbound);
        replace(&mut self.outbound, outbound);
        replace(&mut self.call_events, call_events);
        replace(&mut self.signing, signing);
        replace(&mut self.facade_while_signing, change.facade_while_signing);
        if change.strict_mode == Some(false) && self.strict_mode && !by.is_admin {
            return Err(ThreecxError::NotAllowed(why!("strict_admin", "only an admin can turn the strict mode off")));
        }
        replace(&mut self.strict_mode, change.strict_mode);
        replace(&mut self.window_hours, change.window_hours.map(judged_window).transpose()?);
        replace(&mut self.allowlist, change.allowlist.map(|list| judged_networks(&list)).transpose()?);
        let business = change.business_name.map(|text| judged_name(&text, "a business name"));
        replace(&mut self.business_name, business.transpose()?);
        replace(&mut self.mode, change.mode);
        if let Some(url) = change.destination_url {
            self.destination_url = Some(url.trim().to_owned()).filter(|url| !url.is_empty());
        }
        if let Some(number) = change.trunk_number.map(|text| text.trim().to_owned()) {
            let parsed = (!number.is_empty()).then(|| Phone::parse(&number, region)).transpose();
            self.trunk_number =
                parsed.map_err(|e| ThreecxError::Invalid(why!("trunk_number", "the trunk's number: {e}", e = e)))?;
        }
        if self.mode == Mode::Sms && self.destination_url.is_some() && self.trunk_number.is_none() {
            return Err(ThreecxError::Invalid(why!(
                "trunk_missing",
                "the mode sms needs the trunk's number, which messages are addressed to"
            )));
        }
        Ok(self)
    }

    /// The switches, in words, for the audit.
    pub fn described(&self) -> String {
        let on = |name: &str, on: bool| if on { format!(" {name}") } else { String::new() };
        [
            format!("instance {} window {} h mode {}:", self.instance, self.window_hours, self.mode),
            on("enabled", self.enabled),
            on("inbound", self.inbound),
            on("outbound", self.outbound),
            on("call-events", self.call_events),
            on("signing", self.signing),
            on("facade-while-signing", self.facade_while_signing),
            on("strict", self.strict_mode),
            if self.allowlist.is_empty() { String::new() } else { format!(" from {}", self.allowlist.join(",")) },
            self.destination_url.as_ref().map(|url| format!(" to {}", shown(url))).unwrap_or_default(),
        ]
        .concat()
    }
}

fn replace<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn judged_name(text: &str, what: &str) -> Result<String, ThreecxError> {
    short_text::name(text, what, NAME_MAX).map_err(ThreecxError::Invalid)
}

fn judged_window(hours: u32) -> Result<u32, ThreecxError> {
    if WINDOW_HOURS.contains(&hours) {
        return Ok(hours);
    }
    Err(ThreecxError::Invalid(why!(
        "window_hours",
        "the window is 1 to 168 hours: {hours} is none of these",
        hours = hours
    )))
}

fn judged_networks(list: &[String]) -> Result<Vec<String>, ThreecxError> {
    let all = nets(list, ALLOW_MAX).map_err(ThreecxError::Invalid)?;
    Ok(all.iter().map(ToString::to_string).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Actor<'_> = Actor { actor: "o@shop.example", is_admin: false };
    const ADMIN: Actor<'_> = Actor { actor: "cli", is_admin: true };

    fn new() -> Settings {
        Settings::new(InstanceId::from_text("shop-line"), "Shop".into())
    }

    fn changed(change: SettingsChange, by: &Actor<'_>) -> Result<Settings, String> {
        new().changed(change, by, None).map_err(|e| e.to_string())
    }

    #[test]
    fn a_new_one_has_the_contracts_switches() {
        let s = new();
        assert!(s.enabled && s.inbound && s.outbound && s.strict_mode);
        assert!(!s.call_events && !s.signing && !s.facade_while_signing);
        assert_eq!((s.window_hours, s.mode), (24, Mode::Event));
        assert_eq!(changed(SettingsChange::default(), &OWNER), Ok(new()), "no change changes nothing");
    }

    #[test]
    fn only_an_admin_ends_the_strict_mode() {
        let off = || SettingsChange { strict_mode: Some(false), ..SettingsChange::default() };
        assert!(changed(off(), &OWNER).is_err_and(|e| e.contains("admin")));
        let free = changed(off(), &ADMIN).expect("an admin may");
        assert!(!free.strict_mode);
        assert!(free.clone().changed(off(), &OWNER, None).is_ok(), "it was off already");
        let back = free.changed(SettingsChange { strict_mode: Some(true), ..SettingsChange::default() }, &OWNER, None);
        assert!(back.is_ok_and(|s| s.strict_mode));
    }

    #[test]
    fn networks_are_judged_and_written_one_way() {
        let list = |items: &[&str]| {
            let allowlist = Some(items.iter().map(ToString::to_string).collect());
            changed(SettingsChange { allowlist, ..SettingsChange::default() }, &OWNER).map(|s| s.allowlist)
        };
        let networks = list(&[" 192.0.2.7 ", "10.1.2.3/8", "2001:db8::1/32", "::1"]);
        assert_eq!(networks.expect("networks"), ["192.0.2.7/32", "10.0.0.0/8", "2001:db8::/32", "::1/128"]);
        for no in ["", "10.0.0.0/33", "pbx.example", "1.2.3", "10.0.0.1:80"] {
            assert!(list(&[no]).is_err(), "{no}");
        }
        assert_eq!(list(&[]), Ok(Vec::new()));
    }

    #[test]
    fn what_cannot_be_set_says_so() {
        let sms = |number: &str| SettingsChange {
            mode: Some(Mode::Sms),
            destination_url: Some("https://pbx.example/sms".into()),
            trunk_number: Some(number.into()),
            ..SettingsChange::default()
        };
        assert!(changed(sms(""), &OWNER).is_err_and(|e| e.contains("trunk")));
        assert!(changed(sms("12"), &OWNER).is_err_and(|e| e.contains("digits")));
        assert!(changed(sms("+966 11 234 5678"), &OWNER).is_ok());
        for hours in [0, 169] {
            assert!(
                changed(SettingsChange { window_hours: Some(hours), ..SettingsChange::default() }, &OWNER).is_err()
            );
        }
        for name in ["", " ", "a\nb", &"x".repeat(81)] {
            assert!(changed(SettingsChange { name: Some(name.into()), ..SettingsChange::default() }, &OWNER).is_err());
            assert!(
                changed(SettingsChange { business_name: Some(name.into()), ..SettingsChange::default() }, &OWNER)
                    .is_err()
            );
        }
    }
}
