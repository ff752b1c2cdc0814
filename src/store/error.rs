//! What can go wrong with the database, sorted by what the caller can do about it.

use std::path::PathBuf;

/// An error of the store. The texts are one line each and say what would help.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full, gone or read-only right now: try again later. Nothing was half written.
    #[error("the database cannot be written right now: {0}")]
    Unavailable(String),
    /// The gateway is stopping.
    #[error("the gateway is stopping")]
    Stopping,
    /// The file or its directory cannot be used at all.
    #[error("{}: {problem}", path.display())]
    Unusable {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong and what would help.
        problem: String,
    },
    /// Another process holds the data directory.
    #[error("{}: another wa-gateway (process {pid}) uses this data directory", path.display())]
    Locked {
        /// The data directory.
        path: PathBuf,
        /// Who holds it, as it wrote itself; `?` when that cannot be read.
        pid: String,
    },
    /// A mistake in a statement, or a constraint that was broken: a bug of ours.
    #[error("database: {0}")]
    Sql(rusqlite::Error),
    /// The work panicked; its savepoint was rolled back.
    #[error("internal error while writing: {0}")]
    Panicked(String),
}

impl StoreError {
    /// Whether the same call may work in a moment.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Stopping)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(e: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{
            CannotOpen, DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull, NotADatabase, OutOfMemory, ReadOnly,
            SystemIoFailure,
        };
        match e.sqlite_error_code() {
            Some(DiskFull) => Self::Unavailable("the disk is full".into()),
            Some(ReadOnly) => Self::Unavailable("the file is read-only".into()),
            Some(SystemIoFailure) => Self::Unavailable("reading or writing the disk failed".into()),
            Some(DatabaseCorrupt | NotADatabase) => {
                Self::Unavailable("the database file is damaged: run `wa-gateway doctor`, restore a backup".into())
            }
            Some(CannotOpen | DatabaseBusy | DatabaseLocked | OutOfMemory) => Self::Unavailable(e.to_string()),
            _ => Self::Sql(e),
        }
    }
}
