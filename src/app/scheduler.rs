//! The table of jobs: a name, how often, what it does — and nothing else.
//!
//! tokio-cron-scheduler ticks in UTC once a minute; when a job is due lies in the `jobs` table, so that a restart
//! neither forgets a job nor runs it twice. Local midnights are decided where the days are closed, by the accounts' own
//! zones. No limit depends on a job having run.
//!
//! Adding a job: a line in [`JOBS`] and an arm in `run_one`.

use crate::{
    accounts::usage,
    dialects::AppState,
    model::clock::Time,
    ops::appliance_notices,
    sending::billed,
    store::{self, StoreError},
};
use rusqlite::params;
use std::{sync::Arc, time::Duration};
use tokio_cron_scheduler::{Job, JobScheduler};

/// A job: its name in the table, and how long after one run the next is due.
const JOBS: [(&str, Duration); 11] = [
    ("close_periods", Duration::from_secs(60)),
    ("expire_idempotency", Duration::from_secs(15 * 60)),
    ("expire_sessions", Duration::from_secs(15 * 60)),
    ("expire_threecx", Duration::from_secs(15 * 60)),
    ("expire_changes", Duration::from_secs(15 * 60)),
    ("free_replies", Duration::from_secs(60 * 60)),
    ("retention", Duration::from_secs(60 * 60)),
    ("optimize", Duration::from_secs(24 * 60 * 60)),
    // These two only ask whether it is time, and may then take long: nothing that is due waits behind them.
    ("backup", Duration::from_secs(10 * 60)),
    ("certificate", Duration::from_secs(5 * 60)),
    ("disk", Duration::from_secs(5 * 60)),
];

/// The jobs over the running gateway.
#[derive(Clone)]
pub struct Scheduler(pub Arc<AppState>);

impl Scheduler {
    /// Starts the tick. It ends when the returned scheduler is shut down.
    ///
    /// # Errors
    /// The scheduler's own.
    pub async fn start(self) -> Result<JobScheduler, tokio_cron_scheduler::JobSchedulerError> {
        let scheduler = JobScheduler::new().await?;
        let tick = Job::new_async("0 * * * * *", move |_, _| {
            let jobs = self.clone();
            Box::pin(async move {
                // The tick goes by the machine's minutes.
                if !jobs.0.clock.is_stepped() {
                    jobs.step().await;
                }
            })
        })?;
        scheduler.add(tick).await?;
        scheduler.start().await?;
        Ok(scheduler)
    }

    /// Runs every job that is due. One that fails says so in the table and in the log, and is due again later.
    pub async fn step(&self) {
        self.0.look_at_control.notify_one();
        for (name, every) in JOBS {
            match self.claim(name, every).await {
                Ok(false) => {}
                Ok(true) => {
                    let failed = self.run_one(name).await.err().map(|e| e.to_string());
                    if let Some(problem) = &failed {
                        tracing::warn!(job = name, "a job failed: {problem}");
                    }
                    let done = self.0.store.write(move |tx| {
                        tx.execute("UPDATE jobs SET last_error = ?2 WHERE name = ?1", params![name, failed])
                    });
                    if let Err(e) = done.await {
                        tracing::warn!(job = name, "a job's end could not be written: {e}");
                    }
                }
                Err(e) => tracing::warn!(job = name, "the job table could not be read: {e}"),
            }
        }
    }

    /// Takes the job if it is due; its next time is written before it runs, so that it never runs twice.
    async fn claim(&self, name: &'static str, every: Duration) -> Result<bool, StoreError> {
        let now = self.0.clock.now();
        self.0
            .store
            .write(move |tx| {
                let due = tx.find("SELECT due_at FROM jobs WHERE name = ?1", params![name], |r| r.get::<_, Time>(0))?;
                // A clock that was set back does not put a job off for longer than its own interval.
                if due.is_some_and(|at| at > now && at <= now.plus(every)) {
                    return Ok(false);
                }
                tx.execute(
                    "INSERT INTO jobs (name, due_at, last_run_at) VALUES (?1, ?2, ?3)
                     ON CONFLICT DO UPDATE SET due_at = excluded.due_at, last_run_at = excluded.last_run_at",
                    params![name, now.plus(every), now],
                )?;
                Ok(true)
            })
            .await
    }

    async fn run_one(&self, name: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        match name {
            "close_periods" => {
                let now = self.0.clock.now();
                self.0.store.write(move |tx| usage::close_periods(tx, now)).await?;
            }
            "expire_idempotency" => drop(self.0.sending.expire_idempotency().await?),
            "expire_sessions" => drop(self.0.accounts.expire_sessions().await?),
            "expire_threecx" => drop(self.0.threecx.expire().await?),
            "expire_changes" => drop(self.0.live.expire().await?),
            "free_replies" => {
                let now = self.0.clock.now();
                self.0.store.write(move |tx| billed::warn(tx, now)).await?;
            }
            "retention" => {
                // First: what keeps the others from their end must not keep everybody's data.
                let (dir, now) = (self.0.data_dir.clone(), self.0.clock.now());
                tokio::task::spawn_blocking(move || store::expire_former(&dir, now)).await??;
                self.0.retention.step().await?;
                self.0.store.shrink().await?;
            }
            "optimize" => self.0.store.write(|tx| tx.execute("PRAGMA optimize", []).map(drop)).await?,
            "certificate" => {
                if let Some(keeper) = self.0.keeper.get() {
                    let renewed = keeper.step().await;
                    let (facts, problem, now) = (keeper.certificate().facts(), keeper.last_error(), self.0.clock.now());
                    self.0
                        .store
                        .write(move |tx| appliance_notices::certificate(tx, facts.as_ref(), problem.as_deref(), now))
                        .await?;
                    renewed?;
                }
            }
            "disk" => {
                let (space, now) = (appliance_notices::space(&self.0.data_dir)?, self.0.clock.now());
                self.0.store.write(move |tx| appliance_notices::disk(tx, space, now)).await?;
            }
            "backup" => self.back_up().await?,
            other => return Err(format!("there is no job {other}").into()),
        }
        Ok(())
    }

    async fn back_up(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let Some(plan) = self.0.backups.in_force() else { return Ok(()) };
        let (now, random) = (self.0.clock.now(), self.0.random.clone());
        let done = tokio::task::spawn_blocking(move || plan.step(now, &random)).await?;
        let problem = done.as_ref().err().map(ToString::to_string);
        // Not due yet is no news: what failed stays so until one was made.
        if !matches!(done, Ok(None)) {
            self.0.store.write(move |tx| appliance_notices::backup(tx, problem.as_deref(), now)).await?;
        }
        if let Some(done) = done? {
            tracing::info!(file = %done.file.display(), bytes = done.made.bytes, removed = done.removed, "backed up");
        }
        Ok(())
    }
}
