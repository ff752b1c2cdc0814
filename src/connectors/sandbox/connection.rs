//! How a sandbox instance stands, what is to be told about it, and the one background task that tells it.
//!
//! - Everything goes through the [`Ear`] and is offered again, with a growing pause, until it is recorded. Nothing
//!   that is due is dropped while the instance runs: when too much waits, the instance takes no further messages
//!   ([`SandboxConnection::is_full`]) instead of forgetting.
//! - Changes of state are told one after the other, and always as the state is by then; receipts of one message are
//!   told in their order, those of different messages side by side (the ear gathers them into one commit).
//! - The task begins with the first thing to tell and ends with [`SandboxConnection::hang_up`].
//!
//! It knows nothing of the file, of latency and of how a message fails.

use super::settings::Receipts;
use crate::{
    connectors::{
        ConnectionStatus, Ear, EventKind, NotRecorded, Pairing, ProviderEvent, inbound_event::ReceiptHeard,
        registry::Deps,
    },
    model::{
        clock::{Clock, Time},
        ids::{InstanceId, MessageId},
        instance::{Health, InstanceState},
        message::Receipt,
        random::{Random, base62},
    },
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::Notify,
    task::{JoinHandle, JoinSet},
};

/// A provider's receipts come after its answer; without this pause they would often overtake it.
const RECEIPT_AFTER: Duration = Duration::from_millis(50);
/// Later than any deadline for an answer.
const LATE_AFTER: Duration = Duration::from_secs(60);
/// Messages whose receipts wait: about 20 MB.
const MOST_WAITING: usize = 100_000;
/// Messages whose receipts are told at once: as many as make one commit worth its sync.
const SIDE_BY_SIDE: usize = 64;
/// First and longest pause before something is offered again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));
/// How long a QR code can be scanned.
const QR_LIFE: Duration = Duration::from_secs(60);

/// The instance's line to the gateway.
pub(super) struct SandboxConnection {
    shared: Arc<SandboxShared>,
    task: OnceLock<JoinHandle<()>>,
}

struct SandboxShared {
    instance: InstanceId,
    ear: Arc<dyn Ear>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    now: Mutex<SandboxState>,
    /// The state changed and the ear does not know yet.
    state_is_news: AtomicBool,
    /// Held while a state is told, so that the ear hears states in the order in which they came about.
    telling_state: tokio::sync::Mutex<()>,
    waiting: Mutex<WaitingReceipts>,
    wake: Notify,
}

struct SandboxState {
    state: InstanceState,
    reason: Option<String>,
    last_heard_at: Option<Time>,
    hung_up: bool,
    pairing: Option<Pairing>,
}

#[derive(Default)]
struct WaitingReceipts {
    by_time: BTreeMap<(Time, u64), PlannedReceipts>,
    next: u64,
}

/// The receipts of one message, in their order.
struct PlannedReceipts {
    provider_message_id: String,
    message_id: MessageId,
    steps: &'static [Receipt],
}

impl SandboxConnection {
    /// A line in `state`, which the ear will be told.
    pub(super) fn new(deps: &Deps, instance: InstanceId, state: InstanceState) -> Self {
        let now = SandboxState { state, reason: reason(state), last_heard_at: None, hung_up: false, pairing: None };
        let shared = SandboxShared {
            instance,
            ear: deps.ear.clone(),
            clock: deps.clock.clone(),
            random: deps.random.clone(),
            now: Mutex::new(now),
            state_is_news: AtomicBool::new(true),
            telling_state: tokio::sync::Mutex::default(),
            waiting: Mutex::default(),
            wake: Notify::new(),
        };
        let line = Self { shared: Arc::new(shared), task: OnceLock::new() };
        line.wake();
        line
    }

    /// The state; none once the line was hung up.
    pub(super) fn state(&self) -> Option<InstanceState> {
        let now = self.shared.now();
        (!now.hung_up).then_some(now.state)
    }

    pub(super) fn standing(&self) -> ConnectionStatus {
        let now = self.shared.now();
        ConnectionStatus {
            state: now.state,
            reason: now.reason.clone(),
            health: Health::Ok,
            phone: None,
            last_heard_at: now.last_heard_at,
        }
    }

