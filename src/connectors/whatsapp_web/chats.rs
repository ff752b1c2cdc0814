//! What is done in chats besides writing: read marks, "is writing", who has WhatsApp, calls that ring.

use super::{WebInner, ids, sending::ASK_WITHIN, wire::in_time};
use crate::{
    connectors::{ActionError, Address, provider_text::repeated},
    model::{clock::Time, phone::Phone},
};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};
use whatsapp_rust::{Jid, prelude::Client, wacore_binary::JidExt as _};

/// Numbers that are asked for at once.
const NUMBERS_MAX: usize = 50;
/// Numbers that are asked for in an hour: whoever asks for many looks like a campaign.
const ASKED_MAX: usize = 300;
const HOUR: Duration = Duration::from_secs(3600);
/// How long an answer holds: a number that has WhatsApp keeps it, one that has none may get it any day.
const HOLDS: (Duration, Duration) = (Duration::from_secs(7 * 24 * 3600), HOUR);
/// Answers that are remembered.
const KNOWN_MAX: usize = 10_000;
/// Calls that are remembered while they ring.
const RINGING_MAX: usize = 100;

/// Which numbers have WhatsApp, as far as it was asked lately.
#[derive(Default)]
pub(super) struct Numbers {
    known: HashMap<String, (bool, Time)>,
    order: VecDeque<String>,
    asked: VecDeque<Time>,
}

impl Numbers {
    fn get(&self, user: &str, now: Time) -> Option<bool> {
        let (has, at) = self.known.get(user)?;
        let holds = if *has { HOLDS.0 } else { HOLDS.1 };
        (now.since(*at) < holds).then_some(*has)
    }

    fn put(&mut self, user: &str, has: bool, now: Time) {
        if self.known.insert(user.to_owned(), (has, now)).is_none() {
            self.order.push_back(user.to_owned());
        }
        while self.order.len() > KNOWN_MAX {
            let oldest = self.order.pop_front();
            oldest.map(|user| self.known.remove(&user));
        }
    }

    /// Whether so many more may be asked for now; if so they count.
    fn may_ask(&mut self, how_many: usize, now: Time) -> bool {
        while self.asked.front().is_some_and(|at| now.since(*at) >= HOUR) {
            self.asked.pop_front();
        }
        let may = self.asked.len() + how_many <= ASKED_MAX;
        if may {
            self.asked.extend(std::iter::repeat_n(now, how_many));
        }
        may
    }
}

/// The calls that ring, with who is told that one is rejected.
#[derive(Default)]
pub(super) struct Ringing(VecDeque<(String, Jid, Jid)>);

impl Ringing {
    pub(super) fn begin(&mut self, call: &str, peer: &Jid, creator: &Jid) {
        self.end(call);
        if self.0.len() == RINGING_MAX {
            self.0.pop_front();
        }
        self.0.push_back((call.to_owned(), peer.clone(), creator.clone()));
    }

    /// It rings no more; none when it did not.
    pub(super) fn end(&mut self, call: &str) -> Option<(Jid, Jid)> {
        let at = self.0.iter().position(|(id, ..)| id == call)?;
        self.0.remove(at).map(|(_, peer, creator)| (peer, creator))
    }
}

impl WebInner {
    fn connected_client(&self) -> Result<Arc<Client>, ActionError> {
        let client = self.client().filter(|client| client.is_logged_in());
        client.ok_or_else(|| ActionError("the instance is not connected to WhatsApp at this moment".to_owned()))
    }

    pub(super) async fn mark_read(&self, chat: &Address, messages: &[String]) -> Result<(), ActionError> {
        let client = self.connected_client()?;
        let chat = jid(chat)?;
        // WhatsApp takes a mark under the name that the message came under, and in a group with its author.
        let mut marks: Vec<(Jid, Option<Jid>, Vec<&str>)> = Vec::new();
        for id in messages {
            let (chat, author) = match self.memory().theirs(id) {
                Some((chat, author)) => (chat.clone(), chat.is_group().then_some(author)),
                None if chat.is_group() => continue,
                None => (chat.clone(), None),
            };
            match marks.iter_mut().find(|(c, a, _)| *c == chat && *a == author) {
                Some((.., ids)) => ids.push(id),
                None => marks.push((chat, author, vec![id])),
            }
        }
        for (chat, author, ids) in marks {
            let marked = client.mark_as_read(&chat, author.as_ref(), &ids).await;
            marked.map_err(|e| ActionError(repeated(&e.to_string())))?;
        }
        Ok(())
    }

