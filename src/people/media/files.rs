//! The files below `<data_dir>/media`: random names, mode 0600, whole or not there.
//!
//! A file is written under a temporary name, synced, and renamed; the folder is synced too. Its row is written after
//! that, so that a row never names a file that a power cut could have taken. A file whose row was never written is an
//! orphan: dropped with its [`Written`], or found by [`MediaFolder::sweep`] after a crash.

use super::sniff::{self, HEAD, TextProbe};
use crate::model::{
    aside::{PIECE, give_way},
    random::{Random, base62},
};
use ring::digest;
use std::{
    collections::HashSet,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
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
    kept: AtomicBool,
}

/// A file of which not all bytes are there. Dropped, it is removed.
pub struct Writing {
    /// Until it is whole.
    written: Option<Written>,
    file: File,
    digest: digest::Context,
    /// The first bytes, as many as a judgement needs.
    head: Vec<u8>,
    text: TextProbe,
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
        let mut writing = self.begin()?;
        writing.push(bytes)?;
        writing.finish()
    }

    /// Begins a file whose bytes come piece by piece. Call it where blocking is allowed.
    ///
    /// # Errors
    /// The disk's own.
    pub fn begin(&self) -> io::Result<Writing> {
        let name = base62(&*self.random, 32).to_ascii_lowercase();
        let path = format!("{}/{name}", &name[..2]);
        let folder = self.root.join(&name[..2]);
        if !folder.exists() {
            DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
            File::open(&*self.root)?.sync_all()?;
        }
        self.lock().insert(path.clone());
        let stored = Stored { path, size: 0, sha256: Vec::new(), sniffed: None, is_text: false };
        // From here on a failure removes what was written.
        let written = Written { files: self.clone(), stored, kept: AtomicBool::new(false) };
        let temporary = written.path().with_extension(&TEMPORARY[1..]);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        let digest = digest::Context::new(&digest::SHA256);
        Ok(Writing { written: Some(written), file, digest, head: Vec::new(), text: TextProbe::default() })
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

impl Writing {
    /// The next piece.
    ///
    /// # Errors
    /// The disk's own.
    pub fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        for part in piece.chunks(PIECE) {
            self.file.write_all(part)?;
            self.digest.update(part);
            self.text.push(part);
            give_way();
        }
        let more = HEAD.saturating_sub(self.head.len()).min(piece.len());
        self.head.extend_from_slice(&piece[..more]);
        if let Some(written) = &mut self.written {
            written.stored.size += piece.len() as u64;
        }
        Ok(())
    }

    /// How many bytes came so far.
    pub fn size(&self) -> u64 {
        self.written.as_ref().map_or(0, |written| written.stored.size)
    }

    /// It is whole: synced, and under its own name.
    ///
    /// # Errors
    /// The disk's own.
    pub fn finish(mut self) -> io::Result<Written> {
        let Some(mut written) = self.written.take() else { return Err(io::ErrorKind::NotFound.into()) };
        let target = written.path();
        let temporary = target.with_extension(&TEMPORARY[1..]);
        let done = self.file.sync_all().and_then(|()| fs::rename(&temporary, &target));
        if let Err(e) = done {
            let _ = fs::remove_file(&temporary);
            return Err(e);
        }
        if let Some(folder) = target.parent() {
            File::open(folder)?.sync_all()?;
        }
        let stored = &mut written.stored;
        stored.sha256 = self.digest.clone().finish().as_ref().to_vec();
        stored.sniffed = sniff::sniff(&self.head);
        stored.is_text = stored.sniffed.is_none() && self.text.is_text();
        Ok(written)
    }
}

/// Half a file is none.
impl Drop for Writing {
    fn drop(&mut self) {
        if let Some(written) = &self.written {
            let _ = fs::remove_file(written.path().with_extension(&TEMPORARY[1..]));
        }
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
    pub fn keep(&self) {
        self.kept.store(true, Relaxed);
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        if !*self.kept.get_mut() {
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
        drop(kept);
        fs::write(dir.path().join("media").join(&path[..2]).join("left.part"), "half").expect("written");
        assert_eq!(files.list_settled().expect("a list"), std::slice::from_ref(&path));
        assert!(!dir.path().join("media").join(&path[..2]).join("left.part").exists());
    }

    #[test]
    fn pieces_make_the_same_file_as_the_whole_and_half_of_one_is_none() {
        let dir = tempfile::tempdir().expect("a folder");
        let files = MediaFolder::new(dir.path(), Arc::new(SystemRandom));
        let text = "\u{5e9}\u{5dc}\u{5d5}\u{5dd} ".repeat(40).into_bytes();
        for bytes in [text.as_slice(), b"%PDF-1.7 and more", b"\0\x01", b""] {
            let whole = files.write(bytes).expect("written");
            for length in [1, 3, 64] {
                let mut writing = files.begin().expect("begun");
                bytes.chunks(length).for_each(|piece| writing.push(piece).expect("taken"));
                assert_eq!(writing.size(), bytes.len() as u64);
                let pieces = writing.finish().expect("written");
                let same = |one: &Stored| Stored { path: String::new(), ..one.clone() };
                assert_eq!(same(pieces.stored()), same(whole.stored()), "{length}");
                assert_eq!(fs::read(pieces.path()).expect("there"), bytes);
            }
        }
        let mut half = files.begin().expect("begun");
        half.push(b"half").expect("taken");
        drop(half);
        let left = walk(dir.path());
        assert!(left.is_empty(), "{left:?}");
    }

    fn walk(dir: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(dir).into_iter().flatten().map(|entry| entry.expect("an entry").path());
        entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
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
