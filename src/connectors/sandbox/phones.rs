//! Playing the customers' phones: what they write, whom they call, and what becomes of groups.
//!
//! Each of these goes through the ear and ends with `Ok` only once it is recorded. After an error nothing happened,
//! and the same may be played again.
//!
//! It knows nothing of how a message is sent.

use super::Sandbox;
use crate::{
    connectors::{
        ActionError, Address, EventKind, GroupInfo, MediaError, NotRecorded,
        inbound_event::{
            CallHeard, GroupRef, HeardMedia, InboundMessage, MediaSource, ReceiptHeard, RemoteParty, Told,
        },
    },
    model::{ids::MessageId, instance::InstanceState, message::Receipt},
};
use std::collections::{HashSet, VecDeque};

impl Sandbox {
    /// Somebody writes a text; answers with the provider's id of it.
    ///
    /// # Errors
    /// It could not be recorded.
    pub async fn receive(&self, from: RemoteParty, text: &str) -> Result<String, NotRecorded> {
        let id = self.next_id();
        self.receive_again(&id, from, text).await?;
        Ok(id)
    }

    /// The provider brings a text under an id of the caller's choice: the same one again is the same message.
    ///
    /// # Errors
    /// It could not be recorded.
    pub async fn receive_again(
        &self,
        provider_message_id: &str,
        from: RemoteParty,
        text: &str,
    ) -> Result<(), NotRecorded> {
        self.receive_message(InboundMessage {
            provider_message_id: provider_message_id.to_owned(),
            from,
            group: None,
            kind: "text".to_owned(),
            text: Some(text.to_owned()),
            reply_to: None,
            may_opt_out: true,
            payload: None,
            media: None,
            raw: None,
            told: Told::Live,
        })
        .await
    }

    /// Somebody writes in a group; answers with the provider's id of it.
    ///
    /// # Errors
    /// It could not be recorded.
    pub async fn group_message(&self, group: GroupRef, from: RemoteParty, text: &str) -> Result<String, NotRecorded> {
        let id = self.next_id();
        self.know_group(&group);
        self.receive_message(InboundMessage {
            provider_message_id: id.clone(),
            from,
            group: Some(group),
            kind: "text".to_owned(),
            text: Some(text.to_owned()),
            reply_to: None,
            may_opt_out: true,
            payload: None,
            media: None,
            raw: None,
            told: Told::Live,
        })
        .await?;
        Ok(id)
    }

    /// A group that nobody put the instance into is one of two people; its name is what was told last.
    fn know_group(&self, group: &GroupRef) {
        let mut groups = self.groups.lock().expect("no holder panics");
        let known = groups.entry(group.id.clone()).or_insert_with(|| GroupInfo {
            id: group.id.clone(),
            participants: Some(2),
            created_at: Some(self.clock.now()),
            ..GroupInfo::default()
        });
        if !group.name.is_empty() {
            known.name.clone_from(&group.name);
        }
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
        self.line.tell(EventKind::Message(message)).await?;
        let mut known = self.known.lock().expect("no holder panics");
        wrote.into_iter().for_each(|id| known.insert(id));
        Ok(())
    }

    /// Somebody sends a file with a caption; answers with the provider's id of it. With `later` the provider keeps the
    /// bytes until they are fetched, as real ones do.
    ///
    /// # Errors
    /// It could not be recorded.
    pub async fn receive_file(
        &self,
        from: RemoteParty,
        mut media: HeardMedia,
        text: &str,
        later: bool,
    ) -> Result<String, NotRecorded> {
        let id = self.next_id();
        if let (true, MediaSource::Bytes(bytes)) = (later, &mut media.source) {
            let bytes = std::mem::take(bytes);
            media.source = MediaSource::Later(id.clone());
            let mut kept = self.kept.lock().expect("no holder panics");
            kept.push_back((id.clone(), bytes));
            if kept.len() > MOST_KEPT {
                kept.pop_front();
            }
        }
        self.receive_message(InboundMessage {
            provider_message_id: id.clone(),
            from,
            group: None,
            kind: media.kind.clone(),
            text: Some(text.to_owned()).filter(|t| !t.is_empty()),
            reply_to: None,
            may_opt_out: false,
            payload: None,
            media: Some(media),
            raw: None,
            told: Told::Live,
        })
        .await?;
        Ok(id)
    }

