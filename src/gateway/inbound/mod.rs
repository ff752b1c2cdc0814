//! What connectors hear becomes rows and events: one entry, [`Inbound`], one transaction for each thing heard. The
//! connector acknowledges to its provider only after it.
//!
//! Receipts move a message's state up; state changes are kept on the instance; somebody who writes becomes a contact
//! with a conversation and an open window; a whole-message opt-out suppresses, START lifts what the person did. The
//! same message heard twice is one message.
//!
//! It knows nothing of HTTP, and sends nothing.

mod backlog;
mod call;
mod change;
mod echo;
mod message;
mod news;
mod opt_out;

pub use news::{NewsRow, list as list_news};

use crate::{
    connectors::{
        Boxed, Ear, EventKind, NotRecorded, ProviderEvent, Registry,
        inbound_event::{Backlog, Echo, InboundMessage},
    },
    events::{
        live::feed,
        webhooks::{self, Event},
    },
    instances::{self, templates},
    model::{
        clock::{Clock, Time},
        ids::{AccountId, ContactId, InstanceId},
        moment::Moment,
        random::Random,
    },
    people::{
        chats,
        conversations::Identity,
        media::{MediaStore, StagedFile},
        suppression::{
            Erased,
            phrases::{PhraseMeaning, Phrases},
        },
    },
    sending::{
        Sending,
        learn::Learning,
        receipts::{self, ReceiptStep},
    },
    store::{Store, StoreError, Tx, WriteTx},
};
use rusqlite::params;
use std::{
    borrow::Cow,
    cell::Cell,
    sync::{Arc, OnceLock},
};
use tokio::sync::Notify;

/// The one ear of all connectors.
pub struct Inbound {
    store: Store,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    shelf: MediaStore,
    erased: Erased,
    phrases: Arc<Phrases>,
    /// Set once, right after the sender is made: connectors need the ear first, the sender needs the connectors.
    sending: OnceLock<Arc<Sending>>,
    /// Set once, for calls that are rejected.
    calls: OnceLock<Calls>,
}

/// What ending a call needs.
struct Calls {
    registry: Registry,
    /// Tells whoever sends automatic answers.
    bell: Arc<Notify>,
}

/// What a transaction leaves to be done after its commit.
enum After {
    Nothing,
    Step(ReceiptStep),
    OptOut(InstanceId),
    Rejected(InstanceId, String),
}

/// A file that came with a message, put on the disk or not to be: by then nothing is waited for.
struct WithFile {
    shelf: MediaStore,
    taken: StagedFile,
}

/// What a transaction did.
struct Recorded {
    after: After,
    /// The message's file has a row.
    has_row: bool,
}

/// What recording needs, besides the transaction.
struct Recording<'a> {
    account: AccountId,
    heard: &'a ProviderEvent,
    phrase: Option<PhraseMeaning>,
    file: Option<&'a WithFile>,
    means: Means<'a>,
}

/// What is the same for all that is recorded together.
#[derive(Clone, Copy)]
struct Means<'a> {
    phrases: &'a Phrases,
    erased: &'a Erased,
    moment: Moment<'a>,
    /// Two contacts became one.
    has_merged: &'a Cell<bool>,
}

