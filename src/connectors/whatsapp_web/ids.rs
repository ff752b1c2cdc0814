//! Who is who: our addresses and WhatsApp's, our message ids and the ones that messages travel under.
//!
//! A message travels under an id that is made of our own one, so that it is known before it leaves and after a crash. It
//! looks like the ids of WhatsApp Web: `3EB0` and 18 hexadecimal digits.

use crate::{
    connectors::{Ack, Address, SendError, inbound_event::RemoteParty},
    model::{clock::Time, ids::MessageId, message::Receipt},
};
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, VecDeque};
use tokio::sync::oneshot;
use whatsapp_rust::{Jid, wacore_binary::JidExt as _};

/// Messages that are remembered, each way.
const IDS_MAX: usize = 20_000;

/// The id that a message of ours travels under.
pub(super) fn travelling(message: &MessageId) -> String {
    let digest = Sha256::digest(message.as_str().as_bytes());
    digest.iter().take(9).fold("3EB0".to_owned(), |id, byte| id + &format!("{byte:02X}"))
}

/// WhatsApp's name of an address; none for one that it does not have.
pub(super) fn jid(to: &Address) -> Option<Jid> {
    match to {
        Address::Phone(phone) => Some(Jid::pn(phone.digits())),
        Address::Lid(id) | Address::Group(id) => id.parse().ok(),
        Address::Bsuid(_) => None,
    }
}

/// Adds what a name tells to a person: a number or a hidden id.
pub(super) fn name(sender: &mut RemoteParty, jid: &Jid) {
    let user = jid.user_base();
    if jid.server.is_pn_family() && (8..=15).contains(&user.len()) && user.bytes().all(|b| b.is_ascii_digit()) {
        sender.phone.get_or_insert_with(|| format!("+{user}"));
    } else if jid.server.is_lid_family() {
        sender.lid.get_or_insert_with(|| format!("{user}@lid"));
    }
}

/// The number of a name.
pub(super) fn phone(jid: &Jid) -> Option<String> {
    let mut sender = RemoteParty::default();
    name(&mut sender, jid);
    sender.phone
}

/// Whether a chat is a person's or a group's: what else there is (status, broadcasts, channels) is no conversation.
pub(super) fn is_conversation(chat: &Jid) -> bool {
    chat.is_group() || chat.server.is_pn_family() || chat.server.is_lid_family()
}

/// What waits for WhatsApp's word about a message.
type Waiting = oneshot::Sender<Result<(), String>>;

/// The messages that we sent, by the id that they travel under, and the ones that others wrote.
#[derive(Default)]
pub(super) struct Memory {
    ours: Bounded<MessageId>,
    waiting: HashMap<String, Waiting>,
    theirs: Bounded<(Jid, Jid)>,
    /// The rank of what was told of a message last: each device of the recipient sends a receipt of its own.
    told: Bounded<u8>,
}

/// What stands above what: a message only moves up.
const fn rank(receipt: Receipt) -> u8 {
    match receipt {
        Receipt::Server => 1,
        Receipt::Delivered => 2,
        Receipt::Read => 3,
        Receipt::Failed => 4,
    }
}

/// The newest so many.
struct Bounded<T> {
    by_id: HashMap<String, T>,
    order: VecDeque<String>,
}

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Self { by_id: HashMap::new(), order: VecDeque::new() }
    }
}

impl<T> Bounded<T> {
    fn put(&mut self, id: &str, value: T) {
        if self.by_id.insert(id.to_owned(), value).is_none() {
            self.order.push_back(id.to_owned());
        }
        while self.order.len() > IDS_MAX {
            let oldest = self.order.pop_front();
            oldest.map(|id| self.by_id.remove(&id));
        }
    }
}

impl Memory {
    /// A message that left in an earlier life, or may have.
    pub(super) fn know(&mut self, message: &MessageId) {
        self.ours.put(&travelling(message), message.clone());
    }

    /// A message leaves: its id, and what tells WhatsApp's word about it.
    pub(super) fn begin(&mut self, message: &MessageId) -> (String, oneshot::Receiver<Result<(), String>>) {
        let id = travelling(message);
        self.ours.put(&id, message.clone());
        let (waiting, told) = oneshot::channel();
        self.waiting.insert(id.clone(), waiting);
        (id, told)
    }

    /// Nobody waits for the word about it any more.
    pub(super) fn give_up(&mut self, id: &str) {
        self.waiting.remove(id);
    }

