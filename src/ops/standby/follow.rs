//! The second machine: follows what comes into the place, and serves nothing.
//!
//! Its data directory holds the key of the secrets and a folder [`FOLLOWED`] with copies; no database, so that no gateway
//! starts there by mistake. A round restarts what has ended: a follower that died begins anew, because Litestream does not
//! go on where it was (`litestream.rs`).
//!
//! A machine that takes over asks for the directory with a file ([`Machine::ask`]); the follower applies what is there,
//! writes down how far it is, and ends.

use super::{Machine, StandbyError, at, files, litestream, refused};
use crate::{
    model::clock::Time,
    ops::backup::make_dir,
    store::{self, KeyMatch, Locked, Store},
};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Child,
    time::Duration,
};

/// The folder of copies, in the data directory of the second machine.
pub const FOLLOWED: &str = "standby";
const STATUS: &str = "status.json";
const ASKED: &str = "asked";
const HANDED: &str = "handed.json";
const FILES: &str = "files";
const END_WITHIN: Duration = Duration::from_secs(2);

/// How a follower stands.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct FollowStatus {
    /// When this was written, in milliseconds since 1970.
    pub at: i64,
    /// The epoch that is followed; 0: nothing is there to follow.
    pub epoch: u64,
    /// Changes of the database that are in the place and not here yet.
    pub behind_changes: u64,
    /// For how many seconds the oldest of them has been there.
    pub behind_s: u64,
    /// How many seconds ago the machine that serves was heard of, by both clocks; none: never.
    pub heard_s: Option<u64>,
    /// What keeps it from following, or from taking over; none: nothing.
    pub problem: Option<String>,
}

/// How far a follower was when it let go.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Handed {
    pub(super) epoch: u64,
    pub(super) applied: u64,
}

/// Follows the place.
pub struct Follower {
    machine: Machine,
    key: [u8; 32],
    litestream: Option<Child>,
    epoch: u64,
    key_checked: bool,
    _lock: Locked,
}

impl Machine {
    pub(super) fn followed(&self) -> PathBuf {
        self.data_dir.join(FOLLOWED)
    }

    /// The copy of the database.
    pub(super) fn followed_database(&self) -> PathBuf {
        self.followed().join(store::FILE_NAME)
    }

    /// The copies of the other files.
    pub(super) fn followed_files(&self) -> PathBuf {
        self.followed().join(FILES)
    }

    /// What a follower that let go has written down.
    pub(super) fn handed(&self) -> Option<Handed> {
        serde_json::from_slice(&fs::read(self.followed().join(HANDED)).ok()?).ok()
    }

    /// Writes down that the copy has everything up to a transaction.
    pub(super) fn note_restored(&self, epoch: u64, applied: u64) -> Result<(), StandbyError> {
        let path = self.followed().join(HANDED);
        let text = serde_json::to_vec(&Handed { epoch, applied }).unwrap_or_default();
        store::write_whole(&path, &text).map_err(at(&path))
    }

    /// Asks a follower to let go of the directory, or takes that back.
    pub(super) fn ask(&self, wants: bool) -> Result<(), StandbyError> {
        let path = self.followed().join(ASKED);
        let done = if wants { store::write_whole(&path, b"") } else { fs::remove_file(&path) };
        match done {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(at(&path)(e)),
            _ => Ok(()),
        }
    }

    fn is_asked(&self) -> bool {
        self.followed().join(ASKED).exists()
    }

    /// The newest epoch that holds a database, and its last transaction.
    pub(super) fn newest_replica(&self) -> Result<Option<(u64, u64)>, StandbyError> {
        let epochs = self.place.epochs().map_err(at(self.place.dir()))?;
        for epoch in epochs.into_iter().rev() {
            let replica = self.place.database(epoch);
            if let Some(last) = litestream::newest(&replica).map_err(at(&replica))? {
                return Ok(Some((epoch, last)));
            }
        }
        Ok(None)
    }

