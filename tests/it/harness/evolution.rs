//! An Evolution API server over real HTTP: it keeps instances, messages, webhooks and groups, and answers as the real
//! server's code does, its oddities included. What goes wrong on the wire is told by [`Fault`].

mod over_meta;
mod routes;

use super::{clock::TestClock, door::Door, http, wild};
pub use routes::NAMELESS;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, sync::watch};
use wa_gateway::model::clock::Clock as _;

/// The server's global key.
pub const KEY: &str = "evolution-global-key";

/// What happens to the next message that is handed over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It is taken, and no answer comes.
    Silent,
    /// It is taken, and the connection breaks.
    Reset,
    /// It is taken, and the answer ends in the middle of its JSON.
    Cut,
    /// It is taken, and something between says this: status line, further headers, body.
    TakenThen(&'static str, String),
    /// It is not taken, and this is the answer.
    Answer(&'static str, String),
    /// The phone logs the instance out at this moment.
    LogsOut,
}

/// The server; ends with it.
pub struct Evolution {
    pub door: Door,
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    clock: Mutex<Arc<TestClock>>,
    /// Answers to messages wait while this is so.
    held: watch::Sender<bool>,
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    instances: BTreeMap<String, Instance>,
    faults: VecDeque<Fault>,
    /// What every route answers: status line, body.
    everywhere: Option<(&'static str, String)>,
    requests: Vec<Seen>,
    /// Numbers without WhatsApp, as digits.
    strangers: BTreeSet<String>,
    /// Where webhooks really go; else to the address that was set.
    hooks_to: Option<SocketAddr>,
    next_id: u64,
}

/// A request that it got.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub body: Value,
}

/// One instance.
#[derive(Default)]
pub struct Instance {
    /// open, connecting or close.
    pub state: String,
    /// The code to scan and how many there were.
    pub qr: Option<(String, Option<String>, u64)>,
    /// Whether a phone is linked: connecting then needs no code.
    pub paired: bool,
    pub owner: Option<String>,
    pub token: String,
    pub integration: String,
    pub webhook: Value,
    /// Newest last, as rows of its log.
    pub log: Vec<Value>,
    pub groups: Vec<Value>,
    /// It was logged out, and the event is still to be told.
    pub logged_out: bool,
    /// Whether it keeps a log at all.
    pub forgets: bool,
    /// Edits and deletions that were asked for: the word, and the body.
    pub changed: Vec<(String, Value)>,
    /// What was marked as read.
    pub marked: Vec<Value>,
    /// What was sent by it: to, text, id.
    pub sent: Vec<(String, String, String)>,
    /// Over Meta's API: the files that Meta was brought, and those that Meta has, in base64, by Meta's id.
    pub uploads: Vec<KeptUpload>,
    pub files: BTreeMap<String, String>,
}

/// A file that went to Meta: its name, and the ending from which its type was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptUpload {
    pub name: String,
    pub ending: String,
}

