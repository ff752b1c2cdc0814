//! It keeps the contract of connectors.

use super::friend::{Friend, link, open};
use crate::harness::{
    clock::TestClock,
    ear::RecordingEar,
    wait,
    whatsapp::{Fault, WhatsApp},
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use wa_gateway::{
    connectors::{
        Ack, Address, Boxed, Connector, Content, ProviderEvent,
        contract::{self, InboundText, Provider, STEP_MS, TakenMessage, World},
        whatsapp_web::WhatsappWeb,
    },
    model::{
        ids::{InstanceId, MessageId},
        instance::InstanceState,
        phone::Phone,
    },
};

/// Whose phones write, by what the contract says.
const WRITERS: [u64; 3] = [966_500_000_101, 966_500_000_102, 966_500_000_103];
/// Whose phone all recipients' is.
const READER: u64 = 966_500_000_100;
const RECIPIENTS: u64 = 966_500_000_200;
const OWN: u64 = 966_511_000_000;

#[tokio::test]
async fn a_linked_device_keeps_the_contract() {
    let report = contract::check(&WebWorld::new().await).await;
    assert_eq!(report, contract::ContractReport::default(), "no problem, and nothing skipped");
}

struct WebWorld {
    dir: tempfile::TempDir,
    clock: Arc<TestClock>,
    ear: Arc<RecordingEar>,
    service: WhatsApp,
    reader: Friend,
    writers: Vec<Friend>,
    instances: AtomicU64,
    running: Mutex<Option<Arc<WhatsappWeb>>>,
}

impl WebWorld {
    async fn new() -> Self {
        let clock = Arc::new(TestClock::at("2026-01-01T00:00:00Z"));
        let service = WhatsApp::start().await;
        let reader = Friend::with(&service, &clock, READER).await;
        let mut writers = Vec::new();
        for number in WRITERS {
            writers.push(Friend::with(&service, &clock, number).await);
        }
        for n in 0..40 {
            service.alias(RECIPIENTS + n, READER);
        }
        Self {
            dir: tempfile::tempdir().expect("a folder"),
            ear: Arc::default(),
            clock,
            service,
            reader,
            writers,
            instances: AtomicU64::new(0),
            running: Mutex::default(),
        }
    }

    fn number(&self) -> u64 {
        OWN + self.instances.load(Ordering::Relaxed)
    }

    async fn everybody_is_there(&self) {
        wait::seen("everybody is online", || {
            let all = self.writers.iter().chain([&self.reader]);
            all.into_iter()
                .all(|f| f.connector.standing().state == InstanceState::Open && self.service.is_online(f.number))
        })
        .await;
    }
}

impl World for WebWorld {
    fn start(&self, provider: Provider) -> Boxed<'_, Result<Option<Arc<dyn Connector>>, String>> {
        Box::pin(async move {
            self.instances.fetch_add(1, Ordering::Relaxed);
            self.service.door.come_back().await;
            self.everybody_is_there().await;
            self.service.forget_taken();
            self.ear.clear();
            // Each check sends under the same ids.
            self.reader.ear.clear();
            let connector =
                open(&self.service, self.dir.path(), &self.clock, self.ear.clone(), (&self.instance(), None));
            *self.running.lock().expect("unpoisoned") = Some(connector.clone());
            if provider == Provider::NotOpen {
                wait::seen("a code", || connector.standing().state == InstanceState::Qr).await;
                return Ok(Some(connector as Arc<dyn Connector>));
            }
            link(&self.service, &connector, self.number()).await;
            match provider {
                Provider::Refuses => {
                    self.service.fault_next(Fault::Nack("403"));
                }
                Provider::Silent => self.service.fault_next(Fault::Silent),
                Provider::LogsOut => {
                    self.service.unlink(self.number());
                    wait::seen("it knows", || connector.standing().state == InstanceState::Close).await;
                }
                Provider::Unreachable => {
                    self.service.door.go_dark().await;
                    wait::seen("it knows", || connector.standing().state == InstanceState::Connecting).await;
                }
                Provider::Accepts | Provider::NotOpen => {}
            }
            Ok(Some(connector as Arc<dyn Connector>))
        })
    }

    fn instance(&self) -> InstanceId {
        InstanceId::from_text(format!("contract-{}", self.instances.load(Ordering::Relaxed)))
    }

    fn recipient(&self, number: usize) -> Address {
        let number = RECIPIENTS + number as u64;
        Address::Phone(Phone::parse(&format!("+{number}"), None).expect("a number"))
    }

    fn taken(&self) -> Boxed<'_, Result<Vec<TakenMessage>, String>> {
        Box::pin(async {
            let mut taken = Vec::new();
            for (from, to, id) in self.service.taken() {
                if from == self.number() {
                    let message = self.reader.got(&id).await;
                    taken.push(TakenMessage {
                        provider_message_id: Some(id),
                        message_id: None,
                        to: format!("+{to}"),
                        text: message.text.unwrap_or_default(),
                    });
                }
            }
            Ok(taken)
        })
    }

    fn tell_receipts<'a>(&'a self, ack: &'a Ack, _: &'a MessageId) -> Boxed<'a, Result<(), String>> {
        Box::pin(async {
            // Delivered is told by the reader's device itself, after it recorded the message.
            let id = ack.provider_message_id.as_str();
            self.reader.got(id).await;
            wait::seen("it is delivered", || self.service.has_acknowledged(READER, id)).await;
            self.reader.read(self.number(), id).await;
            Ok(())
        })
    }

    fn bring<'a>(&'a self, text: &'a InboundText) -> Boxed<'a, Result<bool, String>> {
        Box::pin(async {
            let (id, own) = (text.provider_message_id.as_str(), self.number());
            let writer = self.writers.iter().find(|w| w.phone() == text.from).ok_or("nobody has this number")?;
            let failing = self.ear.failures_left() > 0;
            if self.service.has_acknowledged(own, id) {
                self.service.rename_next(writer.number, id);
                let message = format!("msg_01{own}{id}");
                let written = writer.write(own, &message, Content::Text(text.text.clone())).await;
                written.map_err(|e| format!("the writer could not write: {e:?}"))?;
            } else {
                self.service.bring_again(own);
            }
            if failing {
                wait::seen("the ear failed", || self.ear.failures_left() == 0).await;
                return Ok(self.service.has_acknowledged(own, id));
            }
            Ok(wait::is_seen(|| self.service.has_acknowledged(own, id)).await)
        })
    }

    fn heard(&self) -> Vec<ProviderEvent> {
        self.ear.heard()
    }

    fn fail_ear(&self, times: usize) {
        self.ear.fail_next(times);
    }

    /// The library has a clock and threads of its own: its part of a step passes for real.
    fn pass(&self) -> Boxed<'_, ()> {
        Box::pin(async {
            self.clock.advance(Duration::from_millis(STEP_MS));
            for _ in 0..8 {
                crate::harness::program::moment().await;
            }
        })
    }
}
