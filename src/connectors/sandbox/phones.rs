//! Playing the customers' phones: what they write, whom they call, and what becomes of groups.
//!
//! Each of these goes through the ear and ends with `Ok` only once it is recorded. After an error nothing happened,
//! and the same may be played again.
//!
//! It knows nothing of how a message is sent.

use super::Sandbox;
use crate::{
    connectors::{
        Address, NotRecorded, What,
        heard::{Group, InboundMessage, Sender},
    },
    model::{ids::MessageId, instance::InstanceState, message::Receipt},
};
use std::collections::{HashSet, VecDeque};

impl Sandbox {
    /// Somebody writes a text; answers with the provider's id of it.
    ///
    /// # Errors
    /// It could not be recorded.
    pub async fn receive(&self, from: Sender, text: &str) -> Result<String, NotRecorded> {
        let id = self.next_id();
        self.receive_again(&id, from, text).await?;
        Ok(id)
    }

    /// The provider brings a text under an id of the caller's choice: the same one again is the same message.
    ///
    /// # Errors
    /// It could not be recorded.
    pub async fn receive_again(&self, provider_message_id: &str, from: Sender, text: &str) -> Result<(), NotRecorded> {
        self.receive_message(InboundMessage {
            provider_message_id: provider_message_id.to_owned(),
            from,
            group: None,
            kind: "text".to_owned(),
            text: Some(text.to_owned()),
            reply_to: None,
            may_opt_out: true,
            media: None,
        })
        .await
    }

    /// Somebody writes in a group; answers with the provider's id of it.
    ///
    /// # Errors
    /// It could not be recorded.
    pub async fn group_message(&self, group: Group, from: Sender, text: &str) -> Result<String, NotRecorded> {
        let id = self.next_id();
        self.receive_message(InboundMessage {
            provider_message_id: id.clone(),
            from,
            group: Some(group),
            kind: "text".to_owned(),
            text: Some(text.to_owned()),
            reply_to: None,
            may_opt_out: true,
            media: None,
        })
        .await?;
        Ok(id)
    }

    /// The provider brings any message: a file, a reaction, a button.
    ///
    /// # Errors
    /// It could not be recorded.
    pub async fn receive_message(&self, message: InboundMessage) -> Result<(), NotRecorded> {
        // To write in a group opens the group's chat, not the writer's own.
        let wrote: Vec<String> = match &message.group {
            Some(group) => vec![group.id.clone()],
            None => {
                [&message.from.phone, &message.from.lid, &message.from.bsuid].into_iter().flatten().cloned().collect()
            }
        };
        self.line.tell(What::Message(message)).await?;
        let mut known = self.known.lock().expect("no holder panics");
        wrote.into_iter().for_each(|id| known.insert(id));
        Ok(())
    }

    /// Somebody calls; answers with the provider's id of the call.
    ///
    /// # Errors
    /// It could not be recorded.
    pub async fn call(&self, from: Sender, missed: bool) -> Result<String, NotRecorded> {
        let call_id = self.next_id();
        self.line.tell(What::Call { call_id: call_id.clone(), from, is_video: false, missed }).await?;
        Ok(call_id)
    }

    /// Something about a group changed: `change` is subject, description, participants or read_only.
    ///
    /// # Errors
    /// It could not be recorded.
    pub async fn group_updated(&self, group: Group, change: &str) -> Result<(), NotRecorded> {
        let Group { id: group_id, name: group_name } = group;
        self.line.tell(What::GroupUpdated { group_id, group_name, change: change.to_owned() }).await
    }

    /// The provider tells something about a message, known or not, beside what the `receipts` setting makes it tell.
    ///
    /// # Errors
    /// It could not be recorded.
    pub async fn receipt(
        &self,
        provider_message_id: &str,
        message_id: Option<MessageId>,
        receipt: Receipt,
    ) -> Result<(), NotRecorded> {
        let provider_message_id = provider_message_id.to_owned();
        self.line.tell(What::Receipt { provider_message_id, message_id, receipt, code: None, reason: None }).await
    }

    /// The connection changes, until settings are applied or it is changed again. Without a `reason` the sandbox gives
    /// one of its own for every state but open.
    ///
    /// # Errors
    /// It could not be recorded; the state is the one from before.
    pub async fn set_state(&self, state: InstanceState, reason: Option<&str>) -> Result<(), NotRecorded> {
        self.line.set_state(state, reason).await
    }
}

/// The people and groups who wrote to this instance since it was started, as many as are remembered.
#[derive(Default)]
pub(super) struct Known {
    ids: HashSet<String>,
    by_age: VecDeque<String>,
}

/// Enough for any test; about 1 MB.
const MOST_KNOWN: usize = 10_000;

impl Known {
    /// Remembers one, and forgets the one who came first when there are too many.
    fn insert(&mut self, id: String) {
        if !self.ids.insert(id.clone()) {
            return;
        }
        self.by_age.push_back(id);
        if self.by_age.len() > MOST_KNOWN
            && let Some(oldest) = self.by_age.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }

    /// Whether that one wrote.
    pub(super) fn has(&self, address: &Address) -> bool {
        self.ids.contains(&address.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wrote_is_known_and_the_list_is_bounded() {
        let mut known = Known::default();
        for n in 0..MOST_KNOWN + 5 {
            known.insert(format!("{n}"));
            known.insert(format!("{n}"));
        }
        assert_eq!((known.ids.len(), known.by_age.len()), (MOST_KNOWN, MOST_KNOWN));
        assert!(!known.has(&Address::Lid("4".into())) && known.has(&Address::Lid("5".into())));
    }
}
