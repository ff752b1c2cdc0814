//! What the pages will stand on: scopes, the checker of requests, what is kept and for how long.

use crate::harness::{
    pbx::{call, reply_to},
    world::{INSTANCE, PHONE, World},
};
use serde_json::{Value, json};
use std::{net::IpAddr, time::Duration};
use wa_gateway::accounts::Scope;
use wa_gateway::app::root::everybody;
use wa_gateway::{
    app::commands::{ThreecxRotate, ThreecxSettings},
    dialects::threecx::{
        Actor, EventType, Examination, IntegrationId, NewIntegration, Payload, Presented, SettingsChange, ThreecxError,
        Via,
    },
    model::{
        clock::Clock,
        ids::{AccountId, InstanceId},
    },
};

const OWNER: Actor<'_> = Actor { actor: "o@shop.example", is_admin: false };

fn object(value: &Value) -> Payload {
    Payload::Object(value.as_object().expect("an object").clone())
}

#[tokio::test]
async fn another_accounts_integration_is_like_none_at_all() {
    let world = World::start().await;
    let pbx = world.pbx(ThreecxSettings::default()).await;
    let other = AccountId(world.new_account("Other", "growth").await);
    let threecx = &world.gateway().threecx;
    let (theirs, none) = (IntegrationId::from_text(pbx.id.clone()), IntegrationId::from_text("tcx_none"));
    let (own, scope) = (Scope::Account(AccountId(world.account)), Scope::Account(other));
    let change = || SettingsChange { outbound: Some(false), ..SettingsChange::default() };
    for id in [&theirs, &none] {
        let said = [
            threecx.find(id, scope).await.map(drop),
            threecx.update(id, scope, change(), OWNER).await.map(drop),
            threecx.rotate(id, scope, OWNER).await.map(drop),
            threecx.templates(id, scope).await.map(drop),
            threecx.save_template(id, scope, (EventType::Voicemail, Some(true), None), OWNER).await.map(drop),
            threecx.requests(id, scope).await.map(drop),
            threecx.test_forward(id, scope).await.map(drop),
        ];
        for one in said {
            assert!(matches!(one, Err(ThreecxError::NotFound(ref named)) if named == id), "{one:?}");
        }
    }
    assert!(threecx.list(scope).await.expect("a list").is_empty());
    assert!(threecx.monitor(scope).await.expect("a list").is_empty());
    assert!(threecx.find(&theirs, own).await.expect("one's own").settings.outbound);
    // An instance of somebody else is none, and the strict mode is not an owner's to end.
    let new =
        NewIntegration { account: other, instance: InstanceId::from_text(INSTANCE), change: SettingsChange::default() };
    assert!(matches!(threecx.create(new, OWNER).await, Err(ThreecxError::Invalid(_))));
    let free = SettingsChange { strict_mode: Some(false), ..SettingsChange::default() };
    assert!(matches!(threecx.update(&theirs, own, free, OWNER).await, Err(ThreecxError::NotAllowed(_))));
    world.stop().await;
}

