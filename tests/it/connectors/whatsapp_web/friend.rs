//! Another phone: a person who writes to the gateway and reads what it sends, on a connector of their own.

use crate::harness::{clock::TestClock, deps::deps, ear::RecordingEar, wait, whatsapp::WhatsApp};
use std::{collections::BTreeMap, path::Path, sync::Arc};
use wa_gateway::{
    connectors::{
        Ack, Address, Connector, Content, Ear, EventKind, InstanceSetup, Outgoing, SendError,
        inbound_event::InboundMessage, registry::Deps, whatsapp_web::WhatsappWeb,
    },
    egress::Egress,
    model::{
        ids::{AccountId, InstanceId, MessageId},
        instance::{ConnectorKind, InstanceState},
        phone::Phone,
    },
};

/// The person.
pub struct Friend {
    pub number: u64,
    pub connector: Arc<WhatsappWeb>,
    pub ear: Arc<RecordingEar>,
    _dir: tempfile::TempDir,
}

/// The settings of an instance at this service.
pub fn settings(service: &WhatsApp) -> BTreeMap<String, String> {
    let all = [("ws_url", service.url()), ("version", "2.3000.1035194821".to_owned())];
    all.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
}

/// Opens a connector that may call the service.
pub fn open(
    service: &WhatsApp,
    dir: &Path,
    clock: &Arc<TestClock>,
    ear: Arc<dyn Ear>,
    (id, closed): (&InstanceId, Option<String>),
) -> Arc<WhatsappWeb> {
    let allow = [service.door.addr, service.files.addr].map(|place| place.to_string().parse().expect("an entry"));
    let deps = Deps { egress: Egress::system(allow.to_vec(), clock.clone()), ..deps(dir, clock.clone(), ear) };
    let setup = InstanceSetup {
        id: id.clone(),
        account: AccountId(1),
        connector: ConnectorKind::WhatsappWeb,
        settings: settings(service),
        closed,
    };
    Arc::new(WhatsappWeb::open(&deps, &setup, &Arc::default()).expect("good settings"))
}

/// Waits for a code, scans it with the phone of `number`, and waits until the connector is open.
pub async fn link(service: &WhatsApp, connector: &WhatsappWeb, number: u64) {
    wait::seen("a code is shown", || connector.pairing().is_some_and(|p| p.qr.is_some())).await;
    let code = connector.pairing().and_then(|p| p.qr).expect("a code");
    service.scan(number, &code);
    until_open(service, connector, number).await;
}

pub async fn until_open(service: &WhatsApp, connector: &WhatsappWeb, number: u64) {
    wait::seen("it is open", || connector.standing().state == InstanceState::Open && service.is_linked(number)).await;
}

impl Friend {
    /// Somebody with WhatsApp under this number.
    pub async fn with(service: &WhatsApp, clock: &Arc<TestClock>, number: u64) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let ear = Arc::new(RecordingEar::default());
        let id = InstanceId::from_text(format!("friend-{number}"));
        let connector = open(service, dir.path(), clock, ear.clone(), (&id, None));
        link(service, &connector, number).await;
        Self { number, connector, ear, _dir: dir }
    }

    pub fn phone(&self) -> String {
        format!("+{}", self.number)
    }

    /// Writes to somebody.
    pub async fn write(&self, to: u64, id: &str, content: Content) -> Result<Ack, SendError> {
        self.answer(to, id, content, None).await
    }

    /// Writes to somebody, in answer to one of their messages.
    pub async fn answer(&self, to: u64, id: &str, content: Content, to_what: Option<&str>) -> Result<Ack, SendError> {
        let to = Address::Phone(Phone::parse(&format!("+{to}"), None).expect("a number"));
        self.send(to, id, content, to_what).await
    }

    /// Writes to a person or a group, in answer to a message or not.
    pub async fn send(&self, to: Address, id: &str, content: Content, to_what: Option<&str>) -> Result<Ack, SendError> {
        let out = Outgoing {
            instance: InstanceId::from_text(format!("friend-{}", self.number)),
            message_id: MessageId::from_text(id),
            to,
            content,
            reply_to: to_what.map(str::to_owned),
            outside_window: false,
        };
        self.connector.send(&out).await
    }

    /// What was written to them.
    pub fn messages(&self) -> Vec<InboundMessage> {
        let heard = self.ear.heard().into_iter().map(|h| h.what);
        heard.filter_map(|what| if let EventKind::Message(m) = what { Some(m) } else { None }).collect()
    }

    /// The message with this id, once they have it.
    pub async fn got(&self, id: &str) -> InboundMessage {
        let find = || self.messages().into_iter().find(|m| m.provider_message_id == id);
        wait::seen("the friend has it", || find().is_some()).await;
        find().expect("it is there")
    }

    /// Reads it.
    pub async fn read(&self, from: u64, id: &str) {
        let chat = Address::Phone(Phone::parse(&format!("+{from}"), None).expect("a number"));
        self.connector.mark_read(&chat, &[id.to_owned()]).await.expect("marked");
    }
}
