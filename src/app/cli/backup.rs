//! `wa-gateway backup FILE` and `wa-gateway restore FILE`. Both work on files, beside a running gateway or without one,
//! so that the place of the backup may be one that only the caller can write.

use super::context::Context;
use crate::{
    model::{
        clock::{Clock, SystemClock},
        random::SystemRandom,
    },
    ops::backup::{self, Making, Passphrase, read_passphrase},
};
use serde_json::{Value, json};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

#[derive(clap::Args)]
pub(super) struct BackupArgs {
    /// The new file; - for stdout
    file: PathBuf,
    /// Encrypt it with the first line of this file
    #[arg(long, value_name = "F")]
    passphrase_file: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(super) struct RestoreArgs {
    /// The backup; - for stdin
    file: PathBuf,
    /// The first line of this file is its passphrase
    #[arg(long, value_name = "F")]
    passphrase_file: Option<PathBuf>,
}

impl BackupArgs {
    pub(super) fn run(self, context: &Context) -> Result<Option<Value>, String> {
        let passphrase = passphrase(self.passphrase_file.as_deref())?;
        let now = SystemClock.now();
        let key_file = context.config.key_file.as_deref();
        let making = Making { now, random: &SystemRandom, passphrase: passphrase.as_ref(), key_file };
        let data_dir = &context.config.data_dir;
        if self.file == Path::new("-") {
            // What goes to stdout is the backup, and nothing else.
            let made = backup::write(data_dir, data_dir, io::stdout().lock(), &making);
            return made.map(|_| None).map_err(|e| e.to_string());
        }
        let made = backup::write_file(data_dir, &self.file, &making).map_err(|e| e.to_string())?;
        let size = std::fs::metadata(&self.file).map_or(0, |m| m.len());
        Ok(Some(json!({
            "ok": true, "file": self.file, "files": made.files, "bytes": size, "encrypted": made.encrypted,
        })))
    }
}

/// A restore with its files open: as whoever called, who may read where the owner of the data directory may not.
pub(super) struct OpenedBackup {
    input: Box<dyn Read>,
    passphrase: Option<Passphrase>,
}

impl RestoreArgs {
    pub(super) fn open(&self) -> Result<OpenedBackup, String> {
        let input: Box<dyn Read> = match &self.file {
            stdin if stdin == Path::new("-") => Box::new(io::stdin().lock()),
            file => Box::new(File::open(file).map_err(|e| format!("{}: {e}", file.display()))?),
        };
        Ok(OpenedBackup { input, passphrase: passphrase(self.passphrase_file.as_deref())? })
    }
}

impl OpenedBackup {
    pub(super) fn run(self, context: &Context) -> Result<Option<Value>, String> {
        let data_dir = &context.config.data_dir;
        let restored = backup::restore(self.input, data_dir, self.passphrase.as_ref()).map_err(|e| e.to_string())?;
        Ok(Some(json!({
            "ok": true, "data_dir": data_dir, "files": restored.files, "bytes": restored.bytes,
            "made_at": restored.made_at, "program": restored.program,
        })))
    }
}

fn passphrase(file: Option<&Path>) -> Result<Option<Passphrase>, String> {
    file.map(read_passphrase).transpose().map_err(|e| e.to_string())
}