    pub(super) async fn show_typing(&self, chat: &Address, answered: &str) -> Result<(), ActionError> {
        let client = self.connected_client()?;
        if !answered.is_empty() {
            self.mark_read(chat, &[answered.to_owned()]).await?;
        }
        let chat = self.memory().theirs(answered).map_or_else(|| jid(chat), |(chat, _)| Ok(chat))?;
        client.chatstate().send_composing(&chat).await.map_err(|e| ActionError(repeated(&e.to_string())))
    }

    pub(super) async fn check_numbers(&self, phones: &[Phone]) -> Result<Vec<bool>, ActionError> {
        if phones.len() > NUMBERS_MAX {
            return Err(ActionError(format!("at most {NUMBERS_MAX} numbers are asked for at once")));
        }
        let client = self.connected_client()?;
        let names: Vec<Jid> = phones.iter().map(|phone| Jid::pn(phone.digits())).collect();
        self.has_whatsapp(&client, &names).await
    }

    /// Which of these numbers have WhatsApp, in their order: from memory, or asked for.
    pub(super) async fn has_whatsapp(&self, client: &Client, numbers: &[Jid]) -> Result<Vec<bool>, ActionError> {
        let now = self.clock.now();
        let unknown: Vec<Jid> = {
            let mut known = self.numbers();
            let unknown: Vec<Jid> = numbers.iter().filter(|n| known.get(&n.user, now).is_none()).cloned().collect();
            if !known.may_ask(unknown.len(), now) {
                return Err(ActionError(format!(
                    "at most {ASKED_MAX} new numbers are looked up in an hour, so that it does not look like a campaign"
                )));
            }
            unknown
        };
        if !unknown.is_empty() {
            let contacts = client.contacts();
            let found = in_time(&*self.clock, ASK_WITHIN, contacts.is_on_whatsapp(&unknown)).await;
            let found = found.ok_or_else(|| ActionError("WhatsApp did not answer in time".to_owned()))?;
            let found = found.map_err(|e| ActionError(repeated(&e.to_string())))?;
            let mut known = self.numbers();
            // WhatsApp may answer with other digits than it was asked for (Brazil, Mexico, Argentina): by place, then.
            for (at, number) in unknown.iter().enumerate() {
                let row = found.iter().find(|row| row.jid.user == number.user);
                let row = row.or_else(|| found.get(at).filter(|_| found.len() == unknown.len()));
                known.put(&number.user, row.is_some_and(|row| row.is_registered), now);
            }
        }
        let known = self.numbers();
        Ok(numbers.iter().map(|n| known.get(&n.user, now) == Some(true)).collect())
    }

    pub(super) async fn reject_call(&self, call: &str) -> Result<(), ActionError> {
        let client = self.connected_client()?;
        let ringing = self.ringing().end(call);
        let (peer, creator) = ringing.ok_or_else(|| ActionError("this call does not ring any more".to_owned()))?;
        let rejected = client.voip().reject_call(call, &peer, &creator).await;
        rejected.map_err(|e| ActionError(repeated(&e.to_string())))
    }
}

fn jid(chat: &Address) -> Result<Jid, ActionError> {
    ids::jid(chat).ok_or_else(|| ActionError("a linked phone does not know this kind of hidden id".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_holds_for_a_while_and_questions_are_counted() {
        let begin = Time::from_millis(0);
        let after = |d: Duration| begin.plus(d);
        let mut numbers = Numbers::default();
        numbers.put("1", true, begin);
        numbers.put("2", false, begin);
        assert_eq!(
            (numbers.get("1", begin), numbers.get("2", begin), numbers.get("3", begin)),
            (Some(true), Some(false), None)
        );
        assert_eq!((numbers.get("1", after(HOUR)), numbers.get("2", after(HOUR))), (Some(true), None));
        assert_eq!(numbers.get("1", after(HOLDS.0)), None);
        assert!(numbers.may_ask(ASKED_MAX, begin) && !numbers.may_ask(1, begin) && numbers.may_ask(0, begin));
        assert!(numbers.may_ask(1, after(HOUR)));
        for n in 0..KNOWN_MAX + 5 {
            numbers.put(&format!("n{n}"), true, begin);
        }
        assert_eq!((numbers.known.len(), numbers.order.len()), (KNOWN_MAX, KNOWN_MAX));
    }

    #[test]
    fn a_call_rings_until_it_ends() {
        let mut ringing = Ringing::default();
        let (peer, creator) = (Jid::lid("7"), Jid::pn("966501234567"));
        ringing.begin("c", &peer, &creator);
        ringing.begin("c", &peer, &creator);
        assert_eq!(ringing.end("c"), Some((peer.clone(), creator.clone())));
        assert_eq!(ringing.end("c"), None);
        for n in 0..RINGING_MAX + 1 {
            ringing.begin(&n.to_string(), &peer, &creator);
        }
        assert!(ringing.end("0").is_none() && ringing.end("1").is_some());
    }
}
