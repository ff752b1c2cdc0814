//! The API's routes.

use super::{super::wild::Heard, Fault, NUMBER_ID, Sent, State, WABA_ID, refusal, shapes};
use serde_json::{Value, json};
use std::net::SocketAddr;

/// The version that is spoken.
const VERSION: &str = "v25.0";

pub struct Asked {
    pub method: String,
    pub path: String,
    /// In lower case, as they came.
    head: String,
    body: Vec<u8>,
    /// Where this API is.
    addr: SocketAddr,
}

pub enum Answer {
    /// Status line (with further headers) and body.
    Says(String, Vec<u8>),
    Cut(String),
    Silence,
    HangUp,
}

impl Asked {
    pub fn read(heard: &Heard, addr: SocketAddr) -> Self {
        let mut words = heard.head.lines().next().unwrap_or_default().split(' ');
        let (method, path) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
        Self { method, path, head: heard.head.clone(), body: heard.body.clone(), addr }
    }

    fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_default().trim()
    }
}

fn says(status: &str, body: &Value) -> Answer {
    Answer::Says(status.to_owned(), body.to_string().into_bytes())
}

fn refuses(status: &str, code: i64, details: &str) -> Answer {
    says(status, &refusal(code, details))
}

pub fn answer(state: &mut State, asked: &Asked) -> Answer {
    if let Err(problem) = manners(asked) {
        state.complaints.push(problem);
    }
    if asked.header("authorization") != format!("Bearer {}", state.token) {
        return refuses("401 Unauthorized", 190, "Error validating access token");
    }
    let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (asked.method.as_str(), &segments[..]) {
        ("POST", [VERSION, NUMBER_ID, "messages"]) => messages(state, asked),
        ("POST", [VERSION, NUMBER_ID, "media"]) => upload(state, asked),
        ("POST", [VERSION, NUMBER_ID, "calls"]) => calls(state, asked),
        ("GET", [VERSION, NUMBER_ID]) => match &state.number_fault {
            Some((status, body)) => says(status, body),
            None => says("200 OK", &state.number),
        },
        ("GET", [VERSION, "debug_token"]) if query == format!("input_token={}", state.token) => {
            says("200 OK", &json!({"data": state.token_info}))
        }
        ("GET", [VERSION, WABA_ID, "subscribed_apps"]) => says("200 OK", &json!({"data": state.apps})),
        ("POST", [VERSION, WABA_ID, "subscribed_apps"]) => {
            let app = json!({"id": "900", "name": "Our app", "link": "https://app.example/"});
            state.apps.push(json!({"whatsapp_business_api_data": app}));
            says("200 OK", &json!({"success": true}))
        }
        ("GET", [VERSION, WABA_ID, "message_templates"]) => templates(state, asked.addr, query),
        ("POST", [VERSION, WABA_ID, "message_templates"]) => submit(state, asked),
        ("DELETE", [VERSION, WABA_ID, "message_templates"]) => delete_template(state, query),
        ("POST", [VERSION, id]) => change_template(state, id, asked),
        ("GET", ["download", id]) => match state.files.get(*id) {
            Some((_, bytes)) => Answer::Says("200 OK".into(), bytes.clone()),
            None => refuses("404 Not Found", 100, "no such file"),
        },
        ("GET", [VERSION, id]) => match state.files.get(*id) {
            Some((told, _)) => {
                let mut told = told.clone();
                told["url"] = json!(format!("http://{}/download/{id}", asked.addr));
                says("200 OK", &told)
            }
            None => refuses("400 Bad Request", 100, "Unsupported get request. Object does not exist"),
        },
        _ => refuses("400 Bad Request", 2500, "Unknown path components"),
    }
}

/// What holds for every request.
fn manners(asked: &Asked) -> Result<(), String> {
    let agent = asked.header("user-agent");
    let numbers: Vec<&str> = agent.strip_prefix("wa-gateway/").unwrap_or_default().split('.').collect();
    let is_version = numbers.len() == 3 && numbers.iter().all(|n| n.parse::<u32>().is_ok());
    if is_version { Ok(()) } else { Err(format!("the user agent is {agent:?}")) }
}

/// Ends a call, which must be named.
fn calls(state: &mut State, asked: &Asked) -> Answer {
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or(Value::Null);
    let is_call = body["call_id"].as_str().is_some_and(|id| id.starts_with("wacid."));
    if body["messaging_product"] != "whatsapp" || body["action"] != "reject" || !is_call {
        state.complaints.push(format!("no request about a call: {body}"));
        return refuses("400 Bad Request", 100, "Invalid parameter");
    }
    state.calls.push(body);
    match state.faults.pop_front() {
        Some(Fault::Answer(status, body)) => Answer::Says(status, body.into_bytes()),
        _ => says("200 OK", &json!({"messaging_product": "whatsapp", "success": true})),
    }
}

fn messages(state: &mut State, asked: &Asked) -> Answer {
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or(Value::Null);
    let judged = shapes::judge(&body, &state.uploads);
    if asked.header("content-type") != "application/json" || judged.is_err() {
        let problem = judged.err().unwrap_or_else(|| "the body is not said to be JSON".into());
        state.complaints.push(format!("{problem}: {body}"));
        return refuses("400 Bad Request", 100, &problem);
    }
    let fault = state.faults.pop_front();
    if let Some(Fault::Answer(status, body)) = fault {
        return Answer::Says(status, body.into_bytes());
    }
    if let Some((status, body)) = &state.refuses {
        return says(status, body);
    }
    if body["status"] == "read" {
        state.marks.push(body);
        return says("200 OK", &json!({"success": true}));
    }
    state.next_id += 1;
    let id = format!("wamid.HBgLTEST{:08}", state.next_id);
    let whom = body["to"].as_str().or(body["recipient"].as_str()).unwrap_or_default().to_owned();
    let taken = json!({
        "messaging_product": "whatsapp", "contacts": [contact_of(state, &whom)], "messages": [{"id": id}],
    });
    state.sent.push(Sent { id, body });
    match fault {
        Some(Fault::Silent) => Answer::Silence,
        Some(Fault::Reset) => Answer::HangUp,
        Some(Fault::Cut) => Answer::Cut(taken.to_string()),
        Some(Fault::TakenThen(status, body)) => Answer::Says(status.to_owned(), body.into_bytes()),
        _ => says("200 OK", &taken),
    }
}

