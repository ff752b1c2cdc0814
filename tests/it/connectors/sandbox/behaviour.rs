//! The sandbox's own behaviour: what its settings do, what outlives it, and the phones that are played on it.

use crate::harness::{clock::TestClock, deps::deps, ear::RecordingEar};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    task::Poll,
    time::Duration,
};
use wa_gateway::{
    connectors::{
        Ack, Address, Boxed, Connector, Content, EventKind, InstanceSetup, Outgoing, SendError, SendErrorKind,
        inbound_event::{GroupRef, ReceiptHeard, RemoteParty},
        outgoing::{MediaFile, MediaKind},
        sandbox::{Sandbox, inbox},
    },
    model::{
        clock::Clock,
        ids::{AccountId, InstanceId, MessageId},
        instance::{ConnectorKind, InstanceState},
        message::Receipt,
        phone::Phone,
    },
};

const MIN: Duration = Duration::from_secs(60);

/// A sandbox with a still clock and an ear that remembers.
pub(crate) struct Bench {
    data_dir: PathBuf,
    /// Removes the folder in the end, where it is a temporary one.
    _dir: Option<tempfile::TempDir>,
    clock: Arc<TestClock>,
    ear: Arc<RecordingEar>,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let bench = Self::over(dir.path());
        Self { _dir: Some(dir), ..bench }
    }

    /// Over a folder that is somebody else's to remove.
    pub(crate) fn over(data_dir: &Path) -> Self {
        let clock = Arc::new(TestClock::at("2026-01-01T00:00:00Z"));
        Self { data_dir: data_dir.to_owned(), _dir: None, clock, ear: Arc::default() }
    }

    pub(crate) fn open(&self, settings: &[(&str, &str)]) -> Sandbox {
        let deps = deps(&self.data_dir, self.clock.clone(), self.ear.clone());
        let setup = InstanceSetup {
            id: shop(),
            account: AccountId(1),
            connector: ConnectorKind::Sandbox,
            settings: map(settings),
            closed: None,
        };
        Sandbox::open(&deps, &setup).expect("good settings")
    }

    /// Steps the clock once whoever waits for it does so.
    async fn step(&self, by: Duration) {
        self.clock.wait_for_sleepers(1).await;
        self.clock.advance(by);
    }

    async fn receipts(&self, n: usize) -> Vec<(String, Receipt)> {
        let told = self.ear.wait_for(n).await.into_iter().filter_map(|what| match what {
            EventKind::Receipt(heard) => Some((heard.provider_message_id, heard.receipt)),
            _ => None,
        });
        told.collect()
    }
}