impl Inbound {
    /// The ear over `store`.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        shelf: MediaStore,
        erased: Erased,
    ) -> Self {
        Self {
            store,
            clock,
            random,
            shelf,
            erased,
            phrases: Arc::new(Phrases::built_in()),
            sending: OnceLock::new(),
            calls: OnceLock::new(),
        }
    }

    /// Ties the ear to the connectors, for ending calls, and to the bell of automatic answers.
    pub fn attach_calls(&self, registry: Registry, bell: Arc<Notify>) {
        let _ = self.calls.set(Calls { registry, bell });
    }

    /// Ties the ear to the sender, whose waiting requests it tells of acknowledgements.
    pub fn attach(&self, sending: Arc<Sending>) {
        let _ = self.sending.set(sending);
    }

    /// All of it in one transaction, or none of it.
    async fn record(&self, mut all: Vec<ProviderEvent>) -> Result<(), StoreError> {
        let mut files = Vec::with_capacity(all.len());
        for heard in &mut all {
            files.push(self.take(heard).await?.map(Arc::new));
        }
        let (now, random, phrases) = (self.clock.now(), self.random.clone(), self.phrases.clone());
        let (with, erased, sending) = (files.clone(), self.erased.clone(), self.sending.get().cloned());
        let recorded = self.store.write_repeatable(move |tx| {
            let has_merged = Cell::new(false);
            let moment = Moment::new(now, &*random);
            let means = Means { phrases: &phrases, erased: &erased, moment, has_merged: &has_merged };
            let pairs = all.iter().zip(&with);
            let record =
                |(heard, file): (&ProviderEvent, &Option<Arc<WithFile>>)| record(tx, heard, file.as_deref(), means);
            let recorded = pairs.map(record).collect::<Result<Vec<Recorded>, StoreError>>()?;
            if let Some(sending) = sending.as_ref().filter(|_| has_merged.get()) {
                sending.note_merge();
            }
            Ok::<_, StoreError>(recorded)
        });
        let recorded = recorded.await;
        for (n, file) in files.into_iter().enumerate() {
            // Where the transaction's end is not known, the file stays: its row may be there.
            if recorded.as_ref().map_or(true, |all| all[n].has_row) {
                self.settle(file);
            }
        }
        for recorded in recorded? {
            self.follow(recorded.after);
        }
        Ok(())
    }

    fn follow(&self, after: After) {
        if let Some(sending) = self.sending.get() {
            match after {
                After::Nothing => {}
                After::Step(step) => sending.note_step(&step),
                After::OptOut(id) => sending.note_opt_out(&id),
                After::Rejected(id, call) => self.end_call(id, call),
            }
        }
    }

    /// Ends a call at the provider, beside what is heard next. One that stops ringing before that needs no ending.
    fn end_call(&self, instance: InstanceId, call_id: String) {
        let Some(Calls { registry, bell }) = self.calls.get() else { return };
        bell.notify_one();
        let registry = registry.clone();
        tokio::spawn(async move {
            if let Err(e) = registry.reject_call(&instance, &call_id).await {
                tracing::warn!(%instance, "a call rings on: {e}");
            }
        });
    }

    /// Puts the message's file on the disk, before the transaction.
    async fn take(&self, heard: &mut ProviderEvent) -> Result<Option<WithFile>, StoreError> {
        let (EventKind::Message(message) | EventKind::Echo(Echo { message, .. })) = &mut heard.what else {
            return Ok(None);
        };
        let InboundMessage { media: Some(media), .. } = message else { return Ok(None) };
        let taken = self.shelf.take(media).await;
        let taken = taken.map_err(|e| StoreError::Unavailable(format!("a file could not be written: {e}")))?;
        Ok(Some(WithFile { shelf: self.shelf.clone(), taken }))
    }

    /// The file's row is there, or may be: the file stays, and what is pending is fetched. Without this, a file goes
    /// with the last hold on it: its message was heard before.
    fn settle(&self, file: Option<Arc<WithFile>>) {
        match file.and_then(Arc::into_inner).map(|file| file.taken) {
            Some(StagedFile::Here(written)) => written.keep(),
            Some(StagedFile::Later { .. }) => self.shelf.wake(),
            Some(StagedFile::Refused(_)) | None => {}
        }
    }
}

impl Ear for Inbound {
    fn hear(&self, heard: ProviderEvent) -> Boxed<'_, Result<(), NotRecorded>> {
        self.record_all(vec![heard])
    }

    fn record_all(&self, all: Vec<ProviderEvent>) -> Boxed<'_, Result<(), NotRecorded>> {
        Box::pin(async move { self.record(all).await.map_err(|e| NotRecorded(e.to_string())) })
    }

    fn backlog<'a>(&'a self, instance: &'a InstanceId) -> Boxed<'a, Result<Backlog, NotRecorded>> {
        let (id, now) = (instance.clone(), self.clock.now());
        Box::pin(async move {
            let read = self.store.read(move |tx: &Tx<'_>| backlog::read(tx, &id, now)).await;
            read.map_err(|e: StoreError| NotRecorded(e.to_string()))
        })
    }
}

fn record(
    tx: &WriteTx<'_>,
    heard: &ProviderEvent,
    file: Option<&WithFile>,
    means: Means<'_>,
) -> Result<Recorded, StoreError> {
    let plain = |after| Recorded { after, has_row: false };
    let account = tx.find("SELECT account_id FROM instances WHERE id = ?1", params![heard.instance], |r| {
        r.get::<_, AccountId>(0)
    })?;
    // A connector that outlives its instance by a moment: nobody's news.
    let Some(account) = account else { return Ok(plain(After::Nothing)) };
    let means = Means { moment: means.moment.told_of(heard.at), ..means };
    let recording = Recording { account, heard, phrase: None, file, means };
    match &heard.what {
        EventKind::Message(message) => {
            let phrase = meant(message, means.phrases);
            let message = change::of_the_first(tx, &heard.instance, message)?;
            message::record(tx, &Recording { phrase, ..recording }, &message)
        }
        EventKind::Echo(echo) => match change::of_the_first(tx, &heard.instance, &echo.message)? {
            Cow::Borrowed(_) => echo::record(tx, &recording, echo),
            Cow::Owned(message) => echo::record(tx, &recording, &Echo { message, ..echo.clone() }),
        },
        EventKind::Change(heard) => change::record(tx, &recording, heard),
        _ => news(tx, &recording).map(plain),
    }
}

