//! `wa-gateway message …`

use crate::app::control::Request;
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Command {
    /// The newest rows of the log
    List {
        /// Of one instance
        #[arg(long)]
        instance: Option<String>,
        /// In one state
        #[arg(long)]
        status: Option<String>,
        /// Not before this date or time
        #[arg(long)]
        since: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// One row with its timeline
    Show {
        /// Its log id
        log_id: i64,
    },
    /// Say what became of an unknown message
    Settle {
        /// Its log id
        log_id: i64,
        /// sent or failed
        status: String,
        /// How it is known
        #[arg(long)]
        note: String,
    },
}

impl Command {
    pub(super) fn request(self) -> Result<Request, String> {
        Ok(match self {
            Self::List { instance, status, since, limit } => Request::MessageList { instance, status, since, limit },
            Self::Show { log_id } => Request::MessageShow { log_id },
            Self::Settle { log_id, status, note } => Request::MessageSettle { log_id, status, note },
        })
    }
}
