//! Backups: everything that the data directory needs to be itself again, in one file.
//!
//! - **What is in it**: the database and every other SQLite file (the connectors' own stores) as of one commit each,
//!   the key of the secrets, certificates, media and whatever else lies in the data directory; not the lock, the
//!   socket, files half written, and earlier backups.
//! - **How**: `archive.rs` is the container (a `tar` file whose last two members are the manifest with size and SHA-256
//!   of each member, and the manifest's own digest), `seal.rs` the encryption around it. Both are streams: memory does
//!   not grow with the data. A file is written beside its place (0600), synced, and renamed.
//! - **While a gateway runs**: SQLite files are copied in a read transaction by whoever makes the backup, in the gateway
//!   or in a process beside it; nothing waits for it. So the command line may write where the hardened service may not.
//! - `restore.rs` is the way back, `plan.rs` the scheduled ones with their rotation.

mod archive;
mod passing;
mod plan;
mod plans;
mod restore;
mod restored;
mod seal;

pub use passing::sweep;
pub use plan::{BackupPlan, BackupStep, PassphraseSource, read_passphrase};
pub use plans::BackupPlans;
pub use restore::{Restored, restore};
pub use restored::{forget_restored, settle_restored};
pub use seal::Passphrase;
pub(super) use seal::{Opener, Sealer};

use crate::{
    model::{clock::Time, random::Random},
    ops::standby,
    store::{self, StoreError},
};
use archive::ArchiveWriter;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, DirBuilder, File},
    io::{self, BufWriter, Read, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

/// Left out of every backup: this process's own, and earlier backups (scheduled ones wherever they lie).
const NOT_KEPT: [&str; 9] = [
    "lock",
    "control.sock",
    "backups",
    restore::STAGE,
    store::RESTORED_STAGE,
    store::RESTORED_AT,
    // Where an upgrade that was taken back puts what it leaves.
    "newer",
    standby::FOLLOWED,
    standby::REPLICATING,
];
/// Endings of files that are half written, or belong to a SQLite file beside them.
const PASSING: [&str; 6] = [".new", ".part", ".tmp", "-wal", "-shm", "-journal"];

const MANIFEST: &str = "manifest.json";
const MANIFEST_HASH: &str = "manifest.sha256";
/// Version of the manifest's shape.
const FORMAT: u32 = 1;

/// Why there is no backup, or nothing was restored; one line each.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file or directory.
    #[error("{}: {problem}", path.display())]
    File {
        path: PathBuf,
        /// What the system says.
        problem: io::Error,
    },
    /// The stream that is written or read.
    #[error("{0}")]
    Stream(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the caller should do otherwise.
    #[error("{0}")]
    Refused(String),
    /// The backup is damaged, cut off, or none.
    #[error("this backup cannot be used: {0}; nothing was restored")]
    Damaged(String),
}

pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    move |problem| BackupError::File { path: path.to_owned(), problem }
}

/// What a backup says about itself.
#[derive(Serialize, Deserialize)]
struct Manifest {
    format: u32,
    program: String,
    made_at: String,
    schema: usize,
    /// No gateway ran on the directory while it was made, as for a move to another machine.
    #[serde(default)]
    nobody_ran: bool,
    members: Vec<Member>,
}

#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct Member {
    name: String,
    bytes: u64,
    sha256: String,
}

/// What was backed up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct BackupMade {
    /// Files in it.
    pub files: usize,
    /// Their bytes; the backup itself is a little larger.
    pub bytes: u64,
    /// Whether it is under a passphrase.
    pub encrypted: bool,
}

/// Time, chance and secret of one backup.
pub struct Making<'a> {
    /// Written into the manifest.
    pub now: Time,
    /// For the salt.
    pub random: &'a dyn Random,
    /// Sealed with it, when there is one.
    pub passphrase: Option<&'a Passphrase>,
    /// The key of the secrets, when it lies outside the data directory. It is restored into it.
    pub key_file: Option<&'a Path>,
}

