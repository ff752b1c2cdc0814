//! The gateway with an instance on the Cloud API, and a receiver of its events.

use crate::harness::{
    files::FileServer,
    graph::{Graph, Sent},
    http::{Reply, STUCK},
    receiver::Receiver,
    world::World,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use wa_gateway::{control::Request, model::clock::Clock as _};

/// The gateway's name of the instance.
pub const LINE: &str = "cloud-line";
/// A customer, who wrote lately.
pub const PHONE: &str = "+966501234567";
/// How long a caller waits for an answer.
pub const ANSWER_TIME: Duration = Duration::from_secs(10);

/// One thread, which looks at its sockets once in a while: whoever can go on does so meanwhile.
pub async fn breathe() {
    for _ in 0..150 {
        tokio::task::yield_now().await;
    }
}

pub struct Rig {
    pub world: World,
    pub graph: Graph,
    pub receiver: Receiver,
    pub files: FileServer,
}

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
        let receiver = Receiver::start().await;
        let files = FileServer::start().await;
        let allow = [graph.addr, receiver.address, files.address].map(|a| a.to_string().parse().expect("an entry"));
        let world = World::start_with(|config| config.egress.allow = allow.to_vec()).await;
        Self { world, graph, receiver, files }
    }

    pub async fn create_with(&self, settings: &BTreeMap<String, String>) -> Result<Value, String> {
        let request = Request::InstanceCreate {
            account: self.world.account,
            id: LINE.into(),
            name: "Cloud line".into(),
            connector: "cloud-api".into(),
            settings: settings.clone(),
        };
        self.world.command(request).await
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

    /// An endpoint of the customer's for these events.
    pub async fn subscribe(&self, events: &[&str]) {
        let request = Request::WebhookCreate {
            account: self.world.account,
            instance: Some(LINE.into()),
            url: self.receiver.url(),
            events: events.iter().map(ToString::to_string).collect(),
        };
        self.world.command(request).await.expect("an endpoint");
    }

    pub async fn set(&self, settings: &[(&str, &str)]) {
        let settings = settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        self.world.command(Request::InstanceSet { id: LINE.into(), settings }).await.expect("set");
    }

    pub async fn status(&self) -> Value {
        self.world.command(Request::InstanceStatus { id: LINE.into() }).await.expect("an instance")
    }

    pub async fn until_state(&self, state: &str) -> Value {
        self.until(&format!("state {state}"), async || self.status().await["state"] == state).await;
        self.status().await
    }

    /// Waits until something is so; in real time at most [`STUCK`].
    pub async fn until(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        let waited = tokio::time::timeout(STUCK, async {
            while !is_so().await {
                tokio::task::yield_now().await;
            }
        });
        assert!(waited.await.is_ok(), "it never came to this: {what}; {}", self.status().await);
    }

    /// Lets time pass in steps until something is so, with room for what happens meanwhile.
    pub async fn pass_until(&self, what: &str, step: Duration, is_so: impl AsyncFn() -> bool) {
        const LOOKS: usize = 25;
        let looked = std::cell::Cell::new(0);
        self.until(what, async || {
            if is_so().await {
                return true;
            }
            looked.set(looked.get() + 1);
            if usize::is_multiple_of(looked.get(), LOOKS) {
                self.world.later(step);
            }
            breathe().await;
            false
        })
        .await;
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

    /// Sends, and lets time pass in steps until it is answered.
    pub async fn send_in_steps(&self, body: &Value) -> Reply {
        let sending = self.world.send(body);
        tokio::pin!(sending);
        loop {
            tokio::select! {
                biased;
                reply = &mut sending => return reply,
                () = async { breathe().await; breathe().await; } => self.world.later(Duration::from_millis(100)),
            }
        }
    }

    pub fn last(&self) -> Sent {
        self.graph.sent().last().expect("one").clone()
    }

    pub async fn row(&self, reply: &Reply) -> Value {
        let log_id = reply.header("x-log-id").expect("a row").parse::<i64>().expect("a number");
        self.world.row(&json!(log_id)).await
    }

    /// The events that the receiver got, once there are `n`, of one name.
    pub async fn events(&self, name: &str, n: usize) -> Vec<Value> {
        let of = || self.receiver.got().iter().map(|g| g.json()).filter(|e| e["event"] == name).collect::<Vec<_>>();
        self.until(&format!("{n} {name}"), async || of().len() >= n).await;
        of()
    }

    /// Nothing that was asked of the API was other than Meta wants it.
    pub fn assert_good_manners(&self) {
        assert_eq!(self.graph.state().complaints, Vec::<String>::new());
    }
}
