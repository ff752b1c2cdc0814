//! The contract's table, row by row, and its order: of two that a request fails, the earlier one answers. [`NEIGHBOURS`]
//! is the order. Each check is also broken alone, so that a pair proves something.

use crate::harness::{
    contract,
    http::Reply,
    pbx::{Pbx, call, reply_to},
    world::{INSTANCE, PHONE, SPAM, World, message_to},
};
use Check::*;
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::app::root::everybody;
use wa_gateway::{app::commands::ThreecxSettings, config::Config};

/// What a proven request can be refused for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Check {
    TooLarge,
    Rate,
    Json,
    ContentType,
    Module,
    Plan,
    EventType,
    Outbound,
    CallEvents,
    Phone,
    Text,
    /// Longer than a message can be.
    LongText,
    PurposeMissing,
    PurposeNotAllowed,
    Window,
    NeverWrote,
    Daily,
    Monthly,
    Suppressed,
    Throttled,
    Paused,
    Content,
    Provider,
}

/// Each check and the one after it. Where two exclude each other, their neighbours stand for them.
const NEIGHBOURS: [(Check, Check); 31] = [
    (TooLarge, Rate),
    (Rate, Json),
    (Rate, ContentType),
    (Json, Module),
    (ContentType, Module),
    (Module, Plan),
    (Module, EventType),
    (Plan, EventType),
    (Plan, Outbound),
    (EventType, Phone),
    (Outbound, Phone),
    (CallEvents, Phone),
    (Outbound, Text),
    (Phone, Text),
    (Phone, LongText),
    (Text, PurposeMissing),
    (Text, PurposeNotAllowed),
    (LongText, PurposeMissing),
    (PurposeMissing, Window),
    (PurposeNotAllowed, Window),
    (PurposeMissing, NeverWrote),
    (Window, Daily),
    (NeverWrote, Daily),
    (Window, Suppressed),
    (Daily, Monthly),
    (Monthly, Suppressed),
    (Suppressed, Throttled),
    (Throttled, Paused),
    (Paused, Content),
    (Content, Provider),
    (CallEvents, Window),
];

impl Check {
    const fn code(self) -> &'static str {
        match self {
            TooLarge => "payload_too_large",
            Rate => "webhook_rate_limited",
            Json | ContentType => "invalid_json",
            Module => "module_not_enabled",
            Plan => "active_plan_required",
            EventType => "unsupported_event_type",
            Outbound => "outbound_disabled",
            CallEvents => "call_events_disabled",
            Phone => "missing_phone",
            Text => "missing_message_text",
            LongText => "validation_error",
            PurposeMissing | PurposeNotAllowed => "message_purpose_not_allowed",
            Window | NeverWrote => "conversation_window_closed",
            Daily => "daily_message_limit_exceeded",
            Monthly => "monthly_message_limit_exceeded",
            Suppressed => "recipient_suppressed",
            Throttled => "sending_throttled",
            Paused => "instance_paused_for_review",
            Content => "policy_violation",
            Provider => "gateway_send_failed",
        }
    }

    /// The `details` that are documented for it, here or for the guard.
    fn details(self) -> Value {
        match self {
            Module => json!({"module": "3cx", "status": "not_in_plan"}),
            LongText => json!({"fields": ["message_text"]}),
            PurposeMissing => json!({"action": "block", "risk_score": 0}),
            PurposeNotAllowed => json!({"action": "block", "risk_score": 100}),
            Window | NeverWrote => json!({"action": "block"}),
            Daily | Monthly => json!({"action": "block", "risk_score": 90, "limit": 0, "used": 0}),
            Suppressed => json!({"action": "block", "risk_score": 100}),
            Throttled => json!({"action": "throttle", "risk_score": 65, "rate": "recipient"}),
            Paused => json!({"action": "pause_instance", "risk_score": 100}),
            _ => json!([]),
        }
    }
}

