//! Scheduled backups and their rotation.
//!
//! When the last one was made stands in the names of the files, and nowhere else: a restart forgets nothing, and who
//! removes a file gets a new one. Older ones go only after a new one is whole.

use super::{BackupError, BackupMade, Making, Passphrase, at, make_dir, passing, write_file};
use crate::model::{clock::Time, random::Random};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

const PREFIX: &str = "wa-gateway-";
const SUFFIX: &str = ".wabackup";
/// Written and taken away again, to see whether a directory takes files.
const TRIED: &str = ".wa-gateway-tried.tmp";

/// Where scheduled backups go, how often, and how many are kept.
#[derive(Clone, Debug)]
pub struct BackupPlan {
    /// What is backed up.
    pub data_dir: PathBuf,
    /// The key of the secrets, when it does not lie there.
    pub key_file: Option<PathBuf>,
    /// Made (0700) where it is missing.
    pub directory: PathBuf,
    /// From one to the next.
    pub every: Duration,
    /// How many stay.
    pub keep: usize,
    pub passphrase: PassphraseSource,
}

/// Where the passphrase comes from that encrypts scheduled backups.
#[derive(Clone, Debug)]
pub enum PassphraseSource {
    /// They are not encrypted.
    None,
    /// A file, read anew for each backup.
    File(PathBuf),
    /// What was typed on a page.
    Given(Passphrase),
    /// What was typed on a page cannot be opened any more. Nothing is backed up open to all instead.
    Lost,
}

impl PassphraseSource {
    fn read(&self) -> Result<Option<Passphrase>, BackupError> {
        match self {
            Self::None => Ok(None),
            Self::File(path) => read_passphrase(path).map(Some),
            Self::Given(passphrase) => Ok(Some(passphrase.clone())),
            Self::Lost => Err(BackupError::Refused(
                "the passphrase of scheduled backups cannot be opened with this gateway's key: type it again on the page \
                 System"
                    .into(),
            )),
        }
    }
}

/// What one step of the plan did.
#[derive(Debug)]
pub struct BackupStep {
    /// The new file.
    pub file: PathBuf,
    /// What is in it.
    pub made: BackupMade,
    /// Older ones that were removed.
    pub removed: usize,
}

impl BackupPlan {
    /// Makes a backup if one is due, and removes the oldest beyond `keep`. Blocks.
    ///
    /// # Errors
    /// As [`write_file`], and a directory that cannot be used.
    pub fn step(&self, now: Time, random: &Arc<dyn Random>) -> Result<Option<BackupStep>, BackupError> {
        make_dir(&self.directory)?;
        passing::sweep(&self.directory);
        let due = self.last(now)?.is_none_or(|last| now.since(last) >= self.every);
        if due { self.make(now, random).map(Some) } else { Ok(None) }
    }

    /// Makes a backup now, and removes the oldest beyond `keep`. Blocks.
    ///
    /// # Errors
    /// As [`BackupPlan::step`].
    pub fn make(&self, now: Time, random: &Arc<dyn Random>) -> Result<BackupStep, BackupError> {
        make_dir(&self.directory)?;
        let passphrase = self.passphrase.read()?;
        let file = self.directory.join(name_of(now));
        let making =
            Making { now, random: &**random, passphrase: passphrase.as_ref(), key_file: self.key_file.as_deref() };
        let made = write_file(&self.data_dir, &file, &making)?;
        let mut all = self.list()?;
        // A file of a clock that was ahead is no newer than this one.
        all.retain(|(_, path)| *path != file);
        let removed = all.len().saturating_sub(self.keep.saturating_sub(1));
        for (_, path) in &all[..removed] {
            fs::remove_file(path).map_err(at(path))?;
        }
        Ok(BackupStep { file, made, removed })
    }

    /// Makes the directory where it is missing, and writes into it. Blocks.
    ///
    /// # Errors
    /// It cannot be made, or not be written.
    pub fn try_directory(&self) -> Result<(), BackupError> {
        make_dir(&self.directory)?;
        let file = self.directory.join(TRIED);
        fs::write(&file, []).and_then(|()| fs::remove_file(&file)).map_err(at(&file))
    }

    /// When the last one was made. A name from the future, of a clock that was ahead, does not put the next one off.
    ///
    /// # Errors
    /// The directory cannot be read; a missing one holds none.
    pub fn last(&self, now: Time) -> Result<Option<Time>, BackupError> {
        Ok(self.list()?.into_iter().map(|(at, _)| at).rfind(|at| *at <= now))
    }

    /// Those that are there, oldest first. Files of other names are nobody's business here.
    fn list(&self) -> Result<Vec<(Time, PathBuf)>, BackupError> {
        let entries = match fs::read_dir(&self.directory) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(at(&self.directory))?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let entry = entry.map_err(at(&self.directory))?;
            if let Some(time) = time_of(&entry.file_name().to_string_lossy()) {
                all.push((time, entry.path()));
            }
        }
        all.sort();
        Ok(all)
    }
}

/// Reads a passphrase file.
///
/// # Errors
/// It cannot be read, or holds none.
pub fn read_passphrase(path: &Path) -> Result<Passphrase, BackupError> {
    let text = fs::read_to_string(path).map_err(at(path))?;
    Passphrase::from_text(&text).map_err(|what| BackupError::Refused(format!("{}: {what}", path.display())))
}

fn name_of(at: Time) -> String {
    format!("{PREFIX}{}{SUFFIX}", at.timestamp().strftime("%Y%m%dT%H%M%SZ"))
}

/// Whether a file of this name is one of those that are made by themselves.
pub(super) fn is_scheduled(name: &str) -> bool {
    time_of(name).is_some()
}

fn time_of(name: &str) -> Option<Time> {
    let stamp = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let part = |range: std::ops::Range<usize>| stamp.get(range);
    let text = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0..4)?,
        part(4..6)?,
        part(6..8)?,
        part(9..11)?,
        part(11..13)?,
        part(13..15)?
    );
    Time::parse(&text).ok().filter(|time| name_of(*time) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_time_and_other_files_are_left_alone() {
        let at = Time::parse("2026-06-01T08:09:10Z").expect("a time");
        assert_eq!(name_of(at), "wa-gateway-20260601T080910Z.wabackup");
        assert_eq!(time_of(&name_of(at)), Some(at));
        for other in ["before-schema-2-20260601T080910Z.db", "wa-gateway-20260601.wabackup", "wa-gateway-.wabackup"] {
            assert_eq!(time_of(other), None, "{other}");
        }
    }
}
