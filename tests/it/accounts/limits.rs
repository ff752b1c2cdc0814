//! A limit is never passed, whoever asks at once and whatever the clock does, and no message is counted that did not
//! go.

use crate::harness::{
    contract::{assert_logged, assert_refused_with, log_id},
    http::Reply,
    world::{World, message},
};
use proptest::prelude::*;
use serde_json::json;
use std::time::Duration;
use wa_gateway::{app::commands::MessageSettle, config::Config, model::clock::Time};

/// The rates are `sending/pace.rs`'s business.
fn no_rates(config: &mut Config) {
    config.guard.throttle_per_minute = 0;
    config.guard.recipient_per_minute = 0;
}

fn at(text: &str) -> Time {
    Time::parse(text).expect("a time")
}

/// A world whose account has long been in `zone`, at `now`.
async fn world_in(zone: &str, now: &str) -> World {
    let days_before = at(now).minus(Duration::from_secs(3 * 86_400));
    let world = World::start_at(&days_before.rfc3339(), no_rates).await;
    world.move_to(zone).await;
    world.clock.set(at(now));
    world
}

async fn assert_passes(world: &World, when: &str) {
    let reply = world.send(&message()).await;
    assert_eq!(reply.status, 200, "{when}: {}", reply.body);
}

async fn assert_day_is_full(world: &World, limit: u64, when: &str) -> Reply {
    let reply = world.send(&message()).await;
    assert_eq!(reply.error(), "daily_message_limit_exceeded", "{when}: {}", reply.body);
    assert_refused_with(&reply, "daily_message_limit_exceeded", json!({"limit": limit, "used": limit}));
    reply
}

#[tokio::test]
async fn of_a_hundred_at_once_exactly_one_gets_the_last_place_of_the_day() {
    let world = World::start_with(no_rates).await;
    world.set_plan("starter").await;
    for _ in 0..99 {
        assert_passes(&world, "before").await;
    }
    let figures = json!({"limit": 100, "used": 100});
    assert_one_of_a_hundred_passes(&world, "daily_message_limit_exceeded", figures).await;
    assert_eq!((world.used().await, world.inbox().await.len()), ((100, 100), 100));
    world.stop().await;
}

#[tokio::test]
async fn of_a_hundred_at_once_exactly_one_gets_the_last_place_of_the_month() {
    let world = World::start_with(no_rates).await;
    world.set_plan("starter").await;
    // As the month's earlier days would have left it.
    world.sql("INSERT INTO usage_months (account_id, month, counted) VALUES (1, '2026-06', 1999)").await;
    let figures = json!({"limit": 2000, "used": 2000});
    assert_one_of_a_hundred_passes(&world, "monthly_message_limit_exceeded", figures).await;
    assert_eq!((world.used().await, world.inbox().await.len()), ((1, 2000), 1));
    world.stop().await;
}

async fn assert_one_of_a_hundred_passes(world: &World, code: &str, figures: serde_json::Value) {
    let all: Vec<_> = (0..100).map(|_| world.send_meanwhile(&message(), &[])).collect();
    let mut passed = 0;
    for reply in all {
        let reply = reply.await.expect("an answer");
        match reply.status {
            200 => passed += 1,
            _ => assert_refused_with(&reply, code, figures.clone()),
        }
    }
    assert_eq!(passed, 1);
}

#[tokio::test]
async fn what_is_under_way_counts_until_it_has_failed() {
    let world = World::start_with(no_rates).await;
    world.grant(Some(1), None).await;
    world.sandbox("latency_ms", "4000").await;
    world.sandbox("fail", "refuse").await;
    let first = world.send_meanwhile(&message(), &[]);
    world.somebody_waits(2).await;
    assert_day_is_full(&world, 1, "while it is under way").await;
    world.later(Duration::from_secs(2));
    assert_eq!(first.await.expect("an answer").status, 502);
    world.sandbox("fail", "").await;
    world.sandbox("latency_ms", "").await;
    assert_passes(&world, "after it has failed").await;
    world.stop().await;
}

#[tokio::test]
async fn the_newest_grant_holds_until_its_end_and_what_it_does_not_name_is_the_plans() {
    let world = World::start_with(no_rates).await;
    world.set_plan("starter").await;
    let limits = |reply: &Reply| reply.header("ratelimit-policy").expect("a policy").to_owned();
    world.grant_until(Some(700), None, Some("2026-06-01T12:00:00Z")).await;
    let reply = world.send(&message()).await;
    assert_eq!(limits(&reply), "\"daily\";q=700;w=86400, \"monthly\";q=2000;w=2592000");
    world.clock.set(at("2026-06-01T12:00:00Z"));
    let reply = world.send(&message()).await;
    assert_eq!(limits(&reply), "\"daily\";q=100;w=86400, \"monthly\";q=2000;w=2592000");
    world.grant(Some(2), Some(5000)).await;
    let reply = assert_day_is_full(&world, 2, "a lower grant").await;
    assert_eq!(limits(&reply), "\"daily\";q=2;w=86400, \"monthly\";q=5000;w=2592000");
    world.grant(Some(3), None).await;
    assert_passes(&world, "a newer grant").await;
    world.stop().await;
}

