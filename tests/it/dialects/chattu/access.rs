//! Who gets what: keys, sessions, accounts, rates, and the path that two contracts share.

use super::{
    GROUP, Shop, new_key,
    routes::{self, Route},
};
use crate::harness::{
    http::{self, Reply},
    visitor::{PASSWORD, Visitor},
    world::{INSTANCE, PHONE, SPAM, update},
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::app::commands::SandboxCall;

#[tokio::test]
async fn another_accounts_things_are_refused() {
    let shop = Shop::start().await;
    let other = shop.world.new_account("Other", "scale").await;
    shop.world.new_instance(other, "other-line").await;
    let key = new_key(&shop.world, other).await;
    let mut agent = Visitor::of_account(&shop.world, "owner", other, "owner@other.example").await;
    let made = json!({"clientId": INSTANCE, "number": PHONE, "message": "x", "scheduleTime": "2026-06-02T08:00:00Z"});
    let theirs = shop.post("/schedule-message", &made).await.json()["id"].clone();
    shop.world.hears(PHONE, "private").await;
    for path in [
        format!("/api/received-messages/{INSTANCE}"),
        format!("/api/incoming-calls/{INSTANCE}"),
        format!("/api/qr/{INSTANCE}"),
        format!("/api/groups/{INSTANCE}"),
    ] {
        let refused = shop.get_as(&key, &path).await;
        let nothing = shop.get_as(&key, &path.replace(INSTANCE, "no-such-line")).await;
        assert_eq!((refused.status, nothing.status), (403, 404), "{path}");
        assert_eq!(refused.json()["code"], "ACCESS_DENIED", "{path}");
    }
    let body = |client: &str| {
        json!({"clientId": client, "number": PHONE, "message": "x", "groupId": GROUP,
        "webhookUrl": "https://shop.example/hook", "scheduleTime": "2026-06-02T08:00:00Z"})
    };
    for path in ["/api/send-message", "/api/send-group-message", "/api/update-webhook", "/schedule-message"] {
        let refused = shop.post_as(&key, path, &body(INSTANCE)).await;
        let nothing = shop.post_as(&key, path, &body("no-such-line")).await;
        assert_eq!((refused.status, nothing.status), (403, 404), "{path}");
        assert_eq!(refused.json()["code"], "ACCESS_DENIED", "{path}");
    }
    for path in ["/scheduled-messages", "/api/sent-messages"] {
        assert_eq!(shop.get_as(&key, path).await.json(), json!([]), "{path}");
    }
    for path in ["", "/966501234567@c.us/messages", "/media/inb_1"] {
        let refused = agent.get(&format!("/api/chats/{INSTANCE}{path}")).await;
        let nothing = agent.get(&format!("/api/chats/no-such-line{path}")).await;
        assert_eq!((refused.status, nothing.status), (403, 404), "{path}");
    }
    let refused = agent.json("DELETE", &format!("/scheduled-messages/{theirs}"), &json!({})).await;
    assert_eq!(refused.status, 404);
    shop.world.stop().await;
}

#[tokio::test]
async fn a_client_key_is_good_for_its_client_alone() {
    let shop = Shop::start().await;
    shop.world.new_instance(shop.world.account, "second-line").await;
    let clients = shop.get("/api/clients").await.json();
    let of = |id: &str| {
        let all = clients.as_array().expect("a list");
        all.iter().find(|c| c["clientId"] == id).expect("it")["apiKey"].as_str().expect("a key").to_owned()
    };
    let key = of(INSTANCE);
    assert_ne!(key, of("second-line"));
    let body = |client: &str| json!({"clientId": client, "number": "966501234567", "message": "Your order is ready"});
    assert_eq!(shop.post_as(&key, "/api/send-message", &body(INSTANCE)).await.status, 200);
    assert_eq!(shop.post_as(&key, "/api/send-message", &body("second-line")).await.status, 403);
    for path in ["/api/clients", "/api/profile"] {
        assert_eq!(shop.get_as(&key, path).await.json()["code"], "ACCESS_DENIED", "{path}");
    }
    shop.world.stop().await;
}

#[tokio::test]
async fn two_contracts_share_a_path_and_not_their_keys() {
    let shop = Shop::start().await;
    let body = json!({"clientId": INSTANCE, "number": "966501234567", "message": "x"}).to_string();
    let post = async |more: &[String]| {
        let mut headers = vec!["Content-Type: application/json".to_owned()];
        headers.extend(more.iter().cloned());
        shop.world.post_raw(&headers, body.as_bytes()).await
    };
    let (bearer, key) = (format!("Authorization: Bearer {}", shop.world.key), format!("x-api-key: {}", shop.key));
    for headers in [vec![], vec![bearer.clone(), key.clone()]] {
        let refused = post(&headers).await;
        assert_eq!((refused.status, refused.error().as_str()), (401, "invalid_api_key"));
    }
    let crossed = post(&[format!("Authorization: Bearer {}", shop.key)]).await;
    assert_eq!((crossed.status, crossed.error().as_str()), (401, "invalid_api_key"));
    let crossed = post(&[format!("x-api-key: {}", shop.world.key)]).await;
    assert_eq!((crossed.status, crossed.json()["code"].as_str()), (401, Some("AUTH_ERROR")));
    assert_eq!(post(&[key]).await.status, 200);
    shop.world.stop().await;
}

#[tokio::test]
async fn the_guard_says_no_in_the_dialects_words() {
    let shop = Shop::start().await;
    let body = |more: Value| {
        let mut body = json!({"clientId": INSTANCE, "number": "966501234567", "message": "Your order is ready"});
        more.as_object().expect("an object").iter().for_each(|(name, value)| body[name] = value.clone());
        body
    };
    let refused = shop.post("/api/send-message", &body(json!({"message": SPAM}))).await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["code"], "POLICY_BLOCKED");
    assert_eq!(refused.json()["reason"], "policy_violation");
    assert!(refused.json()["details"]["signals"].is_array());
    let marketing = shop.post("/api/send-message", &body(json!({"message_purpose": "marketing"}))).await;
    assert_eq!(marketing.json()["reason"], "message_purpose_not_allowed");
    shop.world.hears(PHONE, "STOP").await;
    let stopped = shop.post("/api/send-message", &body(json!({}))).await;
    assert_eq!((stopped.status, &stopped.json()["reason"]), (403, &json!("recipient_suppressed")));
    for (more, status, code) in [
        (json!({"number": "hello"}), 400, "INVALID_REQUEST"),
        (json!({"message": ""}), 400, "INVALID_REQUEST"),
        (json!({"mediaUrl": "https://shop.example/file.exe"}), 400, "MEDIA_ERROR"),
        (json!({"clientId": "nobody"}), 404, "CLIENT_NOT_FOUND"),
    ] {
        let reply = shop.post("/api/send-message", &body(more.clone())).await;
        assert_eq!((reply.status, reply.json()["code"].as_str()), (status, Some(code)), "{more}");
    }
    shop.world.sandbox("fail", "refuse").await;
    let failed = shop.post("/api/send-message", &body(json!({"number": "966501234569"}))).await;
    assert_eq!((failed.status, &failed.json()["code"]), (502, &json!("SEND_FAILED")));
    let mut change = update(shop.world.account);
    change.disable_module = Some("chattu".into());
    shop.world.update_account(change).await;
    let off = shop.post("/api/send-message", &body(json!({}))).await;
    assert_eq!((off.status, &off.json()["code"]), (403, &json!("ACCESS_DENIED")));
    shop.world.stop().await;
}

