//! What is done in chats besides writing: read marks, "is writing", who has WhatsApp, calls that ring.

use super::{WebInner, ids, sending::ASK_WITHIN, wire::in_time};
use crate::{
    connectors::{ActionError, Address, inbound_event::RemoteParty, provider_text::repeated},
    model::phone::Phone,
};
use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use whatsapp_rust::{Jid, prelude::Client, wacore_binary::JidExt as _};

/// Numbers that are asked for at once.
const NUMBERS_MAX: usize = 50;
/// Numbers that are asked for in an hour: whoever asks for many looks like a campaign.
const ASKED_MAX: usize = 300;
/// How long an answer holds: a number that has WhatsApp keeps it, one that has none may get it any day.
const HOLDS: (Duration, Duration) = (Duration::from_secs(7 * 24 * 3600), Duration::from_secs(3600));
/// Calls that are remembered while they ring.
const RINGING_MAX: usize = 100;
/// How long people see this number as online after somebody wrote an answer.
const THERE_FOR: Duration = Duration::from_secs(60);

/// A call that rings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct RingingCall {
    pub(super) call_id: String,
    /// Who is told that it is rejected, and whose call it says that it is.
    pub(super) peer: Jid,
    pub(super) creator: Jid,
    pub(super) from: RemoteParty,
}

/// The calls that ring.
#[derive(Default)]
pub(super) struct Ringing(VecDeque<RingingCall>);

impl Ringing {
    pub(super) fn begin(&mut self, call: RingingCall) {
        self.end(&call.call_id);
        if self.0.len() == RINGING_MAX {
            self.0.pop_front();
        }
        self.0.push_back(call);
    }

    /// It rings no more; none when it did not.
    pub(super) fn end(&mut self, call: &str) -> Option<RingingCall> {
        let at = self.0.iter().position(|ringing| ringing.call_id == call)?;
        self.0.remove(at)
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

    pub(super) async fn show_typing(self: &Arc<Self>, chat: &Address, answered: &str) -> Result<(), ActionError> {
        let client = self.connected_client()?;
        if !answered.is_empty() {
            self.mark_read(chat, &[answered.to_owned()]).await?;
        }
        let chat = self.memory().theirs(answered).map_or_else(|| jid(chat), |(chat, _)| Ok(chat))?;
        // Nobody is shown as writing who is not shown as online.
        if let Err(e) = client.presence().set_available().await {
            tracing::debug!(instance = %self.instance, "not shown as online: {}", repeated(&e.to_string()));
        }
        self.leave_after(THERE_FOR);
        client.chatstate().send_composing(&chat).await.map_err(|e| ActionError(repeated(&e.to_string())))
    }

    /// People see this number as online no longer, unless somebody writes meanwhile. A device that is always online keeps
    /// the phone from telling its owner of new messages.
    pub(super) fn leave_after(self: &Arc<Self>, a_while: Duration) {
        let turn = self.online_turns.fetch_add(1, Ordering::Relaxed) + 1;
        let (inner, clock) = (Arc::downgrade(self), self.clock.clone());
        tokio::spawn(async move {
            clock.sleep_until(clock.now().plus(a_while)).await;
            let Some(inner) = inner.upgrade() else { return };
            if inner.online_turns.load(Ordering::Relaxed) == turn
                && let Ok(client) = inner.connected_client()
                && let Err(e) = client.presence().set_unavailable().await
            {
                tracing::debug!(instance = %inner.instance, "still shown as online: {}", repeated(&e.to_string()));
            }
        });
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
            let unknown =
                numbers.iter().filter(|n| !known.get(&n.user, now).is_some_and(|(has, age)| holds(*has, age)));
            let unknown: Vec<Jid> = unknown.cloned().collect();
            if !known.may_ask(unknown.len(), ASKED_MAX, now) {
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
        Ok(numbers.iter().map(|n| known.get(&n.user, now).is_some_and(|(has, _)| *has)).collect())
    }

    pub(super) async fn reject_call(&self, call: &str) -> Result<(), ActionError> {
        let client = self.connected_client()?;
        let ringing = self.ringing().end(call);
        let ringing = ringing.ok_or_else(|| ActionError("this call does not ring any more".to_owned()))?;
        let rejected = client.voip().reject_call(call, &ringing.peer, &ringing.creator).await;
        rejected.map_err(|e| ActionError(repeated(&e.to_string())))
    }
}

/// Whether an answer of this age still holds.
fn holds(has: bool, age: Duration) -> bool {
    age < if has { HOLDS.0 } else { HOLDS.1 }
}

fn jid(chat: &Address) -> Result<Jid, ActionError> {
    ids::jid(chat).ok_or_else(|| ActionError("a linked phone does not know this kind of hidden id".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_holds_for_a_while() {
        let hour = HOLDS.1;
        assert!(holds(true, hour) && !holds(true, HOLDS.0));
        assert!(holds(false, hour / 2) && !holds(false, hour));
    }

    #[test]
    fn a_call_rings_until_it_ends() {
        let mut ringing = Ringing::default();
        let call = |id: &str| RingingCall {
            call_id: id.to_owned(),
            peer: Jid::lid("7"),
            creator: Jid::pn("966501234567"),
            from: RemoteParty::default(),
        };
        ringing.begin(call("c"));
        ringing.begin(call("c"));
        assert_eq!(ringing.end("c"), Some(call("c")));
        assert_eq!(ringing.end("c"), None);
        for n in 0..RINGING_MAX + 1 {
            ringing.begin(call(&n.to_string()));
        }
        assert!(ringing.end("0").is_none() && ringing.end("1").is_some());
    }
}
