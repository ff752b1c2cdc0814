//! What the documents say to the letter: ids as free as they show them, numbers of either JSON type, sound beside a
//! message, a burst that is told apart from a refusal, and what is kept of guesses.

use super::{GROUP, Shop, new_key};
use crate::harness::{
    deps::for_everything,
    files::FileServer,
    http,
    receiver::Receiver,
    visitor::{PASSWORD, Visitor},
    world::INSTANCE,
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::{
    accounts::Scope,
    app::commands::{SandboxGroup, WebhookCreate},
    connectors::{GroupInfo, inbound_event::GroupRef},
    model::ids::{AccountId, InstanceId},
};

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |all, byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => all + &char::from(byte).to_string(),
        _ => format!("{all}%{byte:02X}"),
    })
}

fn add(id: &str) -> Value {
    json!({"clientId": id, "phoneNumber": "966112345678"})
}

#[tokio::test]
async fn a_client_id_is_what_its_owner_chose() {
    let receiver = Receiver::start().await;
    let entry = for_everything(&receiver.address);
    let shop = Shop::start_with(|config| config.egress.allow = vec![entry]).await;
    for (n, id) in ["Client_1", "my client", "client.1", "חנות", "عميل ١", "a", "admin", "50%+1"].iter().enumerate()
    {
        let added = shop.post("/api/add-number", &add(id)).await;
        assert_eq!((added.status, &added.json()["status"]), (200, &json!("pending_auth")), "{id}: {}", added.body);
        let key = added.json()["apiKey"].as_str().expect("a key").to_owned();
        let again = shop.post("/api/add-number", &add(id)).await;
        assert_eq!(again.json()["apiKey"], key.as_str(), "{id} is one client");
        let listed = shop.get("/api/clients").await.json();
        let listed = listed.as_array().expect("a list").iter().filter(|c| c["clientId"] == *id).count();
        assert_eq!(listed, 1, "{id}");
        assert_eq!(shop.get(&format!("/api/qr/{}", percent(id))).await.status, 200, "{id}");
        let hook = json!({"clientId": id, "webhookUrl": receiver.url()});
        assert_eq!(shop.post_as(&key, "/api/update-webhook", &hook).await.status, 200, "{id}");
        let later =
            json!({"clientId": id, "number": "966501234567", "message": "x", "scheduleTime": "2026-06-02T08:00:00Z"});
        let made = shop.post("/schedule-message", &later).await;
        assert_eq!((made.status, &made.json()["clientId"]), (201, &json!(id)), "{}", made.body);
        let all = shop.get("/scheduled-messages").await.json();
        assert_eq!(all.as_array().expect("a list").iter().filter(|s| s["clientId"] == *id).count(), 1, "{all}");
        // Its instance, as the rest of the gateway knows it.
        let found = shop.world.gateway().store.read({
            let (whose, id) = (Scope::Account(AccountId(shop.world.account)), (*id).to_owned());
            move |tx| wa_gateway::dialects::chattu::client_ids::find(tx, whose, &id)
        });
        let instance =
            found.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("a read").expect("it");
        let open = [("state".to_owned(), "open".to_owned())].into();
        shop.world.gateway().instances.set(&instance, open, "test").await.expect("open");
        let body = json!({"clientId": id, "number": "966501234567", "message": "x"});
        let sent = shop.post_as(&key, "/api/send-message", &body).await;
        assert_eq!(sent.status, 200, "{id}");
        assert_eq!(shop.get("/api/sent-messages").await.json()[0]["clientId"], *id);
        let told = receiver.wait_for(n + 1).await;
        assert_eq!(told[n].json()["data"]["from"], *id, "{}", told[n].json());
        let received = shop.get(&format!("/api/received-messages/{}", percent(id))).await;
        assert_eq!(received.status, 200, "{id}: {}", received.body);
    }
    for wrong in ["a/b", "a\u{1}b", &"x".repeat(129)] {
        let refused = shop.post("/api/add-number", &add(wrong)).await;
        assert_eq!((refused.status, &refused.json()["code"]), (400, &json!("INVALID_REQUEST")), "{wrong:?}");
    }
    shop.world.stop().await;
}

