//! The command line: one file a command. A command becomes a [`Request`], which goes to the running gateway through
//! its control socket, or, when none runs, to one that is opened for it under the directory's lock.
//!
//! Exit codes: 0 done, 1 failed (one clear line on stderr), 2 wrong usage. With `--json` exactly one JSON value is on
//! stdout; the log is always on stderr.
//!
//! Adding a command: a file here, a line in [`Command`], a request in `control/request.rs` and its arm in
//! `control/perform.rs`, a row in `tests/it/command_line.rs`.

mod account;
mod backup;
mod config;
mod demo;
mod import;
mod inherited;
mod instance;
mod key;
mod message;
mod output;
mod owner;
mod pairs;
mod paper;
mod qr;
mod sandbox;
mod serve;
mod small;
mod suppress;
mod threecx;
mod user;
mod webhook;

use crate::{
    app::{
        App, StartError,
        control::{self, Request},
    },
    config::{Config, Overrides},
    model::{
        clock::{Clock, SystemClock},
        random::SystemRandom,
    },
    ops::{doctor, logging},
    store::StoreError,
};
use clap::{Parser, Subcommand};
use serde_json::{Value, json};
use std::{ffi::OsString, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

/// A self-hosted WhatsApp gateway for small businesses.
#[derive(Parser)]
#[command(name = "wa-gateway", version, propagate_version = true, arg_required_else_help = true)]
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
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway
    Serve(serve::Args),
    /// See it work: sandbox data, one message sent, addresses printed
    Demo(demo::Args),
    /// Customers of the gateway
    #[command(subcommand)]
    Account(account::Command),
    /// People who log in
    #[command(subcommand)]
    User(user::Command),
    /// API keys
    #[command(subcommand)]
    Key(key::Command),
    /// WhatsApp numbers
    #[command(subcommand)]
    Instance(instance::Command),
    /// Bring instances over from another gateway
    #[command(subcommand)]
    Import(import::Command),
    /// The message log
    #[command(subcommand)]
    Message(message::Command),
    /// People who are not to be written to
    #[command(subcommand)]
    Suppress(suppress::Command),
    /// People who are known already
    #[command(subcommand)]
    Contacts(suppress::Contacts),
    /// Customers' endpoints and their deliveries
    #[command(subcommand)]
    Webhook(webhook::Command),
    /// Telephone systems (3CX)
    #[command(subcommand)]
    Threecx(threecx::Command),
    /// Send one message through the guard
    Send(small::Send),
    /// Play the customers' phones of a sandbox instance
    #[command(subcommand)]
    Sandbox(sandbox::Command),
    /// The content policy
    #[command(subcommand)]
    Policy(small::Policy),
    /// Everything about a person, as JSON
    Export {
        /// Who
        #[arg(long)]
        phone: String,
    },
    /// Erase everything about a person; a suppression survives as a keyed hash
    Erase {
        /// Who
        #[arg(long)]
        phone: String,
    },
    /// Judge the configuration
    CheckConfig(config::Args),
    /// The one-time set-up link, while nobody has a login
    SetupToken(small::SetupToken),
    /// Look for what keeps the gateway from working
    Doctor,
    /// Write everything that is kept into one file, also while the gateway runs
    Backup(backup::Backup),
    /// Put a backup into an empty data directory
    Restore(backup::Restore),
    /// Print the manual
    Man(paper::Man),
    /// Print the completions of a shell
    Completions(paper::Completions),
}

