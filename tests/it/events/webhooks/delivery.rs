//! Events reach customers' endpoints: signed, at least once, with the same id and bytes at each attempt.

use crate::harness::{
    receiver::Receiver,
    wait,
    world::{INSTANCE, PHONE, World, message, message_with},
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::{
    app::commands::{WebhookCreate, WebhookDeliveries, WebhookEnable, WebhookList, WebhookResend, WebhookRotate},
    model::clock::{Clock, SystemClock},
};

/// A world with an endpoint for these events, and its receiver.
async fn world_with_endpoint(events: &[&str]) -> (World, Receiver, Value) {
    let receiver = Receiver::start().await;
    let entry = receiver.address.to_string().parse().expect("an entry");
    // The verifier looks at its own clock: the gateway's is the same here.
    let now = SystemClock.now().rfc3339();
    let world = World::start_at(&now, |config| config.egress.allow = vec![entry]).await;
    let made = create(&world, &receiver, events).await.expect("an endpoint");
    (world, receiver, made)
}

async fn create(world: &World, receiver: &Receiver, events: &[&str]) -> Result<Value, String> {
    let events = events.iter().map(ToString::to_string).collect();
    let request = WebhookCreate { account: world.account, url: receiver.url(), events, ..Default::default() };
    world.command(request).await
}

#[tokio::test]
async fn a_sent_message_is_told_and_the_signature_verifies() {
    let (world, receiver, made) = world_with_endpoint(&["message.sent", "message.status_updated"]).await;
    let text = "طلبك رقم ٢٠٤١ في الطريق — ההזמנה בדרך 👩‍🚀";
    let reply = world.send(&message_with(json!({"message": text, "reference": "order-2041"}))).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let got = receiver.wait_for(2).await;
    let secret = made["secret"].as_str().expect("a secret");
    let verifier = standardwebhooks::Webhook::new(secret).expect("a good secret");
    for one in &got {
        let mut headers = http::HeaderMap::new();
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            headers.insert(name, one.header(name).parse().expect("a header"));
        }
        verifier.verify(one.body.as_bytes(), &headers).expect("it verifies");
        let tampered = one.body.replace("order-2041", "order-2042");
        assert!(verifier.verify(tampered.as_bytes(), &headers).is_err());
    }
    let sent = got.iter().map(|g| g.json()).find(|e| e["event"] == "message.sent").expect("message.sent");
    assert_eq!(sent["message_text"], text);
    assert_eq!(sent["to"], PHONE);
    assert_eq!(sent["reference"], "order-2041");
    assert_eq!(sent["instance_id"], INSTANCE);
    assert_eq!(sent["log_id"], reply.json()["log_id"]);
    let changed = got.iter().map(|g| g.json()).find(|e| e["event"] == "message.status_updated").expect("an update");
    assert_eq!((&changed["status"], &changed["previous_status"]), (&json!("sent"), &json!("sending")));
    world.stop().await;
}

#[tokio::test]
async fn a_failed_delivery_comes_again_with_the_same_id_and_bytes() {
    let (world, receiver, _) = world_with_endpoint(&["message.sent"]).await;
    receiver.answer_next("500 Internal Server Error");
    receiver.answer_next("302 Found\r\nLocation: http://169.254.169.254/");
    world.send(&message()).await;
    receiver.wait_for(1).await;
    settled(&world, 1).await;
    world.later(Duration::from_secs(6));
    receiver.wait_for(2).await;
    settled(&world, 2).await;
    world.later(Duration::from_secs(4 * 60));
    assert_eq!(receiver.got().len(), 2, "five minutes, less fifteen per cent, are not over");
    world.later(Duration::from_secs(2 * 60));
    let got = receiver.wait_for(3).await;
    for one in &got {
        assert_eq!(one.header("webhook-id"), got[0].header("webhook-id"));
        assert_eq!(one.body, got[0].body);
    }
    assert_ne!(got[0].header("webhook-timestamp"), got[2].header("webhook-timestamp"));
    settled(&world, 3).await;
    let listed = deliveries(&world).await;
    assert_eq!(listed[0]["state"], "delivered");
    assert_eq!(listed[0]["attempts"], 3);
    world.stop().await;
}

