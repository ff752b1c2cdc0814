//! Notices: opened with their cause, cleared with its end, once a period for limits; and the audit of webhooks.

use crate::harness::{
    receiver::Receiver,
    wait,
    world::{INSTANCE, PHONE, World, message, message_to},
};
use serde_json::{Value, json};
use wa_gateway::{
    accounts::{
        Scope,
        notices::{self, Notice, NoticeScope},
    },
    app::commands::{InstanceDelete, WebhookCreate, WebhookDelete, WebhookDisable, WebhookEnable, WebhookRotate},
    model::{clock::Clock, ids::AccountId},
    store::StoreError,
};

const fn own(account: AccountId) -> NoticeScope {
    NoticeScope { scope: Scope::Account(account), with_appliance: false }
}

async fn open(world: &World) -> Vec<Notice> {
    let account = AccountId(world.account);
    let read = world.gateway().store.read(move |tx| notices::list(tx, own(account), false));
    read.await.map_err(|e: StoreError| e.to_string()).expect("a list")
}

async fn kinds(world: &World) -> Vec<String> {
    open(world).await.into_iter().map(|n| n.kind).collect()
}

#[tokio::test]
async fn an_instance_that_drops_or_is_paused_is_a_notice_until_it_is_back() {
    let world = World::start().await;
    let phone = world.gateway().registry.sandbox(&wa_gateway::model::ids::InstanceId::from_text(INSTANCE));
    let phone = phone.expect("a sandbox");
    phone.set_state("close".parse_state(), Some("logged out")).await.expect("told");
    let told = open(&world).await;
    assert_eq!((told.len(), told[0].kind.as_str(), told[0].subject.as_str()), (1, "instance_disconnected", INSTANCE));
    assert_eq!(told[0].parameters["reason"], "logged out");
    phone.set_state("open".parse_state(), None).await.expect("told");
    assert_eq!(kinds(&world).await, Vec::<String>::new());
    world.pause().await;
    assert_eq!(kinds(&world).await, ["instance_paused"]);
    world.resume().await;
    assert_eq!(kinds(&world).await, Vec::<String>::new());
    world.pause().await;
    world.command(InstanceDelete { id: INSTANCE.into() }).await.expect("deleted");
    assert_eq!(kinds(&world).await, Vec::<String>::new(), "nobody can mend what is gone");
    world.stop().await;
}

trait ParseState {
    fn parse_state(&self) -> wa_gateway::model::instance::InstanceState;
}

impl ParseState for str {
    fn parse_state(&self) -> wa_gateway::model::instance::InstanceState {
        wa_gateway::model::instance::InstanceState::parse(self).expect("a state")
    }
}

#[tokio::test]
async fn a_limit_is_told_at_four_fifths_and_at_its_end_once_a_period() {
    let world = World::start().await;
    world.grant(Some(5), None).await;
    for n in 0..3 {
        world.send(&message_to(&format!("+96650123456{n}"))).await;
    }
    assert_eq!(kinds(&world).await, Vec::<String>::new());
    world.send(&message()).await;
    let near = open(&world).await;
    assert_eq!(near[0].parameters, json!({"period": "2026-06-01", "limit": 5, "used": 4}));
    let (account, id, now) = (AccountId(world.account), near[0].id, world.clock.now());
    let away = world.gateway().store.write(move |tx| notices::dismiss(tx, own(account), id, now));
    assert!(away.await.map_err(|e: StoreError| e.to_string()).expect("written"));
    // A message that fails gives its place back, and the next one takes it again: nobody is told twice.
    world.sandbox("fail", "refuse").await;
    world.send(&message_to("+966501234577")).await;
    assert_eq!(kinds(&world).await, ["limit_reached"]);
    world.sandbox("fail", "none").await;
    world.send(&message_to("+966501234578")).await;
    assert_eq!(kinds(&world).await, ["limit_reached"]);
    assert_eq!(world.number("SELECT count(*) FROM notices").await, 2);
    world.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_a_notice_and_every_change_is_audited() {
    let receiver = Receiver::start().await;
    let entry = receiver.address.to_string().parse().expect("an entry");
    let world = World::start_with(|config| config.egress.allow = vec![entry]).await;
    let events = vec!["message.received".to_owned()];
    let request = WebhookCreate { account: world.account, url: receiver.url(), events, ..Default::default() };
    let id = world.command(request).await.expect("made")["id"].as_i64().expect("an id");
    receiver.answer_next("410 Gone");
    world.hears(PHONE, "hello").await;
    receiver.wait_for(1).await;
    wait::until("it is told", async || !open(&world).await.is_empty()).await;
    let told = open(&world).await;
    assert_eq!((told[0].kind.as_str(), &told[0].parameters["url"]), ("endpoint_disabled", &json!(receiver.url())));
    world.command(WebhookRotate { id }).await.expect("rotated");
    world.command(WebhookEnable { id }).await.expect("enabled");
    assert_eq!(kinds(&world).await, Vec::<String>::new());
    world.command(WebhookDisable { id }).await.expect("disabled");
    world.command(WebhookDelete { id }).await.expect("deleted");
    let audit = world.gateway().store.read(|tx| {
        tx.list("SELECT action, actor FROM audit WHERE action LIKE 'webhook.%' ORDER BY id", [], |r| {
            Ok(json!([r.get::<_, String>(0)?, r.get::<_, String>(1)?]))
        })
    });
    let audit: Vec<Value> = audit.await.map_err(|e: StoreError| e.to_string()).expect("a list");
    let expected = json!([
        ["webhook.create", "cli"],
        ["webhook.disable", "gateway"],
        ["webhook.rotate", "cli"],
        ["webhook.enable", "cli"],
        ["webhook.disable", "cli"],
        ["webhook.delete", "cli"]
    ]);
    assert_eq!(json!(audit), expected);
    let secrets =
        world.number("SELECT count(*) FROM audit WHERE coalesce(before, '') || coalesce(after, '') LIKE '%whsec%'");
    assert_eq!(secrets.await, 0);
    world.stop().await;
}
