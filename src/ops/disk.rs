//! How much room there is, and how much is taken.

use std::path::Path;

/// Of one disk, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DiskSpace {
    /// What this process may still fill.
    pub free: u64,
    /// All of it.
    pub total: u64,
}

/// The disk that `path` lies on; none where the system does not say.
pub fn space(path: &Path) -> Option<DiskSpace> {
    let stat = rustix::fs::statvfs(path).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Some(DiskSpace { free: bytes(stat.f_bavail), total: bytes(stat.f_blocks) })
}

/// Bytes of a SQLite file and of the log beside it.
pub fn size_with_log(path: &Path) -> u64 {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |m| m.len());
    size(path) + size(Path::new(&log))
}
