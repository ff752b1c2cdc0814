//! What is counted while the gateway runs, and what is measured when somebody asks, as Prometheus reads it. Counters
//! start at zero with each start.
//!
//! Every name here is in `examples/monitoring/` and on the operators' pages only if it exists: a test compares them.

use crate::{
    model::{
        clock::{Clock, Time},
        instance::Health,
    },
    ops::status::Survey,
    sending::Outcome,
};
use std::{
    collections::BTreeMap,
    fmt::{Display, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Upper ends of the histogram's buckets, in milliseconds.
const BUCKETS_MS: [u64; 11] = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];
/// Answers are counted by the first digit of their status.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

pub struct Metrics {
    clock: Arc<dyn Clock>,
    started: Time,
    messages: [AtomicU64; 5],
    answers: [AtomicU64; 5],
    /// How many answers fell into each bucket alone; the last is for those that were slower than all.
    took: [AtomicU64; BUCKETS_MS.len() + 1],
    took_ms: AtomicU64,
}

/// What is measured at the moment of asking; what could not be is left out of the answer.
#[derive(Default)]
pub struct Gauges {
    /// Numbers, webhooks, jobs; none when the database does not answer.
    pub survey: Option<Survey>,
    /// The database file's size.
    pub database_bytes: Option<u64>,
    /// Free space where it lies.
    pub disk_free_bytes: Option<u64>,
    /// What the process holds of the machine's memory.
    pub memory_bytes: Option<u64>,
    /// When the public listener's certificate ends.
    pub certificate_ends: Option<Time>,
    /// When the last scheduled backup was made.
    pub last_backup: Option<Time>,
}

impl Metrics {
    /// All at zero.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let started = clock.now();
        Self {
            clock,
            started,
            messages: Default::default(),
            answers: Default::default(),
            took: Default::default(),
            took_ms: AtomicU64::new(0),
        }
    }

    /// Since when it runs.
    pub const fn started(&self) -> Time {
        self.started
    }

    /// Counts one answered send request.
    pub fn message(&self, outcome: Outcome) {
        self.messages[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one answered HTTP request: its status, and how long it took to answer.
    pub fn answered(&self, status: u16, took: Duration) {
        let class = usize::from(status / 100).clamp(1, CLASSES.len()) - 1;
        self.answers[class].fetch_add(1, Ordering::Relaxed);
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let bucket = BUCKETS_MS.iter().position(|end| ms <= *end).unwrap_or(BUCKETS_MS.len());
        self.took[bucket].fetch_add(1, Ordering::Relaxed);
        self.took_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// The text of `/metrics`.
    pub fn render(&self, gauges: &Gauges) -> String {
        let mut page = Exposition(String::with_capacity(4096));
        let now = self.clock.now();
        page.head("build_info", "gauge", "The running version.");
        page.line("build_info", [("version", env!("CARGO_PKG_VERSION"))], 1);
        page.gauge("uptime_seconds", "Since the start.", Some(now.since(self.started).as_secs()));
        page.head("messages_total", "counter", "Answered send requests by how they ended.");
        for outcome in Outcome::ALL {
            let count = self.messages[*outcome as usize].load(Ordering::Relaxed);
            page.line("messages_total", [("outcome", outcome.as_str())], count);
        }
        page.head("http_responses_total", "counter", "Answered HTTP requests by the first digit of their status.");
        for (class, count) in CLASSES.iter().zip(&self.answers) {
            page.line("http_responses_total", [("class", *class)], count.load(Ordering::Relaxed));
        }
        self.histogram(&mut page);
        page.measured(gauges);
        if let Some(survey) = &gauges.survey {
            page.survey(survey, now);
        }
        page.0
    }

    fn histogram(&self, page: &mut Exposition) {
        page.head("http_seconds", "histogram", "How long HTTP requests took to be answered.");
        let mut sum = 0;
        for (bucket, count) in self.took.iter().enumerate() {
            sum += count.load(Ordering::Relaxed);
            let end = BUCKETS_MS.get(bucket).map_or_else(|| "+Inf".to_owned(), |ms| seconds(*ms));
            page.line("http_seconds_bucket", [("le", end.as_str())], sum);
        }
        page.line("http_seconds_sum", [], seconds(self.took_ms.load(Ordering::Relaxed)));
        page.line("http_seconds_count", [], sum);
    }
}

/// Milliseconds as Prometheus writes seconds.
fn seconds(ms: u64) -> String {
    let text = format!("{}.{:03}", ms / 1000, ms % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The text as it grows.
struct Exposition(String);

impl Exposition {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP wa_gateway_{name} {help}\n# TYPE wa_gateway_{name} {kind}");
    }

    fn line<const N: usize>(&mut self, name: &str, labels: [(&str, &str); N], value: impl Display) {
        let _ = write!(self.0, "wa_gateway_{name}");
        for (at, (label, text)) in labels.iter().enumerate() {
            // Our own words and names of jobs: nothing in them needs escaping.
            let _ = write!(self.0, "{}{label}=\"{text}\"", if at == 0 { "{" } else { "," });
        }
        let _ = writeln!(self.0, "{} {value}", if N == 0 { "" } else { "}" });
    }

    fn gauge(&mut self, name: &str, help: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.head(name, "gauge", help);
            self.line(name, [], value);
        }
    }

    fn measured(&mut self, gauges: &Gauges) {
        let ready = u8::from(gauges.survey.is_some());
        self.gauge("database_ready", "1 while the database answers.", Some(ready));
        self.gauge("database_bytes", "Size of the database file.", gauges.database_bytes);
        self.gauge("disk_free_bytes", "Free space where the database lies.", gauges.disk_free_bytes);
        self.gauge("memory_bytes", "Memory that the process holds.", gauges.memory_bytes);
        let end = gauges.certificate_ends.map(Time::seconds);
        self.gauge("certificate_end_seconds", "When the certificate ends, as seconds since 1970.", end);
        let backup = gauges.last_backup.map(Time::seconds);
        self.gauge("backup_last_seconds", "When the last scheduled backup was made, as seconds since 1970.", backup);
    }

    fn survey(&mut self, survey: &Survey, now: Time) {
        self.gauge("messages_under_way", "Messages that wait for the provider's answer.", Some(survey.under_way));
        let mut numbers: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for number in &survey.numbers {
            *numbers.entry((number.connector.as_str(), number.state.as_str())).or_default() += 1;
        }
        self.head("instances", "gauge", "Instances by connector and state.");
        for ((connector, state), count) in numbers {
            self.line("instances", [("connector", connector), ("state", state)], count);
        }
        let paused = survey.numbers.iter().filter(|n| n.paused_at.is_some()).count();
        self.gauge("instances_paused", "Instances that wait for a person's review.", Some(paused));
        let deaf = survey.numbers.iter().filter(|n| n.health == Health::Deaf).count();
        self.gauge("instances_deaf", "Instances that are connected and hear nothing.", Some(deaf));
        self.gauge("deliveries_waiting", "Webhook deliveries that wait.", Some(survey.waiting));
        let late = survey.waiting_since.map_or(0, |at| now.since(at).as_secs());
        self.gauge("deliveries_late_seconds", "How late the oldest of them is.", Some(late));
        let off = survey.troubled.iter().filter(|w| w.disabled_at.is_some()).count();
        let failing = survey.troubled.len() - off;
        self.gauge(
            "webhooks_failing",
            "Webhooks from which nothing but failures came for five minutes.",
            Some(failing),
        );
        self.gauge("webhooks_off", "Webhooks that were switched off because they failed for too long.", Some(off));
        self.head("jobs_failed", "gauge", "1 for each of the gateway's own jobs whose last run failed.");
        for (job, _) in &survey.failed_jobs {
            self.line("jobs_failed", [("job", job.as_str())], 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::clock::SystemClock;

    #[test]
    fn answers_fall_into_their_buckets() {
        let metrics = Metrics::new(Arc::new(SystemClock));
        for (status, ms) in [(200, 3), (200, 5), (404, 6), (503, 700), (200, 60_000)] {
            metrics.answered(status, Duration::from_millis(ms));
        }
        metrics.message(Outcome::Blocked);
        let page = metrics.render(&Gauges::default());
        for line in [
            "wa_gateway_http_seconds_bucket{le=\"0.005\"} 2",
            "wa_gateway_http_seconds_bucket{le=\"0.01\"} 3",
            "wa_gateway_http_seconds_bucket{le=\"1\"} 4",
            "wa_gateway_http_seconds_bucket{le=\"10\"} 4",
            "wa_gateway_http_seconds_bucket{le=\"+Inf\"} 5",
            "wa_gateway_http_seconds_sum 60.714",
            "wa_gateway_http_seconds_count 5",
            "wa_gateway_http_responses_total{class=\"2xx\"} 3",
            "wa_gateway_http_responses_total{class=\"4xx\"} 1",
            "wa_gateway_http_responses_total{class=\"5xx\"} 1",
            "wa_gateway_messages_total{outcome=\"blocked\"} 1",
            "wa_gateway_database_ready 0",
        ] {
            assert!(page.lines().any(|l| l == line), "{line} is not in\n{page}");
        }
        assert!(!page.contains("certificate_end"), "what is not known is not said");
    }
}
