//! `wa-gateway serve`

use super::{context::Context, output, socket_activation};
use crate::{
    app::{App, Running},
    config::LogFormat,
    model::{clock::SystemClock, random::SystemRandom},
    ops::{
        logging::{self, LineFormat},
        memory,
    },
};
use sd_notify::NotifyState;
use serde_json::{Value, json};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::signal::unix::{Signal, SignalKind, signal};

#[derive(clap::Args)]
pub(super) struct ServeArgs {}

pub(super) async fn run(_: ServeArgs, context: Context) -> Result<Option<Value>, String> {
    // Before anything else opens a file: their numbers are what systemd says.
    let inherited = socket_activation::sockets()?;
    let log = &context.config.log;
    let form = match (log.format, context.journal) {
        (LogFormat::Json, _) => LineFormat::Json,
        (LogFormat::Text, true) => LineFormat::Journal,
        (LogFormat::Text, false) => LineFormat::Text,
    };
    logging::start(&log.level, form)?;
    let app = App::open(context.config, Arc::new(SystemClock), Arc::new(SystemRandom)).await;
    let app = app.map_err(|e| e.to_string())?;
    let recovered = app.recovered();
    if recovered.unknown + recovered.failed > 0 {
        tracing::warn!(
            unknown = recovered.unknown,
            failed = recovered.failed,
            "the last run ended with messages on their way"
        );
    }
    // Before anybody is told that it runs: whoever hears that may end it at once, and it must end cleanly.
    let signals = Signals::listen()?;
    app.gateway().pages.set_apart();
    app.gateway().calls.set_apart();
    let running = app.serve_on(inherited).await.map_err(|e| e.to_string())?;
    memory::release_unused();
    memory::release_code();
    announce(&running, context.json);
    offer_set_up(&running).await;
    let _ = sd_notify::notify(false, &[NotifyState::Ready]);
    tokio::select! {
        () = signals.until_stopped(&running) => {}
        () = keep_watchdog_quiet(&running) => {}
        () = memory::let_go_at_rest(&*running.gateway.clock) => {}
    }
    let _ = sd_notify::notify(false, &[NotifyState::Stopping]);
    running.stop().await;
    Ok(None)
}

/// Tells systemd's watchdog that the gateway works, as long as its writer answers; that the disk is full is an answer,
/// too, and no reason to be ended. Never returns.
async fn keep_watchdog_quiet(running: &Running) {
    let mut patience_us = 0;
    if !sd_notify::watchdog_enabled(false, &mut patience_us) {
        return std::future::pending().await;
    }
    let clock = &running.gateway.clock;
    loop {
        let _ = running.gateway.store.probe().await;
        let _ = sd_notify::notify(false, &[NotifyState::Watchdog]);
        clock.sleep_until(clock.now().plus(Duration::from_micros(patience_us / 3))).await;
    }
}

/// Where it listens, on stdout. A reader that went away is no reason to stop.
fn announce(running: &Running, json: bool) {
    let address = |scheme: &str, a: Option<SocketAddr>| a.map(|a| format!("{scheme}://{a}"));
    let (local, public) = (address("http", running.local), address("https", running.public));
    let metrics = address("http", running.metrics);
    output::print(&json!({"ok": true, "local": local, "public": public, "metrics": metrics}), json);
}

/// While nobody has a login, the journal tells how to get the first one: by a command, for a journal is read by more
/// people than may run one.
async fn offer_set_up(running: &Running) {
    if matches!(running.gateway.accounts.has_users().await, Ok(false)) {
        tracing::warn!("nobody has a login yet: `wa-gateway setup-token` prints the one-time set-up link");
    }
}

/// SIGTERM and SIGINT end the gateway, SIGHUP reads the certificates again.
pub(super) struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    /// From here on they are ours.
    pub(super) fn listen() -> Result<Self, String> {
        let listen = |kind| signal(kind).map_err(|e| e.to_string());
        Ok(Self {
            term: listen(SignalKind::terminate())?,
            int: listen(SignalKind::interrupt())?,
            hup: listen(SignalKind::hangup())?,
        })
    }

    /// Ends when one of them says so.
    pub(super) async fn until_stopped(mut self, running: &Running) {
        loop {
            tokio::select! {
                _ = self.term.recv() => return,
                _ = self.int.recv() => return,
                _ = self.hup.recv() => {
                    match running.reload_certificate() {
                        Ok(()) => tracing::info!("certificates were read again"),
                        Err(e) => tracing::error!("the old certificate serves on: {e}"),
                    }
                    tokio::select! {
                        () = running.ask_authority_now() => {}
                        _ = self.term.recv() => return,
                        _ = self.int.recv() => return,
                    }
                }
            }
        }
    }
}
