//! Each answer has the fields of the documents' example, with values of the same types.

use super::{CHANNEL, GROUP, Shop};
use crate::harness::{
    http::{self, Reply},
    visitor::{PASSWORD, Visitor},
    wait::found,
    world::{INSTANCE, PHONE},
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::app::commands::{SandboxCall, WebhookCreate, WebhookDisable};

const EXAMPLES: &str = include_str!("../../../data/chattu/examples.json");

/// The examples that are requests, in the table's order.
pub fn requests() -> Vec<Value> {
    let all: Vec<Value> = serde_json::from_str(EXAMPLES).expect("examples");
    all.into_iter().filter(|e| !e["request"].is_null()).collect()
}

/// The answers that the documents' receivers give to events, and what is then sent.
pub fn answers() -> Vec<Value> {
    let all: Vec<Value> = serde_json::from_str(EXAMPLES).expect("examples");
    all.into_iter().filter(|e| !e["answer"].is_null()).collect()
}

/// Holds an answer against the example of this name.
pub fn like(name: &str, found: &Value) {
    let all: Vec<Value> = serde_json::from_str(EXAMPLES).expect("examples");
    let example = all.iter().find(|e| e["name"] == name).unwrap_or_else(|| panic!("no example {name}"));
    let nullable: Vec<&str> =
        example["nullable"].as_array().map_or(Vec::new(), |list| list.iter().filter_map(Value::as_str).collect());
    if let Err(problem) = same(&example["response"], found, &nullable, name) {
        panic!("{problem}\n{found:#}");
    }
}

fn same(example: &Value, found: &Value, nullable: &[&str], at: &str) -> Result<(), String> {
    match (example, found) {
        (Value::Null, _) => Ok(()),
        (Value::Object(fields), Value::Object(there)) => {
            for (name, value) in fields {
                let at = format!("{at}.{name}");
                let other = there.get(name).ok_or_else(|| format!("{at} is missing"))?;
                if !(other.is_null() && nullable.contains(&name.as_str())) {
                    same(value, other, nullable, &at)?;
                }
            }
            match there.keys().find(|name| !fields.contains_key(*name)) {
                Some(name) => Err(format!("{at}.{name} is not documented")),
                None => Ok(()),
            }
        }
        (Value::Array(list), Value::Array(there)) => match (list.first(), there.first()) {
            (Some(example), Some(_)) => there.iter().try_for_each(|f| same(example, f, nullable, &format!("{at}[]"))),
            _ => Err(format!("{at} is empty")),
        },
        (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_)) => Ok(()),
        _ => Err(format!("{at} is of another type")),
    }
}

#[test]
fn the_comparison_finds_what_differs() {
    let example = json!({"a": 1, "b": [{"c": "x"}], "d": null});
    assert!(same(&example, &json!({"a": 7, "b": [{"c": "y"}], "d": "z"}), &[], "t").is_ok());
    for bad in [
        json!({"a": "7", "b": [{"c": "y"}], "d": 1}),
        json!({"a": 7, "b": [], "d": 1}),
        json!({"a": 7, "b": [{"c": null}], "d": 1}),
        json!({"a": 7, "b": [{"c": "y"}]}),
        json!({"a": 7, "b": [{"c": "y"}], "d": 1, "e": 1}),
    ] {
        assert!(same(&example, &bad, &[], "t").is_err(), "{bad}");
    }
}

fn good(reply: &Reply, status: u16) -> Value {
    assert_eq!(reply.status, status, "{}", reply.body);
    reply.json()
}

#[tokio::test]
async fn the_routes_of_a_key_answer_as_documented() {
    let shop = Shop::start().await;
    let asked = json!({"clientId": "new-line", "phoneNumber": "972501234567"});
    // The code comes from the phone network a moment later.
    let added = found("a code to scan", async || {
        let added = good(&shop.post("/api/add-number", &asked).await, 200);
        (!added["qrCode"].is_null()).then_some(added)
    })
    .await;
    like("add_number", &added);
    assert_eq!(added["status"], "pending_auth");
    assert!(added["qrCode"].as_str().expect("a code").starts_with("data:image/png;base64,iVBOR"));
    let code = shop.get("/api/qr/new-line").await;
    assert_eq!((code.status, code.header("content-type")), (200, Some("image/png")));
    assert_eq!(shop.get(&format!("/api/qr/{INSTANCE}")).await.status, 404);

    let clients = good(&shop.get("/api/clients").await, 200);
    like("clients", &clients);
    let listed = clients.as_array().expect("a list").iter().find(|c| c["clientId"] == "new-line").expect("the new one");
    assert_eq!((&listed["apiKey"], &listed["phoneNumber"]), (&added["apiKey"], &json!("972501234567")));
    assert_eq!(
        (&listed["status"], &listed["connectedNumber"]),
        (&json!("Pending Authentication"), &json!("Not Connected"))
    );
    let profile = good(&shop.get("/api/profile").await, 200);
    like("profile", &profile);
    assert_eq!((&profile["apiKey"], &profile["clientCount"]), (&json!(shop.key), &json!(2)));

    let text = "שלום! مرحبا 👩‍🚀 Hey! Its a test message";
    let body = json!({"clientId": INSTANCE, "number": "966501234567", "message": text});
    let sent = good(&shop.post("/api/send-message", &body).await, 200);
    like("send_message", &sent);
    assert_eq!(sent["message"]["body"], text);
    assert_eq!(shop.world.inbox().await[0]["text"], text);
    let list = good(&shop.get("/api/sent-messages").await, 200);
    like("sent_messages", &list);
    assert_eq!((&list[0]["message"], &list[0]["recipient"]), (&json!(text), &json!("966501234567")));

    shop.world.hears(PHONE, "Hello! שלום").await;
    like("received_messages", &good(&shop.get(&format!("/api/received-messages/{INSTANCE}")).await, 200));
    let call = SandboxCall { instance: INSTANCE.into(), from: PHONE.into(), ..Default::default() };
    shop.world.command(call).await.expect("a call");
    for path in [format!("/api/incoming-calls/{INSTANCE}"), "/api/call-logs".to_owned()] {
        let calls = good(&shop.get(&path).await, 200);
        like("calls", &calls);
        assert_eq!(calls["calls"][0]["call_from"], "966501234567@c.us");
    }
    let log = good(&shop.get("/api/logs").await, 200);
    for field in ["id", "level", "event", "message", "createdAt"] {
        assert!(!log[0][field].is_null(), "{field}: {log}");
    }
    shop.world.stop().await;
}

