//! A second machine that stands ready.
//!
//! Both machines see one directory, the *place* (`place.rs`). What the one that serves has is copied there all the time;
//! the other follows. Which of them may send is an epoch: the highest numbered folder of the place. A database belongs to
//! one epoch ([`Membership`]), and who takes over begins the next one, which exactly one can.
//!
//! - `vigil.rs`: the machine that serves looks into the place, and closes the fence when it may not send.
//! - `replicate.rs`: beside it, a process of its own copies the database (`litestream.rs`) and the files (`files.rs`), and
//!   ends only when everything is there: what a killed gateway left is copied all the same.
//! - `follow.rs`: on the second machine, keeps a copy that is at most moments old. It serves nothing.
//! - `takeover.rs`: makes the copy a gateway's data.
//!
//! This slice decides who may send; it sends nothing, and knows nothing of providers.

mod files;
mod follow;
mod litestream;
mod membership;
mod place;
mod replicate;
mod takeover;
mod vigil;

pub use files::FilesCopied;
pub use follow::{FOLLOWED, FollowStatus, Follower, last_status};
pub use litestream::last_copy_at;
pub use membership::Membership;
pub use place::{FoundPlace, Place, Sign, Taken};
pub use replicate::{REPLICATING, Replication, ReplicationRound};
pub use takeover::{TakenOver, Takeover};
pub use vigil::{LOOK_EVERY, Vigil};

use super::backup::BackupError;
use crate::{
    config::Config,
    model::{clock::Clock, random::Random},
    store::{self, StoreError, Vault},
};
use files::FilesKey;
use litestream::Litestream;
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Why a machine does not replicate, follow or take over; one line each.
#[derive(Debug, thiserror::Error)]
pub enum StandbyError {
    /// A file or directory, most often the place.
    #[error("{}: {problem}", path.display())]
    Place { path: PathBuf, problem: io::Error },
    #[error(transparent)]
    Files(#[from] BackupError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the caller should do otherwise.
    #[error("{0}")]
    Refused(String),
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> StandbyError {
    move |problem| StandbyError::Place { path: path.to_owned(), problem }
}

fn refused<T>(why: impl Into<String>) -> Result<T, StandbyError> {
    Err(StandbyError::Refused(why.into()))
}

/// One of the two machines.
pub struct Machine {
    data_dir: PathBuf,
    key_file: PathBuf,
    place: Place,
    litestream: Litestream,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Machine {
    /// As configured. `launcher` starts a program so that it ends with this one.
    ///
    /// # Errors
    /// The configuration names no place.
    pub fn of(
        config: &Config,
        launcher: (PathBuf, Vec<String>),
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, StandbyError> {
        let Some(place) = config.standby.place.clone() else {
            return refused("standby.place names no directory that both machines see: set it in the configuration");
        };
        Ok(Self {
            data_dir: config.data_dir.clone(),
            key_file: config.key_file.clone().unwrap_or_else(|| config.data_dir.join(store::KEY_FILE_NAME)),
            place: Place::new(place),
            litestream: Litestream { launcher, program: config.standby.litestream.clone() },
            clock,
            random,
        })
    }

    fn database(&self) -> PathBuf {
        self.data_dir.join(store::FILE_NAME)
    }

    /// The key under which files lie in the place.
    fn files_key(&self) -> Result<[u8; 32], StandbyError> {
        if !self.key_file.exists() {
            return refused(format!(
                "{} is missing: bring it here from the machine that serves, once and by hand; it is never in the place",
                self.key_file.display()
            ));
        }
        let vault = Vault::with_key_file(&self.key_file, self.random.clone())?;
        Ok(vault.derive("files in the place of a second machine"))
    }
}
