//! The sandbox: a phone network inside the process, for trying things out, demos, tests and load.
//!
//! What it accepts stands in a file of its own before it acknowledges ([`inbox`]), so that after a crash the file can
//! be held against what callers were told. What goes wrong, how long it takes and which receipts come is set per
//! instance ([`settings`]) and may change while it runs. The customers' phones are played by the methods in `phones`.
//!
//! The walk of a message is `Sandbox::send_one`: half the latency, accept or refuse, the other half, acknowledge.
//! A caller that gives up in the first half left nothing behind; one that gives up in the second cannot know.
//!
//! It behaves like a provider in all that the gateway can see, and costs next to nothing: no thread, no sync, one
//! write a message. Like every connector it knows nothing of accounts, limits, the database and HTTP.

mod connection;
pub mod inbox;
mod phones;
pub mod settings;

pub use inbox::InboxMessage;
pub use phones::Mark;

use super::{
    Ack, ActionError, Address, Boxed, Capabilities, ConnectionStatus, Connector, Content, GroupInfo, MediaError,
    Outgoing, Pairing, SendError, SendErrorKind,
    outgoing::MediaFile,
    registry::{BadSetting, Deps, InstanceSetup},
};
use crate::connectors::inbound_event::RemoteParty;
use crate::model::{
    aside::{PIECE, aside, give_way},
    clock::{Clock, Time},
    ids::InstanceId,
    instance::InstanceState,
    random::bytes,
    why::why,
};
use connection::SandboxConnection;
use inbox::InboxFile;
use phones::KnownPhones;
use settings::{Fail, Settings};
use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    io::{self, Read as _},
    path::PathBuf,
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// One instance of the phone network.
pub struct Sandbox {
    clock: Arc<dyn Clock>,
    settings: RwLock<Settings>,
    path: PathBuf,
    log: Mutex<InboxFile>,
    line: SandboxConnection,
    known: Mutex<KnownPhones>,
    groups: Mutex<BTreeMap<String, GroupInfo>>,
    rejected: Mutex<Vec<String>>,
    marks: Mutex<VecDeque<Mark>>,
    kept: Mutex<VecDeque<(String, Vec<u8>)>>,
    ids: Ids,
}

/// The parts of an id that are not the time: a number for this life of the instance, and one for each message of it.
struct Ids {
    life: u32,
    next: AtomicU32,
}

impl Sandbox {
    /// Opens an instance and its file. The ear is told its state.
    ///
    /// # Errors
    /// Bad settings, an instance id that is no slug, or a file that cannot be written.
    pub fn open(deps: &Deps, setup: &InstanceSetup) -> Result<Self, BadSetting> {
        let settings = Settings::parse(&setup.settings)?;
        // The id becomes a file name.
        InstanceId::parse(setup.id.as_str()).map_err(|e| BadSetting(why!("instance_id", "{text}", text = e)))?;
        let path = inbox::path(&deps.data_dir, &setup.id);
        let log = InboxFile::open(&path).map_err(|e| {
            BadSetting(why!(
                "sandbox_file",
                "the sandbox cannot write its file {path}: {e}",
                path = path.display(),
                e = e
            ))
        })?;
        Ok(Self {
            clock: deps.clock.clone(),
            settings: RwLock::new(settings),
            path,
            log: Mutex::new(log),
            line: SandboxConnection::new(deps, setup.id.clone(), settings.state),
            known: Mutex::default(),
            groups: Mutex::default(),
            rejected: Mutex::default(),
            marks: Mutex::default(),
            kept: Mutex::default(),
            ids: Ids { life: u32::from_le_bytes(bytes(&*deps.random)), next: AtomicU32::new(0) },
        })
    }

    /// Judges settings without applying them.
    ///
    /// # Errors
    /// An unknown key (naming the nearest known one) or a value out of range.
    pub fn check(settings: &BTreeMap<String, String>) -> Result<(), BadSetting> {
        Settings::parse(settings).map(drop)
    }

