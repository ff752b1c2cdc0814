//! An existing Evolution API server (2.3.7, and later ones that answer alike), which holds the phone's connection.
//!
//! - The server calls `/hooks/evolution/{instance}` ([`hook`]) with what it hears; a background task ([`work`]) asks it
//!   for its state, shows the code to scan, and looks for what its webhook did not bring ([`sweep`]).
//! - `sent` is not what the server answers: it has the message in hand, and tells later that WhatsApp has it. An
//!   [`Ack`] here is not acknowledged; the rest comes as receipts.
//! - The server has no field for our own id. Its `key.id` is the only name that both sides know; numbers prove
//!   nothing, since it changes their digits in some countries.
//! - Its code answers differently from its documents in places; each is named where it is handled.
//!
//! Like every connector it knows nothing of accounts, limits, the database and HTTP towards customers.

mod catch_up;
mod chats;
mod client;
mod groups;
mod hook;
pub mod import;
mod outgoing;
mod over_meta;
mod reading;
mod sent_index;
pub mod settings;
mod worker;

use super::{
    Ack, ActionError, Address, Boxed, Capabilities, ConnectionStatus, Connector, Content, Ear, GroupInfo, HookAnswer,
    HookRequest, MediaError, Outgoing, Pairing, SendError,
    meta_error::{ErrorClass, GraphError},
    neighbours::Neighbours,
    registry::{BadSetting, Deps, InstanceSetup},
};
use crate::connectors::connection::ConnectionState;
use crate::model::{
    clock::Clock,
    ids::{InstanceId, MessageId},
    instance::{Health, InstanceState},
    phone::Phone,
};
use client::{EvolutionClient, EvolutionError};
use http::Method;
use sent_index::SentIndex;
use settings::Settings;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::task::JoinHandle;
use worker::EvolutionTimetable;

/// What the server's licence asks to be told wherever it is used.
pub const NOTICE: &str = "This instance uses Evolution API (https://github.com/EvolutionAPI/evolution-api), \
     a separate program under its own licence; Evolution API is a name of its makers.";

const CALLS_RING_ON: &str = "an Evolution server cannot be asked to end one call; \
     it can be set to reject all of them, in its own manager under the instance's behaviour";

/// Calls whose answer is remembered.
const CALLS_MAX: usize = 100;

/// The instances that are reached through Evolution servers, for what a server tells to the address of another one.
#[derive(Default)]
pub struct EvolutionLines(Neighbours<EvolutionInner>);

/// One instance of one server.
pub struct Evolution {
    inner: Arc<EvolutionInner>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What the connector, its task and its webhook share.
struct EvolutionInner {
    instance: InstanceId,
    settings: Settings,
    /// Where the server is told to call.
    hook_url: String,
    client: EvolutionClient,
    clock: Arc<dyn Clock>,
    ear: Arc<dyn Ear>,
    line: ConnectionState,
    keys: Mutex<SentIndex>,
    groups: Mutex<groups::Groups>,
    plan: Mutex<EvolutionTimetable>,
    /// Calls that somebody took, so that their end is no missed call.
    answered: Mutex<VecDeque<String>>,
    lines: Arc<EvolutionLines>,
}

impl Evolution {
    /// Begins: the server is asked, told where to call, and connected, in the background.
    ///
    /// # Errors
    /// Bad settings.
    pub fn open(deps: &Deps, setup: &InstanceSetup, lines: &Arc<EvolutionLines>) -> Result<Self, BadSetting> {
        let settings = Settings::parse(&setup.settings)?;
        let inner = Arc::new(EvolutionInner {
            instance: setup.id.clone(),
            hook_url: format!("{}/hooks/evolution/{}", deps.public_url, setup.id),
            client: EvolutionClient::new(deps.egress.clone(), &settings),
            clock: deps.clock.clone(),
            ear: deps.ear.clone(),
            line: ConnectionState::new(deps, setup.id.clone(), beginning()),
            keys: Mutex::default(),
            groups: Mutex::default(),
            plan: Mutex::new(EvolutionTimetable::begin(deps.clock.now(), settings.instance == setup.id.as_str())),
            answered: Mutex::default(),
            lines: lines.clone(),
            settings,
        });
        lines.0.join(&inner);
        let task = tokio::spawn(worker::run(inner.clone()));
        Ok(Self { inner, task: Mutex::new(Some(task)) })
    }

    /// Judges settings without starting anything.
    ///
    /// # Errors
    /// An unknown key (naming the nearest known one), one that is missing, or a value out of range.
    pub fn check(settings: &BTreeMap<String, String>) -> Result<(), BadSetting> {
        Settings::parse(settings).map(drop)
    }

