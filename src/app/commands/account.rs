//! `wa-gateway account …`

use crate::app::control::{AccountDeed, Request};
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make an account
    Create {
        /// Its name
        #[arg(long)]
        name: String,
        /// starter, growth, scale or none
        #[arg(long, default_value = "starter")]
        plan: String,
        /// A name of the IANA database, such as Asia/Riyadh
        #[arg(long, default_value = "UTC")]
        timezone: String,
        /// Two letters: how national phone numbers are read
        #[arg(long)]
        region: Option<String>,
        /// api_access, 3cx, chattu
        #[arg(long, value_delimiter = ',', default_value = "api_access")]
        modules: Vec<String>,
    },
    /// Show all accounts
    List,
    /// Change an account; what is not named stays
    Update {
        /// Its id
        id: i64,
        /// starter, growth, scale or none
        #[arg(long)]
        plan: Option<String>,
        /// The plan's end: a date, a time, or none
        #[arg(long)]
        plan_until: Option<String>,
        /// The new list of modules
        #[arg(long, value_delimiter = ',')]
        modules: Option<Vec<String>>,
        /// A module on the list to switch off
        #[arg(long)]
        disable_module: Option<String>,
        /// A new time zone; holds from the later of both next midnights
        #[arg(long)]
        timezone: Option<String>,
        /// Two letters, or none
        #[arg(long)]
        region: Option<String>,
        /// A reviewed limit a day
        #[arg(long, requires = "reason")]
        grant_daily: Option<u64>,
        /// A reviewed limit a month
        #[arg(long, requires = "reason")]
        grant_monthly: Option<u64>,
        /// Why it is granted
        #[arg(long)]
        reason: Option<String>,
        /// The grant's end: a date or a time
        #[arg(long)]
        until: Option<String>,
    },
    /// Switch an account off: it sends nothing, and its people cannot log in
    Disable {
        /// Its id
        id: i64,
    },
    /// Switch an account on again
    Enable {
        /// Its id
        id: i64,
    },
    /// Show what accounts ask for: higher limits, those that wait first
    Requests,
    /// Grant a request for a higher limit
    Grant {
        /// The request's number
        request: i64,
        /// Messages a day; without any figure: what was asked for
        #[arg(long)]
        daily: Option<u64>,
        /// Messages a month
        #[arg(long)]
        monthly: Option<u64>,
        /// The grant's end: a date or a time
        #[arg(long)]
        until: Option<String>,
        /// What the account is told
        #[arg(long)]
        answer: String,
    },
    /// Deny a request for a higher limit
    Deny {
        /// The request's number
        request: i64,
        /// What the account is told
        #[arg(long)]
        answer: String,
    },
}

impl Command {
    pub(super) fn request(self) -> Result<Request, String> {
        Ok(match self {
            Self::Create { name, plan, timezone, region, modules } => {
                Request::AccountCreate { name, plan, timezone, region, modules }
            }
            Self::List => Request::AccountList,
            Self::Disable { id } => Request::Account(AccountDeed::Disable { id }),
            Self::Enable { id } => Request::Account(AccountDeed::Enable { id }),
            Self::Requests => Request::Account(AccountDeed::Requests),
            Self::Grant { request, daily, monthly, until, answer } => {
                Request::Account(AccountDeed::Grant { id: request, daily, monthly, until, answer })
            }
            Self::Deny { request, answer } => Request::Account(AccountDeed::Deny { id: request, answer }),
            Self::Update {
                id,
                plan,
                plan_until,
                modules,
                disable_module,
                timezone,
                region,
                grant_daily,
                grant_monthly,
                reason,
                until,
            } => Request::AccountUpdate {
                id,
                plan,
                plan_until,
                modules,
                disable_module,
                timezone,
                region,
                grant_daily,
                grant_monthly,
                reason,
                until,
            },
        })
    }
}
