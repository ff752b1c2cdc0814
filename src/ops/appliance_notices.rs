//! What the appliance itself has to tell: its certificate ends, its disk fills, its backups fail. Each opens a notice for
//! admins, and clears it when it is over. Judged from facts that the caller brings; the scheduler's jobs are the callers.

use super::{keeper::ends_soon, x509::CertificateFacts};
use crate::{
    accounts::notices::{self, NoticeKind},
    model::clock::Time,
    store::{StoreError, WriteTx},
};
use serde_json::{Value, json};
use std::path::Path;

/// Room on a disk, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FreeSpace {
    /// What may still be written.
    pub free: u64,
    /// All of it.
    pub total: u64,
}

/// Less than this is nearly full, whatever the disk's size: a day of a busy gateway fits in it.
const LOW: u64 = 512 << 20;
/// Of a small disk, less than a tenth is.
const LOW_PART: u64 = 10;

/// Room where `path` is.
///
/// # Errors
/// The system's.
pub fn space(path: &Path) -> std::io::Result<FreeSpace> {
    let stat = rustix::fs::statvfs(path)?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Ok(FreeSpace { free: bytes(stat.f_bavail), total: bytes(stat.f_blocks) })
}

/// The public listener's certificate; `problem`: why it was not renewed.
pub fn certificate(
    tx: &WriteTx<'_>,
    facts: Option<&CertificateFacts>,
    problem: Option<&str>,
    now: Time,
) -> Result<(), StoreError> {
    let ending = facts.filter(|facts| ends_soon(facts, now));
    let parameters = ending.map(|facts| json!({"until": facts.not_after, "reason": problem}));
    tell(tx, NoticeKind::CertificateEnding, parameters.as_ref(), now)
}

/// The disk of the data directory.
pub fn disk(tx: &WriteTx<'_>, space: FreeSpace, now: Time) -> Result<(), StoreError> {
    let is_low = space.free < LOW.min(space.total / LOW_PART);
    let parameters = is_low.then(|| json!({"free_mb": space.free >> 20}));
    tell(tx, NoticeKind::DiskNearlyFull, parameters.as_ref(), now)
}

/// How a scheduled backup ended; none: it was made.
pub fn backup(tx: &WriteTx<'_>, problem: Option<&str>, now: Time) -> Result<(), StoreError> {
    let parameters = problem.map(|reason| json!({"reason": reason}));
    tell(tx, NoticeKind::BackupFailed, parameters.as_ref(), now)
}

fn tell(tx: &WriteTx<'_>, kind: NoticeKind, parameters: Option<&Value>, now: Time) -> Result<(), StoreError> {
    match parameters {
        Some(parameters) => notices::raise(tx, None, (kind, ""), parameters, now),
        None => notices::clear(tx, None, kind, "", now),
    }
}
