//! The files beside the database: media, certificates, connectors' own stores. They are copied to the place one by one,
//! whenever they changed, each whole or not at all, sealed under a key that is derived from the key of the secrets. That
//! key itself (`secret.key`) never goes to the place: it is brought to the second machine once, by hand, so that who reads
//! the place alone can open nothing.
//!
//! Why not as a second stream, like the database: a connector's store is small and changes its shape with its library,
//! media never change, and a copy needs no process beside it. So a store may be some seconds older than the database.
//!
//! A copy bears the time of its source in whole seconds, for file systems that know no others. What was written within
//! the last seconds may be written again in the same second: such a copy bears no time, and is made again.

use crate::{
    model::{
        clock::{Clock, Time},
        random::Random,
    },
    ops::backup::{self, BackupError, Opener, Sealer, at, make_dir},
    store,
};
use std::{
    collections::BTreeSet,
    fs::{self, File, FileTimes, OpenOptions},
    io::{self, BufReader, BufWriter, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

/// A source that changed later than this before it was copied may change again in the same second.
const UNSETTLED: Duration = Duration::from_secs(3);
const PART: &str = ".part";

/// What one round did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FilesCopied {
    pub copied: usize,
    /// Their bytes.
    pub bytes: u64,
    pub removed: usize,
}

/// With what files are copied.
pub struct FilesKey<'a> {
    /// Derived from the key of the secrets, for this use.
    pub key: &'a [u8; 32],
    pub random: &'a dyn Random,
    pub clock: &'a dyn Clock,
}

/// Makes the files in `place` those of `data_dir`, but the database and the key.
///
/// # Errors
/// Files that cannot be read or written.
pub fn send(data_dir: &Path, place: &Path, with: &FilesKey<'_>) -> Result<FilesCopied, BackupError> {
    backup::sweep(data_dir);
    let mut names = Vec::new();
    backup::list(data_dir, "", &mut names)?;
    names.retain(|name| name != store::FILE_NAME && name != store::KEY_FILE_NAME);
    make_dir(place)?;
    let mut done = FilesCopied::default();
    for name in &names {
        let (source, target) = (data_dir.join(name), place.join(name));
        let Some(changed) = changed_at(&source) else { continue };
        if copied_at(&target) == Some(changed) {
            continue;
        }
        let now = with.clock.now();
        let is_settled = now.since(Time::from_millis(changed.saturating_mul(1000))) > UNSETTLED;
        let sealed = seal_into(data_dir, (&source, &target), with, if is_settled { changed } else { 0 });
        match sealed {
            Ok(bytes) => {
                done.copied += 1;
                done.bytes += bytes;
            }
            // Retention was quicker.
            Err(_) if changed_at(&source).is_none() => {}
            Err(e) => return Err(e),
        }
    }
    done.removed = remove_others(place, &names)?;
    Ok(done)
}

/// Makes the files in `target` those that were sent to `place`.
///
/// # Errors
/// Files that cannot be read or written; one that was sealed under another key.
pub fn fetch(place: &Path, target: &Path, key: &[u8; 32]) -> Result<FilesCopied, BackupError> {
    make_dir(target)?;
    let mut names = Vec::new();
    if place.exists() {
        walk(place, "", &mut names)?;
    }
    let mut done = FilesCopied::default();
    for name in &names {
        let (sealed, plain) = (place.join(name), target.join(name));
        let Some(sent) = copied_at(&sealed) else { continue };
        if sent != 0 && copied_at(&plain) == Some(sent) {
            continue;
        }
        match open_into(&sealed, &plain, key, sent) {
            Ok(bytes) => {
                done.copied += 1;
                done.bytes += bytes;
            }
            Err(BackupError::File { problem, .. }) if problem.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
    }
    done.removed = remove_others(target, &names)?;
    Ok(done)
}

/// When a file, or the log of a SQLite file, was written last, in whole seconds; none: it is not there.
fn changed_at(path: &Path) -> Option<i64> {
    let file = fs::metadata(path).ok()?.mtime();
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    Some(fs::metadata(log).map_or(file, |log| log.mtime().max(file)))
}

/// The time that a copy bears; none: it is not there.
fn copied_at(path: &Path) -> Option<i64> {
    fs::metadata(path).ok().map(|m| m.mtime())
}

fn seal_into(
    work: &Path,
    (source, target): (&Path, &Path),
    with: &FilesKey<'_>,
    changed: i64,
) -> Result<u64, BackupError> {
    let mut input = backup::open_settled(source, work)?;
    write_beside(target, changed, |out| {
        let mut sealer = Sealer::with_key(out, with.key, with.random)?;
        let bytes = io::copy(&mut input, &mut sealer)?;
        sealer.finish()?.flush()?;
        Ok(bytes)
    })
}

fn open_into(sealed: &Path, plain: &Path, key: &[u8; 32], sent: i64) -> Result<u64, BackupError> {
    let input = BufReader::with_capacity(128 * 1024, File::open(sealed).map_err(at(sealed))?);
    let mut opener = Opener::with_key(input, key).map_err(at(sealed))?;
    write_beside(plain, sent, |mut out| io::copy(&mut opener, &mut out)).map_err(|e| match e {
        BackupError::File { problem, .. } if problem.kind() == io::ErrorKind::InvalidData => at(sealed)(problem),
        other => other,
    })
}

/// Writes a file beside its place, gives it its time and then its name.
fn write_beside(
    target: &Path,
    changed: i64,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<u64>,
) -> Result<u64, BackupError> {
    let folder = target.parent().unwrap_or(Path::new("."));
    make_dir(folder)?;
    let mut name = target.as_os_str().to_owned();
    name.push(PART);
    let part = PathBuf::from(name);
    let done = (|| {
        let file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&part)?;
        let mut out = BufWriter::with_capacity(128 * 1024, file);
        let bytes = write(&mut out)?;
        out.flush()?;
        let seconds = Duration::from_secs(changed.try_into().unwrap_or(0));
        out.get_ref().set_times(FileTimes::new().set_modified(UNIX_EPOCH + seconds))?;
        out.get_ref().sync_all()?;
        fs::rename(&part, target)?;
        store::sync_dir(folder)?;
        Ok(bytes)
    })();
    done.map_err(at(target))
}