/// Backs `data_dir` up into the new file `target`. Blocks; safe beside a running gateway.
///
/// # Errors
/// `target` is there already; the data directory has no database; files that cannot be read or written.
pub fn write_file(data_dir: &Path, target: &Path, making: &Making<'_>) -> Result<BackupMade, BackupError> {
    if target.symlink_metadata().is_ok() {
        return Err(BackupError::Refused(format!("{} is there already: name a new file", target.display())));
    }
    must_have_database(data_dir)?;
    let dir = match target.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    must_lie_outside(data_dir, dir, target)?;
    has_room(data_dir, dir)?;
    let name = target.file_name().ok_or_else(|| BackupError::Refused(format!("{} is no file", target.display())))?;
    let beside = dir.join(format!("{}{}.part", passing::PREFIX, name.to_string_lossy()));
    let done = write_beside(data_dir, dir, &beside, making).and_then(|made| {
        fs::rename(&beside, target).map_err(at(target))?;
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(at(dir))?;
        Ok(made)
    });
    if done.is_err() {
        let _ = fs::remove_file(&beside);
    }
    done
}

/// What a backup must leave free, in bytes: it must not be what fills the gateway's disk.
const ROOM: u64 = 64 << 20;

/// There must be room for the backup, for the copy of the largest file beside it, and some.
fn has_room(data_dir: &Path, dir: &Path) -> Result<(), BackupError> {
    let mut names = Vec::new();
    list(data_dir, "", &mut names)?;
    let sizes: Vec<u64> = names.iter().map(|n| fs::metadata(data_dir.join(n)).map_or(0, |m| m.len())).collect();
    let needed = sizes.iter().sum::<u64>() + sizes.iter().max().unwrap_or(&0) + ROOM;
    let Ok(stat) = rustix::fs::statvfs(dir) else { return Ok(()) };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    if free >= needed {
        return Ok(());
    }
    Err(BackupError::Refused(format!(
        "{}: {} MiB are free, the backup needs {} while it is made: make room, or choose another place",
        dir.display(),
        free >> 20,
        needed >> 20,
    )))
}

/// A backup among the data would go into the next one, and that into the one after it. Scheduled ones are told by their names.
fn must_lie_outside(data_dir: &Path, dir: &Path, target: &Path) -> Result<(), BackupError> {
    let (Ok(data), Ok(dir)) = (data_dir.canonicalize(), dir.canonicalize()) else { return Ok(()) };
    let is_scheduled = target.file_name().is_some_and(|name| plan::is_scheduled(&name.to_string_lossy()));
    if is_scheduled || !dir.starts_with(&data) || dir.starts_with(data.join("backups")) {
        return Ok(());
    }
    Err(BackupError::Refused(format!(
        "{}: a backup among the data would be part of the next one: name a file elsewhere, or in {}",
        target.display(),
        data_dir.join("backups").display()
    )))
}

fn must_have_database(data_dir: &Path) -> Result<(), BackupError> {
    let database = data_dir.join(store::FILE_NAME);
    if !database.exists() {
        return Err(BackupError::Refused(format!("{}: there is no database here to back up", data_dir.display())));
    }
    if is_database(&database)? {
        return Ok(());
    }
    Err(BackupError::Refused(format!(
        "{}: this file is empty or no database: nothing could be restored from a backup of it. Keep the backups that are \
         there, and look at `wa-gateway doctor`",
        database.display()
    )))
}

fn write_beside(data_dir: &Path, work: &Path, beside: &Path, making: &Making<'_>) -> Result<BackupMade, BackupError> {
    let file = passing::create(beside).map_err(at(beside))?;
    let mut out = BufWriter::with_capacity(128 * 1024, file);
    let made = write(data_dir, work, &mut out, making)?;
    let file = out.into_inner().map_err(|e| at(beside)(e.into_error()))?;
    file.sync_all().map_err(at(beside))?;
    Ok(made)
}