    /// Takes a whole new set of settings, as if the instance had been started with them: what is left out has its
    /// default again, and the state is the one that the settings name, also after a logout. The file and who wrote
    /// before stay. Messages on their way follow the new settings from their next step on.
    ///
    /// # Errors
    /// As [`Sandbox::check`]; nothing was changed then.
    pub fn apply(&self, settings: &BTreeMap<String, String>) -> Result<(), BadSetting> {
        let settings = Settings::parse(settings)?;
        *self.settings.write().expect("no holder panics") = settings;
        self.line.become_state(settings.state, None);
        Ok(())
    }

    /// What was accepted, newest last; with `phone` (E.164 with `+`, or a hidden or group id) only what went there.
    /// Reads the whole file: call it where blocking is allowed.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn inbox(&self, phone: Option<&str>) -> io::Result<Vec<InboxMessage>> {
        inbox::read(&self.path, phone)
    }

    /// Takes everything that went to `to` (spelt as in the file) out of the file; says how many. Reads and writes the
    /// whole file: call it where blocking is allowed.
    ///
    /// # Errors
    /// The file cannot be read or written; then it is as it was.
    pub fn forget(&self, to: &str) -> io::Result<usize> {
        self.log.lock().expect("no holder panics").forget(&self.path, to)
    }

    async fn send_one(&self, out: &Outgoing) -> Result<Ack, SendError> {
        if let Content::Media { file, .. } = &out.content {
            upload(file).await?;
        }
        let latency = self.settings().latency;
        let before = latency / 2;
        self.wait_until_after(self.clock.now(), before).await;

        // From here to the plan of the receipts nothing waits: it happens as a whole, or not at all.
        let settings = self.settings();
        self.judge(settings.fail, out)?;
        let id = self.next_id();
        let accepted = self.clock.now();
        self.log.lock().expect("no holder panics").append(&id, accepted, out).map_err(not_written)?;
        let never_answers = settings.fail == Fail::TimeoutAfterAccept;
        let answered = (!never_answers).then(|| accepted.plus(latency - before));
        self.line.plan(settings.receipts, (&id, &out.message_id), accepted, answered);

        if never_answers {
            std::future::pending::<()>().await;
        }
        self.wait_until_after(accepted, latency - before).await;
        self.line.heard_at(self.clock.now());
        Ok(Ack { provider_message_id: id, acknowledged: true, names: RemoteParty::default() })
    }

    /// Whether the message may be accepted now.
    fn judge(&self, fail: Fail, out: &Outgoing) -> Result<(), SendError> {
        match self.line.state() {
            None => return Err(permanent("", "the instance is not running")),
            Some(InstanceState::Open) => {}
            Some(state) => return Err(permanent("not_open", &format!("the instance is not open, it is {state}"))),
        }
        match fail {
            Fail::Refuse => {
                let refused = permanent("refused", "the sandbox is set to refuse every message");
                return Err(SendError { recipient_fault: true, ..refused });
            }
            Fail::Logout => {
                self.line.become_state(InstanceState::Close, Some("logged out on the phone"));
                return Err(permanent("logged_out", "the instance was logged out on the phone"));
            }
            Fail::NewChatLock if !self.known.lock().expect("no holder panics").has(&out.to) => {
                return Err(permanent("463", "the number may only write to people who wrote to it before"));
            }
            Fail::Media if matches!(out.content, Content::Media { .. }) => {
                return Err(permanent("media_refused", "the sandbox is set to refuse files"));
            }
            Fail::None | Fail::TimeoutAfterAccept | Fail::NewChatLock | Fail::Media => {}
        }
        if self.line.is_full() {
            return Err(temporary("busy", "too many receipts wait to be recorded", Some(Duration::from_secs(1))));
        }
        Ok(())
    }

    async fn wait_until_after(&self, start: Time, pause: Duration) {
        if !pause.is_zero() {
            self.clock.sleep_until(start.plus(pause)).await;
        }
    }

    fn settings(&self) -> Settings {
        *self.settings.read().expect("no holder panics")
    }

    /// `sbx_`, then the time in milliseconds, the number in this life, and the life: ids sort by time and, within a
    /// millisecond, in the order in which they were made.
    fn next_id(&self) -> String {
        let number = self.ids.next.fetch_add(1, Ordering::Relaxed);
        format!("sbx_{:012x}{number:08x}{:08x}", self.clock.now().millis(), self.ids.life)
    }
}

