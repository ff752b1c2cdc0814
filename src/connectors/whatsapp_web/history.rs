//! The chats that the phone held before it was linked: it shares them after the scan, in parts, the newest messages first.
//!
//! They are told as of long ago: they stand in the chat, nothing is unread by them, no program hears of them. What is taken
//! is bounded by age, in each chat and in all; files stay on the phone. The phone brings a part once: the library tells it
//! that a part came before it fetches it. So what was fetched lies on disk until it is recorded, and a kill in the middle
//! only makes it late; a part that a kill cuts off while it is being fetched is missing.

use super::{
    WebInner, ids,
    reading::{self, BroughtMessage},
    session::{is_own, names},
    store::PackedPart,
};
use crate::{
    connectors::{
        EventKind,
        inbound_event::{RemoteParty, Told},
    },
    model::clock::Time,
};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use whatsapp_rust::{
    Jid,
    bytes::Bytes,
    prelude::{Client, wa},
    types::events::LazyHistorySync,
    wacore::history_sync::{HistorySyncError, HistorySyncStream},
    wacore_binary::JidExt as _,
};

/// Messages of one chat that are taken from one part at most.
const CHAT_MAX: usize = 200;
/// Messages that are taken after one login at most.
const ALL_MAX: usize = 10_000;
/// Messages that are recorded together.
const TOGETHER: usize = 50;

/// How far the sharing is.
#[derive(Default)]
pub(super) struct Past {
    /// Parts are recorded one after the other.
    turn: tokio::sync::Mutex<()>,
    /// So many messages were taken since the login.
    taken: AtomicUsize,
}

impl Past {
    /// The phone is linked anew.
    pub(super) fn begin(&self) {
        self.taken.store(0, Ordering::Relaxed);
    }
}

/// One part, as far as it is taken.
#[derive(Default)]
struct SharedPart {
    chats: Vec<SharedChat>,
    /// What people call themselves.
    names: Vec<(Jid, String)>,
}

struct SharedChat {
    jid: Jid,
    /// Who the other side is, as far as the part itself says.
    other: RemoteParty,
    /// The newest first.
    messages: Vec<wa::WebMessageInfo>,
}

impl WebInner {
    /// A part came: it is kept when this ends, and recorded beside all else.
    pub(super) async fn take_part(self: &Arc<Self>, part: &LazyHistorySync) {
        let part = PackedPart { bytes: part.compressed_bytes().clone(), size: part.decompressed_size() as u64 };
        let (file, kept) = (self.file.clone(), part.clone());
        let kept = tokio::task::spawn_blocking(move || file.keep_part(&kept)).await;
        let path = kept.unwrap_or_else(|e| Err(e.into())).inspect_err(|e| {
            tracing::warn!(instance = %self.instance, "a part of the phone's chats cannot be kept: {e}");
        });
        let inner = self.clone();
        tokio::spawn(async move { inner.record_part(path.ok(), part).await });
    }

    /// Goes on with the parts that were not recorded when the gateway ended.
    pub(super) fn resume_parts(self: &Arc<Self>) {
        let inner = self.clone();
        tokio::spawn(async move {
            for path in inner.file.kept_parts() {
                match PackedPart::read(&path) {
                    Ok(part) => inner.record_part(Some(path), part).await,
                    Err(e) => tracing::warn!(instance = %inner.instance, "a part of the phone's chats: {e}"),
                }
            }
        });
    }

    /// Records a part, and deletes it where it lies.
    async fn record_part(self: &Arc<Self>, path: Option<PathBuf>, part: PackedPart) {
        let _turn = self.past.turn.lock().await;
        // Recorded by an earlier connection of this life.
        if path.as_ref().is_some_and(|path| !path.exists()) {
            return;
        }
        let is_done = self.record_history(part).await && !self.line.is_stopped();
        if let Some(path) = path.filter(|_| is_done)
            && let Err(e) = std::fs::remove_file(path)
        {
            tracing::warn!(instance = %self.instance, "a part of the phone's chats is not deleted: {e}");
        }
    }

