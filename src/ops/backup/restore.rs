//! The way back: a backup is unpacked beside its place, judged whole, and only then moved into it.
//!
//! 1. The data directory must be ours (its lock) and empty: nothing is ever replaced.
//! 2. Every member goes into a stage inside it. Hashes, manifest and digest must agree, every SQLite file must be sound,
//!    and the database's schema must be one that this program knows.
//! 3. The members move to their places, the database last: a directory without it was not restored.
//!
//! Whatever goes wrong leaves the directory as empty as it was. A restore that is killed leaves its stage, beside which no
//! gateway starts; the next restore takes away what it had moved and begins anew. When all is in its place, the stage gets
//! another name before it is removed, so that a kill in the middle of that leaves a directory which is whole.

use super::{
    BackupError, FORMAT, MANIFEST, MANIFEST_HASH, Manifest, Member, Passphrase,
    archive::{ArchiveReader, MemberHeader},
    at, hex, make_dir,
    seal::{self, Opener},
};
use crate::store::{self, Store};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Component, Path},
};

/// Where members wait for the judgement, in the data directory.
pub(super) const STAGE: &str = store::RESTORE_STAGE;
/// In the stage: everything in it was judged whole, and what it names may stand in its place already.
const JUDGED: &str = "judged";
/// The manifest is held in memory; this is room for a hundred thousand members.
const MANIFEST_MAX: u64 = 64 << 20;

/// What was restored.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Restored {
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// When the backup was made.
    pub made_at: String,
    /// The program that made it.
    pub program: String,
}

/// Restores the backup that `input` reads into the empty directory `data_dir`. Blocks.
///
/// # Errors
/// A gateway runs on the directory, it is not empty, the backup is damaged or of a newer version, the passphrase is
/// missing or another one.
pub fn restore(input: impl Read, data_dir: &Path, passphrase: Option<&Passphrase>) -> Result<Restored, BackupError> {
    // Held to the end; also what refuses it while a gateway runs.
    let _lock = Store::lock(data_dir)?;
    let stage = data_dir.join(STAGE);
    clear_killed(&stage, data_dir)?;
    must_be_empty(data_dir)?;
    make_dir(&stage)?;
    let done = unpack(input, &stage, passphrase).and_then(|manifest| {
        judge(&stage, &manifest)?;
        take_place(&stage, data_dir, &manifest)?;
        Ok(manifest)
    });
    let manifest = done.inspect_err(|_| drop(clear_killed(&stage, data_dir)))?;
    let over = data_dir.join(store::RESTORED_STAGE);
    fs::rename(&stage, &over).map_err(at(&stage))?;
    // What cannot be removed now is at the next start.
    let _ = fs::remove_dir_all(&over);
    Ok(Restored {
        files: manifest.members.len(),
        bytes: manifest.members.iter().map(|m| m.bytes).sum(),
        made_at: manifest.made_at,
        program: manifest.program,
    })
}

/// Takes away what a restore that was killed or failed has left, so that this one begins anew: what it had put in place came from
/// its own backup, for the directory was empty before, and no gateway starts on half of one.
fn clear_killed(stage: &Path, data_dir: &Path) -> Result<(), BackupError> {
    let judged = match fs::read(stage.join(JUDGED)) {
        Ok(text) => serde_json::from_slice::<Vec<Member>>(&text).ok(),
        Err(_) => None,
    };
    for member in judged.iter().flatten() {
        let path = data_dir.join(&member.name);
        match fs::remove_file(&path) {
            Err(e) if !matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(at(&path)(e));
            }
            _ => {}
        }
        // Folders that it made, from the inside out; one that holds something else stays, and is said.
        for folder in Path::new(&member.name).ancestors().skip(1).filter(|f| !f.as_os_str().is_empty()) {
            let _ = fs::remove_dir(data_dir.join(folder));
        }
    }
    // Without a stage it is of a restore that came to its end.
    let mark = data_dir.join(store::RESTORED_AT);
    match if stage.exists() { fs::remove_file(&mark) } else { Ok(()) } {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(at(&mark)(e)),
        _ => {}
    }
    for left in [stage, &data_dir.join(store::RESTORED_STAGE)] {
        match fs::remove_dir_all(left) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(at(left)(e)),
            _ => {}
        }
    }
    Ok(())
}

fn must_be_empty(data_dir: &Path) -> Result<(), BackupError> {
    for entry in fs::read_dir(data_dir).map_err(at(data_dir))? {
        let name = entry.map_err(at(data_dir))?.file_name();
        if name != "lock" && name != "lost+found" {
            return Err(BackupError::Refused(format!(
                "{}: this directory is not empty ({}): a backup is restored into an empty one; move what is there away, \
                 or name another with --data-dir",
                data_dir.display(),
                name.to_string_lossy(),
            )));
        }
    }
    Ok(())
}

fn damaged(what: impl ToString) -> BackupError {
    BackupError::Damaged(what.to_string())
}

/// What the stream says is damage; what the disk says is the disk's.
fn read_error(e: io::Error) -> BackupError {
    match e.kind() {
        io::ErrorKind::UnexpectedEof => damaged("it is cut off"),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => damaged(e),
        _ => e.into(),
    }
}