    /// Changes the state; the ear is told in the background.
    pub(super) fn become_state(&self, state: InstanceState, why: Option<&str>) {
        if self.shared.set(state, why) {
            self.shared.state_is_news.store(true, Ordering::Release);
            self.wake();
        }
    }

    /// Changes the state once the ear has recorded it.
    pub(super) async fn set_state(&self, state: InstanceState, why: Option<&str>) -> Result<(), NotRecorded> {
        let _order = self.shared.telling_state.lock().await;
        self.shared.tell_state(state, why.map(str::to_owned).or_else(|| reason(state))).await?;
        self.shared.set(state, why);
        Ok(())
    }

    /// The code to be scanned, while the line waits for that; one that has run out is followed by the next.
    pub(super) fn pairing(&self) -> Option<Pairing> {
        let mut now = self.shared.now();
        if now.state != InstanceState::Qr || now.hung_up {
            return None;
        }
        if now.pairing.as_ref().is_some_and(|p| p.expires_at <= self.shared.clock.now()) {
            now.pairing = Some(self.shared.new_pairing());
        }
        now.pairing.clone()
    }

    /// The provider gave a sign of life.
    pub(super) fn heard_at(&self, at: Time) {
        self.shared.now().last_heard_at = Some(at);
    }

    /// Tells one thing, right now.
    pub(super) async fn tell(&self, what: EventKind) -> Result<(), NotRecorded> {
        self.shared.tell(what).await
    }

    /// Whether so many receipts wait that no further message should be taken.
    pub(super) fn is_full(&self) -> bool {
        self.shared.waiting().by_time.len() >= MOST_WAITING
    }

    /// Plans the receipts of a message that was accepted at `accepted`. Without an answer (at `answered`) only late
    /// ones come: what a caller does not know yet, and will be told.
    pub(super) fn plan(&self, kind: Receipts, message: (&str, &MessageId), accepted: Time, answered: Option<Time>) {
        let due = match kind {
            Receipts::Late => Some(accepted.plus(LATE_AFTER)),
            _ => answered.map(|at| at.plus(RECEIPT_AFTER)),
        };
        let (Some(due), Some(steps)) = (due, steps(kind)) else { return };
        let planned =
            PlannedReceipts { provider_message_id: message.0.to_owned(), message_id: message.1.clone(), steps };
        if self.shared.waiting().insert(due, planned) {
            self.wake();
        }
    }

    /// Ends the background task. What waits is not told any more.
    pub(super) fn hang_up(&self) {
        self.shared.now().hung_up = true;
        if let Some(task) = self.task.get() {
            task.abort();
        }
        let untold = self.shared.waiting().by_time.len();
        if untold > 0 {
            tracing::info!(instance = %self.shared.instance, untold, "the sandbox stops before all receipts were told");
        }
    }

    fn wake(&self) {
        // Opened outside a runtime (a check, a tool): the first message starts the task.
        if self.task.get().is_none()
            && let Ok(runtime) = Handle::try_current()
        {
            self.task.get_or_init(|| runtime.spawn(run(self.shared.clone())));
        }
        self.shared.wake.notify_one();
    }
}

impl Drop for SandboxConnection {
    fn drop(&mut self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

const fn steps(kind: Receipts) -> Option<&'static [Receipt]> {
    use Receipt::{Delivered, Read};
    match kind {
        Receipts::None => None,
        Receipts::Delivered | Receipts::Late => Some(&[Delivered]),
        Receipts::Read => Some(&[Delivered, Read]),
        Receipts::Doubled => Some(&[Delivered, Delivered, Read, Read]),
    }
}

fn reason(state: InstanceState) -> Option<String> {
    let text = match state {
        InstanceState::Open => return None,
        InstanceState::Connecting => "the sandbox is set to be connecting",
        InstanceState::Close => "the sandbox is set to be closed",
        InstanceState::Qr => "the sandbox waits for its QR code to be scanned",
    };
    Some(text.to_owned())
}

async fn run(shared: Arc<SandboxShared>) {
    let mut under_way = JoinSet::new();
    loop {
        shared.tell_news_of_state().await;
        while let Some(planned) = shared.take_due() {
            if under_way.len() >= SIDE_BY_SIDE {
                report(under_way.join_next().await);
            }
            under_way.spawn(shared.clone().tell_receipts(planned));
        }
        while let Some(done) = under_way.try_join_next() {
            report(Some(done));
        }
        let next = shared.waiting().by_time.keys().next().map(|(due, _)| *due);
        tokio::select! {
            () = shared.wake.notified() => {}
            () = shared.clock.sleep_until(next.unwrap_or(Time::from_millis(i64::MAX))), if next.is_some() => {}
        }
    }
}

fn report(done: Option<Result<(), tokio::task::JoinError>>) {
    if let Some(Err(e)) = done {
        tracing::error!("telling a sandbox's receipts broke down: {e}");
    }
}

impl SandboxShared {
    fn now(&self) -> MutexGuard<'_, SandboxState> {
        self.now.lock().expect("no holder panics")
    }

