//! The jobs: days and months are closed once and in each account's own zone, what has run out is deleted, a job that
//! fails is noted, and no limit waits for any of it.

use crate::harness::world::{World, message, message_with, update};
use serde_json::json;
use std::time::Duration;
use wa_gateway::{
    app::{
        commands::{AccountUpdate, UserCreate, UserLoginLink},
        scheduler::Scheduler,
    },
    model::clock::{Clock, Time},
    store::StoreError,
};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn at(rfc3339: &str) -> Time {
    Time::parse(rfc3339).expect("a time")
}

async fn step(world: &World) {
    Scheduler(world.gateway().clone()).step().await;
}

/// The closed periods: account, period, used, limit.
async fn history(world: &World) -> Vec<(i64, String, i64, i64)> {
    let sql = "SELECT account_id, period, used, max_used FROM usage_history ORDER BY account_id, period";
    let read =
        world.gateway().store.read(move |tx| tx.list(sql, [], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))));
    read.await.map_err(|e: StoreError| e.to_string()).expect("rows")
}

async fn count(world: &World, table: &'static str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    let read = world.gateway().store.read(move |tx| tx.one(&sql, [], |r| r.get(0)));
    read.await.map_err(|e: StoreError| e.to_string()).expect("a count")
}

async fn last_error(world: &World, job: &'static str) -> Option<String> {
    let sql = "SELECT last_error FROM jobs WHERE name = ?1";
    let read = world.gateway().store.read(move |tx| tx.one(sql, [job], |r| r.get(0)));
    read.await.map_err(|e: StoreError| e.to_string()).expect("a row")
}

async fn sql(world: &World, statement: &'static str) {
    let done = world.gateway().store.write(move |tx| tx.execute(statement, []).map(drop));
    done.await.map_err(|e: StoreError| e.to_string()).expect("it is done");
}

/// Reviewed limits for an account.
fn grant(account: i64, daily: Option<u64>, monthly: Option<u64>, end: Option<&str>) -> AccountUpdate {
    let mut request = update(account);
    (request.grant_daily, request.grant_monthly) = (daily, monthly);
    (request.reason, request.until) = (Some("reviewed".into()), end.map(str::to_owned));
    request
}

fn row(account: i64, period: &str, used: i64, limit: i64) -> (i64, String, i64, i64) {
    (account, period.to_owned(), used, limit)
}

async fn assert_sent(world: &World) {
    let reply = world.send(&message()).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
}

#[tokio::test]
async fn each_account_closes_its_day_at_its_own_midnight_and_once() {
    let world = World::start_at("2026-06-01T20:30:00Z", |_| {}).await;
    let riyadh = world.new_account("Riyadh", "starter").await;
    // As if it had been made so: a change by command holds from the next midnight only.
    sql(&world, "UPDATE accounts SET timezone = 'Asia/Riyadh' WHERE name = 'Riyadh'").await;
    world.new_instance(riyadh, "riyadh-line").await;
    let key = world.new_key(riyadh, &[]).await;
    assert_sent(&world).await;
    let there = message_with(json!({"instance_id": "riyadh-line"}));
    assert_eq!(world.send_with(&key, &there, &[]).await.status, 200);
    step(&world).await;
    assert_eq!(history(&world).await, [], "the day is not over anywhere");

    world.clock.set(at("2026-06-01T21:00:00Z"));
    step(&world).await;
    let first = [row(riyadh, "2026-06-01", 1, 100)];
    assert_eq!(history(&world).await, first, "it is midnight in Riyadh");

    world.clock.set(at("2026-06-02T00:00:00Z"));
    step(&world).await;
    world.later(HOUR);
    step(&world).await;
    let both = [row(world.account, "2026-06-01", 1, 1500), row(riyadh, "2026-06-01", 1, 100)];
    assert_eq!(history(&world).await, both, "and in UTC; no day is closed twice");
    world.stop().await;
}

#[tokio::test]
async fn a_late_run_closes_everything_that_it_missed() {
    let world = World::start_at("2026-05-30T12:00:00Z", |_| {}).await;
    assert_sent(&world).await;
    world.later(DAY);
    assert_sent(&world).await;
    world.later(DAY);
    assert_sent(&world).await;
    // Nothing ran for a month and a half.
    world.clock.set(at("2026-07-15T12:00:00Z"));
    step(&world).await;
    let a = world.account;
    let all = [
        row(a, "2026-05", 2, 30000),
        row(a, "2026-05-30", 1, 1500),
        row(a, "2026-05-31", 1, 1500),
        row(a, "2026-06", 1, 30000),
        row(a, "2026-06-01", 1, 1500),
    ];
    assert_eq!(history(&world).await, all);
    world.stop().await;
}

#[tokio::test]
async fn history_shows_the_limit_that_held_at_the_periods_end() {
    let world = World::start().await;
    assert_sent(&world).await;
    world.later(DAY);
    world.update_account(grant(world.account, Some(2000), None, Some("2026-06-03T00:00:00Z"))).await;
    assert_sent(&world).await;
    world.later(DAY);
    assert_sent(&world).await;
    world.later(DAY);
    step(&world).await;
    let a = world.account;
    let days = [row(a, "2026-06-01", 1, 1500), row(a, "2026-06-02", 1, 2000), row(a, "2026-06-03", 1, 1500)];
    assert_eq!(history(&world).await, days, "before, with and after the grant, closed late");
    world.stop().await;
}

