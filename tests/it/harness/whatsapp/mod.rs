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
mod pairing;
mod phone;
mod relay;
#[cfg(not(feature = "whatsapp-web-double"))]
mod seed;

use super::door::Door;
use noise::Keys;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, OnceLock},
};
use tokio::sync::mpsc::UnboundedSender;
use whatsapp_rust::{Jid, NodeBuilder, wacore_binary::Node, waproto::whatsapp as wa};

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
    /// Codes that are shown, by their reference, and who shows them.
    shown: HashMap<String, UnboundedSender<Out>>,
    /// Numbers whose phones scanned, in their order: each becomes linked when its client answers.
    linking: Option<u64>,
    /// Numbers without WhatsApp.
    strangers: BTreeSet<u64>,
    faults: VecDeque<Fault>,
    /// What a login of this number is answered with, instead of success.
    refusals: HashMap<u64, Node>,
    /// When new chats are allowed again, in seconds; none: nothing is locked.
    locked_until: Option<i64>,
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

    /// The phone of `number` scans this code.
    pub fn scan(&self, number: u64, code: &str) {
        let reference = code.split(',').next().unwrap_or_default();
        let mut state = self.shared.state();
        let shown = state.shown.remove(reference).expect("a code that is shown now");
        let answer = pairing::answer(&self.shared.keys, &mut state, number, code);
        let _ = shown.send(Out::Stanza(answer));
    }

    /// The phone of `from` writes to `to`.
    pub fn write(&self, from: u64, to: u64, id: &str, message: &wa::Message) {
        phone::write(&self.shared, (from, to), id, message);
    }

    /// Somebody writes to `to` on the phone of `number`, and its device is told of it. The other side is not played.
    pub fn write_on_phone(&self, number: u64, to: u64, id: &str, message: wa::Message) {
        phone::tell_own(&self.shared, (number, to), id, message);
    }

    pub fn next_scan(&self, scan: Scan) {
        self.shared.state().scan = scan;
    }

    /// Whether a device is linked to `number`'s phone and has brought its keys.
    pub fn is_linked(&self, number: u64) -> bool {
        self.shared.state().devices.get(&number).is_some_and(|d| d.signed.is_some())
    }

    /// Whether the phone of `number` lists a device.
    pub fn lists(&self, number: u64) -> bool {
        self.shared.state().lists(number)
    }

    pub fn is_online(&self, number: u64) -> bool {
        self.shared.state().online.contains_key(&number)
    }

    /// Whoever writes to `number` reaches the device of `real`.
    pub fn alias(&self, number: u64, real: u64) {
        self.shared.state().aliases.insert(number, real);
    }

    pub fn add_stranger(&self, number: u64) {
        self.shared.state().strangers.insert(number);
    }

    pub fn fault_next(&self, fault: Fault) {
        self.shared.state().faults.push_back(fault);
    }

    /// New chats are locked until then, in seconds; none: not any more.
    pub fn lock_until(&self, seconds: Option<i64>) {
        self.shared.state().locked_until = seconds;
    }

    /// From, to and id of the messages that were taken.
    pub fn taken(&self) -> Vec<(u64, u64, String)> {
        self.shared.state().taken.clone()
    }

    pub fn forget_taken(&self) {
        self.shared.state().taken.clear();
    }

    /// The next message of `number` travels on under this id.
    pub fn rename_next(&self, number: u64, id: &str) {
        self.shared.state().renamed.entry(number).or_default().push_back(id.to_owned());
    }

    /// Whether the device of `number` acknowledged all that was brought to it.
    pub fn has_acknowledged(&self, number: u64, id: &str) -> bool {
        !self.shared.state().kept.get(&number).is_some_and(|kept| kept.iter().any(|k| k.id == id))
    }

    /// Brings what was not acknowledged once more, on the connection that there is.
    pub fn bring_again(&self, number: u64) {
        relay::bring_kept(&self.shared.state(), number);
    }

    /// From now on the stanzas of `number` with this tag, and with this child where it is not empty, are lost on the way.
    pub fn lose(&self, number: u64, tag: &'static str, child: &'static str) {
        self.shared.state().lost.push((number, tag, child));
    }

    /// How many were lost so.
    pub fn were_lost(&self) -> usize {
        self.shared.state().were_lost
    }

    /// Everything arrives again.
    pub fn lose_nothing(&self) {
        let mut state = self.shared.state();
        state.lost.clear();
        state.were_lost = 0;
    }

    /// The word that opens files is good no more; a client has to ask for another one.
    pub fn change_word_of_files(&self) {
        self.shared.state().shelf.change_word();
    }

    /// No file is kept any longer.
    pub fn forget_files(&self) {
        self.shared.state().shelf.clear();
    }

    /// The host of files answers with this status; none: as it should.
    pub fn trouble_files(&self, status: Option<u16>) {
        self.shared.state().shelf.trouble(status);
    }

    /// A channel that everybody here follows, in this role.
    pub fn add_channel(&self, id: &str, name: &str, role: &'static str) {
        self.shared.state().channels.push((id.to_owned(), name.to_owned(), role));
    }

    /// The picture of a number, or of a group by its id.
    pub fn set_picture(&self, whose: &str, url: &str) {
        self.shared.state().pictures.insert(whose.to_owned(), url.to_owned());
    }

    /// The phone of `from` rings `to`.
    pub fn ring(&self, from: u64, to: u64, call: &str) {
        relay::ring(&mut self.shared.state(), (from, to), call);
    }

    /// It rings no more.
    pub fn hang_up(&self, from: u64, to: u64, call: &str) {
        relay::hang_up(&mut self.shared.state(), (from, to), call);
    }

    /// How often anybody called.
    pub fn calls(&self) -> usize {
        self.shared.state().calls
    }

    /// How much the device of `number` has not acknowledged.
    pub fn kept(&self, number: u64) -> usize {
        self.shared.state().kept.get(&number).map_or(0, Vec::len)
    }

    /// The connections of those who show codes end.
    pub fn end_unlinked(&self) {
        for (_, shown) in self.shared.state().shown.drain() {
            let _ = shown.send(Out::End);
        }
    }

    /// The connection of `number` ends, without a word.
    pub fn drop_connection(&self, number: u64) {
        if let Some(online) = self.shared.state().online.remove(&number) {
            let _ = online.send(Out::End);
        }
    }

    /// The connection of `number` ends with this.
    pub fn end_with(&self, number: u64, stanza: Node) {
        if let Some(online) = self.shared.state().online.get(&number) {
            let _ = online.send(Out::Stanza(stanza));
            let _ = online.send(Out::End);
        }
    }

    /// The phone takes the device off its list.
    pub fn unlink(&self, number: u64) {
        let conflict = NodeBuilder::new("conflict").attr("type", "device_removed").build();
        self.end_with(number, NodeBuilder::new("stream:error").attr("code", "401").children([conflict]).build());
        let mut state = self.shared.state();
        state.devices.remove(&number);
        state.refusals.insert(number, NodeBuilder::new("failure").attr("reason", "401").build());
    }

    /// Another client takes the connection over. The end is left to the device: where it came behind this at once, the
    /// device might see it first, and try again.
    pub fn replace(&self, number: u64) {
        let conflict = NodeBuilder::new("conflict").attr("type", "replaced").build();
        let stanza = NodeBuilder::new("stream:error").children([conflict]).build();
        if let Some(online) = self.shared.state().online.get(&number) {
            let _ = online.send(Out::Stanza(stanza));
        }
    }

    /// Logins of `number` end with this failure from now on; none: they are let in.
    pub fn refuse(&self, number: u64, attributes: Option<&[(&'static str, &str)]>) {
        let mut state = self.shared.state();
        let Some(attributes) = attributes else {
            state.refusals.remove(&number);
            return;
        };
        let failure = attributes.iter().fold(NodeBuilder::new("failure"), |b, (k, v)| b.attr(k, (*v).to_owned()));
        state.refusals.insert(number, failure.build());
    }

    /// A group with these members.
    pub fn add_group(&self, id: &str, subject: &str, members: &[u64]) {
        self.shared.state().groups.insert(id.to_owned(), (subject.to_owned(), members.to_vec()));
    }

    /// `by` gives a group another name, and the device of `by` is told.
    pub fn rename_group(&self, id: &str, subject: &str, by: u64) {
        let mut state = self.shared.state();
        if let Some(group) = state.groups.get_mut(id) {
            group.0 = subject.to_owned();
        }
        state.next += 1;
        let notification = format!("group-{}", state.next);
        let subject = NodeBuilder::new("subject").attr("subject", subject.to_owned()).attr("s_t", now().to_string());
        let stanza = NodeBuilder::new("notification")
            .attr("from", id.to_owned())
            .attr("type", "w:gp2")
            .attr("id", notification.clone())
            .attr("participant", lid(by))
            .attr("t", now().to_string())
            .children([subject.build()])
            .build();
        relay::keep(&mut state, by, Kept { id: notification, receipt: None, stanza });
    }

    /// The stanzas with this tag that came from clients, in their order.
    pub fn seen(&self, tag: &str) -> Vec<Node> {
        self.shared.state().seen.iter().filter(|node| &*node.tag == tag).cloned().collect()
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
