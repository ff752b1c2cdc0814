//! `wa-gateway serve`

use super::Given;
use crate::{
    app::{App, Running},
    config::LogFormat,
    model::{clock::SystemClock, random::SystemRandom},
    ops::logging,
};
use sd_notify::NotifyState;
use serde_json::Value;
use std::{net::SocketAddr, sync::Arc};
use tokio::signal::unix::{SignalKind, signal};

#[derive(clap::Args)]
pub(super) struct Args {}

pub(super) async fn run(_: Args, given: Given) -> Result<Option<Value>, String> {
    let log = &given.config.log;
    logging::start(&log.level, log.format == LogFormat::Json)?;
    let app = App::open(given.config, Arc::new(SystemClock), Arc::new(SystemRandom)).await;
    let app = app.map_err(|e| e.to_string())?;
    let recovered = app.recovered();
    if recovered.unknown + recovered.failed > 0 {
        tracing::warn!(
            unknown = recovered.unknown,
            failed = recovered.failed,
            "the last run ended with messages on their way"
        );
    }
    let running = app.serve().await.map_err(|e| e.to_string())?;
    for line in addresses(&running) {
        println!("{line}");
    }
    let _ = sd_notify::notify(false, &[NotifyState::Ready]);
    until_stopped(&running).await?;
    let _ = sd_notify::notify(false, &[NotifyState::Stopping]);
    running.stop().await;
    Ok(None)
}

fn addresses(running: &Running) -> Vec<String> {
    let line =
        |what: &str, scheme: &str, address: Option<SocketAddr>| address.map(|a| format!("{what}: {scheme}://{a}"));
    [
        line("local", "http", running.local),
        line("public", "https", running.public),
        line("metrics", "http", running.metrics),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// SIGTERM and SIGINT end it, SIGHUP reads the certificates again.
pub(super) async fn until_stopped(running: &Running) -> Result<(), String> {
    let listen = |kind| signal(kind).map_err(|e| e.to_string());
    let (mut term, mut int) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let mut hup = listen(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = term.recv() => return Ok(()),
            _ = int.recv() => return Ok(()),
            _ = hup.recv() => match running.reload_certificate() {
                Ok(()) => tracing::info!("certificates were read again"),
                Err(e) => tracing::error!("the old certificate serves on: {e}"),
            },
        }
    }
}
