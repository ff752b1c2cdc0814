//! The command line. What the program does itself stands here, one file a command; what a gateway is told to do is in
//! [`commands`](super::commands), and goes to the running gateway through its control socket, or, when none runs, to one
//! that is opened for it under the directory's lock.
//!
//! Exit codes: 0 done, 1 failed (one clear line on stderr), 2 wrong usage. With `--json` exactly one JSON value is on
//! stdout; the log is always on stderr.

mod backup;
mod config;
mod context;
mod demo;
mod doctor;
mod drop_privileges;
mod man;
mod mcp;
mod output;
mod presentation;
mod qr;
mod serve;
mod shell;
mod socket_activation;
mod standby;

use crate::{
    app::{
        App, StartError,
        commands::{AccountCommand, Command, SetupToken, UserCommand},
        control,
    },
    model::{
        clock::{Clock, SystemClock},
        random::SystemRandom,
    },
    ops::{logging, memory, standby::FOLLOWED},
    store::{self, StoreError},
};
use clap::{Parser, Subcommand};
use context::{Context, Given};
use presentation::{CommandFailed, Presentation};
use serde_json::{Value, json};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

/// The version, and under which licence this binary is: with the library below WhatsApp Web it is another one.
#[cfg(feature = "whatsapp-web")]
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (AGPL-3.0, with whatsapp-web)");
#[cfg(not(feature = "whatsapp-web"))]
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (Apache-2.0, without whatsapp-web)");

/// A self-hosted WhatsApp gateway for small businesses.
#[derive(Parser)]
#[command(name = "wa-gateway", version = VERSION, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    /// The configuration file [default: /etc/wa-gateway/config.toml, else ./wa-gateway.toml, else the defaults]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where everything is kept
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Print exactly one JSON value on stdout
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run the gateway
    Serve(serve::ServeArgs),
    /// See it work: sandbox data, one message sent, addresses printed
    Demo(demo::DemoArgs),
    #[command(flatten)]
    Tell(Command),
    /// Judge the configuration
    CheckConfig(config::CheckConfigArgs),
    SetupToken(SetupToken),
    /// Look for what keeps the gateway from working
    Doctor,
    /// Write everything that is kept into one file, also while the gateway runs
    Backup(backup::BackupArgs),
    /// Put a backup into an empty data directory
    Restore(backup::RestoreArgs),
    /// Beside the gateway: copy everything to where a second machine sees it
    Replicate(standby::ReplicateArgs),
    /// On a second machine: follow what is copied, and serve nothing
    Standby(standby::StandbyArgs),
    /// On a second machine: make it the one that serves, before `serve` is started on it
    Takeover(standby::TakeoverArgs),
    #[command(hide = true)]
    WithParent(standby::WithParent),
    /// Give an assistant tools over stdin and stdout: the Model Context Protocol, through the running gateway
    Mcp(mcp::McpArgs),
    /// Print the manual
    Man(man::Man),
    /// Print the completions of a shell
    Completions(man::Completions),
}

/// The whole program; returns its exit code. Arguments and environment come in, so that nothing here asks for them.
pub fn main(
    args: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> ExitCode {
    started(args.into_iter().collect(), environment.into_iter().collect())
}

fn started(args: Vec<OsString>, environment: Vec<(OsString, OsString)>) -> ExitCode {
    let program = shell::program(args.first().map(OsString::as_os_str));
    let wants_json = args.iter().any(|arg| arg == "--json");
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version are no errors: clap prints them on stdout and says 0.
            let code = u8::try_from(e.exit_code()).unwrap_or(2);
            if wants_json && code != 0 {
                output::print(&json!({"ok": false, "error": usage_error(&e.to_string())}), true);
            }
            let _ = e.print();
            return ExitCode::from(code);
        }
    };
    let environment =
        environment.into_iter().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect();
    let Cli { config, data_dir, json, task } = cli;
    match run(task, &program, Given::new(config, data_dir, json, environment)) {
        Ok(Some(value)) => {
            output::print(&value, json);
            ExitCode::SUCCESS
        }
        Ok(None) => ExitCode::SUCCESS,
        Err(CommandFailed { line, report }) => {
            match report {
                Some(report) => output::print(&report, json),
                None if json => output::print(&json!({"ok": false, "error": line}), true),
                None => {}
            }
            eprintln!("wa-gateway: {line}");
            ExitCode::FAILURE
        }
    }
}