#[tokio::test]
async fn a_deleted_client_may_come_again_and_two_accounts_may_use_one_id() {
    let shop = Shop::start().await;
    let mut owner = Visitor::logged_in(&shop.world, "owner").await;
    let other = shop.world.new_account("Other", "scale").await;
    let theirs = new_key(&shop.world, other).await;
    for turn in 0..3 {
        let added = shop.post("/api/add-number", &add("front-desk")).await;
        assert_eq!(added.status, 200, "turn {turn}: {}", added.body);
        assert_eq!(shop.get("/api/qr/front-desk").await.status, 200, "turn {turn}");
        if turn == 0 {
            let refused = shop.get_as(&theirs, "/api/qr/front-desk").await;
            assert_eq!((refused.status, &refused.json()["code"]), (403, &json!("ACCESS_DENIED")));
            assert_eq!(shop.post_as(&theirs, "/api/add-number", &add("front-desk")).await.status, 200);
            assert_eq!(shop.get_as(&theirs, "/api/qr/front-desk").await.status, 200, "their own one of this id");
        }
        let deleted = owner.json("DELETE", "/clients/front-desk", &json!({"password": PASSWORD})).await;
        assert_eq!(deleted.status, 200, "turn {turn}: {}", deleted.body);
        let mine = shop.get("/api/clients").await.body;
        assert!(!mine.contains("front-desk"), "turn {turn}: {mine}");
    }
    assert_eq!(shop.get_as(&theirs, "/api/qr/front-desk").await.status, 200, "another account's is not touched");
    shop.world.stop().await;
}

#[tokio::test]
async fn what_is_said_of_a_sandbox_and_of_a_number_that_is_corrected() {
    let shop = Shop::start().await;
    let added = shop.post("/api/add-number", &add("shop")).await.json();
    let warning = added["message"].as_str().expect("a text");
    assert!(warning.starts_with("QR Code generated for authentication"), "{warning}");
    assert!(warning.contains("links no phone") && warning.contains("/docs/connect"), "{warning}");
    let corrected = json!({"clientId": "shop", "phoneNumber": 966_112_345_679_u64});
    assert_eq!(shop.post("/api/add-number", &corrected).await.status, 200);
    let listed = async || {
        let all = shop.get("/api/clients").await.json();
        all.as_array().expect("a list").iter().find(|c| c["clientId"] == "shop").expect("it").clone()
    };
    assert_eq!(listed().await["phoneNumber"], "966112345679");
    // One that was closed shows a code again.
    let id = wa_gateway::model::ids::InstanceId::from_text("shop");
    shop.world
        .gateway()
        .instances
        .set(&id, [("state".to_owned(), "close".to_owned())].into(), "test")
        .await
        .expect("set");
    let again = shop.post("/api/add-number", &corrected).await.json();
    assert_eq!(again["status"], "pending_auth");
    assert!(again["qrCode"].as_str().is_some_and(|code| code.starts_with("data:image/png;base64,")), "{again}");
    shop.world.stop().await;
}

#[tokio::test]
async fn a_number_may_be_a_json_number() {
    let shop = Shop::start().await;
    let body = |number: Value| json!({"clientId": INSTANCE, "number": number, "message": "Your order is ready"});
    for right in [json!(966_501_234_567_u64), json!("966501234567"), json!("+966501234568"), json!("966501234569@c.us")]
    {
        assert_eq!(shop.post("/api/send-message", &body(right.clone())).await.status, 200, "{right}");
    }
    for (wrong, says) in [
        (json!(9.665e11), "without sign and fraction"),
        (json!(-966_501_234_567_i64), "without sign and fraction"),
        (json!(true), "text or a number"),
        (json!(["966501234567"]), "text or a number"),
        (Value::Null, "required"),
    ] {
        let refused = shop.post("/api/send-message", &body(wrong.clone())).await;
        let text = refused.json()["error"].as_str().unwrap_or_default().to_owned();
        assert!(refused.status == 400 && text.contains("number") && text.contains(says), "{wrong}: {}", refused.body);
    }
    let later = json!({"clientId": INSTANCE, "number": 966_501_234_567_u64, "message": "x",
        "scheduleTime": "2026-06-02T08:00:00Z"});
    assert_eq!(shop.post("/schedule-message", &later).await.status, 201);
    shop.world.stop().await;
}

