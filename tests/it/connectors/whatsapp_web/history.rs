//! What the phone held before it was linked stands in the chats, as of long ago: nothing is unread by it, no program hears
//! of it, and whoever said STOP then is not written to now.

use super::{
    friend::{link, open},
    rig::{CUSTOMER, LINE, OWN, Rig},
};
use crate::harness::{clock::TestClock, ear::RecordingEar, visitor::Visitor, wait, whatsapp::WhatsApp};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use wa_gateway::{
    app::commands::InstanceSet,
    connectors::{Connector as _, Content, EventKind, ProviderEvent, inbound_event::Told},
    model::{
        clock::{Clock as _, Time},
        ids::InstanceId,
        instance::InstanceState,
    },
    store::StoreError,
};
use whatsapp_rust::{prelude::MessageField, waproto::whatsapp as wa};

const DAY: Duration = Duration::from_secs(24 * 3600);
const OTHER: u64 = 966_500_000_100;
const DRIVERS: &str = "120363000000000001@g.us";

fn pn(number: u64) -> String {
    format!("{number}@s.whatsapp.net")
}

/// A message of so many days ago; `by`: who wrote it, in a group; none: we.
fn said(rig: &Rig, chat: &str, id: &str, days: u32, words: (Option<&str>, &str)) -> wa::HistorySyncMsg {
    said_at(rig.world.clock.now(), chat, id, days, words)
}

fn said_at(now: Time, chat: &str, id: &str, days: u32, (by, words): (Option<&str>, &str)) -> wa::HistorySyncMsg {
    let at = now.minus(DAY * days);
    let key = wa::MessageKey {
        id: Some(id.to_owned()),
        remote_jid: Some(chat.to_owned()),
        from_me: Some(by.is_none()),
        participant: by.filter(|_| chat.ends_with("@g.us")).map(str::to_owned),
    };
    let message = wa::WebMessageInfo {
        key: MessageField::some(key),
        message: MessageField::some(wa::Message { conversation: Some(words.to_owned()), ..Default::default() }),
        message_timestamp: u64::try_from(at.seconds()).ok(),
        push_name: by.map(|_| "Noura".to_owned()),
        ..Default::default()
    };
    wa::HistorySyncMsg { message: MessageField::some(message), ..Default::default() }
}

fn picture(rig: &Rig, chat: &str, id: &str) -> wa::HistorySyncMsg {
    let mut old = said(rig, chat, id, 1, (Some(chat), ""));
    let image = wa::message::ImageMessage {
        direct_path: Some("/v/old.enc".into()),
        media_key: Some(vec![1; 32]),
        file_sha256: Some(vec![2; 32]),
        file_enc_sha256: Some(vec![3; 32]),
        ..Default::default()
    };
    let content = wa::Message { image_message: MessageField::some(image), ..Default::default() };
    old.message.as_option_mut().expect("one").message = MessageField::some(content);
    old
}

fn part(chats: Vec<(&str, Vec<wa::HistorySyncMsg>)>) -> wa::HistorySync {
    let conversation =
        |(id, messages): (&str, _)| wa::Conversation { id: id.to_owned(), messages, ..Default::default() };
    wa::HistorySync { conversations: chats.into_iter().map(conversation).collect(), ..Default::default() }
}

/// Ours or theirs, and the words, as the chats have them in the order of time.
async fn rows(rig: &Rig) -> Vec<(String, String)> {
    let rows = rig.world.gateway().store.read(|tx| {
        tx.list("SELECT coalesce(origin, 'theirs'), body FROM inbound_messages ORDER BY heard_at, id", [], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })
    });
    rows.await.map_err(|e: StoreError| e.to_string()).expect("rows")
}

async fn unread(rig: &Rig) -> i64 {
    let sum = rig
        .world
        .gateway()
        .store
        .read(|tx| tx.one("SELECT coalesce(sum(unread_count), 0) FROM conversations", [], |r| r.get::<_, i64>(0)));
    sum.await.map_err(|e: StoreError| e.to_string()).expect("a sum")
}

fn row(by: &str, words: &str) -> (String, String) {
    (by.to_owned(), words.to_owned())
}

#[tokio::test]
async fn the_phones_chats_are_shown_as_of_long_ago() {
    let rig = Rig::without_instance().await;
    rig.service.add_group(DRIVERS, "Drivers", &[OWN, CUSTOMER]);
    rig.create().await;
    rig.subscribe(&["message.received", "message.sent", "group.message_received", "conversation.updated"]).await;
    rig.link().await;
    let customer = pn(CUSTOMER);
    let shared = || {
        let chat = vec![
            said(&rig, &customer, "3AOLD3", 1, (Some(&customer), "Thank you!")),
            said(&rig, &customer, "3AOLD2", 2, (None, "Until six.")),
            said(&rig, &customer, "3AOLD1", 3, (Some(&customer), "Are you open?")),
            said(&rig, &customer, "3AOLD0", 31, (Some(&customer), "Long ago")),
        ];
        let group = vec![said(&rig, DRIVERS, "3AGROUP", 4, (Some(&customer), "Load 7 is here"))];
        part(vec![
            (&customer, chat),
            (DRIVERS, group),
            ("status@broadcast", vec![picture(&rig, "status@broadcast", "3AS")]),
        ])
    };
    let expected = [
        row("theirs", "Load 7 is here"),
        row("theirs", "Are you open?"),
        row("phone", "Until six."),
        row("theirs", "Thank you!"),
    ];
    // Twice: a part that comes again is the same one.
    for _ in 0..2 {
        rig.service.share_history(OWN, &shared());
        rig.until("it is recorded", async || rows(&rig).await.len() >= expected.len()).await;
        rig.until("it is acknowledged", async || rig.service.kept(OWN) == 0).await;
    }
    // What comes behind it shows that all of it was heard, and that nothing of it was told.
    rig.customer.write(OWN, "msg_01LIVE", Content::Text("Hello again".into())).await.expect("taken");
    let heard = rig.events("message.received", 1).await;
    assert_eq!((heard.len(), &heard[0]["message_text"]), (1, &json!("Hello again")));
    assert_eq!(rows(&rig).await, [&expected[..], &[row("theirs", "Hello again")]].concat());
    assert_eq!(unread(&rig).await, 1, "the live one");
    let told: Vec<_> = rig.receiver.got().iter().map(|got| got.json()["event"].clone()).collect();
    assert!(!told.iter().any(|event| event == "message.sent" || event == "group.message_received"), "{told:?}");

    let mut owner = Visitor::logged_in(&rig.world, "owner").await;
    let page = owner.get(&format!("/chat?instance={LINE}&chat=c1")).await.body;
    for words in ["Are you open?", "Until six.", "Thank you!", "Hello again"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("Long ago"), "older than the days that are to be shown");
}

