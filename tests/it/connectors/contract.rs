//! Every connector keeps the contract of connectors; and the contract notices one that does not.

use crate::harness::{clock::TestClock, deps::deps, ear::RecordingEar};
use std::{
    collections::BTreeMap,
    os::unix::fs::symlink,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use wa_gateway::{
    connectors::{
        Ack, Address, Boxed, Capabilities, ConnectionStatus, Connector, Content, Ear, InstanceSetup, NotRecorded,
        Outgoing, ProviderEvent, SendError, SendErrorKind,
        contract::{self, InboundText, Provider, STEP_MS, TakenMessage, World},
        inbound_event::RemoteParty,
        sandbox::{Sandbox, inbox},
    },
    model::{
        clock::Clock,
        ids::{AccountId, InstanceId, MessageId},
        instance::{ConnectorKind, InstanceState},
        phone::Phone,
    },
};

#[tokio::test]
async fn the_sandbox_keeps_the_contract() {
    let report = contract::check(&SandboxWorld::new(None)).await;
    assert_eq!(report, contract::ContractReport::default(), "no problem, and nothing skipped");
}

#[tokio::test]
async fn the_contract_notices_each_kind_of_broken_connector() {
    for (fault, noticed_by) in FAULTS {
        let report = contract::check(&SandboxWorld::new(Some(*fault))).await;
        for check in *noticed_by {
            let noticed = report.problems.iter().any(|p| p.starts_with(&format!("{check}: ")));
            assert!(noticed, "{fault:?} is noticed by {check:?}; problems: {:#?}", report.problems);
        }
    }
}

/// A way in which a connector (or its ear) can be broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    SendsTwice,
    Trims,
    OneIdForAll,
    MixesRecipients,
    AcknowledgesFailures,
    FailsTemporarily,
    FailsForGood,
    TellsTheNumber,
    MakesUpAnAnswer,
    StandsOpen,
    SendsAfterStop,
    ForgetsTheUnrecorded,
    HearsTwice,
}

const FAULTS: &[(Fault, &[&str])] = &[
    (Fault::SendsTwice, &["accepted", "parallel", "silent"]),
    (Fault::Trims, &["texts"]),
    (Fault::OneIdForAll, &["accepted", "parallel", "receipts"]),
    (Fault::MixesRecipients, &["accepted"]),
    (Fault::AcknowledgesFailures, &["refused", "unreachable", "not open", "logged out", "stopped"]),
    (Fault::FailsTemporarily, &["refused", "not open", "logged out"]),
    (Fault::FailsForGood, &["unreachable"]),
    (Fault::TellsTheNumber, &["refused", "unreachable"]),
    (Fault::MakesUpAnAnswer, &["silent"]),
    (Fault::StandsOpen, &["not open", "logged out"]),
    (Fault::SendsAfterStop, &["stopped"]),
    (Fault::ForgetsTheUnrecorded, &["receipts again", "inbound again"]),
    (Fault::HearsTwice, &["receipts", "inbound"]),
];

/// The sandbox as the contract sees it: its file is what the provider took.
struct SandboxWorld {
    dir: tempfile::TempDir,
    clock: Arc<TestClock>,
    ear: Arc<RecordingEar>,
    fault: Option<Fault>,
    instances: AtomicUsize,
    running: Mutex<Option<Arc<Sandbox>>>,
}

impl SandboxWorld {
    fn new(fault: Option<Fault>) -> Self {
        Self {
            dir: tempfile::tempdir().expect("a folder"),
            clock: Arc::new(TestClock::at("2026-01-01T00:00:00Z")),
            ear: Arc::default(),
            fault,
            instances: AtomicUsize::new(0),
            running: Mutex::default(),
        }
    }

    fn path(&self) -> std::path::PathBuf {
        inbox::path(self.dir.path(), &self.instance())
    }

    fn sandbox(&self) -> Arc<Sandbox> {
        self.running.lock().expect("unpoisoned").clone().expect("started")
    }

    fn open(&self, provider: Provider) -> Result<Arc<Sandbox>, String> {
        self.instances.fetch_add(1, Ordering::Relaxed);
        let settings: &[(&str, &str)] = match provider {
            Provider::Accepts => &[("latency_ms", "250"), ("receipts", "read")],
            Provider::Refuses => &[("fail", "refuse")],
            Provider::Silent => &[("fail", "timeout_after_accept")],
            Provider::LogsOut => &[("fail", "logout")],
            Provider::NotOpen => &[("state", "connecting")],
            Provider::Unreachable => {
                // A full disk: the one thing that keeps a message from a provider inside the process.
                std::fs::create_dir_all(self.dir.path().join("sandbox")).map_err(|e| e.to_string())?;
                symlink(Path::new("/dev/full"), self.path()).map_err(|e| e.to_string())?;
                &[]
            }
        };
        let settings: BTreeMap<_, _> = settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let ear: Arc<dyn Ear> = match self.fault {
            Some(fault @ (Fault::ForgetsTheUnrecorded | Fault::HearsTwice)) => {
                Arc::new(SpoiltEar { ear: self.ear.clone(), fault })
            }
            _ => self.ear.clone(),
        };
        let clock = self.clock.clone();
        let deps = deps(self.dir.path(), clock, ear);
        let setup = InstanceSetup {
            id: self.instance(),
            account: AccountId(1),
            connector: ConnectorKind::Sandbox,
            settings,
            closed: None,
        };
        Sandbox::open(&deps, &setup).map(Arc::new).map_err(|e| e.to_string())
    }
}

