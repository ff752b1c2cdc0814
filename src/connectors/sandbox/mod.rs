//! The sandbox: a phone network inside the process. Demos, tests, and customers who try their code use it.
//!
//! It behaves like a provider: it takes messages after a while, refuses, falls silent after it took one, logs out,
//! sends receipts late or twice. Each of that is a setting (`settings.rs`). What it accepted is in a file of its own
//! before it acknowledges (`inbox.rs`). Its phones can write and call ([`Sandbox::receive`] and its siblings).
//!
//! It waits on the clock that it was given, and never asks the machine for the time.

mod inbox;
mod settings;

pub use inbox::{Accepted, read as read_inbox};

use super::{
    Ack, Boxed, Capabilities, Connector, Content, Ear, Heard, NotRecorded, Outgoing, SendError, SendErrorKind,
    Standing, What,
    heard::{Group, InboundMessage, Sender},
    registry::{BadSetting, Deps, InstanceSetup},
};
use crate::model::{
    clock::{Clock, Time},
    ids::{InstanceId, MessageId},
    instance::{Health, InstanceState},
    message::Receipt,
    random::Random,
};
use inbox::Inbox;
use settings::{Fail, Receipts, Settings};
use std::{
    collections::{BTreeMap, HashSet},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::mpsc, task::JoinHandle};

/// Most people who are remembered as having written, for `new_chat_lock`.
const WROTE_MAX: usize = 10_000;
/// Most receipts that wait to be heard; beyond it a provider would drop its connection, and we drop the receipt.
const RECEIPTS_MAX: usize = 10_000;
const LATE: Duration = Duration::from_secs(60);
/// Between two offers of something that could not be recorded.
const OFFER_AGAIN: Duration = Duration::from_millis(500);

/// One instance's phone network.
pub struct Sandbox {
    id: InstanceId,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    ear: Arc<dyn Ear>,
    inbox: Inbox,
    now: Mutex<Now>,
    receipts: mpsc::Sender<(Time, Heard)>,
    teller: JoinHandle<()>,
}

struct Now {
    settings: Settings,
    /// Why it is not open.
    reason: Option<String>,
    last_heard_at: Option<Time>,
    wrote: HashSet<String>,
}

impl Sandbox {
    /// A network for one instance; its inbox file is opened.
    ///
    /// # Errors
    /// Bad settings, or an inbox file that cannot be written.
    pub fn open(deps: &Deps, setup: &InstanceSetup) -> Result<Self, BadSetting> {
        let settings = Settings::parse(&setup.settings)?;
        let inbox = Inbox::open(&deps.data_dir, setup.id.as_str())
            .map_err(|e| BadSetting(format!("the sandbox's inbox file cannot be written: {e}")))?;
        let (receipts, waiting) = mpsc::channel(RECEIPTS_MAX);
        let teller = tokio::spawn(tell(waiting, deps.clock.clone(), deps.ear.clone()));
        let now = Now { settings, reason: reason_for(settings.state), last_heard_at: None, wrote: HashSet::new() };
        Ok(Self {
            id: setup.id.clone(),
            clock: deps.clock.clone(),
            random: deps.random.clone(),
            ear: deps.ear.clone(),
            inbox,
            now: Mutex::new(now),
            receipts,
            teller,
        })
    }

