//! Where the log goes: stderr, as text or as one JSON object a line. Never a secret, never a message's text; numbers
//! are masked where they are logged at all.

use std::{
    io::IsTerminal,
    sync::{Mutex, OnceLock, PoisonError},
};
use tracing_subscriber::{EnvFilter, Registry, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt};

/// The levels that can be chosen while the gateway runs.
pub const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];

/// The filter of the running log, and the level that it was made of.
struct Running {
    filter: reload::Handle<EnvFilter, Registry>,
    level: Mutex<String>,
}

static RUNNING: OnceLock<Running> = OnceLock::new();

/// Starts logging. `level` is a word (error, warn, info, debug, trace) or a filter of tracing-subscriber's.
///
/// # Errors
/// A level that is none.
pub fn start(level: &str, json: bool) -> Result<(), String> {
    let (filter, handle) = reload::Layer::new(filter(level)?);
    let registry = tracing_subscriber::registry().with(filter);
    // A second start in one process (tests) keeps the first.
    let started = if json {
        registry.with(fmt::layer().json().with_writer(std::io::stderr)).try_init()
    } else {
        // Colours are for a terminal; in the journal and in files they are noise.
        let colours = std::io::stderr().is_terminal();
        registry.with(fmt::layer().with_writer(std::io::stderr).with_ansi(colours).with_target(false)).try_init()
    };
    if started.is_ok() {
        let _ = RUNNING.set(Running { filter: handle, level: Mutex::new(level.to_owned()) });
    }
    Ok(())
}

/// The level that holds; none where nothing is logged.
pub fn level() -> Option<String> {
    RUNNING.get().map(|running| running.level.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

/// Another level, until the next start.
///
/// # Errors
/// A level that is none; nothing is logged.
pub fn set_level(level: &str) -> Result<(), String> {
    let running = RUNNING.get().ok_or("nothing is logged by this process")?;
    running.filter.reload(filter(level)?).map_err(|e| e.to_string())?;
    level.clone_into(&mut running.level.lock().unwrap_or_else(PoisonError::into_inner));
    tracing::info!(level, "the log's level was changed");
    Ok(())
}

fn filter(level: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(format!("{level},tokio_cron_scheduler=warn,hyper=warn,rustls=warn"))
        .map_err(|e| format!("log.level = {level:?}: {e}; use error, warn, info, debug or trace"))
}
