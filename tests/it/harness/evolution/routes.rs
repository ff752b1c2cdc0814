//! The server's routes, as its code answers them.

use super::{super::clock::TestClock, Fault, Instance, KEY, State, over_meta};
use serde_json::{Value, json};
use wa_gateway::model::clock::{Clock as _, Time};

pub struct Asked {
    pub method: String,
    pub path: String,
    pub body: Value,
    pub key: String,
}

pub enum Answer {
    /// Status line (with further headers) and body.
    Says(String, String),
    Cut(String),
    Silence,
    HangUp,
}

pub fn says(status: &str, body: Value) -> Answer {
    Answer::Says(status.to_owned(), body.to_string())
}

pub fn bad_request(message: Value) -> Answer {
    says("400 Bad Request", json!({"status": 400, "error": "Bad Request", "response": {"message": [message]}}))
}

pub fn answer(state: &mut State, clock: &TestClock, asked: &Asked) -> Answer {
    if let Some((head, body)) = &state.everywhere {
        return Answer::Says((*head).to_owned(), body.clone());
    }
    let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let name = segments.get(2).map(|s| s.replace("%20", " ")).unwrap_or_default();
    let is_token = state.instances.get(&name).is_some_and(|i| i.token == asked.key);
    if asked.key != KEY && !is_token {
        let body = json!({"status": 401, "error": "Unauthorized", "response": {"message": "Unauthorized"}});
        return says("401 Unauthorized", body);
    }
    match (asked.method.as_str(), &segments[..]) {
        ("POST", ["instance", "create"]) => return create(state, &asked.body),
        ("GET", ["instance", "fetchInstances"]) => return list(state, query),
        _ => {}
    }
    if !state.instances.contains_key(&name) {
        let message = format!("The \"{name}\" instance does not exist");
        let body = json!({"status": 404, "error": "Not Found", "response": {"message": [message]}});
        return says("404 Not Found", body);
    }
    let instance = state.instances.get_mut(&name).expect("looked");
    let is_over_meta = instance.integration == "WHATSAPP-BUSINESS";
    // A fault that was ordered comes first, as on a phone.
    let is_ordered = segments[0] == "message" && !state.faults.is_empty();
    if is_over_meta
        && !is_ordered
        && let Some(answer) = over_meta::answer(instance, clock, &asked.method, &segments[..2], &asked.body)
    {
        return answer;
    }
    match (asked.method.as_str(), &segments[..2]) {
        ("POST", ["message", what]) => send(state, clock, &name, what, &asked.body),
        ("POST", ["chat", "whatsappNumbers"]) => {
            let numbers = asked.body["numbers"].as_array().cloned().unwrap_or_default();
            // Not in the order in which they were asked for.
            let known = numbers.iter().rev().map(|n| on_whatsapp(state, n.as_str().unwrap_or_default()));
            says("200 OK", known.collect())
        }
        (method, rest) => {
            of_instance(state.instances.get_mut(&name).expect("looked"), &name, method, rest, &asked.body)
        }
    }
}