    /// Judges settings.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    pub fn check(settings: &BTreeMap<String, String>) -> Result<(), BadSetting> {
        Settings::parse(settings).map(drop)
    }

    /// Behaves differently from now on.
    ///
    /// # Errors
    /// Bad settings; then nothing changes.
    pub fn apply(&self, settings: &BTreeMap<String, String>) -> Result<(), BadSetting> {
        let settings = Settings::parse(settings)?;
        let mut now = self.now();
        now.settings = settings;
        now.reason = reason_for(settings.state);
        Ok(())
    }

    /// What is on the phones, or on the one with this number; newest last.
    ///
    /// # Errors
    /// The inbox file cannot be read.
    pub fn inbox(&self, phone: Option<&str>) -> io::Result<Vec<Accepted>> {
        self.inbox.read(phone)
    }

    /// Somebody writes. Returns the provider's id of the message, once it is recorded.
    ///
    /// # Errors
    /// It could not be recorded.
    pub async fn receive(&self, from: &str, name: Option<&str>, text: &str) -> Result<String, NotRecorded> {
        let id = self.new_id();
        self.receive_as(&id, from, name, text).await?;
        Ok(id)
    }

    /// The same with an id of the caller's choice: a provider that offers a message twice.
    ///
    /// # Errors
    /// It could not be recorded.
    pub async fn receive_as(&self, id: &str, from: &str, name: Option<&str>, text: &str) -> Result<(), NotRecorded> {
        self.note_writer(from);
        let message = inbound(id, sender(from, name), None, text);
        self.hear(What::Message(message)).await
    }

    /// Somebody writes in a group.
    ///
    /// # Errors
    /// It could not be recorded.
    pub async fn group_message(
        &self,
        group: &str,
        name: &str,
        from: &str,
        text: &str,
    ) -> Result<String, NotRecorded> {
        let id = self.new_id();
        let group = Group { id: group.to_owned(), name: name.to_owned() };
        self.hear(What::Message(inbound(&id, sender(from, None), Some(group), text))).await?;
        Ok(id)
    }

    /// Something about a group changes.
    ///
    /// # Errors
    /// It could not be recorded.
    pub async fn group_updated(&self, group: &str, name: &str, change: &str) -> Result<(), NotRecorded> {
        let (group_id, group_name) = (group.to_owned(), name.to_owned());
        self.hear(What::GroupUpdated { group_id, group_name, change: change.to_owned() }).await
    }

    /// Somebody calls.
    ///
    /// # Errors
    /// It could not be recorded.
    pub async fn call(&self, from: &str, missed: bool) -> Result<String, NotRecorded> {
        let call_id = self.new_id();
        self.note_writer(from);
        let from = sender(from, None);
        self.hear(What::Call { call_id: call_id.clone(), from, is_video: false, missed }).await?;
        Ok(call_id)
    }

    /// A receipt of the test's choice for a message that was sent.
    ///
    /// # Errors
    /// It could not be recorded.
    pub async fn receipt(
        &self,
        provider_message_id: &str,
        message_id: Option<MessageId>,
        receipt: Receipt,
    ) -> Result<(), NotRecorded> {
        self.hear(receipt_of(provider_message_id, message_id, receipt)).await
    }

    async fn hear(&self, what: What) -> Result<(), NotRecorded> {
        let at = self.clock.now();
        self.now().last_heard_at = Some(at);
        self.ear.hear(Heard { instance: self.id.clone(), at, what }).await
    }

    async fn deliver(&self, out: &Outgoing) -> Result<Ack, SendError> {
        let settings = self.now().settings;
        self.wait(settings.latency / 2).await;
        self.may_accept(out, &settings)?;
        if settings.fail == Fail::Logout {
            return Err(self.log_out().await);
        }
        let id = self.new_id();
        self.inbox.accept(&id, out, self.clock.now()).map_err(|e| SendError {
            kind: SendErrorKind::Permanent,
            code: "sandbox_inbox".into(),
            reason: format!("the sandbox's inbox file cannot be written: {e}"),
            recipient_fault: false,
        })?;
        if settings.fail == Fail::TimeoutAfterAccept {
            std::future::pending::<()>().await;
        }
        self.wait(settings.latency - settings.latency / 2).await;
        self.plan_receipts(settings.receipts, &id, &out.message_id);
        Ok(Ack { provider_message_id: id, acknowledged: true })
    }

    fn may_accept(&self, out: &Outgoing, settings: &Settings) -> Result<(), SendError> {
        let refused = |code: &str, reason: &str, recipient_fault| {
            let (code, reason) = (code.to_owned(), reason.to_owned());
            Err(SendError { kind: SendErrorKind::Permanent, code, reason, recipient_fault })
        };
        match settings.fail {
            _ if settings.state != InstanceState::Open => {
                refused("not_open", &format!("the instance is not open: its state is {}", settings.state), false)
            }
            Fail::Refuse => refused("refused", "the recipient is not on WhatsApp", true),
            Fail::NewChatLock if !self.now().wrote.contains(&out.to.to_string()) => {
                refused("463", "WhatsApp does not let this number start new chats for now; replies still go", false)
            }
            Fail::Media if matches!(out.content, Content::Media { .. }) => {
                refused("media", "the file could not be uploaded", false)
            }
            _ => Ok(()),
        }
    }

    /// The phone throws the gateway out: nothing was taken, and nothing will be until the state is set again.
    async fn log_out(&self) -> SendError {
        let reason = "logged out by the phone".to_owned();
        {
            let mut now = self.now();
            now.settings.state = InstanceState::Close;
            now.reason = Some(reason.clone());
        }
        let state = What::State {
            state: InstanceState::Close,
            health: Health::Ok,
            reason: Some(reason.clone()),
            phone: None,
        };
        if let Err(e) = self.hear(state).await {
            tracing::warn!(instance = %self.id, "{e}");
        }
        SendError { kind: SendErrorKind::Permanent, code: "logout".into(), reason, recipient_fault: false }
    }

    fn plan_receipts(&self, receipts: Receipts, id: &str, ours: &MessageId) {
        use Receipt::{Delivered, Read};
        let (later, which): (Duration, &[Receipt]) = match receipts {
            Receipts::None => return,
            Receipts::Delivered => (Duration::ZERO, &[Delivered]),
            Receipts::Read => (Duration::ZERO, &[Delivered, Read]),
            Receipts::Late => (LATE, &[Delivered]),
            Receipts::Doubled => (Duration::ZERO, &[Delivered, Delivered, Read, Read]),
        };
        let at = self.clock.now().plus(later);
        for receipt in which {
            let what = receipt_of(id, Some(ours.clone()), *receipt);
            if self.receipts.try_send((at, Heard { instance: self.id.clone(), at, what })).is_err() {
                tracing::debug!(instance = %self.id, "too many receipts wait: one was lost, as providers do");
            }
        }
    }

    async fn wait(&self, d: Duration) {
        if !d.is_zero() {
            self.clock.sleep_until(self.clock.now().plus(d)).await;
        }
    }

    fn note_writer(&self, from: &str) {
        let mut now = self.now();
        if now.wrote.len() >= WROTE_MAX {
            now.wrote.clear();
        }
        now.wrote.insert(from.to_owned());
    }

    fn new_id(&self) -> String {
        let ours = MessageId::new(self.clock.now(), &*self.random);
        format!("sbx_{}", &ours.as_str()[4..])
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connector for Sandbox {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            media: true,
            templates: true,
            replies: true,
            groups: true,
            window_24h: false,
            hidden_numbers: true,
        }
    }

    fn standing(&self) -> Standing {
        let now = self.now();
        Standing {
            state: now.settings.state,
            reason: now.reason.clone(),
            health: Health::Ok,
            phone: None,
            last_heard_at: now.last_heard_at,
        }
    }

    fn send<'a>(&'a self, out: &'a Outgoing) -> Boxed<'a, Result<Ack, SendError>> {
        Box::pin(self.deliver(out))
    }

    fn stop(&self) -> Boxed<'_, ()> {
        self.teller.abort();
        Box::pin(std::future::ready(()))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.teller.abort();
    }
}

