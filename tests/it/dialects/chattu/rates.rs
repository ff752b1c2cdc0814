//! How often somebody may ask: each bound with its documented number, its time, and whom it counts.

use super::{Shop, new_key};
use crate::harness::{
    http::{self, Reply},
    visitor::{PASSWORD, Visitor},
    world::INSTANCE,
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::config::Config;

/// A shop whose callers may come from several addresses, as behind a proxy, with the documents' bounds.
async fn shop() -> Shop {
    let behind_a_proxy = |config: &mut Config| {
        config.listen.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
        config.chattu.requests_per_15_minutes = Config::default().chattu.requests_per_15_minutes;
    };
    Shop::start_with(behind_a_proxy).await
}

async fn ask(shop: &Shop, from: &str, (method, path): (&str, &str), who: &[String], body: &Value) -> Reply {
    let mut headers = vec!["Content-Type: application/json".to_owned(), format!("X-Forwarded-For: {from}")];
    headers.extend_from_slice(who);
    let body = if body.is_null() { String::new() } else { body.to_string() };
    http::call(shop.world.address(), method, path, &headers, body.as_bytes()).await
}

fn key(text: &str) -> Vec<String> {
    vec![format!("x-api-key: {text}")]
}

fn session(visitor: &Visitor) -> Vec<String> {
    vec![format!("Cookie: session={}", visitor.cookies["session"]), "Sec-Fetch-Site: same-origin".into()]
}

fn is_limited(reply: &Reply, seconds: &str) {
    assert_eq!((reply.status, reply.json()["code"].as_str()), (429, Some("RATE_LIMITED")), "{}", reply.body);
    assert_eq!(reply.header("retry-after"), Some(seconds));
}

#[tokio::test]
async fn a_key_asks_a_hundred_times_in_15_minutes_from_one_address() {
    let shop = shop().await;
    let other = new_key(&shop.world, shop.world.account).await;
    let owner = Visitor::logged_in(&shop.world, "owner").await;
    let once =
        async |from: &str, who: &[String]| ask(&shop, from, ("GET", "/scheduled-messages"), who, &Value::Null).await;
    for n in 0..100 {
        assert_eq!(once("192.0.2.1", &key(&shop.key)).await.status, 200, "request {n}");
    }
    is_limited(&once("192.0.2.1", &key(&shop.key)).await, "900");
    assert_eq!(once("192.0.2.1", &key(&other)).await.status, 200, "another key");
    assert_eq!(once("192.0.2.2", &key(&shop.key)).await.status, 200, "another address");
    for _ in 0..101 {
        assert_eq!(once("192.0.2.1", &session(&owner)).await.status, 200, "requests without a key are not counted");
    }
    shop.world.later(Duration::from_secs(900));
    assert_eq!(once("192.0.2.1", &key(&shop.key)).await.status, 200);
    shop.world.stop().await;
}

#[tokio::test]
async fn ten_deletions_in_15_minutes_from_one_address() {
    let shop = shop().await;
    let delete =
        async |from: &str| ask(&shop, from, ("DELETE", "/scheduled-messages/77"), &key(&shop.key), &Value::Null).await;
    for _ in 0..10 {
        assert_eq!(delete("192.0.2.1").await.status, 404);
    }
    is_limited(&delete("192.0.2.1").await, "900");
    assert_eq!(delete("192.0.2.2").await.status, 404, "another address");
    shop.world.later(Duration::from_secs(900));
    assert_eq!(delete("192.0.2.1").await.status, 404);
    shop.world.stop().await;
}

#[tokio::test]
async fn five_passwords_in_an_hour_from_one_address() {
    let shop = shop().await;
    let owner = Visitor::logged_in(&shop.world, "owner").await;
    let path = format!("/clients/{INSTANCE}");
    let delete = async |from: &str, password: &str| {
        ask(&shop, from, ("DELETE", &path), &session(&owner), &json!({"password": password})).await
    };
    for _ in 0..5 {
        assert_eq!(delete("192.0.2.1", "a guess").await.status, 403);
    }
    is_limited(&delete("192.0.2.1", PASSWORD).await, "3600");
    assert_eq!(shop.get("/api/profile").await.json()["clientCount"], 1, "it is still there");
    let renew = json!({"username": "owner@shop.example", "currentApiKey": "nonsense"});
    for _ in 0..5 {
        let reply = ask(&shop, "192.0.2.1", ("POST", "/api/reset-api-key"), &[], &renew).await;
        assert_eq!(reply.status, 401, "keys are counted for themselves");
    }
    is_limited(&ask(&shop, "192.0.2.1", ("POST", "/api/reset-api-key"), &[], &renew).await, "3600");
    assert_eq!(
        ask(&shop, "192.0.2.2", ("POST", "/api/reset-api-key"), &[], &renew).await.status,
        401,
        "another address"
    );
    is_limited(&delete("192.0.2.2", PASSWORD).await, "30");
    // The session's own count, which is over soon; another address has a share of its own.
    shop.world.later(Duration::from_secs(31));
    assert_eq!(delete("192.0.2.2", PASSWORD).await.status, 200);
    shop.world.stop().await;
}

#[tokio::test]
async fn a_session_asks_for_chats_sixty_times_a_minute() {
    let shop = shop().await;
    let (first, second) =
        (Visitor::logged_in(&shop.world, "owner").await, Visitor::logged_in(&shop.world, "owner").await);
    let path = format!("/api/chats/{INSTANCE}");
    let once = async |who: &Visitor, from: &str| ask(&shop, from, ("GET", &path), &session(who), &Value::Null).await;
    for _ in 0..60 {
        assert_eq!(once(&first, "192.0.2.1").await.status, 200);
    }
    is_limited(&once(&first, "192.0.2.2").await, "60");
    let group = format!("/api/groups/{INSTANCE}/120363123456789012@g.us/send");
    let to_group = ask(&shop, "192.0.2.1", ("POST", &group), &session(&first), &json!({"message": "x"})).await;
    is_limited(&to_group, "60");
    assert_eq!(once(&second, "192.0.2.1").await.status, 200, "the same person in another browser");
    shop.world.later(Duration::from_secs(60));
    assert_eq!(once(&first, "192.0.2.1").await.status, 200);
    shop.world.stop().await;
}
