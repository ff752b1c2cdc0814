//! The doctor: looks at everything that keeps a gateway from working, and says what to do about it. It changes nothing
//! and works whether a gateway runs or not.
//!
//! - `places.rs`: data directory, disk, database, backups. `doors.rs`: addresses to listen on. `certificate.rs`,
//!   `time.rs`: what others judge us by. `notices.rs`: who is told. `systemd.rs`: the package's units.
//! - `standby.rs`: a second machine.
//! - `network.rs`: names and providers; the only one that asks anybody outside. `rows.rs`: what the database knows of
//!   numbers, webhooks and jobs.
//!
//! Adding a check: a function that returns a [`Finding`] whose text says what was found and, where it is not well, what
//! to do; a row in the tests beside it.

mod certificate;
mod doors;
mod network;
mod notices;
mod places;
mod rows;
mod standby;
mod systemd;
mod time;

use super::{listen_addresses::ListenAddresses, page_settings};
use crate::{config::Config, egress::Egress, model::clock::Clock, store};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

/// How one check ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// As it should be.
    Ok,
    /// It works, and should be looked at.
    Warn,
    /// It does not work.
    Fail,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it ended.
    pub status: CheckStatus,
    /// What was found, and what to do.
    pub text: String,
}

/// Where the doctor looks, and when.
pub struct Patient<'a> {
    /// What is configured.
    pub config: &'a Config,
    /// Where the gateway listens that answers on the data directory's control socket; none where none does.
    pub running: Option<ListenAddresses>,
    pub clock: Arc<dyn Clock>,
}

/// All checks, in the order in which one would look.
pub async fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    let Patient { config, running: listening, clock } = patient;
    let config = &page_settings::over(config);
    let (running, now) = (listening.is_some(), clock.now());
    let units = systemd::units();
    let said = if running { "running; it answers on its control socket" } else { "not running" };
    let mut all = vec![ok("gateway", said)];
    all.extend(units.as_ref().map(|units| units.finding(running)));
    all.push(places::directory(&config.data_dir));
    all.push(places::space(&config.data_dir));
    all.push(places::database(&config.data_dir));
    all.push(places::key(config));
    all.push(places::backups(config, now));
    all.extend(standby::finding(config, now));
    all.push(time::finding(now));
    all.push(notices::finding(&config.notices).await);
    let real = listening.as_ref();
    for (key, configured, real) in [
        ("listen.local", config.listen.local, real.map(|l| l.local)),
        ("listen.public", config.listen.public, real.map(|l| l.public)),
        ("listen.http", config.listen.http, real.map(|l| l.http)),
        ("listen.metrics", config.listen.metrics, real.map(|l| l.metrics)),
    ] {
        all.extend(match real {
            Some(real) => doors::of_running(key, configured, real),
            None => configured.map(|address| doors::of_stopped(key, address, units.as_ref())),
        });
    }
    all.push(certificate::finding(config, now));
    all.extend(certificate::of_meta(config, now));
    let egress = Egress::system(config.egress.allow.clone(), clock.clone());
    all.extend(network::names(config, clock).await);
    let file = config.data_dir.join(store::FILE_NAME);
    match file.exists().then(|| rows::read(&file, now)) {
        None => {}
        Some(Err(e)) => all.push(warn("rows", format!("the database cannot be asked about numbers and webhooks: {e}"))),
        Some(Ok(survey)) => {
            all.extend(rows::findings(&survey, running, now));
            all.push(rows::known_twice(&file));
            all.extend(network::providers(&survey.numbers, &egress).await);
        }
    }
    all
}

/// What a running gateway's providers said about one instance: its `id`, whether it is `ok`, a `text`, and the points of
/// its set-up (`state`, `text`). One that does not work is a warning: the gateway itself does.
pub fn instance(told: &Value) -> Vec<Finding> {
    let text = |of: &Value, name: &str| of[name].as_str().unwrap_or("?").to_owned();
    let status = |is_well: bool| if is_well { CheckStatus::Ok } else { CheckStatus::Warn };
    let id = text(told, "id");
    let said = format!("{id} ({}): {}", text(told, "connector"), text(told, "text"));
    let mut all = vec![finding("instance", status(told["ok"] == true), said)];
    let points = told["setup"].as_array().into_iter().flatten();
    all.extend(
        points
            .map(|point| finding("set-up", status(point["state"] != "bad"), format!("{id}: {}", text(point, "text")))),
    );
    all
}

fn finding(check: &'static str, status: CheckStatus, text: impl Into<String>) -> Finding {
    Finding { check, status, text: text.into() }
}

fn ok(check: &'static str, text: impl Into<String>) -> Finding {
    finding(check, CheckStatus::Ok, text)
}

fn warn(check: &'static str, text: impl Into<String>) -> Finding {
    finding(check, CheckStatus::Warn, text)
}

fn fail(check: &'static str, text: impl Into<String>) -> Finding {
    finding(check, CheckStatus::Fail, text)
}
