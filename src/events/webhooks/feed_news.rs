//! What is committed is handed to those who listen as it is: read once, whoever and however many they are.

use super::feed::{self, ToldEvent};
use crate::store::Store;
use std::sync::Arc;
use tokio::sync::{broadcast, watch};

/// Batches that somebody may leave lying before he has to read for himself.
const LYING: usize = 64;
/// Events of one batch at most; of more than that everybody reads for himself.
const BATCH: u32 = 100;

/// Every told event between two rows.
#[derive(Debug)]
pub struct FeedBatch {
    /// Behind this row.
    pub from: i64,
    /// Up to this one.
    pub to: i64,
    /// None: there are more than are handed over.
    pub events: Option<Vec<ToldEvent>>,
}

pub(super) struct FeedNews(broadcast::Sender<Arc<FeedBatch>>);

impl Default for FeedNews {
    fn default() -> Self {
        Self(broadcast::Sender::new(LYING))
    }
}

impl FeedNews {
    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<FeedBatch>> {
        self.0.subscribe()
    }

    pub(super) fn listeners(&self) -> usize {
        self.0.receiver_count()
    }

    pub(super) async fn run(&self, store: &Store, mut stop: watch::Receiver<bool>) {
        let mut commits = store.commits();
        let mut at = 0;
        loop {
            tokio::select! {
                changed = commits.changed() => if changed.is_err() { return },
                _ = stop.wait_for(|stop| *stop) => return,
            }
            if self.0.receiver_count() > 0 {
                at = self.hand_over(store, at).await;
            }
        }
    }

    /// Hands over what came after `at`; says up to where.
    async fn hand_over(&self, store: &Store, at: i64) -> i64 {
        let read = store.read(move |tx| {
            let newest = feed::newest(tx)?;
            let events = if newest > at { feed::told_to_all(tx, at, BATCH)? } else { Vec::new() };
            Ok::<_, crate::store::StoreError>((newest, events))
        });
        match read.await {
            // A backup with fewer rows was put back, or nothing is new.
            Ok((newest, _)) if newest <= at => newest,
            Ok((newest, events)) => {
                let events = (events.len() < BATCH as usize).then_some(events);
                let _ = self.0.send(Arc::new(FeedBatch { from: at, to: newest, events }));
                newest
            }
            Err(e) => {
                tracing::warn!("readers of events wait: {e}");
                at
            }
        }
    }
}