/// Removes what is not among `names`, and what a kill left half written.
fn remove_others(dir: &Path, names: &[String]) -> Result<usize, BackupError> {
    let wanted: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let mut there = Vec::new();
    walk(dir, "", &mut there)?;
    let mut removed = 0;
    for name in there.iter().filter(|name| !wanted.contains(name.as_str())) {
        let path = dir.join(name);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(at(&path)(e)),
            _ => removed += usize::from(!name.ends_with(PART)),
        }
        for folder in Path::new(name).ancestors().skip(1).filter(|f| !f.as_os_str().is_empty()) {
            // One that still holds something stays.
            let _ = fs::remove_dir(dir.join(folder));
        }
    }
    Ok(removed)
}

/// All regular files below `dir`, by their paths relative to it.
fn walk(dir: &Path, prefix: &str, names: &mut Vec<String>) -> Result<(), BackupError> {
    for entry in fs::read_dir(dir).map_err(at(dir))? {
        let entry = entry.map_err(at(dir))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().map_err(at(&entry.path()))?.is_dir() {
            walk(&entry.path(), &format!("{prefix}{name}/"), names)?;
        } else {
            names.push(format!("{prefix}{name}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::random::SystemRandom;

    /// A clock of files' own time, some while later.
    struct Later(Duration);

    impl Clock for Later {
        fn now(&self) -> Time {
            crate::model::clock::SystemClock.now().plus(self.0)
        }

        fn sleep_until(&self, _: Time) -> crate::model::clock::Sleep<'_> {
            Box::pin(std::future::pending())
        }
    }

    #[test]
    fn what_changed_is_copied_and_what_is_gone_is_removed() {
        let dir = tempfile::TempDir::new().expect("a directory");
        let (data, place, second) = (dir.path().join("data"), dir.path().join("place"), dir.path().join("second"));
        fs::create_dir_all(data.join("media/1")).expect("a directory");
        let write = |name: &str, text: &str| fs::write(data.join(name), text).expect("written");
        for (name, text) in [("secret.key", "key"), ("wa-gateway.db", "db"), ("media/1/a", "aaa"), ("cert.pem", "c")] {
            write(name, text);
        }
        let later = Later(Duration::from_secs(60));
        let with = FilesKey { key: &[7; 32], random: &SystemRandom, clock: &later };
        let copied = |done: FilesCopied| (done.copied, done.removed);
        assert_eq!(copied(send(&data, &place, &with).expect("sent")), (2, 0), "neither the database nor the key");
        assert_eq!(copied(send(&data, &place, &with).expect("sent")), (0, 0), "nothing changed");
        assert_eq!(copied(fetch(&place, &second, &[7; 32]).expect("fetched")), (2, 0));
        assert_eq!(copied(fetch(&place, &second, &[7; 32]).expect("fetched")), (0, 0));
        assert_eq!(fs::read(second.join("media/1/a")).expect("there"), b"aaa");
        assert!(!fs::read(place.join("media/1/a")).expect("there").windows(3).any(|w| w == b"aaa"), "nothing shows");
        // Within the second of its copy a file may change once more: it is copied until it has settled.
        let soon = Later(Duration::ZERO);
        let unsettled = FilesKey { clock: &soon, ..with };
        write("cert.pem", "d");
        let old = File::options().write(true).open(place.join("cert.pem")).expect("there");
        old.set_times(FileTimes::new().set_modified(UNIX_EPOCH)).expect("a time");
        assert_eq!(copied(send(&data, &place, &unsettled).expect("sent")), (1, 0));
        write("cert.pem", "e");
        assert_eq!(copied(send(&data, &place, &unsettled).expect("sent")), (1, 0));
        assert_eq!(copied(fetch(&place, &second, &[7; 32]).expect("fetched")), (1, 0), "and fetched until then");
        fs::remove_file(data.join("media/1/a")).expect("removed");
        fs::write(place.join("media/1/b.part"), "half").expect("what a kill left");
        assert_eq!(copied(send(&data, &place, &with).expect("sent")), (1, 1));
        assert_eq!(copied(fetch(&place, &second, &[7; 32]).expect("fetched")), (1, 1));
        assert!(!second.join("media").exists() && !place.join("media").exists());
        assert_eq!(fs::read(second.join("cert.pem")).expect("there"), b"e");
        let wrong = fetch(&place, &dir.path().join("third"), &[8; 32]).expect_err("another key").to_string();
        assert!(wrong.contains("the key is another one"), "{wrong}");
    }
}
