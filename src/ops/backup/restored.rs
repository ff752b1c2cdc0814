//! The first start after a restore.

use crate::{
    sending::Sending,
    store::{self, StoreError},
};
use std::{fs, path::Path};

/// Where a backup was restored into the directory since the last start: what was due since it was made, and what was on
/// its way then, may have been sent by the gateway that went on from there. It is not sent again.
///
/// # Errors
/// The store's. The next start does it again.
pub async fn settle_restored(data_dir: &Path, sending: &Sending) -> Result<(), StoreError> {
    let mark = data_dir.join(store::RESTORED_AT);
    let Ok(made_at) = fs::read_to_string(&mark) else { return Ok(()) };
    let uncertain = sending.settle_restored().await?;
    tracing::warn!(
        made_at = made_at.trim(),
        messages = uncertain.messages,
        scheduled = uncertain.scheduled,
        "a backup was restored: what may have been sent since it was made is not sent again"
    );
    // In a backup of the restored directory it would mean something else.
    fs::remove_file(&mark).map_err(|e| StoreError::Unusable { path: mark, problem: e.to_string() })
}
