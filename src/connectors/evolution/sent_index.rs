//! What is known of the messages that we sent: the server's id of each, what was told of it, and whose fate is open.
//!
//! The server has no field for our own id, so an id of its own is learnt from its answer. A receipt may come before
//! that answer; it is kept until the answer says whose it is. A message whose answer never came is looked for among
//! those that the server says were sent.
//!
//! All of it is lost with the process, and bounded; [`sweep`](crate::connectors::evolution::catch_up) asks the server about what remains open.

use super::reading::{PersonServer, server_kind};
use crate::{
    connectors::Outgoing,
    model::{clock::Time, ids::MessageId, message::Receipt},
};
use std::collections::{HashMap, VecDeque};

/// Ids that are remembered.
const IDS_MAX: usize = 20_000;
/// Early receipts and open messages that are remembered.
const OPEN_MAX: usize = 1_000;

/// A receipt of the server's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct EarlyReceipt {
    pub(super) id: String,
    pub(super) receipt: Receipt,
    pub(super) at: Time,
    pub(super) message: Option<MessageId>,
    pub(super) code: Option<String>,
    pub(super) reason: Option<String>,
}

/// A message that was handed over without an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Open {
    pub(super) message: MessageId,
    /// To whom, as the gateway spells it.
    pub(super) to: String,
    /// Its text; none for a file.
    pub(super) text: Option<String>,
}

#[derive(Default)]
pub(super) struct SentIndex {
    by_id: HashMap<String, SentMessage>,
    order: VecDeque<String>,
    in_flight: Vec<Open>,
    unanswered: VecDeque<Open>,
    early: VecDeque<EarlyReceipt>,
    /// What is to be told as soon as possible.
    untold: VecDeque<EarlyReceipt>,
}

#[derive(Default)]
struct SentMessage {
    message: Option<MessageId>,
    told: u8,
    /// Under which hidden id its recipient is known was told.
    is_named: bool,
}

/// In the place of a receipt's rank: an inbound message.
const HEARD: u8 = 9;

const fn rank(receipt: Receipt) -> u8 {
    match receipt {
        Receipt::Server => 1,
        Receipt::Delivered => 2,
        Receipt::Read => 3,
        Receipt::Failed => 4,
    }
}

impl SentIndex {
    /// A message leaves.
    pub(super) fn begin(&mut self, out: &Outgoing, text: Option<String>) {
        let open = Open { message: out.message_id.clone(), to: out.to.to_string(), text };
        self.in_flight.push(open);
    }

    /// Its answer came, with the server's id of it or with a failure.
    pub(super) fn answered(&mut self, message: &MessageId, id: Option<&str>) {
        self.in_flight.retain(|open| open.message != *message);
        if let Some(id) = id {
            self.learn(id, message);
        }
    }

    /// Nobody can tell whether it left; `false` when it was answered.
    pub(super) fn unanswered(&mut self, message: &MessageId) -> bool {
        let Some(at) = self.in_flight.iter().position(|open| open.message == *message) else { return false };
        bounded(&mut self.unanswered, OPEN_MAX);
        self.unanswered.push_back(self.in_flight.swap_remove(at));
        true
    }

    /// Whether it is on its way right now.
    pub(super) fn is_in_flight(&self, message: &MessageId) -> bool {
        self.in_flight.iter().any(|open| open.message == *message)
    }

    /// Whether this id is another message's.
    pub(super) fn is_anothers(&self, id: &str, message: &MessageId) -> bool {
        self.by_id.get(id).and_then(|k| k.message.as_ref()).is_some_and(|known| known != message)
    }

    /// Whether it is a message of ours that is known.
    pub(super) fn is_ours(&self, id: &str) -> bool {
        self.by_id.get(id).is_some_and(|known| known.message.is_some())
    }

    /// Somebody's message was recorded.
    pub(super) fn note_heard(&mut self, id: &str) {
        self.known(id).told = HEARD;
    }

    /// Whether somebody's message was recorded lately.
    pub(super) fn was_heard(&self, id: &str) -> bool {
        self.by_id.get(id).is_some_and(|k| k.told == HEARD)
    }

