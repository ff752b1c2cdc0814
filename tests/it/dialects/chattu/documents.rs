//! Every request that the documents show, sent as it stands there with its ids replaced, and answered as they show it.
//!
//! The table is `tests/data/chattu/examples.json`, in an order in which each finds what it needs: what cannot be undone
//! comes last. Of the documents' samples only two are not in it: the receiver in PHP, which `examples/chattu/webhook.php`
//! is in our own words, and the list of all that a receiver may answer, whose fields stand with their events.

use super::{Shop, examples, examples::like, routes};
use crate::harness::deps::for_everything;
use crate::harness::{
    files::FileServer,
    http::{self, Reply},
    receiver::Receiver,
    visitor::{PASSWORD, Visitor},
    watcher::Asked,
    world::World,
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::{
    app::commands::{InstanceSet, SandboxCall, SandboxReceive},
    model::ids::InstanceId,
};

/// The beginning of a photograph, and more of it.
pub const JPEG: &[u8] = b"\xff\xd8\xff\xe0\x00\x10JFIF a photograph";
/// The documents' client and the one who writes to it.
const CLIENT: &str = "client-id";
const WRITER: &str = "+9721234567";

/// What stands where the documents have an id, an address or a secret.
type Replaced = Vec<(&'static str, String)>;

#[tokio::test]
async fn every_documented_request_is_answered_as_documented() {
    let (files, receiver) = (FileServer::start().await, Receiver::start().await);
    let entries = [files.address, receiver.address].map(|at| for_everything(&at));
    let shop = Shop::start_at("2025-10-06T17:30:00Z", |config| config.egress.allow = entries.into()).await;
    let owner = Visitor::logged_in(&shop.world, "owner").await;
    let mut replaced: Replaced = vec![
        ("account-api-key", shop.key.clone()),
        ("api-key", shop.key.clone()),
        ("your-api-key", shop.key.clone()),
        ("your-username", "owner@shop.example".into()),
        ("your-password", PASSWORD.into()),
        ("https://your-domain.com/webhook.php", receiver.url()),
        ("https://example.com/image.jpg", files.put("image.jpg", "image/jpeg", JPEG)),
    ];
    let mut seen: Vec<Asked> = Vec::new();
    for example in examples::requests() {
        let name = example["name"].as_str().expect("a name");
        let (asked, reply) = send(&shop, &owner, &example, &replaced).await;
        assert_eq!(Some(u64::from(reply.status)), example["status"].as_u64(), "{name}: {}", reply.body);
        assert_eq!(
            reply.header("content-type"),
            example["content_type"].as_str().or(Some("application/json")),
            "{name}"
        );
        seen.push(asked);
        if !example["response"].is_null() {
            like(name, &reply.json());
        }
        match name {
            "add_number" => assert_eq!(reply.json()["status"], "pending_auth"),
            "qr" => connect(&shop.world, &shop).await,
            "scheduled" => {
                assert_eq!(reply.json(), as_documented(&example), "to the letter");
                replaced.push(("123", reply.json()["id"].to_string()));
            }
            "send_message" => {
                let id = reply.json()["message"]["id"]["_serialized"].as_str().expect("an id").to_owned();
                replaced.push(("3EB0C767F26AFC1F8B", id));
            }
            "media" => assert_eq!(reply.header("content-disposition").map(|d| &d[..6]), Some("inline")),
            _ => {}
        }
    }
    seen.push(("GET".into(), "/ws".into()));
    assert_eq!(routes::not_called(&seen), Vec::<String>::new(), "the table has all routes but the WebSocket");
    let stray = receiver.got().iter().filter(|got| got.header("content-type") != "application/json").count();
    assert_eq!(stray, 0, "every event is JSON");
    shop.world.stop().await;
}

fn as_documented(example: &Value) -> Value {
    example["response"].clone()
}

/// The client is paired; then somebody writes and calls, and it is in a group and a channel.
async fn connect(world: &World, shop: &Shop) {
    let settings = [("state".to_owned(), "open".to_owned()), ("receipts".to_owned(), "none".to_owned())].into();
    world.command(InstanceSet { id: CLIENT.into(), settings, ..Default::default() }).await.expect("paired");
    shop.put_groups_of(&InstanceId::from_text(CLIENT));
    let heard =
        SandboxReceive { instance: CLIENT.into(), from: WRITER.into(), text: "Hello!".into(), ..Default::default() };
    world.command(heard).await.expect("heard");
    let call = SandboxCall { instance: CLIENT.into(), from: WRITER.into(), ..Default::default() };
    world.command(call).await.expect("a call");
}

async fn send(shop: &Shop, owner: &Visitor, example: &Value, replaced: &Replaced) -> (Asked, Reply) {
    let request = &example["request"];
    let method = request["method"].as_str().expect("a method").to_owned();
    let path = parts(request["path"].as_str().expect("a path"), replaced);
    let documented = request["headers"].as_object().expect("headers");
    let mut headers: Vec<String> =
        documented.iter().map(|(n, v)| format!("{n}: {}", whole(v.as_str().expect("a text"), replaced))).collect();
    // The documents' session requests show no more: a browser adds these two.
    if example["who"] == "session" {
        headers.push(format!("Cookie: session={}", owner.cookies["session"]));
        headers.push("Sec-Fetch-Site: same-origin".into());
    }
    let body = request.get("body").map(|body| filled(body, replaced).to_string()).unwrap_or_default();
    let address = shop.world.address();
    let asked = (method.clone(), path.split('?').next().unwrap_or_default().to_owned());
    for _ in 0..20_000 {
        let asking = http::call(address, &method, &path, &headers, body.as_bytes());
        let (reply, ()) = tokio::join!(asking, let_groups_pass(shop, &path));
        // The code comes from the phone network a moment later.
        if example["name"] != "add_number" || reply.status != 200 || !reply.json()["qrCode"].is_null() {
            return (asked, reply);
        }
        crate::harness::program::moment().await;
    }
    panic!("no code comes");
}

/// Lets the pause before a group's message pass, once it waits for that.
async fn let_groups_pass(shop: &Shop, path: &str) {
    if path == "/api/send-group-message" || path.starts_with("/api/groups/") && path.ends_with("/send") {
        while examples::pending(shop).await == 0 {
            crate::harness::program::moment().await;
        }
        shop.world.later(Duration::from_secs(5));
    }
}

fn whole(text: &str, replaced: &Replaced) -> String {
    replaced.iter().find(|(from, _)| *from == text).map_or_else(|| text.to_owned(), |(_, to)| to.clone())
}

fn parts(path: &str, replaced: &Replaced) -> String {
    path.split('/').map(|part| whole(part, replaced)).collect::<Vec<_>>().join("/")
}

fn filled(value: &Value, replaced: &Replaced) -> Value {
    match value {
        Value::String(text) => json!(whole(text, replaced)),
        Value::Object(fields) => fields.iter().map(|(n, v)| (n.clone(), filled(v, replaced))).collect(),
        other => other.clone(),
    }
}
