//! How the gateway's answer is shown, where it is not simply printed.

use super::{Printed, output, qr};
use crate::app::commands::{Command, InstanceCommand, PolicyCommand, SuppressCommand};
use serde_json::Value;
use std::{
    fs::OpenOptions,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Why a command is not done.
pub(super) struct CommandFailed {
    /// For stderr.
    pub(super) line: String,
    /// What there is to see all the same, for stdout.
    pub(super) report: Option<Value>,
}

impl From<String> for CommandFailed {
    fn from(line: String) -> Self {
        Self { line, report: None }
    }
}

/// What is done with an answer.
pub(super) enum Presentation {
    /// It is printed.
    Printed,
    /// Its code is drawn.
    QrCode,
    /// Its `csv` goes into a new file, or to stdout.
    Csv(Option<PathBuf>),
    /// It is JSON for people, too: one fact a line.
    Json,
    /// It says whether a message was sent.
    Sent,
}

impl Presentation {
    pub(super) fn of(command: &Command) -> Self {
        match command {
            Command::Instance(InstanceCommand::Pair(_)) => Self::QrCode,
            Command::Suppress(SuppressCommand::Export(export)) => Self::Csv(export.file.clone()),
            Command::Policy(PolicyCommand::Examples(examples)) => Self::Csv(examples.file.clone()),
            Command::Export(_) => Self::Json,
            Command::Send(_) => Self::Sent,
            _ => Self::Printed,
        }
    }

    /// Shows it; what is left to be printed.
    pub(super) fn show(self, answer: Value, json: bool) -> Printed {
        match self {
            Self::Printed => Ok(Some(answer)),
            Self::QrCode => Ok(qr::shown(answer, json)),
            Self::Csv(Some(path)) => Ok(Some(written(answer, &path)?)),
            Self::Csv(None) if json => Ok(Some(answer)),
            Self::Csv(None) => {
                print!("{}", answer["csv"].as_str().unwrap_or_default());
                Ok(None)
            }
            Self::Json if json => Ok(Some(answer)),
            Self::Json => {
                output::line(&format!("{answer:#}"));
                Ok(None)
            }
            Self::Sent if answer["success"] == true => Ok(Some(answer)),
            // A message that was refused or failed is a command that failed; what the API says is on stdout all the same.
            Self::Sent => {
                let text = |name: &str| answer[name].as_str().unwrap_or("?").to_owned();
                Err(CommandFailed { line: format!("{}: {}", text("error"), text("message")), report: Some(answer) })
            }
        }
    }
}

/// Puts the list into a file that does not exist yet; the rest of the answer.
fn written(mut answer: Value, path: &Path) -> Result<Value, String> {
    let csv = answer["csv"].as_str().unwrap_or_default();
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = made.and_then(|mut file| file.write_all(csv.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(|e| format!("{}: {e}", path.display()))?;
    if let Some(object) = answer.as_object_mut() {
        object.shift_remove("csv");
    }
    Ok(answer)
}