impl Evolution {
    pub async fn start(clock: Arc<TestClock>) -> Self {
        let shared =
            Arc::new(Shared { clock: Mutex::new(clock), held: watch::Sender::new(false), state: Mutex::default() });
        let theirs = shared.clone();
        let door = Door::open(move |stream| serve(stream, theirs.clone())).await;
        Self { door, shared }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.door.addr)
    }

    /// An instance whose phone is linked and connected.
    pub fn add_open(&self, name: &str) {
        let instance = Instance {
            state: "open".into(),
            paired: true,
            owner: Some("966500000001@s.whatsapp.net".into()),
            token: format!("token-of-{}", name.replace(' ', "-")),
            integration: "WHATSAPP-BAILEYS".into(),
            ..Instance::default()
        };
        self.state().instances.insert(name.into(), instance);
    }

    /// An instance that it reaches over Meta's API; always open.
    pub fn add_over_meta(&self, name: &str) {
        let instance = Instance {
            state: "open".into(),
            token: "EAAG".into(),
            integration: "WHATSAPP-BUSINESS".into(),
            ..Instance::default()
        };
        self.state().instances.insert(name.into(), instance);
    }

    /// Looks at or changes an instance.
    pub fn with<T>(&self, name: &str, f: impl FnOnce(&mut Instance) -> T) -> T {
        f(self.state().instances.get_mut(name).unwrap_or_else(|| panic!("no instance {name}")))
    }

    pub fn has(&self, name: &str) -> bool {
        self.state().instances.contains_key(name)
    }

    /// Takes messages, and answers only when this is over.
    pub fn hold_answers(&self, hold: bool) {
        self.shared.held.send_replace(hold);
    }

    pub fn fault_next(&self, fault: Fault) {
        self.state().faults.push_back(fault);
    }

    /// Every route answers this from now on.
    pub fn answer_everywhere(&self, answer: Option<(&'static str, Value)>) {
        self.state().everywhere = answer.map(|(head, body)| (head, body.to_string()));
    }

    /// Everybody has WhatsApp again.
    pub fn forget_strangers(&self) {
        self.state().strangers.clear();
    }

    pub fn add_stranger(&self, digits: &str) {
        self.state().strangers.insert(digits.into());
    }

    pub fn hooks_go_to(&self, addr: SocketAddr) {
        self.state().hooks_to = Some(addr);
    }

    /// What it was asked, of one route.
    pub fn seen(&self, path: &str) -> Vec<Seen> {
        self.state().requests.iter().filter(|seen| seen.path.starts_with(path)).cloned().collect()
    }

    /// The envelope of an event, its false time included.
    pub fn envelope(&self, name: &str, event: &str, data: Value) -> Value {
        json!({
            "event": event,
            "instance": name,
            "data": data,
            "destination": self.with(name, |i| i.webhook["url"].clone()),
            "date_time": "2031-01-01T03:00:00.000Z",
            "sender": self.with(name, |i| i.owner.clone()),
            "server_url": self.url(),
            "apikey": self.with(name, |i| i.token.clone()),
        })
    }

    /// Calls the webhook once; answers with its status. Not called when the event was not asked for.
    pub async fn tell(&self, name: &str, event: &str, data: Value) -> Option<u16> {
        let envelope = self.envelope(name, event, data);
        let webhook = self.with(name, |i| i.webhook.clone());
        let asked = event.replace(['.', '-'], "_").to_uppercase();
        let events = webhook["events"].as_array()?;
        if webhook["enabled"] != true || !events.iter().any(|e| *e == asked) {
            return None;
        }
        let mut headers = vec!["Content-Type: application/json".to_owned()];
        for (name, value) in webhook["headers"].as_object().into_iter().flatten() {
            headers.push(format!("{name}: {}", value.as_str().unwrap_or_default()));
        }
        let url = webhook["url"].as_str()?.strip_prefix("http://")?;
        let (host, path) = url.split_once('/')?;
        let hooks_to = self.state().hooks_to;
        let to = hooks_to.unwrap_or_else(|| host.parse().expect("an address"));
        Some(http::call(to, "POST", &format!("/{path}"), &headers, envelope.to_string().as_bytes()).await.status)
    }

    /// An update of a message's status, as the server's code writes it.
    pub fn update(&self, name: &str, id: &str, status: Option<&str>) -> Value {
        let mut data = json!({
            "messageId": "cm0row", "keyId": id, "remoteJid": "966501234567@s.whatsapp.net", "fromMe": true,
            "participant": null, "instanceId": "uuid",
        });
        if let Some(status) = status {
            data["status"] = json!(status);
        }
        self.with(name, |i| {
            if let Some(row) = i.log.iter_mut().find(|row| row["key"]["id"] == id) {
                let updates = row["MessageUpdate"].as_array_mut().expect("a list");
                updates.push(json!({"status": status.unwrap_or("SERVER_ACK")}));
            }
        });
        data
    }

    /// Somebody writes: a row in the log. Answers with what the webhook is to bring.
    pub fn receive(&self, name: &str, jid: &str, id: &str, message: Value) -> Value {
        let row = json!({
            "key": {"remoteJid": jid, "fromMe": false, "id": id},
            "pushName": "Amal",
            "status": "DELIVERY_ACK",
            "messageType": message.as_object().and_then(|m| m.keys().next()),
            "message": message,
            "messageTimestamp": self.shared.clock().now().seconds(),
            "instanceId": "uuid",
            "source": "android",
            "MessageUpdate": [],
        });
        self.with(name, |i| i.log.push(row.clone()));
        let mut told = row;
        told.as_object_mut().expect("an object").remove("MessageUpdate");
        told
    }

    /// The gateway's clock, where that is made after the server.
    pub fn set_clock(&self, clock: Arc<TestClock>) {
        *self.shared.clock.lock().expect("unpoisoned") = clock;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().expect("unpoisoned")
    }
}

impl Shared {
    fn clock(&self) -> Arc<TestClock> {
        self.clock.lock().expect("unpoisoned").clone()
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    while let Some(heard) = wild::hear(&mut stream).await {
        let mut words = heard.head.lines().next().unwrap_or_default().split(' ');
        let (method, path) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
        let body = serde_json::from_slice(&heard.body).unwrap_or(Value::Null);
        let key = heard.head.lines().find_map(|l| l.strip_prefix("apikey: ")).unwrap_or_default().trim().to_owned();
        let is_message = path.starts_with("/message/");
        let answer = {
            let mut state = shared.state.lock().expect("unpoisoned");
            state.requests.push(Seen { path: path.clone(), body: body.clone() });
            routes::answer(&mut state, &shared.clock(), &routes::Asked { method, path, body, key })
        };
        let head = |status: &str, length: usize| {
            format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: {length}\r\n\r\n"
            )
        };
        if is_message {
            let _ = shared.held.subscribe().wait_for(|held| !held).await;
        }
        match answer {
            routes::Answer::Says(status, body) => {
                let whole = head(&status, body.len()) + &body;
                if stream.write_all(whole.as_bytes()).await.is_err() {
                    return;
                }
            }
            routes::Answer::Cut(body) => {
                let whole = head("201 Created", body.len()) + &body[..body.len() / 2];
                let _ = stream.write_all(whole.as_bytes()).await;
                return;
            }
            routes::Answer::Silence => std::future::pending().await,
            routes::Answer::HangUp => return,
        }
    }
}