    /// Whether a message that the server does not call ours may be ours all the same: its id is Meta's, and nobody wrote
    /// to us under it.
    pub(super) fn may_be_ours(&self, id: &str) -> bool {
        super::outgoing::is_metas(id) && !self.was_heard(id)
    }

    /// This id is that message; what was heard of it before will be told.
    pub(super) fn learn(&mut self, id: &str, message: &MessageId) {
        self.known(id).message = Some(message.clone());
        self.unanswered.retain(|open| open.message != *message);
        let (mine, others) = std::mem::take(&mut self.early).into_iter().partition(|told| told.id == id);
        self.early = others;
        let mine: VecDeque<EarlyReceipt> = mine;
        self.untold.extend(mine.into_iter().map(|told| EarlyReceipt { message: Some(message.clone()), ..told }));
    }

    /// Which of the unanswered messages the server speaks of when it says that it sent `text` to `chat`; none when
    /// that is not certain. The chat's number only speaks against: providers change digits.
    pub(super) fn match_sent(&self, text: &str, chat: &str) -> Option<MessageId> {
        let same = |open: &&Open| open.text.as_deref() == Some(text) && may_be(&open.to, chat);
        if self.in_flight.iter().any(|open| same(&open)) {
            return None;
        }
        let mut found = self.unanswered.iter().filter(same);
        found.next().filter(|_| found.next().is_none()).map(|open| open.message.clone())
    }

    /// Whether a receipt of this id is news, and whose message it is.
    pub(super) fn look(&self, id: &str, receipt: Receipt) -> (bool, Option<MessageId>) {
        let known = self.by_id.get(id);
        (known.is_none_or(|k| k.told < rank(receipt)), known.and_then(|k| k.message.clone()))
    }

    /// Keeps a receipt of an id that may belong to a message whose answer is still to come.
    pub(super) fn keep_early(&mut self, told: &EarlyReceipt) {
        if told.message.is_none() && !(self.in_flight.is_empty() && self.unanswered.is_empty()) {
            bounded(&mut self.early, OPEN_MAX);
            self.early.push_back(told.clone());
        }
    }

    /// It is recorded.
    pub(super) fn note_told(&mut self, id: &str, receipt: Receipt) {
        let known = self.known(id);
        // One that nobody knew yet is told again once its message is known.
        if known.message.is_some() {
            known.told = known.told.max(rank(receipt));
        }
    }

    /// Whether it was told under which hidden id this message's recipient is known.
    pub(super) fn was_named(&self, id: &str) -> bool {
        self.by_id.get(id).is_some_and(|known| known.is_named)
    }

    /// It was told. Of a message that nobody knew yet it is told again.
    pub(super) fn note_named(&mut self, id: &str) {
        if let Some(known) = self.by_id.get_mut(id).filter(|known| known.message.is_some()) {
            known.is_named = true;
        }
    }

    pub(super) fn next_untold(&self) -> Option<EarlyReceipt> {
        self.untold.front().cloned()
    }

    pub(super) fn drop_untold(&mut self) {
        self.untold.pop_front();
    }

    fn known(&mut self, id: &str) -> &mut SentMessage {
        if !self.by_id.contains_key(id) {
            if self.order.len() >= IDS_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.by_id.remove(&oldest);
            }
            self.order.push_back(id.to_owned());
        }
        self.by_id.entry(id.to_owned()).or_default()
    }
}

fn bounded<T>(queue: &mut VecDeque<T>, max: usize) {
    while queue.len() >= max {
        queue.pop_front();
    }
}