fn unpack(input: impl Read, stage: &Path, passphrase: Option<&Passphrase>) -> Result<Manifest, BackupError> {
    let mut input = BufReader::with_capacity(128 * 1024, input);
    let head = io::BufRead::fill_buf(&mut input).map_err(read_error)?;
    match (seal::is_sealed(head), passphrase) {
        (true, None) => Err(BackupError::Refused("this backup is encrypted: name its --passphrase-file".into())),
        (true, Some(passphrase)) => unpack_plain(Opener::new(input, passphrase).map_err(read_error)?, stage),
        (false, _) => unpack_plain(input, stage),
    }
}

fn unpack_plain(input: impl Read, stage: &Path) -> Result<Manifest, BackupError> {
    let mut reader = ArchiveReader::new(input);
    let mut members = Vec::new();
    let mut manifest = None;
    let mut digest = None;
    while let Some(head) = reader.next().map_err(read_error)? {
        if digest.is_some() {
            return Err(damaged("something follows its manifest"));
        }
        match head.name.as_str() {
            MANIFEST => manifest = Some(small(&mut reader, &head)?),
            MANIFEST_HASH => digest = Some(small(&mut reader, &head)?),
            _ if manifest.is_some() => return Err(damaged("something follows its manifest")),
            _ => members.push(member(&mut reader, &head, stage)?),
        }
    }
    let (Some(manifest), Some(digest)) = (manifest, digest) else { return Err(damaged("it has no manifest")) };
    if digest != format!("{}\n", hex(&Sha256::digest(&manifest))).as_bytes() {
        return Err(damaged("its manifest was changed"));
    }
    let said: Manifest = serde_json::from_slice(&manifest).map_err(damaged)?;
    if said.format != FORMAT {
        return Err(damaged(format!("it was made by {}, which is newer: install that version", said.program)));
    }
    match said.members.iter().zip(&members).find(|(said, found)| said != found) {
        Some((said, _)) => Err(damaged(format!("{} was changed", said.name))),
        None if said.members.len() != members.len() => Err(damaged("it lacks members that its manifest lists")),
        None => Ok(said),
    }
}

fn small<R: Read>(reader: &mut ArchiveReader<R>, head: &MemberHeader) -> Result<Vec<u8>, BackupError> {
    if head.size > MANIFEST_MAX {
        return Err(damaged("its manifest is too large"));
    }
    let mut text = Vec::new();
    reader.contents(head, &mut text).map_err(read_error)?;
    Ok(text)
}

fn member<R: Read>(reader: &mut ArchiveReader<R>, head: &MemberHeader, stage: &Path) -> Result<Member, BackupError> {
    let inside = Path::new(&head.name).components().all(|c| matches!(c, Component::Normal(_)));
    if !inside {
        return Err(damaged(format!("{:?} leads out of it", head.name)));
    }
    let path = stage.join(&head.name);
    if let Some(dir) = path.parent() {
        make_dir(dir)?;
    }
    let file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path).map_err(at(&path))?;
    let mut out = BufWriter::with_capacity(128 * 1024, file);
    let hash = reader.contents(head, &mut out).map_err(read_error)?;
    out.flush().map_err(at(&path))?;
    out.get_ref().sync_all().map_err(at(&path))?;
    Ok(Member { name: head.name.clone(), bytes: head.size, sha256: hex(&hash) })
}

/// Every SQLite file must be sound, and the database ours and not of a newer version.
fn judge(stage: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    if !manifest.members.iter().any(|m| m.name == store::FILE_NAME) {
        return Err(damaged("it holds no database"));
    }
    for member in &manifest.members {
        let path = stage.join(&member.name);
        let mut head = Vec::with_capacity(16);
        File::open(&path).and_then(|f| f.take(16).read_to_end(&mut head)).map_err(at(&path))?;
        let ours = member.name == store::FILE_NAME;
        if ours && member.bytes == 0 {
            return Err(damaged("its database is empty"));
        }
        if ours || store::is_sqlite(&head) {
            store::check_copy(&path, ours).map_err(damaged)?;
        }
    }
    Ok(())
}

fn take_place(stage: &Path, data_dir: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let judged = serde_json::to_vec(&manifest.members).map_err(io::Error::from)?;
    store::write_whole(&stage.join(JUDGED), &judged).map_err(at(stage))?;
    let database_last = |m: &&Member| m.name == store::FILE_NAME;
    let (database, others): (Vec<&Member>, Vec<&Member>) = manifest.members.iter().partition(database_last);
    // Before the database is there: the first start must know of it. While nobody ran nothing was sent after the backup.
    if !manifest.nobody_ran {
        let mark = data_dir.join(store::RESTORED_AT);
        store::write_whole(&mark, manifest.made_at.as_bytes()).map_err(at(&mark))?;
    }
    for member in others.into_iter().chain(database) {
        let target = data_dir.join(&member.name);
        if let Some(dir) = target.parent() {
            make_dir(dir)?;
        }
        fs::rename(stage.join(&member.name), &target).map_err(at(&target))?;
        let folder = target.parent().unwrap_or(data_dir);
        store::sync_dir(folder).map_err(at(folder))?;
    }
    store::sync_dir(data_dir).map_err(at(data_dir))
}
