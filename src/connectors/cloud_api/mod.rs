//! Meta's own API for WhatsApp (the Cloud API): no phone to pair, a token instead, and Meta's rules.
//!
//! - A message is one request; Meta's answer names it, and it is sent ([`outgoing`]). Our own id goes with it and comes
//!   back in statuses, so that a message of which nobody could tell is settled later.
//! - What an error means is decided by Meta's code alone ([`meta_error`]): wait ([`pacing`]), give up this message, or
//!   close the line until a person has seen to it. The same holds for what a status tells later ([`listening`]).
//! - What Meta tells comes to `/hooks/cloud-api/{instance}`: judged by its signature ([`hook`]), read ([`reading`]), and
//!   recorded call by call, all of it or nothing. What is another number's of the same app is that number's ([`CloudLines`]).
//! - The line is open as soon as it is set up. A background task ([`work`]) looks once a day whether the token still
//!   holds, and reads the templates ([`listing`]) every hour.
//!
//! Like every connector it knows nothing of accounts, limits, the database and HTTP towards customers.

mod client;
mod direct_send;
mod hook;
mod limits;
mod listening;
mod listing;
mod media;
mod outgoing;
mod pacing;
mod reading;
mod settings;
mod setup;
mod signature;
mod structured;
mod submitting;
mod uploads;
mod worker;

use super::{
    Ack, ActionError, Address, Boxed, Capabilities, ConnectionStatus, Connector, Content, Ear, HookAnswer, HookRequest,
    MediaError, Outgoing, SendError, SendErrorKind,
    meta_error::{self, ErrorClass, GraphError},
    registry::{BadSetting, Deps, InstanceSetup},
    setup_check::SetupFinding,
    template_draft::TemplateDraft,
    templates::TemplateName,
};
use crate::{
    connectors::connection::ConnectionState,
    egress::EgressError,
    model::{
        clock::Clock,
        ids::InstanceId,
        instance::{ConnectorKind, Health, InstanceState},
        random::Random,
    },
};
use client::GraphClient;
pub use hook::CloudLines;
use listing::Templates;
use outgoing::{Demand, Failure, UNREACHABLE};
use pacing::{Pacing, Wait};
use settings::Settings;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, atomic::AtomicBool},
};
use tokio::task::JoinHandle;
use uploads::Uploads;
use worker::CloudTimetable;

pub struct CloudApi {
    inner: Arc<CloudInner>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What the connector, its task and its webhook share.
struct CloudInner {
    instance: InstanceId,
    /// Where what is heard goes.
    ear: Arc<dyn Ear>,
    /// The other numbers of this gateway.
    lines: Arc<CloudLines>,
    settings: Settings,
    /// The addresses of all numbers' webhooks, without the instance: `https://…/hooks/cloud-api/`.
    hooks: String,
    client: GraphClient,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    line: ConnectionState,
    pacing: Mutex<Pacing>,
    templates: Mutex<Templates>,
    /// One reads the list while the others wait for it.
    listing: tokio::sync::Mutex<()>,
    uploads: Mutex<Uploads>,
    plan: Mutex<CloudTimetable>,
    /// Whether Meta makes templates of texts: as set, and until it does not let it any more.
    direct_send: AtomicBool,
}

impl CloudApi {
    /// Begins: open, unless Meta closed the line before and nothing was set since.
    ///
    /// # Errors
    /// Bad settings.
    pub fn open(deps: &Deps, setup: &InstanceSetup, lines: &Arc<CloudLines>) -> Result<Self, BadSetting> {
        let settings = Settings::parse(&setup.settings)?;
        let inner = Arc::new(CloudInner {
            instance: setup.id.clone(),
            ear: deps.ear.clone(),
            lines: lines.clone(),
            hooks: format!("{}/hooks/{}/", deps.public_url, ConnectorKind::CloudApi),
            client: GraphClient::new(deps.egress.clone(), &settings),
            clock: deps.clock.clone(),
            random: deps.random.clone(),
            line: ConnectionState::new(deps, setup.id.clone(), beginning(&settings, setup.closed.clone())),
            pacing: Mutex::default(),
            templates: Mutex::default(),
            listing: tokio::sync::Mutex::default(),
            uploads: Mutex::default(),
            plan: Mutex::new(CloudTimetable::begin(deps.clock.now())),
            direct_send: AtomicBool::new(settings.direct_send),
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

/// How a line stands before anything was heard. Without the secrets of its webhook it hears nothing.
fn beginning(settings: &Settings, closed: Option<String>) -> ConnectionStatus {
    let hears = settings.app_secret.is_some() && settings.verify_token.is_some();
    ConnectionStatus {
        state: if closed.is_some() { InstanceState::Close } else { InstanceState::Open },
        health: if hears || closed.is_some() { Health::Ok } else { Health::Deaf },
        reason: closed,
        phone: None,
        last_heard_at: None,
    }
}

/// Started anew with other settings: the old one must not go on telling.
impl Drop for CloudApi {
    fn drop(&mut self) {
        self.end();
    }
}

impl Connector for CloudApi {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            media: true,
            templates: true,
            replies: true,
            reactions: true,
            // Meta tells of edits and deletions, and takes none.
            changes: false,
            structured: true,
            groups: false,
            window_24h: true,
            hidden_numbers: true,
            limits: limits::LIMITS,
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

    fn hook_limit(&self, head: &HookRequest) -> Result<usize, HookAnswer> {
        self.inner.hook_limit(head)
    }

    fn hook<'a>(&'a self, request: &'a HookRequest) -> Boxed<'a, HookAnswer> {
        Box::pin(self.inner.answer(request))
    }

    fn fetch_media<'a>(&'a self, handle: &'a str, max_bytes: u64) -> Boxed<'a, Result<Vec<u8>, MediaError>> {
        Box::pin(media::fetch(&self.inner.client, handle, max_bytes))
    }

    fn reject_call<'a>(&'a self, call_id: &'a str) -> Boxed<'a, Result<(), ActionError>> {
        Box::pin(self.inner.reject_call(call_id))
    }

    fn mark_read<'a>(&'a self, _: &'a Address, messages: &'a [String]) -> Boxed<'a, Result<(), ActionError>> {
        Box::pin(self.inner.mark_read(messages, false))
    }

    fn show_typing<'a>(&'a self, _: &'a Address, answered: &'a str) -> Boxed<'a, Result<(), ActionError>> {
        Box::pin(async move { self.inner.mark_read(&[answered.to_owned()], true).await })
    }

