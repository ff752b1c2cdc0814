//! What the gateway's workers have done lately and have before them.

use crate::{
    model::clock::Time,
    store::{StoreError, Tx},
};

/// A recurring job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobRun {
    pub name: String,
    pub last_run: Option<Time>,
    pub due: Time,
    /// Of the last run, if it failed.
    pub error: Option<String>,
}

/// How many wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WaitingWork {
    /// Messages under way.
    pub messages: u64,
    /// Deliveries to endpoints, those for their next try included.
    pub deliveries: u64,
    /// Messages for later.
    pub schedules: u64,
    /// Files to be fetched.
    pub files: u64,
}

/// All of them, by name.
///
/// # Errors
/// The database's own.
pub fn jobs(tx: &Tx<'_>) -> Result<Vec<JobRun>, StoreError> {
    tx.list("SELECT name, last_run_at, due_at, last_error FROM jobs ORDER BY name", [], |r| {
        Ok(JobRun { name: r.get(0)?, last_run: r.get(1)?, due: r.get(2)?, error: r.get(3)? })
    })
}

impl WaitingWork {
    /// Counts it.
    ///
    /// # Errors
    /// The database's own.
    pub fn count(tx: &Tx<'_>) -> Result<Self, StoreError> {
        tx.one(
            "SELECT (SELECT count(*) FROM messages WHERE status IN ('accepted', 'sending') AND quota <> 'none'),
                    (SELECT count(*) FROM deliveries WHERE state = 'pending'),
                    (SELECT count(*) FROM schedules WHERE state = 'pending'),
                    (SELECT count(*) FROM media WHERE state = 'pending')",
            [],
            |r| Ok(Self { messages: r.get(0)?, deliveries: r.get(1)?, schedules: r.get(2)?, files: r.get(3)? }),
        )
    }
}