#[tokio::test]
async fn a_day_lasts_from_local_midnight_to_local_midnight() {
    let rows = [
        ("Asia/Riyadh", "2026-05-07T21:00:00Z", "2026-05-08T21:00:00Z"),
        ("Asia/Riyadh", "2026-05-30T21:00:00Z", "2026-05-31T21:00:00Z"),
        ("UTC", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"),
        ("UTC", "2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z"),
        // The day of 23 hours and the day of 25.
        ("Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        ("Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
    ];
    for (zone, begins, ends) in rows {
        let world = world_in(zone, begins).await;
        world.grant(Some(1), None).await;
        assert_passes(&world, &format!("{zone} {begins}")).await;
        let reply = assert_day_is_full(&world, 1, begins).await;
        let wait = at(ends).since(at(begins)).as_secs().to_string();
        assert_eq!(reply.header("retry-after"), Some(wait.as_str()), "{zone} {begins}");
        world.clock.set(at(ends).minus(Duration::from_millis(1)));
        assert_day_is_full(&world, 1, "its last millisecond").await;
        world.clock.set(at(ends));
        assert_passes(&world, &format!("{zone} {ends}")).await;
        assert_eq!(world.number("SELECT count(*) FROM usage_days WHERE counted = 1").await, 2);
        world.stop().await;
    }
}

#[tokio::test]
async fn a_month_lasts_from_local_midnight_to_local_midnight() {
    let rows = [
        ("Asia/Riyadh", "2026-04-30T21:00:00Z", "2026-05-31T21:00:00Z"),
        ("UTC", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
        ("UTC", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("Europe/Berlin", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"),
    ];
    for (zone, begins, ends) in rows {
        let world = world_in(zone, begins).await;
        world.grant(None, Some(1)).await;
        assert_passes(&world, &format!("{zone} {begins}")).await;
        world.clock.set(at(ends).minus(Duration::from_millis(1)));
        let reply = world.send(&message()).await;
        assert_refused_with(&reply, "monthly_message_limit_exceeded", json!({"limit": 1, "used": 1}));
        assert_eq!(reply.header("retry-after"), Some("1"));
        world.clock.set(at(ends));
        assert_passes(&world, &format!("{zone} {ends}")).await;
        world.stop().await;
    }
}

#[tokio::test]
async fn a_new_zone_holds_from_the_later_of_both_midnights() {
    // From, to, and the moments at which one more message passes; a minute before each, none does.
    let rows = [
        ("Asia/Riyadh", "Europe/Berlin", ["2026-05-08T21:00:00Z", "2026-05-09T22:00:00Z"]),
        ("Europe/Berlin", "Asia/Riyadh", ["2026-05-08T22:00:00Z", "2026-05-09T21:00:00Z"]),
        ("Asia/Riyadh", "America/Los_Angeles", ["2026-05-08T21:00:00Z", "2026-05-10T07:00:00Z"]),
        ("America/Los_Angeles", "Asia/Riyadh", ["2026-05-09T07:00:00Z", "2026-05-09T21:00:00Z"]),
    ];
    for (from, to, passes) in rows {
        let world = world_in(from, "2026-05-08T10:00:00Z").await;
        world.grant(Some(1), None).await;
        assert_passes(&world, from).await;
        world.move_to(to).await;
        let mut last = "2026-05-08T10:00:00Z";
        for moment in passes {
            // Right after the last one, and right before the next.
            for asked in [at(last), at(moment).minus(Duration::from_secs(60))] {
                world.clock.set(asked);
                let reply = assert_day_is_full(&world, 1, &format!("{from} to {to}, {asked}")).await;
                let wait = at(moment).since(asked).as_secs().to_string();
                assert_eq!(reply.header("retry-after"), Some(wait.as_str()), "{from} to {to}, {asked}");
            }
            last = moment;
            world.clock.set(at(moment));
            assert_passes(&world, &format!("{from} to {to}, {moment}")).await;
        }
        world.stop().await;
    }
}

#[tokio::test]
async fn a_clock_that_goes_back_finds_the_day_as_it_was_left() {
    let world = World::start_at("2026-06-01T23:00:00Z", no_rates).await;
    world.grant(Some(2), None).await;
    assert_passes(&world, "the first of June").await;
    world.clock.set(at("2026-06-02T01:00:00Z"));
    assert_passes(&world, "the second").await;
    assert_passes(&world, "the second").await;
    assert_day_is_full(&world, 2, "the second").await;
    world.clock.set(at("2026-06-01T23:30:00Z"));
    assert_passes(&world, "the first again").await;
    assert_day_is_full(&world, 2, "the first again").await;
    world.clock.set(at("2026-06-02T01:00:00Z"));
    assert_day_is_full(&world, 2, "the second again").await;
    world.stop().await;
}

#[tokio::test]
async fn a_failure_after_midnight_gives_back_to_the_day_and_month_before() {
    let world = World::start_at("2026-05-31T23:59:59Z", no_rates).await;
    world.sandbox("latency_ms", "4000").await;
    world.sandbox("fail", "refuse").await;
    let sent = world.send_meanwhile(&message(), &[]);
    world.step(&[2]).await;
    assert_logged(&sent.await.expect("an answer"), "failed");
    assert_eq!(world.clock_shows(), "2026-06-01T00:00:01Z");
    assert_eq!(world.used().await, (0, 0));
    let days = "SELECT count(*) FROM usage_days WHERE day = '2026-05-31'";
    assert_eq!((world.number(days).await, world.number("SELECT count(*) FROM usage_days").await), (1, 1));
    assert_eq!(world.number("SELECT count(*) FROM usage_months WHERE month = '2026-05'").await, 1);
    world.stop().await;
}

#[tokio::test]
async fn what_may_have_gone_stays_counted_on_its_day_until_somebody_knows() {
    let world = World::start_at("2026-05-31T23:59:55Z", no_rates).await;
    let reply = world.send_into_silence(&message(), &[]).await;
    assert_logged(&reply, "unknown");
    let counted = "SELECT counted FROM usage_days WHERE day = '2026-05-31'";
    assert_eq!(world.number(counted).await, 1);
    let (status, note) = ("failed".into(), "the customer has nothing".into());
    let settle = MessageSettle { log_id: log_id(&reply), status, note };
    world.command(settle).await.expect("settled");
    assert_eq!((world.number(counted).await, world.used().await), (0, (0, 0)));
    world.stop().await;
}

/// What happens in a random sequence.
#[derive(Clone, Debug)]
enum Step {
    Sent,
    Failed,
    Unknown,
    Hours(u64),
    Back(u64),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::Sent),
        2 => Just(Step::Failed),
        2 => Just(Step::Unknown),
        2 => (1_u64..40).prop_map(Step::Hours),
        1 => (1_u64..20).prop_map(Step::Back),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..24)
}

const DAILY: usize = 3;
const MONTHLY: usize = 7;

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 40, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_limit_is_never_passed_and_never_closes_early(steps in steps()) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(check(&steps));
    }
}

/// Plays the steps and keeps books beside the gateway: days of the messages that count.
async fn check(steps: &[Step]) {
    let mut world = World::start_at("2026-05-30T12:00:00Z", no_rates).await;
    world.grant(Some(DAILY as u64), Some(MONTHLY as u64)).await;
    let mut books: Vec<String> = Vec::new();
    for step in steps {
        let day = world.clock_shows()[..10].to_owned();
        let has_room = books.iter().filter(|d| **d == day).count() < DAILY
            && books.iter().filter(|d| d[..7] == day[..7]).count() < MONTHLY;
        let (fault, status) = match step {
            Step::Hours(hours) => {
                world.later(Duration::from_secs(hours * 3600));
                continue;
            }
            Step::Back(hours) => {
                world.clock.set(at(&world.clock_shows()).minus(Duration::from_secs(hours * 3600)));
                continue;
            }
            Step::Restart => {
                world.restart().await;
                continue;
            }
            Step::Sent => ("none", 200),
            Step::Failed => ("refuse", 502),
            Step::Unknown => ("timeout_after_accept", 502),
        };
        let reply = if has_room && matches!(step, Step::Unknown) {
            world.send_into_silence(&message(), &[]).await
        } else {
            world.sandbox("fail", fault).await;
            world.send(&message()).await
        };
        assert_eq!(reply.status, if has_room { status } else { 429 }, "{step:?} on {day}: {}", reply.body);
        if has_room && !matches!(step, Step::Failed) {
            books.push(day);
        }
        assert_eq!(world.used().await, (books.len() as i64, books.len() as i64), "{step:?}");
    }
    assert_eq!(world.inbox().await.len(), books.len());
    world.stop().await;
}
