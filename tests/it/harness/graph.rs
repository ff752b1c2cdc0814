//! Meta's Graph API over real HTTP, as far as one number needs it: messages, files, templates, the number itself. It
//! judges what it is asked by Meta's own examples ([`shapes`]), keeps what it took, and calls the webhook, signed, as
//! Meta does. What goes wrong on the wire is told by [`Fault`].

mod routes;
mod shapes;

use super::{door::Door, http, wild};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, sync::watch};

/// The token that it accepts at first.
pub const TOKEN: &str = "EAAG-token-of-the-test";
/// What it signs its calls with.
pub const APP_SECRET: &str = "app-secret-of-the-test";
pub const VERIFY_TOKEN: &str = "verify-token-of-the-test";
pub const NUMBER_ID: &str = "106540352242922";
pub const WABA_ID: &str = "419561257915477";

/// What happens to the next message that is handed over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It is taken, and no answer comes.
    Silent,
    /// It is taken, and the connection breaks.
    Reset,
    /// It is taken, and the answer ends in the middle of its JSON.
    Cut,
    /// It is taken, and something between says this: status line with further headers, body.
    TakenThen(&'static str, String),
    /// It is not taken, and this is the answer.
    Answer(String, String),
}

impl Fault {
    /// Meta refuses with this code.
    pub fn code(status: &str, code: i64) -> Self {
        Self::Answer(status.into(), refusal(code, "refused by the test").to_string())
    }
}

/// An error as Meta writes it.
pub fn refusal(code: i64, details: &str) -> Value {
    json!({"error": {
        "message": format!("(#{code}) {details}"), "type": "OAuthException", "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": details}, "fbtrace_id": "AbCdEf",
    }})
}

/// A message that it took.
#[derive(Clone, Debug)]
pub struct Sent {
    pub id: String,
    /// The request as it came.
    pub body: Value,
}

impl Sent {
    /// Our own id.
    pub fn ours(&self) -> &str {
        self.body["biz_opaque_callback_data"].as_str().unwrap_or_default()
    }
}

/// The API; ends with it.
pub struct Graph {
    pub door: Door,
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    /// Answers to messages wait while this is so.
    held: watch::Sender<bool>,
    state: Mutex<State>,
}

/// What it knows.
pub struct State {
    pub token: String,
    pub sent: Vec<Sent>,
    /// Read marks, as they came.
    pub marks: Vec<Value>,
    /// What was asked of calls.
    pub calls: Vec<Value>,
    /// Files that were brought: type and bytes by id.
    pub uploads: BTreeMap<String, (String, Vec<u8>)>,
    /// Files that people sent: by id what is told of each, and its bytes.
    pub files: BTreeMap<String, (Value, Vec<u8>)>,
    pub templates: Vec<Value>,
    /// How many templates a page holds.
    pub page: usize,
    pub number: Value,
    /// What `debug_token` tells of the token.
    pub token_info: Value,
    /// The apps that hear of the account; the token's own is 900.
    pub apps: Vec<Value>,
    /// What looks at the number are answered instead.
    pub number_fault: Option<(&'static str, Value)>,
    /// What every message is answered from now on.
    pub refuses: Option<(&'static str, Value)>,
    pub faults: VecDeque<Fault>,
    pub upload_faults: VecDeque<Fault>,
    /// Method and path of all that it was asked.
    pub requests: Vec<String>,
    /// What was not as Meta wants it.
    pub complaints: Vec<String>,
    /// The hidden ids of numbers, told in answers.
    pub hidden: BTreeMap<String, String>,
    /// Numbers whose messages go to others, without a plus sign.
    pub strays: BTreeMap<String, String>,
    next_id: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            token: TOKEN.into(),
            sent: Vec::new(),
            marks: Vec::new(),
            uploads: BTreeMap::new(),
            files: BTreeMap::new(),
            templates: Vec::new(),
            page: 2,
            number: json!({
                "display_phone_number": "+1 555-078-3881", "verified_name": "Shop", "quality_rating": "GREEN",
                "id": NUMBER_ID,
            }),
            token_info: json!({"app_id": "900", "is_valid": true, "expires_at": 0,
                               "scopes": ["whatsapp_business_messaging", "whatsapp_business_management"]}),
            apps: Vec::new(),
            number_fault: None,
            refuses: None,
            faults: VecDeque::new(),
            upload_faults: VecDeque::new(),
            calls: Vec::new(),
            requests: Vec::new(),
            complaints: Vec::new(),
            hidden: BTreeMap::new(),
            strays: BTreeMap::new(),
            next_id: 0,
        }
    }
}