#[tokio::test]
async fn a_burst_is_told_to_wait() {
    let shop = Shop::start().await;
    let bodies: Vec<Value> = (0..60)
        .map(|n| json!({"clientId": INSTANCE, "number": "966501234567", "message": format!("Order {n} is ready")}))
        .collect();
    let all = futures_util::future::join_all(bodies.iter().map(|body| shop.post("/api/send-message", body)));
    let mut all = Box::pin(all);
    // Those who wait for their turn wait for the clock.
    let answers = loop {
        tokio::select! {
            done = &mut all => break done,
            () = crate::harness::program::moment() => shop.world.later(Duration::from_millis(200)),
        }
    };
    let mut limited = 0;
    drop(all);
    for reply in answers.iter().filter(|reply| reply.status != 200) {
        limited += 1;
        assert_eq!((reply.status, &reply.json()["code"]), (429, &json!("RATE_LIMITED")), "{}", reply.body);
        assert_eq!(reply.json()["reason"], "sending_throttled");
        assert_eq!(reply.json()["details"]["action"], "throttle", "{}", reply.body);
        assert!(reply.header("retry-after").is_some_and(|s| s.parse::<u32>().is_ok_and(|s| s > 0)));
    }
    assert!((1..60).contains(&limited), "{limited} of sixty messages to one person at once are told to wait");
    shop.world.stop().await;
}

#[tokio::test]
async fn sound_beside_a_message_arrives_with_it() {
    let files = FileServer::start().await;
    let entry = for_everything(&files.address);
    let shop = Shop::start_with(|config| config.egress.allow = vec![entry]).await;
    shop.put_groups();
    let url = files.put("hold.mp3", "audio/mpeg", b"ID3\x04\x00\x00\x00\x00\x00\x00 a tune of some length");
    let one = json!({"clientId": INSTANCE, "number": "966501234567", "message": "Listen", "mediaUrl": url});
    let sent = shop.post("/api/send-message", &one).await;
    assert_eq!((sent.status, &sent.json()["message"]["body"]), (200, &json!("Listen")), "{}", sent.body);
    let group =
        json!({"clientId": INSTANCE, "groupId": GROUP, "message": "Listen all", "mediaUrl": url, "mediaType": "audio"});
    let waiting = shop.post("/api/send-group-message", &group);
    let (sent, ()) = tokio::join!(waiting, async {
        for _ in 0..20 {
            shop.world.later(Duration::from_millis(500));
            crate::harness::program::moment().await;
        }
    });
    assert_eq!(sent.status, 200, "{}", sent.body);
    let alone = json!({"clientId": INSTANCE, "number": "966501234568", "mediaUrl": url});
    let sent = shop.post("/api/send-message", &alone).await;
    assert_eq!((sent.status, &sent.json()["message"]["type"]), (200, &json!("audio")), "{}", sent.body);
    let texts: Vec<Value> = shop.world.inbox().await.iter().map(|m| m["text"].clone()).collect();
    assert_eq!(texts, [json!("Listen"), json!("Listen all"), json!("")]);
    shop.world.stop().await;
}