    fn window_template(&self) -> Option<TemplateName> {
        self.inner.settings.window_template.clone()
    }

    fn submit_template<'a>(&'a self, draft: &'a TemplateDraft) -> Boxed<'a, Result<String, ActionError>> {
        Box::pin(self.inner.submit_template(draft))
    }

    fn delete_template<'a>(&'a self, name: &'a TemplateName) -> Boxed<'a, Result<(), ActionError>> {
        Box::pin(self.inner.delete_template(name))
    }

    fn sends_directly(&self) -> bool {
        self.inner.sends_directly()
    }

    fn reconnect(&self) -> Boxed<'_, Result<(), ActionError>> {
        Box::pin(self.inner.reconnect())
    }

    fn check_setup(&self) -> Boxed<'_, Vec<SetupFinding>> {
        Box::pin(self.inner.check_setup())
    }

    fn subscribe(&self) -> Boxed<'_, Result<(), ActionError>> {
        Box::pin(self.inner.subscribe())
    }

    fn examine(&self) -> Boxed<'_, Result<String, ActionError>> {
        Box::pin(self.inner.examine())
    }
}

impl CloudInner {
    async fn send(&self, out: &Outgoing) -> Result<Ack, SendError> {
        let recipient = out.to.to_string();
        self.may_send(&recipient)?;
        let template = self.template_of(out).await?;
        let media_id = match self.file_of(out).await {
            Ok(id) => id,
            Err(failure) => return Err(self.suffer(failure, &recipient).await),
        };
        let mut body = outgoing::request(out, media_id.as_deref(), template.as_ref())?;
        // Meta's page "Managing messaging accounts": whom it bills, where the token reaches more than one of them.
        if let Some(payer) = &self.settings.messaging_account_id {
            body["messaging_account_id"] = payer.as_str().into();
        }
        // The file took its time.
        self.may_send(&recipient)?;
        match outgoing::outcome(self.client.send(&body).await, self.clock.now()) {
            Ok(ack) => {
                self.answered().await;
                self.pacing().went(&recipient, self.clock.now());
                Ok(ack)
            }
            Err(failure) => {
                if out.outside_window && direct_send::is_refusal(&failure.error) {
                    self.end_direct_send(&failure.error.reason).await;
                }
                if let (SendErrorKind::Permanent, Content::Media { file, .. }) = (failure.error.kind, &out.content) {
                    // Whatever was wrong: the next one is not to stumble over a file that is gone at Meta.
                    self.uploads.lock().expect("no holder panics").forget(&file.path);
                }
                Err(self.suffer(failure, &recipient).await)
            }
        }
    }

    /// Meta answered: where it was said to be silent, it is not.
    async fn answered(&self) {
        self.line.heard_now();
        let standing = self.line.standing();
        if standing.state == InstanceState::Open && standing.reason.is_some() {
            self.line.open(standing.phone).await;
        }
    }