fn of_instance(instance: &mut Instance, name: &str, method: &str, rest: &[&str], body: &Value) -> Answer {
    match (method, rest) {
        ("GET", ["instance", "connectionState"]) => {
            says("200 OK", json!({"instance": {"instanceName": name, "state": instance.state}}))
        }
        ("GET", ["instance", "connect"]) => connect(instance, name),
        ("POST", ["instance", "restart"]) if instance.state == "close" => {
            let message = format!("Error: The \"{name}\" instance is not connected");
            says("200 OK", json!({"error": true, "message": message}))
        }
        ("POST", ["instance", "restart"]) => connect(instance, name),
        ("DELETE", ["instance", "logout"]) if instance.state == "close" => {
            bad_request(json!(format!("The \"{name}\" instance is not connected")))
        }
        ("DELETE", ["instance", "logout"]) => {
            (instance.state, instance.paired) = ("close".into(), false);
            says("200 OK", json!({"status": "SUCCESS", "error": false, "response": {"message": "Instance logged out"}}))
        }
        ("POST", ["webhook", "set"]) => {
            instance.webhook = body["webhook"].clone();
            says("201 Created", webhook_row(instance))
        }
        ("GET", ["webhook", "find"]) if instance.webhook["broken"] == true => {
            says("500 Internal Server Error", json!({"status": 500, "error": "x"}))
        }
        ("GET", ["webhook", "find"]) => says("200 OK", webhook_row(instance)),
        ("GET", ["group", "fetchAllGroups"]) => says("200 OK", json!(instance.groups)),
        ("POST", ["chat", "findMessages"]) => find_messages(instance, body),
        ("POST", ["chat", "getBase64FromMediaMessage"]) => base64(instance, body),
        ("POST", ["chat", "updateMessage"]) => change(instance, body, &body["key"], "edited"),
        ("DELETE", ["chat", "deleteMessageForEveryone"]) => change(instance, body, body, "deleted"),
        ("POST", ["chat", "markMessageAsRead"]) => {
            let marked = body["readMessages"].as_array().cloned().unwrap_or_default();
            instance.marked.extend(marked);
            says("201 Created", json!({"message": "Read messages", "read": "success"}))
        }
        _ => says("404 Not Found", json!({"status": 404, "error": "Not Found", "response": {"message": ["Cannot"]}})),
    }
}

/// As its database has it: two names are others than in what was asked.
fn webhook_row(instance: &Instance) -> Value {
    let asked = &instance.webhook;
    if asked.is_null() {
        return Value::Null;
    }
    json!({
        "id": "cm0hook", "url": asked["url"], "headers": asked["headers"], "enabled": asked["enabled"],
        "events": if asked["enabled"] == true { asked["events"].clone() } else { json!([]) },
        "webhookByEvents": asked["byEvents"], "webhookBase64": asked["base64"],
        "createdAt": "2026-11-30T08:12:16.382Z", "updatedAt": "2026-11-30T08:12:16.382Z", "instanceId": "uuid",
    })
}

/// An edit or a deletion: of a message of its own, in the chat that its key names, by what its schemas ask for.
fn change(instance: &mut Instance, body: &Value, key: &Value, what: &str) -> Answer {
    if let Err(missing) = whole_key(key) {
        return bad_request(json!([format!("key requires property {missing:?}")]));
    }
    if what == "edited"
        && (!body["text"].is_string() || jid(body["number"].as_str().unwrap_or_default()) != key["remoteJid"])
    {
        return bad_request(json!("RemoteJid does not match"));
    }
    let known = instance.log.iter().any(|row| row["key"]["id"] == key["id"] && row["key"]["fromMe"] == true);
    if !known {
        return bad_request(json!("Message not found"));
    }
    instance.changed.push((what.to_owned(), body.clone()));
    let id = format!("3EBC{:016X}", instance.changed.len());
    let protocol = json!({"protocolMessage": {"key": key, "type": if what == "edited" { 14 } else { 0 }}});
    says(
        "201 Created",
        json!({"key": {"remoteJid": key["remoteJid"], "fromMe": true, "id": id}, "message": protocol, "status": "PENDING"}),
    )
}

fn create(state: &mut State, body: &Value) -> Answer {
    let name = body["instanceName"].as_str().unwrap_or_default().to_owned();
    if state.instances.contains_key(&name) {
        let message = format!("This name \"{name}\" is already in use.");
        let body = json!({"status": 403, "error": "Forbidden", "response": {"message": [message]}});
        return says("403 Forbidden", body);
    }
    let instance = Instance {
        state: "connecting".into(),
        token: format!("token-of-{name}"),
        integration: body["integration"].as_str().unwrap_or_default().into(),
        webhook: body["webhook"].clone(),
        ..Instance::default()
    };
    let token = instance.token.clone();
    state.instances.insert(name.clone(), instance);
    // Often the code is not there yet.
    let body = json!({
        "instance": {
            "instanceName": name, "instanceId": "uuid", "integration": body["integration"], "webhookWaBusiness": null,
            "accessTokenWaBusiness": "", "status": "connecting",
        },
        "hash": token,
        "webhook": {
            "webhookUrl": body["webhook"]["url"], "webhookHeaders": body["webhook"]["headers"],
            "webhookByEvents": body["webhook"]["byEvents"], "webhookBase64": body["webhook"]["base64"],
        },
        "settings": {"rejectCall": false, "msgCall": "", "groupsIgnore": false, "alwaysOnline": false},
        "qrcode": {"count": 0},
    });
    says("201 Created", body)
}