#[tokio::test]
async fn of_two_broken_neighbours_the_earlier_one_answers() {
    for (first, second) in NEIGHBOURS {
        let reply = refused(&[first, second]).await;
        assert_eq!(reply.error(), first.code(), "{first:?} before {second:?}: {}", reply.body);
        assert_answers(&reply, first);
    }
}

#[tokio::test]
async fn each_of_them_alone_is_broken_indeed() {
    let all = NEIGHBOURS.iter().flat_map(|(first, second)| [*first, *second]);
    let mut seen = Vec::new();
    for check in all {
        if !seen.contains(&check) {
            assert_answers(&refused(&[check]).await, check);
            seen.push(check);
        }
    }
    assert_eq!(seen.len(), 23, "a check stands in no pair");
    let codes: Vec<&str> = seen.iter().map(|check| check.code()).collect();
    for row in documented() {
        let code = row["error"].as_str().expect("a code").to_owned();
        // The first row is what is said before anything is proven; see proof.rs.
        assert!(codes.contains(&code.as_str()) || code == "invalid_3cx_webhook", "{code} is not tried");
    }
}

fn documented() -> Vec<Value> {
    serde_json::from_str(include_str!("../../../data/threecx-errors.json")).expect("a list of codes")
}

/// Holds an answer against its row: of the 3CX table, else of the guard's.
fn assert_answers(reply: &Reply, check: Check) {
    let code = check.code();
    let rows = documented().into_iter().chain(contract::documented()).chain(contract::ours());
    let row = rows.into_iter().find(|row| row["error"] == code).expect("a documented code");
    let body = reply.json();
    let members: Vec<_> = body.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["success", "error", "message", "details"], "{check:?}");
    assert_eq!((body["success"].clone(), &body["error"]), (json!(false), &row["error"]), "{check:?}: {body}");
    assert_eq!((json!(reply.status), &body["message"]), (row["status"].clone(), &row["message"]), "{check:?}");
    // Its score and its signals are its own.
    let expected = if check == Content { body["details"].clone() } else { check.details() };
    assert_eq!(body["details"], expected, "{check:?}");
    if check == Content {
        assert!(body["details"]["action"] == "block" && body["details"]["risk_score"].as_u64() >= Some(80), "{body}");
    }
    let wait = reply.header("retry-after").and_then(|text| text.parse::<u64>().ok());
    assert!(wait.is_some_and(|seconds| seconds > 0) || reply.status != 429, "{check:?}: {:?}", reply.headers);
    assert_eq!(reply.header("content-type"), Some("application/json"), "{check:?}");
}

/// The answer to a request that fails these checks.
async fn refused(broken: &[Check]) -> Reply {
    let is = |check| broken.contains(&check);
    let world = World::start_with(|config| configure(config, broken)).await;
    let settings = ThreecxSettings { outbound: Some(!is(Outbound)), ..Default::default() };
    let pbx = world.pbx(settings).await;
    prepare(&world, &pbx, broken).await;
    let mut body = body(broken).to_string();
    if is(Json) {
        body.pop();
    }
    if is(TooLarge) {
        body += &" ".repeat(256 * 1024);
    }
    let content_type = if is(ContentType) { "text/plain" } else { "application/json" };
    let headers = [pbx.secret_header(), format!("Content-Type: {content_type}")];
    let reply = world.event_raw(&pbx, &headers, body.as_bytes()).await;
    let line = world.last_request(&pbx).await;
    assert_eq!(line["outcome"], reply.error(), "the log knows: {line}");
    world.stop().await;
    reply
}

fn configure(config: &mut Config, broken: &[Check]) {
    config.sending.answer_timeout = Duration::from_secs(1);
    let guard = &mut config.guard;
    guard.throttle_per_minute = 0;
    guard.recipient_per_minute = if broken.contains(&Throttled) { 1 } else { 0 };
    guard.recipient_burst = 1;
}

