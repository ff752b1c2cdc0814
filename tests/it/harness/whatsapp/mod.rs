//! A WhatsApp of the tests' own on a port of this machine: it speaks WhatsApp Web's protocol (Noise, linked devices,
//! keys, usync), carries messages, receipts and calls between the devices that are linked to it, keeps what is not
//! acknowledged, has files on a host of its own, and refuses, bans and locks on demand. Texts and files pass through it
//! encrypted; it cannot read them.
//!
//! Its certificate is signed by nobody: a client takes it only in the test build, or from a store that knows its key
//! (`seed.rs`).

mod answers;
mod files;
mod noise;
mod orders;
mod pairing;
mod phone;
mod relay;
#[cfg(not(feature = "whatsapp-web-double"))]
mod seed;
mod typed;

use super::door::Door;
use noise::Keys;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, OnceLock},
};
use tokio::sync::mpsc::UnboundedSender;
use whatsapp_rust::{Jid, NodeBuilder, wacore_binary::Node};

/// A hidden id is the number and this.
const HIDDEN: u64 = 100_000_000_000_000;

/// What happens to the next message that is handed over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It is taken and carried, and no acknowledgement comes.
    Silent,
    /// It is not taken: a negative acknowledgement with this code.
    Nack(&'static str),
    /// It is taken, and the connection breaks before its acknowledgement.
    Breaks,
}

/// The service; ends with it.
pub struct WhatsApp {
    pub door: Door,
    /// Where files lie.
    pub files: Door,
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    keys: Keys,
    state: Mutex<State>,
    /// Where files lie, once that is open.
    files: OnceLock<String>,
}

#[derive(Default)]
pub(super) struct State {
    devices: BTreeMap<u64, Device>,
    /// Numbers whose device is another number's.
    aliases: BTreeMap<u64, u64>,
    online: HashMap<u64, UnboundedSender<Out>>,
    /// How many connections say that they are the device of a number, and how many did at once, at most.
    clients: HashMap<u64, (usize, usize)>,
    /// How often a device of a number logged in.
    logins: HashMap<u64, usize>,
    /// Codes that are shown, by their reference, and who shows them.
    shown: HashMap<String, UnboundedSender<Out>>,
    /// Codes that are to be typed, by the number of the phone.
    typed: HashMap<u64, typed::TypedCode>,
    /// Numbers whose phones scanned, in their order: each becomes linked when its client answers.
    linking: Option<u64>,
    /// Numbers without WhatsApp.
    strangers: BTreeSet<u64>,
    faults: VecDeque<Fault>,
    /// What a login of this number is answered with, instead of success.
    refusals: HashMap<u64, Node>,
    /// What time it says it is, in seconds; none: it says none.
    time: Option<i64>,
    /// When new chats are allowed again, in seconds; none: nothing is locked.
    locked_until: Option<i64>,
    /// New chats that are used, of how many, until when in seconds; none: they are not counted.
    quota: Option<(u32, u32, i64)>,
    /// How a phone that scans answers.
    scan: Scan,
    /// Messages that were taken: from, to, id.
    taken: Vec<(u64, u64, String)>,
    /// Under which ids the next messages of a number travel on.
    renamed: HashMap<u64, VecDeque<String>>,
    /// What a device has not acknowledged, in its order.
    kept: BTreeMap<u64, Vec<Kept>>,
    /// Stanzas of a number that are lost on the way: their tag, and a child that they have; any, where it is empty.
    lost: Vec<(u64, &'static str, &'static str)>,
    /// How many were.
    were_lost: usize,
    groups: BTreeMap<String, (String, Vec<u64>)>,
    /// Channels: id, name, and the role of whoever asks.
    channels: Vec<(String, String, &'static str)>,
    /// Where somebody's picture is, by the name that it is asked for under.
    pictures: HashMap<String, String>,
    shelf: files::Shelf,
    /// What each phone remembers of its device.
    phones: HashMap<u64, phone::Sessions>,
    seen: Vec<Node>,
    /// How often anybody called.
    calls: usize,
    next: u64,
}

/// How a phone answers a code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Scan {
    /// As phones do.
    #[default]
    Well,
    /// As the phone of an account that is also used with the Cloud API.
    Hosted,
    /// The account wants its passkey first.
    Passkey,
}

