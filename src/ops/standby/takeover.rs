//! The second machine becomes the one that serves.
//!
//! 1. A follower that runs lets go of the directory, and the directory's lock is ours.
//! 2. The next epoch is begun in the place. From then on the other machine, when it reads the place, sends nothing.
//! 3. A machine that still ran says that it is silent, and that everything of it is in the place. Where it does not run,
//!    whoever gives the command has said so.
//! 4. The last changes are restored. All of the copy is read for damage, the key must be its own, and its schema one that
//!    this program knows.
//! 5. The copy gets the new epoch, and what the other machine may have sent meanwhile is settled (`sending/handover.rs`).
//! 6. The files move to their places, the database last: a directory without it did not take over.
//!
//! A kill anywhere leaves a directory without a database, on which no gateway starts; the command is given again. Nothing
//! before the second step changes anything for the other machine, so what can be wrong here is looked at before it.

use super::{
    Machine, StandbyError, at, files, follow, litestream,
    membership::Membership,
    place::{Sign, Taken},
    refused, replicate,
};
use crate::{
    model::{clock::Time, moment::Moment},
    ops::backup::make_dir,
    sending::{self, Uncertain},
    store::{self, Locked, Store, StoreError},
};
use serde::Serialize;
use std::{fs, path::Path, time::Duration};

/// How long a follower may take to let go.
const LOCK_WITHIN: Duration = Duration::from_secs(10);
/// A machine that runs says so every two seconds.
const SIGN_WITHIN: Duration = Duration::from_secs(6);
/// How long it may take to say that it is silent and that everything is copied.
const SILENT_WITHIN: Duration = Duration::from_secs(60);
/// The same where the other machine does not run, or its gateway does not.
const LAST_CHANGES_WITHIN: Duration = Duration::from_secs(4);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Clocks of two machines differ, and a look into the place takes its time.
const SLACK: Duration = Duration::from_secs(60);

/// How to take over.
pub struct Takeover {
    pub machine: Machine,
    /// Whoever gives the command knows that the other machine does not run.
    pub other_is_off: bool,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct TakenOver {
    /// The epoch that began.
    pub epoch: u64,
    /// The one whose data this is.
    pub from_epoch: u64,
    /// Whether the other machine said that everything of it was copied. If not, what it took last may be missing here.
    pub complete: bool,
    /// When the other machine said last that it sends; none: never.
    pub last_sign: Option<Time>,
    /// Messages that the other machine may have sent and this one does not send again.
    pub uncertain_messages: usize,
    /// The same of those that were to be sent by themselves.
    pub uncertain_scheduled: usize,
}

impl Takeover {
    /// Takes over.
    ///
    /// # Errors
    /// Somebody has the directory, a gateway's data is in it, the key is missing or another one, the place cannot be read
    /// or holds no replica, the other machine runs and does not answer, the copy is damaged or of a newer version.
    pub async fn run(&self) -> Result<TakenOver, StandbyError> {
        let machine = &self.machine;
        self.must_be_free()?;
        make_dir(&machine.data_dir)?;
        make_dir(&machine.followed())?;
        let _lock = self.lock().await?;
        self.must_be_free()?;
        let key = machine.files_key()?;
        let first = self.newest_replica()?;
        let judged = self.restore(first, None)?;
        let server = self.serving_epoch(first)?;
        let epoch = self.begin_epoch(server).await?;
        let from_epoch = self.newest_replica()?;
        self.restore(from_epoch, judged.filter(|_| from_epoch == first))?;
        files::fetch(&machine.place.files(from_epoch), &machine.followed_files(), &key)?;
        let complete = from_epoch == server && replicate::is_complete(machine, server);
        let sign = machine.place.heard(server).map_err(at(machine.place.dir()))?;
        let uncertain = self.settle((from_epoch, epoch), (!complete).then_some(sign.as_ref())).await?;
        self.move_in()?;
        Ok(TakenOver {
            epoch,
            from_epoch,
            complete,
            last_sign: sign.map(|sign| sign.at()),
            uncertain_messages: uncertain.messages,
            uncertain_scheduled: uncertain.scheduled,
        })
    }