#[tokio::test]
async fn whoever_asks_too_often_waits() {
    let shop = Shop::start_with(|config| config.chattu.requests_per_15_minutes = 2).await;
    assert_eq!(shop.get("/api/profile").await.status, 200);
    assert_eq!(shop.get("/api/logs").await.status, 200);
    let limited = shop.get("/api/logs").await;
    assert_eq!((limited.status, limited.json()["code"].as_str()), (429, Some("RATE_LIMITED")));
    assert_eq!(limited.header("retry-after"), Some("900"));
    shop.world.later(Duration::from_secs(900));
    assert_eq!(shop.get("/api/logs").await.status, 200);
    shop.world.stop().await;
}

#[tokio::test]
async fn a_session_does_nothing_for_pages_from_elsewhere_and_for_viewers() {
    let shop = Shop::start().await;
    let agent = Visitor::logged_in(&shop.world, "owner").await;
    let viewer = Visitor::logged_in(&shop.world, "viewer").await;
    let path = format!("/api/chats/{INSTANCE}/966501234567@c.us/send");
    let body = json!({"message": "hello"});
    let cookie = format!("Cookie: session={}", agent.cookies["session"]);
    let json = "Content-Type: application/json";
    for (kind, origin) in [
        (json, "Sec-Fetch-Site: cross-site"),
        (json, "Origin: https://evil.example"),
        (json, "Origin: null"),
        (json, "Referer: https://evil.example/page"),
        // What a form of an old browser could send from anywhere.
        ("Content-Type: text/plain", "Accept: */*"),
        ("Content-Type: application/x-www-form-urlencoded", "Accept: */*"),
        ("Content-Type: multipart/form-data; boundary=B", "Accept: */*"),
    ] {
        let headers = [cookie.clone(), kind.to_owned(), origin.to_owned()];
        let refused = http::call(shop.world.address(), "POST", &path, &headers, body.to_string().as_bytes()).await;
        assert_eq!((refused.status, refused.json()["code"].as_str()), (403, Some("ACCESS_DENIED")), "{origin}");
    }
    let mut viewer = viewer;
    assert_eq!(viewer.json("POST", &path, &body).await.status, 403);
    assert_eq!(viewer.get(&format!("/api/chats/{INSTANCE}")).await.status, 200);
    assert!(shop.world.inbox().await.is_empty());
    // A program has a cookie from a login of its own, and none of a browser's headers: as the documents print it.
    let headers = [cookie, json.to_owned()];
    let sent = http::call(shop.world.address(), "POST", &path, &headers, body.to_string().as_bytes()).await;
    assert_eq!(sent.status, 200, "{}", sent.body);
    let nobody = http::call(shop.world.address(), "GET", &format!("/api/chats/{INSTANCE}"), &[], &[]).await;
    assert_eq!((nobody.status, nobody.json()["code"].as_str()), (401, Some("AUTH_ERROR")));
    assert_eq!(shop.world.inbox().await.len(), 1);
    shop.world.stop().await;
}

