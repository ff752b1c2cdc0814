//! Why the gateway exists: a request becomes a message on somebody's phone, or a refusal that says why not.
//!
//! The whole story, in the order in which it happens ([`Sending::submit`]):
//!
//! 1. `read_request.rs`: strings become types, or a refusal that names the fields.
//! 2. `policy/content`: the text is scored. Pure, and before the transaction, because it asks nothing.
//!    A file (`file.rs`) is fetched now, if the message would pass with it.
//! 3. `accept.rs`, one write transaction: replay an idempotent answer (`idempotency.rs`), else load every fact
//!    (`facts.rs`, `pace/`), judge (`policy/`: pure gates in the documented order, one array), record (`record.rs`):
//!    the message's row, its quota reserved (`quota.rs`), its Idempotency-Key. A refusal is recorded too, and may be a
//!    strike (`strikes.rs`).
//! 4. `dispatch.rs`: wait for the slot, ask again what may have changed, commit `sending`, then the connector. Never
//!    inside a transaction, never after the answer.
//! 5. `outcome.rs`, one write transaction: the outcome, quota counted or given back, the remembered answer.
//!
//! `runtime_settings.rs`, `own_phrases.rs`: what an admin changes of the guard while it runs; `rehearsal.rs`: what that would
//! have done.
//!
//! Later: `receipts.rs` moves states up, `recover.rs` settles what an earlier run left under way, `handover.rs` what another
//! machine may have sent, `log.rs` is read, `review.rs` shows
//! what a pause is about, `judgements.rs` keeps what people say of verdicts.
//!
//! Invariants:
//! - Nobody else can send: the one [`Wire`] is moved in here by the composition root.
//! - A message that was not accepted cannot be dispatched: only `accept.rs` makes an `Accepted`, from what only the gates
//!   can say (`policy::Passed`): where it goes, what it counts against, its file, the message that it is about.
//! - A limit is never passed, however many ask at once: facts are loaded and quota reserved in one write transaction,
//!   and those run one after the other.
//! - The slice knows no HTTP status and no header; it answers with an [`Answer`].

mod accept;
mod announce;
mod answer;
mod asked;
mod audience;
pub mod billed;
pub mod counts;
mod dispatch;
pub mod facts;
mod field_reasons;
mod file;
mod gate_figures;
mod handover;
mod idempotency;
mod insistence;
mod invalid_request;
pub mod judgements;
mod key_uses;
pub mod learn;
pub mod log;
mod malformed;
mod message_ref;
mod outcome;
pub mod own_phrases;
pub mod pace;
mod policies;
pub mod policy;
mod quota;
mod read_request;
mod read_structured;
pub mod receipts;
mod record;
mod recover;
mod refusal;
mod refusal_dedup;
pub mod rehearsal;
pub mod request;
pub mod review;
pub mod rules;
pub mod runtime_settings;
pub mod schedule;
pub mod search;
mod shared;
mod strikes;
pub mod timeline;
mod upload;
mod waiting;
mod waiting_room;

pub use answer::{Answer, Outcome, Quota};
pub use handover::{Beyond, Reach, Uncertain, beyond, hand_over, reach};
pub use malformed::Malformed;
pub use recover::Recovered;
pub use refusal::Refusal;
pub use request::{Request, Sender, Source};
pub use rules::Rules;
pub use waiting::CancelError;

use crate::{
    connectors::{Registry, SendError, SendErrorKind, Wire},
    model::{
        clock::{Clock, Time},
        ids::{AccountId, InstanceId, LogId},
        message::Status,
        moment::Moment,
        purpose::Purpose,
        random::Random,
        short_text,
        why::{Why, why},
    },
    people::{media::MediaStore, suppression::Erased},
    store::{Store, StoreError, Tx, WriteTx},
};
use accept::Accepting;
use arc_swap::ArcSwap;
use asked::Submission;
use policies::Policies;
use policy::content::{ContentPolicy, Score, explain::MarkedWord};
use receipts::{ByHand, ReceiptStep, SettleError};
use shared::SendingContext;
use std::{collections::HashMap, sync::Arc};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

