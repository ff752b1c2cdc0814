//! `wa-gateway import …`

use super::pairs;
use crate::app::control::{ImportArgs, Request};
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Command {
    /// The instances of an Evolution API server, and their webhooks
    Evolution {
        /// Where the server is
        #[arg(long)]
        url: String,
        /// Its global key, or @file
        #[arg(long)]
        key: String,
        /// Whose the instances become; needed where there are several accounts
        #[arg(long)]
        account: Option<i64>,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
}

impl Command {
    pub(super) fn request(self) -> Result<Request, String> {
        let Self::Evolution { url, key, account, dry_run } = self;
        let key = pairs::text_or_file("key", &key)?;
        Ok(Request::ImportEvolution(ImportArgs { url, key, account, dry_run }))
    }
}
