//! One text to five hundred people: a script that sends an advertisement, and a shop that tells its customers of their orders.

use crate::{
    harness::{
        contract::log_id,
        world::{World, message_with},
    },
    sending::pace::customer,
};
use serde_json::json;
use std::time::Duration;

const PEOPLE: u32 = 500;

/// Names that nobody told the gateway.
const NAMES: [&str; 8] = ["Anna", "Omar", "Lucía", "Noura", "Hans", "Мария", "דנה", "José"];

/// Sends to so many people, one a second, as fast as the plain rates allow; answers the codes, "sent" where it was.
async fn send_all(world: &World, purpose: &str, text: impl Fn(u32) -> String) -> Vec<String> {
    let mut answers = Vec::new();
    for n in 0..PEOPLE {
        let reply = world
            .send(&message_with(json!({"phone": customer(n), "message": text(n), "message_purpose": purpose})))
            .await;
        answers.push(if reply.status == 200 { "sent".to_owned() } else { reply.error().to_owned() });
        world.later(Duration::from_secs(1));
    }
    answers
}

fn first(answers: &[String], code: &str) -> usize {
    answers.iter().position(|a| a == code).unwrap_or_else(|| panic!("no {code}: {answers:?}"))
}

#[tokio::test]
async fn a_bulk_script_is_throttled_then_blocked_then_paused() {
    let mut world = World::start().await;
    let soft = |n: u32| {
        let name = NAMES[n as usize % NAMES.len()];
        format!("Hello {name}, we miss you. Drop in this week and have a look at what is new in our shop.")
    };
    let answers = send_all(&world, "transactional", soft).await;
    let order = ["sent", "sending_throttled", "policy_violation", "instance_paused_for_review"];
    let firsts = order.map(|code| first(&answers, code));
    assert!(firsts.is_sorted(), "{firsts:?}");
    assert!(answers[firsts[3]..].iter().all(|a| a == "instance_paused_for_review"), "{answers:?}");
    let count = |code: &str| answers.iter().filter(|a| *a == code).count();
    assert_eq!((count("sent"), count("sending_throttled"), count("policy_violation")), (300, 20, 3));
    assert!(world.pause_reason().await.is_some());

    // What insisting is counts over a restart.
    world.resume().await;
    world.restart().await;
    let reply = world.send(&message_with(json!({"phone": customer(901), "message": soft(901)}))).await;
    assert_eq!(reply.error(), "policy_violation");
    let row = world.row(&json!(log_id(&reply))).await;
    let signals = row["decision"]["signals"].as_array().expect("signals");
    assert!(signals.iter().any(|s| s["id"] == "behaviour.insists"), "{row}");
    world.stop().await;
}

#[tokio::test]
async fn five_hundred_notices_of_orders_from_one_template_all_go() {
    let world = World::start().await;
    world.import_contacts(&(0..PEOPLE).map(customer).collect::<Vec<_>>()).await;
    let notice = |n: u32| {
        let name = NAMES[n as usize % NAMES.len()];
        format!(
            "Hello {name}, your order {} ({}.50 SAR) has been shipped and arrives on Thursday.",
            20_000 + n * 7,
            40 + n
        )
    };
    let answers = send_all(&world, "operational", notice).await;
    assert!(answers.iter().all(|a| a == "sent"), "{answers:?}");
    assert_eq!(world.number("SELECT count(*) FROM policy_decisions WHERE score >= 60").await, 0, "none is listed");
    assert_eq!(world.pause_reason().await, None);
    world.stop().await;
}

#[tokio::test]
async fn a_text_without_any_sound_of_advertising_is_throttled_and_no_more() {
    let world = World::start_with(|config| config.guard.repetition_transactional = 3).await;
    world.import_contacts(&(0..40).map(customer).collect::<Vec<_>>()).await;
    for n in 0..40 {
        let body = message_with(json!({"phone": customer(n), "message": "The office stays closed on Thursday."}));
        let reply = world.send(&body).await;
        if n < 3 {
            assert_eq!(reply.status, 200, "{}", reply.body);
        } else {
            assert_eq!(reply.error(), "sending_throttled", "{n}");
        }
        world.later(Duration::from_secs(1));
    }
    assert_eq!(world.pause_reason().await, None);
    world.stop().await;
}
