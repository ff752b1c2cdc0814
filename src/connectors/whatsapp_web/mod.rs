//! WhatsApp Web in the process: the instance is a linked device of a phone, as a browser would be.
//!
//! - The protocol is the library's (`whatsapp-rust`); this is what it means for the gateway. [`session`] sets its client
//!   up, [`work`] has one at a time over the instance's file of keys ([`store`]), [`events`] says what each thing that
//!   it tells means, [`sending`] hands messages over.
//! - What goes out is acknowledged by WhatsApp or it is not sent; what comes in is acknowledged to WhatsApp after it is
//!   on disk: messages by the library's own hook, all else by [`gate`].
//! - All of it goes out through the gateway's egress ([`wire`]): no other way to the network is compiled in.
//! - WhatsApp does not support such clients: numbers can be banned for it. The pages and the documentation say so.
//!
//! Like every connector it knows nothing of accounts, limits, the database and HTTP towards customers.

mod asked;
mod chats;
mod clock_check;
mod endings;
mod events;
mod gate;
mod groups;
mod history;
mod ids;
mod linked_phones;
mod media;
mod outgoing;
mod pictures;
mod quota;
mod reading;
mod sending;
mod session;
pub mod settings;
mod store;
mod wire;
pub mod words;
mod work;

pub use linked_phones::LinkedPhones;

use super::{
    Ack, ActionError, Address, Boxed, Capabilities, ConnectionStatus, Connector, Ear, GroupInfo, MediaError, Outgoing,
    Pairing, SendError,
    connection::ConnectionState,
    new_chats::NewChatAllowance,
    registry::{BadSetting, Deps, InstanceSetup},
    warm_up::WarmUp,
};
use crate::{
    egress::Egress,
    model::{
        clock::{Clock, Time},
        ids::InstanceId,
        instance::{Health, InstanceState},
        phone::Phone,
    },
};
use asked::AskedLately;
use chats::Ringing;
use gate::WriteGate;
use history::Past;
use ids::Memory;
use pictures::Pictures;
use quota::ToldAllowance;
use settings::Settings;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};
use store::KeyFile;
use tokio::{
    sync::mpsc::{self, UnboundedSender},
    task::JoinHandle,
};
use whatsapp_rust::prelude::Client;
use work::Wish;

/// One linked device.
pub struct WhatsappWeb {
    inner: Arc<WebInner>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What the connector, its task and the library's client share.
struct WebInner {
    instance: InstanceId,
    others: Arc<LinkedPhones>,
    settings: Settings,
    file: KeyFile,
    clock: Arc<dyn Clock>,
    ear: Arc<dyn Ear>,
    egress: Egress,
    line: Arc<ConnectionState>,
    gate: Arc<WriteGate>,
    wishes: UnboundedSender<Wish>,
    client: Mutex<Option<Arc<Client>>>,
    memory: Mutex<Memory>,
    /// Which numbers have WhatsApp.
    numbers: Mutex<AskedLately<bool>>,
    pictures: Mutex<Pictures>,
    ringing: Mutex<Ringing>,
    group_names: Mutex<HashMap<String, String>>,
    past: Past,
    allowance: Mutex<ToldAllowance>,
    codes: Mutex<Codes>,
    /// When the number was linked.
    linked_at: Mutex<Option<Time>>,
    /// It was linked, and has not been connected since.
    is_new_link: AtomicBool,
    /// WhatsApp's clock when it was heard last, where ours is far from it.
    right_time: Mutex<Option<Time>>,
    /// The end of the lock that the owner was told of last.
    lock: Mutex<Option<Option<Time>>>,
    /// So many messages in a row could not be decrypted.
    undecrypted: AtomicU32,
    /// How often it was settled until when this number is shown as online.
    online_turns: AtomicU32,
}

/// The codes of one pairing.
#[derive(Default)]
struct Codes {
    scan: Option<String>,
    typed: Option<String>,
    count: u64,
}

impl WhatsappWeb {
    /// Begins: connects, or shows a code, in the background.
    ///
    /// # Errors
    /// Bad settings.
    pub fn open(deps: &Deps, setup: &InstanceSetup, others: &Arc<LinkedPhones>) -> Result<Self, BadSetting> {
        let (wishes, wished) = mpsc::unbounded_channel();
        let file = KeyFile::new(&deps.data_dir, &setup.id);
        let linked_at = Mutex::new(file.linked_at());
        let inner = Arc::new(WebInner {
            instance: setup.id.clone(),
            others: others.clone(),
            settings: Settings::parse(&setup.settings)?,
            file,
            linked_at,
            is_new_link: AtomicBool::new(false),
            clock: deps.clock.clone(),
            ear: deps.ear.clone(),
            egress: deps.egress.clone(),
            line: Arc::new(ConnectionState::new(deps, setup.id.clone(), beginning(setup.closed.clone()))),
            gate: Arc::default(),
            wishes,
            client: Mutex::default(),
            memory: Mutex::default(),
            numbers: Mutex::default(),
            pictures: Mutex::default(),
            ringing: Mutex::default(),
            group_names: Mutex::default(),
            past: Past::default(),
            allowance: Mutex::default(),
            codes: Mutex::default(),
            right_time: Mutex::default(),
            lock: Mutex::default(),
            undecrypted: AtomicU32::new(0),
            online_turns: AtomicU32::new(0),
        });
        others.0.join(&inner);
        let task = tokio::spawn(work::run(inner.clone(), wished));
        Ok(Self { inner, task: Mutex::new(Some(task)) })
    }