    fn waiting(&self) -> MutexGuard<'_, WaitingReceipts> {
        self.waiting.lock().expect("no holder panics")
    }

    /// Whether that changed anything.
    fn set(&self, state: InstanceState, why: Option<&str>) -> bool {
        let mut now = self.now();
        let reason = why.map(str::to_owned).or_else(|| reason(state));
        let changed = (now.state, &now.reason) != (state, &reason);
        now.state = state;
        now.reason = reason;
        changed
    }

    fn take_due(&self) -> Option<PlannedReceipts> {
        let now = self.clock.now();
        let mut waiting = self.waiting();
        let first = waiting.by_time.first_entry()?;
        now.left(first.key().0, LATE_AFTER).is_none().then(|| first.remove())
    }

    async fn tell(&self, what: EventKind) -> Result<(), NotRecorded> {
        let at = self.clock.now();
        self.ear.hear(ProviderEvent { instance: self.instance.clone(), at, what }).await?;
        self.now().last_heard_at = Some(at);
        Ok(())
    }

    async fn tell_until_recorded(&self, what: EventKind) {
        let mut pause = PAUSES.0;
        while let Err(e) = self.tell(what.clone()).await {
            tracing::debug!(instance = %self.instance, "offered again in {pause:?}: {e}");
            self.clock.sleep_until(self.clock.now().plus(pause)).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    async fn tell_receipts(self: Arc<Self>, planned: PlannedReceipts) {
        for receipt in planned.steps {
            self.tell_until_recorded(EventKind::Receipt(ReceiptHeard {
                provider_message_id: planned.provider_message_id.clone(),
                message_id: Some(planned.message_id.clone()),
                receipt: *receipt,
                code: None,
                reason: None,
                recipient_fault: false,
                pricing: None,
            }))
            .await;
        }
    }

    async fn tell_news_of_state(&self) {
        let mut pause = PAUSES.0;
        while self.state_is_news.swap(false, Ordering::AcqRel) {
            let told = {
                let _order = self.telling_state.lock().await;
                let (state, reason) = {
                    let now = self.now();
                    (now.state, now.reason.clone())
                };
                self.tell_state(state, reason).await
            };
            if told.is_err() {
                self.state_is_news.store(true, Ordering::Release);
                self.clock.sleep_until(self.clock.now().plus(pause)).await;
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }

    /// The caller holds `telling_state`.
    async fn tell_state(&self, state: InstanceState, reason: Option<String>) -> Result<(), NotRecorded> {
        let standing = ConnectionStatus { state, reason, health: Health::Ok, phone: None, last_heard_at: None };
        self.tell(EventKind::State(standing)).await?;
        if state == InstanceState::Qr {
            let pairing = self.new_pairing();
            let (code, expires_at) = (pairing.qr.clone().unwrap_or_default(), pairing.expires_at);
            self.now().pairing = Some(pairing);
            self.tell(EventKind::Qr { code, expires_at }).await?;
        }
        Ok(())
    }

    fn new_pairing(&self) -> Pairing {
        let code = format!("sandbox-{}", base62(&*self.random, 24));
        Pairing { qr: Some(code), code: None, expires_at: self.clock.now().plus(QR_LIFE) }
    }
}

impl WaitingReceipts {
    /// Whether it comes before all others, so that the task must wake up for it.
    fn insert(&mut self, due: Time, planned: PlannedReceipts) -> bool {
        let earliest = self.by_time.keys().next().is_none_or(|(first, _)| due < *first);
        self.by_time.insert((due, self.next), planned);
        self.next += 1;
        earliest
    }
}
