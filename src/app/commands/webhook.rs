//! `wa-gateway webhook …`

use crate::app::control::Request;
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make an endpoint; its secret is shown once
    Create {
        /// Whose
        #[arg(long)]
        account: i64,
        /// Of one instance; without it, of all of the account
        #[arg(long)]
        instance: Option<String>,
        /// Where events go
        #[arg(long)]
        url: String,
        /// Which events
        #[arg(long, value_delimiter = ',', required = true)]
        events: Vec<String>,
    },
    /// Show all endpoints
    List,
    /// Send a test event
    Test {
        /// Its id
        id: i64,
    },
    /// Make a new secret; the old one signs beside it for a day
    Rotate {
        /// Its id
        id: i64,
    },
    /// Enable it; what it collected goes out at once
    Enable {
        /// Its id
        id: i64,
    },
    /// Disable it; it keeps collecting for three days
    Disable {
        /// Its id
        id: i64,
    },
    /// Take it away
    Delete {
        /// Its id
        id: i64,
    },
    /// The newest deliveries
    Deliveries {
        /// Only those that are not delivered and were tried
        #[arg(long)]
        failed: bool,
        /// Of one endpoint
        #[arg(long)]
        endpoint: Option<i64>,
    },
    /// Send one delivery again, or all that failed since a time
    Resend {
        /// The delivery
        #[arg(required_unless_present = "failed_since", conflicts_with = "failed_since")]
        delivery: Option<i64>,
        /// A date or a time
        #[arg(long)]
        failed_since: Option<String>,
        /// Of one endpoint
        #[arg(long, requires = "failed_since")]
        endpoint: Option<i64>,
    },
}

impl Command {
    pub(super) fn request(self) -> Result<Request, String> {
        Ok(match self {
            Self::Create { account, instance, url, events } => {
                Request::WebhookCreate { account, instance, url, events }
            }
            Self::List => Request::WebhookList,
            Self::Test { id } => Request::WebhookTest { id },
            Self::Rotate { id } => Request::WebhookRotate { id },
            Self::Enable { id } => Request::WebhookEnable { id },
            Self::Disable { id } => Request::WebhookDisable { id },
            Self::Delete { id } => Request::WebhookDelete { id },
            Self::Deliveries { failed, endpoint } => Request::WebhookDeliveries { failed, endpoint },
            Self::Resend { delivery, failed_since, endpoint } => {
                Request::WebhookResend { delivery, failed_since, endpoint }
            }
        })
    }
}