    /// Judges settings without starting anything.
    ///
    /// # Errors
    /// An unknown key (naming the nearest known one), or a value out of range.
    pub fn check(settings: &BTreeMap<String, String>) -> Result<(), BadSetting> {
        Settings::parse(settings).map(drop)
    }

    /// Has the task put its client away; it gives the file up when that is done.
    fn end(&self) -> Option<JoinHandle<()>> {
        self.inner.line.stop();
        self.inner.others.0.leave(&self.inner);
        let _ = self.inner.wishes.send(Wish::Stop);
        self.task.lock().expect("no holder panics").take()
    }
}

/// Started anew with other settings: the old one must not go on telling. Its task ends by itself.
impl Drop for WhatsappWeb {
    fn drop(&mut self) {
        drop(self.end());
    }
}

impl Connector for WhatsappWeb {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            media: true,
            templates: false,
            replies: true,
            reactions: true,
            changes: true,
            groups: true,
            window_24h: false,
            hidden_numbers: true,
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
        Box::pin(async {
            if let Some(task) = self.end() {
                let _ = task.await;
            }
        })
    }

    fn forget(&self) -> Boxed<'_, ()> {
        Box::pin(async {
            // The phone is told, if it can be; the keys go in any case.
            let _ = self.log_out().await;
            self.stop().await;
            self.inner.forget_keys();
        })
    }

    fn fetch_media<'a>(&'a self, handle: &'a str, max_bytes: u64) -> Boxed<'a, Result<Vec<u8>, MediaError>> {
        Box::pin(self.inner.fetch(handle, max_bytes))
    }

    fn warm_up(&self) -> Option<WarmUp> {
        self.inner.warm_up()
    }

    fn new_chats(&self) -> Option<NewChatAllowance> {
        self.inner.allowance()
    }

    fn picture(&self, chat: &Address) -> Option<String> {
        self.inner.picture(chat)
    }

    fn pairing(&self) -> Option<Pairing> {
        self.inner.line.pairing()
    }

    fn mark_read<'a>(&'a self, chat: &'a Address, messages: &'a [String]) -> Boxed<'a, Result<(), ActionError>> {
        Box::pin(self.inner.mark_read(chat, messages))
    }

    fn show_typing<'a>(&'a self, chat: &'a Address, answered: &'a str) -> Boxed<'a, Result<(), ActionError>> {
        Box::pin(self.inner.show_typing(chat, answered))
    }

    fn check_numbers<'a>(&'a self, phones: &'a [Phone]) -> Boxed<'a, Result<Vec<bool>, ActionError>> {
        Box::pin(self.inner.check_numbers(phones))
    }

    fn reconnect(&self) -> Boxed<'_, Result<(), ActionError>> {
        Box::pin(self.inner.ask(Wish::Reconnect))
    }

    fn groups(&self) -> Boxed<'_, Result<Vec<GroupInfo>, ActionError>> {
        Box::pin(self.inner.groups_now())
    }

    fn reject_call<'a>(&'a self, call_id: &'a str) -> Boxed<'a, Result<(), ActionError>> {
        Box::pin(self.inner.reject_call(call_id))
    }

    fn log_out(&self) -> Boxed<'_, Result<(), ActionError>> {
        Box::pin(self.inner.ask(Wish::LogOut))
    }
}

