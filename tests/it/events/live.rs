//! What open pages hear over `/ws`: only what is theirs, all of it, in order and once, for as long as their session
//! lasts; and what a page may not do.

use crate::harness::{
    http,
    listener::{Came, Listener},
    visitor::Visitor,
    world::{INSTANCE, PHONE, World, message},
};
use serde_json::Value;
use std::time::Duration;
use wa_gateway::{
    app::commands::SandboxReceive,
    model::clock::Clock,
    store::{StoreError, WriteTx},
};

async fn write(world: &World, work: impl FnOnce(&WriteTx<'_>) -> Result<(), StoreError> + Send + 'static) {
    world.gateway().store.write(work).await.expect("written");
}

async fn sql(world: &World, statement: &'static str) {
    write(world, move |tx| tx.execute(statement, []).map(drop)).await;
}

/// The positions of frames, which must rise.
fn positions(frames: &[Value]) -> Vec<i64> {
    let all: Vec<i64> = frames.iter().filter_map(|f| f["position"].as_i64()).collect();
    assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "{all:?}");
    all
}

#[tokio::test]
async fn only_our_own_pages_of_somebody_who_is_logged_in_are_let_in() {
    let world = World::start_with(|config| config.public_url = Some("https://gate.example".into())).await;
    let (at, owner) = (world.address(), Visitor::logged_in(&world, "owner").await);
    let nobody = Visitor::nobody(&world);
    let own = format!("http://{at}");
    let try_open = |visitor, origin| Listener::try_open(at, visitor, "", origin);
    for foreign in ["http://evil.example", "null", "http://127.0.0.1", "https://gate.example.evil.example", ""] {
        assert_eq!(try_open(&owner, Some(foreign)).await.err(), Some(403), "{foreign}");
    }
    assert_eq!(try_open(&owner, None).await.err(), Some(403), "a browser says where a page is from");
    assert_eq!(try_open(&nobody, Some(&own)).await.err(), Some(401));
    assert!(try_open(&owner, Some(&own)).await.is_ok());
    assert!(try_open(&owner, Some("https://gate.example")).await.is_ok(), "behind a proxy the host is another");
    let cookie = owner.cookies.iter().map(|(n, v)| format!("Cookie: {n}={v}")).next().expect("a cookie");
    let plain = http::call(at, "GET", "/ws", &[cookie, format!("Origin: {own}")], &[]).await;
    assert_eq!((plain.status, plain.header("upgrade")), (426, Some("websocket")));
    world.stop().await;
}

#[tokio::test]
async fn each_hears_what_is_theirs_and_nothing_else() {
    let world = World::start().await;
    let at = world.address();
    let stranger = world.new_account("Other", "growth").await;
    world.new_instance(stranger, "other-line").await;
    let owner = Visitor::logged_in(&world, "owner").await;
    let other = Visitor::of_account(&world, "owner", stranger, "o@other.example").await;
    let (mut ours, _) = Listener::open(at, &owner, "").await;
    let (mut theirs, _) = Listener::open(at, &other, "").await;
    let (mut narrowed, _) = Listener::open(at, &other, &format!("?instance={INSTANCE}")).await;
    world.hears(PHONE, "for the shop").await;
    world.send(&message()).await;
    let heard = ours.until("Your order #2041 has been shipped.").await;
    assert!(heard.iter().any(|f| f["line"]["text"] == "for the shop" && f["line"]["mine"] == false), "{heard:?}");
    positions(&heard);
    let to_them = SandboxReceive {
        instance: "other-line".into(),
        from: PHONE.into(),
        text: "for the other".into(),
        ..Default::default()
    };
    world.command(to_them).await.expect("recorded");
    let first = theirs.frame().await;
    assert_eq!((&first["line"]["text"], &first["instance"]), (&"for the other".into(), &"other-line".into()));
    // Naming another account's instance opens nothing: all that comes is the end.
    world.stop().await;
    assert_eq!(narrowed.next().await, Came::End(Some(1001)));
}