/// What clap says is wrong, in one line: the usage, and where help is, are for people.
fn usage_error(told: &str) -> String {
    let what = told.split("\n\n").next().unwrap_or(told);
    let what = what.strip_prefix("error: ").unwrap_or(what);
    what.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What is to be printed at the end, if anything is.
type Printed = Result<Option<Value>, CommandFailed>;

fn run(task: Task, program: &str, mut given: Given) -> Printed {
    match task {
        // These describe the program and need no configuration.
        Task::Man(args) => Ok(args.run().map(|()| None)?),
        Task::Completions(args) => Ok(args.run().map(|()| None)?),
        Task::CheckConfig(args) if args.print_defaults => Ok(config::print_defaults(given.json)?),
        Task::CheckConfig(_) => Ok(Some(config::checked(&given.context_of_owner()?)?)),
        // Its file may be where only the caller writes. It makes nothing of its own in the data directory, and SQLite
        // itself gives what it makes there to the database's owner.
        Task::Backup(args) => Ok(args.run(&given.context()?)?),
        Task::Restore(args) => {
            let context = given.context()?;
            let opened = args.open()?;
            drop_privileges::become_owner_of(&context.config.data_dir)?;
            Ok(opened.run(&context)?)
        }
        Task::Serve(args) => {
            let context = given.context_of_owner()?;
            Ok(runtime()?.block_on(serve::run(args, context))?)
        }
        Task::Demo(args) => {
            args.override_config(&mut given.overrides);
            let context = given.context_of_owner()?;
            Ok(runtime()?.block_on(demo::run(args, context, program))?)
        }
        Task::Doctor => {
            let context = given.context_of_owner()?;
            runtime()?.block_on(doctor::run(&context))
        }
        Task::WithParent(args) => Ok(args.run().map(|()| None)?),
        Task::Replicate(args) => {
            let context = given.context_of_owner()?;
            Ok(runtime()?.block_on(standby::replicate(args, &context))?)
        }
        Task::Standby(args) => {
            let context = given.context_of_owner()?;
            Ok(runtime()?.block_on(standby::standby(args, &context))?)
        }
        Task::Takeover(args) => {
            let context = given.context_of_owner()?;
            Ok(runtime()?.block_on(standby::take_over(args, &context))?)
        }
        Task::Mcp(args) => {
            // The key is the caller's own, and nothing of the data directory is opened.
            let (key, context) = (args.key()?, given.context()?);
            mcp::run(&context, &key, &runtime()?)?;
            Ok(None)
        }
        Task::SetupToken(command) => told(command.into(), given),
        Task::Tell(command) => told(command, given),
    }
}

/// Tells the gateway, and shows what it answers.
fn told(mut command: Command, given: Given) -> Printed {
    let context = given.context_of_owner()?;
    let runtime = runtime()?;
    command.prepare()?;
    let presentation = Presentation::of(&command);
    let answer = runtime.block_on(ask(&context, command))?;
    presentation.show(answer, context.json)
}

/// How long a command waits for a lock that somebody holds without listening, and how often it looks.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
const LOCK_RETRY: Duration = Duration::from_millis(50);

/// Asks the running gateway, or does it under the directory's lock when none runs. A gateway that is just starting, or
/// another command, has the lock without listening: that passes within moments.
async fn ask(context: &Context, command: Command) -> Result<Value, String> {
    if !context.config.data_dir.join(store::FILE_NAME).exists() && !begins(&command) {
        return Err(nothing_here(&context.config.data_dir));
    }
    let clock = Arc::new(SystemClock);
    let late = clock.now().plus(LOCK_PATIENCE);
    loop {
        if let Some(answer) = control::ask(&context.config.data_dir, &command).await {
            return answer;
        }
        logging::start("warn", logging::LineFormat::Text)?;
        match App::open(context.config.clone(), clock.clone(), Arc::new(SystemRandom)).await {
            Ok(app) => {
                let refused = app.gateway().fence.why_closed().filter(|_| !command.only_looks());
                let done = match refused {
                    Some(why) => Err(why),
                    None => command.execute(app.gateway()).await,
                };
                app.close().await;
                return done;
            }
            Err(StartError::Store(StoreError::Locked { .. })) if clock.now() < late => {
                clock.sleep_until(clock.now().plus(LOCK_RETRY)).await;
            }
            Err(e) => return Err(e.to_string()),
        }
    }
}

/// Why a command finds no gateway's data in a directory, and what would be right.
fn nothing_here(dir: &Path) -> String {
    let shown = dir.display();
    if dir.join(store::RESTORE_STAGE).exists() {
        return format!(
            "{shown}: a restore did not come to its end here: run `wa-gateway restore` again, which begins anew"
        );
    }
    if dir.join(FOLLOWED).is_dir() {
        return format!(
            "{shown}: this is the directory of a second machine, which only follows: `wa-gateway standby --status` says \
             how it is; ask where the gateway serves, or make this one serve with `wa-gateway takeover`"
        );
    }
    format!(
        "{shown}: there is no gateway's data here: `wa-gateway serve` makes it; or name the right directory with \
         --data-dir"
    )
}

/// What may be done before a gateway ever ran: the first things are made. Everything else asks about what is there, and
/// must not answer that there is nothing because it looked in the wrong place.
const fn begins(command: &Command) -> bool {
    matches!(
        command,
        Command::Account(AccountCommand::Create(_)) | Command::User(UserCommand::Create(_)) | Command::SetupToken(_)
    )
}

/// Threads that answer requests and send: half of the processors, for the database's writer takes as much as all of them,
/// and pages, files and passwords have threads of their own. With one for each processor on two, a message that comes alone
/// costs a third more: they wake each other for it.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, |processors| processors.get().div_ceil(2))
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    // Before there is a thread.
    memory::give_back_soon();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers())
        // Readers of the database: at rest there are none, and their memory goes with them.
        .thread_keep_alive(Duration::from_secs(2))
        .enable_all()
        .build()
        .map_err(|e| StoreError::Unavailable(e.to_string()).to_string())
}