/// The receiver is away for sixty events; then it is back. Nothing waits for its own next try.
#[tokio::test]
async fn when_a_receiver_is_back_what_waits_for_it_follows_at_once() {
    let (world, receiver, _) = world_with_endpoint(&["message.sent"]).await;
    receiver.answer_all("500 Internal Server Error");
    for n in 0..60 {
        world.send(&message_with(json!({"message": format!("Order {n} is packed.")}))).await;
        world.later(Duration::from_secs(10));
    }
    let is_tried = |d: &&Value| d["attempts"].as_i64() > Some(0);
    wait::until("each has failed", async || {
        // One place while it fails, and a rest between: the clock has to go on.
        world.later(Duration::from_secs(1));
        world.settle().await;
        deliveries(&world).await.iter().filter(is_tried).count() == 60
    })
    .await;
    receiver.answer_all("");
    world.send(&message_with(json!({"message": "Order 60 is packed."}))).await;
    // What failed so often rests for a while before it is tried again.
    let back = world.clock.now();
    wait::until("the first is delivered", async || {
        world.settle().await;
        let one_is = delivered(&world).await > 0;
        if !one_is {
            world.later(Duration::from_secs(1));
        }
        one_is
    })
    .await;
    let rest = world.clock.now().since(back);
    assert!(rest <= Duration::from_secs(200), "before the five minutes of a next try: {rest:?}");
    wait::until("all are delivered, and no clock was moved", async || delivered(&world).await == 61).await;
    world.stop().await;
}

/// One event that the receiver never takes is no outage: what else arrives does not bring it back each time.
#[tokio::test]
async fn an_event_that_is_never_taken_keeps_its_own_times() {
    let (world, receiver, _) = world_with_endpoint(&["message.sent"]).await;
    receiver.refuse("poison", "500 Internal Server Error");
    world.send(&message_with(json!({"message": "poison"}))).await;
    settled(&world, 1).await;
    for n in 0..12 {
        world.send(&message_with(json!({"message": format!("Order {n} is packed.")}))).await;
        wait::until("it is delivered", async || delivered(&world).await == n + 1).await;
        world.later(Duration::from_secs(10));
    }
    settled(&world, 14).await;
    let poison = deliveries(&world).await.into_iter().find(|d| d["state"] == "pending").expect("it waits");
    assert_eq!(poison["attempts"], 2, "at once and after five seconds, as ever: {poison}");
    world.stop().await;
}

/// Two rotations within a day: both predecessors sign to their own end.
#[tokio::test]
async fn each_secret_signs_on_for_a_day_however_often_it_is_rotated() {
    let (world, receiver, made) = world_with_endpoint(&["message.sent"]).await;
    let id = made["id"].as_i64().expect("an id");
    let mut secrets = vec![made["secret"].as_str().expect("a secret").to_owned()];
    for _ in 0..2 {
        let rotated = world.command(WebhookRotate { id }).await.expect("rotated");
        secrets.push(rotated["secret"].as_str().expect("a secret").to_owned());
        world.later(Duration::from_secs(3600));
    }
    let signatures = |n: usize| {
        let receiver = &receiver;
        async move { receiver.wait_for(n).await[n - 1].header("webhook-signature").split(' ').count() }
    };
    world.send(&message()).await;
    assert_eq!(signatures(1).await, 3);
    world.later(Duration::from_secs(22 * 3600 + 60));
    world.send(&message_with(json!({"message": "Your order is ready."}))).await;
    assert_eq!(signatures(2).await, 2, "the first one's day is over, the second one's is not");
    world.later(Duration::from_secs(3600));
    world.send(&message_with(json!({"message": "Your order was sent."}))).await;
    assert_eq!(signatures(3).await, 1);
    assert_eq!(secrets.len(), 3);
    world.stop().await;
}

