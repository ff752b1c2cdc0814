//! Every documented refusal over HTTP: status, whole body and headers, held against the contract's two tables.

use crate::harness::{
    contract::{assert_logged, assert_refused, assert_refused_with, documented, log_id, ours},
    http::{self, Reply},
    world::{INSTANCE, PHONE, SPAM, World, message, message_with, update},
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::app::commands::{KeyCreate, PolicyCheck};

/// No version of the sandbox can bring these about. `src/sending/policy/gates_tests.rs` has the first; nothing in the
/// gateway answers the second yet.
const NOT_BY_SANDBOX: [&str; 2] = ["conversation_window_closed", "rate_limited"];

#[tokio::test]
async fn each_of_the_documents_codes_answers_as_documented() {
    for row in documented() {
        let code = row["error"].as_str().expect("a code");
        let world = World::start().await;
        let (reply, figures) = provoke(&world, code).await;
        assert_refused_with(&reply, code, figures);
        assert_has_its_headers(&world, &reply, code).await;
        world.stop().await;
    }
}

#[tokio::test]
async fn each_code_of_ours_answers_as_documented() {
    for row in ours() {
        let code = row["error"].as_str().expect("a code");
        if NOT_BY_SANDBOX.contains(&code) {
            continue;
        }
        let world = World::start().await;
        let (reply, figures) = provoke(&world, code).await;
        assert_refused_with(&reply, code, figures);
        assert_has_its_headers(&world, &reply, code).await;
        world.stop().await;
    }
}

/// Brings a code about; answers with the answer, and what its figures must be where the table has examples.
async fn provoke(world: &World, code: &str) -> (Reply, Value) {
    let none = json!({});
    match code {
        "unsupported_media_type" => (world.post_raw(&key_only(world), b"{}").await, none),
        "invalid_api_key" => (world.send_with("wg_live_wrong", &message(), &[]).await, none),
        "revoked_api_key" => {
            world.revoke_key().await;
            (world.send(&message()).await, none)
        }
        "invalid_json" => (post_text(world, "{").await, none),
        "validation_error" => (world.send(&json!({})).await, none),
        "insufficient_scope" => (world.get("/api/messages").await, none),
        "address_not_allowed" => {
            let elsewhere =
                KeyCreate { account: world.account, addresses: vec!["192.0.2.7".into()], ..Default::default() };
            let made = world.command(elsewhere).await.expect("a key");
            (world.send_with(made["key"].as_str().expect("its text"), &message(), &[]).await, none)
        }
        "payload_too_large" => (post_text(world, &"x".repeat(256 * 1024 + 1)).await, none),
        "invalid_instance" => (world.send(&message_with(json!({"instance_id": "nobodys-line"}))).await, none),
        "message_purpose_required" => (world.send(&message_with(json!({"message_purpose": null}))).await, none),
        "message_purpose_not_allowed" => {
            (world.send(&message_with(json!({"message_purpose": "marketing"}))).await, none)
        }
        "not_found" => (world.get("/api/nothing").await, none),
        "method_not_allowed" => (world.get("/api/send-message").await, none),
        "not_cancellable" => {
            let sent = world.send(&message()).await.json();
            let headers = [format!("Authorization: Bearer {}", world.key), "Content-Type: application/json".to_owned()];
            let path = format!("/api/messages/{}/cancel", sent["log_id"]);
            (http::call(world.address(), "POST", &path, &headers, b"").await, none)
        }
        _ => provoke_by_state(world, code).await,
    }
}

/// Those that need something to be done first.
async fn provoke_by_state(world: &World, code: &str) -> (Reply, Value) {
    let mut figures = json!({});
    match code {
        "module_not_enabled" => world.take_module().await,
        "active_plan_required" => world.set_plan("none").await,
        "daily_message_limit_exceeded" => {
            world.grant(Some(2), None).await;
            send_well(world, 2).await;
            figures = json!({"limit": 2, "used": 2});
        }
        "monthly_message_limit_exceeded" => {
            world.grant(None, Some(3)).await;
            send_well(world, 3).await;
            figures = json!({"limit": 3, "used": 3});
        }
        "recipient_suppressed" => world.hears(PHONE, "STOP").await,
        // More than what fits into the wait for a slot.
        "sending_throttled" => return (burst(world).await, json!({"rate": "recipient"})),
        "instance_paused_for_review" => world.pause().await,
        "policy_violation" => {
            let score = score_of(world, SPAM).await;
            return (world.send(&message_with(json!({"message": SPAM}))).await, json!({"risk_score": score}));
        }
        "gateway_send_failed" => world.sandbox("fail", "refuse").await,
        "internal_error" => world.sql("ALTER TABLE usage_days RENAME TO lost_usage_days").await,
        "service_unavailable" => world.gateway().store.close().await,
        "idempotency_key_reused" => {
            send_well_with(world, "Idempotency-Key: k1").await;
            let other = message_with(json!({"message": "Your order #2042 has been shipped."}));
            return (world.send_with(&world.key, &other, &["Idempotency-Key: k1"]).await, figures);
        }
        "idempotency_in_progress" => return (ask_again_while_under_way(world).await, figures),
        other => panic!("no way is known to bring about {other}"),
    }
    (world.send(&message()).await, figures)
}

/// Which of them name a row, and how it ended there; which know the account and its limits.
async fn assert_has_its_headers(world: &World, reply: &Reply, code: &str) {
    let row = match code {
        // Nobody knows whose they are, or nothing could be written, or it is no request to send.
        "invalid_api_key"
        | "revoked_api_key"
        | "internal_error"
        | "service_unavailable"
        | "insufficient_scope"
        | "address_not_allowed"
        | "not_cancellable"
        | "not_found"
        | "method_not_allowed" => None,
        "gateway_send_failed" => Some("failed"),
        _ => Some("blocked"),
    };
    let Some(status) = row else {
        assert_eq!((reply.header("x-log-id"), reply.header("ratelimit")), (None, None), "{code}");
        return;
    };
    assert_logged(reply, status);
    let row = world.row(&json!(log_id(reply))).await;
    assert_eq!(row["status"], status, "{row}");
    assert_eq!(row["request_id"].as_str(), reply.header("x-request-id"), "{code}");
    if status == "blocked" {
        assert_eq!((&row["reason"], &row["decision"]["verdict"]), (&json!(code), &json!("refuse")), "{row}");
    }
    // Without a plan there are no limits to speak of.
    let has_limits = code != "active_plan_required";
    assert_eq!(reply.header("ratelimit").is_some(), has_limits, "{code}");
    assert_eq!(reply.header("ratelimit-policy").is_some(), has_limits, "{code}");
}

fn key_only(world: &World) -> Vec<String> {
    vec![format!("Authorization: Bearer {}", world.key)]
}

async fn post_text(world: &World, body: &str) -> Reply {
    let mut headers = key_only(world);
    headers.push("Content-Type: application/json; charset=utf-8".into());
    world.post_raw(&headers, body.as_bytes()).await
}

async fn send_well(world: &World, times: usize) {
    for _ in 0..times {
        assert_eq!(world.send(&message()).await.status, 200);
    }
}

async fn send_well_with(world: &World, header: &str) {
    assert_eq!(world.send_with(&world.key, &message(), &[header]).await.status, 200);
}

async fn score_of(world: &World, text: &str) -> Value {
    let request = PolicyCheck { text: text.into(), purpose: "transactional".into() };
    let score = world.command(request).await.expect("a score")["score"].clone();
    assert!(score.as_i64() >= Some(80), "the text is no spam any more: {score}");
    score
}

/// Five at once go to one person, the sixth waits its six seconds, the seventh would wait twelve.
async fn burst(world: &World) -> Reply {
    send_well(world, 5).await;
    let waits = world.send_meanwhile(&message(), &[]);
    world.somebody_waits(6).await;
    let reply = world.send(&message()).await;
    world.later(Duration::from_secs(6));
    assert_eq!(waits.await.expect("an answer").status, 200);
    reply
}

async fn ask_again_while_under_way(world: &World) -> Reply {
    world.sandbox("latency_ms", "4000").await;
    let first = world.send_meanwhile(&message(), &["Idempotency-Key: k1"]);
    world.somebody_waits(2).await;
    let reply = world.send_with(&world.key, &message(), &["Idempotency-Key: k1"]).await;
    assert!(reply.header("retry-after").is_some());
    world.step(&[2, 2]).await;
    assert_eq!(first.await.expect("an answer").status, 200);
    reply
}

#[tokio::test]
async fn each_wrong_field_is_named_in_the_documented_order() {
    let world = World::start().await;
    let rows = [
        (json!({"phone": null}), json!(["phone"])),
        (json!({"instance_id": 5, "message": null}), json!(["instance_id", "message"])),
        (json!({"message": " \n "}), json!(["message"])),
        (json!({"message": "م".repeat(4097)}), json!(["message"])),
        (json!({"message": "a\u{0}b"}), json!(["message"])),
        (json!({"phone": "call me", "message": 7, "reference": 5}), json!(["phone", "message", "reference"])),
        (json!({"phone": "0501234567"}), json!(["phone"])),
        (json!({"phone": "+9991234567"}), json!(["phone"])),
        (json!({"phone": "contact:999"}), json!(["phone"])),
        (json!({"media_url": "https://x.example/a.jpg", "file_name": ".."}), json!(["media_type", "file_name"])),
        (json!({"expires_at": "tomorrow"}), json!(["expires_at"])),
        (json!({"expires_at": "2020-01-01T00:00:00Z"}), json!(["expires_at"])),
        (json!({"reply_to": "msg_none"}), json!(["reply_to"])),
    ];
    for (members, fields) in rows {
        let reply = world.send(&message_with(members)).await;
        assert_refused_with(&reply, "validation_error", json!({"fields": fields}));
    }
    let long_key = format!("Idempotency-Key: {}", "k".repeat(256));
    let reply = world.send_with(&world.key, &message(), &[&long_key]).await;
    assert_refused_with(&reply, "validation_error", json!({"fields": ["Idempotency-Key"]}));
    assert_eq!(world.used().await, (0, 0));
    world.stop().await;
}

#[tokio::test]
async fn what_is_no_single_json_object_is_invalid_json() {
    let world = World::start().await;
    let doubled = format!(r#"{{"instance_id":"{INSTANCE}","phone":"{PHONE}","message":"a","message":"b"}}"#);
    for body in ["", "[]", "null", "{} {}", "{\"message\":}", doubled.as_str()] {
        assert_refused(&post_text(&world, body).await, "invalid_json");
    }
    let mut headers = key_only(&world);
    headers.push("content-type: APPLICATION/json".into());
    assert_refused(&world.post_raw(&headers, b"{\"message\":\"\xff\"}").await, "invalid_json");
    world.stop().await;
}

#[tokio::test]
async fn what_is_no_bearer_key_in_force_is_an_invalid_key() {
    let world = World::start().await;
    let json = "Content-Type: application/json".to_owned();
    let bearer = format!("Authorization: Bearer {}", world.key);
    let shorter = bearer[..bearer.len() - 1].to_owned();
    let rows: [Vec<String>; 6] = [
        vec![json.clone()],
        vec![json.clone(), "Authorization: Bearer".into()],
        vec![json.clone(), bearer.replace("Bearer", "Basic")],
        vec![json.clone(), shorter],
        vec![json.clone(), bearer.clone(), bearer.clone()],
        vec![json.clone(), bearer.clone(), "X-Api-Key: another".into()],
    ];
    for headers in rows {
        assert_refused(&world.post_raw(&headers, message().to_string().as_bytes()).await, "invalid_api_key");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_module_that_is_switched_off_is_told_apart_from_one_that_is_not_in_the_plan() {
    let world = World::start().await;
    let mut request = update(world.account);
    request.disable_module = Some("api_access".into());
    world.update_account(request).await;
    let reply = world.send(&message()).await;
    assert_refused_with(&reply, "module_not_enabled", json!({"status": "disabled"}));
    world.stop().await;
}

#[tokio::test]
async fn a_plan_that_ran_out_is_none() {
    let world = World::start().await;
    let mut request = update(world.account);
    request.plan_until = Some("2026-06-01T09:00:00Z".into());
    world.update_account(request).await;
    world.later(Duration::from_millis(3_599_999));
    assert_eq!(world.send(&message()).await.status, 200, "its last millisecond");
    world.later(Duration::from_millis(1));
    assert_refused(&world.send(&message()).await, "active_plan_required");
    world.stop().await;
}

#[tokio::test]
async fn an_instance_of_somebody_else_answers_like_none() {
    let world = World::start().await;
    let other = world.new_account("Other", "scale").await;
    world.new_instance(other, "other-line").await;
    world.new_instance(world.account, "second-line").await;
    let narrow = world.new_key(world.account, &["second-line"]).await;
    let theirs = world.send(&message_with(json!({"instance_id": "other-line"}))).await;
    assert_refused(&theirs, "invalid_instance");
    assert_refused(&world.send_with(&narrow, &message(), &[]).await, "invalid_instance");
    let own = world.send_with(&narrow, &message_with(json!({"instance_id": "second-line"})), &[]).await;
    assert_eq!(own.status, 200, "{}", own.body);
    world.stop().await;
}

#[tokio::test]
async fn the_six_purposes_that_are_not_served_and_every_spelling_but_the_exact_one() {
    let world = World::start().await;
    for purpose in ["marketing", "promotion", "cold_outreach", "bulk_campaign", "political", "Support", " support", "x"]
    {
        let reply = world.send(&message_with(json!({"message_purpose": purpose}))).await;
        assert_refused(&reply, "message_purpose_not_allowed");
    }
    let reply = world.send(&message_with(json!({"message_purpose": ""}))).await;
    assert_refused(&reply, "message_purpose_required");
    world.stop().await;
}

#[tokio::test]
async fn a_send_that_certainly_failed_gives_the_quota_back_and_one_that_nobody_knows_does_not() {
    let world = World::start().await;
    for (key, value) in [("fail", "refuse"), ("state", "close")] {
        world.sandbox(key, value).await;
        let reply = world.send(&message()).await;
        assert_refused(&reply, "gateway_send_failed");
        assert_logged(&reply, "failed");
        assert_eq!(world.used().await, (0, 0), "{key}={value}");
        assert_eq!(left(&reply), 1500, "{key}={value}");
        world.sandbox(key, "").await;
    }
    let reply = world.send_into_silence(&message(), &[]).await;
    assert_refused(&reply, "gateway_send_failed");
    assert_logged(&reply, "unknown");
    assert_eq!((world.used().await, left(&reply)), ((1, 1), 1499));
    assert_eq!(world.inbox().await.len(), 1, "it did arrive, and must not be sent again");
    world.stop().await;
}

/// What the answer says is left of the day.
fn left(reply: &Reply) -> u64 {
    let state = reply.header("ratelimit").expect("a RateLimit header");
    let rest = state.strip_prefix("\"daily\";r=").expect("the day comes first");
    rest.split(';').next().and_then(|n| n.parse().ok()).expect("a number")
}

#[tokio::test]
async fn answers_name_both_limits_and_when_they_end() {
    let world = World::start().await;
    let reply = world.send(&message()).await;
    let policy = "\"daily\";q=1500;w=86400, \"monthly\";q=30000;w=2592000";
    assert_eq!(reply.header("ratelimit-policy"), Some(policy));
    // 16 hours to midnight, and 29 days more to July.
    let state = format!("\"daily\";r=1499;t={}, \"monthly\";r=29999;t={}", 16 * 3600, 16 * 3600 + 29 * 86400);
    assert_eq!(reply.header("ratelimit"), Some(state.as_str()));
    world.stop().await;
}

#[tokio::test]
async fn a_path_with_another_method_names_the_right_ones() {
    let world = World::start().await;
    let rows = [("GET", "/api/send-message", "POST"), ("POST", "/api/messages/1", "GET"), ("PUT", "/healthz", "GET")];
    for (method, path, allowed) in rows {
        let reply = http::call(world.address(), method, path, &[], &[]).await;
        assert_refused(&reply, "method_not_allowed");
        assert_eq!(reply.header("allow"), Some(allowed), "{method} {path}");
    }
    for path in ["/api/send-message/", "/api", "/integrations/none", "/api/messages/1/2"] {
        let reply = http::call(world.address(), "GET", path, &[], &[]).await;
        assert_refused(&reply, "not_found");
    }
    world.stop().await;
}