/// The whole program; returns its exit code. Arguments and environment come in, so that nothing here asks for them.
pub fn main(
    args: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version are no errors: clap prints them on stdout and says 0.
            let code = u8::try_from(e.exit_code()).unwrap_or(2);
            let _ = e.print();
            return ExitCode::from(code);
        }
    };
    let environment: Vec<(String, String)> =
        environment.into_iter().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect();
    let json = cli.json;
    match run(cli, environment) {
        Ok(Some(value)) => {
            output::print(&value, json);
            ExitCode::SUCCESS
        }
        Ok(None) => ExitCode::SUCCESS,
        Err(Failed { line, report }) => {
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

/// Why a command is not done.
struct Failed {
    /// For stderr.
    line: String,
    /// What there is to see all the same, for stdout.
    report: Option<Value>,
}

impl From<String> for Failed {
    fn from(line: String) -> Self {
        Self { line, report: None }
    }
}

/// How long a command waits for a lock that somebody holds without listening, and how often it looks.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
const LOCK_RETRY: Duration = Duration::from_millis(50);

/// What every command is given.
struct Given {
    config: Config,
    config_path: Option<PathBuf>,
    json: bool,
    /// Whether stderr leads to systemd's journal.
    journal: bool,
}

fn run(cli: Cli, environment: Vec<(String, String)>) -> Result<Option<Value>, Failed> {
    let Cli { config: config_path, data_dir, json, command } = cli;
    let mut overrides = Overrides { data_dir, ..Overrides::default() };
    if let Command::CheckConfig(args) = &command
        && args.print_defaults
    {
        return Ok(config::print_defaults(json)?);
    }
    // These describe the program and need no configuration.
    let command = match command {
        Command::Man(args) => return Ok(args.run().map(|()| None)?),
        Command::Completions(args) => return Ok(args.run().map(|()| None)?),
        other => other,
    };
    if let Command::Demo(args) = &command {
        args.override_config(&mut overrides);
    }
    let stream = environment.iter().find(|(key, _)| key == "JOURNAL_STREAM");
    let journal = stream.is_some_and(|(_, stream)| logging::is_journal(stream));
    let config =
        Config::load(config_path.as_deref(), environment.into_iter(), &overrides).map_err(|e| e.to_string())?;
    let given = Given { config, config_path, json, journal };
    let command = match command {
        // Its file may be where only the caller writes. It makes nothing of its own in the data directory, and SQLite
        // itself gives what it makes there to the database's owner.
        Command::Backup(args) => return Ok(args.run(&given)?),
        Command::Restore(args) => {
            let opened = args.open()?;
            owner::become_owner_of(&given.config.data_dir)?;
            return Ok(opened.run(&given)?);
        }
        other => other,
    };
    owner::become_owner_of(&given.config.data_dir)?;
    let runtime = runtime()?;
    runtime.block_on(dispatch(command, given))
}

async fn dispatch(command: Command, given: Given) -> Result<Option<Value>, Failed> {
    let request = match command {
        Command::Serve(args) => return Ok(serve::run(args, given).await?),
        Command::Demo(args) => return Ok(demo::run(args, given).await?),
        Command::CheckConfig(_) => return Ok(Some(config::checked(&given))),
        Command::Doctor => return diagnose(&given).await,
        Command::Backup(_) | Command::Restore(_) | Command::Man(_) | Command::Completions(_) => {
            return Err("this command is done without a gateway".to_owned().into());
        }
        Command::Account(command) => command.request(),
        Command::User(command) => command.request(),
        Command::Key(command) => command.request(),
        Command::Instance(instance::Command::Pair { id }) => {
            let shown = ask(&given, Request::InstancePair { id }).await?;
            return Ok(qr::shown(shown, given.json));
        }
        Command::Instance(command) => command.request(),
        Command::Import(command) => command.request(),
        Command::Message(command) => command.request(),
        Command::Suppress(command) => match command.target() {
            Some(file) => {
                let answer = ask(&given, command.request()?).await?;
                return Ok(suppress::deliver(answer, file, given.json)?);
            }
            None => command.request(),
        },
        Command::Export { phone } => Ok(Request::PersonExport { phone }),
        Command::Erase { phone } => Ok(Request::PersonErase { phone }),
        Command::Contacts(command) => command.request(),
        Command::Webhook(command) => command.request(),
        Command::Threecx(command) => Ok(command.request()),
        Command::Send(args) => return sent(ask(&given, args.request()).await?),
        Command::Sandbox(command) => command.request(),
        Command::Policy(command) => Ok(command.request()),
        Command::SetupToken(args) => Ok(args.request()),
    }?;
    Ok(Some(ask(&given, request).await?))
}

/// Asks the running gateway, or does it under the directory's lock when none runs. A gateway that is just starting, or
/// another command, has the lock without listening: that passes within moments.
async fn ask(given: &Given, request: Request) -> Result<Value, String> {
    let clock = Arc::new(SystemClock);
    let late = clock.now().plus(LOCK_PATIENCE);
    loop {
        if let Some(answer) = control::ask(&given.config.data_dir, &request).await {
            return answer;
        }
        logging::start("warn", logging::LineFormat::Text)?;
        match App::open(given.config.clone(), clock.clone(), Arc::new(SystemRandom)).await {
            Ok(app) => {
                let done = control::perform(app.gateway(), request).await;
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

/// `send`: a message that was refused or failed is a command that failed; what the API says is on stdout all the same.
fn sent(answer: Value) -> Result<Option<Value>, Failed> {
    if answer["success"] == true {
        return Ok(Some(answer));
    }
    let text = |name: &str| answer[name].as_str().unwrap_or("?").to_owned();
    Err(Failed { line: format!("{}: {}", text("error"), text("message")), report: Some(answer) })
}

async fn diagnose(given: &Given) -> Result<Option<Value>, Failed> {
    let running = control::ask(&given.config.data_dir, &Request::Ping).await.is_some_and(|a| a.is_ok());
    let patient = doctor::Patient { config: &given.config, running, clock: Arc::new(SystemClock) };
    let mut findings = doctor::examine(&patient).await;
    if running && let Some(Ok(told)) = control::ask(&given.config.data_dir, &Request::InstanceExamine).await {
        findings.extend(told.as_array().into_iter().flatten().map(doctor::instance));
    }
    let failed = findings.iter().filter(|f| f.status == doctor::CheckStatus::Fail).count();
    let report = json!({"ok": failed == 0, "checks": findings});
    if failed == 0 {
        return Ok(Some(report));
    }
    Err(Failed { line: format!("{failed} of the checks failed"), report: Some(report) })
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| StoreError::Unavailable(e.to_string()).to_string())
}
