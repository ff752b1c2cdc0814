//! The first start after a restore.

use crate::{
    sending::Sending,
    store::{self, StoreError},
};
use std::{fs, io, path::Path};

/// Where a backup was restored into the directory and no gateway has served from it since: what was due since it was made,
/// and what was on its way then, may have been sent by the gateway that went on from there. It is not sent again. Whoever
/// opens the directory does this, as often as it takes.
///
/// # Errors
/// The store's; the mark is there and cannot be read.
pub async fn settle_restored(data_dir: &Path, sending: &Sending) -> Result<(), StoreError> {
    let mark = data_dir.join(store::RESTORED_AT);
    let made_at = match fs::read(&mark) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        read => String::from_utf8_lossy(&read.map_err(|e| unusable(&mark, &e))?).into_owned(),
    };
    let uncertain = sending.settle_restored().await?;
    tracing::warn!(
        made_at = made_at.trim(),
        messages = uncertain.messages,
        scheduled = uncertain.scheduled,
        "a backup was restored: what may have been sent since it was made is not sent again"
    );
    Ok(())
}

/// A gateway serves from the directory from now on: what is taken is its own.
///
/// # Errors
/// The mark cannot be removed for good.
pub fn forget_restored(data_dir: &Path) -> Result<(), StoreError> {
    let mark = data_dir.join(store::RESTORED_AT);
    match fs::remove_file(&mark) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done.and_then(|()| store::sync_dir(data_dir)).map_err(|e| unusable(&mark, &e)),
    }
}

fn unusable(path: &Path, e: &io::Error) -> StoreError {
    StoreError::Unusable { path: path.to_owned(), problem: e.to_string() }
}
