//! Events reach a broker: confirmed, with their ids, in the order of each conversation, whatever dies in between.

use crate::harness::{
    nats::NatsServer,
    wait,
    world::{PHONE, World},
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::{
    app::commands::{WebhookCreate, WebhookDeliveries, WebhookEnable, WebhookList, WebhookSet},
    model::clock::{Clock, SystemClock},
};

const OTHER: &str = "+966501234568";

async fn world_with(server: &NatsServer) -> World {
    let entry = server.address.to_string().parse().expect("an entry");
    // The verifier looks at its own clock: the gateway's is the same here.
    let now = SystemClock.now().rfc3339();
    World::start_at(&now, |config| config.egress.allow = vec![entry]).await
}

async fn create(world: &World, url: &str, headers: &[&str]) -> Result<Value, String> {
    let headers = headers.iter().map(ToString::to_string).collect();
    let events = vec!["message.received".to_owned()];
    world
        .command(WebhookCreate { account: world.account, url: url.into(), events, headers, ..Default::default() })
        .await
}

async fn deliveries(world: &World) -> Vec<Value> {
    world.command(WebhookDeliveries::default()).await.expect("a list").as_array().expect("a list").clone()
}

/// Waits until so many deliveries are in this state, and their outcome is written.
async fn until(world: &World, state: &str, count: usize) {
    let is_so = async || deliveries(world).await.iter().filter(|d| d["state"] == state).count() == count;
    wait::until(&format!("{count} are {state}"), is_so).await;
}

async fn until_attempted(world: &World, attempts: i64) {
    let sum = async || deliveries(world).await.iter().filter_map(|d| d["attempts"].as_i64()).sum::<i64>();
    wait::until(&format!("{attempts} attempts are written"), async || sum().await >= attempts).await;
}

fn texts(server: &NatsServer) -> Vec<String> {
    server.stored().iter().map(|one| one.json()["message_text"].as_str().expect("a text").to_owned()).collect()
}

#[tokio::test]
async fn a_broker_gets_each_event_once_by_its_id_and_in_order_over_refusals_and_deaths() {
    let mut server = NatsServer::start("shop", "s3cret").await;
    let world = world_with(&server).await;
    let url = format!("nats://shop:s3cret@{}/wa.{{instance}}.{{event}}", server.address);
    let made = create(&world, &url, &[]).await.expect("an endpoint");
    let shown = url.replace("s3cret", "***");
    let listed = world.command(WebhookList).await.expect("a list");
    assert_eq!(listed[0]["destination_url"], shown);

    // Delivered is what the stream confirmed; it is signed, and its id is the event's.
    world.hears(PHONE, "one").await;
    until(&world, "delivered", 1).await;
    let first = server.stored().remove(0);
    assert_eq!(first.subject, "wa.shop_line.message.received");
    assert_eq!(first.header("Nats-Msg-Id"), first.json()["event_id"]);
    let mut headers = http::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, first.header(name).parse().expect("a header"));
    }
    let verifier = standardwebhooks::Webhook::new(made["secret"].as_str().expect("a secret")).expect("a good secret");
    verifier.verify(first.body.as_bytes(), &headers).expect("it verifies");
    let listed = deliveries(&world).await;
    assert_eq!((&listed[0]["last_status"], &listed[0]["last_error"]), (&json!(null), &json!(null)), "{listed:?}");

    // What is refused holds up its own conversation, and no other.
    server.refuse(Some("poison"));
    world.hears(PHONE, "poison").await;
    until_attempted(&world, 2).await;
    world.hears(PHONE, "after it").await;
    world.hears(OTHER, "elsewhere").await;
    until(&world, "delivered", 2).await;
    let held = deliveries(&world).await;
    let of = |text: usize| held.iter().find(|d| d["id"] == held[2 - text]["id"]).expect("a delivery").clone();
    assert_eq!(of(0)["last_error"], "the broker refused: maximum messages exceeded (code 503, error code 10077)");
    assert_eq!(of(1)["attempts"], 0, "its turn has not come: {held:?}");
    server.refuse(None);
    world.later(Duration::from_secs(6));
    until(&world, "delivered", 4).await;
    assert_eq!(texts(&server), ["one", "elsewhere", "poison", "after it"]);

    // Stored and not confirmed: it comes again, and the stream knows its id.
    server.hang_up_unconfirmed();
    let came = server.came();
    world.hears(PHONE, "unconfirmed").await;
    until(&world, "delivered", 5).await;
    assert_eq!((server.came() - came, server.stored().len()), (2, 5));

    // Nobody there: failed attempts of the first of each conversation, and all of it after the first success.
    server.die().await;
    let attempted: i64 = deliveries(&world).await.iter().filter_map(|d| d["attempts"].as_i64()).sum();
    for n in 0..5 {
        world.hears(PHONE, &format!("away {n}")).await;
    }
    until_attempted(&world, attempted + 1).await;
    let listed = world.command(WebhookList).await.expect("a list");
    assert!(listed[0]["failing_since"].is_string(), "{listed}");
    server.rise().await;
    world.later(Duration::from_secs(6));
    until(&world, "delivered", 10).await;
    assert_eq!(texts(&server)[5..], ["away 0", "away 1", "away 2", "away 3", "away 4"]);
    world.stop().await;
}

