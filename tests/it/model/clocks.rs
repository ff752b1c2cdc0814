//! Clocks that were wrong: a board without one that starts years off, a time zone that was taken for UTC. What was stored
//! while it was ahead stops nothing once it is right again, also over a restart; what a person said stays said.

use crate::harness::{
    receiver::Receiver,
    visitor::{PASSWORD, Visitor},
    world::{World, message, message_to, message_with},
};
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};
use wa_gateway::{
    app::{commands::WebhookCreate, scheduler::Scheduler},
    model::clock::{Clock, Time},
    store::StoreError,
};

/// What a stored time is, and what one is worth that lies in the future because the clock was ahead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rule {
    /// When something happened: shown, sorted by, counted in windows that end; nothing waits for it to come.
    Happened,
    /// A moment that a person named. It is theirs, whatever the clock does.
    Named,
    /// A wait that the gateway made itself: never believed for longer than such a wait can be.
    Waits,
    /// The end of something somebody was given: believed up to a day further than it could be, then over.
    Given,
}

use Rule::{Given, Happened, Named, Waits};

/// Every column of the database that holds a time.
const TIMES: &[(&str, &str, Rule)] = &[
    ("accounts", "created_at", Happened),
    ("accounts", "disabled_at", Happened),
    ("accounts", "next_timezone_from", Waits),
    ("accounts", "plan_until", Named),
    ("api_keys", "created_at", Happened),
    ("api_keys", "expires_at", Named),
    ("api_keys", "last_used_at", Waits),
    ("api_keys", "revoked_at", Happened),
    ("attempts", "at", Happened),
    ("audit", "at", Happened),
    ("calls", "ended_at", Happened),
    ("calls", "rejected_at", Happened),
    ("calls", "started_at", Happened),
    ("contact_identities", "former_at", Happened),
    ("contacts", "created_at", Happened),
    ("contacts", "first_outbound_at", Happened),
    ("contacts", "imported_at", Happened),
    // Opens the 24-hour window, and none for longer than that after now.
    ("contacts", "last_inbound_at", Waits),
    ("conversations", "created_at", Happened),
    ("conversations", "last_inbound_at", Happened),
    ("conversations", "last_message_at", Happened),
    ("deliveries", "delivered_at", Happened),
    ("deliveries", "due_at", Waits),
    ("deliveries", "last_at", Happened),
    ("digests", "created_at", Happened),
    ("digests", "due_at", Waits),
    ("digests", "last_at", Happened),
    ("digests", "sent_at", Happened),
    ("appliance_settings", "changed_at", Happened),
    ("egress_entries", "added_at", Happened),
    ("endpoint_answers", "created_at", Happened),
    ("endpoint_answers", "done_at", Happened),
    ("endpoint_former_secrets", "until", Given),
    ("endpoints", "created_at", Happened),
    ("endpoints", "deleted_at", Happened),
    ("endpoints", "disabled_at", Happened),
    // Counts from the next failure if it lies ahead.
    ("endpoints", "failing_since", Waits),
    ("endpoints", "previous_until", Given),
    ("erased_suppressions", "since", Happened),
    ("events", "created_at", Happened),
    ("granted_limits", "created_at", Happened),
    ("granted_limits", "until", Named),
    ("granted_limits", "withdrawn_at", Happened),
    ("groups", "read_at", Happened),
    ("groups", "updated_at", Happened),
    ("guard_settings", "changed_at", Happened),
    ("idempotency", "expires_at", Given),
    ("inbound_messages", "created_at", Happened),
    ("inbound_messages", "heard_at", Happened),
    ("instances", "created_at", Happened),
    ("instances", "deleted_at", Happened),
    ("instances", "paused_at", Happened),
    ("invitations", "created_at", Happened),
    ("invitations", "expires_at", Given),
    ("invitations", "used_at", Happened),
    ("jobs", "due_at", Waits),
    ("jobs", "last_run_at", Happened),
    ("judgements", "at", Happened),
    ("limit_requests", "created_at", Happened),
    ("limit_requests", "decided_at", Happened),
    ("login_links", "created_at", Happened),
    ("login_links", "expires_at", Given),
    ("login_links", "used_at", Happened),
    ("media", "created_at", Happened),
    ("media", "due_at", Waits),
    ("media", "removed_at", Happened),
    ("messages", "created_at", Happened),
    ("messages", "delivered_at", Happened),
    ("messages", "expires_at", Named),
    ("messages", "failed_at", Happened),
    ("messages", "read_at", Happened),
    ("messages", "sending_at", Happened),
    ("messages", "sent_at", Happened),
    ("messages", "updated_at", Happened),
    ("notices", "cleared_at", Happened),
    ("notices", "created_at", Happened),
    ("notices", "seen_at", Happened),
    ("policy_phrases", "added_at", Happened),
    ("provider_news", "created_at", Happened),
    ("provider_news", "heard_at", Happened),
    ("recovery_codes", "used_at", Happened),
    ("review_notes", "at", Happened),
    ("reviews", "closed_at", Waits),
    ("reviews", "opened_at", Happened),
    ("schedules", "created_at", Happened),
    // A person's own time, but for pauses of the gateway's own, which are over if the clock that made them was ahead.
    ("schedules", "due_at", Named),
    ("schedules", "ended_at", Happened),
    ("schedules", "expires_at", Named),
    ("second_factors", "confirmed_at", Happened),
    ("sessions", "created_at", Happened),
    ("sessions", "expires_at", Given),
    ("sessions", "last_seen_at", Given),
    ("strikes", "at", Happened),
    ("suppressions", "lifted_at", Happened),
    ("suppressions", "since", Happened),
    ("templates", "updated_at", Happened),
    ("threecx_cooldowns", "until", Waits),
    ("threecx_counters", "last_at", Happened),
    ("threecx_integrations", "created_at", Happened),
    ("threecx_integrations", "previous_until", Given),
    ("threecx_requests", "at", Happened),
    // Good once: kept until the signature would be stale by the clock that it names.
    ("threecx_signatures", "until", Named),
    ("usage_history", "closed_at", Happened),
    ("users", "created_at", Happened),
    ("users", "disabled_at", Happened),
];

