//! It keeps the contract of connectors.

use crate::harness::{
    clock::TestClock,
    deps::deps,
    ear::RecordingEar,
    evolution::{Evolution as Server, Fault, KEY},
};
use bytes::Bytes;
use serde_json::json;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use wa_gateway::{
    connectors::{
        Ack, Address, Boxed, Connector, HookRequest, InstanceSetup, ProviderEvent,
        contract::{self, InboundText, Provider, STEP_MS, TakenMessage, World},
        evolution::Evolution,
        registry::Deps,
    },
    egress::Egress,
    model::{
        ids::{AccountId, InstanceId, MessageId},
        instance::{ConnectorKind, InstanceState},
        phone::Phone,
    },
};

const SECRET: &str = "a-secret-of-the-test";

#[tokio::test]
async fn an_evolution_server_keeps_the_contract() {
    let report = contract::check(&EvolutionWorld::new().await).await;
    assert_eq!(report, contract::ContractReport::default(), "no problem, and nothing skipped");
}

struct EvolutionWorld {
    dir: tempfile::TempDir,
    clock: Arc<TestClock>,
    ear: Arc<RecordingEar>,
    server: Server,
    instances: AtomicUsize,
    running: Mutex<Option<Arc<Evolution>>>,
}

impl EvolutionWorld {
    async fn new() -> Self {
        let clock = Arc::new(TestClock::at("2026-01-01T00:00:00Z"));
        Self {
            dir: tempfile::tempdir().expect("a folder"),
            ear: Arc::default(),
            server: Server::start(clock.clone()).await,
            clock,
            instances: AtomicUsize::new(0),
            running: Mutex::default(),
        }
    }

    fn name(&self) -> String {
        format!("contract-{}", self.instances.load(Ordering::Relaxed))
    }

    fn open(&self) -> Result<Arc<Evolution>, String> {
        let allow = format!("127.0.0.1:{}", self.server.door.addr.port()).parse().expect("an entry");
        let deps = Deps {
            egress: Egress::system(vec![allow], self.clock.clone()),
            ..deps(self.dir.path(), self.clock.clone(), self.ear.clone())
        };
        let settings = [
            ("base_url", self.server.url()),
            ("api_key", KEY.to_owned()),
            ("instance", self.name()),
            ("hook_secret", SECRET.to_owned()),
        ];
        let settings = settings.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        let setup = InstanceSetup {
            id: self.instance(),
            account: AccountId(1),
            connector: ConnectorKind::Evolution,
            settings,
            closed: None,
        };
        Evolution::open(&deps, &setup, &Arc::default()).map(Arc::new).map_err(|e| e.to_string())
    }

    fn connector(&self) -> Arc<Evolution> {
        self.running.lock().expect("unpoisoned").clone().expect("started")
    }

    /// Calls the connector as its webhook is called.
    async fn call(&self, event: &str, data: serde_json::Value) -> bool {
        let body = self.server.envelope(&self.name(), event, data).to_string();
        let mut headers = http::HeaderMap::new();
        headers.insert("x-wa-gateway-secret", SECRET.parse().expect("a value"));
        let head = HookRequest { method: http::Method::POST, query: String::new(), headers, body: Bytes::new() };
        let limit = self.connector().hook_limit(&head).expect("the secret is right");
        assert!(body.len() <= limit);
        self.connector().hook(&HookRequest { body: body.into(), ..head }).await.status.is_success()
    }
}

impl World for EvolutionWorld {
    fn start(&self, provider: Provider) -> Boxed<'_, Result<Option<Arc<dyn Connector>>, String>> {
        Box::pin(async move {
            self.instances.fetch_add(1, Ordering::Relaxed);
            self.server.door.come_back().await;
            self.server.forget_strangers();
            self.server.add_open(&self.name());
            if provider == Provider::NotOpen {
                self.server.with(&self.name(), |i| i.state = "connecting".into());
            }
            self.ear.clear();
            let connector = self.open()?;
            *self.running.lock().expect("unpoisoned") = Some(connector.clone());
            let wanted = if provider == Provider::NotOpen { InstanceState::Connecting } else { InstanceState::Open };
            for _ in 0..100 {
                let standing = connector.standing();
                if standing.state == wanted && standing.last_heard_at.is_some() {
                    break;
                }
                self.pass().await;
            }
            match provider {
                Provider::Refuses => {
                    for digits in ["966500000101", "966500000102"] {
                        self.server.add_stranger(digits);
                    }
                }
                Provider::Silent => self.server.fault_next(Fault::Silent),
                Provider::LogsOut => self.server.fault_next(Fault::LogsOut),
                Provider::Unreachable => self.server.door.go_dark().await,
                Provider::Accepts | Provider::NotOpen => {}
            }
            Ok(Some(connector as Arc<dyn Connector>))
        })
    }

    fn instance(&self) -> InstanceId {
        InstanceId::from_text(self.name())
    }

    fn recipient(&self, number: usize) -> Address {
        Address::Phone(Phone::parse(&format!("+9665000001{number:02}"), None).expect("a number"))
    }

    fn taken(&self) -> Boxed<'_, Result<Vec<TakenMessage>, String>> {
        Box::pin(async {
            let sent = self.server.with(&self.name(), |i| i.sent.clone());
            let taken = sent.into_iter().map(|(to, text, id)| TakenMessage {
                provider_message_id: Some(id),
                message_id: None,
                to: format!("+{to}"),
                text,
            });
            Ok(taken.collect())
        })
    }

    fn tell_receipts<'a>(&'a self, ack: &'a Ack, _: &'a MessageId) -> Boxed<'a, Result<(), String>> {
        Box::pin(async {
            for status in ["SERVER_ACK", "DELIVERY_ACK", "READ"] {
                let data = self.server.update(&self.name(), &ack.provider_message_id, Some(status));
                let mut tries = 0;
                while !self.call("messages.update", data.clone()).await {
                    tries += 1;
                    if tries == 10 {
                        return Err(format!("{status} was never taken"));
                    }
                }
            }
            Ok(())
        })
    }

    fn bring<'a>(&'a self, text: &'a InboundText) -> Boxed<'a, Result<bool, String>> {
        Box::pin(async {
            let jid = format!("{}@s.whatsapp.net", text.from.trim_start_matches('+'));
            let message = json!({"conversation": text.text});
            let data = self.server.receive(&self.name(), &jid, &text.provider_message_id, message);
            Ok(self.call("messages.upsert", data).await)
        })
    }

    fn heard(&self) -> Vec<ProviderEvent> {
        self.ear.heard()
    }

    fn fail_ear(&self, times: usize) {
        self.ear.fail_next(times);
    }

    fn pass(&self) -> Boxed<'_, ()> {
        Box::pin(async {
            self.clock.advance(Duration::from_millis(STEP_MS));
            if self.server.with(&self.name(), |i| std::mem::take(&mut i.logged_out)) {
                let data = json!({"instance": self.name(), "state": "close", "statusReason": 401});
                self.call("connection.update", data).await;
            }
            // One thread, which looks at its sockets once in a while: whoever can go on does so meanwhile.
            for _ in 0..300 {
                tokio::task::yield_now().await;
            }
        })
    }
}
