//! Running it: what `/metrics` tells, that the examples for monitoring and the documentation speak of metrics that
//! exist, and that the doctor finds what is wrong.

use crate::harness::{
    program::Place,
    receiver::Receiver,
    wait,
    world::{INSTANCE, PHONE, World, message},
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use wa_gateway::{
    app::{
        commands::{InstancePause, WebhookCreate},
        scheduler::Scheduler,
    },
    config::{Config, Listen},
    ops::{
        doctor::{self, CheckStatus, Finding, Patient},
        listen_addresses::ListenAddresses,
    },
    store::StoreError,
};

const PREFIX: &str = "wa_gateway_";

/// Every metric that a text names.
fn names(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.match_indices(PREFIX)
        .map(|(at, _)| text[at..].chars().take_while(|c| is_name(*c)).collect::<String>())
        .collect()
}

/// The value of a line of `/metrics`.
fn value(page: &str, line: &str) -> Option<f64> {
    page.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(' ')?.parse().ok())
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).expect("a directory").map(|e| e.expect("an entry").path()) {
        if entry.is_dir() { all.extend(files(&entry)) } else { all.push(entry) }
    }
    all
}

/// A world in which every metric has something to say.
async fn busy(receiver: &Receiver) -> World {
    let entry = receiver.address.to_string().parse().expect("an entry");
    World::start_with(|c| {
        c.listen.public = Some("127.0.0.1:0".parse().expect("an address"));
        c.backup.directory = Some(c.data_dir.join("backups"));
        c.egress.allow = vec![entry];
    })
    .await
}

#[tokio::test]
async fn the_examples_and_the_documentation_name_metrics_that_exist() {
    let receiver = Receiver::start().await;
    let world = busy(&receiver).await;
    Scheduler(world.gateway().clone()).step().await;
    let mut there = names(&world.get("/metrics").await.body);
    // The head of a histogram is no metric that one can ask for; its parts are.
    let heads: Vec<_> = there.iter().filter(|name| there.contains(&format!("{name}_bucket"))).cloned().collect();
    there.retain(|name| !heads.contains(name));
    assert!(there.len() > 20, "{there:?}");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seen = BTreeSet::new();
    for file in [files(&root.join("examples/monitoring")), files(&root.join("assets/docs"))].concat() {
        let named = names(&fs::read_to_string(&file).expect("a text"));
        let unknown: Vec<_> = named.difference(&there).collect();
        assert!(unknown.is_empty(), "{}: there are no such metrics: {unknown:?}", file.display());
        seen.extend(named);
    }
    let unused: Vec<_> = there.difference(&seen).collect();
    assert!(unused.is_empty(), "neither shown nor warned of: {unused:?}");
    assert_eq!(names("sum(wa_gateway_nobody[5m])"), ["wa_gateway_nobody".to_owned()].into(), "the control");
    let board = fs::read_to_string(root.join("examples/monitoring/wa-gateway-dashboard.json")).expect("a dashboard");
    let board: Value = serde_json::from_str(&board).expect("JSON");
    assert!(board["panels"].as_array().is_some_and(|panels| panels.len() >= 10));
    world.stop().await;
}

#[tokio::test]
async fn metrics_follow_what_happens() {
    let receiver = Receiver::start().await;
    let world = busy(&receiver).await;
    let before = world.get("/metrics").await.body;
    assert_eq!(value(&before, "wa_gateway_messages_total{outcome=\"sent\"}"), Some(0.0));
    assert_eq!(value(&before, "wa_gateway_instances{connector=\"sandbox\",state=\"open\"}"), Some(1.0));
    assert_eq!(value(&before, "wa_gateway_backup_last_seconds"), None, "there is none yet");
    assert_eq!(world.send(&message()).await.status, 200);
    let pause = InstancePause { id: INSTANCE.into(), reason: "a look".into() };
    world.command(pause).await.expect("paused");
    let events = vec!["message.received".to_owned()];
    let request = WebhookCreate { account: world.account, url: receiver.url(), events, ..Default::default() };
    world.command(request).await.expect("an endpoint");
    receiver.answer_next("500 Broken");
    world.hears(PHONE, "hello").await;
    receiver.wait_for(1).await;
    failed_once(&world).await;
    Scheduler(world.gateway().clone()).step().await;
    world.later(Duration::from_secs(301));
    let page = world.get("/metrics").await.body;
    let unix = |text: &str| wa_gateway::model::clock::Time::parse(text).expect("a time").seconds();
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit")]
    let made = unix("2026-06-01T08:00:00Z") as f64;
    for (line, expected) in [
        ("wa_gateway_messages_total{outcome=\"sent\"}", 1.0),
        ("wa_gateway_instances_paused", 1.0),
        ("wa_gateway_webhooks_failing", 1.0),
        ("wa_gateway_deliveries_waiting", 1.0),
        ("wa_gateway_database_ready", 1.0),
        ("wa_gateway_uptime_seconds", 301.0),
        ("wa_gateway_backup_last_seconds", made),
    ] {
        assert_eq!(value(&page, line), Some(expected), "{line} in\n{page}");
    }
    assert!(value(&page, "wa_gateway_certificate_end_seconds").is_some_and(|end| end > made), "{page}");
    assert!(value(&page, "wa_gateway_http_responses_total{class=\"2xx\"}").is_some_and(|n| n >= 2.0), "{page}");
    world.stop().await;
}

