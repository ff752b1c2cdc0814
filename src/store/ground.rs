//! The ground under the database: whether the files at their paths are still those that were opened.
//!
//! SQLite goes on writing into a file that was removed, moved away or replaced; what is written then is nowhere after
//! the next start. So the writer looks before each commit and once a second, and at the database after it, too: nothing is
//! acknowledged that is not in the data directory. Looking costs a call of `statx` a file, and nobody asks when the log
//! was written: since Linux 6.13 that would give the next write a time of its own, and each commit one more block to
//! write, the inode with that time.

use super::open::{self, DirLock};
use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};
use sha2::{Digest, Sha256};
use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The files that a running gateway lives on.
pub(super) struct Ground {
    data_dir: PathBuf,
    files: Mutex<Vec<KeptFile>>,
    /// The key of the secrets, when it lies there: another file with the same key is as good.
    key: Mutex<Option<KeptKey>>,
    /// Held until the store is closed: keeps a second process out.
    lock: Mutex<Option<DirLock>>,
}

struct KeptFile {
    name: String,
    /// Device and inode.
    id: (u64, u64),
    /// It is never shorter than this, in bytes.
    least: u64,
}

/// A file as it is asked for without its times.
struct FileFound {
    /// Device and inode.
    id: (u64, u64),
    size: u64,
}

struct KeptKey {
    name: &'static str,
    digest: [u8; 32],
    /// Of the file when it was read last.
    stamp: Option<FileStamp>,
}

/// Device, inode, and when it was written, in seconds and nanoseconds.
type FileStamp = (u64, u64, i64, i64);

impl Ground {
    /// What lies in `data_dir` now; call it when the database was opened and written.
    pub(super) fn of(data_dir: &Path, lock: DirLock) -> Self {
        let log = format!("{}-wal", open::FILE_NAME);
        let found = [(open::FILE_NAME.to_owned(), 100), (log, 0)].into_iter().filter_map(|(name, least)| {
            let id = FileFound::at(&data_dir.join(&name)).ok()?.id;
            Some(KeptFile { name, id, least })
        });
        let files = Mutex::new(found.collect());
        Self { data_dir: data_dir.to_owned(), files, key: Mutex::default(), lock: Mutex::new(Some(lock)) }
    }

    /// From now on this key belongs to it.
    pub(super) fn keep_key(&self, name: &'static str, key: &[u8]) {
        *locked(&self.key) = Some(KeptKey { name, digest: Sha256::digest(key).into(), stamp: None });
    }

    /// Lets go of the directory.
    pub(super) fn release(&self) {
        drop(locked(&self.lock).take());
    }

    /// Whether all is as it was; else what is not, and what would help.
    pub(super) fn look(&self) -> Result<(), String> {
        self.look_at_database()?;
        self.look_at_key()?;
        self.keep_lock()
    }

    /// The same of the database and its log alone.
    pub(super) fn look_at_database(&self) -> Result<(), String> {
        for kept in locked(&self.files).iter() {
            let found = FileFound::at(&self.data_dir.join(&kept.name));
            self.judge(&kept.name, &found, |file| {
                if file.id != kept.id {
                    Some("was replaced")
                } else if file.size < kept.least {
                    Some("was emptied")
                } else {
                    None
                }
            })?;
        }
        Ok(())
    }

    /// The key is read again only when its file has changed.
    fn look_at_key(&self) -> Result<(), String> {
        let mut kept = locked(&self.key);
        let Some(key) = kept.as_mut() else { return Ok(()) };
        let path = self.data_dir.join(key.name);
        let found = fs::metadata(&path);
        self.judge(key.name, &found, |m| (m.len() != 32).then_some("was emptied"))?;
        let stamp = found.as_ref().map(stamp_of).ok();
        if stamp == key.stamp {
            return Ok(());
        }
        let read = fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        if <[u8; 32]>::from(Sha256::digest(&read)) != key.digest {
            return Err(self.problem(key.name, "was replaced"));
        }
        key.stamp = stamp;
        Ok(())
    }

    fn judge<F>(
        &self,
        name: &str,
        found: &io::Result<F>,
        wrong: impl Fn(&F) -> Option<&'static str>,
    ) -> Result<(), String> {
        match found {
            Ok(file) => wrong(file).map_or(Ok(()), |what| Err(self.problem(name, what))),
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Err(self.problem(name, "is gone"))
            }
            Err(e) => Err(format!("{}: {e}", self.data_dir.join(name).display())),
        }
    }

    fn problem(&self, name: &str, what: &str) -> String {
        format!(
            "{} {what} while the gateway ran, and nothing is taken until it is back: move the data directory back to \
             its place, or stop the gateway, restore a backup and start it again",
            self.data_dir.join(name).display()
        )
    }

    /// A lock whose file was removed keeps nobody out: a new one is taken, unless somebody else was quicker.
    fn keep_lock(&self) -> Result<(), String> {
        let mut held = locked(&self.lock);
        let Some(lock) = held.as_ref() else { return Ok(()) };
        if lock.is_at(&self.data_dir) {
            return Ok(());
        }
        match open::lock_in(&self.data_dir) {
            Ok(fresh) => {
                tracing::warn!("the lock of the data directory was removed or replaced; it was taken again");
                *held = Some(fresh);
                Ok(())
            }
            Err(e) => Err(format!("the lock of this data directory is not ours any more: {e}")),
        }
    }
}

fn stamp_of(m: &fs::Metadata) -> FileStamp {
    (m.dev(), m.ino(), m.mtime(), m.mtime_nsec())
}

impl FileFound {
    fn at(path: &Path) -> io::Result<Self> {
        match statx(CWD, path, AtFlags::empty(), StatxFlags::INO | StatxFlags::SIZE) {
            Ok(m) => Ok(Self { id: (makedev(m.stx_dev_major, m.stx_dev_minor), m.stx_ino), size: m.stx_size }),
            // Linux before 4.11, and sandboxes that know no newer calls.
            Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
                fs::metadata(path).map(|m| Self { id: (m.dev(), m.ino()), size: m.len() })
            }
            Err(e) => Err(e.into()),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
