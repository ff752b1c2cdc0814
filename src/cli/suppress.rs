//! `wa-gateway suppress …` and `wa-gateway contacts import`

use crate::control::Request;
use clap::Subcommand;
use std::path::{Path, PathBuf};

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
            Self::Import { account, file } => Request::SuppressImport { account, csv: read(&file)? },
        })
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
