//! The real program with a linked phone, a customer's phone at the other end and a receiver of its events: what can be
//! killed and looked at from outside.

use super::{friend::Friend, rig::OWN};
use crate::{
    harness::{
        clock::TestClock,
        http::Reply,
        load::{Asked, Client},
        program::{Place, Serving, wait_until},
        receiver::Receiver,
        whatsapp::WhatsApp,
    },
    sending::crash::checker::open_database,
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};
use tokio::runtime::Runtime;
use wa_gateway::connectors::Content;

pub const LINE: &str = "web-line";
pub const CUSTOMER: u64 = 966_501_234_567;

/// The program, what it is connected to, and the customer at the other end.
pub struct Trial {
    pub runtime: Runtime,
    pub service: WhatsApp,
    pub customer: Friend,
    pub receiver: Receiver,
    pub place: Place,
    /// The section of its configuration file that says whom it may call.
    egress: String,
    pub key: String,
    /// None: it was killed.
    pub serving: Option<Serving>,
}

/// A message of ours as the log has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Logged {
    pub message_id: String,
    pub text: String,
    pub status: String,
}

impl Trial {
    /// An instance that shows its first code.
    pub fn unlinked() -> Self {
        Self::unlinked_with("")
    }

    /// The same, with more sections of the configuration file.
    pub fn unlinked_with(more: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let (service, customer, receiver) = runtime.block_on(async {
            let service = WhatsApp::start().await;
            let clock = Arc::new(TestClock::at("2026-01-01T00:00:00Z"));
            let customer = Friend::with(&service, &clock, CUSTOMER).await;
            (service, customer, Receiver::start().await)
        });
        let egress = format!("[egress]\nallow = [\"{}\", \"{}\"]\n", service.door.addr, receiver.address);
        let place = Place::with(&format!("{egress}{more}"));
        let key = place.furnish("box");
        let mut create = vec!["instance", "create", "--account", "1", "--id", LINE, "--name", "Web"];
        create.extend(["--connector", "whatsapp-web"]);
        let settings: Vec<String> = super::friend::settings(&service).iter().map(|(k, v)| format!("{k}={v}")).collect();
        settings.iter().for_each(|setting| create.extend(["--set", setting]));
        let serving = place.serve();
        let url = receiver.url();
        let events = "message.received,message.delivered,message.read";
        place.json(&["webhook", "create", "--account", "1", "--url", &url, "--events", events]);
        place.json(&create);
        Self { runtime, service, customer, receiver, place, egress, key, serving: Some(serving) }
    }

    /// Another place from which the same may be called, with more sections of the configuration file.
    pub fn another_place(&self, more: &str) -> Place {
        Place::with(&format!("{}{more}", self.egress))
    }

    /// An instance that is linked and open.
    pub fn linked() -> Self {
        let trial = Self::unlinked();
        trial.link();
        trial
    }

    pub fn kill(&mut self) {
        self.serving.take().expect("it runs").kill();
    }

    pub fn start(&mut self) {
        self.serving = Some(self.place.serve());
    }

    /// Killed, and there again with its connection.
    pub fn kill_and_come_back(&mut self) {
        self.kill();
        self.service.lose_nothing();
        self.start();
        self.until_open();
    }

    pub fn status(&self) -> serde_json::Value {
        self.place.json(&["instance", "status", LINE])
    }

    pub fn until_open(&self) {
        wait_until("it is open", || self.service.is_online(OWN) && self.status()["state"] == "open");
    }

    /// The phone scans the code that is shown.
    pub fn scan(&self) {
        let pairing = self.place.json(&["instance", "pair", LINE]);
        self.service.scan(OWN, pairing["qr"].as_str().expect("a code"));
    }

    pub fn link(&self) {
        self.scan();
        wait_until("it is linked", || self.service.is_linked(OWN));
        self.until_open();
    }

    pub fn caller(&self) -> Client {
        let address = self.serving.as_ref().expect("it runs").address;
        Client::connect(address, &self.key, LINE).expect("it listens")
    }

    /// Sends in the background: the caller may be cut off.
    pub fn send(&self, name: &str) -> JoinHandle<Option<Reply>> {
        let mut caller = self.caller();
        let asked = Asked { name: name.to_owned(), phone: self.customer.phone() };
        std::thread::spawn(move || caller.send(&asked))
    }

    /// Sends one message after the other until the gateway is gone; the texts that it was told are sent.
    pub fn press(&self, name: String, answered: Arc<AtomicUsize>) -> JoinHandle<Vec<String>> {
        let (mut caller, phone) = (self.caller(), self.customer.phone());
        std::thread::spawn(move || {
            let asked = (0..).map(|n| Asked { name: format!("{name}-{n}"), phone: phone.clone() });
            let mut sent = Vec::new();
            for asked in asked {
                let Some(reply) = caller.send(&asked) else { return sent };
                if reply.header("x-message-status") == Some("sent") {
                    sent.push(asked.text());
                    answered.fetch_add(1, Ordering::AcqRel);
                }
            }
            sent
        })
    }

    pub fn write(&self, id: &str, text: &str) {
        let content = Content::Text(text.to_owned());
        self.runtime.block_on(self.customer.write(OWN, id, content)).expect("taken");
    }

    pub fn read(&self, id: &str) {
        self.runtime.block_on(self.customer.read(OWN, id));
    }

    pub fn log(&self) -> Vec<Logged> {
        let db = open_database(&self.place.database());
        let mut rows = db.prepare("SELECT message_id, body, status FROM messages WHERE instance_id = ?1").expect("sql");
        let rows = rows.query_map([LINE], |r| Ok(Logged { message_id: r.get(0)?, text: r.get(1)?, status: r.get(2)? }));
        rows.expect("rows").collect::<Result<_, _>>().expect("rows")
    }

    pub fn only(&self) -> Logged {
        let [one] = &self.log()[..] else { panic!("{:?}", self.log()) };
        one.clone()
    }

    pub fn until_status(&self, status: &str) {
        wait_until(status, || self.only().status == status);
    }

    pub fn heard(&self) -> Vec<String> {
        let db = open_database(&self.place.database());
        let mut rows = db.prepare("SELECT body FROM inbound_messages ORDER BY id").expect("sql");
        rows.query_map([], |r| r.get(0)).expect("rows").collect::<Result<_, _>>().expect("rows")
    }

    /// What the customer's phone has of us: how often each text.
    pub fn arrived(&self) -> BTreeMap<String, usize> {
        let mut arrived = BTreeMap::new();
        let texts = self.customer.messages().into_iter().filter_map(|m| m.text);
        texts.for_each(|text| *arrived.entry(text).or_default() += 1);
        arrived
    }

    /// How many different events of this name the customer's program got.
    pub fn told(&self, name: &str) -> usize {
        let got = self.receiver.got();
        let of = got.iter().filter(|g| g.json()["event"] == name);
        of.map(|g| g.header("webhook-id").to_owned()).collect::<std::collections::BTreeSet<_>>().len()
    }
}
