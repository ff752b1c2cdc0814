//! What opens a receiver's door: headers of the customer's own, and tokens in addresses. Both reach the receiver, and
//! nobody finds them in the database, in the audit or on a page afterwards.

use crate::harness::{
    receiver::Receiver,
    visitor::Visitor,
    world::{INSTANCE, PHONE, World},
};
use serde_json::{Value, json};
use std::fs;
use wa_gateway::{
    app::commands::{ThreecxCreate, ThreecxSettings, WebhookCreate, WebhookList, WebhookSet},
    store::StoreError,
};

/// Nothing else looks like it.
const CANARY: &str = "cAnArY7h1sIsAt0kEn";

async fn world_with(receiver: &Receiver) -> World {
    let entry = receiver.address.to_string().parse().expect("an entry");
    World::start_with(|config| config.egress.allow = vec![entry]).await
}

fn new(world: &World, url: String, headers: &[&str]) -> WebhookCreate {
    WebhookCreate {
        account: world.account,
        url,
        events: vec!["message.received".into()],
        headers: headers.iter().map(ToString::to_string).collect(),
        ..Default::default()
    }
}

/// Whether any file of the database holds the token.
fn is_in_a_file(world: &World) -> bool {
    let dir = &world.gateway().data_dir;
    let files = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    files.filter(|path| path.is_file()).any(|path| {
        let bytes = fs::read(&path).expect("a file");
        bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes())
    })
}

#[tokio::test]
async fn headers_of_the_customers_own_go_with_each_delivery_and_are_shown_once() {
    let receiver = Receiver::start().await;
    let world = world_with(&receiver).await;
    let made = world
        .command(new(&world, receiver.url(), &[&format!("Authorization: Bearer {CANARY}"), "X-Shop: 7"]))
        .await
        .expect("an endpoint");
    assert_eq!(made["headers"], json!({"authorization": format!("Bearer {CANARY}"), "x-shop": "7"}));
    world.hears(PHONE, "hello").await;
    let got = receiver.wait_for(1).await;
    assert_eq!(got[0].header("authorization"), format!("Bearer {CANARY}"));
    assert_eq!(got[0].header("x-shop"), "7");
    assert!(got[0].header("webhook-signature").starts_with("v1,"));
    let listed = world.command(WebhookList).await.expect("a list");
    assert_eq!(listed[0]["headers"], json!(["authorization", "x-shop"]));
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let page = owner.get("/webhooks/1").await.body;
    assert!(page.contains("authorization, x-shop") && !page.contains(CANARY), "{page}");
    assert!(!owner.get("/webhooks").await.body.contains(CANARY));
    assert!(!is_in_a_file(&world));
    // Others instead, on the page; and none.
    let id = made["id"].as_i64().expect("a number");
    let set = owner.post(&format!("/webhooks/{id}"), &[("do", "headers"), ("headers", "X-Other: new")]).await;
    assert!(set.status == 200 && set.body.contains("x-other: new"), "{}", set.body);
    world.hears(PHONE, "again").await;
    let got = receiver.wait_for(2).await;
    assert_eq!((got[1].header("x-other"), got[1].header("x-shop")), ("new", ""));
    world.command(WebhookSet { id, no_headers: true, ..Default::default() }).await.expect("none");
    world.hears(PHONE, "and again").await;
    assert_eq!(receiver.wait_for(3).await[2].header("x-other"), "");
    world.stop().await;
}

#[tokio::test]
async fn what_is_no_header_is_refused_with_what_would_be_right() {
    let receiver = Receiver::start().await;
    let world = world_with(&receiver).await;
    for (header, told) in [
        ("Authorization", "Name: value"),
        ("two words: x", "no name"),
        ("Host: evil.example", "sets host itself"),
        ("Webhook-Signature: v1,x", "itself"),
        ("X-Key: line\u{b}feed", "ASCII"),
    ] {
        let refused = world.command(new(&world, receiver.url(), &[header])).await.expect_err(header);
        assert!(refused.contains(told), "{header}: {refused}");
    }
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let form = [("url", receiver.url()), ("event", "message.received".into()), ("headers", "nonsense".into())];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let refused = owner.post("/webhooks", &form).await;
    assert!(refused.status == 422 && refused.body.contains("Name: value"), "{}", refused.body);
    assert_eq!(world.command(WebhookList).await.expect("a list"), json!([]));
    world.stop().await;
}

