//! `wa-gateway replicate`, `wa-gateway standby` and `wa-gateway takeover`: a second machine that stands ready.

use super::{context::Context, output};
use crate::{
    model::{
        clock::{Clock, SystemClock},
        random::SystemRandom,
    },
    ops::{
        logging::{self, LineFormat},
        standby::{self, Follower, Machine, Replication, ReplicationRound, Takeover},
    },
};
use serde_json::{Value, json};
use std::{ffi::OsString, os::unix::process::CommandExt, path::PathBuf, process::Command, sync::Arc, time::Duration};
use tokio::signal::unix::{SignalKind, signal};

/// From one round to the next.
const ROUND_EVERY: Duration = Duration::from_secs(1);
/// A follower that says nothing for so long does not run.
const SILENT_FOR: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub(super) struct ReplicateArgs {}

#[derive(clap::Args)]
pub(super) struct StandbyArgs {
    /// Only print how the one that runs here stands; fails where it cannot take over
    #[arg(long)]
    status: bool,
}

#[derive(clap::Args)]
pub(super) struct TakeoverArgs {
    /// The other machine does not run, or cannot send: you know it. Without this it must answer
    #[arg(long)]
    other_is_off: bool,
}

/// Starts a program that ends when its parent does, whatever ends that.
#[derive(clap::Args)]
pub(super) struct WithParent {
    program: PathBuf,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<OsString>,
}

impl WithParent {
    /// Becomes the program; returns only when it cannot.
    pub(super) fn run(self) -> Result<(), String> {
        let ends = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM));
        ends.map_err(|e| e.to_string())?;
        let e = Command::new(&self.program).args(self.args).exec();
        Err(format!("{}: {e}: install Litestream, or say where it is with standby.litestream", self.program.display()))
    }
}

fn machine(context: &Context) -> Result<Machine, String> {
    logging::start(&context.config.log.level, LineFormat::Text)?;
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    let launcher = (own, vec!["with-parent".to_owned()]);
    Machine::of(&context.config, launcher, Arc::new(SystemClock), Arc::new(SystemRandom)).map_err(|e| e.to_string())
}

/// Copies until it is ended, or another machine has taken over.
pub(super) async fn replicate(_: ReplicateArgs, context: &Context) -> Result<Option<Value>, String> {
    let mut replication = Replication::open(machine(context)?).map_err(|e| e.to_string())?;
    output::print(&json!({"ok": true, "place": context.config.standby.place}), context.json);
    let mut stop = Stop::listen()?;
    let mut said = None;
    loop {
        let problem = match replication.round() {
            Ok(ReplicationRound::Superseded(epoch)) => {
                tracing::warn!("another machine took over (epoch {epoch}); everything that was here is in the place");
                return Ok(None);
            }
            Ok(ReplicationRound::Waits) => {
                Some("the gateway has not found the place yet: does it run, with it set?".into())
            }
            Ok(ReplicationRound::Copied(copied)) => {
                if copied.copied + copied.removed > 0 {
                    tracing::debug!(copied = copied.copied, bytes = copied.bytes, removed = copied.removed, "files");
                }
                None
            }
            Err(e) => Some(e.to_string()),
        };
        if problem != said {
            match &problem {
                Some(problem) => tracing::warn!("{problem}"),
                None => tracing::info!("everything is copied to the place"),
            }
            said = problem;
        }
        if stop.within(ROUND_EVERY).await {
            return replication.close().map(|()| None).map_err(|e| e.to_string());
        }
    }
}

/// Follows until it is ended, or a machine takes over.
pub(super) async fn standby(args: StandbyArgs, context: &Context) -> Result<Option<Value>, String> {
    if args.status {
        return status(context);
    }
    let mut follower = Follower::open(machine(context)?).map_err(|e| e.to_string())?;
    output::print(&json!({"ok": true, "place": context.config.standby.place}), context.json);
    let mut stop = Stop::listen()?;
    loop {
        if follower.round().map_err(|e| e.to_string())? {
            tracing::info!("this machine takes over");
            return Ok(None);
        }
        if stop.within(ROUND_EVERY).await {
            return Ok(None);
        }
    }
}

fn status(context: &Context) -> Result<Option<Value>, String> {
    let Some(status) = standby::last_status(&context.config.data_dir) else {
        return Err(format!("{}: no standby ran here", context.config.data_dir.display()));
    };
    let silent = SystemClock.now().millis() - status.at;
    if silent > i64::try_from(SILENT_FOR.as_millis()).unwrap_or(i64::MAX) {
        return Err(format!("`wa-gateway standby` does not run here: it was last heard {} s ago", silent / 1000));
    }
    match &status.problem {
        Some(problem) => Err(problem.clone()),
        None => Ok(Some(json!({
            "ok": true, "epoch": status.epoch, "behind_changes": status.behind_changes, "behind_s": status.behind_s,
            "heard_s": status.heard_s,
        }))),
    }
}

/// Makes this machine the one that serves.
pub(super) async fn take_over(args: TakeoverArgs, context: &Context) -> Result<Option<Value>, String> {
    let takeover = Takeover { machine: machine(context)?, other_is_off: args.other_is_off };
    let done = takeover.run().await.map_err(|e| e.to_string())?;
    Ok(Some(json!({
        "ok": true, "epoch": done.epoch, "from_epoch": done.from_epoch, "complete": done.complete,
        "last_sign": done.last_sign.map(|at| at.rfc3339()), "uncertain_messages": done.uncertain_messages,
        "uncertain_scheduled": done.uncertain_scheduled,
    })))
}

/// SIGTERM and SIGINT.
struct Stop {
    term: tokio::signal::unix::Signal,
    int: tokio::signal::unix::Signal,
}

impl Stop {
    fn listen() -> Result<Self, String> {
        let listen = |kind| signal(kind).map_err(|e| e.to_string());
        Ok(Self { term: listen(SignalKind::terminate())?, int: listen(SignalKind::interrupt())? })
    }

    /// Waits so long; true: it is to end.
    async fn within(&mut self, wait: Duration) -> bool {
        tokio::select! {
            _ = self.term.recv() => true,
            _ = self.int.recv() => true,
            () = SystemClock.sleep_until(SystemClock.now().plus(wait)) => false,
        }
    }
}
