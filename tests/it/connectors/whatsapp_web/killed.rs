//! kill -9 of the real program at each step, with a phone on the other side: while it is linked, while a message leaves
//! and while one comes, and while receipts come. Nothing is lost or told twice on either side, and where nobody can know
//! the log says so.

use super::{friend::Friend, rig::OWN};
use crate::{
    harness::{
        clock::TestClock,
        http::Reply,
        load::{Asked, Client},
        program::{Place, Serving, wait_until},
        receiver::Receiver,
        whatsapp::{Fault, WhatsApp},
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

const LINE: &str = "web-line";
const CUSTOMER: u64 = 966_501_234_567;

/// The program, what it is connected to, and the customer at the other end.
struct Trial {
    runtime: Runtime,
    service: WhatsApp,
    customer: Friend,
    receiver: Receiver,
    place: Place,
    key: String,
    /// None: it was killed.
    serving: Option<Serving>,
}

/// A message of ours as the log has it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Logged {
    message_id: String,
    text: String,
    status: String,
}

impl Trial {
    /// An instance that shows its first code.
    fn unlinked() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let (service, customer, receiver) = runtime.block_on(async {
            let service = WhatsApp::start().await;
            let clock = Arc::new(TestClock::at("2026-01-01T00:00:00Z"));
            let customer = Friend::with(&service, &clock, CUSTOMER).await;
            (service, customer, Receiver::start().await)
        });
        let allow = format!("[egress]\nallow = [\"{}\", \"{}\"]", service.door.addr, receiver.address);
        let place = Place::with(&allow);
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
        Self { runtime, service, customer, receiver, place, key, serving: Some(serving) }
    }

    /// An instance that is linked and open.
    fn linked() -> Self {
        let trial = Self::unlinked();
        trial.link();
        trial
    }

    fn kill(&mut self) {
        self.serving.take().expect("it runs").kill();
    }

    fn start(&mut self) {
        self.serving = Some(self.place.serve());
    }

    /// Killed, and there again with its connection.
    fn kill_and_come_back(&mut self) {
        self.kill();
        self.service.lose_nothing();
        self.start();
        self.until_open();
    }

    fn status(&self) -> serde_json::Value {
        self.place.json(&["instance", "status", LINE])
    }

    fn until_open(&self) {
        wait_until("it is open", || self.service.is_online(OWN) && self.status()["state"] == "open");
    }

    /// The phone scans the code that is shown.
    fn scan(&self) {
        let pairing = self.place.json(&["instance", "pair", LINE]);
        self.service.scan(OWN, pairing["qr"].as_str().expect("a code"));
    }

    fn link(&self) {
        self.scan();
        wait_until("it is linked", || self.service.is_linked(OWN));
        self.until_open();
    }

    fn caller(&self) -> Client {
        let address = self.serving.as_ref().expect("it runs").address;
        Client::connect(address, &self.key, LINE).expect("it listens")
    }

    /// Sends in the background: the caller may be cut off.
    fn send(&self, name: &str) -> JoinHandle<Option<Reply>> {
        let mut caller = self.caller();
        let asked = Asked { name: name.to_owned(), phone: self.customer.phone() };
        std::thread::spawn(move || caller.send(&asked))
    }

    /// Sends one message after the other until the gateway is gone; the texts that it was told are sent.
    fn press(&self, name: String, answered: Arc<AtomicUsize>) -> JoinHandle<Vec<String>> {
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

    fn write(&self, id: &str, text: &str) {
        let content = Content::Text(text.to_owned());
        self.runtime.block_on(self.customer.write(OWN, id, content)).expect("taken");
    }

    fn read(&self, id: &str) {
        self.runtime.block_on(self.customer.read(OWN, id));
    }

    fn log(&self) -> Vec<Logged> {
        let db = open_database(&self.place.database());
        let mut rows = db.prepare("SELECT message_id, body, status FROM messages WHERE instance_id = ?1").expect("sql");
        let rows = rows.query_map([LINE], |r| Ok(Logged { message_id: r.get(0)?, text: r.get(1)?, status: r.get(2)? }));
        rows.expect("rows").collect::<Result<_, _>>().expect("rows")
    }

    fn only(&self) -> Logged {
        let [one] = &self.log()[..] else { panic!("{:?}", self.log()) };
        one.clone()
    }

    fn until_status(&self, status: &str) {
        wait_until(status, || self.only().status == status);
    }

    fn heard(&self) -> Vec<String> {
        let db = open_database(&self.place.database());
        let mut rows = db.prepare("SELECT body FROM inbound_messages ORDER BY id").expect("sql");
        rows.query_map([], |r| r.get(0)).expect("rows").collect::<Result<_, _>>().expect("rows")
    }

    /// What the customer's phone has of us: how often each text.
    fn arrived(&self) -> BTreeMap<String, usize> {
        let mut arrived = BTreeMap::new();
        let texts = self.customer.messages().into_iter().filter_map(|m| m.text);
        texts.for_each(|text| *arrived.entry(text).or_default() += 1);
        arrived
    }

    /// How many different events of this name the customer's program got.
    fn told(&self, name: &str) -> usize {
        let got = self.receiver.got();
        let of = got.iter().filter(|g| g.json()["event"] == name);
        of.map(|g| g.header("webhook-id").to_owned()).collect::<std::collections::BTreeSet<_>>().len()
    }
}

/// Wherever the linking is cut, one scan more at the most links it, and the phone lists one device.
#[test]
fn linking_is_gone_on_with_or_begun_anew() {
    // What of the client is lost on the way, so that it stands there when it is killed; nothing: codes are shown.
    for (tag, child) in [("", ""), ("iq", "pair-device-sign"), ("iq", "list"), ("iq", "active")] {
        let mut trial = Trial::unlinked();
        if tag.is_empty() {
            trial.place.json(&["instance", "pair", LINE]);
        } else {
            trial.service.lose(OWN, tag, child);
            trial.scan();
            wait_until("it stands there", || trial.service.were_lost() > 0);
        }
        trial.kill();
        trial.service.lose_nothing();
        trial.start();
        let mut state = String::new();
        wait_until("it knows where it stands", || {
            state = trial.status()["state"].as_str().expect("a state").to_owned();
            // The phone may have signed for keys that it was never told of: those are given up, and it says so.
            matches!(state.as_str(), "qr" | "close") || state == "open" && trial.service.is_linked(OWN)
        });
        if state != "open" {
            assert!(!trial.service.lists(OWN), "{tag} {child}: the phone lists a device that does not know of it");
            trial.link();
        }
        trial.until_open();
        trial.send("first").join().expect("sent").expect("an answer");
        trial.until_status("delivered");
        assert_eq!(trial.arrived().into_values().collect::<Vec<_>>(), [1], "{tag} {child}");
    }
}

#[test]
fn a_message_on_its_way_is_unknown_until_its_receipt_comes() {
    // It was asked who the recipient is; nothing left.
    let mut trial = Trial::linked();
    trial.service.lose(OWN, "iq", "usync");
    let caller = trial.send("asked");
    wait_until("it asks", || trial.service.were_lost() > 0);
    trial.kill_and_come_back();
    assert!(caller.join().expect("ended").is_none());
    assert_eq!(trial.only().status, "unknown");
    assert!(
        trial.service.taken().is_empty() && trial.arrived().is_empty(),
        "and it is not sent behind the caller's back"
    );

    // WhatsApp has it, and its word did not come.
    let mut trial = Trial::linked();
    trial.service.fault_next(Fault::Silent);
    let caller = trial.send("taken");
    wait_until("it is taken", || !trial.service.taken().is_empty());
    let id = trial.service.taken()[0].2.clone();
    trial.runtime.block_on(trial.customer.got(&id));
    trial.kill_and_come_back();
    assert!(caller.join().expect("ended").is_none());
    trial.until_status("delivered");
    trial.read(&id);
    trial.until_status("read");
    wait_until("it is told", || trial.told("message.read") == 1 && trial.told("message.delivered") == 1);
    assert_eq!((trial.arrived().into_values().collect::<Vec<_>>(), trial.service.taken().len()), (vec![1], 1));
}

#[test]
fn what_came_is_told_once_and_acknowledged_after_it_is_on_disk() {
    let mut trial = Trial::linked();
    for (n, lost) in ["receipt", "receipt", ""].into_iter().enumerate() {
        let (id, text) = (format!("msg_01CAME{n}"), format!("the {n}th"));
        if !lost.is_empty() {
            trial.service.lose(OWN, lost, "");
        }
        trial.write(&id, &text);
        if lost.is_empty() {
            wait_until("it is heard", || trial.heard().contains(&text));
        } else {
            wait_until("its acknowledgement is lost", || trial.service.were_lost() > 0);
            assert!(trial.heard().contains(&text), "acknowledged before it was on disk");
        }
        trial.kill_and_come_back();
        wait_until("all is acknowledged", || trial.service.kept(OWN) == 0);
    }
    assert_eq!(trial.heard(), ["the 0th", "the 1th", "the 2th"]);
    wait_until("all is told", || trial.told("message.received") == 3);
}

/// A receipt that comes while nobody is there is brought when somebody is.
#[test]
fn receipts_are_brought_later_and_told_once() {
    let mut trial = Trial::linked();
    trial.send("one").join().expect("sent").expect("an answer");
    let id = trial.service.taken()[0].2.clone();
    trial.until_status("delivered");
    trial.kill();
    trial.read(&id);
    trial.start();
    trial.until_status("read");
    wait_until("all is acknowledged", || trial.service.kept(OWN) == 0);
    wait_until("it is told", || trial.told("message.read") == 1);
    assert_eq!((trial.told("message.delivered"), trial.only().status.as_str()), (1, "read"));
}

/// Killed at any moment, with messages on their way in both directions.
#[test]
fn under_load_nothing_is_lost_or_doubled() {
    const ROUNDS: usize = 8;
    const WRITTEN: usize = 3;
    const CALLERS: usize = 2;
    let mut trial = Trial::linked();
    let mut told = Vec::new();
    for round in 0..ROUNDS {
        let answered = Arc::new(AtomicUsize::new(0));
        let callers: Vec<_> = (0..CALLERS).map(|n| trial.press(format!("r{round}-{n}"), answered.clone())).collect();
        for n in 0..WRITTEN {
            trial.write(&format!("msg_01LOAD{round}X{n}"), &format!("in {round} {n}"));
            if n == round % WRITTEN {
                let wanted = answered.load(Ordering::Acquire) + 1 + round % 4;
                wait_until("they are sent", || answered.load(Ordering::Acquire) >= wanted);
                trial.kill();
            }
        }
        told.extend(callers.into_iter().flat_map(|caller| caller.join().expect("ended")));
        trial.start();
        trial.until_open();
    }
    trial.kill_and_come_back();
    for number in [OWN, CUSTOMER] {
        wait_until("all that was brought is acknowledged", || trial.service.kept(number) == 0);
    }
    let arrived = trial.arrived();
    wait_until("each that arrived stands there once, as delivered", || {
        let log = trial.log();
        arrived.keys().all(|text| {
            let of: Vec<_> = log.iter().filter(|row| row.text == *text).collect();
            matches!(&of[..], [row] if row.status == "delivered")
        })
    });
    let log = trial.log();
    assert!(arrived.values().all(|times| *times == 1), "{arrived:?}");
    let taken = trial.service.taken().into_iter().filter(|(from, ..)| *from == OWN).count();
    assert_eq!(arrived.len(), taken, "one message for each that was taken");
    for one in &told {
        assert!(arrived.contains_key(one), "{one} was told sent");
    }
    let never: Vec<_> = log.iter().filter(|row| !arrived.contains_key(&row.text)).collect();
    assert!(never.iter().all(|row| matches!(row.status.as_str(), "unknown" | "failed")), "{never:?}");
    let mut expected: Vec<_> = (0..ROUNDS).flat_map(|r| (0..WRITTEN).map(move |n| format!("in {r} {n}"))).collect();
    let mut heard = trial.heard();
    heard.sort();
    expected.sort();
    assert_eq!(heard, expected);
    wait_until("all of it is told", || trial.told("message.received") == expected.len());
    println!("{ROUNDS} kills: {} messages told sent, {} arrived, {} unknown", told.len(), arrived.len(), never.len());
    assert!(told.len() >= ROUNDS, "there was hardly any load");
}
