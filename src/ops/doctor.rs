//! The doctor: looks at everything that keeps a gateway from working, and says what to do about it. It changes nothing
//! and works whether a gateway runs or not.

use crate::{config::Config, store};
use serde::Serialize;
use serde_json::Value;
use std::{fs, net::TcpListener, os::unix::fs::MetadataExt, path::Path};

/// How one check ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// It works, and should be looked at.
    Warn,
    /// It does not work.
    Fail,
}

/// One check.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it ended.
    pub status: Status,
    /// What was found, and what to do.
    pub text: String,
}

/// Less free space than this is a warning, in bytes.
const SPACE_WARN: u64 = 1 << 30;
/// Less than this, and messages will soon be refused.
const SPACE_FAIL: u64 = 64 << 20;

/// All checks. `running`: whether a gateway answers on this data directory's control socket.
pub fn examine(config: &Config, running: bool) -> Vec<Finding> {
    let mut all = vec![finding(
        "gateway",
        Status::Ok,
        if running { "running; it answers on its control socket" } else { "not running" }.into(),
    )];
    all.push(directory(&config.data_dir));
    all.push(space(&config.data_dir));
    all.push(database(&config.data_dir));
    let doors = [
        ("listen.local", config.listen.local),
        ("listen.public", config.listen.public),
        ("listen.http", config.listen.http),
    ];
    for (key, address) in doors {
        if let Some(address) = address {
            all.push(port(key, address, running));
        }
    }
    all
}

/// What a running gateway's providers said about one instance: its `id`, whether it is `ok`, a `text`. One that does not
/// work is a warning: the gateway itself does.
pub fn instance(told: &Value) -> Finding {
    let text = |name: &str| told[name].as_str().unwrap_or("?").to_owned();
    let status = if told["ok"] == true { Status::Ok } else { Status::Warn };
    finding("instance", status, format!("{} ({}): {}", text("id"), text("connector"), text("text")))
}

fn finding(check: &'static str, status: Status, text: String) -> Finding {
    Finding { check, status, text }
}

fn directory(dir: &Path) -> Finding {
    let shown = dir.display();
    match fs::metadata(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            finding("data directory", Status::Warn, format!("{shown} is not there yet: `wa-gateway serve` makes it"))
        }
        Err(e) => finding("data directory", Status::Fail, format!("{shown}: {e}")),
        Ok(m) if !m.is_dir() => finding("data directory", Status::Fail, format!("{shown} is no directory")),
        Ok(m) if m.mode() & 0o007 != 0 => finding(
            "data directory",
            Status::Warn,
            format!("{shown} is open to all users (mode {:o}): chmod 700 {shown}", m.mode() & 0o777),
        ),
        Ok(_) => finding("data directory", Status::Ok, format!("{shown}")),
    }
}

fn space(dir: &Path) -> Finding {
    let existing = dir.ancestors().find(|p| p.exists()).unwrap_or(Path::new("/"));
    match rustix::fs::statvfs(existing) {
        Err(e) => finding("disk", Status::Warn, format!("free space is not known: {e}")),
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let status = match free {
                _ if free < SPACE_FAIL => Status::Fail,
                _ if free < SPACE_WARN => Status::Warn,
                _ => Status::Ok,
            };
            let advice = if status == Status::Ok { "" } else { ": make room, or move the data directory" };
            finding("disk", status, format!("{} MiB free{advice}", free >> 20))
        }
    }
}

fn database(dir: &Path) -> Finding {
    let path = dir.join("wa-gateway.db");
    if !path.exists() {
        return finding("database", Status::Ok, "not there yet".into());
    }
    match store::check_file(&path) {
        Ok(()) => finding("database", Status::Ok, format!("{} is sound", path.display())),
        Err(e) => finding("database", Status::Fail, e.to_string()),
    }
}

fn port(key: &'static str, address: std::net::SocketAddr, running: bool) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) if running => {
            finding(key, Status::Warn, format!("{address} is free, though a gateway runs: does it use other settings?"))
        }
        Ok(_) => finding(key, Status::Ok, format!("{address} is free")),
        Err(e) if running && e.kind() == std::io::ErrorKind::AddrInUse => {
            finding(key, Status::Ok, format!("{address} is in use, by the running gateway as it seems"))
        }
        Err(e) => finding(key, Status::Fail, format!("cannot listen on {address}: {e}; choose another address")),
    }
}
