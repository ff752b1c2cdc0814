//! Arguments that several commands share, or that are many.

use serde::{Deserialize, Serialize};

/// Settings of a 3CX integration; what is not named stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ThreecxSettings {
    /// What people call it.
    pub name: Option<String>,
    /// Whether it takes requests.
    pub enabled: Option<bool>,
    /// Whether inbound messages are forwarded.
    pub inbound: Option<bool>,
    /// Whether agents' replies are sent.
    pub outbound: Option<bool>,
    /// Whether call events are answered.
    pub call_events: Option<bool>,
    /// Whether requests must be signed.
    pub signing: Option<bool>,
    /// Whether the text messages' address works while signing is on.
    pub sms_while_signing: Option<bool>,
    /// Whether call events write only inside the window.
    pub strict: Option<bool>,
    /// The window.
    pub window_hours: Option<u32>,
    /// Networks; empty: from anywhere.
    pub allow: Option<Vec<String>>,
    /// Where inbound messages go; empty: nowhere.
    pub destination: Option<String>,
    /// event or sms.
    pub mode: Option<String>,
    /// For templates.
    pub business_name: Option<String>,
    /// The trunk's own number.
    pub trunk_number: Option<String>,
}

/// A message from the command line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SendArgs {
    /// From which instance.
    pub instance: String,
    /// To whom.
    pub to: String,
    /// Why.
    pub purpose: String,
    /// What.
    pub text: String,
    /// cli or demo.
    pub source: String,
}

/// What is done with an account besides changing it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum AccountDeed {
    /// Switches it off.
    Disable {
        /// Which.
        id: i64,
    },
    /// Switches it on.
    Enable {
        /// Which.
        id: i64,
    },
    /// Lists the requests for higher limits.
    Requests,
    /// Grants one of them.
    Grant {
        /// Which request.
        id: i64,
        /// Messages a day; neither this nor the next: what was asked for.
        daily: Option<u64>,
        /// Messages a month.
        monthly: Option<u64>,
        /// A date or a time; none: open end.
        until: Option<String>,
        /// What the account is told.
        answer: String,
    },
    /// Denies one of them.
    Deny {
        /// Which request.
        id: i64,
        /// What the account is told.
        answer: String,
    },
}