    fn end(&self) {
        self.inner.lines.0.leave(&self.inner);
        self.inner.line.stop();
        if let Some(task) = self.task.lock().expect("no holder panics").take() {
            task.abort();
        }
    }
}

/// Started anew with other settings: the old one must not go on telling.
impl Drop for Evolution {
    fn drop(&mut self) {
        self.end();
    }
}

impl Connector for Evolution {
    /// Over Meta's API the server edits, deletes and reaches less than a phone does. Meta's window is Meta's to judge there:
    /// the server loses some of what people write, so that nobody here knows whether it is open.
    fn capabilities(&self) -> Capabilities {
        let by_phone = !self.inner.plan().over_meta;
        Capabilities {
            media: true,
            templates: false,
            replies: true,
            reactions: true,
            changes: by_phone,
            groups: by_phone,
            window_24h: false,
            hidden_numbers: by_phone,
            ..Capabilities::default()
        }
    }

    fn standing(&self) -> ConnectionStatus {
        self.inner.line.standing()
    }

    fn send<'a>(&'a self, out: &'a Outgoing) -> Boxed<'a, Result<Ack, SendError>> {
        Box::pin(self.inner.send(out))
    }

    fn stop(&self) -> Boxed<'_, ()> {
        Box::pin(async { self.end() })
    }

    fn forget(&self) -> Boxed<'_, ()> {
        Box::pin(async {
            self.inner.take_hook_away().await;
            self.end();
        })
    }

    fn hook_limit(&self, head: &HookRequest) -> Result<usize, HookAnswer> {
        hook::limit(&self.inner.settings.hook_secret, head)
    }

    fn hook<'a>(&'a self, request: &'a HookRequest) -> Boxed<'a, HookAnswer> {
        Box::pin(hook::take(&self.inner, request))
    }

    fn fetch_media<'a>(&'a self, handle: &'a str, max_bytes: u64) -> Boxed<'a, Result<Vec<u8>, MediaError>> {
        Box::pin(self.inner.fetch(handle, max_bytes))
    }

    fn pairing(&self) -> Option<Pairing> {
        self.inner.line.pairing()
    }

    fn mark_read<'a>(&'a self, chat: &'a Address, messages: &'a [String]) -> Boxed<'a, Result<(), ActionError>> {
        Box::pin(self.inner.mark_read(chat, messages))
    }

    fn check_numbers<'a>(&'a self, phones: &'a [Phone]) -> Boxed<'a, Result<Vec<bool>, ActionError>> {
        Box::pin(self.inner.check_numbers(phones))
    }

    fn reconnect(&self) -> Boxed<'_, Result<(), ActionError>> {
        Box::pin(self.inner.reconnect())
    }

    fn groups(&self) -> Boxed<'_, Result<Vec<GroupInfo>, ActionError>> {
        Box::pin(self.inner.groups_now())
    }

    /// The server has no route for it: of calls it only offers some itself. What it can do is to reject every call by
    /// its own setting (`rejectCall`, with `msgCall` for the text), which is the owner's of that server to switch on:
    /// from here on it would answer callers past the guard.
    fn reject_call<'a>(&'a self, _call_id: &'a str) -> Boxed<'a, Result<(), ActionError>> {
        Box::pin(std::future::ready(Err(ActionError(CALLS_RING_ON.to_owned()))))
    }

    fn log_out(&self) -> Boxed<'_, Result<(), ActionError>> {
        Box::pin(self.inner.log_out())
    }
}

fn beginning() -> ConnectionStatus {
    ConnectionStatus {
        state: InstanceState::Connecting,
        reason: Some("the Evolution server has not answered yet".to_owned()),
        health: Health::Ok,
        phone: None,
        last_heard_at: None,
    }
}

/// A message on its way; if it is given up on the way, nobody knows what became of it.
struct OnItsWay<'a> {
    inner: &'a EvolutionInner,
    message: &'a MessageId,
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        // Not so once it is answered.
        if self.inner.keys().unanswered(self.message) {
            self.inner.look_soon();
        }
    }
}

impl EvolutionInner {
    async fn send(&self, out: &Outgoing) -> Result<Ack, SendError> {
        self.may_send()?;
        let chat = self.chat_of_earlier(out).await?;
        let over_meta = self.plan().over_meta;
        let (method, route, body) = outgoing::request(out, outgoing::file(out).await?, chat.as_deref(), over_meta)?;
        let text = match &out.content {
            Content::Text(text) => Some(text.clone()),
            _ => None,
        };
        self.keys().begin(out, text);
        let on_its_way = OnItsWay { inner: self, message: &out.message_id };
        let answer = self.client.send(method, route, &body).await;
        let metas = answer.as_ref().ok().and_then(outgoing::metas);
        let mut outcome = outgoing::outcome(answer, self.clock.now());
        if let (Content::Change { .. }, Ok(ack)) = (&out.content, &mut outcome) {
            // The server tells no status of it: its answer comes when WhatsApp was handed it.
            ack.acknowledged = true;
        }
        match &outcome {
            Ok(ack) => {
                self.line.heard_now();
                self.keys().answered(&out.message_id, Some(&ack.provider_message_id));
                // What was heard of it before its answer.
                self.line.wake.notify_one();
            }
            Err(e) if e.kind == super::SendErrorKind::Ambiguous => {}
            Err(_) => self.keys().answered(&out.message_id, None),
        }
        drop(on_its_way);
        if let (Some(error), Err(failure)) = (metas, &outcome) {
            self.suffer(&error, failure).await;
        }
        match outcome {
            // The server's own line to WhatsApp is down: is it for good?
            Err(e) if e.code == "400" && matches!(e.kind, super::SendErrorKind::Temporary { .. }) => {
                self.look().await;
                Err(self.may_send().err().unwrap_or(e))
            }
            Err(e) if ["401", "403", "LICENSE_REQUIRED"].contains(&e.code.as_str()) => {
                self.line.not_open(InstanceState::Close, &e.reason).await;
                Err(e)
            }
            outcome => outcome,
        }
    }

