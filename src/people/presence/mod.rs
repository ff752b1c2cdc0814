//! What the people of a chat are told of whoever answers them: that their messages were read, that an answer is being
//! written.
//!
//! [`Attention::read`] marks a chat as read in one transaction, and then tells the provider of the messages that were not
//! read before; [`Attention::writing`] tells that somebody writes, now and then. Both only where the instance's setting
//! `tell_read` says so. Telling is manners and no promise: it happens beside the request that caused it, never twice, and a
//! provider that does not take it is noted in the log and nowhere else.
//!
//! It sends no message and knows nothing of pages.

use crate::{
    connectors::{ActionError, Address, Registry},
    model::{
        clock::{Clock, Time},
        ids::InstanceId,
        moment::Moment,
        random::Random,
    },
    people::{
        chats::{self, ChatId},
        conversations,
    },
    store::{Store, StoreError, Tx, WriteTx},
};
use rusqlite::params;
use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Semaphore;

/// How often at most the people of one chat are told that an answer is being written. What a phone shows of it lasts
/// longer, or until the answer comes.
pub const WRITING_EVERY: Duration = Duration::from_secs(10);
/// What is told at once; more is left untold.
const AT_ONCE: usize = 32;

/// The slice's door.
pub struct Attention {
    store: Store,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    registry: Registry,
    /// When each chat was told last that somebody writes.
    told: Mutex<HashMap<(InstanceId, ChatId), Time>>,
    turns: Arc<Semaphore>,
}

impl Attention {
    /// The slice over its parts.
    pub fn new(store: Store, clock: Arc<dyn Clock>, random: Arc<dyn Random>, registry: Registry) -> Self {
        Self { store, clock, random, registry, told: Mutex::default(), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Somebody read all that was written in a chat.
    ///
    /// # Errors
    /// The store's; a provider that cannot be told is none.
    pub async fn read(&self, instance: &InstanceId, chat: &ChatId) -> Result<(), StoreError> {
        let (of, with, now, random) = (instance.clone(), chat.clone(), self.clock.now(), self.random.clone());
        let marked = self.store.write(move |tx| mark(tx, &of, &with, Moment::new(now, &*random)));
        let Some((to, unread)) = marked.await? else { return Ok(()) };
        let (registry, instance) = (self.registry.clone(), instance.clone());
        self.tell(async move { registry.mark_read(&instance, &to, &unread).await });
        Ok(())
    }

    /// Somebody writes an answer. Whoever calls this for each letter tells the chat once in [`WRITING_EVERY`].
    ///
    /// # Errors
    /// The store's; a provider that cannot be told is none.
    pub async fn writing(&self, instance: &InstanceId, chat: &ChatId) -> Result<(), StoreError> {
        if !self.is_due(instance, chat) {
            return Ok(());
        }
        let (of, with) = (instance.clone(), chat.clone());
        let Some((to, last)) = self.store.read(move |tx| answered(tx, &of, &with)).await? else { return Ok(()) };
        let (registry, instance) = (self.registry.clone(), instance.clone());
        self.tell(async move { registry.show_typing(&instance, &to, &last).await });
        Ok(())
    }

    /// Beside whoever caused it, if not too much is being told already.
    fn tell(&self, telling: impl Future<Output = Result<(), ActionError>> + Send + 'static) {
        let Ok(turn) = self.turns.clone().try_acquire_owned() else { return };
        tokio::spawn(async move {
            if let Err(e) = telling.await {
                tracing::debug!("the people of a chat were not told: {e}");
            }
            drop(turn);
        });
    }

    /// Whether a chat was not told for long enough; from now on it was.
    fn is_due(&self, instance: &InstanceId, chat: &ChatId) -> bool {
        let now = self.clock.now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, at| now.is_within(WRITING_EVERY, *at));
        let key = (instance.clone(), chat.clone());
        let is_due = !told.contains_key(&key);
        if is_due {
            told.insert(key, now);
        }
        is_due
    }
}

/// Marks a chat as read, and tells endpoints of it; which people to tell, and of which messages.
fn mark(
    tx: &WriteTx<'_>,
    instance: &InstanceId,
    chat: &ChatId,
    moment: Moment<'_>,
) -> Result<Option<(Address, Vec<String>)>, StoreError> {
    let unread = chats::mark_read(tx, instance, chat, moment.now)?;
    if let (ChatId::Person(contact), false) = (chat, unread.is_empty()) {
        let sql = "SELECT account_id FROM instances WHERE id = ?1";
        let account = tx.one(sql, params![instance], |r| r.get(0))?;
        conversations::announce(tx, account, instance, *contact, moment)?;
    }
    if unread.is_empty() || !may_tell(tx, instance)? {
        return Ok(None);
    }
    Ok(address(tx, chat)?.map(|to| (to, unread)))
}

/// Whom to tell that an answer is being written, and to which message.
fn answered(tx: &Tx<'_>, instance: &InstanceId, chat: &ChatId) -> Result<Option<(Address, String)>, StoreError> {
    let Some(last) = chats::last_heard(tx, instance, chat)? else { return Ok(None) };
    if !may_tell(tx, instance)? {
        return Ok(None);
    }
    Ok(address(tx, chat)?.map(|to| (to, last)))
}

fn may_tell(tx: &Tx<'_>, instance: &InstanceId) -> Result<bool, StoreError> {
    let sql = "SELECT tell_read FROM instances WHERE id = ?1 AND deleted_at IS NULL";
    Ok(tx.find(sql, params![instance], |r| r.get(0))?.unwrap_or(false))
}

fn address(tx: &Tx<'_>, chat: &ChatId) -> Result<Option<Address>, StoreError> {
    match chat {
        ChatId::Group(id) => Ok(Some(Address::Group(id.clone()))),
        ChatId::Person(contact) => {
            let account = tx.find("SELECT account_id FROM contacts WHERE id = ?1", params![contact], |r| r.get(0))?;
            let Some(account) = account else { return Ok(None) };
            let found = conversations::find_by_id(tx, account, *contact)?;
            Ok(found.and_then(|(_, identities)| conversations::address_of(&identities)))
        }
    }
}
