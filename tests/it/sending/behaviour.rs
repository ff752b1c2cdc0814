//! What makes bulk of single messages: repetition, outreach, the health of the number, strikes. And observe mode.

use crate::{
    harness::{
        contract::{assert_refused, assert_refused_with, log_id},
        world::{INSTANCE, PHONE, SPAM, World, message_to, message_with},
    },
    sending::pace::{assert_throttled, customer},
};
use serde_json::{Value, json};
use std::time::Duration;
use wa_gateway::{
    app::commands::ContactsImport,
    config::{Config, ContentPolicyMode},
};

const HOUR: Duration = Duration::from_secs(3600);
/// The plain rates are not asked here.
fn no_rates(config: &mut Config) {
    config.guard.throttle_per_minute = 0;
    config.guard.recipient_per_minute = 0;
}

fn observe(config: &mut Config) {
    no_rates(config);
    config.guard.content_policy = ContentPolicyMode::Observe;
}

/// Support, to the n-th customer.
fn support(n: u32, text: &str) -> Value {
    message_with(json!({"phone": customer(n), "message": text, "message_purpose": "support"}))
}

/// A text of support that is like no other.
fn distinct(n: u32) -> String {
    let word =
        |n: u32| ["red", "blue", "green", "small", "large", "round", "flat", "soft", "hard", "tall"][n as usize % 10];
    format!("About your question: the {} {} {} one fits.", word(n), word(n / 10), word(n / 100))
}

async fn assert_passes(world: &World, body: &Value) {
    let reply = world.send(body).await;
    assert_eq!(reply.status, 200, "{body}: {}", reply.body);
}

