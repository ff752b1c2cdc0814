//! The files below `<data_dir>/media`: random names, mode 0600, whole or not there.
//!
//! A file is written under a temporary name, synced, and renamed; the folder is synced too. Its row is written after
//! that, so that a row never names a file that a power cut could have taken. A file whose row was never written is an
//! orphan: dropped with its [`Written`], or found by [`MediaFolder::sweep`] after a crash.

use super::sniff::{self, HEAD};
use crate::model::random::{Random, base62};
use ring::digest;
use std::{
    collections::HashSet,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

const TEMPORARY: &str = ".part";

/// The folder. Cheap to clone.
#[derive(Clone)]
pub struct MediaFolder {
    root: Arc<PathBuf>,
    random: Arc<dyn Random>,
    /// Names of files whose row is not written yet: the sweep leaves them.
    new: Arc<Mutex<HashSet<String>>>,
}

/// What a row says about a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    /// Below the folder: `xx/name`.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// Of its bytes.
    pub sha256: Vec<u8>,
    /// What its first bytes say.
    pub sniffed: Option<&'static str>,
    /// Whether all of it is text (UTF-8 without control characters), where its first bytes say nothing.
    pub is_text: bool,
}

/// A file without a row yet. Dropped, it is removed; [`Written::keep`] says that the row is there.
pub struct Written {
    files: MediaFolder,
    stored: Stored,
    kept: bool,
}

impl MediaFolder {
    /// The folder below a data directory; made with the first file.
    pub fn new(data_dir: &Path, random: Arc<dyn Random>) -> Self {
        Self { root: Arc::new(data_dir.join("media")), random, new: Arc::default() }
    }

    /// Writes a file, synced. Call it where blocking is allowed.
    ///
    /// # Errors
    /// The disk's own.
    pub fn write(&self, bytes: &[u8]) -> io::Result<Written> {
        let name = base62(&*self.random, 32).to_ascii_lowercase();
        let path = format!("{}/{name}", &name[..2]);
        let folder = self.root.join(&name[..2]);
        if !folder.exists() {
            DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
            File::open(&*self.root)?.sync_all()?;
        }
        self.lock().insert(path.clone());
        let sniffed = sniff::sniff(&bytes[..bytes.len().min(HEAD)]);
        let stored = Stored {
            path,
            size: bytes.len() as u64,
            sha256: digest::digest(&digest::SHA256, bytes).as_ref().to_vec(),
            sniffed,
            is_text: sniffed.is_none() && sniff::is_text(bytes),
        };
        // From here on a failure removes what was written.
        let written = Written { files: self.clone(), stored, kept: false };
        let target = self.root.join(&written.stored.path);
        let temporary = target.with_extension(&TEMPORARY[1..]);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        let done = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&temporary, &target));
        if let Err(e) = done {
            let _ = fs::remove_file(&temporary);
            return Err(e);
        }
        File::open(&folder)?.sync_all()?;
        Ok(written)
    }

    /// Where a file lies, by the path in its row; none for a path that could not have been made here.
    pub fn locate(&self, path: &str) -> Option<PathBuf> {
        let (folder, name) = path.split_once('/')?;
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
        (plain(folder) && plain(name)).then(|| self.root.join(folder).join(name))
    }

    /// Removes a file; one that is gone is removed.
    ///
    /// # Errors
    /// The disk's own.
    pub fn remove(&self, path: &str) -> io::Result<()> {
        let Some(at) = self.locate(path) else { return Ok(()) };
        match fs::remove_file(at) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }

    /// All files that have had the time to get a row, by their path. What was left under a temporary name is removed.
    ///
    /// # Errors
    /// The disk's own.
    pub fn list_settled(&self) -> io::Result<Vec<String>> {
        let mut found = Vec::new();
        let folders = match fs::read_dir(&*self.root) {
            Ok(folders) => folders,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(found),
            Err(e) => return Err(e),
        };
        for folder in folders {
            let folder = folder?;
            if !folder.file_type()?.is_dir() {
                continue;
            }
            for entry in fs::read_dir(folder.path())? {
                let name = entry?.file_name().to_string_lossy().into_owned();
                let path = format!("{}/{name}", folder.file_name().to_string_lossy());
                let whole = path.strip_suffix(TEMPORARY).unwrap_or(&path);
                // Asked after the listing: a file that is not new any more has its row by now, or is gone.
                if self.lock().contains(whole) {
                    continue;
                }
                if name.ends_with(TEMPORARY) {
                    let _ = fs::remove_file(self.root.join(&path));
                } else {
                    found.push(path);
                }
            }
        }
        Ok(found)
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.new.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Written {
    /// What its row will say.
    pub fn stored(&self) -> &Stored {
        &self.stored
    }

    /// Where it lies.
    pub fn path(&self) -> PathBuf {
        self.files.root.join(&self.stored.path)
    }

    /// Its row is committed, or may be: it stays, and the sweep judges it by its row.
    pub fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        if !self.kept {
            let _ = self.files.remove(&self.stored.path);
        }
        self.files.lock().remove(&self.stored.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::random::SystemRandom;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_private_whole_and_gone_with_its_guard() {
        let dir = tempfile::tempdir().expect("a folder");
        let files = MediaFolder::new(dir.path(), Arc::new(SystemRandom));
        let written = files.write(b"%PDF-1.7 hello").expect("written");
        let stored = written.stored().clone();
        let at = files.locate(&stored.path).expect("a place");
        assert_eq!(fs::read(&at).expect("there"), b"%PDF-1.7 hello");
        assert_eq!(fs::metadata(&at).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!((stored.size, stored.sniffed), (14, Some("application/pdf")));
        assert_eq!(files.list_settled().expect("a list"), Vec::<String>::new(), "it is new: not the sweep's");
        drop(written);
        assert!(!at.exists());
        let kept = files.write(b"x").expect("written");
        let path = kept.stored().path.clone();
        kept.keep();
        fs::write(dir.path().join("media").join(&path[..2]).join("left.part"), "half").expect("written");
        assert_eq!(files.list_settled().expect("a list"), std::slice::from_ref(&path));
        assert!(!dir.path().join("media").join(&path[..2]).join("left.part").exists());
    }

    #[test]
    fn no_path_leads_out() {
        let files = MediaFolder::new(Path::new("/data"), Arc::new(SystemRandom));
        for bad in ["../secret.key", "ab/../../secret.key", "/etc/passwd", "ab", "ab/", "ab/c/d", "", "ab/c.part"] {
            assert_eq!(files.locate(bad), None, "{bad}");
        }
        assert_eq!(files.locate("ab/cd"), Some(PathBuf::from("/data/media/ab/cd")));
    }
}
