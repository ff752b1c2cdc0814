//! Started as root, a command acts as the owner of the data directory, so that no file of root's is left behind that
//! the service could not write.

use std::{os::unix::fs::MetadataExt, path::Path};

/// Becomes the owner of `data_dir`, when started as root and the directory is somebody else's. Before any thread is
/// started: the kernel changes the calling thread alone.
pub(super) fn become_owner_of(data_dir: &Path) -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let Ok(owner) = std::fs::metadata(data_dir) else { return Ok(()) };
    if owner.uid() == 0 {
        return Ok(());
    }
    let uid = rustix::process::Uid::from_raw(owner.uid());
    let gid = rustix::process::Gid::from_raw(owner.gid());
    let changed = rustix::thread::set_thread_groups(&[gid])
        .and_then(|()| rustix::thread::set_thread_res_gid(gid, gid, gid))
        .and_then(|()| rustix::thread::set_thread_res_uid(uid, uid, uid));
    changed.map_err(|e| format!("cannot act as the owner of {} (user {}): {e}", data_dir.display(), owner.uid()))
}