    /// Removes the copy of the database.
    pub(super) fn forget_followed_database(&self) -> Result<(), StandbyError> {
        let _ = fs::remove_file(self.followed().join(HANDED));
        for end in ["", "-wal", "-shm", "-txid", ".tmp", ".tmp-wal", ".tmp-shm"] {
            let path = self.followed().join(format!("{}{end}", store::FILE_NAME));
            match fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(at(&path)(e)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// What the follower of a data directory said last; none: there is none.
pub fn last_status(data_dir: &Path) -> Option<FollowStatus> {
    serde_json::from_slice(&fs::read(data_dir.join(FOLLOWED).join(STATUS)).ok()?).ok()
}

impl Follower {
    /// Begins.
    ///
    /// # Errors
    /// Somebody has the directory, a gateway's data is in it, the key is missing.
    pub fn open(machine: Machine) -> Result<Self, StandbyError> {
        let lock = Store::lock(&machine.data_dir)?;
        if machine.database().exists() {
            return refused(format!(
                "{} is a gateway's own: a second machine needs a directory with {} alone",
                machine.data_dir.display(),
                store::KEY_FILE_NAME
            ));
        }
        let key = machine.files_key()?;
        make_dir(&machine.followed())?;
        machine.ask(false)?;
        // What is left of an earlier run may be torn.
        machine.forget_followed_database()?;
        Ok(Self { machine, key, litestream: None, epoch: 0, key_checked: false, _lock: lock })
    }

    /// Sees to it that Litestream follows the newest epoch, fetches the files that changed, and writes down how it stands.
    /// True: a machine that takes over has asked for the directory, and has it when this follower is dropped.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn round(&mut self) -> Result<bool, StandbyError> {
        let asked = self.machine.is_asked();
        let problem = self.follow().err().map(|e| e.to_string());
        if let Some(problem) = &problem {
            tracing::warn!("{problem}");
        }
        let status = self.status(problem);
        let path = self.machine.followed().join(STATUS);
        store::write_whole(&path, &serde_json::to_vec(&status).unwrap_or_default()).map_err(at(&path))?;
        if asked {
            self.let_go(&status)?;
        }
        Ok(asked)
    }

    fn follow(&mut self) -> Result<(), StandbyError> {
        let Some((epoch, _)) = self.machine.newest_replica()? else {
            return refused(format!("{}: there is no replica in it yet", self.machine.place.dir().display()));
        };
        let ended = match &mut self.litestream {
            Some(child) => child.try_wait().map_err(at(&self.machine.litestream.program))?.is_some(),
            None => true,
        };
        if ended || epoch != self.epoch {
            self.begin(epoch)?;
        }
        files::fetch(&self.machine.place.files(epoch), &self.machine.followed_files(), &self.key)?;
        self.check_key()
    }

    fn begin(&mut self, epoch: u64) -> Result<(), StandbyError> {
        let program = self.machine.litestream.program.clone();
        if let Some(mut child) = self.litestream.take() {
            litestream::end(&mut child, END_WITHIN).map_err(at(&program))?;
        }
        self.machine.forget_followed_database()?;
        let (replica, to) = (self.machine.place.database(epoch), self.machine.followed_database());
        (self.epoch, self.key_checked) = (epoch, false);
        self.litestream = Some(self.machine.litestream.follow(&replica, &to).map_err(at(&program))?);
        Ok(())
    }

    /// Once for each copy, as soon as there is one.
    fn check_key(&mut self) -> Result<(), StandbyError> {
        let database = self.machine.followed_database();
        if self.key_checked || litestream::applied(&database).is_none() {
            return Ok(());
        }
        must_match(&database, &self.machine.key_file)?;
        self.key_checked = true;
        Ok(())
    }

    fn status(&self, problem: Option<String>) -> FollowStatus {
        let (machine, now) = (&self.machine, self.machine.clock.now());
        let replica = machine.place.database(self.epoch);
        let applied = litestream::applied(&machine.followed_database()).unwrap_or(0);
        let newest = litestream::newest(&replica).ok().flatten().unwrap_or(0);
        let since = litestream::behind_since(&replica, applied).ok().flatten();
        let sign = machine.place.heard(self.epoch).ok().flatten();
        FollowStatus {
            at: now.millis(),
            epoch: self.epoch,
            behind_changes: newest.saturating_sub(applied),
            behind_s: since.map_or(0, |at| now.since(Time::from_millis(at.saturating_mul(1000))).as_secs()),
            heard_s: sign.map(|sign| now.since(sign.at()).as_secs()),
            problem,
        }
    }

    /// Ends Litestream, and writes down how far it is: only a copy that has everything is good as it is.
    fn let_go(&mut self, status: &FollowStatus) -> Result<(), StandbyError> {
        let program = self.machine.litestream.program.clone();
        let Some(mut child) = self.litestream.take() else { return Ok(()) };
        let was_whole = status.behind_changes == 0 && status.problem.is_none();
        let applied = litestream::applied(&self.machine.followed_database());
        litestream::end(&mut child, END_WITHIN).map_err(at(&program))?;
        if let (true, Some(applied)) = (was_whole, applied) {
            self.machine.note_restored(self.epoch, applied)?;
        }
        Ok(())
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        if let Some(mut child) = self.litestream.take() {
            let _ = litestream::end(&mut child, END_WITHIN);
        }
    }
}

/// The key must be the one that the secrets in the copy were sealed with.
pub(super) fn must_match(database: &Path, key: &Path) -> Result<(), StandbyError> {
    if store::compare_key(database, key)? == KeyMatch::Other {
        return refused(format!(
            "{} is not the key that belongs to this database: bring it here from the machine that serves",
            key.display()
        ));
    }
    Ok(())
}
