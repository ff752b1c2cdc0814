//! Beside the gateway: keeps the place up to date. It is a process of its own, so that what a gateway that was killed had
//! committed is copied all the same.
//!
//! When another machine took over, it waits until the gateway beside it is silent, copies what is left, says in the place
//! that all is there (`complete`), and ends.

use super::{
    FilesCopied, FilesKey, Machine, StandbyError, at, files, litestream::newest, membership::Membership, refused,
};
use crate::{
    ops::backup,
    store::{self, write_whole},
};
use rustix::fs::{FlockOperation, flock};
use std::{fs::File, path::PathBuf, process::Child, time::Duration};

/// Held by the process that replicates; in the data directory.
pub const REPLICATING: &str = "replicate.lock";
const SETTINGS: &str = "litestream.new";
const COMPLETE: &str = "complete";
/// How long a Litestream that was just started has for the changes that came before.
const FIRST_CHANGES: Duration = Duration::from_secs(2);
/// How long Litestream may take to copy the last changes.
const LAST_CHANGES_WITHIN: Duration = Duration::from_secs(30);

/// What one round found and did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReplicationRound {
    /// Files were copied, if any changed; the database is copied all the time.
    Copied(FilesCopied),
    /// The gateway has not made the place its own yet.
    Waits,
    /// Another machine took over; everything that was here is in the place.
    Superseded(u64),
}

/// Keeps the place up to date.
pub struct Replication {
    machine: Machine,
    key: [u8; 32],
    litestream: Option<Child>,
    _lock: File,
}

impl Replication {
    /// Begins.
    ///
    /// # Errors
    /// There is no gateway's data, no key, or somebody replicates it already.
    pub fn open(machine: Machine) -> Result<Self, StandbyError> {
        if !machine.database().exists() {
            return refused(format!(
                "{}: there is no gateway's data here: replicate runs beside `wa-gateway serve`",
                machine.data_dir.display()
            ));
        }
        let key = machine.files_key()?;
        let path = machine.data_dir.join(REPLICATING);
        let lock = File::options().create(true).truncate(false).write(true).open(&path).map_err(at(&path))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            return refused(format!("{}: somebody replicates it already", machine.data_dir.display()));
        }
        Ok(Self { machine, key, litestream: None, _lock: lock })
    }

    /// Looks who may send, sees to it that Litestream runs, and copies the files that changed.
    ///
    /// # Errors
    /// The place cannot be read or written, or is not the gateway's; the next round may be better.
    pub fn round(&mut self) -> Result<ReplicationRound, StandbyError> {
        let place = self.machine.place.clone();
        let found = place.look().map_err(at(place.dir()))?;
        let own = store::peek(&self.machine.database(), Membership::find)?.filter(|own| own.epoch > 0);
        let Some(own) = own else { return Ok(ReplicationRound::Waits) };
        if found.gateway.as_ref() != Some(&own.gateway) || found.epoch < own.epoch {
            self.end_litestream()?;
            return refused(format!("{}: it is not this gateway's, or not mounted", place.dir().display()));
        }
        if found.epoch > own.epoch {
            return self.finish(own.epoch, found.epoch);
        }
        self.keep_litestream(own.epoch)?;
        let copied = self.send_files(own.epoch)?;
        if newest(&place.database(own.epoch)).map_err(at(place.dir()))?.is_some() {
            self.forget_earlier(own.epoch)?;
        }
        Ok(ReplicationRound::Copied(copied))
    }

    /// Ends what runs; the last changes are copied before.
    ///
    /// # Errors
    /// Litestream cannot be ended.
    pub fn close(mut self) -> Result<(), StandbyError> {
        self.end_litestream()
    }

    fn finish(&mut self, own: u64, epoch: u64) -> Result<ReplicationRound, StandbyError> {
        let place = self.machine.place.clone();
        // The gateway says so itself; one that does not run says nothing, and writes nothing.
        let runs = store::Store::lock(&self.machine.data_dir).is_err();
        let is_quiet = place.heard(own).map_err(at(place.dir()))?.is_some_and(|sign| sign.quiet);
        if runs && !is_quiet {
            self.keep_litestream(own)?;
            return Ok(ReplicationRound::Copied(FilesCopied::default()));
        }
        // One that was not there is started, for the changes that came while none ran.
        if self.keep_litestream(own)? {
            std::thread::park_timeout(FIRST_CHANGES);
        }
        self.end_litestream()?;
        self.send_files(own)?;
        let folder = place.epoch(own);
        write_whole(&folder.join(COMPLETE), b"").map_err(at(&folder))?;
        Ok(ReplicationRound::Superseded(epoch))
    }

    /// Sees to it that Litestream runs; true: it was started now.
    fn keep_litestream(&mut self, epoch: u64) -> Result<bool, StandbyError> {
        if let Some(child) = &mut self.litestream {
            match child.try_wait() {
                Ok(None) => return Ok(false),
                Ok(Some(status)) => tracing::warn!("litestream ended ({status}) and is started again"),
                Err(e) => tracing::warn!("litestream is not known any more: {e}"),
            }
        }
        let replica = self.machine.place.database(epoch);
        let settings = self.machine.data_dir.join(SETTINGS);
        let program = &self.machine.litestream.program;
        let child = self.machine.litestream.replicate(&self.machine.database(), &replica, &settings);
        self.litestream = Some(child.map_err(at(program))?);
        Ok(true)
    }

    fn end_litestream(&mut self) -> Result<(), StandbyError> {
        let Some(mut child) = self.litestream.take() else { return Ok(()) };
        let program = &self.machine.litestream.program;
        super::litestream::end(&mut child, LAST_CHANGES_WITHIN).map_err(at(program))
    }

    fn send_files(&self, epoch: u64) -> Result<FilesCopied, StandbyError> {
        let with = FilesKey { key: &self.key, random: &*self.machine.random, clock: &*self.machine.clock };
        Ok(files::send(&self.machine.data_dir, &self.machine.place.files(epoch), &with)?)
    }

    /// What is in this epoch replaces what earlier ones held.
    fn forget_earlier(&self, epoch: u64) -> Result<(), StandbyError> {
        let place = &self.machine.place;
        for earlier in place.epochs().map_err(at(place.dir()))?.into_iter().filter(|earlier| *earlier < epoch) {
            let folder: PathBuf = place.epoch(earlier);
            place.forget(earlier).map_err(at(&folder))?;
        }
        Ok(())
    }
}

impl Drop for Replication {
    fn drop(&mut self) {
        backup::sweep(&self.machine.data_dir);
        let _ = self.end_litestream();
    }
}

/// Whether everything of an epoch is in the place, which nobody adds to any more.
pub(super) fn is_complete(machine: &Machine, epoch: u64) -> bool {
    machine.place.epoch(epoch).join(COMPLETE).exists()
}
