//! The package's units, as `systemctl show` tells of them; nothing where systemd does not run or has none of them.

use super::{Finding, fail, ok, warn};
use std::{collections::HashMap, path::Path, process::Command};

const SERVICE: &str = "wa-gateway.service";
const SOCKET: &str = "wa-gateway.socket";
/// systemd starts it again a second after it ends: this many times since the last start by hand is no accident.
const RESTARTS_MANY: u32 = 5;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Units {
    active: bool,
    state: String,
    enabled: bool,
    restarts: u32,
    socket_active: bool,
    ports: Vec<u16>,
}

/// How they stand; none where this machine has no such units.
pub(super) fn units() -> Option<Units> {
    if !Path::new("/run/systemd/system").exists() {
        return None;
    }
    let properties = "--property=Id,LoadState,ActiveState,SubState,UnitFileState,NRestarts,Listen";
    let shown = Command::new("systemctl").args(["show", properties, SERVICE, SOCKET]).output().ok()?;
    Units::parse(&String::from_utf8_lossy(&shown.stdout))
}

impl Units {
    /// Reads what `systemctl show` prints: a block of `Key=value` lines for each unit; keys may repeat.
    fn parse(text: &str) -> Option<Self> {
        let mut units = Self::default();
        let mut is_there = false;
        for block in text.split("\n\n") {
            let lines: Vec<(&str, &str)> = block.lines().filter_map(|line| line.split_once('=')).collect();
            let one: HashMap<&str, &str> = lines.iter().copied().collect();
            let value = |key: &str| one.get(key).copied().unwrap_or_default();
            if value("LoadState") != "loaded" {
                continue;
            }
            match value("Id") {
                SERVICE => {
                    is_there = true;
                    units.active = value("ActiveState") == "active";
                    units.state = format!("{} ({})", value("ActiveState"), value("SubState"));
                    units.enabled = value("UnitFileState") == "enabled";
                    units.restarts = value("NRestarts").parse().unwrap_or(0);
                }
                SOCKET => {
                    units.socket_active = value("ActiveState") == "active";
                    let listens = lines.iter().filter(|(key, _)| *key == "Listen");
                    units.ports = listens.filter_map(|(_, value)| port(value)).collect();
                }
                _ => {}
            }
        }
        is_there.then_some(units)
    }

    /// Whether the socket unit has this port open.
    pub(super) fn holds(&self, port: u16) -> bool {
        self.socket_active && self.ports.contains(&port)
    }

    #[cfg(test)]
    pub(super) fn holding(port: u16) -> Self {
        Self { socket_active: true, ports: vec![port], ..Self::default() }
    }

    pub(super) fn finding(&self, running: bool) -> Finding {
        let check = "systemd";
        if !self.active {
            let text = format!(
                "{SERVICE} is {}: journalctl -u wa-gateway -e says why, systemctl start wa-gateway starts it",
                self.state
            );
            // One that was started by hand may be meant so.
            return if running { warn(check, text) } else { fail(check, text) };
        }
        if !self.socket_active {
            return warn(check, format!("{SOCKET} is not active: systemctl enable --now {SOCKET}"));
        }
        if !self.enabled {
            return warn(check, format!("{SERVICE} does not start with the machine: systemctl enable wa-gateway"));
        }
        if self.restarts >= RESTARTS_MANY {
            let text = format!("{SERVICE} ended by itself {} times: journalctl -u wa-gateway -e", self.restarts);
            return warn(check, text);
        }
        ok(check, format!("{SERVICE} is {} and starts with the machine", self.state))
    }
}

/// `[::]:443 (Stream)`
fn port(listen: &str) -> Option<u16> {
    listen.split(' ').next()?.rsplit(':').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{super::CheckStatus, *};

    const SHOWN: &str = "NRestarts=0\nId=wa-gateway.service\nLoadState=loaded\nActiveState=active\nSubState=running\n\
                         UnitFileState=enabled\n\nListen=[::]:443 (Stream)\nListen=[::]:80 (Stream)\n\
                         Id=wa-gateway.socket\nLoadState=loaded\nActiveState=active\nSubState=running\n\
                         UnitFileState=enabled\n";

    #[test]
    fn units_are_read_and_judged() {
        let good = Units::parse(SHOWN).expect("both units");
        assert!(good.holds(443) && good.holds(80) && !good.holds(8443));
        assert_eq!(good.finding(true).status, CheckStatus::Ok);
        let rows = [
            ("SubState=running\nUnitFileState=enabled\n\n", "SubState=running\nUnitFileState=disabled\n\n", "enable"),
            ("NRestarts=0", "NRestarts=12", "12 times"),
            ("ActiveState=active\nSubState=running\nUnitFileState=enabled\n\n", "ActiveState=failed\n\n", "is failed"),
        ];
        for (was, is, said) in rows {
            let changed = SHOWN.replacen(was, is, 1);
            assert_ne!(changed, SHOWN, "{was}");
            let found = Units::parse(&changed).expect("units").finding(false);
            assert!(found.status != CheckStatus::Ok && found.text.contains(said), "{is}: {found:?}");
        }
        assert_eq!(Units::parse(&SHOWN.replace("LoadState=loaded", "LoadState=not-found")), None);
        assert_eq!(Units::parse(""), None);
    }
}