    /// Whether it need not be tried again.
    async fn record_history(self: &Arc<Self>, PackedPart { bytes, size }: PackedPart) -> bool {
        let Some(client) = self.client() else { return false };
        let days = Duration::from_secs(u64::from(self.settings.history_days) * 24 * 3600);
        let since = self.clock.now().minus(days);
        let left = ALL_MAX.saturating_sub(self.past.taken.load(Ordering::Relaxed));
        let read = tokio::task::spawn_blocking(move || read(&bytes, size, since, left)).await;
        let shared = match read {
            Ok(Ok(shared)) => shared,
            Ok(Err(e)) => {
                tracing::warn!(instance = %self.instance, "a part of the phone's chats cannot be read: {e}");
                return true;
            }
            Err(_) => return false,
        };
        for chat in shared.chats.into_iter().filter(|chat| !is_own(&client, &chat.jid)) {
            let told = self.tell_old(&client, chat).await;
            self.past.taken.fetch_add(told, Ordering::Relaxed);
        }
        let named = shared.names.into_iter().map(|(jid, name)| {
            let mut names = RemoteParty { name: Some(name), ..RemoteParty::default() };
            ids::name(&mut names, &jid);
            (self.clock.now(), EventKind::Person { names, former: RemoteParty::default() })
        });
        let named: Vec<_> = named.collect();
        for together in named.chunks(TOGETHER) {
            self.tell_all_surely(together.to_vec()).await;
        }
        true
    }

    /// Tells the messages of one chat; how many those were.
    async fn tell_old(&self, client: &Arc<Client>, chat: SharedChat) -> usize {
        let known = names(client, &chat.jid).await;
        let other =
            RemoteParty { phone: chat.other.phone.or(known.phone), lid: chat.other.lid.or(known.lid), ..chat.other };
        let mut told = Vec::with_capacity(chat.messages.len());
        for old in &chat.messages {
            let from = match author(&chat.jid, old) {
                Some(author) if chat.jid.is_group() => names(client, &author).await,
                _ => other.clone(),
            };
            told.extend(self.old(&chat.jid, old, from));
        }
        for together in told.chunks(TOGETHER) {
            self.tell_all_surely(together.to_vec()).await;
        }
        told.len()
    }

    /// One message of long ago; `other` is who wrote it, or to whom we wrote it.
    fn old(&self, chat: &Jid, old: &wa::WebMessageInfo, other: RemoteParty) -> Option<(Time, EventKind)> {
        let key = old.key.as_option()?;
        let (id, content) = (key.id.as_deref()?, old.message.as_option()?);
        let written = BroughtMessage { id, chat, content, told: Told::History };
        let group = |id: &str| self.group_name(id);
        let what = if key.from_me == Some(true) {
            let to = if chat.is_group() { RemoteParty::default() } else { other };
            reading::ours(&written, to, group)?
        } else {
            let name = old.push_name.clone().filter(|name| !name.is_empty() && name != "-");
            let from = RemoteParty { name: name.or(other.name), ..other };
            // Known before anybody can answer it.
            self.memory().heard(id, chat, &author(chat, old).unwrap_or_else(|| chat.clone()));
            EventKind::Message(reading::message(&written, from, group)?)
        };
        Some((at(old), what))
    }
}

fn at(old: &wa::WebMessageInfo) -> Time {
    let seconds = i64::try_from(old.message_timestamp.unwrap_or(0)).unwrap_or(0);
    Time::from_millis(seconds.saturating_mul(1000))
}

/// Who wrote it, in a group.
fn author(chat: &Jid, old: &wa::WebMessageInfo) -> Option<Jid> {
    let named = old.participant.as_ref().or_else(|| old.key.as_option()?.participant.as_ref());
    named.filter(|_| chat.is_group())?.parse().ok()
}