/// Whether a column's name says that it holds a time.
fn is_time(name: &str) -> bool {
    name == "at"
        || name == "until"
        || name == "since"
        || ["_at", "_until", "_since", "_from"].iter().any(|e| name.ends_with(e))
}

#[tokio::test]
async fn every_stored_time_has_its_rule() {
    let world = World::start().await;
    let read = world.gateway().store.read(|tx| {
        tx.list(
            "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND c.type = 'INTEGER' ORDER BY 1, 2",
            [],
            |r| Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?)),
        )
    });
    let columns = read.await.map_err(|e: StoreError| e.to_string()).expect("columns");
    let stored: BTreeSet<String> = columns
        .iter()
        .filter(|(_, column)| is_time(column))
        .map(|(table, column)| format!("{table}.{column}"))
        .collect();
    let known: BTreeSet<String> = TIMES.iter().map(|(table, column, _)| format!("{table}.{column}")).collect();
    assert_eq!(stored.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new(), "times without a rule");
    assert_eq!(known.difference(&stored).collect::<Vec<_>>(), Vec::<&String>::new(), "rules without a time");
}

const HOUR: Duration = Duration::from_secs(3600);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
const TODAY: &str = "2026-06-01T08:00:00Z";

/// Starts with the clock so far off, does everything that stores a time, sets the clock right, restarts or not.
struct Wrong {
    world: World,
    receiver: Receiver,
}

fn shifted(by: Duration, ahead: bool) -> Time {
    let today = Time::parse(TODAY).expect("a time");
    if ahead { today.plus(by) } else { today.minus(by) }
}

async fn sql(world: &World, statement: &'static str) -> i64 {
    let read = world.gateway().store.read(move |tx| tx.one(statement, [], |r| r.get(0)));
    read.await.map_err(|e: StoreError| e.to_string()).expect(statement)
}

impl Wrong {
    async fn clock(by: Duration, ahead: bool) -> Self {
        let receiver = Receiver::start().await;
        let entry = receiver.address.to_string().parse().expect("an entry");
        let start = shifted(by, ahead).rfc3339();
        let world = World::start_at(&start, |config| config.egress.allow = vec![entry]).await;
        let events = vec!["message.sent".to_owned()];
        let request = WebhookCreate { account: world.account, url: receiver.url(), events, ..Default::default() };
        world.command(request).await.expect("an endpoint");
        // A full bucket, one text to many people, and a person's share of codes.
        for n in 0..20 {
            assert_eq!(world.send(&message_to(&crate::sending::pace::customer(n))).await.status, 200, "{n}");
        }
        receiver.wait_for(20).await;
        receiver.answer_next("500 Internal Server Error");
        let keyed = ["Idempotency-Key: order-1"];
        world.later(Duration::from_secs(60));
        assert_eq!(world.send_with(&world.key, &message(), &keyed).await.status, 200);
        receiver.wait_for(21).await;
        let mut owner = Visitor::logged_in(&world, "owner").await;
        for _ in 0..6 {
            owner.cookies.remove("device");
            Visitor::nobody(&world).post("/login", &[("email", "owner@shop.example"), ("password", "wrong")]).await;
        }
        Scheduler(world.gateway().clone()).step().await;
        Self { world, receiver }
    }

    async fn set_right(&mut self, restart: bool) {
        self.world.clock.set(Time::parse(TODAY).expect("a time"));
        if restart {
            self.world.restart().await;
        }
    }

    async fn assert_all_works(&self, what: &str) {
        let Self { world, receiver } = self;
        let reply = world.send(&message_with(json!({"message": "another text"}))).await;
        assert_eq!(reply.status, 200, "{what}: the next send: {}", reply.body);
        // The retry that was to come after five seconds, and the new one.
        for _ in 0..40 {
            if receiver.got().len() >= 23 {
                break;
            }
            world.later(Duration::from_secs(1));
            crate::harness::program::moment().await;
        }
        receiver.wait_for(23).await;
        world.later(Duration::from_secs(31));
        let right = [("email", "owner@shop.example"), ("password", PASSWORD)];
        assert_eq!(Visitor::nobody(world).post("/login", &right).await.status, 303, "{what}: the right password");
        Scheduler(world.gateway().clone()).step().await;
        let last = sql(world, "SELECT max(last_run_at) FROM jobs").await;
        assert!(last <= world.clock.now().millis(), "{what}: a job waits for what is long over");
    }
}

#[tokio::test]
async fn a_clock_that_was_ahead_stops_nothing_once_it_is_right() {
    for (by, name) in [(3 * HOUR, "3 hours"), (3 * YEAR, "3 years")] {
        for restart in [false, true] {
            let mut wrong = Wrong::clock(by, true).await;
            wrong.set_right(restart).await;
            wrong.assert_all_works(&format!("{name} ahead, restart {restart}")).await;
            wrong.world.stop_soon().await;
        }
    }
}

#[tokio::test]
async fn a_clock_that_was_behind_stops_nothing_once_it_is_right() {
    for (by, name) in [(3 * HOUR, "3 hours"), (3 * YEAR, "3 years")] {
        for restart in [false, true] {
            let mut wrong = Wrong::clock(by, false).await;
            wrong.set_right(restart).await;
            wrong.assert_all_works(&format!("{name} behind, restart {restart}")).await;
            wrong.world.stop_soon().await;
        }
    }
}
