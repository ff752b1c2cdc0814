//! The real App on port 0, with a real database file, a test clock, and helpers that read like sentences.

use super::{
    clock::TestClock,
    http::{self, Reply},
};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;
use wa_gateway::{
    app::{
        App, Running,
        commands::{
            AccountCreate, AccountUpdate, Command, CommandResult, InstanceCreate, InstanceSet, KeyCreate, MessageShow,
            SandboxInbox, SandboxReceive,
        },
    },
    config::Config,
    dialects::AppState,
    model::random::SystemRandom,
};

/// The instance of [`World::start`].
pub const INSTANCE: &str = "shop-line";
/// A customer's phone.
pub const PHONE: &str = "+966501234567";

/// A text that the content policy refuses.
pub const SPAM: &str =
    "CONGRATULATIONS! You have WON a FREE prize of $5000! Click http://bit.ly/win now to claim your cash";

/// A gateway that runs, with one account on Scale, one open sandbox instance, one key.
pub struct World {
    pub clock: Arc<TestClock>,
    pub key: String,
    pub account: i64,
    running: Option<Running>,
    config: Config,
    /// Removed when the world ends.
    pub dir: TempDir,
}

impl World {
    /// With the defaults, on a Monday morning.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With a configuration of the test's own.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_at("2026-06-01T08:00:00Z", change).await
    }

    /// The same at a time of the test's own.
    pub async fn start_at(now: &str, change: impl FnOnce(&mut Config)) -> Self {
        let dir = TempDir::new().expect("a directory");
        let mut config = Config { data_dir: dir.path().to_owned(), ..Config::default() };
        config.listen.local = Some("127.0.0.1:0".parse().expect("an address"));
        config.listen.public = None;
        config.guard.policy_dir = dir.path().join("policy.d");
        change(&mut config);
        let clock = Arc::new(TestClock::at(now));
        let running = start(&config, &clock).await;
        let mut world = Self { clock, key: String::new(), account: 0, running: Some(running), config, dir };
        world.account = world.new_account("Shop", "scale").await;
        world.new_instance(world.account, INSTANCE).await;
        world.key = world.new_key(world.account, &[]).await;
        // Receipts come from a task of their own; the tests that want them say so.
        world.sandbox("receipts", "none").await;
        world
    }

    /// What runs inside.
    pub fn gateway(&self) -> &Arc<AppState> {
        &self.running.as_ref().expect("it runs").gateway
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.running.as_ref().expect("it runs").local.expect("a local listener")
    }

    /// All of what runs: its listeners, its certificate.
    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("it runs")
    }

    /// Stops it cleanly and starts it again on the same data.
    pub async fn restart(&mut self) {
        self.go_down().await;
        self.come_up().await;
    }

    /// Stops it cleanly, lets time pass, and starts it again.
    pub async fn restart_after(&mut self, off: Duration) {
        self.go_down().await;
        self.clock.advance(off);
        self.come_up().await;
    }

    /// Stops it cleanly, until it comes up again.
    pub async fn go_down(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    /// Starts it again on the same data.
    pub async fn come_up(&mut self) {
        self.running = Some(start(&self.config, &self.clock).await);
    }

    /// The same, with calls to customers' places on a thread of their own, as the program has them.
    pub async fn come_up_with_calls_apart(&mut self) {
        let app = open(&self.config, &self.clock).await;
        app.gateway().calls.set_apart();
        self.running = Some(serve(app).await);
    }

    /// A second gateway over a copy of what is on the disk right now, with the same clock: what is found after the
    /// power went. The first one goes on.
    pub async fn after_a_crash(&self) -> Self {
        let dir = TempDir::new().expect("a directory");
        copy(self.dir.path(), dir.path());
        let mut config = self.config.clone();
        config.data_dir = dir.path().to_owned();
        let running = Some(start(&config, &self.clock).await);
        let (clock, key) = (self.clock.clone(), self.key.clone());
        Self { clock, key, account: self.account, running, config, dir }
    }

    /// Does what the command line would do.
    pub fn command(&self, command: impl Into<Command>) -> BoxFuture<'_, CommandResult> {
        command.into().execute(self.gateway())
    }

    pub async fn new_account(&self, name: &str, plan: &str) -> i64 {
        let made = self.command(AccountCreate { name: name.into(), plan: plan.into(), ..Default::default() });
        made.await.expect("an account")["id"].as_i64().expect("an id")
    }

    /// Changes the account; start from [`update`].
    pub async fn update_account(&self, request: AccountUpdate) -> Value {
        self.command(request).await.expect("an update")
    }

    pub async fn new_instance(&self, account: i64, id: &str) {
        let (name, connector) = (format!("Line {id}"), "sandbox".into());
        let request = InstanceCreate { account, id: id.into(), name, connector, ..Default::default() };
        self.command(request).await.expect("an instance");
    }

    pub async fn new_key(&self, account: i64, instances: &[&str]) -> String {
        let instances = instances.iter().map(ToString::to_string).collect();
        let request = KeyCreate { account, name: "test".into(), instances, ..Default::default() };
        self.command(request).await.expect("a key")["key"].as_str().expect("its text").to_owned()
    }

    /// Sets one setting of the sandbox behind [`INSTANCE`].
    pub async fn sandbox(&self, key: &str, value: &str) {
        let settings = [(key.to_owned(), value.to_owned())].into();
        self.command(InstanceSet { id: INSTANCE.into(), settings, ..Default::default() }).await.expect("a setting");
    }

    /// What is on the sandbox's phones.
    pub async fn inbox(&self) -> Vec<Value> {
        let asked = self.command(SandboxInbox { instance: INSTANCE.into(), ..Default::default() });
        asked.await.expect("an inbox").as_array().expect("a list").clone()
    }

    /// Somebody writes to the instance.
    pub async fn hears(&self, from: &str, text: &str) {
        let request =
            SandboxReceive { instance: INSTANCE.into(), from: from.into(), text: text.into(), ..Default::default() };
        self.command(request).await.expect("recorded");
    }

    /// `POST /api/send-message` with this body and the world's key.
    pub async fn send(&self, body: &Value) -> Reply {
        self.send_with(&self.key, body, &[]).await
    }

    /// The same with a key and further headers of the test's own.
    pub async fn send_with(&self, key: &str, body: &Value, more: &[&str]) -> Reply {
        let mut headers = vec!["Content-Type: application/json".to_owned(), format!("Authorization: Bearer {key}")];
        headers.extend(more.iter().map(ToString::to_string));
        http::call(self.address(), "POST", "/api/send-message", &headers, body.to_string().as_bytes()).await
    }

    /// `POST /api/send-message` with everything of the test's own.
    pub async fn post_raw(&self, headers: &[String], body: &[u8]) -> Reply {
        http::call(self.address(), "POST", "/api/send-message", headers, body).await
    }

    /// A GET with the world's key.
    pub async fn get(&self, path: &str) -> Reply {
        let headers = [format!("Authorization: Bearer {}", self.key)];
        http::call(self.address(), "GET", path, &headers, &[]).await
    }

    /// The row of a message with its timeline.
    pub async fn row(&self, log_id: &Value) -> Value {
        let log_id = log_id.as_i64().expect("a log id");
        self.command(MessageShow { log_id: log_id.to_string() }).await.expect("a row")
    }

    /// Messages of the quota that are taken of the world's account: day, month.
    pub async fn used(&self) -> (i64, i64) {
        let read = self.gateway().store.read(|tx| {
            tx.one(
                "SELECT coalesce((SELECT sum(counted) FROM usage_days), 0),
                        coalesce((SELECT sum(counted) FROM usage_months), 0)",
                [],
                |r| Ok((r.get(0)?, r.get(1)?)),
            )
        });
        read.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("usage")
    }

    /// Steps the clock.
    pub fn later(&self, d: Duration) {
        self.clock.advance(d);
    }

    /// Ends it while messages are on their way: time passes until they are settled.
    pub async fn stop_soon(self) {
        let clock = self.clock.clone();
        let stopping = self.stop();
        tokio::pin!(stopping);
        for _ in 0..600 {
            clock.advance(Duration::from_secs(1));
            tokio::select! {
                () = &mut stopping => return,
                () = super::program::moment() => {}
            }
        }
        panic!("it does not end");
    }

    /// Ends it.
    pub async fn stop(mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a directory") {
        let (entry, kind) = entry.and_then(|e| e.file_type().map(|kind| (e, kind))).expect("an entry");
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            std::fs::create_dir(&target).expect("a directory");
            copy(&entry.path(), &target);
        } else if kind.is_file() {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

async fn start(config: &Config, clock: &Arc<TestClock>) -> Running {
    serve(open(config, clock).await).await
}

async fn open(config: &Config, clock: &Arc<TestClock>) -> App {
    let app = App::open(config.clone(), clock.clone(), Arc::new(SystemRandom)).await;
    app.unwrap_or_else(|e| panic!("it does not open: {e}"))
}

async fn serve(app: App) -> Running {
    app.serve().await.unwrap_or_else(|e| panic!("it does not serve: {e}"))
}

/// A request that passes every gate.
pub fn message() -> Value {
    message_to(PHONE)
}

/// The same to another phone.
pub fn message_to(phone: &str) -> Value {
    json!({
        "instance_id": INSTANCE,
        "phone": phone,
        "message": "Your order #2041 has been shipped.",
        "message_purpose": "transactional",
    })
}

/// [`message`] with members replaced; null takes one away.
pub fn message_with(members: Value) -> Value {
    let mut body = message();
    for (name, value) in members.as_object().expect("an object") {
        if value.is_null() {
            body.as_object_mut().expect("an object").shift_remove(name);
        } else {
            body[name] = value.clone();
        }
    }
    body
}

/// An account update that changes nothing, to be filled in.
pub fn update(id: i64) -> AccountUpdate {
    AccountUpdate { id, ..Default::default() }
}