/// An instance that the server lists without its name.
pub const NAMELESS: &str = "nameless";

fn list(state: &State, query: &str) -> Answer {
    let wanted = query.strip_prefix("instanceName=").map(|n| n.replace("%20", " "));
    if let Some(name) = wanted.as_ref().filter(|name| !state.instances.contains_key(*name)) {
        let message = format!("Instance \"{name}\" not found");
        let body = json!({"status": 404, "error": "Not Found", "response": {"message": [message]}});
        return says("404 Not Found", body);
    }
    let rows =
        state.instances.iter().filter(|(name, _)| wanted.as_ref().is_none_or(|w| w == *name)).map(|(name, i)| {
            json!({
                "id": "uuid", "name": Some(name).filter(|name| *name != NAMELESS), "connectionStatus": i.state, "ownerJid": i.owner, "profileName": "Shop",
                "integration": i.integration, "number": null, "businessId": null, "token": i.token,
                "clientName": "evolution_exchange", "disconnectionReasonCode": null, "Setting": {"rejectCall": false},
            })
        });
    says("200 OK", rows.collect())
}

/// Failures have a good status here, and without a code there is only a count.
fn connect(instance: &mut Instance, name: &str) -> Answer {
    match instance.state.as_str() {
        "open" => says("200 OK", json!({"instance": {"instanceName": name, "state": "open"}})),
        "broken" => says("200 OK", json!({"error": true, "message": "Error: no connection to WhatsApp"})),
        state => {
            if state == "close" {
                instance.state = "connecting".into();
            }
            match instance.qr.as_ref().filter(|_| !instance.paired) {
                Some((code, pairing, count)) => says(
                    "200 OK",
                    json!({"pairingCode": pairing, "code": code, "base64": "data:image/png;base64,AA==", "count": count}),
                ),
                None => says("200 OK", json!({"count": 0})),
            }
        }
    }
}

/// Brazil's ninth digit is not part of the id.
fn jid(number: &str) -> String {
    if number.contains('@') {
        return number.to_owned();
    }
    let user = match number.strip_prefix("55") {
        Some(rest) if rest.len() == 11 => format!("55{}{}", &rest[..2], &rest[3..]),
        _ => number.to_owned(),
    };
    format!("{user}@s.whatsapp.net")
}

fn on_whatsapp(state: &State, number: &str) -> Value {
    json!({"jid": jid(number), "exists": !state.strangers.contains(number), "number": number})
}