/// Whether a message to `to` may stand in `chat`: the same group or hidden id, or a number with the same end.
pub(super) fn may_be(to: &str, chat: &str) -> bool {
    const SAME_END: usize = 8;
    let user = chat.split(['@', ':']).next().unwrap_or_default();
    let server = chat.split_once('@').and_then(|(_, server)| server_kind(server));
    match to.strip_prefix('+') {
        Some(digits) if server == Some(PersonServer::Numbers) => {
            let end = |s: &str| s.get(s.len().saturating_sub(SAME_END)..).map(str::to_owned);
            end(digits) == end(user)
        }
        _ => to == chat,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        connectors::{Address, Content},
        model::{ids::InstanceId, phone::Phone},
    };

    fn out(id: &str, phone: &str, text: &str) -> Outgoing {
        Outgoing {
            instance: InstanceId::from_text("line"),
            message_id: MessageId::from_text(id),
            to: Address::Phone(Phone::parse(phone, None).expect("a number")),
            content: Content::Text(text.to_owned()),
            reply_to: None,
            outside_window: false,
        }
    }

    fn told(id: &str, receipt: Receipt) -> EarlyReceipt {
        EarlyReceipt { id: id.into(), receipt, at: Time::from_millis(0), message: None, code: None, reason: None }
    }

    #[test]
    fn an_early_receipt_waits_for_its_message() {
        let mut keys = SentIndex::default();
        keys.keep_early(&told("A", Receipt::Server));
        keys.begin(&out("m1", "+5511987654321", "x"), Some("x".into()));
        keys.keep_early(&told("B", Receipt::Server));
        keys.note_told("B", Receipt::Server);
        keys.answered(&MessageId::from_text("m1"), Some("B"));
        assert_eq!(keys.look("B", Receipt::Server), (true, Some(MessageId::from_text("m1"))), "to be told again");
        let next = keys.next_untold().expect("B's");
        assert_eq!((next.id.as_str(), next.message), ("B", Some(MessageId::from_text("m1"))));
        keys.drop_untold();
        keys.note_told("B", Receipt::Delivered);
        assert!(!keys.look("B", Receipt::Server).0 && keys.look("B", Receipt::Read).0);
        assert_eq!(keys.next_untold(), None, "nothing was in flight when A was heard");
    }

    #[test]
    fn an_unanswered_message_is_found_only_when_it_is_certain() {
        let mut keys = SentIndex::default();
        for (id, phone, text) in [("m1", "+5511987654321", "same"), ("m2", "+5511912345678", "same")] {
            keys.begin(&out(id, phone, text), Some(text.into()));
            assert!(keys.unanswered(&MessageId::from_text(id)));
        }
        // Brazil's numbers lose their ninth digit on the way.
        let found = |keys: &SentIndex, text: &str, chat: &str| keys.match_sent(text, chat).map(|m| m.to_string());
        assert_eq!(found(&keys, "same", "551187654321@s.whatsapp.net").as_deref(), Some("m1"));
        assert_eq!(found(&keys, "same", "5511912345678@s.whatsapp.net").as_deref(), Some("m2"));
        assert_eq!(found(&keys, "other", "551187654321@s.whatsapp.net"), None);
        assert_eq!(found(&keys, "same", "551100000000@s.whatsapp.net"), None);
        assert_eq!(found(&keys, "same", "77@lid"), None, "a hidden id proves nothing");
        keys.begin(&out("m3", "+5511987654321", "same"), Some("same".into()));
        assert_eq!(found(&keys, "same", "551187654321@s.whatsapp.net"), None, "it may be the one on its way");
        keys.answered(&MessageId::from_text("m3"), Some("C"));
        keys.learn("D", &MessageId::from_text("m1"));
        assert_eq!(found(&keys, "same", "551187654321@s.whatsapp.net"), None, "m1 is known now");
    }

    #[test]
    fn what_is_not_called_ours_may_be_ours() {
        let mut keys = SentIndex::default();
        keys.learn("3EB0", &MessageId::from_text("m1"));
        keys.note_heard("3EB1");
        keys.note_heard("wamid.heard");
        for (id, may_be) in
            [("3EB0", false), ("3EB1", false), ("3EB2", false), ("wamid.heard", false), ("wamid.x", true)]
        {
            assert_eq!(keys.may_be_ours(id), may_be, "{id}");
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut keys = SentIndex::default();
        keys.begin(&out("m1", "+5511987654321", "x"), None);
        for n in 0..IDS_MAX + 5 {
            keys.learn(&format!("id{n}"), &MessageId::from_text("m"));
            keys.keep_early(&told(&format!("early{n}"), Receipt::Server));
        }
        assert_eq!((keys.by_id.len(), keys.order.len(), keys.early.len()), (IDS_MAX, IDS_MAX, OPEN_MAX));
    }
}