    /// Does what an answer asks for, and fills in how long to wait.
    async fn suffer(&self, failure: Failure, recipient: &str) -> SendError {
        let Failure { mut error, demand } = failure;
        let now = self.clock.now();
        let wait = match demand {
            Demand::None => {
                if error.code == UNREACHABLE {
                    // Whether it is connected is looked at now, not once a day.
                    self.plan().look_soon(now);
                    self.line.wake.notify_one();
                }
                return error;
            }
            Demand::Warn => {
                self.line.restricted(error.code.parse().unwrap_or_default()).await;
                return error;
            }
            Demand::Close => {
                self.line.not_open(InstanceState::Close, &error.reason).await;
                return error;
            }
            Demand::SlowLine(asked) => self.pacing().slow_line(&error.code, asked, now),
            Demand::SlowRecipient(asked) => self.pacing().slow_recipient(recipient, &error.code, asked, now),
        };
        error.kind = SendErrorKind::Temporary { retry_after: Some(wait) };
        error
    }

    /// Whether anything may be handed to Meta now, for this recipient.
    fn may_send(&self, recipient: &str) -> Result<(), SendError> {
        if self.line.is_stopped() {
            return Err(SendError::permanent("", "the instance is not running"));
        }
        let standing = self.line.standing();
        if standing.state != InstanceState::Open {
            let why = standing.reason.unwrap_or_default();
            let reason = format!("the instance is not open, it is {}: {why}", standing.state);
            return Err(SendError::permanent("not_open", &reason));
        }
        let wait = self.pacing().wait(recipient, self.clock.now());
        let Some(Wait { wait, code, is_recipients }) = wait else { return Ok(()) };
        let whom = if is_recipients { "to this recipient" } else { "from this number" };
        let seconds = wait.as_millis().div_ceil(1000);
        let reason = format!("Meta wants fewer messages {whom} (its code {code}): the next one may go in {seconds} s");
        Err(SendError::temporary(&code, &reason, Some(wait)))
    }

    /// Meta's id of the message's file, which is brought there first.
    async fn file_of(&self, out: &Outgoing) -> Result<Option<String>, Failure> {
        let Content::Media { file, .. } = &out.content else { return Ok(None) };
        let now = self.clock.now();
        if let Some(id) = self.uploads.lock().expect("no holder panics").find(&file.path, now) {
            return Ok(Some(id));
        }
        let bytes = uploads::read(file).await.map_err(|error| Failure { error, demand: Demand::None })?;
        let boundary = uploads::boundary(&*self.random, &bytes);
        let answer = self.client.upload(file, &bytes, &boundary).await;
        let id = outgoing::uploaded(answer, self.clock.now())?;
        self.uploads.lock().expect("no holder panics").keep(&file.path, &id, now);
        Ok(Some(id))
    }

    /// Marks the last of these messages, and with it, by Meta's rule, those before it.
    async fn mark_read(&self, messages: &[String], typing: bool) -> Result<(), ActionError> {
        let Some(last) = messages.last() else { return Ok(()) };
        done(self.client.send(&outgoing::read_mark(last, typing)).await)
    }

    async fn reject_call(&self, call_id: &str) -> Result<(), ActionError> {
        done(self.client.call(&outgoing::call_rejection(call_id)).await)
    }

    /// A status tells of a failure: what holds for an answer holds for it.
    async fn heard_failure(&self, code: i64) {
        match meta_error::code(code, false) {
            ErrorClass::CloseLine => {
                let why = meta_error::words_of(code).unwrap_or("Meta lets nothing go from this number");
                self.line.not_open(InstanceState::Close, &format!("{why} (Meta's code {code})")).await;
            }
            ErrorClass::SlowLine | ErrorClass::Maintenance => {
                self.pacing().slow_line(&code.to_string(), None, self.clock.now());
            }
            ErrorClass::Restricted if direct_send::ENDING.contains(&code) => {
                self.end_direct_send(meta_error::words_of(code).unwrap_or_default()).await;
            }
            _ => {}
        }
    }

    fn pacing(&self) -> MutexGuard<'_, Pacing> {
        self.pacing.lock().expect("no holder panics")
    }

    fn templates(&self) -> MutexGuard<'_, Templates> {
        self.templates.lock().expect("no holder panics")
    }

    fn plan(&self) -> MutexGuard<'_, CloudTimetable> {
        self.plan.lock().expect("no holder panics")
    }
}

/// What an answer to something that is no message means.
fn done(answer: Result<client::GraphResponse, EgressError>) -> Result<(), ActionError> {
    let answer = answer.map_err(|e| ActionError(format!("Meta's API gives no answer: {e}")))?;
    match answer.json().as_ref().and_then(GraphError::find) {
        Some(error) => Err(ActionError(error.text())),
        None if answer.status.is_success() => Ok(()),
        None => Err(ActionError(format!("Meta's API answered {}", answer.status.as_u16()))),
    }
}