async fn import(world: &World, people: std::ops::Range<u32>) {
    world.import_contacts(&people.map(customer).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn one_text_to_more_than_thirty_people_within_an_hour_is_no_support() {
    let mut world = World::start_with(no_rates).await;
    import(&world, 0..40).await;
    for n in 0..30 {
        // Digits, case and spaces do not make another text of it.
        assert_passes(&world, &support(n, &format!("Ticket {n}:  we have looked into IT."))).await;
    }
    assert_passes(&world, &support(7, "Ticket 7: we have looked into it.")).await;
    assert_throttled(&world.send(&support(30, "Ticket 30: we have looked into it.")).await, "repetition");
    assert_passes(&world, &support(30, "Ticket 30: please send us a photo.")).await;
    let other_purpose = message_with(json!({"phone": customer(30), "message": "Ticket 30: we have looked into it."}));
    assert_passes(&world, &other_purpose).await;
    world.restart().await;
    assert_throttled(&world.send(&support(31, "Ticket 31: we have looked into it.")).await, "repetition");
    world.later(HOUR);
    assert_passes(&world, &support(31, "Ticket 31: we have looked into it.")).await;
    world.stop().await;
}

#[tokio::test]
async fn the_name_of_the_recipient_does_not_make_another_text() {
    let world = World::start_with(|config| {
        no_rates(config);
        config.guard.repetition_support = 2;
    })
    .await;
    let names = ["Layla", "Omar", "Hans Meier"];
    let lines: Vec<_> = (0_u32..3).map(|n| format!("{},{}", customer(n), names[n as usize])).collect();
    let csv = format!("phone,name\n{}\n", lines.join("\n"));
    let request = ContactsImport { account: world.account, csv, ..Default::default() };
    world.command(request).await.expect("imported");
    assert_passes(&world, &support(0, "Hello Layla, your ticket is done.")).await;
    assert_passes(&world, &support(1, "Hello Omar, your ticket is done.")).await;
    assert_throttled(&world.send(&support(2, "Hello Hans Meier, your ticket is done.")).await, "repetition");
    world.stop().await;
}

#[tokio::test]
async fn more_than_twenty_strangers_within_an_hour_are_outreach() {
    let mut world = World::start_with(no_rates).await;
    for n in 0..20 {
        assert_passes(&world, &support(n, &distinct(n))).await;
    }
    assert_throttled(&world.send(&support(20, &distinct(20))).await, "outreach");
    assert_passes(&world, &support(3, &distinct(21))).await;
    world.hears(&customer(21), "Hello, is it there?").await;
    assert_passes(&world, &support(21, &distinct(22))).await;
    import(&world, 22..23).await;
    assert_passes(&world, &support(22, &distinct(23))).await;
    assert_passes(&world, &message_to(&customer(23))).await;
    world.restart().await;
    assert_throttled(&world.send(&support(24, &distinct(24))).await, "outreach");
    world.later(HOUR);
    assert_passes(&world, &support(24, &distinct(24))).await;
    world.stop().await;
}

#[tokio::test]
async fn people_who_wrote_first_are_no_strangers_after_a_restart_either() {
    let mut world = World::start_with(no_rates).await;
    for n in 0..20 {
        world.hears(&customer(n), "Hello, is it there?").await;
        world.later(Duration::from_secs(1));
        assert_passes(&world, &support(n, &distinct(n))).await;
    }
    world.restart().await;
    assert_passes(&world, &support(20, &distinct(20))).await;
    world.stop().await;
}

#[tokio::test]
async fn strangers_who_answer_stay_counted_after_a_restart() {
    let mut world = World::start_with(no_rates).await;
    for n in 0..20 {
        assert_passes(&world, &support(n, &distinct(n))).await;
    }
    world.later(Duration::from_secs(1));
    world.hears(&customer(0), "Who is this?").await;
    world.restart().await;
    assert_throttled(&world.send(&support(20, &distinct(20))).await, "outreach");
    world.stop().await;
}

/// So many messages to people who were imported, of which the first `failed` are refused for their sake.
async fn a_day_of(world: &World, sent: u32, failed: u32) {
    import(world, 0..200).await;
    world.sandbox("fail", "refuse").await;
    for n in 0..failed {
        assert_refused(&world.send(&support(n, &distinct(n))).await, "gateway_send_failed");
    }
    world.sandbox("fail", "none").await;
    for n in failed..sent {
        assert_passes(world, &support(n, &distinct(n))).await;
    }
}

#[tokio::test]
async fn a_number_whose_messages_fail_is_throttled_but_not_before_it_sent_fifty() {
    let mut world = World::start_with(no_rates).await;
    a_day_of(&world, 50, 5).await;
    // The fifty-first is still judged by fifty.
    assert_passes(&world, &support(60, &distinct(60))).await;
    // 5 of 51 are more than 8 per cent, and not more than twice that.
    assert_throttled(&world.send(&support(61, &distinct(61))).await, "health");
    assert_eq!(world.pause_reason().await, None);
    world.restart().await;
    assert_throttled(&world.send(&support(61, &distinct(61))).await, "health");
    world.later(HOUR * 25);
    assert_passes(&world, &support(61, &distinct(61))).await;
    world.stop().await;
}

#[tokio::test]
async fn failures_that_are_not_the_recipients_do_not_harm_a_number() {
    let world = World::start_with(no_rates).await;
    import(&world, 0..80).await;
    world.sandbox("state", "close").await;
    for n in 0..20 {
        assert_refused(&world.send(&support(n, &distinct(n))).await, "gateway_send_failed");
    }
    world.sandbox("state", "open").await;
    for n in 20..60 {
        assert_passes(&world, &support(n, &distinct(n))).await;
    }
    world.stop().await;
}

#[tokio::test]
async fn twice_as_many_failures_pause_the_instance_until_a_person_has_looked() {
    let mut world = World::start_with(no_rates).await;
    // 9 of 51 are more than 16 per cent: throttled, and from then on paused.
    a_day_of(&world, 51, 9).await;
    assert_throttled(&world.send(&support(61, &distinct(61))).await, "health");
    assert!(world.pause_reason().await.is_some_and(|why| why.contains("9 failed")));
    world.resume().await;
    assert_passes(&world, &support(61, &distinct(61))).await;
    world.restart().await;
    assert_passes(&world, &support(62, &distinct(62))).await;
    assert_eq!(world.pause_reason().await, None);
    world.stop().await;
}

#[tokio::test]
async fn a_number_that_people_run_from_is_throttled() {
    let mut world = World::start_with(no_rates).await;
    a_day_of(&world, 51, 0).await;
    for n in 0..2 {
        world.hears(&customer(n), "STOP").await;
    }
    assert_passes(&world, &support(60, &distinct(60))).await;
    world.hears(&customer(2), "STOP").await;
    // 3 of 52 are more than 4 per cent.
    assert_throttled(&world.send(&support(61, &distinct(61))).await, "health");
    world.restart().await;
    assert_throttled(&world.send(&support(61, &distinct(61))).await, "health");
    world.stop().await;
}

fn spam(n: u32, ending: &str) -> Value {
    message_with(json!({"phone": customer(n), "message": format!("{SPAM} {ending}")}))
}

async fn strike(world: &World, body: &Value) -> i64 {
    let reply = world.send(body).await;
    assert_eq!(reply.error(), "policy_violation", "{}", reply.body);
    log_id(&reply)
}

#[tokio::test]
async fn three_strikes_pause_the_instance_until_a_person_resumes_it() {
    let mut world = World::start_with(no_rates).await;
    strike(&world, &spam(1, "today")).await;
    strike(&world, &spam(2, "today")).await;
    world.restart().await;
    assert_eq!(world.pause_reason().await, None);
    strike(&world, &spam(1, "tonight")).await;
    assert!(world.pause_reason().await.is_some());
    assert_refused(&world.send(&message_to(PHONE)).await, "instance_paused_for_review");
    world.restart().await;
    assert_refused(&world.send(&message_to(PHONE)).await, "instance_paused_for_review");
    assert_eq!(world.number("SELECT json_array_length(evidence) FROM reviews WHERE closed_at IS NULL").await, 3);
    world.resume().await;
    assert_passes(&world, &message_to(PHONE)).await;
    strike(&world, &spam(3, "today")).await;
    assert_eq!(world.pause_reason().await, None, "the old strikes were looked at");
    let noted = "SELECT count(*) FROM reviews WHERE note = 'talked to the owner' AND closed_by IS NOT NULL";
    assert_eq!(world.number(noted).await, 1);
    world.stop().await;
}

#[tokio::test]
async fn the_same_text_to_the_same_person_is_one_strike() {
    let world = World::start_with(no_rates).await;
    for _ in 0..10 {
        strike(&world, &spam(1, "today")).await;
        world.later(Duration::from_secs(61));
    }
    strike(&world, &spam(2, "today")).await;
    assert_eq!(world.pause_reason().await, None);
    world.stop().await;
}

#[tokio::test]
async fn strikes_are_forgotten_after_an_hour() {
    let world = World::start_with(no_rates).await;
    strike(&world, &spam(1, "today")).await;
    strike(&world, &spam(2, "today")).await;
    world.later(HOUR);
    strike(&world, &spam(3, "today")).await;
    assert_eq!(world.pause_reason().await, None);
    world.stop().await;
}

#[tokio::test]
async fn no_other_refusal_is_a_strike() {
    let world = World::start_with(no_rates).await;
    for n in 0..5 {
        let body = message_with(json!({"phone": customer(n), "message_purpose": "marketing"}));
        assert_refused(&world.send(&body).await, "message_purpose_not_allowed");
    }
    assert_eq!((world.number("SELECT count(*) FROM strikes").await, world.pause_reason().await), (0, None));
    world.stop().await;
}

#[tokio::test]
async fn a_soft_text_is_listed_for_review_when_many_people_get_it() {
    let world = World::start_with(no_rates).await;
    import(&world, 0..12).await;
    let soft = "We have not seen you for a while. Our new shop is open.";
    for (text, last) in [(soft, 60), ("Your order 2041 has left our warehouse.", 0)] {
        let mut scores = Vec::new();
        for n in 0..12 {
            let reply = world.send(&message_with(json!({"phone": customer(n), "message": text}))).await;
            assert_eq!(reply.status, 200, "{}", reply.body);
            let row = world.row(&json!(log_id(&reply))).await;
            scores.push(row["decision"]["score"].as_i64().expect("a score"));
        }
        assert!(scores[..9].iter().all(|score| *score < 60), "{text}: {scores:?}");
        assert!(scores[9..].iter().all(|score| *score == last), "{text}: {scores:?}");
    }
    world.stop().await;
}

/// The scores of a soft text to so many people, one after the other.
async fn soft_scores(world: &World, people: std::ops::Range<u32>, text: &str) -> Vec<i64> {
    let mut scores = Vec::new();
    for n in people {
        let reply = world.send(&message_with(json!({"phone": customer(n), "message": text}))).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let row = world.row(&json!(log_id(&reply))).await;
        scores.push(row["decision"]["score"].as_i64().expect("a score"));
    }
    scores
}

#[tokio::test]
async fn a_soft_text_is_listed_sooner_where_nobody_answers_and_later_where_people_wrote_themselves() {
    const SOFT: &str = "We have not seen you for a while. Our new shop is open.";
    let listed_from = |scores: &[i64]| scores.iter().position(|score| *score >= 60).map(|n| n + 1);
    let mut world = World::start_with(no_rates).await;
    import(&world, 0..60).await;
    for n in 0..20 {
        assert_passes(&world, &message_with(json!({"phone": customer(n), "message": format!("Order {n} has left.")})))
            .await;
    }
    assert_eq!(listed_from(&soft_scores(&world, 20..32, SOFT).await), Some(10), "they had no hour to answer");
    world.later(HOUR * 2);
    assert_eq!(listed_from(&soft_scores(&world, 20..28, SOFT).await), Some(5), "none of twenty answered");
    world.restart().await;
    assert_eq!(listed_from(&soft_scores(&world, 28..29, SOFT).await), Some(1), "the same after a restart");
    for n in 0..3 {
        world.hears(&customer(n), "Thank you!").await;
    }
    world.later(HOUR * 2);
    assert_eq!(listed_from(&soft_scores(&world, 20..32, SOFT).await), Some(10), "three of thirty-two answered");
    for n in 32..60 {
        world.hears(&customer(n), "Is it open today?").await;
    }
    world.later(HOUR * 25);
    assert_eq!(listed_from(&soft_scores(&world, 32..54, SOFT).await), Some(20), "they wrote themselves this week");
    world.stop().await;
}

#[tokio::test]
async fn observe_mode_refuses_nothing_and_scores_everything() {
    let world = World::start_with(observe).await;
    for n in 0..31 {
        assert_passes(
            &world,
            &message_with(json!({"phone": customer(n), "message": SPAM,
                                                   "message_purpose": "support"})),
        )
        .await;
    }
    assert_eq!(world.pause_reason().await, None);
    let reply = world.send(&support(31, SPAM)).await;
    let row = world.row(&json!(log_id(&reply))).await;
    assert_eq!(row["decision"]["verdict"], "pass", "{row}");
    assert!(row["decision"]["score"].as_i64() >= Some(80), "{row}");
    assert!(row["decision"]["signals"].as_array().is_some_and(|signals| !signals.is_empty()), "{row}");
    assert_eq!(row["decision"]["figures"]["same_text_to"], 32, "{row}");
    assert_eq!(row["decision"]["figures"]["strangers"], 32, "{row}");
    // Where a rehearsal finds them again.
    let places = "SELECT count(*) FROM policy_decisions WHERE figures ->> '$[3]' = 32 AND figures ->> '$[4]' = 32";
    assert_eq!(world.number(places).await, 1);
    world.stop().await;
}

#[tokio::test]
async fn observe_mode_keeps_the_rest_of_the_guard() {
    let world = World::start_with(|config| {
        observe(config);
        config.guard.recipient_per_minute = 1;
        config.guard.recipient_burst = 1;
    })
    .await;
    assert_passes(&world, &message_to(PHONE)).await;
    assert_throttled(&world.send(&message_to(PHONE)).await, "recipient");
    world.hears(PHONE, "STOP").await;
    assert_refused(&world.send(&message_to(PHONE)).await, "recipient_suppressed");
    world.grant(Some(1), None).await;
    let figures = json!({"limit": 1, "used": 1});
    assert_refused_with(&world.send(&message_to(&customer(1))).await, "daily_message_limit_exceeded", figures);
    assert_eq!(world.inbox().await.len(), 1, "{INSTANCE}");
    world.stop().await;
}