fn body(broken: &[Check]) -> Value {
    let is = |check| broken.contains(&check);
    let mut body = if is(CallEvents) { call("missed_call", PHONE) } else { reply_to(PHONE) };
    let members = [
        (EventType, "event_type", json!("dial")),
        (Phone, "to", json!("101")),
        (Phone, "caller", json!("anonymous")),
        (Text, "message_text", json!(" \n")),
        (LongText, "message_text", json!("x".repeat(4097))),
        (PurposeMissing, "message_purpose", json!(null)),
        (PurposeNotAllowed, "message_purpose", json!("unknown")),
        (Content, "message_text", json!(SPAM)),
    ];
    for (_, name, value) in members.into_iter().filter(|(check, ..)| is(*check)) {
        body[name] = value;
    }
    body
}

/// Whatever has to be sent, said or done before.
async fn prepare(world: &World, pbx: &Pbx, broken: &[Check]) {
    let is = |check| broken.contains(&check);
    if !is(NeverWrote) {
        world.hears(PHONE, "Hello?").await;
    }
    if is(Window) {
        world.later(Duration::from_secs(24 * 3600));
    }
    if is(Rate) {
        for _ in 0..60 {
            let reply = world.event(pbx, &json!({"event_type": "test"})).await;
            assert_eq!(reply.status, 200, "{}", reply.body);
        }
    }
    if is(Throttled) {
        assert_eq!(world.send(&message_to(PHONE)).await.status, 200);
    }
    if is(Daily) || is(Monthly) {
        world.grant(is(Daily).then_some(0), is(Monthly).then_some(0)).await;
    }
    if is(Suppressed) {
        world.suppress(PHONE).await;
    }
    if is(Paused) {
        world.pause().await;
    }
    if is(Provider) {
        world.sandbox("fail", "refuse").await;
    }
    if is(Module) {
        world.take_module().await;
    }
    if is(Plan) {
        world.set_plan("none").await;
    }
}

#[tokio::test]
async fn a_module_that_is_switched_off_says_so() {
    let world = World::start().await;
    let pbx = world.pbx(ThreecxSettings::default()).await;
    let mut request = crate::harness::world::update(world.account);
    request.disable_module = Some("3cx".into());
    world.update_account(request).await;
    let reply = world.event(&pbx, &json!({"event_type": "test"})).await;
    assert_eq!((reply.status, reply.error()), (403, "module_not_enabled".into()));
    assert_eq!(reply.json()["details"], json!({"module": "3cx", "status": "disabled"}));
    world.stop().await;
}

#[tokio::test]
async fn every_purpose_of_the_documents_is_judged() {
    let world = World::start_with(|config| {
        config.guard.recipient_per_minute = 0;
        config.guard.throttle_per_minute = 0;
    })
    .await;
    let pbx = world.pbx(ThreecxSettings::default()).await;
    world.hears(PHONE, "Hello?").await;
    for (purpose, text, status) in [
        ("support", "One moment, please.", 200),
        ("operational", "The lift works again.", 200),
        ("transactional", "Your order #2041 has been shipped.", 200),
        ("internal_team", "Please approve request 12.", 200),
        ("authentication", "Your code is 482913.", 200),
        ("marketing", "x", 422),
        ("promotion", "x", 422),
        ("cold_outreach", "x", 422),
        ("bulk_campaign", "x", 422),
        ("political", "x", 422),
        ("unknown", "x", 422),
        ("Support", "x", 422),
    ] {
        let mut body = reply_to(PHONE);
        (body["message_purpose"], body["message_text"]) = (json!(purpose), json!(text));
        let reply = world.event(&pbx, &body).await;
        assert_eq!(reply.status, status, "{purpose}: {}", reply.body);
    }
    assert_eq!(world.inbox().await.len(), 5);
    assert_eq!(
        world.gateway().threecx.list(everybody()).await.expect("a list")[0].settings.instance.as_str(),
        INSTANCE
    );
    world.stop().await;
}
