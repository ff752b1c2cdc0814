//! The directory that both machines see, and what lies in it:
//!
//! | name | what |
//! |---|---|
//! | `gateway` | whose place it is: a word that the database knows, too |
//! | `epoch-1`, `epoch-2`, … | the highest number is the epoch that is in force |
//! | `epoch-N/sign.json` | what the machine of that epoch said last ([`Sign`]) |
//! | `epoch-N/taken.json` | how far the log went that this epoch goes on from |
//! | `epoch-N/complete` | everything of that epoch is here: another one began |
//! | `epoch-N/db` | the database of that epoch, by Litestream |
//! | `epoch-N/files` | the other files of that epoch, sealed |
//!
//! A folder is made by one call that fails when it is there, on any file system: two machines cannot begin the same epoch.
//! Each epoch has its own folder, so that a machine of an earlier one, which does not know yet, writes over nothing.
//!
//! Everything here blocks, for as long as a file system over a network likes.

use crate::{model::clock::Time, sending::Reach, store};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

const GATEWAY: &str = "gateway";
const EPOCH: &str = "epoch-";
const SIGN: &str = "sign.json";
const TAKEN: &str = "taken.json";

/// The place of one gateway. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Place {
    dir: PathBuf,
}

/// What one look into the place found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundPlace {
    /// Whose it is; none: nobody's yet.
    pub gateway: Option<String>,
    /// The epoch in force; 0: none was begun.
    pub epoch: u64,
}

/// What the machine of an epoch says of itself, every few seconds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sign {
    /// By its own clock, in milliseconds since 1970.
    pub at_ms: i64,
    /// Whether it may send.
    pub sends: bool,
    /// Whether nothing of it is on its way any more.
    pub quiet: bool,
    /// For how long it goes on sending without seeing the place, in milliseconds.
    pub alone_for_ms: u64,
}

/// What an epoch went on from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Taken {
    /// The epoch whose data it was.
    pub from: u64,
    /// How far its log went.
    pub reach: Reach,
}

impl Sign {
    /// When it was given, by the clock of the machine that gave it.
    pub const fn at(&self) -> Time {
        Time::from_millis(self.at_ms)
    }
}

impl Place {
    pub const fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Looks whose place it is and which epoch is in force.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub fn look(&self) -> io::Result<FoundPlace> {
        let epoch = self.epochs()?.pop().unwrap_or(0);
        let gateway = match fs::read_to_string(self.dir.join(GATEWAY)) {
            Ok(text) => Some(text.trim().to_owned()).filter(|word| !word.is_empty()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        Ok(FoundPlace { gateway, epoch })
    }

    /// Writes whose place it is.
    ///
    /// # Errors
    /// The place cannot be written.
    pub fn belong_to(&self, gateway: &str) -> io::Result<()> {
        store::write_whole(&self.dir.join(GATEWAY), format!("{gateway}\n").as_bytes())
    }

    /// Begins an epoch. Of all who try, one does.
    ///
    /// # Errors
    /// `AlreadyExists`: somebody else did. Else the place cannot be written.
    pub fn begin(&self, epoch: u64) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(self.epoch(epoch))?;
        store::sync_dir(&self.dir)
    }

    /// Ends what is kept of an epoch. Its number stays taken as long as a higher one is there.
    ///
    /// # Errors
    /// The place cannot be written.
    pub fn forget(&self, epoch: u64) -> io::Result<()> {
        fs::remove_dir_all(self.epoch(epoch))
    }

    /// The epochs that are there, oldest first.
    ///
    /// # Errors
    /// The place cannot be read.
    pub fn epochs(&self) -> io::Result<Vec<u64>> {
        forget_listing(&self.dir);
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name();
            all.extend(name.to_str().and_then(|n| n.strip_prefix(EPOCH)).and_then(|n| n.parse::<u64>().ok()));
        }
        all.sort_unstable();
        self.add_newer(&mut all);
        Ok(all)
    }