fn map(settings: &[(&str, &str)]) -> BTreeMap<String, String> {
    settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn shop() -> InstanceId {
    InstanceId::from_text("shop")
}

pub(crate) fn text(to: &str) -> Outgoing {
    Outgoing {
        instance: shop(),
        message_id: MessageId::from_text("msg_1"),
        to: Address::Phone(Phone::parse(to, None).expect("a number")),
        content: Content::Text("Your order is ready.".into()),
        reply_to: None,
        outside_window: false,
    }
}

fn media() -> Outgoing {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/LICENSE").into();
    let size = std::fs::metadata(&path as &std::path::PathBuf).expect("a file").len();
    let file = MediaFile { path, mime_type: "image/png".into(), size, file_name: None };
    let content = Content::Media { kind: MediaKind::Image, file, caption: "a".into() };
    Outgoing { content, ..text(DANA) }
}

fn dana() -> RemoteParty {
    RemoteParty { phone: Some(DANA.into()), name: Some("Dana".into()), ..RemoteParty::default() }
}

fn code(result: Result<Ack, SendError>) -> (SendErrorKind, String) {
    let error = result.expect_err("it must fail");
    (error.kind, error.code)
}

/// Drives a send as far as it goes now; whether it still waits.
async fn is_pending<T>(send: &mut Boxed<'_, T>) -> bool {
    std::future::poll_fn(|cx| Poll::Ready(send.as_mut().poll(cx).is_pending())).await
}

const DANA: &str = "+966500000101";
const OMAR: &str = "+966500000102";

#[tokio::test]
async fn receipts_come_as_the_setting_says() {
    use Receipt::{Delivered, Read};
    let all: &[(&str, &[Receipt])] =
        &[("delivered", &[Delivered]), ("read", &[Delivered, Read]), ("doubled", &[Delivered, Delivered, Read, Read])];
    for (setting, expected) in all {
        let bench = Bench::new();
        let sandbox = bench.open(&[("receipts", setting)]);
        let ack = sandbox.send(&text(DANA)).await.expect("accepted");
        assert!(ack.acknowledged);
        bench.step(Duration::from_millis(50)).await;
        let told = bench.receipts(expected.len()).await;
        let expected: Vec<_> = expected.iter().map(|r| (ack.provider_message_id.clone(), *r)).collect();
        assert_eq!(told, expected, "{setting}");
    }
}

#[tokio::test]
async fn no_receipts_means_that_nobody_waits_for_any() {
    let bench = Bench::new();
    let sandbox = bench.open(&[("receipts", "none")]);
    sandbox.send(&text(DANA)).await.expect("accepted");
    sandbox.apply(&map(&[("receipts", "delivered")])).expect("good");
    let second = sandbox.send(&text(DANA)).await.expect("accepted");
    bench.step(MIN).await;
    assert_eq!(bench.receipts(1).await, [(second.provider_message_id, Receipt::Delivered)]);
}

#[tokio::test]
async fn a_late_receipt_settles_what_was_never_answered() {
    let bench = Bench::new();
    let sandbox = bench.open(&[("receipts", "late"), ("fail", "timeout_after_accept")]);
    let out = text(DANA);
    let mut send = sandbox.send(&out);
    assert!(is_pending(&mut send).await);
    drop(send);
    let accepted = sandbox.inbox(None).expect("readable");
    bench.step(MIN - Duration::from_millis(1)).await;
    tokio::task::yield_now().await;
    assert!(bench.receipts(0).await.is_empty(), "a millisecond too early");
    bench.step(Duration::from_millis(1)).await;
    assert_eq!(bench.receipts(1).await, [(accepted[0].provider_message_id.clone(), Receipt::Delivered)]);
}

#[tokio::test]
async fn receipts_are_offered_again_until_the_ear_works() {
    let bench = Bench::new();
    let sandbox = bench.open(&[("receipts", "read")]);
    bench.ear.fail_next(0);
    sandbox.send(&text(DANA)).await.expect("accepted");
    bench.clock.wait_for_sleepers(1).await;
    bench.ear.fail_next(7);
    bench.clock.advance(Duration::from_millis(50));
    for left in (0..7).rev() {
        bench.ear.wait_for_failures_left(left).await;
        bench.step(Duration::from_secs(30)).await;
    }
    assert_eq!(bench.receipts(2).await.iter().map(|r| r.1).collect::<Vec<_>>(), [Receipt::Delivered, Receipt::Read]);
}

#[tokio::test]
async fn too_many_waiting_receipts_hold_up_new_messages_and_none_is_forgotten() {
    let bench = Bench::new();
    let sandbox = bench.open(&[("receipts", "late")]);
    let out = text(DANA);
    let mut taken = 0;
    let refused = loop {
        match sandbox.send(&out).await {
            Ok(_) => taken += 1,
            Err(e) => break e,
        }
    };
    let wait = Some(Duration::from_secs(1));
    assert_eq!((refused.kind, refused.code.as_str()), (SendErrorKind::Temporary { retry_after: wait }, "busy"));
    bench.step(MIN).await;
    assert_eq!(bench.receipts(taken).await.len(), taken);
    sandbox.send(&out).await.expect("there is room again");
    assert_eq!(sandbox.inbox(None).expect("readable").len(), taken + 1);
}

#[tokio::test]
async fn giving_up_before_it_was_accepted_leaves_nothing_behind() {
    let bench = Bench::new();
    let sandbox = bench.open(&[("latency_ms", "1001")]);
    let out = text(DANA);
    let mut send = sandbox.send(&out);
    assert!(is_pending(&mut send).await);
    bench.clock.advance(Duration::from_millis(499));
    assert!(is_pending(&mut send).await);
    drop(send);
    bench.clock.advance(MIN);
    assert!(sandbox.inbox(None).expect("readable").is_empty());

    let mut send = sandbox.send(&out);
    assert!(is_pending(&mut send).await);
    bench.clock.advance(Duration::from_millis(500));
    assert!(is_pending(&mut send).await);
    assert_eq!(sandbox.inbox(Some(DANA)).expect("readable").len(), 1, "accepted, not yet acknowledged");
    bench.clock.advance(Duration::from_millis(501));
    send.await.expect("acknowledged");
}

#[tokio::test]
async fn the_lock_on_new_chats_opens_for_who_wrote() {
    let bench = Bench::new();
    let sandbox = bench.open(&[("fail", "new_chat_lock")]);
    assert_eq!(code(sandbox.send(&text(DANA)).await), (SendErrorKind::Permanent, "463".into()));
    sandbox.receive(dana(), "hello").await.expect("recorded");
    sandbox.send(&text(DANA)).await.expect("Dana wrote");
    assert_eq!(code(sandbox.send(&text(OMAR)).await).1, "463");
    let group = GroupRef { id: "1@g.us".into(), name: "Team".into() };
    let to_group = Outgoing { to: Address::Group(group.id.clone()), ..text(OMAR) };
    assert_eq!(code(sandbox.send(&to_group).await).1, "463");
    sandbox
        .group_message(group, RemoteParty { phone: Some(OMAR.into()), ..RemoteParty::default() }, "hi")
        .await
        .expect("heard");
    sandbox.send(&to_group).await.expect("the group wrote");
    assert_eq!(code(sandbox.send(&text(OMAR)).await).1, "463", "Omar wrote in the group alone");
}

#[tokio::test]
async fn failing_media_lets_text_pass_and_a_refusal_is_the_recipients() {
    let bench = Bench::new();
    let sandbox = bench.open(&[("fail", "media")]);
    assert_eq!(code(sandbox.send(&media()).await), (SendErrorKind::Permanent, "media_refused".into()));
    sandbox.send(&text(DANA)).await.expect("text passes");
    sandbox.apply(&map(&[("fail", "refuse")])).expect("good");
    let refused = sandbox.send(&text(DANA)).await.expect_err("refused");
    assert!(refused.recipient_fault && refused.kind == SendErrorKind::Permanent);
    sandbox.apply(&map(&[])).expect("good");
    sandbox.send(&media()).await.expect("files pass again");
    assert_eq!(sandbox.inbox(None).expect("readable").len(), 2);
}

#[tokio::test]
async fn settings_bring_a_logged_out_instance_back_and_bad_ones_change_nothing() {
    let bench = Bench::new();
    let sandbox = bench.open(&[("fail", "logout")]);
    assert_eq!(code(sandbox.send(&text(DANA)).await).1, "logged_out");
    assert_eq!(code(sandbox.send(&text(DANA)).await).1, "not_open");
    assert!(sandbox.apply(&map(&[("state", "shut")])).is_err());
    assert_eq!(sandbox.standing().state, InstanceState::Close);
    sandbox.apply(&map(&[])).expect("good");
    sandbox.send(&text(DANA)).await.expect("open again");
}

#[tokio::test]
async fn every_change_of_state_is_told_in_order() {
    let bench = Bench::new();
    let sandbox = bench.open(&[("state", "qr")]);
    let qr = bench.ear.wait_for(1).await;
    assert!(matches!(&qr[..], [EventKind::Qr { code, .. }] if code.starts_with("sandbox-")), "{qr:?}");
    sandbox.set_state(InstanceState::Open, None).await.expect("recorded");
    bench.ear.fail_next(1);
    sandbox.set_state(InstanceState::Close, Some("the token ran out")).await.expect_err("the ear fails");
    assert_eq!(sandbox.standing().state, InstanceState::Open, "nothing happened");
    sandbox.set_state(InstanceState::Close, Some("the token ran out")).await.expect("recorded");
    let states: Vec<_> = bench
        .ear
        .heard()
        .into_iter()
        .filter_map(|h| match h.what {
            EventKind::State(standing) => Some((standing.state, standing.reason)),
            _ => None,
        })
        .collect();
    let qr_reason = Some("the sandbox waits for its QR code to be scanned".to_owned());
    let closed = (InstanceState::Close, Some("the token ran out".to_owned()));
    assert_eq!(states, [(InstanceState::Qr, qr_reason), (InstanceState::Open, None), closed]);
    assert_eq!(sandbox.standing().reason.as_deref(), Some("the token ran out"));
}

#[tokio::test]
async fn phones_write_call_and_change_groups() {
    let bench = Bench::new();
    let sandbox = bench.open(&[]);
    let id = sandbox.receive(dana(), "مرحبا").await.expect("recorded");
    sandbox.receive_again(&id, dana(), "مرحبا").await.expect("recorded");
    let call = sandbox.call(dana(), true).await.expect("recorded");
    let group = GroupRef { id: "1@g.us".into(), name: "Team".into() };
    sandbox.group_updated(group, "subject").await.expect("recorded");
    sandbox.receipt("sbx_unknown", None, Receipt::Read).await.expect("recorded");
    let heard = bench.ear.wait_for(5).await;
    for message in &heard[..2] {
        let EventKind::Message(m) = message else { panic!("a message: {message:?}") };
        assert_eq!((&m.provider_message_id, m.text.as_deref(), &m.from), (&id, Some("مرحبا"), &dana()));
    }
    assert!(matches!(&heard[2], EventKind::Call(heard) if heard.missed && heard.call_id == call));
    assert!(matches!(&heard[3], EventKind::GroupUpdated { change, .. } if change == "subject"));
    assert!(matches!(&heard[4], EventKind::Receipt(ReceiptHeard { message_id: None, receipt: Receipt::Read, .. })));
    bench.ear.fail_next(1);
    sandbox.receive(dana(), "STOP").await.expect_err("not recorded");
}

#[tokio::test]
async fn what_was_accepted_outlives_the_instance_and_ids_sort() {
    let bench = Bench::new();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let sandbox = bench.open(&[]);
        for _ in 0..100 {
            ids.push(sandbox.send(&text(DANA)).await.expect("accepted").provider_message_id);
        }
        bench.clock.advance(Duration::from_millis(1));
        sandbox.stop().await;
    }
    let path = inbox::path(&bench.data_dir, &shop());
    let read: Vec<_> = inbox::read(&path, None).expect("readable").into_iter().map(|a| a.provider_message_id).collect();
    assert_eq!(read, ids);
    assert!(ids.is_sorted() && ids.iter().all(|id| id.starts_with("sbx_")));
    ids.dedup();
    assert_eq!(ids.len(), 300);
}

#[test]
fn it_opens_without_a_runtime_and_tells_its_state_once_there_is_one() {
    let bench = Bench::new();
    let sandbox = bench.open(&[]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        sandbox.send(&text(DANA)).await.expect("accepted");
        bench.step(MIN).await;
        bench.receipts(1).await;
    });
    assert!(bench.ear.heard().iter().any(|h| matches!(&h.what, EventKind::State(s) if s.state == InstanceState::Open)));
    assert_eq!(bench.clock.now().rfc3339(), "2026-01-01T00:01:00Z");
}

#[test]
fn an_id_that_is_no_slug_never_becomes_a_file() {
    let bench = Bench::new();
    let deps = deps(&bench.data_dir, bench.clock.clone(), bench.ear.clone());
    let id = InstanceId::from_text("../../shop");
    let setup = InstanceSetup {
        id,
        account: AccountId(1),
        connector: ConnectorKind::Sandbox,
        settings: BTreeMap::new(),
        closed: None,
    };
    assert!(Sandbox::open(&deps, &setup).is_err());
}
