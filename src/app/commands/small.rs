//! Commands of one line: `send`, `policy check`.

use crate::app::control::{Request, SendArgs};
use clap::{Args, Subcommand};

#[derive(Args)]
pub(super) struct Send {
    /// From which instance
    #[arg(long)]
    instance: String,
    /// To whom
    #[arg(long, value_name = "PHONE")]
    to: String,
    /// transactional, operational, support, internal_team or authentication
    #[arg(long)]
    purpose: String,
    /// What
    text: String,
}

impl Send {
    pub(super) fn request(self) -> Request {
        let Self { instance, to, purpose, text } = self;
        Request::Send(SendArgs { instance, to, purpose, text, source: "cli".into() })
    }
}

#[derive(Subcommand)]
pub(super) enum Policy {
    /// Score a text without sending it
    Check {
        /// What
        text: String,
        /// Why
        #[arg(long, default_value = "transactional")]
        purpose: String,
    },
}

impl Policy {
    pub(super) fn request(self) -> Request {
        let Self::Check { text, purpose } = self;
        Request::PolicyCheck { text, purpose }
    }
}

#[derive(Args)]
pub(super) struct SetupToken {}

impl SetupToken {
    pub(super) fn request(self) -> Request {
        let Self {} = self;
        Request::SetupToken
    }
}
