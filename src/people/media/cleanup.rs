//! Taking files away: those that are too old, those beyond the disk's budget, and those that nobody's row names.
//!
//! A row forgets its file before the file is removed: a crash in between leaves an orphan, never a row without a file.

use super::{Media, row};
use crate::{
    model::{aside::aside, clock::Time},
    store::StoreError,
};

/// Files in one transaction.
const BATCH: u32 = 200;

impl Media {
    /// Removes files from before `before`, and the oldest ones while all together are beyond the budget; says how many.
    pub async fn retire(&self, before: Time) -> Result<usize, StoreError> {
        let mut removed = 0;
        loop {
            let old = self.store.read(move |tx| row::older(tx, before, BATCH)).await?;
            if old.is_empty() {
                break;
            }
            removed += self.remove(old, "it was older than files are kept").await?;
        }
        let end = Time::from_millis(i64::MAX);
        loop {
            let total = self.store.read(row::total).await?;
            if total <= self.shelf.limits.budget {
                return Ok(removed);
            }
            let oldest = self.store.read(move |tx| row::older(tx, end, 10)).await?;
            if oldest.is_empty() {
                return Ok(removed);
            }
            removed += self.remove(oldest, "the disk's budget for files was used up").await?;
        }
    }

    /// Removes files that no row names: what a crash left. Says how many.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let files = self.shelf.files.clone();
        let listed = aside(move || files.list_settled()).await;
        let listed = listed.map_err(|e| StoreError::Panicked(e.to_string()))?;
        let listed = listed.map_err(|e| StoreError::Unavailable(format!("the folder of files: {e}")))?;
        let mut swept = 0;
        for batch in listed.chunks(BATCH as usize) {
            let paths = batch.to_vec();
            let orphans = self.store.read(move |tx| {
                let mut orphans = Vec::new();
                for path in paths {
                    if !row::has_path(tx, &path)? {
                        orphans.push(path);
                    }
                }
                Ok::<_, StoreError>(orphans)
            });
            let orphans = orphans.await?;
            swept += orphans.len();
            self.unlink(orphans).await;
        }
        Ok(swept)
    }

    /// Removes these files, rows first. For whoever erases a person, too.
    pub async fn remove(&self, files: Vec<(i64, String)>, why: &'static str) -> Result<usize, StoreError> {
        let (now, ids) = (self.clock.now(), files.iter().map(|(id, _)| *id).collect::<Vec<_>>());
        let count = ids.len();
        self.store.write(move |tx| ids.into_iter().try_for_each(|id| row::removed(tx, id, why, now))).await?;
        self.unlink(files.into_iter().map(|(_, path)| path).collect()).await;
        Ok(count)
    }

    /// Removes files whose rows forgot them already. What the disk refuses is swept later.
    pub async fn unlink(&self, paths: Vec<String>) {
        let files = self.shelf.files.clone();
        let done = aside(move || {
            for path in paths {
                if let Err(e) = files.remove(&path) {
                    tracing::warn!("a file could not be removed and will be swept: {e}");
                }
            }
        });
        if done.await.is_err() {
            tracing::warn!("files could not be removed and will be swept");
        }
    }
}