/// Until the worker has noted that the delivery failed.
async fn failed_once(world: &World) {
    let failing = "SELECT count(*) FROM endpoints WHERE failing_since IS NOT NULL";
    wait::until("the failure is noted", async || world.number(failing).await == 1).await;
}

async fn examined(world: &World, change: impl FnOnce(&mut Config)) -> Vec<Finding> {
    let mut config = Config { data_dir: world.dir.path().to_owned(), ..Config::default() };
    config.listen.local = Some(world.address());
    config.listen.public = None;
    change(&mut config);
    let Listen { local, public, http, metrics, .. } = config.listen.clone();
    let running = Some(ListenAddresses { local, public, http, metrics });
    let clock: Arc<dyn wa_gateway::model::clock::Clock> = world.clock.clone();
    doctor::examine(&Patient { config: &config, running, clock }).await
}

fn text_of<'a>(findings: &'a [Finding], check: &str, status: CheckStatus) -> &'a str {
    let found = findings.iter().find(|f| f.check == check && f.status == status);
    found.map(|f| f.text.as_str()).unwrap_or_else(|| panic!("no {check} that is {status:?} in {findings:#?}"))
}

#[tokio::test]
async fn the_doctor_finds_what_is_wrong_and_says_what_to_do() {
    let world = World::start().await;
    let well = examined(&world, |_| {}).await;
    assert!(well.iter().all(|f| f.status != CheckStatus::Fail), "{well:#?}");
    for check in ["gateway", "disk", "database", "listen.local", "certificate", "instances"] {
        text_of(&well, check, CheckStatus::Ok);
    }
    world.sandbox("state", "close").await;
    let unwell = world.gateway().store.write(|tx| {
        tx.execute("UPDATE jobs SET last_error = 'no room' WHERE name = 'retention'", [])?;
        tx.execute("INSERT OR REPLACE INTO jobs (name, due_at, last_error) VALUES ('backup', 0, 'no room')", [])
    });
    unwell.await.map_err(|e: StoreError| e.to_string()).expect("written");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
    let ill = examined(&world, |config| {
        config.listen.public = Some(nobody);
        config.tls.mode = wa_gateway::config::TlsMode::Files;
        config.tls.certificate = Some(world.dir.path().join("missing.pem"));
    })
    .await;
    assert!(text_of(&ill, "instances", CheckStatus::Fail).contains(INSTANCE));
    assert!(text_of(&ill, "jobs", CheckStatus::Warn).contains("no room"));
    assert!(text_of(&ill, "listen.public", CheckStatus::Warn).contains("nobody answers"));
    assert!(text_of(&ill, "certificate", CheckStatus::Fail).contains("missing.pem"));
    assert!(text_of(&ill, "backups", CheckStatus::Warn).contains("backup.directory"));
    world.stop().await;
}

#[test]
fn the_doctor_looks_at_a_gateway_that_does_not_run() {
    let place = Place::new();
    let empty = place.json(&["doctor"]);
    assert_eq!(empty["ok"], true, "nothing is there yet, and nothing is wrong: {empty}");
    let serving = place.serve();
    place.furnish("shop-line");
    assert_eq!(place.json(&["doctor"])["ok"], true);
    assert_eq!(serving.stop().0, 0);
    let after = place.json(&["doctor"]);
    let checks = after["checks"].as_array().expect("a list");
    let of = |check: &str| checks.iter().find(|c| c["check"] == check).map(|c| c["text"].as_str().unwrap_or_default());
    assert_eq!(of("gateway"), Some("not running"));
    assert!(of("instances").is_some_and(|text| text.starts_with("1 of them")), "{after}");
}