/// What is taken of a part: conversations' messages since then, `left` at most.
fn read(compressed: &Bytes, size: u64, since: Time, left: usize) -> Result<SharedPart, HistorySyncError> {
    let (mut part, mut left) = (SharedPart::default(), left);
    let mut stream = HistorySyncStream::new(compressed, size);
    while let Some(conversation) = stream.next_conversation()? {
        let jid = conversation.id.parse::<Jid>().ok().filter(ids::is_conversation);
        let Some(jid) = jid.filter(|_| left > 0) else { continue };
        let mut other = RemoteParty { name: conversation.name.or(conversation.display_name), ..RemoteParty::default() };
        let named = [Some(jid.to_string()), conversation.pn_jid, conversation.lid_jid].into_iter().flatten();
        named.filter_map(|name| name.parse().ok()).for_each(|name| ids::name(&mut other, &name));
        let all = conversation.messages.into_iter().filter_map(|m| m.message.into_option());
        let mut messages: Vec<_> = all.filter(|old| at(old) >= since).collect();
        // An opt-out holds unless it was taken back later: what came later must be known first.
        messages.sort_by_key(|old| std::cmp::Reverse(old.message_timestamp));
        messages.truncate(CHAT_MAX.min(left));
        left -= messages.len();
        if !messages.is_empty() {
            part.chats.push(SharedChat { jid, other, messages });
        }
    }
    let named = stream.remainder()?.pushnames.into_iter().filter_map(|named| {
        let name = named.pushname.filter(|name| !name.is_empty() && name != "-")?;
        Some((named.id?.parse().ok()?, name))
    });
    part.names = named.take(ALL_MAX).collect();
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use whatsapp_rust::{buffa::Message as _, prelude::MessageField};

    const PERSON: &str = "966501234567@s.whatsapp.net";

    fn said(id: &str, seconds: u64) -> wa::HistorySyncMsg {
        let key = wa::MessageKey { id: Some(id.into()), remote_jid: Some(PERSON.into()), ..Default::default() };
        let message = wa::WebMessageInfo {
            key: MessageField::some(key),
            message: MessageField::some(wa::Message { conversation: Some(id.into()), ..Default::default() }),
            message_timestamp: Some(seconds),
            ..Default::default()
        };
        wa::HistorySyncMsg { message: MessageField::some(message), ..Default::default() }
    }

    fn chat(id: &str, messages: Vec<wa::HistorySyncMsg>) -> wa::Conversation {
        wa::Conversation { id: id.into(), messages, name: Some("Noura".into()), ..Default::default() }
    }

    fn part(conversations: Vec<wa::Conversation>, since: i64, left: usize) -> SharedPart {
        let names = vec![
            wa::Pushname { id: Some(PERSON.into()), pushname: Some("Noura".into()) },
            wa::Pushname { id: Some(PERSON.into()), pushname: Some("-".into()) },
        ];
        let whole = wa::HistorySync { conversations, pushnames: names, ..Default::default() }.encode_to_vec();
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&whole).expect("packed");
        let packed = Bytes::from(packed.finish().expect("packed"));
        read(&packed, whole.len() as u64, Time::from_millis(since * 1000), left).expect("a part")
    }

    fn taken(part: &SharedPart) -> Vec<Vec<&str>> {
        part.chats
            .iter()
            .map(|c| c.messages.iter().filter_map(|m| m.key.as_option()?.id.as_deref()).collect())
            .collect()
    }

    #[test]
    fn what_is_taken_is_bounded_by_age_in_each_chat_and_in_all() {
        let all = || {
            let many = (0..300).map(|n| said(&format!("m{n}"), 1000 + n)).collect();
            vec![
                chat(PERSON, vec![said("old", 999), said("first", 1000), said("last", 2000)]),
                chat("status@broadcast", vec![said("status", 2000)]),
                chat("966500000001@s.whatsapp.net", many),
            ]
        };
        let part_1 = part(all(), 1000, ALL_MAX);
        let chats = taken(&part_1);
        assert_eq!((chats[0].as_slice(), chats.len()), (["last", "first"].as_slice(), 2), "the newest first");
        assert_eq!((chats[1].len(), chats[1][0]), (CHAT_MAX, "m299"));
        assert_eq!(part_1.chats[0].other.phone.as_deref(), Some("+966501234567"));
        assert_eq!(part_1.names.len(), 1);
        let part_2 = part(all(), 0, 4);
        assert_eq!(taken(&part_2).iter().map(Vec::len).collect::<Vec<_>>(), [3, 1]);
        assert!(part(all(), 0, 0).chats.is_empty());
    }
}