/// The phone brings a part once; one that was not recorded when the gateway ended is recorded by the next one.
#[tokio::test]
async fn what_a_kill_leaves_of_it_is_recorded_later() {
    let (clock, service) = (Arc::new(TestClock::at("2026-06-01T08:00:00Z")), WhatsApp::start().await);
    let (dir, ear) = (tempfile::tempdir().expect("a folder"), Arc::new(RecordingEar::default()));
    let id = InstanceId::from_text("line");
    let own = open(&service, dir.path(), &clock, ear.clone(), (&id, None));
    link(&service, &own, OWN).await;
    let folder = dir.path().join("whatsapp-web");
    let parts = || {
        let all = std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("one").path());
        all.filter(|path| path.extension().is_some_and(|end| end.to_string_lossy().starts_with("part"))).count()
    };
    let old = |ear: &RecordingEar| {
        let all = ear.heard().into_iter();
        all.filter(|heard| matches!(&heard.what, EventKind::Message(m) if m.told == Told::History)).count()
    };
    let customer = pn(CUSTOMER);
    let shared = |n: u32| {
        part(vec![(
            &*customer,
            vec![said_at(clock.now(), &customer, &format!("3AOLD{n}"), 1, (Some(&customer), "Old"))],
        )])
    };
    // All that belongs to the linking is recorded before nothing is any more.
    let is_open = |heard: &ProviderEvent| matches!(&heard.what, EventKind::State(s) if s.state == InstanceState::Open);
    wait::seen("it is told that it is open", || ear.heard().iter().any(is_open)).await;
    ear.fail_next(usize::MAX);
    service.share_history(OWN, &shared(1));
    service.share_history(OWN, &shared(2));
    wait::seen("both are kept", || parts() == 2).await;
    wait::seen("it is told that they came", || service.kept(OWN) == 0).await;
    // The gateway ends before it recorded any of it, and comes back.
    own.stop().await;
    drop(own);
    assert_eq!((parts(), old(&ear)), (2, 0));
    ear.clear();
    let own = open(&service, dir.path(), &clock, ear.clone(), (&id, None));
    wait::seen("it is recorded", || old(&ear) == 2).await;
    wait::seen("nothing is left", || parts() == 0).await;
    own.forget().await;
}

#[tokio::test]
async fn whoever_said_stop_before_is_not_written_to() {
    let rig = Rig::start().await;
    rig.service.alias(OTHER, CUSTOMER);
    let (customer, other) = (pn(CUSTOMER), pn(OTHER));
    let shared = part(vec![
        (&customer, vec![said(&rig, &customer, "3ASTOP", 5, (Some(&customer), "STOP"))]),
        (
            &other,
            vec![
                // In whichever order they stand.
                said(&rig, &other, "3AHALT", 6, (Some(&other), "STOP")),
                said(&rig, &other, "3ASTART", 4, (Some(&other), "START")),
            ],
        ),
    ]);
    rig.service.share_history(OWN, &shared);
    rig.until("it is recorded", async || rows(&rig).await.len() >= 3).await;
    assert_eq!(rig.send("Your order is ready.").await.error(), "recipient_suppressed");
    let mut body = rig.message("Your order is ready.");
    body["phone"] = json!(format!("+{OTHER}"));
    let sent = rig.world.send(&body).await;
    assert_eq!(sent.status, 200, "they took it back: {}", sent.body);
}

#[tokio::test]
async fn files_of_then_stay_on_the_phone_and_none_is_taken_where_none_is_wanted() {
    let rig = Rig::start().await;
    let customer = pn(CUSTOMER);
    rig.service.share_history(OWN, &part(vec![(&customer, vec![picture(&rig, &customer, "3APICTURE")])]));
    rig.until("it is recorded", async || rows(&rig).await.len() == 1).await;
    let files = rig.world.gateway().store.read(|tx| tx.one("SELECT count(*) FROM media", [], |r| r.get::<_, i64>(0)));
    assert_eq!(files.await.map_err(|e: StoreError| e.to_string()).expect("a count"), 0);

    let none = [("history_days".to_owned(), "0".to_owned())].into();
    rig.world.command(InstanceSet { id: LINE.into(), settings: none, ..Default::default() }).await.expect("set");
    rig.until_connected().await;
    let more = part(vec![(&customer, vec![said(&rig, &customer, "3AMORE", 1, (Some(&customer), "more"))])]);
    rig.service.share_history(OWN, &more);
    rig.until("it is acknowledged", async || rig.service.kept(OWN) == 0).await;
    rig.world.settle().await;
    assert_eq!(rows(&rig).await.len(), 1);
}
