//! Messages to be sent later: fired once when due, over restarts, crashes, jumps of the clock, and what changes in
//! between.

use crate::harness::{
    wait::until,
    world::{INSTANCE, PHONE, World, message_with},
};
use serde_json::json;
use std::time::Duration;
use wa_gateway::accounts::Scope;
use wa_gateway::app::root::everybody;
use wa_gateway::{
    model::{
        clock::{Clock, Time},
        ids::{AccountId, InstanceId, MessageId},
        phone::Recipient,
        purpose::Purpose,
        random::SystemRandom,
    },
    sending::{
        Sender, Source,
        request::Draft,
        schedule::{MOST_WAITING, NewSchedule, ScheduleError, ScheduleId, ScheduleState, ScheduledMessage},
    },
    store::StoreError,
};

const MINUTE: Duration = Duration::from_secs(60);

fn new(world: &World, text: &str, due_at: Time) -> NewSchedule {
    let account = AccountId(world.account);
    NewSchedule {
        sender: Sender { account, key: None, source: Source::Schedule, module: None, request_id: None },
        account,
        instance: InstanceId::from_text(INSTANCE),
        recipient: Recipient::parse(PHONE, None).expect("a phone"),
        draft: Draft::Text(text.into()),
        purpose: Purpose::Transactional,
        reference: None,
        due_at,
        created_by: "test".into(),
    }
}

/// Schedules a text for so much later.
async fn schedule(world: &World, text: &str, after: Duration) -> ScheduleId {
    let due_at = world.clock.now().plus(after);
    world.gateway().schedules.create(new(world, text, due_at)).await.expect("it is kept").id
}

async fn find(world: &World, id: ScheduleId) -> ScheduledMessage {
    world.gateway().schedules.find(everybody(), id).await.expect("it is there")
}

/// Steps the worker until the row is settled: the one that runs by itself may have claimed it first.
async fn settled(world: &World, id: ScheduleId) -> ScheduledMessage {
    for _ in 0..20_000 {
        world.gateway().schedules.step().await.expect("a step");
        let entry = find(world, id).await;
        if entry.state != ScheduleState::Pending {
            return entry;
        }
        crate::harness::program::moment().await;
    }
    panic!("it stays pending: {:?}", find(world, id).await);
}