/// What a person has to see to stays closed until they have.
fn beginning(closed: Option<String>) -> ConnectionStatus {
    let state = if closed.is_some() { InstanceState::Close } else { InstanceState::Connecting };
    ConnectionStatus {
        state,
        reason: Some(closed.unwrap_or_else(|| words::BEGINNING.to_owned())),
        health: Health::Ok,
        phone: None,
        last_heard_at: None,
    }
}

impl WebInner {
    fn client(&self) -> Option<Arc<Client>> {
        self.client.lock().expect("no holder panics").clone()
    }

    fn set_client(&self, client: Option<Arc<Client>>) {
        *self.client.lock().expect("no holder panics") = client;
        *self.codes.lock().expect("no holder panics") = Codes::default();
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().expect("no holder panics")
    }

    fn numbers(&self) -> MutexGuard<'_, AskedLately<bool>> {
        self.numbers.lock().expect("no holder panics")
    }

    fn pictures(&self) -> MutexGuard<'_, Pictures> {
        self.pictures.lock().expect("no holder panics")
    }

    fn ringing(&self) -> MutexGuard<'_, Ringing> {
        self.ringing.lock().expect("no holder panics")
    }

    fn group_names(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.group_names.lock().expect("no holder panics")
    }

    /// How far the number is that was linked lately.
    fn warm_up(&self) -> Option<WarmUp> {
        WarmUp::at(self.clock.now(), self.since()?, self.settings.warm_up_days, self.settings.warm_up_chats)
    }

    /// When the number was linked; none: it is not.
    fn since(&self) -> Option<Time> {
        *self.linked_at.lock().expect("no holder panics")
    }

    /// The number is linked: just now, or nobody wrote down since when.
    fn note_linked(&self, is_new: bool) {
        self.is_new_link.fetch_or(is_new, Ordering::Relaxed);
        let now = self.clock.now();
        let mut linked_at = self.linked_at.lock().expect("no holder panics");
        if linked_at.is_none() || is_new {
            *linked_at = Some(now);
            if let Err(e) = self.file.note_linked(now) {
                tracing::warn!(instance = %self.instance, "since when it is linked could not be written: {e}");
            }
        }
    }

    /// The login is over: its keys are worth nothing.
    fn forget_keys(&self) {
        *self.linked_at.lock().expect("no holder panics") = None;
        if let Err(e) = self.file.remove() {
            tracing::error!(instance = %self.instance, "the keys of a login that ended could not be deleted: {e}");
        }
    }

    /// A code more: what is shown now, and which one in a row it is.
    fn codes(&self, scan: Option<&str>, typed: Option<&str>) -> (Option<String>, Option<String>, u64) {
        let mut codes = self.codes.lock().expect("no holder panics");
        if let Some(scan) = scan {
            codes.scan = Some(scan.to_owned());
            codes.count += 1;
        }
        if let Some(typed) = typed {
            codes.typed = Some(typed.to_owned());
        }
        (codes.scan.clone(), codes.typed.clone(), codes.count)
    }

    /// Whether the owner does not know of this lock yet; from now on they do.
    fn is_new_lock(&self, until: Option<Time>) -> bool {
        self.lock.lock().expect("no holder panics").replace(until) != Some(until)
    }

    /// Something could be decrypted.
    fn decrypted(&self) {
        self.undecrypted.store(0, Ordering::Relaxed);
    }

    /// Something could not: how many in a row by now.
    fn undecrypted(&self) -> u32 {
        self.undecrypted.fetch_add(1, Ordering::Relaxed) + 1
    }
}