/// A thousand copies of the one event that is there, for its endpoint: the nth of the (n mod 800)th conversation.
const COPIES: [&str; 2] = [
    "WITH RECURSIVE all_of(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM all_of WHERE n < 999)
     INSERT INTO events (event_id, account_id, instance_id, name, body, created_at)
     SELECT 'copy-' || n, account_id, instance_id, name, body, created_at FROM all_of, (SELECT * FROM events LIMIT 1)",
    "WITH RECURSIVE all_of(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM all_of WHERE n < 999)
     INSERT INTO deliveries (event_id, endpoint_id, state, due_at, conversation)
     SELECT e.id, d.endpoint_id, 'pending', e.created_at, 100000 + n % 800
     FROM all_of JOIN events e ON e.event_id = 'copy-' || n, (SELECT * FROM deliveries LIMIT 1) d ORDER BY n",
];

/// Where in the stream the copies from this one on stand.
fn places(server: &NatsServer, from: usize) -> Vec<Option<usize>> {
    let all = server.stored();
    let at = |n: usize| all.iter().position(|one| one.header("Nats-Msg-Id") == format!("copy-{n}"));
    (from..1000).map(at).collect()
}

#[tokio::test]
async fn no_batch_goes_beside_one_that_is_not_confirmed_and_each_conversation_keeps_its_order() {
    let mut server = NatsServer::start("shop", "s3cret").await;
    let world = world_with(&server).await;
    let made = create(&world, &format!("nats://shop:s3cret@{}/wa", server.address), &[]).await.expect("an endpoint");
    let id = made["id"].as_i64().expect("an id");
    world.hears(PHONE, "one").await;
    until(&world, "delivered", 1).await;
    world.sql("UPDATE endpoints SET disabled_at = 1").await;
    for copies in COPIES {
        world.sql(copies).await;
    }
    server.silence(true);
    let enabled = world.command(WebhookEnable { id }).await.expect("enabled");
    assert_eq!(enabled["id"], id, "{enabled}");

    // The first batch waits for its confirmations. What comes makes the worker look, and nothing goes beside it.
    wait::until("the first batch came", async || server.came() == 1 + 512).await;
    world.hears(OTHER, "elsewhere").await;
    world.hears(OTHER, "its turn comes after that").await;

    // Nobody heard what was confirmed: that batch goes again, and the rest follows each in its conversation.
    server.die().await;
    server.silence(false);
    server.rise().await;
    world.later(Duration::from_secs(6));
    let pending = "SELECT count(*) FROM deliveries WHERE state = 'pending'";
    wait::until("all is delivered", async || world.number(pending).await == 0).await;
    assert_eq!(server.stored().len(), 1 + 1000 + 2);
    assert_eq!(server.came(), 1 + 512 + 1000 + 2, "only what was not confirmed went twice");
    let (first, second) = (places(&server, 0), places(&server, 800));
    for (n, place) in second.iter().enumerate() {
        assert!(first[n].is_some() && first[n] < *place, "{n}: {:?} {place:?}", first[n]);
    }
    world.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_brokers_endpoint_is_said() {
    let server = NatsServer::start("shop", "s3cret").await;
    let world = world_with(&server).await;
    let at = server.address;
    for (url, headers, told) in [
        ("ftp://shop.example/x".to_owned(), vec![], "nats://"),
        ("nats://127.0.0.1:1/wa".to_owned(), vec![], "127.0.0.1:1 to egress.allow"),
        ("nats://169.254.169.254/wa".to_owned(), vec![], "metadata"),
        ("tls://broker.example".to_owned(), vec![], "where events go"),
        (format!("nats://{at}/wa.*"), vec![], "where events go"),
        (format!("nats://{at}/wa"), vec!["X-Key: x"], "user:password@"),
    ] {
        let problem = create(&world, &url, &headers).await.expect_err("refused");
        assert!(problem.contains(told), "{url}: {problem}");
    }
    // Another password than the server's.
    let made = create(&world, &format!("nats://shop:wr0ng@{at}/wa"), &[]).await.expect("an endpoint");
    world.hears(PHONE, "one").await;
    until_attempted(&world, 1).await;
    let listed = deliveries(&world).await;
    assert_eq!(listed[0]["last_error"], "the broker refused: authorization violation");
    let id = made["id"].as_i64().expect("an id");
    let set = |url: String| world.command(WebhookSet { id, url: Some(url), ..Default::default() });
    let problem = set("https://shop.example/hook".into()).await.expect_err("refused");
    assert!(problem.contains("make a new one"), "{problem}");
    let problem = set(format!("nats://shop:***@{at}/other")).await.expect_err("refused");
    assert!(problem.contains("user:password") || problem.contains("***"), "{problem}");
    set(format!("nats://shop:s3cret@{at}/wa")).await.expect("changed");
    until(&world, "delivered", 1).await;
    world.stop().await;
}