impl World for SandboxWorld {
    fn start(&self, provider: Provider) -> Boxed<'_, Result<Option<Arc<dyn Connector>>, String>> {
        Box::pin(async move {
            self.ear.clear();
            let sandbox = self.open(provider)?;
            *self.running.lock().expect("unpoisoned") = Some(sandbox.clone());
            Ok(Some(match self.fault {
                Some(fault) => Arc::new(Spoilt { sandbox, clock: self.clock.clone(), fault }),
                None => sandbox as Arc<dyn Connector>,
            }))
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
            if self.path().is_symlink() {
                return Ok(Vec::new());
            }
            let accepted = self.sandbox().inbox(None).map_err(|e| e.to_string())?;
            let taken = accepted.into_iter().map(|a| TakenMessage {
                provider_message_id: Some(a.provider_message_id),
                message_id: Some(a.message_id),
                to: a.to,
                text: a.text,
            });
            Ok(taken.collect())
        })
    }

    fn tell_receipts<'a>(&'a self, _: &'a Ack, _: &'a MessageId) -> Boxed<'a, Result<(), String>> {
        // The setting `receipts=read` does it.
        Box::pin(async { Ok(()) })
    }

    fn bring<'a>(&'a self, text: &'a InboundText) -> Boxed<'a, Result<bool, String>> {
        Box::pin(async {
            let from = RemoteParty { phone: Some(text.from.clone()), ..RemoteParty::default() };
            Ok(self.sandbox().receive_again(&text.provider_message_id, from, &text.text).await.is_ok())
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
            // One thread: whoever can go on does so while this one stands back.
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
        })
    }
}

/// A connector with a fault.
struct Spoilt {
    sandbox: Arc<Sandbox>,
    clock: Arc<TestClock>,
    fault: Fault,
}

impl Spoilt {
    async fn send_badly(&self, out: &Outgoing) -> Result<Ack, SendError> {
        let mut out = out.clone();
        let made_up = Ack { provider_message_id: "made-up".into(), acknowledged: true, names: RemoteParty::default() };
        match (self.fault, &mut out.content) {
            (Fault::SendsTwice, _) => {
                let (first, _) = tokio::join!(self.sandbox.send(&out), self.sandbox.send(&out));
                return first;
            }
            (Fault::MakesUpAnAnswer, _) => {
                let second = self.clock.now().plus(Duration::from_secs(1));
                return tokio::select! {
                    answer = self.sandbox.send(&out) => answer,
                    () = self.clock.sleep_until(second) => Ok(made_up),
                };
            }
            (Fault::Trims, Content::Text(text)) => *text = text.trim().to_owned(),
            (Fault::MixesRecipients, _) => {
                out.to = Address::Phone(Phone::parse("+966500000999", None).expect("a number"));
            }
            _ => {}
        }
        let error = match self.sandbox.send(&out).await {
            Ok(_) if self.fault == Fault::OneIdForAll => return Ok(made_up),
            Ok(ack) => return Ok(ack),
            Err(error) => error,
        };
        match self.fault {
            Fault::AcknowledgesFailures => Ok(made_up),
            Fault::FailsTemporarily => Err(SendError { kind: SendErrorKind::Temporary { retry_after: None }, ..error }),
            Fault::FailsForGood => Err(SendError { kind: SendErrorKind::Permanent, ..error }),
            Fault::TellsTheNumber => Err(SendError { reason: format!("{} to {}", error.reason, out.to), ..error }),
            _ => Err(error),
        }
    }
}

impl Connector for Spoilt {
    fn capabilities(&self) -> Capabilities {
        self.sandbox.capabilities()
    }

    fn standing(&self) -> ConnectionStatus {
        let standing = self.sandbox.standing();
        match self.fault {
            Fault::StandsOpen => ConnectionStatus { state: InstanceState::Open, ..standing },
            _ => standing,
        }
    }

    fn send<'a>(&'a self, out: &'a Outgoing) -> Boxed<'a, Result<Ack, SendError>> {
        Box::pin(self.send_badly(out))
    }

    fn stop(&self) -> Boxed<'_, ()> {
        match self.fault {
            Fault::SendsAfterStop => Box::pin(async {}),
            _ => self.sandbox.stop(),
        }
    }
}

/// An ear with a fault: for the contract it is as if the connector had it.
struct SpoiltEar {
    ear: Arc<RecordingEar>,
    fault: Fault,
}

impl Ear for SpoiltEar {
    fn hear(&self, heard: ProviderEvent) -> Boxed<'_, Result<(), NotRecorded>> {
        Box::pin(async move {
            let recorded = self.ear.hear(heard.clone()).await;
            match self.fault {
                Fault::HearsTwice => self.ear.hear(heard).await,
                Fault::ForgetsTheUnrecorded => Ok(()),
                _ => recorded,
            }
        })
    }
}