    /// A file that the provider keeps.
    pub(super) fn kept_file(&self, handle: &str, max_bytes: u64) -> Result<Vec<u8>, MediaError> {
        let kept = self.kept.lock().expect("no holder panics");
        match kept.iter().find(|(name, _)| name == handle) {
            None => Err(MediaError::Gone("the sandbox has no such file".into())),
            Some((_, bytes)) if bytes.len() as u64 > max_bytes => Err(MediaError::TooLarge(max_bytes)),
            Some((_, bytes)) => Ok(bytes.clone()),
        }
    }

    /// Somebody calls; answers with the provider's id of the call.
    ///
    /// # Errors
    /// It could not be recorded.
    pub async fn call(&self, from: RemoteParty, missed: bool) -> Result<String, NotRecorded> {
        let call_id = self.next_id();
        let call = CallHeard { call_id: call_id.clone(), from, is_video: false, missed };
        self.line.tell(EventKind::Call(call)).await?;
        Ok(call_id)
    }

    /// Puts the instance into a group or channel, or changes what is told of it. Whoever writes in a group that nobody
    /// put it into opens one of two people.
    pub fn put_group(&self, group: GroupInfo) {
        self.groups.lock().expect("no holder panics").insert(group.id.clone(), group);
    }

    /// The calls that were rejected, oldest first.
    pub fn rejected_calls(&self) -> Vec<String> {
        self.rejected.lock().expect("no holder panics").clone()
    }

    /// What phones were shown of whoever answers, oldest first; the newest thousand.
    pub fn marks(&self) -> Vec<Mark> {
        self.marks.lock().expect("no holder panics").iter().cloned().collect()
    }

    /// A phone is shown something, as long as the line is open.
    pub(super) fn mark(&self, mark: Mark) -> Result<(), ActionError> {
        if self.line.state() != Some(InstanceState::Open) {
            return Err(ActionError("the instance is not open".into()));
        }
        let mut marks = self.marks.lock().expect("no holder panics");
        marks.push_back(mark);
        if marks.len() > MOST_MARKS {
            marks.pop_front();
        }
        Ok(())
    }

    /// Something about a group changed: `change` is subject, description, participants or read_only.
    ///
    /// # Errors
    /// It could not be recorded.
    pub async fn group_updated(&self, group: GroupRef, change: &str) -> Result<(), NotRecorded> {
        self.know_group(&group);
        let GroupRef { id: group_id, name: group_name } = group;
        self.line.tell(EventKind::GroupUpdated { group_id, group_name, change: change.to_owned() }).await
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
        let heard = ReceiptHeard {
            provider_message_id,
            message_id,
            receipt,
            code: None,
            reason: None,
            recipient_fault: false,
            pricing: None,
        };
        self.line.tell(EventKind::Receipt(heard)).await
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

/// What a phone was shown of whoever answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mark {
    /// These messages of a chat were read: the provider's ids.
    Read {
        /// The phone, hidden id or group.
        chat: String,
        /// Oldest first.
        messages: Vec<String>,
    },
    /// An answer is being written to this message.
    Typing {
        /// The phone, hidden id or group.
        chat: String,
        /// The provider's id.
        answered: String,
    },
}

/// Marks that are remembered.
const MOST_MARKS: usize = 1000;
/// Files that are kept until they are fetched.
const MOST_KEPT: usize = 8;

/// The people and groups who wrote to this instance since it was started, as many as are remembered.
#[derive(Default)]
pub(super) struct KnownPhones {
    ids: HashSet<String>,
    by_age: VecDeque<String>,
}

/// Enough for any test; about 1 MB.
const MOST_KNOWN: usize = 10_000;

impl KnownPhones {
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
        let mut known = KnownPhones::default();
        for n in 0..MOST_KNOWN + 5 {
            known.insert(format!("{n}"));
            known.insert(format!("{n}"));
        }
        assert_eq!((known.ids.len(), known.by_age.len()), (MOST_KNOWN, MOST_KNOWN));
        assert!(!known.has(&Address::Lid("4".into())) && known.has(&Address::Lid("5".into())));
    }
}
