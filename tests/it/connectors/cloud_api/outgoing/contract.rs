//! It keeps the contract of connectors.

use crate::harness::{
    clock::TestClock,
    deps::deps,
    ear::RecordingEar,
    graph::{Fault, Graph, Sent, State, refusal, sign},
};
use bytes::Bytes;
use serde_json::{Value, json};
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
        cloud_api::CloudApi,
        contract::{self, InboundText, Provider, STEP_MS, TakenMessage, World},
        registry::Deps,
    },
    egress::Egress,
    model::{
        clock::Clock as _,
        ids::{AccountId, InstanceId, MessageId},
        instance::ConnectorKind,
        phone::Phone,
    },
};

#[tokio::test]
async fn the_cloud_api_keeps_the_contract() {
    let world = CloudWorld::new().await;
    let report = contract::check(&world).await;
    assert_eq!(report, contract::ContractReport::default(), "no problem, and nothing skipped");
    assert_eq!(*world.complaints.lock().expect("unpoisoned"), Vec::<String>::new(), "and Meta had none to make");
}

struct CloudWorld {
    dir: tempfile::TempDir,
    clock: Arc<TestClock>,
    ear: Arc<RecordingEar>,
    graph: Graph,
    instances: AtomicUsize,
    running: Mutex<Option<Arc<CloudApi>>>,
    complaints: Mutex<Vec<String>>,
}

impl CloudWorld {
    async fn new() -> Self {
        Self {
            dir: tempfile::tempdir().expect("a folder"),
            ear: Arc::default(),
            graph: Graph::start().await,
            clock: Arc::new(TestClock::at("2026-01-01T00:00:00Z")),
            instances: AtomicUsize::new(0),
            running: Mutex::default(),
            complaints: Mutex::default(),
        }
    }

    fn open(&self, closed: Option<String>) -> Result<Arc<CloudApi>, String> {
        let allow = self.graph.door.addr.to_string().parse().expect("an entry");
        let deps = Deps {
            egress: Egress::system(vec![allow], self.clock.clone()),
            ..deps(self.dir.path(), self.clock.clone(), self.ear.clone())
        };
        let settings = self.graph.settings();
        let setup = InstanceSetup {
            id: self.instance(),
            account: AccountId(1),
            connector: ConnectorKind::CloudApi,
            settings,
            closed,
        };
        CloudApi::open(&deps, &setup, &Arc::default()).map(Arc::new).map_err(|e| e.to_string())
    }

    /// Calls the connector as its webhook is called.
    async fn call(&self, value: Value) -> bool {
        let connector = self.running.lock().expect("unpoisoned").clone().expect("started");
        let body = Graph::change(value).to_string();
        let mut headers = http::HeaderMap::new();
        headers.insert("x-hub-signature-256", sign(&body).parse().expect("a value"));
        let head = HookRequest { method: http::Method::POST, query: String::new(), headers, body: Bytes::new() };
        let limit = connector.hook_limit(&head).expect("the form of the signature is right");
        assert!(body.len() <= limit);
        connector.hook(&HookRequest { body: body.into(), ..head }).await.status.is_success()
    }
}

impl World for CloudWorld {
    fn start(&self, provider: Provider) -> Boxed<'_, Result<Option<Arc<dyn Connector>>, String>> {
        Box::pin(async move {
            self.instances.fetch_add(1, Ordering::Relaxed);
            self.graph.door.come_back().await;
            self.ear.clear();
            {
                let mut state = self.graph.state();
                self.complaints.lock().expect("unpoisoned").append(&mut state.complaints);
                *state = State::default();
                match provider {
                    Provider::Refuses => state.refuses = Some(("400 Bad Request", refusal(131_026, "undeliverable"))),
                    Provider::LogsOut => state.refuses = Some(("401 Unauthorized", refusal(190, "expired"))),
                    Provider::Silent => state.faults.push_back(Fault::Silent),
                    Provider::Accepts | Provider::Unreachable | Provider::NotOpen => {}
                }
            }
            if provider == Provider::Unreachable {
                self.graph.door.go_dark().await;
            }
            let closed = (provider == Provider::NotOpen).then(|| "the access token has expired".to_owned());
            let connector = self.open(closed)?;
            *self.running.lock().expect("unpoisoned") = Some(connector.clone());
            Ok(Some(connector as Arc<dyn Connector>))
        })
    }

    fn instance(&self) -> InstanceId {
        InstanceId::from_text(format!("contract-{}", self.instances.load(Ordering::Relaxed)))
    }

    fn recipient(&self, number: usize) -> Address {
        Address::Phone(Phone::parse(&format!("+9665000001{number:02}"), None).expect("a number"))
    }

    fn taken(&self) -> Boxed<'_, Result<Vec<TakenMessage>, String>> {
        Box::pin(async {
            let taken = self.graph.sent().into_iter().map(|sent| TakenMessage {
                message_id: Some(sent.ours().to_owned()),
                to: sent.body["to"].as_str().unwrap_or_default().to_owned(),
                text: sent.body["text"]["body"].as_str().unwrap_or_default().to_owned(),
                provider_message_id: Some(sent.id),
            });
            Ok(taken.collect())
        })
    }

    fn tell_receipts<'a>(&'a self, ack: &'a Ack, message: &'a MessageId) -> Boxed<'a, Result<(), String>> {
        Box::pin(async {
            let body = json!({"to": "+966500000101", "biz_opaque_callback_data": message.as_str()});
            let sent = Sent { id: ack.provider_message_id.clone(), body };
            for status in ["sent", "delivered", "read"] {
                let mut tries = 0;
                while !self.call(Graph::status(&sent, status, self.clock.now().seconds())).await {
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
            let from = text.from.trim_start_matches('+');
            let at = self.clock.now().seconds().to_string();
            let message = json!({"from": from, "id": text.provider_message_id, "timestamp": at, "type": "text",
                                 "text": {"body": text.text}});
            let contact = json!({"profile": {"name": "Amal"}, "wa_id": from});
            Ok(self.call(json!({"contacts": [contact], "messages": [message]})).await)
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
            // One thread, which looks at its sockets once in a while: whoever can go on does so meanwhile.
            for _ in 0..300 {
                tokio::task::yield_now().await;
            }
        })
    }
}