impl Connector for Sandbox {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            media: true,
            templates: true,
            replies: true,
            reactions: true,
            changes: true,
            structured: true,
            groups: true,
            window_24h: false,
            hidden_numbers: true,
            ..Capabilities::default()
        }
    }

    fn standing(&self) -> ConnectionStatus {
        self.line.standing()
    }

    fn send<'a>(&'a self, out: &'a Outgoing) -> Boxed<'a, Result<Ack, SendError>> {
        Box::pin(self.send_one(out))
    }

    fn pairing(&self) -> Option<Pairing> {
        self.line.pairing()
    }

    fn groups(&self) -> Boxed<'_, Result<Vec<GroupInfo>, ActionError>> {
        let all = self.groups.lock().expect("no holder panics").values().cloned().collect();
        Box::pin(std::future::ready(Ok(all)))
    }

    fn reject_call<'a>(&'a self, call_id: &'a str) -> Boxed<'a, Result<(), ActionError>> {
        self.rejected.lock().expect("no holder panics").push(call_id.to_owned());
        Box::pin(std::future::ready(Ok(())))
    }

    fn mark_read<'a>(&'a self, chat: &'a Address, messages: &'a [String]) -> Boxed<'a, Result<(), ActionError>> {
        Box::pin(std::future::ready(self.mark(Mark::Read { chat: chat.to_string(), messages: messages.to_vec() })))
    }

    fn show_typing<'a>(&'a self, chat: &'a Address, answered: &'a str) -> Boxed<'a, Result<(), ActionError>> {
        let typing = Mark::Typing { chat: chat.to_string(), answered: answered.to_owned() };
        Box::pin(std::future::ready(self.mark(typing)))
    }

    fn stop(&self) -> Boxed<'_, ()> {
        Box::pin(async { self.line.hang_up() })
    }

    fn fetch_media<'a>(&'a self, handle: &'a str, max_bytes: u64) -> Boxed<'a, Result<Vec<u8>, MediaError>> {
        let got = if self.settings().fail == Fail::Media {
            Err(MediaError::NotNow("the sandbox is set to refuse files".into()))
        } else {
            self.kept_file(handle, max_bytes)
        };
        Box::pin(std::future::ready(got))
    }
}

/// What a provider does with a file: reads all of it.
async fn upload(file: &MediaFile) -> Result<(), SendError> {
    let broken = |problem: String| permanent("media_unreadable", &problem);
    let path = file.path.clone();
    let read = aside(move || read_through(&File::open(path)?));
    match read.await.unwrap_or_else(|e| Err(io::Error::other(e))) {
        Ok(size) if size == file.size => Ok(()),
        Ok(size) => Err(broken(format!("the file has {size} bytes instead of {}", file.size))),
        Err(e) => Err(broken(format!("the file cannot be read: {e}"))),
    }
}

/// Reads all of a file; how many bytes it has.
fn read_through(mut file: &File) -> io::Result<u64> {
    let mut size = 0;
    loop {
        match io::copy(&mut file.by_ref().take(PIECE as u64), &mut io::sink())? {
            0 => return Ok(size),
            read => size += read,
        }
        give_way();
    }
}

fn permanent(code: &str, reason: &str) -> SendError {
    let (code, reason) = (code.to_owned(), reason.to_owned());
    SendError { kind: SendErrorKind::Permanent, code, reason, recipient_fault: false }
}

fn temporary(code: &str, reason: &str, retry_after: Option<Duration>) -> SendError {
    SendError { kind: SendErrorKind::Temporary { retry_after }, ..permanent(code, reason) }
}

fn not_written(e: io::Error) -> SendError {
    temporary("not_written", &format!("the sandbox cannot write its file: {e}"), None)
}