/// Somebody of another account: what they show with each request.
struct Stranger {
    account_key: String,
    client_key: String,
    session: Visitor,
}

impl Stranger {
    /// The headers of each way in which they may come to a route of this kind.
    fn ways(&self, access: &str) -> Vec<Vec<String>> {
        let key = |text: &str| vec![format!("x-api-key: {text}")];
        let session = vec![format!("Cookie: session={}", self.session.cookies["session"]), SAME_ORIGIN.into()];
        match access {
            "account" => vec![key(&self.account_key)],
            "key" => vec![key(&self.account_key), key(&self.client_key)],
            "session" => vec![session],
            "either" => vec![key(&self.account_key), key(&self.client_key), session],
            _ => vec![Vec::new()],
        }
    }
}

const SAME_ORIGIN: &str = "Sec-Fetch-Site: same-origin";
const PRIVATE: &str = "Zaytoun-79-private";

/// Asks for a route with everything that any route wants, about this client and this scheduled message.
async fn ask(shop: &Shop, route: Route, who: &[String], client: &str, (scheduled, file): (&Value, &str)) -> Reply {
    let path = route.path.replace("{client_id}", client).replace("{chat_id}", "966501234567@c.us");
    let path = path.replace("{group_id}", GROUP).replace("{message_id}", file).replace("{id}", &scheduled.to_string());
    let body = json!({
        "clientId": client, "phoneNumber": "972501234568", "number": "972501234568", "groupId": GROUP, "message": "x",
        "webhookUrl": "https://shop.example/hook", "scheduleTime": "2026-06-02T08:00:00Z", "password": PASSWORD,
    });
    let mut headers = vec!["Content-Type: application/json".to_owned()];
    headers.extend_from_slice(who);
    let body = if route.method == "GET" { String::new() } else { body.to_string() };
    http::call(shop.world.address(), route.method, &path, &headers, body.as_bytes()).await
}