    fn must_be_free(&self) -> Result<(), StandbyError> {
        if self.machine.database().exists() {
            return refused(format!(
                "{} holds a gateway's data already: `wa-gateway serve` serves it, if no other machine may",
                self.machine.data_dir.display()
            ));
        }
        Ok(())
    }

    fn newest_replica(&self) -> Result<u64, StandbyError> {
        match self.machine.newest_replica()? {
            Some((epoch, _)) => Ok(epoch),
            None => refused(format!("{}: there is no replica in it", self.machine.place.dir().display())),
        }
    }

    /// The epoch of the machine that served last: of one that died before anything of it was copied, too.
    fn serving_epoch(&self, from: u64) -> Result<u64, StandbyError> {
        let place = &self.machine.place;
        let mut serving = from;
        for epoch in place.epochs().map_err(at(place.dir()))? {
            if epoch > from && place.heard(epoch).map_err(at(place.dir()))?.is_some() {
                serving = epoch;
            }
        }
        Ok(serving)
    }

    /// Takes the directory; a follower that has it is asked for it.
    async fn lock(&self) -> Result<Locked, StandbyError> {
        let (machine, clock) = (&self.machine, &self.machine.clock);
        let late = clock.now().plus(LOCK_WITHIN);
        let locked = loop {
            // Again and again: a follower that was killed and started anew does not know of it.
            machine.ask(true)?;
            match Store::lock(&machine.data_dir) {
                Err(StoreError::Locked { .. }) if clock.now() < late => {
                    clock.sleep_until(clock.now().plus(LOOK_EVERY)).await;
                }
                done => break done,
            }
        };
        machine.ask(false)?;
        Ok(locked?)
    }

    /// A sound copy of all that is in the place now, and how far it is. One that a follower left is taken if it is that
    /// already; one that was judged (`judged`: how far it was) is not judged again.
    fn restore(&self, epoch: u64, judged: Option<u64>) -> Result<Option<u64>, StandbyError> {
        let machine = &self.machine;
        let (replica, copy) = (machine.place.database(epoch), machine.followed_database());
        litestream::read_anew(&replica);
        let newest = litestream::newest(&replica).map_err(at(&replica))?;
        if judged.is_some() && judged == newest {
            return Ok(newest);
        }
        let handed = machine.handed();
        let is_there = handed.is_some_and(|handed| handed.epoch == epoch && Some(handed.applied) == newest);
        if !is_there || !copy.exists() {
            machine.forget_followed_database()?;
            machine.litestream.restore(&replica, &copy).map_err(StandbyError::Refused)?;
            machine.note_restored(epoch, newest.unwrap_or(0))?;
        }
        let judged = store::check_copy(&copy, true).map_err(StandbyError::from);
        if let Err(e) = judged.and_then(|()| follow::must_match(&copy, &machine.key_file)) {
            // The next try begins anew.
            machine.forget_followed_database()?;
            return Err(e);
        }
        Ok(newest)
    }