fn send(state: &mut State, clock: &TestClock, name: &str, what: &str, asked: &Value) -> Answer {
    let fault = state.faults.pop_front();
    if let Some(Fault::Answer(head, body)) = fault {
        return Answer::Says(head.to_owned(), body);
    }
    // A reaction has no number: it goes to the chat of the message that its key names.
    let number = if what == "sendReaction" {
        if let Err(missing) = whole_key(&asked["key"]) {
            return bad_request(json!([format!("key requires property {missing:?}")]));
        }
        &asked["key"]["remoteJid"]
    } else {
        &asked["number"]
    };
    let number = number.as_str().unwrap_or_default().to_owned();
    let text = match what {
        "sendText" => asked["text"].as_str(),
        "sendMedia" => Some(asked["caption"].as_str().unwrap_or_default()),
        "sendReaction" => asked["reaction"].as_str(),
        _ => None,
    };
    let Some(text) = text.map(str::to_owned) else {
        return bad_request(json!(["instance requires property \"text\""]));
    };
    let found = on_whatsapp(state, &number);
    if found["exists"] == false {
        return bad_request(found);
    }
    if fault == Some(Fault::LogsOut) {
        let instance = state.instances.get_mut(name).expect("looked");
        (instance.state, instance.paired, instance.logged_out) = ("close".into(), false, true);
    }
    if state.instances[name].state != "open" {
        return bad_request(json!("Error: Connection Closed"));
    }
    state.next_id += 1;
    let id = format!("3EB0{:016X}", state.next_id);
    let instance = state.instances.get_mut(name).expect("looked");
    let mut message = taken(instance, clock, &number, &text, &id);
    if what == "sendMedia" {
        // With base64 in its webhook it repeats the whole file in the answer, too.
        message["message"] = json!({"imageMessage": {"caption": text}, "base64": asked["media"]});
    }
    let body = message.to_string();
    match fault {
        Some(Fault::Silent) => Answer::Silence,
        Some(Fault::Reset) => Answer::HangUp,
        Some(Fault::Cut) => Answer::Cut(body),
        Some(Fault::TakenThen(head, body)) => Answer::Says(head.to_owned(), body),
        _ => Answer::Says("201 Created".into(), body),
    }
}

/// What the schema of a message's key asks for.
pub fn whole_key(key: &Value) -> Result<(), &'static str> {
    for name in ["id", "remoteJid"] {
        key[name].as_str().filter(|text| !text.is_empty()).ok_or(name)?;
    }
    key["fromMe"].as_bool().map(drop).ok_or("fromMe")
}

/// The message is out: into the log, and what the answer says.
pub fn taken(instance: &mut Instance, clock: &TestClock, number: &str, text: &str, id: &str) -> Value {
    instance.sent.push((number.to_owned(), text.to_owned(), id.to_owned()));
    let message = json!({
        "key": {"remoteJid": jid(number), "fromMe": true, "id": id},
        "pushName": "Você",
        "status": "PENDING",
        "message": {"conversation": text},
        "contextInfo": null,
        "messageType": "conversation",
        "messageTimestamp": clock.now().seconds(),
        "instanceId": "uuid",
        "source": "unknown",
    });
    let mut row = message.clone();
    row["MessageUpdate"] = json!([]);
    instance.log.push(row);
    message
}

/// The filter of a span counts only when it has both ends; the newest comes first.
fn find_messages(instance: &Instance, body: &Value) -> Answer {
    let filter = &body["where"];
    let (key, span) = (&filter["key"], &filter["messageTimestamp"]);
    let seconds = |v: &Value| v.as_str().and_then(|t| Time::parse(t).ok()).map(Time::seconds);
    let ends = seconds(&span["gte"]).zip(seconds(&span["lte"]));
    let fits = |row: &&Value| {
        let at = row["messageTimestamp"].as_i64().unwrap_or_default();
        ends.is_none_or(|(from, to)| from <= at && at <= to)
            && ["id", "remoteJid", "fromMe"].iter().all(|k| key[k].is_null() || key[k] == row["key"][k])
    };
    let found: Vec<&Value> = instance.log.iter().rev().filter(fits).filter(|_| !instance.forgets).collect();
    let page = usize::try_from(body["page"].as_u64().unwrap_or(1)).expect("small");
    let size = usize::try_from(body["offset"].as_u64().unwrap_or(50)).expect("small");
    let records: Vec<Value> = found.iter().skip(size * (page - 1)).take(size).map(|r| (*r).clone()).collect();
    let pages = found.len().div_ceil(size);
    let answer = json!({"total": found.len(), "pages": pages, "currentPage": page, "records": records});
    says("200 OK", json!({"messages": answer}))
}

fn base64(instance: &Instance, body: &Value) -> Answer {
    let row = instance.log.iter().find(|row| row["key"]["id"] == body["message"]["key"]["id"]);
    match row.and_then(|row| row["file"].as_str()) {
        Some(file) => {
            says("201 Created", json!({"mediaType": "imageMessage", "base64": file, "mimetype": "image/png"}))
        }
        None => bad_request(json!("Message not found")),
    }
}
