//! What is counted while the gateway runs, as Prometheus reads it. Counters start at zero with each start.

use crate::{
    model::clock::{Clock, Time},
    sending::Outcome,
    store::Store,
};
use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// The counters.
pub struct Metrics {
    clock: Arc<dyn Clock>,
    started: Time,
    messages: [AtomicU64; 5],
}

impl Metrics {
    /// All at zero.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let started = clock.now();
        Self { clock, started, messages: Default::default() }
    }

    /// Since when it runs.
    pub const fn started(&self) -> Time {
        self.started
    }

    /// Counts one answered send request.
    pub fn message(&self, outcome: Outcome) {
        self.messages[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The text of `/metrics`.
    pub fn render(&self, store: &Store) -> String {
        let mut out = String::with_capacity(1024);
        let mut family = |name: &str, kind: &str, help: &str, lines: &[(String, String)]| {
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (labels, value) in lines {
                let _ = writeln!(out, "{name}{labels} {value}");
            }
        };
        let messages: Vec<_> = Outcome::ALL
            .iter()
            .map(|o| {
                let count = self.messages[*o as usize].load(Ordering::Relaxed);
                (format!("{{outcome=\"{o}\"}}"), count.to_string())
            })
            .collect();
        family("wa_gateway_messages_total", "counter", "Answered send requests by how they ended.", &messages);
        let version = format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
        family("wa_gateway_build_info", "gauge", "The running version.", &[(version, "1".into())]);
        let up = self.clock.now().since(self.started).as_secs();
        family("wa_gateway_uptime_seconds", "gauge", "Since the start.", &[(String::new(), up.to_string())]);
        let size = std::fs::metadata(store.path()).map_or(0, |m| m.len());
        family(
            "wa_gateway_database_bytes",
            "gauge",
            "Size of the database file.",
            &[(String::new(), size.to_string())],
        );
        out
    }
}
