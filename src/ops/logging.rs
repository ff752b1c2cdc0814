//! Where the log goes: stderr, as text or as one JSON object a line. Never a secret, never a message's text; numbers
//! are masked where they are logged at all.

use std::io::IsTerminal;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging. `level` is a word (error, warn, info, debug, trace) or a filter of tracing-subscriber's.
///
/// # Errors
/// A level that is none.
pub fn start(level: &str, json: bool) -> Result<(), String> {
    let filter = EnvFilter::try_new(format!("{level},tokio_cron_scheduler=warn,hyper=warn,rustls=warn"))
        .map_err(|e| format!("log.level = {level:?}: {e}; use error, warn, info, debug or trace"))?;
    let registry = tracing_subscriber::registry().with(filter);
    // A second start in one process (tests) keeps the first.
    let _ = if json {
        registry.with(fmt::layer().json().with_writer(std::io::stderr)).try_init()
    } else {
        // Colours are for a terminal; in the journal and in files they are noise.
        let colours = std::io::stderr().is_terminal();
        registry.with(fmt::layer().with_writer(std::io::stderr).with_ansi(colours).with_target(false)).try_init()
    };
    Ok(())
}