#[tokio::test]
async fn scheduled_messages_answer_as_documented() {
    let shop = Shop::start().await;
    let body = json!({"clientId": INSTANCE, "number": "966501234567", "message": "Scheduled hello",
        "scheduleTime": "2026-06-01T09:30:00Z"});
    let made = good(&shop.post("/schedule-message", &body).await, 201);
    like("scheduled", &made);
    assert_eq!((&made["recipient"], &made["status"]), (&json!(PHONE), &json!("pending")));
    let mut past = body.clone();
    past["scheduleTime"] = json!("2026-06-01T07:30:00Z");
    let refused = shop.post("/schedule-message", &past).await;
    assert_eq!((refused.status, refused.json()["code"].as_str()), (400, Some("INVALID_REQUEST")));
    let headers = [format!("x-api-key: {}", shop.key)];
    let path = format!("/scheduled-messages/{}", made["id"]);
    let cancelled = http::call(shop.world.address(), "DELETE", &path, &headers, &[]).await;
    let cancelled = good(&cancelled, 200);
    like("cancelled", &cancelled);
    assert_eq!(cancelled["message"], "Schedule cancelled.");
    let list = good(&shop.get("/scheduled-messages").await, 200);
    like("scheduled", &list[0]);
    assert_eq!(list[0]["status"], "cancelled");
    shop.world.stop().await;
}

#[tokio::test]
async fn groups_and_channels_answer_as_documented() {
    let shop = Shop::start().await;
    shop.put_groups();
    let groups = good(&shop.get(&format!("/api/groups/{INSTANCE}")).await, 200);
    like("groups", &groups);
    assert_eq!((&groups["total"], &groups["groups"][0]["participants"]), (&json!(2), &json!(15)));
    let body = |group: &str| json!({"clientId": INSTANCE, "groupId": group, "message": "שלום לכולם!"});
    for (group, status, code) in [
        (CHANNEL, 403, "READ_ONLY_CHAT"),
        ("120363123456789013@c.us", 403, "READ_ONLY_CHAT"),
        ("966501234567@c.us", 400, "INVALID_CHAT_TYPE"),
        ("120363000000000000@g.us", 404, "GROUP_NOT_FOUND"),
    ] {
        let refused = shop.post("/api/send-group-message", &body(group)).await;
        assert_eq!((refused.status, refused.json()["code"].as_str()), (status, Some(code)), "{group}");
    }
    let hook = WebhookCreate {
        account: shop.world.account,
        url: "https://hooks.example.com/".into(),
        events: vec!["message.sent".into()],
        ..Default::default()
    };
    let id = shop.world.command(hook).await.expect("an endpoint")["id"].as_i64().expect("a number");
    shop.world.command(WebhookDisable { id }).await.expect("disabled");
    let asked = body(GROUP);
    let sending = shop.post("/api/send-group-message", &asked);
    let waits = async {
        // Between two and five seconds: nothing is sent before.
        while pending(&shop).await == 0 {
            crate::harness::program::moment().await;
        }
        shop.world.later(Duration::from_millis(1999));
        assert!(shop.world.inbox().await.is_empty());
        shop.world.later(Duration::from_millis(3001));
    };
    let (reply, ()) = tokio::join!(sending, waits);
    let sent = good(&reply, 200);
    like("send_group_message", &sent);
    assert_eq!((&sent["groupId"], &sent["groupName"]), (&json!(GROUP), &json!("קבוצת עבודה")));
    let inbox = shop.world.inbox().await;
    assert_eq!((inbox.len(), &inbox[0]["text"]), (1, &json!("שלום לכולם!")));
    assert_eq!(shop.world.used().await, (1, 1), "a group counts once");
    let told = "SELECT count(*) FROM events WHERE name = 'message.sent' AND body ->> 'to' IS NULL
                    AND body ->> 'group_id' LIKE '%@g.us'";
    assert_eq!(shop.world.number(told).await, 1, "the event names the group");
    shop.world.stop().await;
}

