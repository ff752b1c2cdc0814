//! The documented order of the checks: of two that a request fails, the earlier one answers.
//!
//! [`NEIGHBOURS`] is the order. Each check is also broken alone, so that a pair proves something.

use crate::harness::{
    contract::assert_refused,
    http::Reply,
    world::{PHONE, SPAM, World, message, message_to, message_with},
};
use Check::*;
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::config::Config;

/// What a request can be refused for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Check {
    MediaType,
    KeyInvalid,
    KeyRevoked,
    TooLarge,
    Json,
    Fields,
    Module,
    Plan,
    Instance,
    /// A field that only the instance or the moment makes wrong.
    Capability,
    PurposeMissing,
    PurposeNotAllowed,
    Daily,
    Monthly,
    Suppressed,
    InstanceRate,
    RecipientRate,
    Authentication,
    Behaviour,
    Paused,
    Content,
    Provider,
}

/// Each check and the one after it. Where two exclude each other, their neighbours stand for them.
const NEIGHBOURS: [(Check, Check); 26] = [
    (MediaType, KeyInvalid),
    (MediaType, KeyRevoked),
    (KeyInvalid, TooLarge),
    (KeyRevoked, TooLarge),
    (KeyInvalid, Json),
    (KeyRevoked, Json),
    (TooLarge, Json),
    (Json, Module),
    (Fields, Module),
    (Module, Plan),
    (Plan, Instance),
    (Instance, Capability),
    (Instance, PurposeMissing),
    (Capability, PurposeMissing),
    (Capability, PurposeNotAllowed),
    (PurposeMissing, Daily),
    (PurposeNotAllowed, Daily),
    (Daily, Monthly),
    (Monthly, Suppressed),
    (Suppressed, InstanceRate),
    (InstanceRate, RecipientRate),
    (RecipientRate, Authentication),
    (Authentication, Behaviour),
    (Behaviour, Paused),
    (Paused, Content),
    (Content, Provider),
];

impl Check {
    const fn code(self) -> &'static str {
        match self {
            MediaType => "unsupported_media_type",
            KeyInvalid => "invalid_api_key",
            KeyRevoked => "revoked_api_key",
            TooLarge => "payload_too_large",
            Json => "invalid_json",
            Fields | Capability => "validation_error",
            Module => "module_not_enabled",
            Plan => "active_plan_required",
            Instance => "invalid_instance",
            PurposeMissing => "message_purpose_required",
            PurposeNotAllowed => "message_purpose_not_allowed",
            Daily => "daily_message_limit_exceeded",
            Monthly => "monthly_message_limit_exceeded",
            Suppressed => "recipient_suppressed",
            InstanceRate | RecipientRate | Authentication | Behaviour => "sending_throttled",
            Paused => "instance_paused_for_review",
            Content => "policy_violation",
            Provider => "gateway_send_failed",
        }
    }

    /// What `details.rate` says, where several checks have one code.
    const fn rate(self) -> Option<&'static str> {
        match self {
            InstanceRate => Some("instance"),
            RecipientRate => Some("recipient"),
            Authentication => Some("authentication"),
            Behaviour => Some("health"),
            _ => None,
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
    assert_eq!(seen.len(), 22, "a check stands in no pair");
}

fn assert_answers(reply: &Reply, check: Check) {
    match check {
        // Its fields, its limits and its score are its own.
        Fields | Capability | Daily | Monthly | Content => assert_eq!(reply.error(), check.code(), "{}", reply.body),
        _ => assert_refused(reply, check.code()),
    }
    assert_eq!(reply.json()["details"]["rate"].as_str(), check.rate(), "{check:?}: {}", reply.body);
}

/// The answer to a request that fails these checks.
async fn refused(broken: &[Check]) -> Reply {
    let is = |check| broken.contains(&check);
    let world = World::start_with(|config| configure(config, broken)).await;
    prepare(&world, broken).await;
    let content_type = if is(MediaType) { "text/plain" } else { "application/json" };
    let key = if is(KeyInvalid) { "wg_live_wrong" } else { world.key.as_str() };
    let headers = [format!("Content-Type: {content_type}"), format!("Authorization: Bearer {key}")];
    let mut body = body(broken).to_string();
    if is(Json) {
        body.pop();
    }
    if is(TooLarge) {
        body += &" ".repeat(256 * 1024);
    }
    let reply = world.post_raw(&headers, body.as_bytes()).await;
    world.stop().await;
    reply
}

/// Rates are off but for those that are to be broken; then the first message takes all there is.
fn configure(config: &mut Config, broken: &[Check]) {
    let or_off = |check, figure| if broken.contains(&check) { figure } else { 0 };
    config.sending.answer_timeout = Duration::from_secs(1);
    let guard = &mut config.guard;
    guard.throttle_per_minute = or_off(InstanceRate, 1);
    guard.throttle_burst = 1;
    guard.recipient_per_minute = or_off(RecipientRate, 1);
    guard.recipient_burst = 1;
    guard.authentication_limit = or_off(Authentication, 1);
    guard.health_min_messages = 0;
    guard.health_failed_percent = or_off(Behaviour, 1);
    // Far from pausing.
    guard.health_pause_factor = 200;
}

fn body(broken: &[Check]) -> Value {
    let is = |check| broken.contains(&check);
    let mut body = if is(Authentication) { code() } else { message() };
    let members = [
        (Fields, "message", json!(7)),
        (Instance, "instance_id", json!("nobodys-line")),
        (Capability, "expires_at", json!("2020-01-01T00:00:00Z")),
        (PurposeMissing, "message_purpose", json!(null)),
        (PurposeNotAllowed, "message_purpose", json!("marketing")),
        (Content, "message", json!(SPAM)),
    ];
    for (_, name, value) in members.into_iter().filter(|(check, ..)| is(*check)) {
        body[name] = value;
    }
    body
}

fn code() -> Value {
    message_with(json!({"message": "Your code is 482913.", "message_purpose": "authentication"}))
}

/// Whatever has to be sent, said or done before.
async fn prepare(world: &World, broken: &[Check]) {
    let is = |check| broken.contains(&check);
    if is(InstanceRate) || is(RecipientRate) || is(Authentication) {
        let first = if is(Authentication) { code() } else { message_to(PHONE) };
        assert_eq!(world.send(&first).await.status, 200);
    }
    if is(Behaviour) {
        world.sandbox("fail", "refuse").await;
        assert_eq!(world.send(&message_to("+966509999999")).await.status, 502);
        world.sandbox("fail", "").await;
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
    if is(KeyRevoked) {
        world.revoke_key().await;
    }
}
