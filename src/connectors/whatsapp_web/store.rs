//! The file of an instance's keys and sessions: where it is, who may have it open, and its end.
//!
//! One client a file: two of them would each go on from the same ratchet, and the phone would understand neither. Within
//! this process a lease sees to that, which the one before gives up when its client is down; between processes the lock
//! of the data directory does.

use crate::model::{clock::Time, ids::InstanceId};
use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex},
};
use tokio::sync::{Mutex as Lease, OwnedMutexGuard};
use whatsapp_rust::bytes::Bytes;

static LEASES: LazyLock<Mutex<HashMap<PathBuf, Arc<Lease<()>>>>> = LazyLock::new(Mutex::default);

/// How the endings of kept parts begin.
const PART: &str = "part";

/// A part of the chats that a phone held before it was linked.
#[derive(Clone)]
pub(super) struct PackedPart {
    /// As the phone packed it.
    pub(super) bytes: Bytes,
    /// How many bytes it has unpacked.
    pub(super) size: u64,
}

impl PackedPart {
    /// One that was kept.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let all = std::fs::read(path)?;
        let (size, bytes) = all.split_first_chunk().ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(Self { size: u64::from_be_bytes(*size), bytes: Bytes::copy_from_slice(bytes) })
    }
}

/// An instance's file, and those that SQLite puts beside it.
#[derive(Clone, Debug)]
pub(super) struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    pub(super) fn new(data_dir: &Path, instance: &InstanceId) -> Self {
        // An id is a slug: no dot, no slash.
        Self { path: data_dir.join("whatsapp-web").join(format!("{instance}.db")) }
    }

    /// When its number was linked; none: it is not, or nobody wrote it down.
    pub(super) fn linked_at(&self) -> Option<Time> {
        Time::parse(std::fs::read_to_string(self.linked_file()).ok()?.trim()).ok()
    }

    /// Writes down that its number is linked.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn note_linked(&self, at: Time) -> io::Result<()> {
        self.write_whole(&self.linked_file(), &[at.to_string().as_bytes()])
    }

    fn linked_file(&self) -> PathBuf {
        self.path.with_extension("linked")
    }

    /// Waits until nobody else in this process has it open.
    pub(super) async fn lease(&self) -> OwnedMutexGuard<()> {
        let lease = LEASES.lock().expect("no holder panics").entry(self.path.clone()).or_default().clone();
        lease.lock_owned().await
    }

    /// Where the store is opened, its folder made, readable by nobody else.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub(super) fn prepared(&self) -> io::Result<&str> {
        use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
        let folder = self.path.parent().expect("it stands in a folder");
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        // SQLite gives the files beside it the mode of this one. One that is there is not opened: closed again, it would lose
        // the locks that SQLite has on it.
        match std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&self.path) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            _ => {}
        }
        self.path.to_str().ok_or_else(|| io::Error::other("the data directory's name is no UTF-8"))
    }

    /// Keeps a part of the phone's chats until it is recorded, and says where: its size when unpacked, in eight bytes, then
    /// what the phone packed.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn keep_part(&self, part: &PackedPart) -> io::Result<PathBuf> {
        let last =
            self.kept_parts().last().and_then(|path| path.extension()?.to_str()?.strip_prefix(PART)?.parse().ok());
        let path = self.path.with_extension(format!("{PART}{:06}", last.unwrap_or(0_u32) + 1));
        self.write_whole(&path, &[&part.size.to_be_bytes(), &part.bytes])?;
        Ok(path)
    }

    /// Writes a file that is there whole after a power cut, or as it was before.
    fn write_whole(&self, path: &Path, pieces: &[&[u8]]) -> io::Result<()> {
        use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt as _};
        let unfinished = self.path.with_extension("unfinished");
        let mut file = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&unfinished)?;
        for piece in pieces {
            file.write_all(piece)?;
        }
        file.sync_all()?;
        fs::rename(unfinished, path)?;
        path.parent().map_or(Ok(()), |dir| fs::File::open(dir)?.sync_all())
    }

    /// Where the parts lie that are not recorded yet, in their order.
    pub(super) fn kept_parts(&self) -> Vec<PathBuf> {
        let folder = self.path.parent().map(std::fs::read_dir).and_then(Result::ok);
        let named = folder.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        let is_part =
            |path: &Path| path.extension().is_some_and(|end| end.as_encoded_bytes().starts_with(PART.as_bytes()));
        let mut all: Vec<_> = named.filter(|path| path.file_stem() == self.path.file_stem() && is_part(path)).collect();
        all.sort();
        all
    }

    /// Deletes it: the keys are gone, the phone must be linked anew.
    ///
    /// # Errors
    /// One of the files is still there.
    pub(super) fn remove(&self) -> io::Result<()> {
        let beside = ["", "-wal", "-shm", "-journal"].map(|end| {
            let mut name = self.path.clone().into_os_string();
            name.push(end);
            PathBuf::from(name)
        });
        for name in beside.into_iter().chain([self.linked_file()]).chain(self.kept_parts()) {
            match std::fs::remove_file(&name) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[tokio::test]
    async fn one_has_it_at_a_time_and_its_end_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = KeyFile::new(dir.path(), &InstanceId::from_text("line"));
        let held = file.lease().await;
        let mut second = Box::pin(file.lease());
        assert!(futures_util::poll!(&mut second).is_pending());
        let other = KeyFile::new(dir.path(), &InstanceId::from_text("line-2"));
        drop(other.lease().await);
        drop(held);
        drop(second.await);

        let path = file.prepared().expect("a file").to_owned();
        for end in ["-wal", "-shm"] {
            std::fs::write(format!("{path}{end}"), "x").expect("written");
        }
        let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(Path::new(&path)), mode(&dir.path().join("whatsapp-web"))), (0o600, 0o700));
        let at = Time::from_millis(1_780_000_000_000);
        assert_eq!(file.linked_at(), None);
        file.note_linked(at).expect("written");
        assert_eq!(file.linked_at(), Some(at));
        let part = |text: &'static str| PackedPart { bytes: Bytes::from_static(text.as_bytes()), size: 7 };
        let kept = ["one", "two"].map(|text| file.keep_part(&part(text)).expect("kept"));
        assert_eq!((file.kept_parts(), other.kept_parts()), (kept.to_vec(), Vec::new()));
        let read = PackedPart::read(&kept[1]).expect("a part");
        assert_eq!((&*read.bytes, read.size, mode(&kept[1])), (&b"two"[..], 7, 0o600));
        std::fs::write(&kept[0], "short").expect("written");
        assert!(PackedPart::read(&kept[0]).is_err());
        file.remove().expect("removed");
        file.remove().expect("nothing there is no error");
        assert_eq!(std::fs::read_dir(dir.path().join("whatsapp-web")).expect("a folder").count(), 0);
    }
}