/// Writes the backup of `data_dir` to `out`. Copies of SQLite files lie in `work` for a moment.
///
/// # Errors
/// As [`write_file`].
pub fn write(data_dir: &Path, work: &Path, out: impl Write, making: &Making<'_>) -> Result<BackupMade, BackupError> {
    let Some(passphrase) = making.passphrase else { return Ok(pack(data_dir, work, out, making)?.0) };
    let sealer = seal::Sealer::new(out, passphrase, making.random)?;
    let (made, sealer) = pack(data_dir, work, sealer, making)?;
    sealer.finish()?.flush()?;
    Ok(made)
}

fn pack<W: Write>(data_dir: &Path, work: &Path, out: W, making: &Making<'_>) -> Result<(BackupMade, W), BackupError> {
    must_have_database(data_dir)?;
    // Not held: a gateway that starts meanwhile must not find the directory taken.
    let was_at_rest = store::Store::lock(data_dir).is_ok();
    let written = last_written(data_dir);
    passing::sweep(work);
    let mut names = Vec::new();
    list(data_dir, "", &mut names)?;
    names.sort();
    let mut packing = Packing { writer: ArchiveWriter::new(out), work, members: Vec::new() };
    // The database first: what it refers to is written before it is referred to, and kept longer.
    let key_file = making.key_file.map_or_else(|| data_dir.join(store::KEY_FILE_NAME), Path::to_owned);
    packing.add_judged(store::FILE_NAME, &data_dir.join(store::FILE_NAME), |copy| {
        store::check_own_copy(copy, &key_file, making.key_file.is_some())
    })?;
    if let Some(key) = making.key_file {
        packing.add(store::KEY_FILE_NAME, key)?;
    }
    let is_done = |name: &str| name == store::FILE_NAME || (making.key_file.is_some() && name == store::KEY_FILE_NAME);
    for name in names.iter().filter(|name| !is_done(name)) {
        packing.add(name, &data_dir.join(name))?;
    }
    let Packing { mut writer, members, .. } = packing;
    let (files, bytes) = (members.len(), members.iter().map(|m| m.bytes).sum());
    let manifest = Manifest {
        format: FORMAT,
        program: concat!("wa-gateway ", env!("CARGO_PKG_VERSION")).to_owned(),
        made_at: making.now.rfc3339(),
        schema: store::SCHEMA_VERSION,
        nobody_ran: was_at_rest && last_written(data_dir) == written,
        members,
    };
    let text = serde_json::to_vec_pretty(&manifest).map_err(io::Error::from)?;
    writer.member(MANIFEST, text.len() as u64, &text[..])?;
    let digest = format!("{}\n", hex(&Sha256::digest(&text)));
    writer.member(MANIFEST_HASH, digest.len() as u64, digest.as_bytes())?;
    let mut out = writer.finish()?;
    out.flush()?;
    Ok((BackupMade { files, bytes, encrypted: making.passphrase.is_some() }, out))
}

/// When the database was written to last, and how far its log goes.
fn last_written(data_dir: &Path) -> (Option<std::time::SystemTime>, u64) {
    let of = |end: &str| fs::metadata(data_dir.join(format!("{}{end}", store::FILE_NAME))).ok();
    (of("").and_then(|m| m.modified().ok()), of("-wal").map_or(0, |m| m.len()))
}

struct Packing<'a, W> {
    writer: ArchiveWriter<W>,
    work: &'a Path,
    members: Vec<Member>,
}

impl<W: Write> Packing<'_, W> {
    fn add(&mut self, name: &str, path: &Path) -> Result<(), BackupError> {
        self.add_judged(name, path, store::check_copied)
    }

    fn add_judged(
        &mut self,
        name: &str,
        path: &Path,
        judge: impl FnOnce(&Path) -> Result<(), StoreError>,
    ) -> Result<(), BackupError> {
        let file = match open_judged(path, self.work, judge) {
            Ok(file) => file,
            // Retention was quicker.
            Err(BackupError::File { problem, .. }) if problem.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(e),
        };
        let bytes = file.metadata().map_err(at(path))?.len();
        let hash = self.writer.member(name, bytes, file).map_err(at(path))?;
        self.members.push(Member { name: name.to_owned(), bytes, sha256: hex(&hash) });
        Ok(())
    }
}