    /// Begins the next epoch, and waits until the machine of epoch `from` is silent and all of it was copied, where it runs.
    async fn begin_epoch(&self, from: u64) -> Result<u64, StandbyError> {
        let place = &self.machine.place;
        let found = place.look().map_err(at(place.dir()))?;
        if !self.other_is_off && !self.other_runs(from).await? {
            return refused(
                "the machine that serves gives no sign: if it is off, or cannot send, say so with --other-is-off. If it \
                 runs and is only cut off from the place, end it first: two would send, and a linked phone would have two \
                 clients",
            );
        }
        let epoch = found.epoch + 1;
        match place.begin(epoch) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
                return refused("another machine takes over at the same time: look there");
            }
            done => done.map_err(at(place.dir()))?,
        }
        // Where the gateway alone died, what is beside it still copies the last changes.
        let late = self.machine.clock.now().plus(if self.other_is_off { LAST_CHANGES_WITHIN } else { SILENT_WITHIN });
        while !replicate::is_complete(&self.machine, from) {
            if self.machine.clock.now() >= late {
                if self.other_is_off {
                    return Ok(epoch);
                }
                return refused(
                    "the machine that served was asked to be silent and does not say that it is and that everything was \
                     copied: look whether `wa-gateway replicate` runs there; if that machine is off now, give the command \
                     again with --other-is-off",
                );
            }
            self.wait().await;
        }
        Ok(epoch)
    }

    /// Whether the other machine gives signs.
    async fn other_runs(&self, epoch: u64) -> Result<bool, StandbyError> {
        let place = &self.machine.place;
        let heard = || place.heard(epoch).map_err(at(place.dir()));
        let (before, late) = (heard()?, self.machine.clock.now().plus(SIGN_WITHIN));
        while self.machine.clock.now() < late {
            if heard()? != before {
                return Ok(true);
            }
            self.wait().await;
        }
        Ok(false)
    }

    async fn wait(&self) {
        let clock = &self.machine.clock;
        clock.sleep_until(clock.now().plus(LOOK_EVERY)).await;
    }

    /// Writes the new epoch into the copy, and settles what the other machine may have sent where something of it may be
    /// missing: then `sign` is its last one, if it gave any.
    async fn settle(&self, (from, epoch): (u64, u64), sign: Option<Option<&Sign>>) -> Result<Uncertain, StandbyError> {
        let (machine, now) = (&self.machine, self.machine.clock.now());
        // From its last sign on it may have sent without the place; and for no longer than until it is said to be off.
        let alone_until = |sign: &Sign| sign.at().plus(Duration::from_millis(sign.alone_for_ms)).plus(SLACK);
        let until = sign.map(|sign| sign.map_or(now, alone_until).min(now));
        let store = Store::open(&machine.followed(), now)?;
        let random = machine.random.clone();
        let done = store.write(move |tx| {
            let reach = sending::reach(tx)?;
            let Some(own) = Membership::find(tx)? else {
                return refused("the copy belongs to no place: was it made by another gateway?");
            };
            Membership { epoch, ..own }.record(tx)?;
            let uncertain = match until {
                None => Uncertain::default(),
                Some(until) => sending::hand_over(tx, until, Moment::new(now, &*random))?,
            };
            Ok((uncertain, reach))
        });
        let done = done.await;
        store.close().await;
        let (uncertain, reach) = done?;
        machine.place.note_taken(epoch, Taken { from, reach }).map_err(at(machine.place.dir()))?;
        Ok(uncertain)
    }

    /// Moves all into place, the database last.
    fn move_in(&self) -> Result<(), StandbyError> {
        let machine = &self.machine;
        move_all(&machine.followed_files(), &machine.data_dir)?;
        let backups = machine.followed().join("backups");
        if backups.exists() {
            move_all(&backups, &machine.data_dir.join("backups"))?;
        }
        let (copy, database) = (machine.followed_database(), machine.database());
        fs::rename(&copy, &database).map_err(at(&database))?;
        store::sync_dir(&machine.data_dir).map_err(at(&machine.data_dir))?;
        // What cannot be removed is in nobody's way.
        let _ = fs::remove_dir_all(machine.followed());
        Ok(())
    }
}

/// Moves what is below `from` below `to`, file by file; what is there already is replaced.
fn move_all(from: &Path, to: &Path) -> Result<(), StandbyError> {
    make_dir(to)?;
    for entry in fs::read_dir(from).map_err(at(from))? {
        let entry = entry.map_err(at(from))?;
        let target = to.join(entry.file_name());
        if entry.file_type().map_err(at(&entry.path()))?.is_dir() {
            move_all(&entry.path(), &target)?;
        } else {
            fs::rename(entry.path(), &target).map_err(at(&target))?;
        }
    }
    store::sync_dir(to).map_err(at(to))
}
