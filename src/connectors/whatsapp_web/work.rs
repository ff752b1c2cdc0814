//! The background task: has one client at a time over the instance's file, does what it is asked for, and knows when to
//! leave WhatsApp alone.
//!
//! - A connection that is lost is made again by the client itself. A login that ended, a ban, a takeover and codes that
//!   nobody scanned are for a person: the client is put away, and nothing calls WhatsApp until somebody wants it.
//! - "Connected but deaf" heals itself: no frame for minutes, or one message after the other that cannot be decrypted,
//!   and the connection is made anew.

use super::{
    WebInner,
    clock_check::is_about_time,
    gate::Closing,
    session,
    wire::in_time,
    words::{self, ENDED, LOGGED_OUT_HERE, NO_STORE, UNREACHABLE, UNTIMELY},
};
use crate::{
    connectors::{ActionError, provider_text::repeated},
    model::{
        clock::Time,
        instance::{Health, InstanceState},
    },
};
use std::{sync::Arc, time::Duration};
use tokio::sync::{
    mpsc::UnboundedReceiver,
    oneshot::{self, Sender},
};
use whatsapp_rust::{bot::BotHandle, prelude::Event};

/// Frames come at least every half minute: the client asks for one.
const SILENT: Duration = Duration::from_secs(180);
/// How long an ear that could not record is left alone before the same is brought again.
const BREATH: Duration = Duration::from_secs(5);
/// How long WhatsApp has to take this gateway off the phone's list.
const LOG_OUT_WITHIN: Duration = Duration::from_secs(10);
/// How long until a state is told again that could not be recorded.
const TELL_AGAIN: Duration = Duration::from_secs(1);

/// Receipts that are recorded together at most.
const RECEIPTS_MAX: usize = 256;

/// What the task is told, in the order in which it came about.
pub(super) enum Wish {
    /// The client tells something.
    Heard(Arc<Event>),
    /// The phone shares what it held before.
    Shared(Arc<Event>),
    /// No connection came about: why.
    Unreachable(String),
    /// What was heard could not be recorded.
    NotRecorded,
    /// This machine's clock went wrong, or was put right.
    ClockJudged,
    /// What is known of the new chats that the number may begin is old.
    AskAllowance,
    /// A person wants the connection.
    Reconnect(Sender<Result<(), ActionError>>),
    /// A person wants the login ended, and the keys gone.
    LogOut(Sender<Result<(), ActionError>>),
    /// The instance ends.
    Stop,
}

/// What the task is told, with what it looked at and left.
struct WishQueue {
    wishes: UnboundedReceiver<Wish>,
    left: Option<Wish>,
}

impl WishQueue {
    async fn next(&mut self) -> Option<Wish> {
        match self.left.take() {
            Some(wish) => Some(wish),
            None => self.wishes.recv().await,
        }
    }

    /// The next thing, if it is here already and a receipt.
    fn next_receipt(&mut self) -> Option<Arc<Event>> {
        match self.left.take().or_else(|| self.wishes.try_recv().ok()) {
            Some(Wish::Heard(event)) if matches!(*event, Event::Receipt(_)) => Some(event),
            other => {
                self.left = other;
                None
            }
        }
    }
}

/// How it goes on after a client was put away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// With a new one.
    Again,
    /// Not before a person wants it.
    Rest,
    /// The same, and its keys are worth nothing any more.
    Forget,
    /// Not at all.
    Stop,
}

/// Round after round, until it is stopped.
pub(super) async fn run(inner: Arc<WebInner>, wishes: UnboundedReceiver<Wish>) {
    let mut wishes = WishQueue { wishes, left: None };
    // Whoever had the file open before is done when this is given.
    let _lease = inner.file.lease().await;
    let mut next = if inner.line.state() == InstanceState::Close { Next::Rest } else { Next::Again };
    loop {
        if next == Next::Forget {
            inner.forget_keys();
        }
        next = match next {
            Next::Stop => return,
            Next::Again => inner.connected(&mut wishes).await,
            Next::Rest | Next::Forget => inner.resting(&mut wishes).await,
        };
    }
}

impl WebInner {
    /// One client's life.
    async fn connected(self: &Arc<Self>, wishes: &mut WishQueue) -> Next {
        self.know_what_left().await;
        self.gate.close(Closing::No);
        let mut handle = match session::start(self).await {
            Ok(handle) => handle,
            Err(e) => {
                let why = words::with(NO_STORE, &repeated(&format!("{e:#}")));
                self.line.not_open(InstanceState::Close, &why).await;
                return Next::Rest;
            }
        };
        let client = handle.client();
        // For the clock that WhatsApp says.
        let _stanzas = client.acquire_raw_node_forwarding();
        // Customers see that a message arrived although nobody is shown to be there.
        client.set_force_active_delivery_receipts(true);
        self.set_client(Some(client));
        self.resume_parts();
        let next = self.attend(wishes, &mut handle).await;
        self.set_client(None);
        self.memory().disconnected();
        self.gate.close(Closing::Refused);
        // Awaited: no other client may have the file until this one wrote its last.
        handle.shutdown().await;
        next
    }

    async fn attend(self: &Arc<Self>, wishes: &mut WishQueue, handle: &mut BotHandle) -> Next {
        let mut bring_again: Option<Time> = None;
        loop {
            let due = self.due(bring_again);
            tokio::select! {
                biased;
                wish = wishes.next() => match self.grant(wish, wishes, &mut bring_again).await {
                    None => {}
                    Some(next) => return next,
                },
                () = &mut *handle => {
                    // It told why, if it knew.
                    if self.line.state() != InstanceState::Close {
                        self.line.not_open(InstanceState::Close, ENDED).await;
                    }
                    return Next::Rest;
                }
                () = self.line.wake.notified() => self.tell_news().await,
                () = self.clock.sleep_until(due) => {
                    if bring_again.take().is_none() {
                        tracing::warn!(instance = %self.instance, "connected, and nothing heard for minutes");
                        self.line.hears(Health::Deaf).await;
                        self.line.heard_now();
                    }
                    handle.client().reconnect_immediately().await;
                }
            }
        }
    }