/// Tells the ear of receipts, each at its time and in their order; offers again what could not be recorded.
async fn tell(mut waiting: mpsc::Receiver<(Time, Heard)>, clock: Arc<dyn Clock>, ear: Arc<dyn Ear>) {
    while let Some((at, heard)) = waiting.recv().await {
        if at > clock.now() {
            clock.sleep_until(at).await;
        }
        while ear.hear(heard.clone()).await.is_err() {
            clock.sleep_until(clock.now().plus(OFFER_AGAIN)).await;
        }
    }
}

fn reason_for(state: InstanceState) -> Option<String> {
    (state != InstanceState::Open).then(|| format!("set to {state}"))
}

fn sender(phone: &str, name: Option<&str>) -> Sender {
    Sender { phone: Some(phone.to_owned()), name: name.map(str::to_owned), ..Sender::default() }
}

fn inbound(id: &str, from: Sender, group: Option<Group>, text: &str) -> InboundMessage {
    InboundMessage {
        provider_message_id: id.to_owned(),
        from,
        may_opt_out: group.is_none(),
        group,
        kind: "text".into(),
        text: Some(text.to_owned()),
        reply_to: None,
    }
}

fn receipt_of(id: &str, message_id: Option<MessageId>, receipt: Receipt) -> What {
    What::Receipt { provider_message_id: id.to_owned(), message_id, receipt, code: None, reason: None }
}