    /// Does what an error of Meta's asks for the whole number, which the server passed on.
    async fn suffer(&self, error: &GraphError, failure: &SendError) {
        match (error.class(), &failure.kind) {
            (ErrorClass::CloseLine, _) => {
                self.plan().closed_by_meta = true;
                self.line.not_open(InstanceState::Close, &failure.reason).await;
            }
            (ErrorClass::Restricted, _) => self.line.restricted(error.code).await,
            (
                ErrorClass::SlowLine | ErrorClass::Maintenance,
                super::SendErrorKind::Temporary { retry_after: Some(wait) },
            ) => self.plan().slow_until = Some((self.clock.now().plus(*wait), failure.code.clone())),
            _ => {}
        }
    }

    /// For what is about an earlier message: its chat, as the server names it. Nothing of the message leaves with this
    /// question.
    async fn chat_of_earlier(&self, out: &Outgoing) -> Result<Option<String>, SendError> {
        let (Content::Reaction { .. } | Content::Change { .. }) = &out.content else { return Ok(None) };
        match self.chat_of(&out.to.to_string()).await {
            Ok(Some(chat)) => Ok(Some(chat)),
            Ok(None) => Err(outgoing::not_on_whatsapp()),
            Err(trouble) => Err(outgoing::not_asked(&trouble)),
        }
    }

    /// Whether anything may be handed to the server now.
    fn may_send(&self) -> Result<(), SendError> {
        if self.line.is_stopped() {
            return Err(outgoing::permanent("", "the instance is not running"));
        }
        let standing = self.line.standing();
        if standing.state == InstanceState::Open {
            return self.may_send_yet();
        }
        let why = standing.reason.unwrap_or_default();
        Err(outgoing::permanent("not_open", &format!("the instance is not open, it is {}: {why}", standing.state)))
    }

    /// Whether Meta's wish to wait, which the server passed on, is over.
    fn may_send_yet(&self) -> Result<(), SendError> {
        let now = self.clock.now();
        let slow = self.plan().slow_until.clone().filter(|(until, _)| *until > now);
        let Some((until, code)) = slow else { return Ok(()) };
        let wait = until.since(now);
        let reason = format!("Meta wants fewer messages from this number (its code {code})");
        Err(SendError::temporary(&code, &reason, Some(wait)))
    }

    async fn fetch(&self, handle: &str, max_bytes: u64) -> Result<Vec<u8>, MediaError> {
        let max = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        let answer =
            self.client.file(reading::message_with_file(handle), max).await.map_err(|trouble| match &trouble {
                EvolutionError::Refused { status: 400 | 404, .. } => MediaError::Gone(trouble.text()),
                _ => MediaError::NotNow(trouble.text()),
            })?;
        let bytes = reading::decoded(&answer["base64"]);
        let bytes = bytes.ok_or_else(|| MediaError::Gone("the Evolution server's answer holds no file".to_owned()))?;
        if bytes.len() > max { Err(MediaError::TooLarge(max_bytes)) } else { Ok(bytes) }
    }

    async fn log_out(&self) -> Result<(), ActionError> {
        self.has_login()?;
        match self.client.ask(Method::DELETE, "/instance/logout", "", None).await {
            // It answers 400 where there is no login to end.
            Ok(_) | Err(EvolutionError::Refused { status: 400, .. }) => {
                self.rest();
                self.line.not_open(InstanceState::Close, "logged out here; pair it again").await;
                Ok(())
            }
            Err(trouble) => Err(ActionError(trouble.text())),
        }
    }

    fn keys(&self) -> MutexGuard<'_, SentIndex> {
        self.keys.lock().expect("no holder panics")
    }

    fn note_answered(&self, call: &str) {
        let mut answered = self.answered.lock().expect("no holder panics");
        if answered.len() >= CALLS_MAX {
            answered.pop_front();
        }
        answered.push_back(call.to_owned());
    }

    fn was_answered(&self, call: &str) -> bool {
        self.answered.lock().expect("no holder panics").iter().any(|known| known == call)
    }

    fn plan(&self) -> MutexGuard<'_, EvolutionTimetable> {
        self.plan.lock().expect("no holder panics")
    }

    /// Looks right away at what the server knows, and its webhook may not have brought.
    fn look_soon(&self) {
        let now = self.clock.now();
        self.plan().sweep_at = now;
        self.line.wake.notify_one();
    }
}