    /// Adds what a list that is remembered does not have yet: whether a name is there is asked anew.
    fn add_newer(&self, epochs: &mut Vec<u64>) {
        let next = |epochs: &[u64]| epochs.last().map_or(1, |last| last + 1);
        while self.epoch(next(epochs)).exists() {
            epochs.push(next(epochs));
        }
    }

    /// The folder of an epoch.
    pub fn epoch(&self, epoch: u64) -> PathBuf {
        self.dir.join(format!("{EPOCH}{epoch}"))
    }

    /// Where Litestream keeps the database of an epoch.
    pub fn database(&self, epoch: u64) -> PathBuf {
        self.epoch(epoch).join("db")
    }

    /// Where the other files of an epoch lie.
    pub fn files(&self, epoch: u64) -> PathBuf {
        self.epoch(epoch).join("files")
    }

    /// Writes down what the machine of an epoch went on from.
    ///
    /// # Errors
    /// The place cannot be written.
    pub fn note_taken(&self, epoch: u64, taken: Taken) -> io::Result<()> {
        store::write_whole(&self.epoch(epoch).join(TAKEN), &serde_json::to_vec(&taken)?)
    }

    /// What it went on from; none: it is not known.
    pub fn taken(&self, epoch: u64) -> Option<Taken> {
        serde_json::from_slice(&fs::read(self.epoch(epoch).join(TAKEN)).ok()?).ok()
    }

    /// Says how the machine of an epoch stands.
    ///
    /// # Errors
    /// The place cannot be written, or the epoch is not kept any more.
    pub fn say(&self, epoch: u64, sign: &Sign) -> io::Result<()> {
        store::write_whole(&self.epoch(epoch).join(SIGN), &serde_json::to_vec(sign)?)
    }

    /// What the machine of an epoch said last; none: nothing yet.
    ///
    /// # Errors
    /// The place cannot be read.
    pub fn heard(&self, epoch: u64) -> io::Result<Option<Sign>> {
        match fs::read(self.epoch(epoch).join(SIGN)) {
            Ok(text) => Ok(serde_json::from_slice(&text).ok()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }
}

/// Has a file system over a network read the names in a folder anew, which some remember for most of a minute (sshfs, as it
/// is mounted without options; seen there): a name that is made here ends that. Nothing comes of it where that cannot be.
pub(super) fn forget_listing(folder: &Path) {
    let path = folder.join(format!(".look-{}", std::process::id()));
    if fs::File::create(&path).is_ok() {
        let _ = fs::remove_file(&path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_begun_by_one() {
        let dir = tempfile::TempDir::new().expect("a directory");
        let place = Place::new(dir.path().to_owned());
        assert_eq!(place.look().expect("read"), FoundPlace { gateway: None, epoch: 0 });
        place.belong_to("me").expect("written");
        for epoch in [1, 2, 10] {
            place.begin(epoch).expect("begun");
            assert_eq!(place.begin(epoch).expect_err("begun already").kind(), io::ErrorKind::AlreadyExists);
        }
        assert_eq!(place.look().expect("read"), FoundPlace { gateway: Some("me".into()), epoch: 10 });
        place.forget(2).expect("forgotten");
        assert_eq!(place.epochs().expect("read"), [1, 10]);
        place.begin(11).expect("begun");
        let mut remembered = vec![1, 10];
        place.add_newer(&mut remembered);
        assert_eq!(remembered, [1, 10, 11], "an old list is no reason to send");
        let names = fs::read_dir(dir.path()).expect("read").map(|entry| entry.expect("read").file_name());
        assert_eq!(names.filter(|name| name.to_string_lossy().starts_with('.')).count(), 0, "a look leaves nothing");
        let gone = Place::new(dir.path().join("gone"));
        assert!(gone.look().is_err(), "a place that is not there is no empty one");
    }
}
