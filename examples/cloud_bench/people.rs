//! The people who are written to: each wrote before, by a webhook that is signed as Meta signs.

use crate::load::phone;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::SystemTime,
};

/// Meta's id of the number.
pub const NUMBER_ID: &str = "106540352242922";
/// What its calls are signed with.
pub const APP_SECRET: &str = "bench-app-secret";
/// How many messages one call brings.
const BATCH: usize = 100;

/// Has everybody write once; says how many messages a second were taken.
#[expect(clippy::disallowed_methods, reason = "a measuring program measures")]
pub fn write(server: SocketAddr, people: usize) -> Result<f64, Box<dyn std::error::Error>> {
    let begun = std::time::Instant::now();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    for first in (0..people).step_by(BATCH) {
        let messages = (first..people.min(first + BATCH)).map(|n| {
            json!({"from": phone(n).trim_start_matches('+'), "id": format!("wamid.bench{n}"),
                   "timestamp": now.to_string(), "type": "text", "text": {"body": "Where is my order?"}})
        });
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550783881", "phone_number_id": NUMBER_ID},
            "messages": messages.collect::<Vec<Value>>(),
        });
        let change = json!({"field": "messages", "value": value});
        let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]});
        call(server, &body.to_string())?;
    }
    Ok(people as f64 / begun.elapsed().as_secs_f64())
}

fn call(server: SocketAddr, body: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(APP_SECRET.as_bytes())?;
    mac.update(body.as_bytes());
    let signature: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    let mut stream = TcpStream::connect(server)?;
    let request = format!(
        "POST /hooks/cloud-api/bench HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nContent-Type: application/json\r\n\
         X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 200") {
        return Ok(());
    }
    Err(format!("a webhook was answered {}", answer.lines().next().unwrap_or("nothing")).into())
}