/// Opens a file; of a SQLite file, whoever writes into it, a copy as of one commit. The copy lies in `work` and has no
/// name any more when this returns, so that nothing is left behind however it goes on.
///
/// # Errors
/// The file is not there or cannot be read; the copy cannot be made.
pub(super) fn open_settled(path: &Path, work: &Path) -> Result<File, BackupError> {
    open_judged(path, work, |_| Ok(()))
}

/// The same; the copy of a SQLite file is judged before it is taken.
fn open_judged(
    path: &Path,
    work: &Path,
    judge: impl FnOnce(&Path) -> Result<(), StoreError>,
) -> Result<File, BackupError> {
    if !is_database(path)? {
        return File::open(path).map_err(at(path));
    }
    let number = COPIES.fetch_add(1, Ordering::Relaxed);
    let copy = work.join(format!("{}copy-{}-{number}.part", passing::PREFIX, std::process::id()));
    let _held = passing::create(&copy).map_err(at(&copy))?;
    // A copy's page that is damaged is one of its source: the next restore would find it, and then it would be too late.
    let done = store::snapshot(path, &copy).and_then(|()| judge(&copy).map_err(|e| of_source(e, &copy, path)));
    let opened = File::open(&copy);
    let _ = fs::remove_file(&copy);
    done?;
    opened.map_err(at(&copy))
}

/// What is wrong with a copy is wrong with its source, and the copy is gone when somebody reads of it.
fn of_source(e: StoreError, copy: &Path, source: &Path) -> StoreError {
    match e {
        StoreError::Unusable { path, problem } if path == copy => {
            StoreError::Unusable { path: source.to_owned(), problem }
        }
        e => e,
    }
}

/// Whether it is a SQLite file. What may be one that this process uses is asked of SQLite, and opened by nobody else: whoever
/// closes a file loses all locks that their process has on it, SQLite's included, and the next program that looks into the
/// database would take itself for the only one.
fn is_database(path: &Path) -> Result<bool, BackupError> {
    if path.extension().is_some_and(|end| end == "db") {
        return Ok(fs::metadata(path).map_err(at(path))?.len() > 0 && store::is_database(path)?);
    }
    let mut head = Vec::with_capacity(16);
    File::open(path).and_then(|file| file.take(16).read_to_end(&mut head)).map_err(at(path))?;
    Ok(store::is_sqlite(&head))
}

/// Numbers the copies of this process.
static COPIES: AtomicUsize = AtomicUsize::new(0);

/// All regular files below `dir` that are kept, by their paths relative to it. Links are not followed.
pub(super) fn list(dir: &Path, prefix: &str, names: &mut Vec<String>) -> Result<(), BackupError> {
    for entry in fs::read_dir(dir).map_err(at(dir))? {
        let entry = entry.map_err(at(dir))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Litestream's folder holds copies of the database's own log: a restored database begins another.
        let is_passing = PASSING.iter().any(|end| name.ends_with(end)) || name.ends_with("-litestream");
        if is_passing || plan::is_scheduled(&name) || (prefix.is_empty() && NOT_KEPT.contains(&name.as_str())) {
            continue;
        }
        let kind = entry.file_type().map_err(at(&entry.path()))?;
        if kind.is_dir() {
            list(&entry.path(), &format!("{prefix}{name}/"), names)?;
        } else if kind.is_file() {
            names.push(format!("{prefix}{name}"));
        }
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Makes `dir` with mode 0700 where it is missing.
pub(super) fn make_dir(dir: &Path) -> Result<(), BackupError> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(at(dir))
}
