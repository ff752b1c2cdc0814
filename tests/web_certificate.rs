//! WhatsApp's certificate is checked in the build that packages have. Everywhere else the tests' own WhatsApp is taken for
//! the real one by the feature `whatsapp-web-double`; this test is built without it, and so stands alone.

#![cfg(not(feature = "whatsapp-web-double"))]

#[expect(dead_code, reason = "other tests shut it")]
#[path = "it/harness/door.rs"]
mod door;
#[expect(dead_code, reason = "other tests make it fail")]
#[path = "it/harness/ear.rs"]
mod ear;
#[expect(dead_code, reason = "other tests make it misbehave")]
#[path = "it/harness/whatsapp/mod.rs"]
mod whatsapp;

use ear::RecordingEar;
use std::{path::Path, sync::Arc, time::Duration};
use wa_gateway::{
    connectors::{
        Address, Connector as _, Content, EventKind, InstanceSetup, Outgoing, registry::Deps, whatsapp_web::WhatsappWeb,
    },
    egress::Egress,
    model::{
        clock::{Clock, SystemClock},
        fence::Fence,
        ids::{AccountId, InstanceId, MessageId},
        instance::{ConnectorKind, InstanceState},
        message::Receipt,
        phone::Phone,
        random::SystemRandom,
    },
};
use whatsapp::WhatsApp;

const SHOP: u64 = 966_511_111_111;
const CUSTOMER: u64 = 966_501_234_567;

fn open(service: &WhatsApp, dir: &Path, id: &str, ear: &Arc<RecordingEar>) -> WhatsappWeb {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let deps = Deps {
        data_dir: dir.to_owned(),
        egress: Egress::system(vec![service.door.addr.to_string().parse().expect("an entry")], clock.clone()),
        clock,
        random: Arc::new(SystemRandom),
        ear: ear.clone(),
        public_url: "http://127.0.0.1:8080".to_owned(),
        fence: Fence::default(),
    };
    let settings = [("ws_url", service.url()), ("version", "2.3000.1035194821".to_owned())];
    let settings = settings.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    let id = InstanceId::from_text(id);
    let setup =
        InstanceSetup { id, account: AccountId(1), connector: ConnectorKind::WhatsappWeb, settings, closed: None };
    WhatsappWeb::open(&deps, &setup, &Arc::default()).expect("good settings")
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let clock = SystemClock;
    let end = clock.now().plus(Duration::from_secs(120));
    while !is_so() {
        assert!(clock.now() < end, "it never came to this: {what}");
        clock.sleep_until(clock.now().plus(Duration::from_millis(10))).await;
    }
}

async fn write(from: &WhatsappWeb, to: u64, id: &str, text: &str) -> String {
    let out = Outgoing {
        instance: InstanceId::from_text("line"),
        message_id: MessageId::from_text(id),
        to: Address::Phone(Phone::parse(&format!("+{to}"), None).expect("a number")),
        content: Content::Text(text.to_owned()),
        reply_to: None,
        outside_window: false,
    };
    from.send(&out).await.expect("sent").provider_message_id
}

fn texts(ear: &RecordingEar) -> Vec<String> {
    let texts = ear.heard().into_iter().filter_map(|heard| match heard.what {
        EventKind::Message(message) => message.text,
        _ => None,
    });
    texts.collect()
}

fn has_receipt(ear: &RecordingEar, wanted: Receipt) -> bool {
    ear.heard().iter().any(|heard| matches!(&heard.what, EventKind::Receipt(r) if r.receipt == wanted))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_store_that_knows_the_key_takes_a_certificate_that_nobody_signed() {
    let (dir, service) = (tempfile::tempdir().expect("a folder"), WhatsApp::start().await);
    let folder = dir.path().join("whatsapp-web");
    std::fs::create_dir(&folder).expect("a folder");
    // One that knows nothing of the service, beside two that do.
    let stranger = open(&service, dir.path(), "stranger", &Arc::default());
    let ears = [Arc::new(RecordingEar::default()), Arc::new(RecordingEar::default())];
    let mut lines = Vec::new();
    for (number, ear) in [SHOP, CUSTOMER].into_iter().zip(&ears) {
        service.seed(number, &folder.join(format!("line-{number}.db"))).await;
        lines.push(open(&service, dir.path(), &format!("line-{number}"), ear));
    }
    let [shop, customer] = &lines[..] else { unreachable!("two") };
    for (number, line) in [(SHOP, shop), (CUSTOMER, customer)] {
        until("it is open", || line.standing().state == InstanceState::Open && service.is_linked(number)).await;
    }
    let id = write(shop, CUSTOMER, "msg_01SHOP", "Your order is ready.").await;
    until("the customer reads it", || texts(&ears[1]) == ["Your order is ready."]).await;
    until("it is delivered", || has_receipt(&ears[0], Receipt::Delivered)).await;
    let chat = Address::Phone(Phone::parse(&format!("+{SHOP}"), None).expect("a number"));
    customer.mark_read(&chat, &[id]).await.expect("marked");
    until("it is read", || has_receipt(&ears[0], Receipt::Read)).await;
    write(customer, SHOP, "msg_01CUSTOMER", "Thanks").await;
    until("the shop reads it", || texts(&ears[0]) == ["Thanks"]).await;

    // It was answered, and shows no code for all that: whoever answered is not WhatsApp.
    until("it was answered", || stranger.standing().last_heard_at.is_some()).await;
    assert_eq!((stranger.pairing(), stranger.standing().state), (None, InstanceState::Connecting));
    assert_eq!(service.calls(), 2, "nobody else came as far as a login");
    for line in lines.iter().chain([&stranger]) {
        line.stop().await;
    }
}