impl Graph {
    pub async fn start() -> Self {
        let shared = Arc::new(Shared { held: watch::Sender::new(false), state: Mutex::default() });
        let theirs = shared.clone();
        let door = Door::open(move |stream| serve(stream, theirs.clone())).await;
        Self { door, shared }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.door.addr)
    }

    /// The settings of an instance that uses it.
    pub fn settings(&self) -> BTreeMap<String, String> {
        let all = [
            ("base_url", self.url()),
            ("phone_number_id", NUMBER_ID.into()),
            ("waba_id", WABA_ID.into()),
            ("access_token", TOKEN.into()),
            ("app_secret", APP_SECRET.into()),
            ("verify_token", VERIFY_TOKEN.into()),
        ];
        all.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
    }

    /// Looks at or changes what it knows.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().expect("unpoisoned")
    }

    pub fn sent(&self) -> Vec<Sent> {
        self.state().sent.clone()
    }

    pub fn fault_next(&self, fault: Fault) {
        self.state().faults.push_back(fault);
    }

    /// Takes messages, and answers only when this is over.
    pub fn hold_answers(&self, hold: bool) {
        self.shared.held.send_replace(hold);
    }

    /// How often it was asked this: the beginning of method and path.
    pub fn asked(&self, what: &str) -> usize {
        self.state().requests.iter().filter(|r| r.starts_with(what)).count()
    }

    /// What a webhook brings: one change of the field `messages`, or `calls`.
    pub fn change(value: Value) -> Value {
        let field = if value["calls"].is_array() { "calls" } else { "messages" };
        let mut whole = json!({
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550783881", "phone_number_id": NUMBER_ID},
        });
        for (name, member) in value.as_object().expect("an object") {
            whole[name] = member.clone();
        }
        json!({"object": "whatsapp_business_account",
               "entry": [{"id": WABA_ID, "changes": [{"field": field, "value": whole}]}]})
    }

    /// A status of a message that it took, as its webhook brings it.
    pub fn status(sent: &Sent, status: &str, at: i64) -> Value {
        json!({"statuses": [{
            "id": sent.id, "status": status, "timestamp": at.to_string(),
            "recipient_id": routes::wa_id(sent.body["to"].as_str().unwrap_or_default().trim_start_matches('+')), "biz_opaque_callback_data": sent.ours(),
        }]})
    }

    /// A status that tells of a failure.
    pub fn failed(sent: &Sent, code: i64, at: i64) -> Value {
        let mut value = Self::status(sent, "failed", at);
        value["statuses"][0]["errors"] = json!([{
            "code": code, "title": "Title", "message": "Message", "error_data": {"details": "told by the test"},
        }]);
        value
    }

    /// Calls a webhook as Meta does; answers with its status.
    pub async fn call(&self, gateway: SocketAddr, instance: &str, value: Value) -> u16 {
        self.bring(gateway, instance, &Self::change(value)).await
    }

    /// The same for a field of the account's.
    pub async fn call_field(&self, gateway: SocketAddr, instance: &str, field: &str, value: Value) -> u16 {
        let mut body = Self::change(value);
        body["entry"][0]["changes"][0]["field"] = json!(field);
        self.bring(gateway, instance, &body).await
    }

    async fn bring(&self, gateway: SocketAddr, instance: &str, body: &Value) -> u16 {
        let body = body.to_string();
        let headers = ["Content-Type: application/json".to_owned(), format!("X-Hub-Signature-256: {}", sign(&body))];
        http::call(gateway, "POST", &format!("/hooks/cloud-api/{instance}"), &headers, body.as_bytes()).await.status
    }
}

/// The signature of a body.
pub fn sign(body: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(APP_SECRET.as_bytes()).expect("any length");
    mac.update(body.as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256={hex}")
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let addr = stream.local_addr().expect("an address");
    while let Some(heard) = wild::hear(&mut stream).await {
        let asked = routes::Asked::read(&heard, addr);
        let answer = {
            let mut state = shared.state.lock().expect("unpoisoned");
            state.requests.push(format!("{} {}", asked.method, asked.path));
            routes::answer(&mut state, &asked)
        };
        if asked.path.ends_with("/messages") {
            let _ = shared.held.subscribe().wait_for(|held| !held).await;
        }
        let head = |status: &str, length: usize| format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n");
        match answer {
            routes::Answer::Says(status, body) => {
                let mut whole = head(&status, body.len()).into_bytes();
                whole.extend_from_slice(&body);
                if stream.write_all(&whole).await.is_err() {
                    return;
                }
            }
            routes::Answer::Cut(body) => {
                let whole = head("200 OK", body.len()) + &body[..body.len() / 2];
                let _ = stream.write_all(whole.as_bytes()).await;
                return;
            }
            routes::Answer::Silence => std::future::pending().await,
            routes::Answer::HangUp => return,
        }
    }
}
