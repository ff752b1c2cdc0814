//! `wa-gateway suppress …` and `wa-gateway contacts import`

use crate::app::control::Request;
use clap::Subcommand;
use serde_json::Value;
use std::{
    fs::OpenOptions,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Send nothing to this person any more
    Add {
        /// Whose list
        #[arg(long)]
        account: i64,
        /// Who
        #[arg(long)]
        phone: String,
        /// Why
        #[arg(long)]
        reason: Option<String>,
    },
    /// Take a person off the list
    Remove {
        /// Whose list
        #[arg(long)]
        account: i64,
        /// Who
        #[arg(long)]
        phone: String,
    },
    /// Show the list
    List {
        /// Whose list
        #[arg(long)]
        account: i64,
    },
    /// Write the list as CSV: phone, reason, source, since, lifted_at, lifted_by
    Export {
        /// Whose list
        #[arg(long)]
        account: i64,
        /// Those that were lifted, too: the proof
        #[arg(long)]
        all: bool,
        /// The file, which must not exist yet [default: stdout]
        file: Option<PathBuf>,
    },
    /// Bring in a CSV file: phone, reason
    Import {
        /// Whose list
        #[arg(long)]
        account: i64,
        /// The file; - for stdin
        file: PathBuf,
    },
}

#[derive(Subcommand)]
pub(super) enum Contacts {
    /// Bring in existing customers from a CSV file: phone, name
    Import {
        /// Whose
        #[arg(long)]
        account: i64,
        /// The file; - for stdin
        file: PathBuf,
    },
}

impl Command {
    pub(super) fn request(self) -> Result<Request, String> {
        Ok(match self {
            Self::Add { account, phone, reason } => Request::SuppressAdd { account, phone, reason },
            Self::Remove { account, phone } => Request::SuppressRemove { account, phone },
            Self::List { account } => Request::SuppressList { account },
            Self::Export { account, all, .. } => Request::SuppressExport { account, all },
            Self::Import { account, file } => Request::SuppressImport { account, csv: read(&file)? },
        })
    }
}

impl Command {
    /// Where an exported list goes: a file, or stdout. None for every other command.
    pub(super) fn target(&self) -> Option<Option<PathBuf>> {
        if let Self::Export { file, .. } = self { Some(file.clone()) } else { None }
    }
}

/// Puts an exported list where it was asked for; what is left to be printed.
pub(super) fn deliver(mut answer: Value, file: Option<PathBuf>, json: bool) -> Result<Option<Value>, String> {
    let csv = answer["csv"].as_str().unwrap_or_default().to_owned();
    match file {
        Some(path) => {
            let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
            let written = made.and_then(|mut file| file.write_all(csv.as_bytes()).and_then(|()| file.sync_all()));
            written.map_err(|e| format!("{}: {e}", path.display()))?;
            if let Some(object) = answer.as_object_mut() {
                object.shift_remove("csv");
            }
            Ok(Some(answer))
        }
        None if json => Ok(Some(answer)),
        None => {
            print!("{csv}");
            Ok(None)
        }
    }
}

impl Contacts {
    pub(super) fn request(self) -> Result<Request, String> {
        let Self::Import { account, file } = self;
        Ok(Request::ContactsImport { account, csv: read(&file)? })
    }
}

fn read(file: &Path) -> Result<String, String> {
    let bytes = if file == Path::new("-") {
        let mut all = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut all).map(|_| all)
    } else {
        std::fs::read(file)
    };
    let bytes = bytes.map_err(|e| format!("{}: {e}", file.display()))?;
    String::from_utf8(bytes).map_err(|e| {
        format!("{}: byte {} is no UTF-8: save the file as UTF-8", file.display(), e.utf8_error().valid_up_to())
    })
}