#[tokio::test]
async fn no_route_of_the_table_shows_or_touches_what_is_another_accounts() {
    let shop = Shop::start_with(|config| config.chattu.deletes_per_15_minutes = 0).await;
    shop.put_groups();
    let mut owner = Visitor::logged_in(&shop.world, "owner").await;
    shop.world.hears(PHONE, PRIVATE).await;
    let call = SandboxCall { instance: INSTANCE.into(), from: PHONE.into(), ..Default::default() };
    shop.world.command(call).await.expect("a call");
    let made =
        json!({"clientId": INSTANCE, "number": PHONE, "message": PRIVATE, "scheduleTime": "2026-06-02T08:00:00Z"});
    let scheduled = shop.post("/schedule-message", &made).await.json()["id"].clone();
    let sent = shop.post("/api/send-message", &made).await;
    assert_eq!(sent.status, 200, "{}", sent.body);
    let file = sent.json()["message"]["id"]["_serialized"].as_str().expect("an id").to_owned();
    let stranger = stranger(&shop).await;
    let marks = [INSTANCE, "966501234567", PRIVATE, &shop.key, "owner@shop.example", GROUP];
    // A name may be used in every account: adding it makes a client of their own, which `letter.rs` tries.
    let touches = |route: &Route| !["/ws", "/api/add-number"].contains(&route.path);
    for route in routes::table().into_iter().filter(touches) {
        let name = format!("{} {}", route.method, route.path);
        for way in stranger.ways(route.access) {
            let refused = ask(&shop, route, &way, INSTANCE, (&scheduled, &file)).await;
            let told = marks.iter().find(|mark| refused.body.contains(*mark));
            assert_eq!(told, None, "{name} tells another account's: {}", refused.body);
            let nothing = ask(&shop, route, &way, "no-such-line", (&json!(777), "msg_none")).await;
            match route.path {
                "/api/reset-api-key" => assert_eq!(refused.status, 400, "{}", refused.body),
                _ if route.method == "GET" && !route.path.contains('{') => {}
                // What is asked for by a number of its own says nothing about whose it is.
                _ if route.path.ends_with("{id}") => assert_eq!(refused.status, 404, "{name}"),
                _ => {
                    assert_eq!((refused.status, nothing.status), (403, 404), "{name}: {}", refused.body);
                    assert_eq!(refused.json()["code"], "ACCESS_DENIED", "{name}");
                }
            }
            // Through a client of their own, too; which they may delete.
            if route.method == "DELETE" && route.path.starts_with("/clients/") {
                continue;
            }
            let through = ask(&shop, route, &way, "other-line", (&scheduled, &file)).await;
            assert!(!through.body.contains(PRIVATE) && !through.body.contains(INSTANCE), "{name}: {}", through.body);
        }
    }
    assert_eq!(shop.get("/scheduled-messages").await.json()[0]["status"], "pending");
    assert_eq!(shop.get("/api/clients").await.json()[0]["clientId"], INSTANCE);
    assert_eq!(shop.world.inbox().await.len(), 1, "nobody sent anything in the account's name");
    assert_eq!(shop.world.number("SELECT count(*) FROM endpoints WHERE instance_id = 'shop-line'").await, 0);
    // The marks are there for whoever may see them: otherwise all this would prove nothing.
    for route in routes::table().into_iter().filter(|route| route.method == "GET" && route.path != "/ws") {
        let key = vec![format!("x-api-key: {}", shop.key)];
        let session = vec![format!("Cookie: session={}", owner.cookies["session"]), SAME_ORIGIN.into()];
        let way = if route.access == "session" { session } else { key };
        let seen = ask(&shop, route, &way, INSTANCE, (&scheduled, &file)).await;
        match route.path {
            // It has no code: it is connected. And the message has no file.
            "/api/qr/{client_id}" => assert_eq!(seen.status, 404),
            "/api/chats/{client_id}/media/{message_id}" => assert_eq!(seen.status, 400),
            path => assert!(marks.iter().any(|mark| seen.body.contains(mark)), "{path}: {}", seen.body),
        }
    }
    assert_eq!(owner.get(&format!("/api/chats/{INSTANCE}")).await.status, 200);
    shop.world.stop().await;
}

async fn stranger(shop: &Shop) -> Stranger {
    let other = shop.world.new_account("Other", "scale").await;
    shop.world.new_instance(other, "other-line").await;
    let account_key = new_key(&shop.world, other).await;
    let clients = shop.get_as(&account_key, "/api/clients").await.json();
    let client_key = clients[0]["apiKey"].as_str().expect("a key").to_owned();
    let session = Visitor::of_account(&shop.world, "owner", other, "owner@other.example").await;
    Stranger { account_key, client_key, session }
}