#[tokio::test]
async fn guesses_and_webhooks_are_kept_for_the_audit() {
    let shop = Shop::start().await;
    let mut owner = Visitor::logged_in(&shop.world, "owner").await;
    let form = |email: &str| format!("email={email}&password=wrong-password-1").into_bytes();
    for email in ["owner%40shop.example", "nobody%40shop.example"] {
        let headers = ["Content-Type: application/x-www-form-urlencoded".to_owned()];
        http::call(shop.world.address(), "POST", "/login", &headers, &form(email)).await;
    }
    shop.post("/api/add-number", &add("shop")).await;
    let refused = owner.json("DELETE", "/clients/shop", &json!({"password": "wrong"})).await;
    assert_eq!(refused.status, 403);
    shop.post("/api/reset-api-key", &json!({"username": "owner@shop.example", "currentApiKey": "wrong"})).await;
    shop.post("/api/reset-api-key", &json!({"username": "else@shop.example", "currentApiKey": shop.key})).await;
    for url in ["https://shop.example/hook", "https://shop.example/hook", ""] {
        let body = json!({"clientId": "shop", "webhookUrl": url});
        assert_eq!(shop.post("/api/update-webhook", &body).await.status, 200);
    }
    let mut kept = shop
        .world
        .gateway()
        .store
        .read(|tx| {
            tx.list(
                "SELECT action, actor, target, coalesce(before, ''), coalesce(after, '') FROM audit ORDER BY id",
                [],
                |r| Ok([r.get::<_, String>(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?]),
            )
        })
        .await
        .map_err(|e: wa_gateway::store::StoreError| e.to_string())
        .expect("the audit");
    kept.retain(|row| {
        ["session.refused", "client.delete_refused", "key.reset_refused", "client.webhook"].contains(&row[0].as_str())
    });
    let rows: Vec<String> = kept.iter().map(|row| row.join("|")).collect();
    let key = rows[4].split('|').nth(2).expect("a key").to_owned();
    let actor = rows[5].split('|').nth(1).expect("who").to_owned();
    assert_eq!(
        rows,
        [
            "session.refused|nobody|owner@shop.example||a wrong name or password, from 127.0.0.1".to_owned(),
            "session.refused|nobody|nobody||a wrong name or password, from 127.0.0.1".to_owned(),
            "client.delete_refused|owner@shop.example|shop||a wrong password".to_owned(),
            "key.reset_refused|nobody|127.0.0.1||an unknown key".to_owned(),
            format!("key.reset_refused|nobody|{key}||a name that does not fit the key"),
            format!("client.webhook|{actor}|shop||https://shop.example/hook"),
            format!("client.webhook|{actor}|shop|https://shop.example/hook|"),
        ]
    );
    assert!(actor.starts_with("key "), "{actor}");
    assert!(!rows.concat().contains(&shop.key), "no secret");
    shop.world.stop().await;
}

#[tokio::test]
async fn the_log_reads_well_without_a_client() {
    let shop = Shop::start().await;
    shop.post("/api/send-message", &json!({"number": "nonsense", "message": "x"})).await;
    shop.post("/api/send-message", &json!({"clientId": INSTANCE, "number": "nonsense", "message": "x"})).await;
    let log = shop.get("/api/logs").await.json();
    for line in log.as_array().expect("a list") {
        let text = line["message"].as_str().expect("a text");
        assert!(!text.contains(" of :") && !text.ends_with([' ', ':']), "{text}");
    }
    let body = json!({"clientId": INSTANCE, "number": "966501234567", "message": "x",
        "message_purpose": "bulk_campaign"});
    let refused = shop.post("/api/send-message", &body).await;
    assert_eq!(refused.json()["details"], json!({"action": "block", "risk_score": 100}));
    shop.world.stop().await;
}

/// A group is called what it was called last, whoever told it and how; its owner's id has the documents' form.
#[tokio::test]
async fn a_group_that_is_renamed_is_told_and_listed_by_its_new_name() {
    let receiver = Receiver::start().await;
    let entry = for_everything(&receiver.address);
    let shop = Shop::start_with(|config| config.egress.allow = vec![entry]).await;
    let hook = WebhookCreate {
        account: shop.world.account,
        url: receiver.url(),
        events: vec!["group.updated".into()],
        ..Default::default()
    };
    shop.world.command(hook).await.expect("an endpoint");
    let say = async |name: Option<&str>| {
        let said = SandboxGroup {
            instance: INSTANCE.into(),
            group: GROUP.into(),
            name: name.map(str::to_owned),
            from: "+966501234567".into(),
            text: "hello".into(),
        };
        shop.world.command(said).await.expect("heard");
    };
    let listed = async || {
        let groups = shop.get(&format!("/api/groups/{INSTANCE}")).await.json()["groups"].clone();
        groups[0]["name"].as_str().unwrap_or_default().to_owned()
    };
    say(Some("Drivers")).await;
    assert_eq!(listed().await, "Drivers");
    say(Some("Night drivers")).await;
    assert_eq!(listed().await, "Night drivers");
    say(None).await;
    assert_eq!(listed().await, "Night drivers", "it is called as before where nobody names it");
    let sandbox = shop.world.gateway().registry.sandbox(&InstanceId::from_text(INSTANCE)).expect("a sandbox");
    let owner = Some("972501234567@s.whatsapp.net".to_owned());
    sandbox.put_group(GroupInfo { id: GROUP.into(), name: "Day drivers".into(), owner, ..GroupInfo::default() });
    let renamed = GroupRef { id: GROUP.into(), name: "Day drivers".into() };
    sandbox.group_updated(renamed, "subject").await.expect("told");
    assert_eq!(listed().await, "Day drivers");
    let group = shop.get(&format!("/api/groups/{INSTANCE}")).await.json()["groups"][0].clone();
    assert_eq!(group["owner"], "972501234567@c.us", "{group}");
    let got = receiver.wait_for(2).await;
    let told: Vec<Value> = got.iter().map(|one| json!([one.json()["group_name"], one.json()["change"]])).collect();
    assert_eq!(told, [json!(["Night drivers", "subject"]), json!(["Day drivers", "subject"])]);
    shop.world.stop().await;
}

/// Every time that programs are told has the one form of the documents, `2026-05-08T10:00:00Z`, at any millisecond.
#[tokio::test]
async fn times_have_one_form() {
    let receiver = Receiver::start().await;
    let entry = for_everything(&receiver.address);
    let shop = Shop::start_with(|config| config.egress.allow = vec![entry]).await;
    shop.world.later(Duration::from_millis(41));
    let hook = WebhookCreate { account: shop.world.account, url: receiver.url(), ..Default::default() };
    shop.world.command(WebhookCreate { events: vec!["message.received".into()], ..hook }).await.expect("an endpoint");
    shop.world.hears("+966501234567", "hello").await;
    let send = json!({"clientId": INSTANCE, "number": "966501234567", "message": "Your order is ready."});
    assert_eq!(shop.post("/api/send-message", &send).await.status, 200);
    let later = json!({"clientId": INSTANCE, "number": "966501234567", "message": "x",
                       "scheduleTime": "2026-06-02T08:00:00.250Z"});
    assert_eq!(shop.post("/schedule-message", &later).await.status, 201);
    let mut answers = vec![receiver.wait_for(1).await[0].json()];
    for path in ["sent-messages", "received-messages/shop-line", "logs"] {
        answers.push(shop.get(&format!("/api/{path}")).await.json());
    }
    answers.push(shop.get("/scheduled-messages").await.json());
    let mut found = Vec::new();
    answers.iter().for_each(|answer| times(answer, &mut found));
    assert!(found.len() >= 6, "{found:?}");
    let wrong: Vec<&String> = found.iter().filter(|time| time.len() != "2026-05-08T10:00:00Z".len()).collect();
    assert_eq!(wrong, Vec::<&String>::new());
    shop.world.stop().await;
}

/// Every text of a value that is a time.
fn times(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => found.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|one| times(one, found)),
        Value::Object(all) => all.values().for_each(|one| times(one, found)),
        _ => {}
    }
}
