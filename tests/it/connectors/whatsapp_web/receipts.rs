//! A receipt is acknowledged to WhatsApp when it is on disk, and not before.

use super::friend::{Friend, link, open};
use crate::harness::{clock::TestClock, ear::RecordingEar, wait, whatsapp::WhatsApp};
use std::{sync::Arc, time::Duration};
use wa_gateway::{
    connectors::{Address, Connector as _, Content, EventKind, Outgoing},
    model::{
        ids::{InstanceId, MessageId},
        message::Receipt,
        phone::Phone,
    },
};

const OWN: u64 = 966_511_000_001;
const READER: u64 = 966_500_000_100;

#[tokio::test]
async fn a_receipt_that_was_not_recorded_is_not_acknowledged() {
    let clock = Arc::new(TestClock::at("2026-01-01T00:00:00Z"));
    let service = WhatsApp::start().await;
    let reader = Friend::with(&service, &clock, READER).await;
    let (dir, ear) = (tempfile::tempdir().expect("a folder"), Arc::new(RecordingEar::default()));
    let id = InstanceId::from_text("line");
    let own = open(&service, dir.path(), &clock, ear.clone(), (&id, None));
    link(&service, &own, OWN).await;

    let told = |receipt| {
        let all = ear.heard().into_iter();
        all.filter(|heard| matches!(&heard.what, EventKind::Receipt(r) if r.receipt == receipt)).count()
    };
    let to = Address::Phone(Phone::parse(&format!("+{READER}"), None).expect("a number"));
    let message = |n: usize| Outgoing {
        instance: id.clone(),
        message_id: MessageId::from_text(format!("msg_01RECEIPT{n}")),
        to: to.clone(),
        content: Content::Text("Your order is ready.".into()),
        reply_to: None,
        outside_window: false,
    };
    own.send(&message(0)).await.expect("sent");
    wait::seen("the first is delivered", || told(Receipt::Delivered) == 1).await;

    ear.fail_next(2);
    let sent = own.send(&message(1)).await.expect("sent").provider_message_id;
    wait::seen("its receipt is refused", || ear.failures_left() == 1).await;
    // Whatever would be written by then has had its time; nothing may be.
    for _ in 0..20 {
        crate::harness::program::moment().await;
    }
    assert!(!service.has_acknowledged(OWN, &sent), "acknowledged, and not on disk");
    assert_eq!(told(Receipt::Delivered), 1);
    wait::seen("it is told and acknowledged", || {
        clock.advance(Duration::from_secs(1));
        told(Receipt::Delivered) == 2 && service.has_acknowledged(OWN, &sent)
    })
    .await;
    reader.read(OWN, &sent).await;
    wait::seen("it is read", || told(Receipt::Read) == 1).await;
}
