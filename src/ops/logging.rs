//! Where the log goes: stderr, as text or as one JSON object a line; or, where stderr is systemd's journal anyway, the
//! journal itself, with each line's priority and fields (`WA_…`). Never a secret, never a message's text; numbers are
//! masked where they are logged at all.

use std::{
    io::IsTerminal,
    sync::{Mutex, OnceLock, PoisonError},
};
use tracing_subscriber::{Registry, filter::Targets, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt};

/// The levels that can be chosen while the gateway runs.
pub const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];

/// The filter of the running log, and the level that it was made of.
struct RunningFilter {
    filter: reload::Handle<Targets, Registry>,
    level: Mutex<String>,
}

static RUNNING: OnceLock<RunningFilter> = OnceLock::new();

/// How lines are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineFormat {
    /// For people, on stderr.
    Text,
    /// One object a line, on stderr.
    Json,
    /// In the journal's own form; as text where its socket is not to be had.
    Journal,
}

/// What a field is called in the journal: `job` becomes `WA_JOB`.
const PREFIX: &str = "WA";

/// Starts logging. `level` is a word (error, warn, info, debug, trace), or several `part=level` with commas between them.
///
/// # Errors
/// A level that is none.
pub fn start(level: &str, form: LineFormat) -> Result<(), String> {
    let (filter, handle) = reload::Layer::new(filter(level)?);
    let registry = tracing_subscriber::registry().with(filter);
    let journal = (form == LineFormat::Journal).then(tracing_journald::layer).and_then(Result::ok);
    // A second start in one process (tests) keeps the first.
    let started = match (form, journal) {
        (LineFormat::Json, _) => registry.with(fmt::layer().json().with_writer(std::io::stderr)).try_init(),
        (_, Some(journal)) => registry.with(journal.with_field_prefix(Some(PREFIX.to_owned()))).try_init(),
        _ => {
            // Colours are for a terminal; in the journal and in files they are noise.
            let colours = std::io::stderr().is_terminal();
            registry.with(fmt::layer().with_writer(std::io::stderr).with_ansi(colours).with_target(false)).try_init()
        }
    };
    if started.is_ok() {
        let _ = RUNNING.set(RunningFilter { filter: handle, level: Mutex::new(level.to_owned()) });
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

fn filter(level: &str) -> Result<Targets, String> {
    // The WhatsApp library's lines name people by their whole numbers: the connector says in its own what matters.
    const SILENT: [&str; 15] = [
        "whatsapp_rust",
        "wacore",
        "waproto",
        "Client",
        "Bot",
        "AppState",
        "usync",
        "Blocking",
        "blocklist",
        "UnifiedSession",
        "Chatstate",
        "TcToken",
        "PresenceHandler",
        "MessageQueue",
        "Mex",
    ];
    // The brokers' clients tell as errors what the log of attempts has, and name hosts.
    const CLIENTS: [&str; 3] = ["async_nats", "lapin", "rumqttc"];
    let silent: String = SILENT.iter().chain(&CLIENTS).map(|target| format!(",{target}=off")).collect();
    format!("{level},tokio_cron_scheduler=warn,hyper=warn,rustls=warn{silent}")
        .parse()
        .map_err(|e| format!("log.level = {level:?}: {e}; use error, warn, info, debug or trace"))
}

/// Whether `stream`, the value of `JOURNAL_STREAM`, says that this process's stderr leads to the journal: the device and
/// the inode of the file that systemd gave it (systemd.exec(5)). A shell below it may have led stderr elsewhere.
pub fn is_journal(stream: &str) -> bool {
    rustix::fs::fstat(std::io::stderr()).is_ok_and(|file| stream == format!("{}:{}", file.st_dev, file.st_ino))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stderr_is_the_journal_only_if_it_is_that_very_file() {
        let file = rustix::fs::fstat(std::io::stderr()).expect("stderr");
        assert!(is_journal(&format!("{}:{}", file.st_dev, file.st_ino)));
        for other in [format!("{}:{}", file.st_dev, file.st_ino + 1), String::new(), "nonsense".to_owned()] {
            assert!(!is_journal(&other), "{other}");
        }
    }
}