/// How Meta names whom it took a message for: by the number as it knows it, without a plus sign, or by the hidden id.
fn contact_of(state: &State, whom: &str) -> Value {
    match whom.strip_prefix('+') {
        Some(digits) => {
            let mut contact = json!({"input": whom, "wa_id": state.strays.get(whom).cloned().unwrap_or(wa_id(digits))});
            if let Some(hidden) = state.hidden.get(whom) {
                contact["user_id"] = json!(hidden);
            }
            contact
        }
        None => json!({"input": whom, "user_id": whom}),
    }
}

/// Meta's own spelling of a number: without Brazil's ninth digit, with Mexico's 1 and Argentina's 9, with Benin's old
/// eight digits.
pub fn wa_id(digits: &str) -> String {
    match (digits.get(..2), digits.len()) {
        (Some("55"), 13) if &digits[4..5] == "9" => format!("{}{}", &digits[..4], &digits[5..]),
        (Some("52"), 12) => format!("521{}", &digits[2..]),
        (Some("54"), 12) => format!("549{}", &digits[2..]),
        (Some("22"), 13) if digits.starts_with("22901") => format!("229{}", &digits[5..]),
        _ => digits.to_owned(),
    }
}

fn upload(state: &mut State, asked: &Asked) -> Answer {
    let Some((mime, bytes)) = shapes::read_form(asked.header("content-type"), &asked.body) else {
        state.complaints.push("the form of a file cannot be read".into());
        return refuses("400 Bad Request", 100, "no form");
    };
    match state.upload_faults.pop_front() {
        Some(Fault::Answer(status, body)) => return Answer::Says(status, body.into_bytes()),
        Some(Fault::Silent) => return Answer::Silence,
        Some(Fault::Reset) => return Answer::HangUp,
        Some(Fault::Cut) => return Answer::Cut("{\"id\":\"1234567890\"}".into()),
        Some(Fault::TakenThen(status, body)) => return Answer::Says(status.to_owned(), body.into_bytes()),
        None => {}
    }
    state.next_id += 1;
    let id = format!("media-{}", state.next_id);
    state.uploads.insert(id.clone(), (mime, bytes));
    says("200 OK", &json!({"id": id}))
}

/// A template, new: it waits for approval.
fn submit(state: &mut State, asked: &Asked) -> Answer {
    let mut body: Value = serde_json::from_slice(&asked.body).unwrap_or(Value::Null);
    let is_whole = ["name", "language", "category"].iter().all(|member| body[member].is_string());
    if !is_whole || !body["components"].is_array() {
        state.complaints.push(format!("no template: {body}"));
        return refuses("400 Bad Request", 100, "Invalid parameter");
    }
    if let Some(Fault::Answer(status, body)) = state.faults.pop_front() {
        return Answer::Says(status, body.into_bytes());
    }
    state.next_id += 1;
    (body["id"], body["status"]) = (json!(format!("77{}", state.next_id)), json!("PENDING"));
    let answer = json!({"id": body["id"], "status": "PENDING", "category": body["category"]});
    state.templates.push(body);
    says("200 OK", &answer)
}

/// Other content for a template; its name and language stay.
fn change_template(state: &mut State, id: &str, asked: &Asked) -> Answer {
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or(Value::Null);
    let Some(one) = state.templates.iter_mut().find(|one| one["id"] == id) else {
        return refuses("400 Bad Request", 100, "Unsupported post request. Object does not exist");
    };
    if !body["name"].is_null() || !body["components"].is_array() {
        state.complaints.push(format!("no change of a template: {body}"));
    }
    (one["components"], one["status"]) = (body["components"].clone(), json!("PENDING"));
    says("200 OK", &json!({"success": true}))
}

fn delete_template(state: &mut State, query: &str) -> Answer {
    let of =
        |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('=')).unwrap_or_default();
    let before = state.templates.len();
    state.templates.retain(|one| one["name"] != of("name") || one["id"] != of("hsm_id"));
    if state.templates.len() == before {
        return refuses("400 Bad Request", 100, "Message template not found");
    }
    says("200 OK", &json!({"success": true}))
}

fn templates(state: &State, addr: SocketAddr, query: &str) -> Answer {
    if let Some(name) = query.split('&').find_map(|pair| pair.strip_prefix("name=")) {
        let named: Vec<&Value> = state.templates.iter().filter(|one| one["name"] == name).collect();
        return says("200 OK", &json!({"data": named}));
    }
    let after = query.split('&').find_map(|pair| pair.strip_prefix("after="));
    let from = after.and_then(|cursor| cursor.strip_prefix("at-")?.parse().ok()).unwrap_or(0);
    let upto = (from + state.page).min(state.templates.len());
    let mut answer = json!({
        "data": &state.templates[from.min(upto)..upto],
        "paging": {"cursors": {"before": format!("at-{from}"), "after": format!("at-{upto}")}},
    });
    if upto < state.templates.len() {
        answer["paging"]["next"] = json!(format!("http://{addr}/next"));
    }
    says("200 OK", &answer)
}
