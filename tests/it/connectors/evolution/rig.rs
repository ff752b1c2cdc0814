//! The gateway with an instance on an Evolution server, and a receiver of its events.

use crate::harness::{
    evolution::{Evolution, KEY},
    http::{self, Reply},
    line::{ANSWER_TIME, Line, over_line},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use wa_gateway::model::{clock::Clock as _, ids::InstanceId};

/// The gateway's name of the instance, and the server's.
pub const LINE: &str = "evo-line";
pub const THEIRS: &str = "Loja 1";
pub const SECRET: &str = "the-secret-of-the-webhook";
/// A customer.
pub const PHONE: &str = "+966501234567";

/// A step of [`Line::pass_until`].
pub const SECOND: Duration = Duration::from_secs(1);

pub struct Rig {
    line: Line,
    pub server: Evolution,
}

over_line!(Rig);

impl Rig {
    /// An open instance, adopted.
    pub async fn start() -> Self {
        let rig = Self::without_instance().await;
        rig.server.add_open(THEIRS);
        rig.create().await;
        rig.until_state("open").await;
        // Its first round is over: what comes now comes by the webhook.
        rig.until("the groups were listed", async || !rig.server.seen("/group/fetchAllGroups").is_empty()).await;
        rig
    }

    /// The gateway and the server, and nothing between them yet.
    pub async fn without_instance() -> Self {
        let clock = std::sync::Arc::new(crate::harness::clock::TestClock::at("2026-06-01T08:00:00Z"));
        let server = Evolution::start(clock).await;
        let line = Line::to(server.door.addr, LINE).await;
        server.set_clock(line.world.clock.clone());
        server.hooks_go_to(line.world.address());
        Self { line, server }
    }

    pub async fn create(&self) {
        self.create_with(&self.settings()).await.expect("an instance");
    }

    /// The same where the server has none of that name: a person has it made.
    pub async fn create_and_make(&self) {
        self.create().await;
        let why = self.until_state("close").await["state_reason"].clone();
        assert!(why.as_str().is_some_and(|why| why.contains("has no instance")), "{why}");
        self.world.gateway().registry.reconnect(&InstanceId::from_text(LINE)).await.expect("it is made");
    }

    pub async fn create_with(&self, settings: &BTreeMap<String, String>) -> Result<Value, String> {
        self.line.create("evolution", "Evolution line", settings).await
    }

    pub fn settings(&self) -> BTreeMap<String, String> {
        let all = [
            ("base_url", self.server.url()),
            ("api_key", KEY.to_owned()),
            ("instance", THEIRS.to_owned()),
            ("hook_secret", SECRET.to_owned()),
        ];
        all.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
    }

    /// A message to [`PHONE`].
    pub fn message(&self, text: &str) -> Value {
        json!({"instance_id": LINE, "phone": PHONE, "message": text, "message_purpose": "transactional"})
    }

    pub async fn send(&self, text: &str) -> Reply {
        self.world.send(&self.message(text)).await
    }

    /// Sends, and lets the answer's time run out: after the server's answer was heard, or without one.
    pub async fn send_past_the_deadline(&self, text: &str) -> Reply {
        self.send_body_past_the_deadline(&self.message(text), true).await
    }

    pub async fn send_body_past_the_deadline(&self, body: &Value, answered: bool) -> Reply {
        self.world.later(Duration::from_millis(1));
        let (before, now) = (self.sent().len(), self.world.clock.now());
        let deadline = now.plus(ANSWER_TIME);
        let late = async {
            self.until("the server has it", async || self.sent().len() > before).await;
            let line = InstanceId::from_text(LINE);
            let heard = || self.world.gateway().registry.standing(&line).and_then(|s| s.last_heard_at);
            self.until("its answer was heard", async || !answered || heard() >= Some(now)).await;
            self.world.clock.wait_for_sleeper_at(deadline).await;
            self.world.later(ANSWER_TIME);
        };
        tokio::join!(self.world.send(body), late).0
    }

    /// To, text and id of what the server sent.
    pub fn sent(&self) -> Vec<(String, String, String)> {
        self.server.with(THEIRS, |i| i.sent.clone())
    }

    pub fn last_id(&self) -> String {
        self.sent().last().expect("one").2.clone()
    }

    /// The server's webhook brings this; it must be taken.
    pub async fn tell(&self, event: &str, data: Value) {
        assert_eq!(self.server.tell(THEIRS, event, data).await, Some(200), "{event}");
    }

    pub async fn tell_status(&self, id: &str, status: &str) {
        let data = self.server.update(THEIRS, id, Some(status));
        self.tell("messages.update", data).await;
    }

    /// The webhook's door, with everything of the test's own.
    pub async fn call(&self, headers: &[&str], body: &str) -> Reply {
        let headers: Vec<String> = headers.iter().map(ToString::to_string).collect();
        http::call(self.world.address(), "POST", &format!("/hooks/evolution/{LINE}"), &headers, body.as_bytes()).await
    }

    /// What was heard, as rows.
    pub async fn heard(&self) -> Vec<(String, String, Option<String>)> {
        let read = self.world.gateway().store.read(|tx| {
            tx.list("SELECT provider_message_id, body, reply_to FROM inbound_messages ORDER BY id", [], |r| {
                Ok((r.get(0)?, r.get(1)?, r.get(2)?))
            })
        });
        read.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("rows")
    }
}
