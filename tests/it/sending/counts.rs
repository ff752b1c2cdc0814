//! The overview's figures: they are what the log says, whatever happens to a message, and no page reads the log for them.

use crate::harness::{
    visitor::Visitor,
    world::{PHONE, SPAM, World, message, message_to, message_with},
};
use serde_json::json;
use wa_gateway::accounts::Scope;
use wa_gateway::app::root::everybody;
use wa_gateway::{
    model::ids::AccountId,
    sending::counts::{self, Day},
    store::StoreError,
};

/// Rows that one table has and the other has not: nothing, when they agree.
const DIFFERENCE: &str = "WITH log AS (
    SELECT account_id, day, coalesce(key_id, 0) AS key_id, status,
           CASE status WHEN 'blocked' THEN coalesce(reason, '') ELSE '' END AS reason, sum(1 + repeats) AS n
    FROM messages WHERE status NOT IN ('accepted', 'sending') GROUP BY 1, 2, 3, 4, 5),
    kept AS (SELECT account_id, day, key_id, status, reason, n FROM message_counts WHERE n <> 0)
    SELECT (SELECT count(*) FROM (SELECT * FROM log EXCEPT SELECT * FROM kept))
         + (SELECT count(*) FROM (SELECT * FROM kept EXCEPT SELECT * FROM log))";

async fn days(world: &World) -> Vec<Day> {
    let account = AccountId(world.account);
    let read = world.gateway().store.read(move |tx| counts::days(tx, Scope::Account(account), "2026-05-19"));
    read.await.map_err(|e: StoreError| e.to_string()).expect("days")
}

#[tokio::test]
async fn the_counts_are_what_the_log_says_through_every_change() {
    let world = World::start().await;
    world.send(&message()).await;
    for _ in 0..3 {
        world.send(&message_with(json!({"message": SPAM}))).await;
    }
    world.send(&message_with(json!({"phone": "nonsense"}))).await;
    world.sandbox("fail", "refuse").await;
    world.send(&message_to("+966501234599")).await;
    world.sandbox("fail", "none").await;
    assert_eq!(world.number(DIFFERENCE).await, 0);
    let before = days(&world).await;
    assert_eq!((before.len(), before[0].left(), before[0].failed, before[0].refused), (1, 1, 1, 4), "{before:?}");
    for change in [
        "UPDATE messages SET status = 'delivered' WHERE id = 1",
        "UPDATE messages SET status = 'sending', repeats = 2 WHERE id = 1",
        "UPDATE messages SET status = 'accepted' WHERE id = 1",
        "UPDATE messages SET status = 'blocked', reason = 'policy_violation' WHERE id = 1",
        "UPDATE messages SET status = 'sending', reason = NULL WHERE id = 1",
        "UPDATE messages SET status = 'read', repeats = 0 WHERE id = 1",
    ] {
        world.sql(change).await;
        assert_eq!(world.number(DIFFERENCE).await, 0, "{change}");
    }
    assert_eq!((days(&world).await[0].arrived(), days(&world).await[0].read), (1, 1));
    world.sql("UPDATE messages SET day = '2026-06-02' WHERE id = 1").await;
    assert_eq!(world.number(DIFFERENCE).await, 0);
    // Negative control: a log that was changed behind the triggers is noticed.
    world.sql("UPDATE message_counts SET n = n + 1 WHERE status = 'read'").await;
    assert!(world.number(DIFFERENCE).await > 0);
    world.stop().await;
}

#[tokio::test]
async fn every_figure_comes_from_an_index() {
    let world = World::start().await;
    for scope in [Scope::Account(AccountId(world.account)), everybody()] {
        for sql in [counts::days_sql(scope), counts::refusals_sql(scope), counts::keys_sql(scope)] {
            let asked = format!("EXPLAIN QUERY PLAN {sql}");
            let plan = world
                .gateway()
                .store
                .read(move |tx| tx.list(&asked, rusqlite::params![scope, "2026-05-19"], |r| r.get::<_, String>(3)));
            let plan = plan.await.map_err(|e: StoreError| e.to_string()).expect("a plan");
            let plan = plan.join("\n");
            assert!(plan.contains("SEARCH message_counts USING") && !plan.contains("SCAN"), "{sql}\n{plan}");
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn the_overview_shows_them_with_a_table_beneath() {
    let world = World::start().await;
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let first = owner.get("/overview").await.body;
    assert!(first.contains("First steps"));
    world.send(&message()).await;
    world.send(&message_with(json!({"message": SPAM}))).await;
    world.hears(PHONE, "thanks").await;
    let page = owner.get("/overview").await.body;
    for part in [
        "<th scope=\"row\">2026-06-01</th><td class=\"n\">1</td>",
        "class=\"sent\"",
        "class=\"refused\"",
        "role=\"img\"",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(page.contains("<bdi>test</bdi>"), "use per key");
    world.stop().await;
}