    /// When the connection is made anew although nobody ended it.
    fn due(&self, bring_again: Option<Time>) -> Time {
        let standing = self.line.standing();
        let heard = standing.last_heard_at.filter(|_| standing.state == InstanceState::Open);
        let silent = heard.unwrap_or_else(|| self.clock.now().plus(SILENT)).plus(SILENT);
        bring_again.map_or(silent, |at| at.min(silent))
    }

    async fn grant(
        self: &Arc<Self>,
        wish: Option<Wish>,
        more: &mut WishQueue,
        bring_again: &mut Option<Time>,
    ) -> Option<Next> {
        match wish {
            None | Some(Wish::Stop) => Some(Next::Stop),
            Some(Wish::Heard(event)) => self.hear(event, more).await,
            Some(Wish::Shared(event)) => {
                if let Event::HistorySync(part) = &*event {
                    self.take_part(part).await;
                }
                self.gate.recorded(1);
                None
            }
            Some(Wish::Unreachable(why)) => {
                if self.line.state() != InstanceState::Open {
                    let sentence = if is_about_time(&why) { UNTIMELY } else { UNREACHABLE };
                    let why = words::with(sentence, &repeated(&why));
                    self.line.not_open(InstanceState::Connecting, &why).await;
                }
                None
            }
            Some(Wish::ClockJudged) => {
                self.tell_clock().await;
                None
            }
            Some(Wish::NotRecorded) => {
                bring_again.get_or_insert(self.clock.now().plus(BREATH));
                None
            }
            Some(Wish::AskAllowance) => {
                let inner = self.clone();
                tokio::spawn(async move {
                    if let Some(client) = inner.client() {
                        inner.ask_allowance(&client).await;
                    }
                });
                None
            }
            Some(Wish::Reconnect(answer)) => {
                let _ = answer.send(Ok(()));
                // Codes that are shown stay.
                (self.line.state() != InstanceState::Qr).then_some(Next::Again)
            }
            Some(Wish::LogOut(answer)) => {
                self.leave_phone().await;
                self.line.not_open(InstanceState::Close, LOGGED_OUT_HERE).await;
                let _ = answer.send(Ok(()));
                Some(Next::Forget)
            }
        }
    }

    /// Has WhatsApp take this gateway off the phone's list, if it can be told.
    pub(super) async fn leave_phone(&self) {
        if let Some(client) = self.client() {
            self.gate.close(Closing::LetThrough);
            in_time(&*self.clock, LOG_OUT_WITHIN, client.logout()).await;
        }
    }

    /// Records what the client told: a receipt with those that came right after it.
    async fn hear(self: &Arc<Self>, event: Arc<Event>, more: &mut WishQueue) -> Option<Next> {
        if !matches!(*event, Event::Receipt(_)) {
            let next = self.heard(&event).await;
            self.gate.recorded(1);
            return next;
        }
        let mut all = vec![event];
        while all.len() < RECEIPTS_MAX
            && let Some(event) = more.next_receipt()
        {
            all.push(event);
        }
        self.receipts(&all).await;
        self.gate.recorded(all.len() as u64);
        None
    }

    /// Without a client: WhatsApp is left alone.
    async fn resting(&self, wishes: &mut WishQueue) -> Next {
        loop {
            tokio::select! {
                biased;
                wish = wishes.next() => match wish {
                    None | Some(Wish::Stop) => return Next::Stop,
                    Some(Wish::Reconnect(answer)) => {
                        self.line.not_open(InstanceState::Connecting, words::BEGINNING).await;
                        let _ = answer.send(Ok(()));
                        return Next::Again;
                    }
                    Some(Wish::LogOut(answer)) => {
                        self.line.not_open(InstanceState::Close, LOGGED_OUT_HERE).await;
                        let _ = answer.send(Ok(()));
                        return Next::Forget;
                    }
                    // Of a client that is no more. What was not acknowledged is told to the next one again.
                    Some(Wish::Heard(_) | Wish::Shared(_)) => self.gate.recorded(1),
                    Some(Wish::Unreachable(_) | Wish::NotRecorded | Wish::ClockJudged | Wish::AskAllowance) => {}
                },
                () = self.line.wake.notified() => self.tell_news().await,
            }
        }
    }

    async fn tell_news(&self) {
        if !self.line.tell_news().await {
            self.clock.sleep_until(self.clock.now().plus(TELL_AGAIN)).await;
            self.line.wake.notify_one();
        }
    }

    /// Which messages left in an earlier life: their receipts may come now.
    async fn know_what_left(&self) {
        match self.ear.backlog(&self.instance).await {
            Ok(backlog) => {
                let mut memory = self.memory();
                backlog.unsettled.iter().for_each(|left| memory.know(&left.message_id));
            }
            Err(e) => tracing::warn!(instance = %self.instance, "what is open was not found: {e}"),
        }
    }

    /// Asks the task for something and waits until it is done.
    pub(super) async fn ask(
        &self,
        wish: impl FnOnce(Sender<Result<(), ActionError>>) -> Wish,
    ) -> Result<(), ActionError> {
        let stopped = || ActionError("the instance is not running".to_owned());
        let (answer, answered) = oneshot::channel();
        self.wishes.send(wish(answer)).map_err(|_| stopped())?;
        answered.await.unwrap_or_else(|_| Err(stopped()))
    }
}
