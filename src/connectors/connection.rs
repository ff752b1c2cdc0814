//! How the instance stands, and telling the ear of it: states one after the other, and again until they are recorded.
//!
//! It knows nothing of any provider: what an answer or an event means for the state is said by its callers.

use crate::{
    connectors::{ConnectionStatus, Ear, EventKind, NotRecorded, Pairing, ProviderEvent, meta_error, registry::Deps},
    model::{
        clock::{Clock, Time},
        ids::InstanceId,
        instance::{Health, InstanceState},
    },
};
use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;

/// How long the first code of a pairing can be scanned, and each of the following.
const QR_LIFE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(20));

/// What an instance says while it shows a code.
pub(super) const WAITS_FOR_SCAN: &str = "it waits for its QR code to be scanned";

/// What an open instance says of itself while this machine's clock is wrong; behind it stands the provider's.
pub(super) const CLOCK_WRONG: &str = "it is connected, but this machine's clock is wrong, and with it every time, limit \
    and schedule; have a time service set it (timedatectl set-ntp true); WhatsApp's clock says";

/// Whether an open instance's reason says that its provider gives no answer.
pub fn is_without_answer(reason: &str) -> bool {
    !reason.starts_with(CLOCK_WRONG)
}

/// The instance's line to the gateway.
pub(super) struct ConnectionState {
    instance: InstanceId,
    ear: Arc<dyn Ear>,
    clock: Arc<dyn Clock>,
    now: Mutex<CurrentState>,
    /// The state changed and the ear does not know yet.
    news: AtomicBool,
    /// Held while a state is told, so that states are heard in the order in which they came about.
    telling: tokio::sync::Mutex<()>,
    /// Wakes the background task.
    pub(super) wake: Notify,
}

struct CurrentState {
    standing: ConnectionStatus,
    pairing: Option<Pairing>,
    stopped: bool,
}

impl ConnectionState {
    /// A line that stands so at first; nobody is told of that.
    pub(super) fn new(deps: &Deps, instance: InstanceId, standing: ConnectionStatus) -> Self {
        Self {
            instance,
            ear: deps.ear.clone(),
            clock: deps.clock.clone(),
            now: Mutex::new(CurrentState { standing, pairing: None, stopped: false }),
            news: AtomicBool::new(false),
            telling: tokio::sync::Mutex::default(),
            wake: Notify::new(),
        }
    }

    pub(super) fn standing(&self) -> ConnectionStatus {
        self.now().standing.clone()
    }

    pub(super) fn state(&self) -> InstanceState {
        self.now().standing.state
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.now().stopped
    }

    pub(super) fn stop(&self) {
        self.now().stopped = true;
    }

    /// The code to scan, as long as it can be.
    pub(super) fn pairing(&self) -> Option<Pairing> {
        let now = self.now();
        let scannable = |p: &Pairing| p.expires_at > self.clock.now() && now.standing.state == InstanceState::Qr;
        now.pairing.clone().filter(scannable)
    }

    /// Connected, as this number if it is known.
    pub(super) async fn open(&self, phone: Option<String>) {
        self.change(InstanceState::Open, None, phone).await;
    }

    /// Open, and something that a person should see to: the provider gives no answer, or the clock is wrong.
    pub(super) async fn open_although(&self, why: &str, phone: Option<String>) {
        self.change(InstanceState::Open, Some(why.to_owned()), phone).await;
    }

    /// Not connected, and why.
    pub(super) async fn not_open(&self, state: InstanceState, why: &str) {
        self.change(state, Some(why.to_owned()), None).await;
    }

    /// A code to scan, the `count`th of this pairing; what was shown already is no news.
    pub(super) async fn qr(&self, code: &str, typed: Option<String>, count: u64) -> Result<(), NotRecorded> {
        let known = self.now().pairing.as_ref().is_some_and(|p| p.qr.as_deref() == Some(code) && p.code == typed);
        if !known {
            let life = if count <= 1 { QR_LIFE.0 } else { QR_LIFE.1 };
            let expires_at = self.clock.now().plus(life);
            self.now().pairing = Some(Pairing { qr: Some(code.to_owned()), code: typed, expires_at });
        }
        self.not_open(InstanceState::Qr, WAITS_FOR_SCAN).await;
        let Some(expires_at) = self.now().pairing.as_ref().filter(|_| !known).map(|p| p.expires_at) else {
            return Ok(());
        };
        let told = self.tell(self.clock.now(), EventKind::Qr { code: code.to_owned(), expires_at }).await;
        if told.is_err() {
            // The next look at the server brings it again.
            self.now().pairing = None;
        }
        told
    }

    /// Whether it hears what the server hears.
    pub(super) async fn hears(&self, health: Health) {
        let changed = std::mem::replace(&mut self.now().standing.health, health) != health;
        if changed {
            self.tell_change().await;
        }
    }

    /// Tells one thing, right now.
    pub(super) async fn tell(&self, at: Time, what: EventKind) -> Result<(), NotRecorded> {
        self.tell_all(&[(at, what)]).await
    }

    /// Tells several things in their order, all or none.
    pub(super) async fn tell_all(&self, all: &[(Time, EventKind)]) -> Result<(), NotRecorded> {
        if self.is_stopped() {
            return Err(NotRecorded("the instance is not running".to_owned()));
        }
        let event = |(at, what): &(Time, EventKind)| ProviderEvent {
            instance: self.instance.clone(),
            at: *at,
            what: what.clone(),
        };
        self.ear.record_all(all.iter().map(event).collect()).await
    }

    /// An error of Meta's that stops messages of one kind: the owner is told.
    pub(super) async fn restricted(&self, code: i64) {
        let now = self.clock.now();
        if let Err(e) = self.tell(now, meta_error::restriction(code, now)).await {
            tracing::debug!(instance = %self.instance, "a restriction is told with the next message that it stops: {e}");
        }
    }

    /// The server gave a sign of life.
    pub(super) fn heard_now(&self) {
        let at = self.clock.now();
        self.now().standing.last_heard_at = Some(at);
    }

    /// Tells the state if the ear does not know it; `false` when it could not be recorded.
    pub(super) async fn tell_news(&self) -> bool {
        let _order = self.telling.lock().await;
        if !self.news.swap(false, Ordering::AcqRel) {
            return true;
        }
        let told = self.tell(self.clock.now(), EventKind::State(self.standing())).await;
        if told.is_err() {
            self.news.store(true, Ordering::Release);
        }
        told.is_ok()
    }

    async fn change(&self, state: InstanceState, reason: Option<String>, phone: Option<String>) {
        {
            let mut now = self.now();
            let before = now.standing.clone();
            now.standing.state = state;
            now.standing.reason = reason;
            if phone.is_some() {
                now.standing.phone = phone;
            }
            if state != InstanceState::Open {
                now.standing.health = Health::Ok;
            }
            if state != InstanceState::Qr && state != InstanceState::Connecting {
                now.pairing = None;
            }
            let same = ConnectionStatus { last_heard_at: None, ..before }
                == ConnectionStatus { last_heard_at: None, ..now.standing.clone() };
            if same {
                return;
            }
        }
        self.tell_change().await;
    }

    async fn tell_change(&self) {
        self.news.store(true, Ordering::Release);
        if !self.tell_news().await {
            // The task goes on trying.
            self.wake.notify_one();
        }
    }

    fn now(&self) -> MutexGuard<'_, CurrentState> {
        self.now.lock().expect("no holder panics")
    }
}
