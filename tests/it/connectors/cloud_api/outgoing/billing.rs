//! What Meta bills: told with each status, shown by month and category; the free replies are counted, and their end is told.

use super::rig::{LINE, Rig};
use crate::harness::{graph::Graph, visitor::Visitor, world::PHONE};
use serde_json::{Value, json};
use wa_gateway::{
    app::{
        commands::{InstanceBilling, InstanceSet},
        scheduler::Scheduler,
    },
    model::clock::{Clock as _, Time},
    store::StoreError,
};

/// Sends one, which reaches its phone at this price.
async fn priced(rig: &Rig, text: &str, status: &str, pricing: Value) {
    assert_eq!(rig.send(text).await.status, 200);
    let mut value = Graph::status(&rig.last(), status, rig.world.clock.now().seconds());
    value["statuses"][0]["pricing"] = pricing;
    rig.call(value).await;
}

async fn notices(rig: &Rig) -> Vec<String> {
    let read = rig
        .world
        .gateway()
        .store
        .read(|tx| tx.list("SELECT parameters FROM notices WHERE kind = 'free_replies_ending'", [], |r| r.get(0)));
    read.await.map_err(|e: StoreError| e.to_string()).expect("notices")
}

#[tokio::test]
async fn what_is_billed_is_shown_by_month_and_category() {
    let rig = Rig::start().await;
    let free =
        json!({"billable": false, "pricing_model": "PMP", "category": "service", "type": "free_customer_service"});
    priced(&rig, "Your order 2041 is ready.", "delivered", free.clone()).await;
    priced(&rig, "Your order 2042 is ready.", "read", json!({"category": "service", "type": "regular"})).await;
    priced(&rig, "Your order 2043 is ready.", "delivered", json!({"category": "utility", "type": "regular"})).await;
    priced(&rig, "Your order 2044 is ready.", "sent", free.clone()).await;
    let told = rig.world.command(InstanceBilling { id: LINE.into() }).await.expect("figures");
    let month = rig.world.clock.now().to_string()[..7].to_owned();
    let row = |category: &str, billed: u64, free: u64| json!({"month": month, "category": category, "billed": billed, "free": free});
    assert_eq!(told["months"], json!([row("utility", 1, 0), row("service", 1, 1)]));
    assert_eq!((&told["free_used"], &told["free_replies"]), (&json!(1), &json!(1000)));
    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let page = owner.get(&format!("/instances/{LINE}/billing")).await.body;
    assert!(page.contains(&month) && page.contains("Utility") && page.contains("999"), "{page}");
    let mut viewer = Visitor::logged_in(&rig.world, "viewer").await;
    assert_eq!(viewer.get(&format!("/instances/{LINE}/billing")).await.status, 200);
    assert_eq!(viewer.get("/instances/shop-line/billing").await.status, 404, "a sandbox bills nothing");

    rig.world.clock.set(Time::parse("2027-06-30T12:00:00Z").expect("a time"));
    let told = rig.world.command(InstanceBilling { id: LINE.into() }).await.expect("figures");
    assert_eq!((&told["months"], &told["free_used"]), (&json!([]), &json!(0)), "a year later");
}

#[tokio::test]
async fn what_waited_is_billed_in_the_month_in_which_it_went() {
    let rig = Rig::start().await;
    rig.world.clock.set(Time::parse("2026-11-30T12:00:00Z").expect("a time"));
    rig.hears(PHONE).await;
    let mut waits = rig.message_to(PHONE, "Your order 2041 is ready.");
    waits["send_at"] = json!("2026-12-01T08:00:00Z");
    assert_eq!(rig.world.send(&waits).await.status, 202);
    rig.world.clock.set(Time::parse("2026-12-01T08:00:00Z").expect("a time"));
    rig.until("it went", async || rig.graph.sent().len() == 1).await;
    rig.world.settle().await;
    let mut value = Graph::status(&rig.last(), "delivered", rig.world.clock.now().seconds());
    value["statuses"][0]["pricing"] = json!({"category": "service", "type": "free_customer_service"});
    rig.call(value).await;
    let told = rig.world.command(InstanceBilling { id: LINE.into() }).await.expect("figures");
    assert_eq!(told["months"], json!([{"month": "2026-12", "category": "service", "billed": 0, "free": 1}]));
    assert_eq!(told["free_used"], 1);
}

#[tokio::test]
async fn the_end_of_the_free_replies_is_told_once_a_month() {
    let rig = Rig::start_with(&[("free_replies", "5")]).await;
    let free = json!({"category": "service", "type": "free_customer_service"});
    for n in 0..3 {
        priced(&rig, &format!("Your order {n} is ready."), "delivered", free.clone()).await;
    }
    let step = async || {
        rig.world.later(std::time::Duration::from_secs(3600));
        Scheduler(rig.world.gateway().clone()).step().await;
    };
    step().await;
    assert_eq!(notices(&rig).await, Vec::<String>::new(), "three of five");
    priced(&rig, "Your order 4 is ready.", "delivered", free.clone()).await;
    step().await;
    step().await;
    let [told] = &notices(&rig).await[..] else { panic!("one notice") };
    assert!(told.contains("\"used\":4") && told.contains("\"limit\":5"), "{told}");
    let wrong = InstanceSet {
        id: LINE.into(),
        settings: [("free_replies".to_owned(), "many".to_owned())].into(),
        ..Default::default()
    };
    assert!(rig.world.command(wrong).await.expect_err("refused").contains("free_replies is a whole number"));
}