/// A linked device.
#[derive(Clone, Default)]
struct Device {
    identity: Vec<u8>,
    /// What the device signed of the phone's answer.
    account: Vec<u8>,
    registration: Vec<u8>,
    once: Vec<Node>,
    signed: Option<Node>,
}

/// Something that a device gets until it acknowledges it: a message, or the receipt of one of its own.
pub(super) struct Kept {
    id: String,
    /// WhatsApp's word for a receipt; none: a message.
    receipt: Option<String>,
    stanza: Node,
}

/// What is written to a connection.
pub(super) enum Out {
    Stanza(Node),
    /// The connection ends after what was written before.
    End,
}

impl WhatsApp {
    pub async fn start() -> Self {
        let shared = Arc::new(Shared { keys: Keys::new(), state: Mutex::default(), files: OnceLock::new() });
        let shelf = shared.clone();
        let files = Door::open(move |stream| files::serve(shelf.clone(), stream)).await;
        let _ = shared.files.set(files.addr.to_string());
        let of = shared.clone();
        let door = Door::open(move |stream| {
            let shared = of.clone();
            async move {
                if let Err(e) = noise::serve(&shared, stream).await {
                    // Clients hang up in the middle of anything; a test that cares sees what is missing.
                    let _ = e;
                }
            }
        });
        Self { door: door.await, files, shared }
    }

    /// Where it is, as a setting.
    pub fn url(&self) -> String {
        format!("ws://{}/ws/chat", self.door.addr)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("unpoisoned")
    }
}

impl State {
    /// Whether the phone of `number` lists a device.
    fn lists(&self, number: u64) -> bool {
        self.devices.get(&number).is_some_and(|device| !device.account.is_empty())
    }

    /// Whether a stanza does not arrive.
    fn loses(&mut self, number: u64, node: &Node) -> bool {
        let lost = self.lost.iter().any(|(of, tag, child)| {
            *of == number && *tag == &*node.tag && (child.is_empty() || node.get_optional_child(child).is_some())
        });
        self.were_lost += usize::from(lost);
        lost
    }

    /// Whose device a name means: the number's own or the one that it is an alias of.
    fn device_of(&self, jid: &Jid) -> Option<u64> {
        let number = number_of(jid)?;
        Some(self.aliases.get(&number).copied().unwrap_or(number))
    }
}

/// A stanza that says what time it is, as all that is of this moment does.
fn timed(stanza: NodeBuilder, time: Option<i64>) -> NodeBuilder {
    match time {
        Some(seconds) => stanza.attr("t", seconds.to_string()),
        None => stanza,
    }
}

/// The number behind a name or a hidden id.
fn number_of(jid: &Jid) -> Option<u64> {
    let user: u64 = jid.user_base().parse().ok()?;
    if jid.is_lid() { user.checked_sub(HIDDEN) } else { Some(user) }
}

fn pn(number: u64) -> Jid {
    Jid::pn(number.to_string())
}

fn lid(number: u64) -> Jid {
    Jid::lid((number + HIDDEN).to_string())
}

/// An attribute as text; empty when there is none.
pub fn attribute(node: &Node, name: &str) -> String {
    node.attrs.get(name).map(|v| v.as_str().into_owned()).unwrap_or_default()
}

fn jid_attribute(node: &Node, name: &str) -> Option<Jid> {
    attribute(node, name).parse().ok()
}

fn children(node: Option<&Node>) -> &[Node] {
    node.and_then(|n| n.children()).unwrap_or(&[])
}

fn bytes(node: Option<&Node>) -> Vec<u8> {
    match node.and_then(|n| n.content.as_ref()) {
        Some(whatsapp_rust::wacore_binary::NodeContent::Bytes(bytes)) => bytes.to_vec(),
        _ => Vec::new(),
    }
}

/// The library's own clock is the machine's.
#[expect(clippy::disallowed_methods, reason = "what the library takes must be of today")]
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}
