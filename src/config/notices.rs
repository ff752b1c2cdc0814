//! Section `[notices]`: how people are told, besides the portal; as the other sections in `settings.rs`.

use super::values::{self, SmtpTls, duration};
use serde::Deserialize;
use std::{path::PathBuf, time::Duration};

/// How owner and admin are told, besides the portal.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticesConfig {
    /// The mail server; none: no mail.
    #[serde(deserialize_with = "values::host")]
    pub smtp_host: Option<String>,
    #[serde(deserialize_with = "values::port")]
    pub smtp_port: u16,
    /// How the connection to it is kept private; `off` only when the host is this machine.
    pub smtp_tls: SmtpTls,
    /// Who we are to it; may be empty.
    pub smtp_user: String,
    /// Its first line is the user's password; there when there is a user.
    #[serde(deserialize_with = "values::file")]
    pub smtp_password_file: Option<PathBuf>,
    /// PEM; whom to trust besides the usual ones.
    #[serde(deserialize_with = "values::file")]
    pub smtp_root: Option<PathBuf>,
    /// Who writes; not empty when there is a host.
    #[serde(deserialize_with = "values::email")]
    pub from: String,
    /// Who gets all notices by mail.
    #[serde(deserialize_with = "values::emails")]
    pub to: Vec<String>,
    /// Whether owners get those of their account by mail.
    pub to_owners: bool,
    /// Where all notices are posted to; none: nowhere.
    #[serde(deserialize_with = "values::hook")]
    pub webhook_url: Option<String>,
    /// Its first line signs them; there when there is an address.
    #[serde(deserialize_with = "values::file")]
    pub webhook_secret_file: Option<PathBuf>,
    /// From when on a number that is not connected is worth a letter.
    #[serde(deserialize_with = "duration")]
    pub disconnected_after: Duration,
    /// The least time between two letters to one address.
    #[serde(deserialize_with = "duration")]
    pub digest_every: Duration,
}

impl NoticesConfig {
    /// # Errors
    /// What is no e-mail address.
    pub fn judge_address(text: &str) -> Result<(), String> {
        values::parse_email(text).map(drop)
    }
}

/// Keys that are fine alone and not together.
pub(super) fn contradictions(notices: &NoticesConfig) -> [(bool, [&'static str; 3]); 6] {
    let mail = notices.smtp_host.is_some();
    let is_here = notices
        .smtp_host
        .as_deref()
        .is_some_and(|host| host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()));
    let nobody = notices.to.is_empty() && !notices.to_owners;
    [
        (
            mail && notices.from.is_empty(),
            ["notices.from", "notices.smtp_host", "mail needs a sender, such as \"gateway@example.com\""],
        ),
        (
            mail && notices.smtp_tls == SmtpTls::Off && !is_here,
            [
                "notices.smtp_tls",
                "notices.smtp_host",
                "\"off\" is only for a mail server on this machine: use \"starttls\"",
            ],
        ),
        (
            notices.smtp_user.is_empty() != notices.smtp_password_file.is_none(),
            ["notices.smtp_password_file", "notices.smtp_user", "a user and the file of its password go together"],
        ),
        (
            !mail && !notices.to.is_empty(),
            ["notices.smtp_host", "notices.to", "notices.to needs it: write the mail server's name"],
        ),
        (
            mail && nobody,
            ["notices.to", "notices.to_owners", "nobody would get mail: name somebody, or set notices.to_owners"],
        ),
        (
            notices.webhook_url.is_none() != notices.webhook_secret_file.is_none(),
            [
                "notices.webhook_secret_file",
                "notices.webhook_url",
                "the address and the file of its secret go together",
            ],
        ),
    ]
}