/// Groups' messages that wait for their time.
pub async fn pending(shop: &Shop) -> i64 {
    let count = shop.world.gateway().store.read(|tx| {
        tx.one("SELECT count(*) FROM schedules WHERE state = 'pending' AND kind = 'queued'", [], |r| r.get(0))
    });
    count.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("a count")
}

#[tokio::test]
async fn a_groups_message_survives_a_restart_and_is_sent_once() {
    let mut shop = Shop::start().await;
    shop.put_groups();
    let address = shop.world.address();
    let headers = [format!("x-api-key: {}", shop.key), "Content-Type: application/json".to_owned()];
    let body = json!({"clientId": INSTANCE, "groupId": GROUP, "message": "before the restart"}).to_string();
    let asking =
        tokio::spawn(
            async move { http::call(address, "POST", "/api/send-group-message", &headers, body.as_bytes()).await },
        );
    while pending(&shop).await == 0 {
        crate::harness::program::moment().await;
    }
    asking.abort();
    shop.world.restart_after(Duration::from_secs(60)).await;
    found("the message on the phone", async || {
        shop.world.gateway().schedules.step().await.expect("a step");
        (!shop.world.inbox().await.is_empty()).then_some(())
    })
    .await;
    shop.world.gateway().schedules.step().await.expect("a step");
    assert_eq!(shop.world.inbox().await.len(), 1);
    shop.world.stop().await;
}

#[tokio::test]
async fn chats_answer_as_documented() {
    let shop = Shop::start().await;
    let mut agent = Visitor::logged_in(&shop.world, "owner").await;
    shop.world.hears(PHONE, "Hello!").await;
    let chats = good(&agent.get(&format!("/api/chats/{INSTANCE}")).await, 200);
    like("chats", &chats);
    assert_eq!(chats["chats"][0]["unreadCount"], 1);
    let chat = format!("/api/chats/{INSTANCE}/966501234567@c.us");
    let reply = agent.json("POST", &format!("{chat}/send"), &json!({"message": "How can I help? שלום"})).await;
    like("chat_send", &good(&reply, 200));
    let messages = good(&agent.get(&format!("{chat}/messages?limit=50")).await, 200);
    like("messages", &messages);
    let bodies: Vec<_> = messages["messages"].as_array().expect("a list").iter().map(|m| &m["body"]).collect();
    assert_eq!(bodies, [&json!("Hello!"), &json!("How can I help? שלום")]);
    assert_eq!(messages["messages"][1]["ack"], 1);
    like("read", &good(&agent.json("POST", &format!("{chat}/read"), &json!({})).await, 200));
    let chats = good(&agent.get(&format!("/api/chats/{INSTANCE}")).await, 200);
    assert_eq!(chats["chats"][0]["unreadCount"], 0);
    assert_eq!(chats["chats"][0]["lastMessage"]["fromMe"], true);

    let path = format!("/clients/{INSTANCE}");
    let refused = agent.json("DELETE", &path, &json!({})).await;
    assert_eq!(refused.status, 400);
    assert_eq!(agent.json("DELETE", &path, &json!({"password": "wrong"})).await.status, 403);
    let deleted = good(&agent.json("DELETE", &path, &json!({"password": PASSWORD})).await, 200);
    like("deleted", &deleted);
    assert_eq!(agent.json("DELETE", &path, &json!({"password": PASSWORD})).await.status, 404);
    shop.world.stop().await;
}

#[tokio::test]
async fn a_key_is_renewed_by_its_holder() {
    let shop = Shop::start().await;
    Visitor::logged_in(&shop.world, "owner").await;
    let ask = |name: &str, key: &str| json!({"username": name, "currentApiKey": key});
    let headers = ["Content-Type: application/json".to_owned()];
    let post = async |body: &Value| {
        let address = shop.world.address();
        http::call(address, "POST", "/api/reset-api-key", &headers, body.to_string().as_bytes()).await
    };
    assert_eq!(post(&ask("somebody@else.example", &shop.key)).await.status, 401);
    let renewed = good(&post(&ask("owner@shop.example", &shop.key)).await, 200);
    like("reset_key", &renewed);
    assert_eq!(shop.get("/api/profile").await.status, 401, "the old key has ended");
    let new = renewed["newApiKey"].as_str().expect("a key");
    assert_eq!(shop.get_as(new, "/api/profile").await.status, 200);
    for _ in 0..3 {
        assert_eq!(post(&ask("owner@shop.example", "nonsense")).await.status, 401);
    }
    let limited = post(&ask("owner@shop.example", new)).await;
    assert_eq!((limited.status, limited.json()["code"].as_str()), (429, Some("RATE_LIMITED")));
    assert_eq!(limited.header("retry-after"), Some("3600"));
    shop.world.stop().await;
}
