//! The doctor: looks at everything that keeps a gateway from working, and says what to do about it. It changes nothing
//! and works whether a gateway runs or not.

use super::watch;
use crate::{
    config::{self, Config},
    store,
};
use serde::Serialize;
use std::{
    fs,
    net::{TcpListener, TcpStream, ToSocketAddrs},
    os::unix::fs::MetadataExt,
    path::Path,
    time::Duration,
};

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
/// How long the mail server may take to answer the call.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

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
    all.push(notices(&config.notices));
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
    match watch::space(existing) {
        Err(e) => finding("disk", Status::Warn, format!("free space is not known: {e}")),
        Ok(watch::Space { free, .. }) => {
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

/// Who is told of what needs a hand; and whether the mail server can be reached, without a word to it.
fn notices(told: &config::Notices) -> Finding {
    let say = |status, text: String| finding("notices", status, text);
    let files = [&told.smtp_password_file, &told.smtp_root, &told.webhook_secret_file];
    for file in files.into_iter().flatten() {
        if let Err(e) = fs::read(file) {
            return say(Status::Fail, format!("{}: {e}; nothing can be sent without it", file.display()));
        }
    }
    let mut ways = Vec::new();
    if let Some(host) = &told.smtp_host {
        let place = format!("{host}:{}", told.smtp_port);
        let addresses = (host.as_str(), told.smtp_port).to_socket_addrs();
        let reached = addresses.map_err(|e| e.to_string()).and_then(|mut all| {
            let first = all.next().ok_or_else(|| "it has no address".to_owned())?;
            TcpStream::connect_timeout(&first, CONNECT_WITHIN).map_err(|e| e.to_string())
        });
        if let Err(e) = reached {
            return say(Status::Fail, format!("the mail server {place} cannot be reached: {e}; see [notices]"));
        }
        ways.push(format!("by mail over {place}"));
    }
    if told.webhook_url.is_some() {
        ways.push("by webhook".into());
    }
    match ways.as_slice() {
        [] => say(Status::Ok, "shown in the portal alone; [notices] can send them by mail or webhook".into()),
        ways => say(Status::Ok, format!("sent {}; /admin/notices sends a test", ways.join(" and "))),
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