#[tokio::test]
async fn a_request_can_be_examined_without_a_trace() {
    let world = World::start().await;
    let settings = ThreecxSettings { signing: Some(true), call_events: Some(true), ..Default::default() };
    let pbx = world.pbx(settings).await;
    let threecx = &world.gateway().threecx;
    let id = IntegrationId::from_text(pbx.id.clone());
    let stamp = world.clock.now().seconds().to_string();
    let examined = async |body: &Value, secret: &str| -> Examination {
        let bytes = body.to_string();
        let signature = pbx.signature(&stamp, bytes.as_bytes());
        let shown = Presented {
            id: "",
            via: Via::Webhook,
            secret: Some(secret),
            timestamp: Some(&stamp),
            signature: Some(&signature),
            address: "192.0.2.1".parse::<IpAddr>().expect("an address"),
        };
        threecx.examine(&id, everybody(), &shown, (bytes.as_bytes(), object(body))).await.expect("a finding")
    };
    let found = examined(&reply_to(PHONE), "wrong").await;
    assert_eq!(found.not_authentic, ["the secret is missing or wrong"]);
    assert_eq!(found.refused_with, Some("conversation_window_closed"));
    world.hears(PHONE, "Hello?").await;
    let found = examined(&reply_to(PHONE), &pbx.secret).await;
    assert_eq!((found.not_authentic.len(), found.refused_with), (0, None));
    assert_eq!(found.text.as_deref(), Some("Your support request has been updated."));
    assert!(found.explanation.contains("+9665****567") && !found.explanation.contains(PHONE), "{found:?}");
    let found = examined(&call("missed_call", PHONE), &pbx.secret).await;
    assert!(found.explanation.contains("template_disabled"), "{found:?}");
    assert!(examined(&json!({"event_type": "test"}), &pbx.secret).await.refused_with.is_none());
    assert!(world.inbox().await.is_empty() && threecx.requests(&id, everybody()).await.expect("a log").is_empty());
    assert_eq!(threecx.rejected(&id).count, 0);
    // The signature that was looked at is still good, once.
    let body = json!({"event_type": "test"}).to_string();
    let headers = pbx.signed(&stamp, body.as_bytes());
    assert_eq!(world.event_raw(&pbx, &headers, body.as_bytes()).await.status, 200);
    let found = examined(&json!({"event_type": "test"}), &pbx.secret).await;
    assert_eq!(found.not_authentic, ["the signature was used before"]);
    world.stop().await;
}

#[tokio::test]
async fn what_has_run_out_is_deleted() {
    let world = World::start().await;
    let pbx = world.pbx(ThreecxSettings { call_events: Some(true), ..Default::default() }).await;
    let signing = world.another_pbx(INSTANCE, ThreecxSettings { signing: Some(true), ..Default::default() }).await;
    world.template(&pbx, "missed_call", None).await;
    world.hears(PHONE, "Hello?").await;
    assert_eq!(world.event(&pbx, &call("missed_call", PHONE)).await.json()["status"], "sent");
    let body = json!({"event_type": "test"}).to_string();
    let headers = signing.signed(&world.clock.now().seconds().to_string(), body.as_bytes());
    assert_eq!(world.event_raw(&signing, &headers, body.as_bytes()).await.status, 200);
    let threecx = &world.gateway().threecx;
    let kept = "SELECT (SELECT count(*) FROM threecx_cooldowns) * 10 + (SELECT count(*) FROM threecx_signatures)";
    assert_eq!((world.number(kept).await, threecx.expire().await.expect("done")), (11, 0));
    world.later(Duration::from_secs(5 * 60 + 1));
    assert_eq!((threecx.expire().await.expect("done"), world.number(kept).await), (1, 10));
    world.later(Duration::from_secs(10 * 60));
    assert_eq!((threecx.expire().await.expect("done"), world.number(kept).await), (1, 0));
    world.stop().await;
}

#[tokio::test]
async fn who_changed_what_is_in_the_audit_without_secrets() {
    let world = World::start().await;
    let pbx = world.pbx(ThreecxSettings::default()).await;
    world.set_pbx(&pbx, ThreecxSettings { outbound: Some(false), ..Default::default() }).await;
    world.template(&pbx, "voicemail", Some("We will listen to it.")).await;
    world.command(ThreecxRotate { id: pbx.id.clone() }).await.expect("rotated");
    let read = world.gateway().store.read(|tx| {
        let sql = "SELECT action || ' ' || coalesce(before, '') || ' > ' || coalesce(after, '') FROM audit
                   WHERE action LIKE 'threecx.%' ORDER BY id";
        tx.list(sql, [], |r| r.get::<_, String>(0))
    });
    let lines = read.await.map_err(|e: wa_gateway::store::StoreError| e.to_string()).expect("lines");
    let actions: Vec<&str> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(actions, ["threecx.create", "threecx.update", "threecx.template", "threecx.rotate"]);
    assert!(lines[1].split(" > ").next().is_some_and(|before| before.contains("outbound")), "{lines:?}");
    assert!(!lines[1].split(" > ").nth(1).is_some_and(|after| after.contains("outbound")), "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains(&pbx.secret) && !line.contains(&pbx.signing)));
    world.stop().await;
}