/// The guarded sender. There is one.
pub struct Sending {
    shared: Arc<SendingContext>,
    /// Messages on their way: a caller who goes away does not stop his message half-way.
    under_way: TaskTracker,
    /// Where they are: where the gateway was opened, and not where pages are made.
    runtime: Option<Handle>,
    /// One change of figures or phrases at a time.
    tuning: tokio::sync::Mutex<()>,
}

/// What the sender is made of.
pub struct Parts {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    /// The running connectors.
    pub registry: Registry,
    /// The one way out.
    pub wire: Wire,
    /// Thresholds and times.
    pub rules: Rules,
    /// The content policy's rules.
    pub content: ContentPolicy,
    /// The admin's own files among them: name and text.
    pub content_files: Vec<(String, String)>,
    /// Where files are put.
    pub shelf: MediaStore,
    /// Suppressions of people who were erased.
    pub erased: Erased,
}

impl Sending {
    /// The sender over its parts.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, clock, random, registry, wire, rules, content, content_files, shelf, erased } = parts;
        let shared = SendingContext {
            store,
            clock,
            random,
            registry,
            wire,
            rules: ArcSwap::from_pointee(rules.clone()),
            configured: rules,
            policies: ArcSwap::from_pointee(Policies::new(Arc::new(content), HashMap::new())),
            content_files,
            pace: pace::Pace::default(),
            key_uses: key_uses::KeyUses::default(),
            repeats: refusal_dedup::Repeats::default(),
            waiting: receipts::AckWaiters::default(),
            room: waiting_room::WaitingRoom::default(),
            shelf,
            erased,
        };
        let (under_way, runtime) = (TaskTracker::new(), Handle::try_current().ok());
        Self { shared: Arc::new(shared), under_way, runtime, tuning: tokio::sync::Mutex::default() }
    }

    /// Settles what an earlier run left under way. Before anything is sent.
    pub async fn recover(&self) -> Result<Recovered, StoreError> {
        let (now, random) = (self.shared.clock.now(), self.shared.random.clone());
        self.shared.store.write(move |tx| recover::recover(tx, Moment::new(now, &*random))).await
    }

    /// One message through the guard to its provider. Answers within `sending.answer_timeout`.
    ///
    /// # Errors
    /// The store's; then nothing was sent.
    pub async fn submit(&self, sender: Sender, request: Request) -> Result<Answer, StoreError> {
        if self.under_way.is_closed() {
            return Err(StoreError::Stopping);
        }
        let shared = self.shared.clone();
        let deadline = shared.clock.now().plus(shared.rules.load().answer_timeout);
        // On the heap at once: a task's state is copied a dozen times on its way, and this one is large.
        let work = Box::pin(async move {
            let score = shared.score(sender.account, &request);
            let unusual = request.unusual;
            let submission = Submission::new(shared.clone(), sender, request);
            let file = file::prepare(&submission, &score, deadline).await?;
            let with = file.clone();
            let verdict = shared.store.write_of(submission.account(), move |tx| {
                submission.ask(|asked| accept::accept(tx, asked, score.clone(), with.as_deref()))
            });
            let verdict = verdict.await;
            // Where the transaction's end is not known, the file stays: its row may be there.
            file::settle(file, !matches!(verdict, Ok(Accepting::Answered(_))));
            let answer = match verdict? {
                Accepting::Answered(answer) => *answer,
                Accepting::Accepted(message) => dispatch::dispatch(shared, *message, deadline).await?,
            };
            Ok(Answer { unusual, ..answer })
        });
        let running = match &self.runtime {
            Some(runtime) => self.under_way.spawn_on(work, runtime),
            None => self.under_way.spawn(work),
        };
        running.await.unwrap_or_else(|e| Err(StoreError::Panicked(e.to_string())))
    }

    /// Records a request with a valid key that could not be read.
    pub async fn refuse_unreadable(&self, sender: Sender, refusal: Refusal) -> Result<Answer, StoreError> {
        let shared = self.shared.clone();
        self.shared.store.write(move |tx| invalid_request::refuse(tx, &shared, &sender, refusal)).await
    }

    /// Scores a text as the guard would, without sending: an account's, or anybody's who has no phrases of their own.
    pub fn check_text(&self, account: Option<AccountId>, purpose: Purpose, text: &str) -> Score {
        self.shared.policies.load().of(account).score(purpose, text)
    }

    /// Whether the content policy lets a text stand that will be sent again and again: a template's.
    ///
    /// # Errors
    /// That it does not, and what in the text speaks against it. Never while the guard only observes.
    pub fn judge_text(&self, account: Option<AccountId>, purpose: Purpose, text: &str) -> Result<(), Why> {
        let (score, rules) = (self.check_text(account, purpose, text), self.rules());
        if score.total < rules.refuse_score || rules.observe {
            return Ok(());
        }
        let why: Vec<String> = score.signals.iter().map(|s| s.reason.to_string()).collect();
        Err(why!("template_refused", "the content policy refuses this text: {why}", why = why.join("; ")))
    }

    /// The words of a text that the signals of [`check_text`](Self::check_text) rest on.
    pub fn mark_text(&self, account: Option<AccountId>, text: &str) -> Vec<MarkedWord> {
        self.shared.policies.load().of(account).marks(text)
    }

    /// The figures that the guard goes by.
    pub fn rules(&self) -> Arc<Rules> {
        self.shared.rules.load_full()
    }

    /// Tells the request that waits for this message what a receipt did to it. After the receipt's commit.
    pub fn note_step(&self, step: &ReceiptStep) {
        if step.recipient_fault {
            self.shared.pace.note_failure(&step.instance, self.shared.clock.now());
        }
        let failed = (step.to == Status::Failed).then(|| SendError {
            kind: SendErrorKind::Permanent,
            code: String::new(),
            reason: "the provider refused it".into(),
            recipient_fault: false,
        });
        self.shared.waiting.tell(&step.message_id, failed);
    }

    /// Two contacts became one: what counts by person is counted anew. May be called inside a write transaction.
    pub fn note_merge(&self) {
        self.shared.pace.recount();
    }

    /// Somebody opted out on this instance: counts for its health.
    pub fn note_opt_out(&self, instance: &InstanceId) {
        self.shared.pace.note_opt_out(instance, self.shared.clock.now());
    }

    /// A person resumed the instance: its health is judged anew.
    pub fn forgive(&self, instance: &InstanceId) {
        self.shared.pace.forgive(instance);
    }

    /// A person says what became of an unknown message.
    ///
    /// # Errors
    /// See [`SettleError`].
    pub async fn settle(&self, id: LogId, to: Status, note: &str, actor: &str) -> Result<(), SettleError> {
        let (now, random) = (self.shared.clock.now(), self.shared.random.clone());
        let (note, actor) = (short_text::reason(note).map_err(SettleError::Invalid)?, actor.to_owned());
        let settle = move |tx: &WriteTx<'_>| {
            let by_hand = ByHand { id, to, note: &note, actor: &actor };
            receipts::settle_by_hand(tx, &by_hand, Moment::new(now, &*random))
        };
        self.shared.store.write(settle).await
    }

    /// Cancels a message of an account that waits for its time, or until it passes.
    ///
    /// # Errors
    /// See [`CancelError`].
    pub async fn cancel(&self, account: AccountId, id: LogId) -> Result<(), CancelError> {
        let (now, random) = (self.shared.clock.now(), self.shared.random.clone());
        let cancel = move |tx: &WriteTx<'_>| waiting::cancel(tx, account, id, Moment::new(now, &*random));
        self.shared.store.write(cancel).await?;
        self.shared.room.leave(account);
        Ok(())
    }

    /// Deletes Idempotency-Keys that have run out; says how many.
    pub async fn expire_idempotency(&self) -> Result<usize, StoreError> {
        let now = self.shared.clock.now();
        self.shared.store.write(move |tx| idempotency::expire(tx, now)).await
    }

    /// Takes no more messages and waits for those on their way.
    pub async fn stop(&self) {
        self.under_way.close();
        self.under_way.wait().await;
    }
}

/// Whether this sender may send at all, for callers whose contract asks that first: the account has the module and a
/// plan in force. Nothing is recorded; [`Sending::submit`] asks again.
///
/// # Errors
/// The store's; the inner one says why not.
pub fn standing(tx: &Tx<'_>, sender: &Sender, now: Time) -> Result<Result<(), Refusal>, StoreError> {
    let (module, limits) = facts::load_standing(tx, sender, now)?;
    Ok(policy::judge_standing(module, limits))
}
