//! Somebody who reads events: where they stand, and what comes next. Whoever has caught up is handed what is committed;
//! who is behind reads the table until they have.

use crate::{
    accounts::{KeyCache, KeyScope},
    events::webhooks::{FeedBatch, FeedFilter, FeedPosition, ToldEvent, told_after},
    gateway::Gateway,
    model::{
        clock::{Clock, Time},
        ids::KeyId,
    },
    store::{Store, StoreError},
    web::server::ConnectionSlot,
};
use std::{net::IpAddr, sync::Arc};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// The key that somebody reads by, to be looked at again and again.
pub(super) struct ReaderKey {
    pub(super) text: String,
    /// From where the request came.
    pub(super) from: IpAddr,
    pub(super) id: KeyId,
}

pub(super) struct EventReader {
    store: Store,
    clock: Arc<dyn Clock>,
    ring: Arc<KeyCache>,
    key: ReaderKey,
    filter: FeedFilter,
    position: FeedPosition,
    news: Receiver<Arc<FeedBatch>>,
    slot: Option<Arc<ConnectionSlot>>,
    /// There may be rows behind the position that nobody hands over.
    is_behind: bool,
}

/// What came.
pub(super) enum EventsRead {
    /// At least one.
    Events(Vec<ToldEvent>),
    /// Nothing within the time.
    Nothing,
    /// The gateway stops, or the key is not good any more.
    Over,
}

impl EventReader {
    /// `news` was subscribed to before the position was read.
    pub(super) fn new(
        gateway: &Gateway,
        (filter, position): (FeedFilter, FeedPosition),
        key: ReaderKey,
        news: Receiver<Arc<FeedBatch>>,
        slot: Option<Arc<ConnectionSlot>>,
    ) -> Self {
        Self {
            store: gateway.store.clone(),
            clock: gateway.clock.clone(),
            ring: gateway.accounts.ring().clone(),
            key,
            filter,
            position,
            news,
            slot,
            is_behind: true,
        }
    }

    pub(super) fn now(&self) -> Time {
        self.clock.now()
    }

    /// Behind which row it reads on.
    pub(super) const fn position(&self) -> FeedPosition {
        self.position
    }

    /// The next events, at most `limit` where they are read; waits for the first of them until `until`.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn read(&mut self, limit: u32, until: Time) -> Result<EventsRead, StoreError> {
        loop {
            if !self.may_read() {
                return Ok(EventsRead::Over);
            }
            if self.is_behind {
                let events = self.catch_up(limit).await?;
                if !events.is_empty() {
                    return Ok(EventsRead::Events(events));
                }
                continue;
            }
            if self.clock.now() >= until {
                self.position.at = self.clock.now();
                return Ok(EventsRead::Nothing);
            }
            tokio::select! {
                heard = self.news.recv() => match heard {
                    Ok(batch) => {
                        let events = self.take(&batch, limit as usize);
                        if !events.is_empty() {
                            return Ok(EventsRead::Events(events));
                        }
                    }
                    Err(RecvError::Lagged(_)) => self.is_behind = true,
                    Err(RecvError::Closed) => return Ok(EventsRead::Over),
                },
                () = self.clock.sleep_until(until) => {}
                () = stopping(self.slot.as_deref()) => return Ok(EventsRead::Over),
            }
        }
    }

    /// A key may be revoked, end, or have been good for something else.
    fn may_read(&self) -> bool {
        let found = self.ring.find(&self.key.text, self.key.from, self.clock.now());
        found.is_ok_and(|caller| caller.key == self.key.id && caller.scopes.includes(KeyScope::Read))
    }

    async fn catch_up(&mut self, limit: u32) -> Result<Vec<ToldEvent>, StoreError> {
        let (filter, row) = (self.filter.clone(), self.position.row);
        let (events, up_to) = self.store.read(move |tx| told_after(tx, &filter, row, limit)).await?;
        self.is_behind = events.len() >= limit as usize;
        let at = events.last().map_or_else(|| self.clock.now(), |last| last.position.at);
        self.position = FeedPosition { row: up_to, at };
        Ok(events)
    }

    /// What a batch has for this reader.
    fn take(&mut self, batch: &FeedBatch, limit: usize) -> Vec<ToldEvent> {
        if batch.to <= self.position.row {
            return Vec::new();
        }
        let Some(events) = batch.events.as_ref().filter(|_| batch.from <= self.position.row) else {
            self.is_behind = true;
            return Vec::new();
        };
        let new = |event: &&ToldEvent| event.position.row > self.position.row && self.filter.holds(event);
        let mut taken: Vec<ToldEvent> = events.iter().filter(new).cloned().collect();
        self.position = FeedPosition { row: batch.to, at: self.clock.now() };
        if taken.len() > limit {
            taken.truncate(limit);
            self.position = taken.last().map_or(self.position, |last| last.position);
            self.is_behind = true;
        }
        taken
    }
}

async fn stopping(slot: Option<&ConnectionSlot>) {
    match slot {
        Some(slot) => slot.stopping().await,
        None => std::future::pending().await,
    }
}