/// What a quick reply may stand for to be an opt-out, folded. Other words that people opt out by are a program's own, such as
/// `remove` or `revoke`.
const PAYLOADS: [&str; 6] = ["stop", "stop all", "stopall", "unsubscribe", "opt out", "optout"];

/// What a message's words mean; else what a template's quick reply stands for, which nobody reads.
fn meant(message: &InboundMessage, phrases: &Phrases) -> Option<PhraseMeaning> {
    if !message.may_opt_out || message.group.is_some() {
        return None;
    }
    let is_plain = |meaning: &PhraseMeaning| match meaning {
        PhraseMeaning::OptOut { word, .. } => PAYLOADS.contains(&word.as_str()),
        PhraseMeaning::OptIn => false,
    };
    let said = message.text.as_deref().and_then(|text| phrases.hear(text));
    said.or_else(|| message.payload.as_deref().and_then(|payload| phrases.hear(payload)).filter(is_plain))
}

/// Everything but a message.
fn news(tx: &WriteTx<'_>, recording: &Recording<'_>) -> Result<After, StoreError> {
    let Recording { heard: ProviderEvent { instance, at, what }, account, means, .. } = *recording;
    let now = recording.now();
    match what {
        EventKind::Receipt(heard) => {
            let step = receipts::apply(tx, instance, *at, heard, means.moment)?;
            Ok(step.map_or(After::Nothing, After::Step))
        }
        EventKind::State(standing) => {
            instances::record_standing(tx, instance, standing, means.moment).map(|()| After::Nothing)
        }
        EventKind::Message(_) | EventKind::Echo(_) | EventKind::Change(_) => Ok(After::Nothing),
        EventKind::Held { with, by } => echo::held(tx, recording, with, *by).map(|()| After::Nothing),
        EventKind::Call(heard) => call::record(tx, recording, heard),
        EventKind::Qr { code, expires_at } => {
            feed::note_code(tx, account, instance)?;
            recording.emit(tx, &Event::InstanceQrUpdated { qr: code.clone(), expires_at: *expires_at })?;
            Ok(After::Nothing)
        }
        EventKind::GroupUpdated { group_id, group_name, change } => {
            let group_name = chats::note_group(tx, instance, group_id, group_name, now)?;
            let (group_id, change) = (group_id.clone(), change.clone());
            recording.emit(tx, &Event::GroupUpdated { group_id, group_name, change })?;
            Ok(After::Nothing)
        }
        EventKind::Person { names, former } => news::person(tx, recording, names, former),
        EventKind::Named { whom, names } => news::named(tx, recording, whom, names),
        EventKind::Templates(all) => templates::record(tx, instance, all, now).map(|()| After::Nothing),
        EventKind::TemplateChanged(change) => templates::change(tx, instance, change, now).map(|()| After::Nothing),
        EventKind::SettingEnded(name) => instances::end_setting(tx, instance, name, now).map(|()| After::Nothing),
        EventKind::News(news) => news::record(tx, recording, news),
    }
}

impl Recording<'_> {
    fn learning(&self) -> Learning<'_> {
        let Means { erased, moment, .. } = self.means;
        Learning { erased, account: self.account, instance: &self.heard.instance, now: moment.now }
    }

    /// The contact behind names that are one person's.
    fn person(&self, tx: &WriteTx<'_>, names: &[Identity]) -> Result<Option<ContactId>, StoreError> {
        let person = self.learning().person(tx, names)?;
        self.means.has_merged.set(self.means.has_merged.get() || person.is_some_and(|person| person.has_merged));
        Ok(person.map(|person| person.contact))
    }

    fn emit(&self, tx: &WriteTx<'_>, event: &Event) -> Result<(), StoreError> {
        webhooks::emit(tx, self.account, &self.heard.instance, event, self.means.moment).map(drop)
    }

    const fn now(&self) -> Time {
        self.means.moment.now
    }

    /// When it happened; of a clock that is ahead of ours: now.
    const fn happened_at(&self) -> Time {
        self.means.moment.at
    }
}