async fn texts(world: &World) -> Vec<String> {
    world.inbox().await.iter().map(|m| m["text"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_message_is_sent_when_it_is_due_and_not_before() {
    let world = World::start().await;
    let id = schedule(&world, "Your table is ready at eight. שלום 👋", 10 * MINUTE).await;
    world.later(9 * MINUTE);
    world.gateway().schedules.step().await.expect("a step");
    assert_eq!((find(&world, id).await.state, texts(&world).await.len()), (ScheduleState::Pending, 0));
    world.later(MINUTE);
    let entry = settled(&world, id).await;
    assert_eq!(entry.state, ScheduleState::Sent, "{entry:?}");
    assert_eq!(entry.sent_at, Some(world.clock.now()));
    assert_eq!(texts(&world).await, ["Your table is ready at eight. שלום 👋"]);
    let row = world.row(&serde_json::json!(entry.log_id.expect("a row in the log"))).await;
    assert_eq!(row["source"], "schedule");
    world.stop().await;
}

#[tokio::test]
async fn only_what_is_to_come_is_taken_and_only_what_waits_is_cancelled() {
    let world = World::start().await;
    let late = new(&world, "late", world.clock.now());
    assert!(matches!(world.gateway().schedules.create(late).await, Err(ScheduleError::Past)));
    let id = schedule(&world, "never", MINUTE).await;
    let schedules = &world.gateway().schedules;
    let other = Scope::Account(AccountId(world.account + 1));
    assert!(matches!(schedules.cancel(other, None, id).await, Err(ScheduleError::NotFound(_))));
    assert_eq!(schedules.cancel(everybody(), None, id).await.expect("cancelled").state, ScheduleState::Cancelled);
    assert!(matches!(
        schedules.cancel(everybody(), None, id).await,
        Err(ScheduleError::NotPending(_, ScheduleState::Cancelled))
    ));
    let sent = schedule(&world, "this one goes", MINUTE).await;
    world.later(2 * MINUTE);
    assert_eq!(settled(&world, sent).await.state, ScheduleState::Sent);
    assert!(matches!(
        schedules.cancel(everybody(), None, sent).await,
        Err(ScheduleError::NotPending(_, ScheduleState::Sent))
    ));
    assert_eq!(texts(&world).await, ["this one goes"]);
    world.stop().await;
}

#[tokio::test]
async fn what_was_due_while_it_was_off_is_sent_within_the_grace_time_and_missed_after_it() {
    let mut world = World::start().await;
    let (early, late) = (schedule(&world, "early", MINUTE).await, schedule(&world, "late", 45 * MINUTE).await);
    world.restart_after(Duration::from_secs(90 * 60)).await;
    let missed = settled(&world, early).await;
    assert_eq!(missed.state, ScheduleState::Missed);
    assert!(missed.reason.expect("a reason").contains("grace"));
    assert_eq!(settled(&world, late).await.state, ScheduleState::Sent);
    world.restart_after(MINUTE).await;
    world.gateway().schedules.step().await.expect("a step");
    assert_eq!(texts(&world).await, ["late"]);
    world.stop().await;
}

/// A number that connects is open again in a moment, and what is due meanwhile has nobody who would ask again.
#[tokio::test]
async fn what_is_due_while_its_number_connects_waits_for_it_within_the_grace_time() {
    let world = World::start().await;
    world.sandbox("state", "connecting").await;
    let id = schedule(&world, "See you.", MINUTE).await;
    let queued = message_with(json!({"queue": true, "message": "Soon."}));
    let waits = world.send(&queued).await;
    assert_eq!(waits.status, 202, "{}", waits.body);
    for minutes in [1, 30] {
        world.clock.advance(minutes * MINUTE);
        world.gateway().schedules.step().await.expect("a step");
        assert_eq!(find(&world, id).await.state, ScheduleState::Pending, "{minutes} minutes");
    }
    assert!(texts(&world).await.is_empty());
    world.sandbox("state", "open").await;
    assert_eq!(settled(&world, id).await.state, ScheduleState::Sent);
    until("both went", async || texts(&world).await.len() == 2).await;
    world.sandbox("state", "connecting").await;
    // What is only queued has somebody who waits for its outcome.
    schedule(&world, "At once or never.", MINUTE).await;
    world.sql("UPDATE schedules SET kind = 'queued' WHERE state = 'pending'").await;
    world.clock.advance(MINUTE);
    let tried = "SELECT count(*) FROM schedules WHERE kind = 'queued' AND state = 'fired' AND outcome = 'failed'";
    until("it was tried", async || {
        world.gateway().schedules.step().await.expect("a step");
        world.number(tried).await == 1
    })
    .await;
    let late = schedule(&world, "Too late.", MINUTE).await;
    world.clock.advance(62 * MINUTE);
    assert_eq!(settled(&world, late).await.state, ScheduleState::Missed);
    world.stop().await;
}

#[tokio::test]
async fn a_clock_that_jumps_fires_once_and_one_that_is_set_back_fires_nothing_again() {
    let world = World::start().await;
    let begun = world.clock.now();
    let id = schedule(&world, "once", 10 * MINUTE).await;
    world.clock.set(begun.plus(40 * MINUTE));
    assert_eq!(settled(&world, id).await.state, ScheduleState::Sent);
    world.clock.set(begun);
    world.later(10 * MINUTE);
    world.gateway().schedules.step().await.expect("a step");
    assert_eq!(texts(&world).await, ["once"]);
    world.stop().await;
}

#[tokio::test]
async fn so_many_wait_and_no_more_until_one_is_cancelled() {
    let world = World::start().await;
    let id = schedule(&world, "one of many", 10 * MINUTE).await;
    let others = world.gateway().store.write(move |tx| {
        let sql = "WITH RECURSIVE others (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM others WHERE n < ?2)
             INSERT INTO schedules (account_id, instance_id, kind, source, recipient, purpose, body, due_at, state,
                 message_id, created_by, created_at)
             SELECT account_id, instance_id, kind, source, recipient, purpose, body, due_at, state, message_id || '-' || n,
                 created_by, created_at
             FROM schedules, others WHERE id = ?1";
        tx.execute(sql, [id.0, MOST_WAITING])
    });
    assert_eq!(others.await.map_err(|e: StoreError| e.to_string()), Ok(9_999));
    // They were counted a moment ago, and are counted again.
    world.later(Duration::from_secs(1));
    let schedules = &world.gateway().schedules;
    let one_more = || schedules.create(new(&world, "one more", world.clock.now().plus(MINUTE)));
    for _ in 0..2 {
        assert!(matches!(one_more().await, Err(ScheduleError::TooMany)));
    }
    schedules.cancel(everybody(), None, id).await.expect("cancelled");
    one_more().await.expect("there is room for one");
    assert!(matches!(one_more().await, Err(ScheduleError::TooMany)));
    world.stop().await;
}

#[tokio::test]
async fn an_opt_out_in_between_refuses_with_the_reason() {
    let world = World::start().await;
    let id = schedule(&world, "Your order is on its way.", 10 * MINUTE).await;
    world.hears(PHONE, "STOP").await;
    world.later(10 * MINUTE);
    let entry = settled(&world, id).await;
    assert_eq!((entry.state, entry.reason.as_deref()), (ScheduleState::Failed, Some("recipient_suppressed")));
    assert!(texts(&world).await.is_empty());
    world.stop().await;
}

#[tokio::test]
async fn a_death_between_claim_and_send_sends_once() {
    let mut world = World::start().await;
    let id = schedule(&world, "after the power went", 10 * MINUTE).await;
    let claim = world
        .gateway()
        .store
        .write(move |tx| tx.execute("UPDATE schedules SET state = 'claimed' WHERE id = ?1", [id.0]).map(drop));
    claim.await.map_err(|e: StoreError| e.to_string()).expect("claimed by nobody who lives");
    world.restart_after(11 * MINUTE).await;
    assert_eq!(settled(&world, id).await.state, ScheduleState::Sent);
    assert_eq!(texts(&world).await, ["after the power went"]);
    world.stop().await;
}

#[tokio::test]
async fn a_death_while_it_is_sent_is_unknown_and_never_sent_again() {
    let world = World::start().await;
    world.sandbox("latency_ms", "4000").await;
    let id = schedule(&world, "nobody knows", 10 * MINUTE).await;
    world.later(10 * MINUTE);
    // The provider has it in hand: half of its time is over when it accepts.
    world.clock.wait_for_sleeper_at(world.clock.now().plus(Duration::from_secs(2))).await;
    let second = world.after_a_crash().await;
    let entry = settled(&second, id).await;
    assert_eq!(entry.state, ScheduleState::Unknown, "{entry:?}");
    assert!(texts(&second).await.is_empty(), "it was sent again");
    second.stop().await;
    world.stop_soon().await;
}

#[tokio::test]
async fn the_log_takes_an_id_once() {
    let world = World::start().await;
    let (clock, sending) = (world.clock.clone(), world.gateway().sending.clone());
    let sender = new(&world, "", clock.now()).sender;
    let mut request = wa_gateway::sending::Request::text(
        InstanceId::from_text(INSTANCE),
        Recipient::parse(PHONE, None).expect("a phone"),
        Purpose::Support,
        "once".into(),
    );
    request.message_id = Some(MessageId::new(clock.now(), &SystemRandom));
    let first = sending.submit(sender.clone(), request.clone()).await.expect("an answer");
    assert_eq!(Some(&first.message_id), request.message_id.as_ref());
    assert!(sending.submit(sender, request).await.is_err(), "a second message with the same id");
    assert_eq!(texts(&world).await, ["once"]);
    world.stop().await;
}