#[tokio::test]
async fn a_token_in_an_address_is_called_and_shown_to_nobody() {
    let receiver = Receiver::start().await;
    let world = world_with(&receiver).await;
    for at in [format!("{}?token={CANARY}", receiver.url()), format!("{}/{CANARY}/in", receiver.url())] {
        world.command(new(&world, at, &[])).await.expect("an endpoint");
    }
    let change =
        ThreecxSettings { destination: Some(format!("{}?key={CANARY}", receiver.url())), ..Default::default() };
    world.enable_threecx().await;
    let threecx = ThreecxCreate { account: world.account, instance: INSTANCE.into(), settings: change };
    world.command(threecx).await.expect("an integration");
    world.hears(PHONE, "hello").await;
    let got = receiver.wait_for(3).await;
    assert!(got.iter().all(|got| got.path.contains(CANARY)), "{got:?}");
    assert!(!is_in_a_file(&world), "the database holds none");
    let listed = world.command(WebhookList).await.expect("a list").to_string();
    let audit = world.gateway().store.read(|tx| {
        tx.one("SELECT group_concat(coalesce(before, '') || ' ' || coalesce(after, '')) FROM audit", [], |r| {
            r.get::<_, String>(0)
        })
    });
    let audit = audit.await.map_err(|e: StoreError| e.to_string()).expect("a text");
    assert!(audit.contains("token=***") && audit.contains("key=***"), "{audit}");
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let pages = [owner.get("/webhooks").await.body, owner.get("/integrations/3cx").await.body];
    let shown = [listed, audit];
    for text in shown.iter().chain(&pages) {
        assert!(!text.contains(CANARY), "{text}");
    }
    world.stop().await;
}

/// An earlier version kept addresses as they were typed: the next start seals them, and what was said of them.
#[tokio::test]
async fn what_lay_in_the_clear_is_sealed_by_the_next_start() {
    let receiver = Receiver::start().await;
    let mut world = world_with(&receiver).await;
    world.command(new(&world, receiver.url(), &[])).await.expect("an endpoint");
    let url = format!("{}?token={CANARY}", receiver.url());
    let told = url.clone();
    let written = world.gateway().store.write(move |tx| {
        tx.execute("UPDATE endpoints SET url = ?1, sealed_url = NULL", [&told])?;
        tx.execute("UPDATE audit SET after = ?1 || ' [...]' WHERE action = 'webhook.create'", [&told])
    });
    written.await.map_err(|e: StoreError| e.to_string()).expect("as before");
    world.restart().await;
    let rows = world.gateway().store.read(|tx| {
        tx.list(
            "SELECT url FROM endpoints UNION ALL SELECT after FROM audit WHERE action = 'webhook.create'",
            [],
            |r| r.get::<_, String>(0),
        )
    });
    let rows = rows.await.map_err(|e: StoreError| e.to_string()).expect("rows");
    assert!(rows.len() == 2 && rows.iter().all(|row| row.contains("token=***")), "{rows:?}");
    world.hears(PHONE, "hello").await;
    assert!(receiver.wait_for(1).await[0].path.ends_with(CANARY));
    world.stop().await;
}

/// A form that shows the address without its token, and is sent as it is, changes nothing.
#[tokio::test]
async fn a_form_that_was_not_changed_keeps_the_whole_address() {
    let receiver = Receiver::start().await;
    let world = world_with(&receiver).await;
    let mut change = crate::harness::world::update(world.account);
    change.modules = Some(vec!["api_access".into(), "chattu".into()]);
    world.update_account(change).await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let path = format!("/instances/{INSTANCE}/chattu");
    let whole = format!("{}?token={CANARY}", receiver.url());
    let shown = format!("{}?token=***", receiver.url());
    for url in [&whole, &shown] {
        assert_eq!(owner.post(&path, &[("chattu_url", url)]).await.status, 303);
    }
    let page = owner.get(&format!("/instances/{INSTANCE}/manage?tab=webhook")).await.body;
    assert!(page.contains("token=***") && !page.contains(CANARY), "{page}");
    world.hears(PHONE, "hello").await;
    let got = receiver.wait_for(1).await;
    assert!(got[0].path.ends_with(CANARY), "{}", got[0].path);
    let body: Value = got[0].json();
    assert_eq!(body["event"], "message_received");
    world.stop().await;
}
