//! Every error code of the contract is got over HTTP, with its status and in its shape.

use super::{CHANNEL, GROUP, Shop};
use crate::harness::{
    http::Reply,
    world::{INSTANCE, PHONE, SPAM, update},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const CODES: &str = include_str!("../../../data/chattu/codes.tsv");

/// The codes that came, with their statuses.
#[derive(Default)]
struct Got(BTreeMap<String, u16>);

impl Got {
    /// Notes an answer, which must have this code and the shape of an error.
    fn note(&mut self, reply: &Reply, code: &str) {
        let body = reply.json();
        assert_eq!(body["code"], code, "{}", reply.body);
        assert!(body["error"].as_str().is_some_and(|text| !text.is_empty()), "{}", reply.body);
        let allowed: &[&str] = match code {
            "POLICY_BLOCKED" | "PLAN_LIMIT_EXCEEDED" | "RATE_LIMITED" => &["error", "code", "reason", "details"],
            _ => &["error", "code"],
        };
        let fields: Vec<&str> = body.as_object().expect("an object").keys().map(String::as_str).collect();
        assert!(fields.iter().all(|field| allowed.contains(field)), "{code}: {fields:?}");
        assert_eq!(reply.header("retry-after").is_some(), reply.status == 429, "{code}");
        assert_eq!(*self.0.entry(code.into()).or_insert(reply.status), reply.status, "{code} has one status");
    }
}

fn message(more: Value) -> Value {
    let mut body =
        json!({"clientId": INSTANCE, "number": "966501234567", "groupId": GROUP, "message": "Your order is ready"});
    more.as_object().expect("an object").iter().for_each(|(name, value)| body[name] = value.clone());
    body
}

#[tokio::test]
async fn each_code_comes_with_its_status() {
    let shop = Shop::start_with(|config| config.chattu.sensitive_per_hour = 1).await;
    shop.put_groups();
    let mut got = Got::default();
    let (one, group) = ("/api/send-message", "/api/send-group-message");
    for path in [one, group] {
        got.note(&shop.post_as("wg_live_nobody", path, &message(json!({}))).await, "AUTH_ERROR");
        got.note(&shop.post(path, &message(json!({"clientId": "nobody"}))).await, "CLIENT_NOT_FOUND");
        // What shows nothing is as empty as what is nothing.
        for empty in ["", "\u{200b}", "\u{3164}", "\u{2800} \u{feff}"] {
            let told = shop.post(path, &message(json!({"message": empty}))).await;
            assert!(told.body.contains("Either message or mediaUrl is required."), "{empty:?}: {}", told.body);
            got.note(&told, "INVALID_REQUEST");
        }
        // What has another type than a text is not left out of what is sent.
        for wrong in ["message", "mediaUrl", "clientId", "message_purpose"] {
            got.note(&shop.post(path, &message(json!({wrong: [5]}))).await, "INVALID_REQUEST");
        }
        let file = json!({"mediaUrl": "ftp://shop.example/a.png", "mediaType": "image"});
        got.note(&shop.post(path, &message(file)).await, "MEDIA_ERROR");
        let private = json!({"mediaUrl": "http://169.254.169.254/a.png", "mediaType": "image"});
        if path == one {
            got.note(&shop.post(path, &message(private)).await, "MEDIA_ERROR");
        }
    }
    let nobody = json!({"groupId": "120363000000000000@g.us"});
    got.note(&shop.post(group, &message(nobody)).await, "GROUP_NOT_FOUND");
    got.note(&shop.post(group, &message(json!({"groupId": "966501234567@c.us"}))).await, "INVALID_CHAT_TYPE");
    got.note(&shop.post(group, &message(json!({"groupId": CHANNEL}))).await, "READ_ONLY_CHAT");
    let untyped = json!({"mediaUrl": "https://shop.example/a.png"});
    got.note(&shop.post(group, &message(untyped)).await, "INVALID_REQUEST");
    let clients = shop.get("/api/clients").await.json();
    let client_key = clients[0]["apiKey"].as_str().expect("a key").to_owned();
    got.note(&shop.get_as(&client_key, "/api/clients").await, "ACCESS_DENIED");

    let blocked = shop.post(one, &message(json!({"message": SPAM}))).await;
    got.note(&blocked, "POLICY_BLOCKED");
    assert_eq!(blocked.json()["reason"], "policy_violation");
    assert!(blocked.json()["details"]["signals"].is_array(), "{}", blocked.body);
    shop.world.sandbox("fail", "refuse").await;
    got.note(&shop.post(one, &message(json!({}))).await, "SEND_FAILED");
    shop.world.sandbox("fail", "none").await;
    let guess = json!({"username": "owner@shop.example", "currentApiKey": "nonsense"});
    got.note(&shop.post("/api/reset-api-key", &guess).await, "AUTH_ERROR");
    got.note(&shop.post("/api/reset-api-key", &guess).await, "RATE_LIMITED");
    shop.world.set_plan("none").await;
    let unpaid = shop.post(one, &message(json!({}))).await;
    got.note(&unpaid, "PLAN_LIMIT_EXCEEDED");
    assert_eq!(unpaid.json()["reason"], "active_plan_required");
    shop.world.set_plan("scale").await;
    let mut change = update(shop.world.account);
    change.disable_module = Some("chattu".into());
    shop.world.update_account(change).await;
    for path in [one, group, "/api/update-webhook", "/schedule-message"] {
        got.note(&shop.post(path, &message(json!({}))).await, "ACCESS_DENIED");
    }

    let documented = CODES.lines().map(|line| line.split_once('\t').expect("a code and a status"));
    let documented: BTreeMap<String, u16> =
        documented.map(|(code, status)| (code.to_owned(), status.parse().expect("a status"))).collect();
    assert_eq!(got.0, documented);
    assert!(shop.world.inbox().await.is_empty(), "nothing of it was sent to {PHONE}");
    shop.world.stop().await;
}