#[tokio::test]
async fn a_clock_set_back_closes_nothing_twice_and_stops_no_job() {
    let world = World::start_at("2026-06-01T23:00:00Z", |_| {}).await;
    assert_sent(&world).await;
    world.later(2 * HOUR);
    step(&world).await;
    world.clock.set(at("2026-06-01T23:00:00Z"));
    step(&world).await;
    world.later(2 * HOUR);
    step(&world).await;
    assert_eq!(history(&world).await, [row(world.account, "2026-06-01", 1, 1500)]);
    // Set back by a year, the jobs run again at once and not in a year.
    world.clock.set(at("2025-06-01T00:00:00Z"));
    step(&world).await;
    let due = world.gateway().store.read(|tx| tx.one("SELECT max(due_at) FROM jobs", [], |r| r.get::<_, Time>(0)));
    let due = due.await.map_err(|e: StoreError| e.to_string()).expect("a time");
    assert!(due <= world.clock.now().plus(DAY), "{due:?}");
    world.stop().await;
}

#[tokio::test]
async fn a_job_runs_when_it_is_due_and_not_before() {
    let world = World::start().await;
    step(&world).await;
    let runs = || async {
        let read = world.gateway().store.read(|tx| {
            tx.list("SELECT name, last_run_at FROM jobs ORDER BY name", [], |r| {
                Ok((r.get::<_, String>(0)?, r.get::<_, Time>(1)?))
            })
        });
        read.await.map_err(|e: StoreError| e.to_string()).expect("rows")
    };
    let first = runs().await;
    let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
    let all = [
        "backup",
        "certificate",
        "close_periods",
        "disk",
        "expire_changes",
        "expire_idempotency",
        "expire_sessions",
        "expire_threecx",
        "free_replies",
        "optimize",
        "retention",
    ];
    assert_eq!(names, all);
    for job in all {
        assert_eq!(last_error(&world, job).await, None, "{job}");
    }
    world.later(Duration::from_secs(59));
    step(&world).await;
    assert_eq!(runs().await, first, "nothing is due");
    world.later(Duration::from_secs(1));
    step(&world).await;
    let second = runs().await;
    assert_eq!(second[2].1, world.clock.now());
    assert_eq!((&second[..2], &second[3..]), (&first[..2], &first[3..]), "only the one that is due each minute");
    world.stop().await;
}

#[tokio::test]
async fn what_has_run_out_is_deleted() {
    let world = World::start().await;
    assert_eq!(world.send_with(&world.key, &message(), &["Idempotency-Key: order-2041"]).await.status, 200);
    let email = "owner@shop.example".to_owned();
    let user =
        UserCreate { account: Some(world.account), email: email.clone(), role: "owner".into(), ..Default::default() };
    world.command(user).await.expect("a user and a link");
    let link = world.command(UserLoginLink { email }).await.expect("a link");
    let token = link["link"].as_str().and_then(|l| l.rsplit('/').next()).expect("a token").to_owned();
    world.gateway().accounts.redeem_login(&token, "a browser", [127, 0, 0, 1].into()).await.expect("a session");
    step(&world).await;
    assert_eq!((count(&world, "idempotency").await, count(&world, "sessions").await), (1, 1), "still in force");
    world.later(23 * HOUR);
    step(&world).await;
    assert_eq!(count(&world, "idempotency").await, 1);
    world.later(HOUR + Duration::from_secs(1));
    step(&world).await;
    assert_eq!(count(&world, "idempotency").await, 0, "after 24 hours");
    world.later(400 * DAY);
    step(&world).await;
    assert_eq!((count(&world, "sessions").await, count(&world, "login_links").await), (0, 0));
    world.stop().await;
}

#[tokio::test]
async fn a_job_that_fails_is_noted_and_runs_again() {
    let world = World::start().await;
    assert_sent(&world).await;
    sql(&world, "ALTER TABLE usage_history RENAME TO hidden").await;
    world.later(DAY);
    step(&world).await;
    let noted = last_error(&world, "close_periods").await.expect("it is noted");
    assert!(noted.contains("usage_history"), "{noted}");
    assert_eq!(last_error(&world, "expire_sessions").await, None, "the others ran");
    sql(&world, "ALTER TABLE hidden RENAME TO usage_history").await;
    world.later(Duration::from_secs(60));
    step(&world).await;
    assert_eq!(last_error(&world, "close_periods").await, None);
    assert_eq!(history(&world).await, [row(world.account, "2026-06-01", 1, 1500)]);
    world.stop().await;
}

#[tokio::test]
async fn no_limit_waits_for_a_job() {
    let world = World::start_at("2026-06-30T23:59:00Z", |_| {}).await;
    world.update_account(grant(world.account, Some(1), Some(2), None)).await;
    assert_sent(&world).await;
    assert_eq!(world.send(&message()).await.error(), "daily_message_limit_exceeded");
    // No job has run, and the new day is new.
    world.clock.set(at("2026-07-01T00:00:00Z"));
    assert_sent(&world).await;
    assert_eq!(world.send(&message()).await.error(), "daily_message_limit_exceeded");
    world.clock.set(at("2026-07-02T00:00:00Z"));
    assert_sent(&world).await;
    world.clock.set(at("2026-07-03T00:00:00Z"));
    assert_eq!(world.send(&message()).await.error(), "monthly_message_limit_exceeded");
    // Nor does a job give anything back.
    step(&world).await;
    assert_eq!(world.send(&message()).await.error(), "monthly_message_limit_exceeded");
    assert_eq!(world.inbox().await.len(), 3);
    world.stop().await;
}
