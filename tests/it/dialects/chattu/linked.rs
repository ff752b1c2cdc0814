//! `POST /api/add-number` links a phone as the documents describe it: the code in the answer is scanned, and the client is
//! authenticated. Here on a server that the configuration names; with a build that has the connector, inside.

use super::Shop;
use crate::harness::{
    clock::TestClock,
    deps::for_everything,
    evolution::{Evolution, KEY},
    program::moment,
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use wa_gateway::model::instance::ConnectorKind;

/// How often it is looked before it is given up; a second of the gateway's time each.
const LOOKS: u32 = 600;

async fn until(shop: &Shop, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..LOOKS {
        if holds().await {
            return;
        }
        shop.world.later(Duration::from_secs(1));
        moment().await;
    }
    panic!("it never came to this: {what}");
}

async fn shop(server: &Evolution) -> Shop {
    let (entry, url) = (for_everything(&server.door.addr), server.url());
    let shop = Shop::start_with(|config| {
        config.egress.allow = vec![entry];
        config.chattu.new_client_connector = Some(ConnectorKind::Evolution);
        config.chattu.new_client_settings = vec![format!("base_url={url}"), format!("api_key={KEY}")];
    })
    .await;
    server.set_clock(shop.world.clock.clone());
    server.hooks_go_to(shop.world.address());
    shop
}

#[tokio::test]
async fn a_client_is_added_its_code_is_scanned_and_it_is_authenticated() {
    let server = Evolution::start(Arc::new(TestClock::at("2026-06-01T08:00:00Z"))).await;
    let shop = shop(&server).await;
    let add = json!({"clientId": "branch", "phoneNumber": "966500000001"});
    let added = shop.post("/api/add-number", &add).await;
    assert_eq!((added.status, &added.json()["status"]), (200, &json!("pending_auth")), "{}", added.body);
    until(&shop, "it is made at the server", async || server.has("branch")).await;
    server.with("branch", |i| i.qr = Some(("2@scan-me".into(), None, 1)));
    until(&shop, "a code is shown", async || shop.get("/api/qr/branch").await.status == 200).await;
    let again = shop.post("/api/add-number", &add).await.json();
    assert_eq!(again["message"], "QR Code generated for authentication", "{again}");
    assert!(again["qrCode"].as_str().is_some_and(|code| code.starts_with("data:image/png;base64,")), "{again}");

    server.with("branch", |i| {
        (i.state, i.paired, i.owner) = ("open".into(), true, Some("966500000001:7@s.whatsapp.net".into()));
    });
    let listed = async || shop.get("/api/clients").await.json().as_array().cloned().unwrap_or_default();
    let of_branch = async || listed().await.into_iter().find(|c| c["clientId"] == "branch").unwrap_or(Value::Null);
    until(&shop, "it is authenticated", async || of_branch().await["status"] == "Authenticated").await;
    assert_eq!(of_branch().await["connectedNumber"], "966500000001@c.us");
    let connected = shop.post("/api/add-number", &add).await.json();
    assert_eq!((&connected["status"], &connected["qrCode"]), (&json!("connected"), &Value::Null), "{connected}");
    let send = json!({"clientId": "branch", "number": "966501234567", "message": "Your order is ready."});
    let sent = {
        let waiting = shop.post("/api/send-message", &send);
        tokio::pin!(waiting);
        loop {
            tokio::select! {
                done = &mut waiting => break done,
                () = moment() => shop.world.later(Duration::from_secs(1)),
            }
        }
    };
    assert_eq!(sent.status, 200, "{}", sent.body);
    shop.world.stop().await;
}

#[tokio::test]
async fn what_the_settings_lack_is_told() {
    let shop = Shop::start_with(|config| {
        config.chattu.new_client_connector = Some(ConnectorKind::Evolution);
    })
    .await;
    let refused = shop.post("/api/add-number", &json!({"clientId": "branch", "phoneNumber": "966500000001"})).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    let told = refused.json()["error"].as_str().unwrap_or_default().to_owned();
    assert!(told.contains("base_url") && told.contains("chattu.new_client_settings"), "{told}");
    shop.world.stop().await;
}
