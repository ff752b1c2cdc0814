//! Files that providers keep for us: fetched by a worker, tried again for some hours, given up in the end; and at once
//! when somebody asks for one.

use super::{Media, StoredFile, row};
use crate::{connectors::MediaError, store::StoreError};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, task::JoinSet};

/// After each failed try, the pause before the next; after the last it is given up.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(60 * 60),
    Duration::from_secs(6 * 60 * 60),
];
/// How long one try may take, and how long somebody who asks for a file waits for it.
const TRY_WITHIN: Duration = Duration::from_secs(60);
const ASKER_WAITS: Duration = Duration::from_secs(8);
/// Tries at once.
const AT_ONCE: u32 = 4;
/// The worker looks at least this often.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Which files are being fetched: one try at a time each.
#[derive(Default, Clone)]
pub(super) struct FetchClaims(Arc<Mutex<HashSet<i64>>>);

struct Claim(FetchClaims, i64);

impl FetchClaims {
    fn claim(&self, id: i64) -> Option<Claim> {
        let is_new = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        is_new.then(|| Claim(self.clone(), id))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

/// A file for somebody who asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Had {
    /// It is here; its row as it is now.
    Here(Box<StoredFile>),
    /// Not yet: ask again.
    NotYet,
    /// It never came, or was taken away.
    Gone,
}

impl Media {
    /// Works until the gateway stops.
    pub async fn run(self: Arc<Self>, mut stopping: watch::Receiver<bool>) {
        loop {
            if let Err(e) = self.step().await {
                tracing::warn!("files could not be fetched: {e}");
            }
            let look = self.clock.now().plus(LOOK_AGAIN);
            let next = self.store.read(row::next_due).await.ok().flatten();
            // Not at once: a file that is being fetched for somebody is due all the while.
            let next = next.map_or(look, |at| at.max(self.clock.now().plus(Duration::from_secs(1))).min(look));
            tokio::select! {
                () = self.shelf.wake.notified() => {}
                () = self.clock.sleep_until(next) => {}
                _ = stopping.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// Tries every pending file that is due, once; says how many were tried.
    pub async fn step(self: &Arc<Self>) -> Result<usize, StoreError> {
        let now = self.clock.now();
        if self.looked.was_set_back(now) {
            self.store.write(move |tx| row::believe_no_future(tx, &PAUSES, now)).await?;
        }
        let due = self.store.read(move |tx| row::due(tx, now, AT_ONCE)).await?;
        let tried = due.len();
        let mut tries = JoinSet::new();
        for item in due {
            let media = self.clone();
            tries.spawn(async move { media.fetch(&item).await });
        }
        while let Some(done) = tries.join_next().await {
            done.map_err(|e| StoreError::Panicked(e.to_string()))??;
        }
        Ok(tried)
    }

    /// A file for somebody who asks now: one that is pending is tried at once, within a few seconds.
    pub async fn have(&self, item: StoredFile) -> Result<Had, StoreError> {
        match item.state.as_str() {
            "stored" => Ok(Had::Here(Box::new(item))),
            "pending" => {
                let enough = self.clock.sleep_until(self.clock.now().plus(ASKER_WAITS));
                tokio::select! {
                    done = self.fetch(&item) => done?,
                    () = enough => return Ok(Had::NotYet),
                }
                let id = item.id;
                let now = self.store.read(move |tx| row::find(tx, id)).await?;
                Ok(match now {
                    Some(item) if item.state == "stored" => Had::Here(Box::new(item)),
                    Some(item) if item.state == "pending" => Had::NotYet,
                    _ => Had::Gone,
                })
            }
            _ => Ok(Had::Gone),
        }
    }

    /// One try. Another one under way is enough.
    async fn fetch(&self, item: &StoredFile) -> Result<(), StoreError> {
        let (Some(_claim), Some(handle)) = (self.claims.claim(item.id), &item.handle) else { return Ok(()) };
        let most = self.shelf.limits.of(&item.kind);
        let late = self.clock.sleep_until(self.clock.now().plus(TRY_WITHIN));
        let came = tokio::select! {
            came = self.registry.fetch_media(&item.instance, handle, most) => came,
            () = late => Err(MediaError::NotNow("it took too long".into())),
        };
        let came = match came {
            Ok(bytes) if bytes.len() as u64 > most => Err(MediaError::TooLarge(most)),
            Ok(bytes) => self.shelf.write(bytes.into()).await.map_err(|e| MediaError::NotNow(format!("the disk: {e}"))),
            Err(e) => Err(e),
        };
        match came {
            Ok(written) => {
                let (item, stored) = (item.clone(), written.stored().clone());
                let is_ours = self.store.write(move |tx| row::arrived(tx, &item, &stored)).await?;
                if is_ours {
                    written.keep();
                }
            }
            Err(e) => {
                let (id, problem, now) = (item.id, e.to_string(), self.clock.now());
                let pause = PAUSES.get(item.attempts as usize).filter(|_| matches!(e, MediaError::NotNow(_)));
                let again = pause.map(|pause| now.plus(*pause));
                self.store.write(move |tx| row::missed(tx, id, &problem, again)).await?;
            }
        }
        Ok(())
    }
}
