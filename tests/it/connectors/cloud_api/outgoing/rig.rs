//! The gateway with an instance on the Cloud API, and a receiver of its events.

use crate::harness::{
    graph::{Graph, Sent},
    http::Reply,
    line::{ANSWER_TIME, Line, over_line},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wa_gateway::{app::commands::InstanceSet, model::clock::Clock as _};

/// The gateway's name of the instance.
pub const LINE: &str = "cloud-line";
/// A customer, who wrote lately.
pub const PHONE: &str = "+966501234567";

pub struct Rig {
    line: Line,
    pub graph: Graph,
}

over_line!(Rig);

impl Rig {
    /// An open instance; [`PHONE`] wrote to it.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with further settings.
    pub async fn start_with(more: &[(&str, &str)]) -> Self {
        let rig = Self::without_instance().await;
        let mut settings = rig.graph.settings();
        settings.extend(more.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        rig.create_with(&settings).await.expect("an instance");
        rig.until_looked(1).await;
        rig.hears(PHONE).await;
        rig
    }

    /// The gateway and the API, and nothing between them yet.
    pub async fn without_instance() -> Self {
        let graph = Graph::start().await;
        let line = Line::to(graph.door.addr, LINE).await;
        Self { line, graph }
    }

    pub async fn create_with(&self, settings: &BTreeMap<String, String>) -> Result<Value, String> {
        self.create("cloud-api", "Cloud line", settings).await
    }

    /// Its `n`th first round is over: the number was looked at, and the templates were read.
    pub async fn until_looked(&self, n: usize) {
        let looked = || self.graph.asked("GET /v25.0/106540352242922?") >= n;
        self.until("the number was looked at", async || looked()).await;
        let listed = || self.graph.asked("GET /v25.0/419561257915477/message_templates") >= n;
        self.until("the templates were read", async || listed()).await;
        self.until("its number is known", async || self.status().await["phone"].is_string()).await;
    }

    /// Somebody wrote just now: their 24 hours begin.
    pub async fn hears(&self, phone: &str) {
        let (at, id) = (self.world.clock.now(), format!("wamid.in-{phone}-{}", self.world.clock.now().millis()));
        let message = json!({"from": phone.trim_start_matches('+'), "id": id, "timestamp": at.seconds().to_string(),
                             "type": "text", "text": {"body": "Hello"}});
        self.call(json!({"messages": [message]})).await;
    }

    /// Meta brings this by the webhook; it must be taken.
    pub async fn call(&self, value: Value) {
        assert_eq!(self.graph.call(self.world.address(), LINE, value).await, 200);
    }

    /// Meta tells what became of a message.
    pub async fn tell_status(&self, sent: &Sent, status: &str) {
        self.call(Graph::status(sent, status, self.world.clock.now().seconds())).await;
    }

    pub async fn set(&self, settings: &[(&str, &str)]) {
        let settings = settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        self.world.command(InstanceSet { id: LINE.into(), settings, ..Default::default() }).await.expect("set");
    }

    /// A message to [`PHONE`].
    pub fn message(&self, text: &str) -> Value {
        self.message_to(PHONE, text)
    }

    pub fn message_to(&self, phone: &str, text: &str) -> Value {
        json!({"instance_id": LINE, "phone": phone, "message": text, "message_purpose": "transactional"})
    }

    pub async fn send(&self, text: &str) -> Reply {
        self.world.send(&self.message(text)).await
    }

    /// Sends, and lets the answer's time run out once the API has it.
    pub async fn send_past_the_deadline(&self, body: &Value) -> Reply {
        let (before, deadline) = (self.graph.sent().len(), self.world.clock.now().plus(ANSWER_TIME));
        let late = async {
            self.until("the API has it", async || self.graph.sent().len() > before).await;
            self.world.clock.wait_for_sleeper_at(deadline).await;
            self.world.later(ANSWER_TIME);
        };
        tokio::join!(self.world.send(body), late).0
    }

    pub fn last(&self) -> Sent {
        self.graph.sent().last().expect("one").clone()
    }

    /// Nothing that was asked of the API was other than Meta wants it.
    pub fn assert_good_manners(&self) {
        assert_eq!(self.graph.state().complaints, Vec::<String>::new());
    }
}