#[tokio::test]
async fn who_comes_again_hears_what_he_missed_once_and_in_order() {
    let world = World::start().await;
    let (at, owner) = (world.address(), Visitor::logged_in(&world, "owner").await);
    let (mut first, _) = Listener::open(at, &owner, "").await;
    world.hears(PHONE, "one").await;
    let seen = positions(&first.until("one").await);
    drop(first);
    for text in ["two", "three"] {
        world.hears(PHONE, text).await;
    }
    let (mut again, from) = Listener::open(at, &owner, &format!("?after={}", seen.last().expect("one"))).await;
    assert_eq!(from, *seen.last().expect("one"));
    world.hears(PHONE, "four").await;
    let heard = again.until("four").await;
    let texts: Vec<&str> = heard.iter().filter_map(|f| f["line"]["text"].as_str()).collect();
    assert_eq!(texts, ["two", "three", "four"]);
    positions(&heard);
    // What is not known any more, or was never there, is said to be so.
    sql(&world, "DELETE FROM changes WHERE id < (SELECT max(id) FROM changes)").await;
    for after in [0, 1_000_000] {
        let (mut late, _) = Listener::open(at, &owner, &format!("?after={after}")).await;
        assert_eq!(late.frame().await["type"], "reset", "{after}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_message_is_told_again_with_each_of_its_states() {
    let world = World::start().await;
    let (at, owner) = (world.address(), Visitor::logged_in(&world, "owner").await);
    let (mut page, from) = Listener::open(at, &owner, "").await;
    let sent = world.send(&message()).await.json();
    let mut frames = Vec::new();
    while frames.last().is_none_or(|f: &Value| f["line"]["status"] != "sent") {
        frames.push(page.frame().await);
    }
    assert!(positions(&frames).first().is_some_and(|p| *p > from));
    assert!(frames.iter().all(|f| f["line"]["id"] == sent["message_id"] && f["chat"] == "c1"), "{frames:?}");
    sql(&world, "UPDATE messages SET status = 'read'").await;
    let frame = page.frame().await;
    assert_eq!((&frame["line"]["status"], &frame["line"]["status_word"]), (&"read".into(), &"Read".into()));
    world.stop().await;
}

#[tokio::test]
async fn it_ends_with_the_session() {
    let world = World::start().await;
    let at = world.address();
    let mut owner = Visitor::logged_in(&world, "owner").await;
    let (mut page, _) = Listener::open(at, &owner, "").await;
    owner.post("/logout", &[]).await;
    assert_eq!(page.next().await, Came::End(Some(4001)), "logged out");

    for change in ["role = 'viewer'", "disabled_at = 1", "account_id = (SELECT max(id) FROM accounts)"] {
        sql(&world, "UPDATE users SET role = 'owner', disabled_at = NULL").await;
        let owner = Visitor::logged_in(&world, "owner").await;
        world.new_account("Another", "growth").await;
        let (mut page, _) = Listener::open(at, &owner, "").await;
        let statement = format!("UPDATE users SET {change} WHERE email = 'owner@shop.example'");
        write(&world, move |tx| tx.execute(&statement, []).map(drop)).await;
        assert_eq!(page.next().await, Came::End(Some(4001)), "{change}");
    }

    let admin = Visitor::logged_in(&world, "admin").await;
    let (mut page, _) = Listener::open(at, &admin, "").await;
    world.clock.wait_for_sleeper_at(world.clock.now().plus(Duration::from_secs(25))).await;
    world.later(Duration::from_secs(13 * 3600));
    assert_eq!(page.next().await, Came::End(Some(4001)), "unused for too long");
    world.stop().await;
}

#[tokio::test]
async fn who_does_not_answer_is_gone_and_who_does_stays() {
    let world = World::start().await;
    let (at, owner) = (world.address(), Visitor::logged_in(&world, "owner").await);
    let (mut page, _) = Listener::open(at, &owner, "").await;
    let step = Duration::from_secs(25);
    for _ in 0..4 {
        world.clock.wait_for_sleeper_at(world.clock.now().plus(step)).await;
        world.later(step);
        page.answer_a_ping().await;
    }
    world.hears(PHONE, "still there?").await;
    page.until("still there?").await;
    // From here on it answers nothing: two questions, and the end at the third.
    for _ in 0..3 {
        world.clock.wait_for_sleeper_at(world.clock.now().plus(step)).await;
        world.later(step);
    }
    assert_eq!(page.next().await, Came::End(None));
    world.stop().await;
}

#[tokio::test]
async fn a_session_has_so_many_windows_and_a_page_has_little_to_say() {
    let world = World::start().await;
    let (at, owner) = (world.address(), Visitor::logged_in(&world, "owner").await);
    let own = format!("http://{at}");
    let mut pages = Vec::new();
    let refused = loop {
        match Listener::try_open(at, &owner, "", Some(&own)).await {
            Ok(page) => pages.push(page),
            Err(status) => break status,
        }
    };
    assert_eq!((pages.len(), refused), (12, 429));
    let admin = Visitor::logged_in(&world, "admin").await;
    let (mut talker, _) = Listener::open(at, &admin, "").await;
    talker.say(&"x".repeat(2000)).await;
    assert!(matches!(talker.next().await, Came::End(_)), "too large");
    let (mut talker, _) = Listener::open(at, &admin, "").await;
    for _ in 0..30 {
        talker.say("x").await;
    }
    assert!(matches!(talker.next().await, Came::End(_)), "too often");
    world.stop().await;
}

#[tokio::test]
async fn what_was_deleted_meanwhile_is_passed_over_however_much_it_is() {
    let world = World::start().await;
    let owner = Visitor::logged_in(&world, "owner").await;
    world.hears(PHONE, "first").await;
    let (one, after) = Listener::open(world.address(), &owner, "").await;
    drop(one);
    // Two batches and a half that show nothing any more.
    write(&world, |tx| {
        for n in 0..250 {
            tx.execute(
                "INSERT INTO inbound_messages (account_id, instance_id, chat, provider_message_id, contact_id, kind, body,
                     heard_at, created_at)
                 SELECT account_id, instance_id, chat, 'gone-' || ?1, contact_id, 'text', 'gone', ?1, created_at
                 FROM inbound_messages WHERE body = 'first'",
                [n],
            )?;
        }
        tx.execute("DELETE FROM inbound_messages WHERE body = 'gone'", []).map(drop)
    })
    .await;
    let (mut one, _) = Listener::open(world.address(), &owner, &format!("?after={after}")).await;
    world.hears(PHONE, "and this").await;
    one.until("and this").await;
    world.stop().await;
}

#[tokio::test]
async fn a_slow_reader_is_cut_and_goes_on_where_he_was() {
    const MANY: i64 = 1200;
    let world = World::start().await;
    let (at, owner) = (world.address(), Visitor::logged_in(&world, "owner").await);
    world.hears(PHONE, "first").await;
    let mut slow = Listener::open_narrow(at, &owner, "").await;
    let ready = slow.frame().await["position"].as_i64().expect("a position");
    // More than any buffer on the way takes: 10 MB.
    write(&world, |tx| {
        for n in 0..MANY {
            tx.execute(
                "INSERT INTO inbound_messages (account_id, instance_id, chat, provider_message_id, contact_id, kind, body,
                     heard_at, created_at)
                 SELECT account_id, instance_id, chat, 'many-' || ?1, contact_id, 'text', ?1 || ' ' || ?2, ?1, created_at
                 FROM inbound_messages WHERE body = 'first'",
                (n, "x".repeat(8192)),
            )?;
        }
        Ok(())
    })
    .await;
    let patience = Duration::from_secs(10);
    // The kernel passes on what it took, and lets the gateway write again: it is stuck when it still waits after many
    // turns.
    for _ in 0..20 {
        for _ in 0..2000 {
            tokio::task::yield_now().await;
        }
        world.clock.wait_for_sleeper_at(world.clock.now().plus(patience)).await;
    }
    world.later(patience);
    let mut got = Vec::new();
    while let Came::Frame(frame) = slow.next().await {
        got.push(frame);
    }
    assert!((got.len() as i64) < MANY, "it was buffered without end");
    let seen = positions(&got).last().copied().unwrap_or(ready);
    let (mut again, _) = Listener::open(at, &owner, &format!("?after={seen}")).await;
    while (got.len() as i64) < MANY {
        got.push(again.frame().await);
    }
    positions(&got);
    let texts: Vec<i64> =
        got.iter().filter_map(|f| f["line"]["text"].as_str()?.split(' ').next()?.parse().ok()).collect();
    assert_eq!(texts, (0..MANY).collect::<Vec<_>>());
    world.stop().await;
}