    /// WhatsApp's word: `false` when nobody waited for it.
    pub(super) fn settle(&mut self, id: &str, refusal: Option<&str>) -> bool {
        let word = refusal.map_or(Ok(()), |code| Err(code.to_owned()));
        self.waiting.remove(id).is_some_and(|waiting| waiting.send(word).is_ok())
    }

    /// The connection is gone: no word comes any more for what waits.
    pub(super) fn disconnected(&mut self) {
        self.waiting.clear();
    }

    /// Which of our messages travels under this id.
    pub(super) fn ours(&self, id: &str) -> Option<MessageId> {
        self.ours.by_id.get(id).cloned()
    }

    /// Whether a receipt says more than was told already; from now on it is told.
    pub(super) fn is_news(&mut self, id: &str, receipt: Receipt) -> bool {
        let is_news = self.told.by_id.get(id).is_none_or(|told| *told < rank(receipt));
        if is_news {
            self.told.put(id, rank(receipt));
        }
        is_news
    }

    /// Somebody wrote in a chat.
    pub(super) fn heard(&mut self, id: &str, chat: &Jid, author: &Jid) {
        self.theirs.put(id, (chat.clone(), author.clone()));
    }

    /// In which chat a message was heard, and who wrote it.
    pub(super) fn theirs(&self, id: &str) -> Option<(Jid, Jid)> {
        self.theirs.by_id.get(id).cloned()
    }
}

/// The outcome of a message whose word came.
pub(super) fn acknowledged(id: String, names: RemoteParty) -> Result<Ack, SendError> {
    Ok(Ack { provider_message_id: id, acknowledged: true, names })
}

/// WhatsApp's time as ours.
pub(super) fn time(at: whatsapp_rust::wacore::chrono::DateTime<whatsapp_rust::wacore::chrono::Utc>) -> Time {
    Time::from_millis(at.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::phone::Phone;

    #[test]
    fn an_id_is_always_the_same_and_looks_like_theirs() {
        let one = travelling(&MessageId::from_text("msg_01A"));
        assert_eq!(one, travelling(&MessageId::from_text("msg_01A")));
        assert_ne!(one, travelling(&MessageId::from_text("msg_01B")));
        assert!(one.starts_with("3EB0") && one.len() == 22, "{one}");
        assert!(one.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b)), "{one}");
    }

    #[test]
    fn addresses_have_names_there() {
        let phone_of = |text| Address::Phone(Phone::parse(text, None).expect("a number"));
        for (address, name) in [
            (phone_of("+966501234567"), Some("966501234567@s.whatsapp.net")),
            (Address::Lid("77@lid".into()), Some("77@lid")),
            (Address::Group("120363@g.us".into()), Some("120363@g.us")),
            (Address::Group("120363@newsletter".into()), Some("120363@newsletter")),
            (Address::Bsuid("US.1".into()), None),
        ] {
            assert_eq!(jid(&address).map(|j| j.to_string()).as_deref(), name);
        }
        let mut sender = RemoteParty::default();
        for text in ["966501234567:12@s.whatsapp.net", "77:3@lid", "120363@g.us"] {
            name(&mut sender, &text.parse().expect("a name"));
        }
        assert_eq!((sender.phone.as_deref(), sender.lid.as_deref()), (Some("+966501234567"), Some("77@lid")));
        assert_eq!(phone(&"5@s.whatsapp.net".parse().expect("a name")), None, "no number is so short");
    }

    #[test]
    fn a_word_reaches_who_waits_and_memory_is_bounded() {
        let mut memory = Memory::default();
        let message = MessageId::from_text("msg_01A");
        let (id, mut told) = memory.begin(&message);
        assert!(memory.settle(&id, Some("463")) && !memory.settle(&id, None));
        assert_eq!(told.try_recv(), Ok(Err("463".to_owned())));
        let (id, mut told) = memory.begin(&message);
        memory.disconnected();
        assert!(told.try_recv().is_err() && memory.ours(&id) == Some(message));
        let told = [Receipt::Delivered, Receipt::Delivered, Receipt::Read, Receipt::Delivered, Receipt::Read];
        let news: Vec<bool> = told.into_iter().map(|receipt| memory.is_news(&id, receipt)).collect();
        assert_eq!(news, [true, false, true, false, false], "each device sends its own");
        let chat = Jid::pn("966501234567");
        for n in 0..IDS_MAX + 3 {
            memory.heard(&format!("id{n}"), &chat, &chat);
        }
        assert!(memory.theirs("id2").is_none() && memory.theirs("id3").is_some());
        assert_eq!((memory.theirs.by_id.len(), memory.theirs.order.len()), (IDS_MAX, IDS_MAX));
    }
}