#[tokio::test]
async fn gone_disables_at_once_and_enabling_sends_what_was_collected() {
    let (world, receiver, made) = world_with_endpoint(&["message.sent"]).await;
    receiver.answer_next("410 Gone");
    world.send(&message()).await;
    receiver.wait_for(1).await;
    settled(&world, 1).await;
    let list = world.command(WebhookList).await.expect("a list");
    assert!(list[0]["disabled_reason"].as_str().expect("a reason").contains("410"), "{list}");
    world.send(&message()).await;
    world.later(Duration::from_secs(3600));
    assert_eq!(receiver.got().len(), 1, "a disabled endpoint gets nothing");
    let id = made["id"].as_i64().expect("an id");
    world.command(WebhookEnable { id }).await.expect("enabled");
    receiver.wait_for(3).await;
    world.stop().await;
}

#[tokio::test]
async fn an_opt_out_is_told_as_documented() {
    let (world, receiver, _) = world_with_endpoint(&["message.received", "recipient.opted_out"]).await;
    world.hears(PHONE, "STOP").await;
    let got = receiver.wait_for(2).await;
    let event = got.iter().map(|g| g.json()).find(|e| e["event"] == "recipient.opted_out").expect("the event");
    assert_eq!(event["from"], PHONE);
    assert_eq!(event["reason"], "recipient_requested_stop");
    assert_eq!(event["message_text"], "STOP");
    assert_eq!(event["instance_name"], format!("Line {INSTANCE}"));
    let reply = world.send(&message()).await;
    assert_eq!(reply.error(), "recipient_suppressed");
    world.hears(PHONE, "start").await;
    assert_eq!(world.send(&message()).await.status, 200);
    world.stop().await;
}

#[tokio::test]
async fn private_addresses_need_an_entry_and_events_must_be_known() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let refused = create(&world, &receiver, &["message.sent"]).await.expect_err("no entry");
    assert!(refused.contains(&receiver.address.to_string()), "{refused}");
    let request = WebhookCreate {
        account: world.account,
        url: "https://shop.example/hook".into(),
        events: vec!["message.sended".into()],
        ..Default::default()
    };
    let refused = world.command(request).await.expect_err("no such event");
    assert!(refused.contains("message.sent"), "{refused}");
    world.stop().await;
}

#[tokio::test]
async fn a_resend_keeps_id_and_bytes() {
    let (world, receiver, _) = world_with_endpoint(&["message.sent"]).await;
    world.send(&message()).await;
    receiver.wait_for(1).await;
    settled(&world, 1).await;
    world.later(Duration::from_secs(60));
    let delivery = deliveries(&world).await[0]["id"].as_i64();
    let request = WebhookResend { delivery, ..Default::default() };
    assert_eq!(world.command(request).await.expect("resent")["resent"], 1);
    let got = receiver.wait_for(2).await;
    assert_eq!(got[0].header("webhook-id"), got[1].header("webhook-id"));
    assert_eq!(got[0].body, got[1].body);
    assert_ne!(got[0].header("webhook-timestamp"), got[1].header("webhook-timestamp"));
    world.stop().await;
}

async fn deliveries(world: &World) -> Vec<Value> {
    let request = WebhookDeliveries { ..Default::default() };
    world.command(request).await.expect("a list").as_array().expect("a list").clone()
}

/// Waits until the outcome of so many attempts is written: the receiver knows of an attempt before we do.
async fn delivered(world: &World) -> usize {
    deliveries(world).await.iter().filter(|d| d["state"] == "delivered").count()
}

async fn settled(world: &World, attempts: i64) {
    let sum = |all: &[Value]| all.iter().map(|d| d["attempts"].as_i64().unwrap_or(0)).sum::<i64>();
    wait::until(&format!("{attempts} attempts are written"), async || sum(&deliveries(world).await) >= attempts).await;
}
