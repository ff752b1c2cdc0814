//! The shape of the configuration: one struct a section, one field a key.
//!
//! A field says what it is for; its unit, default and reason are told to the admin in `assets/config/sample.toml`.
//! There is no `#[serde(default)]` here on purpose: the sample supplies every default, and a key that is missing there
//! fails the tests.
//!
//! Adding a key: a field here, its lines in the sample, a row in `tests.rs`. This file must not know where values come
//! from.

use super::notices::NoticesConfig;
use super::values::{
    self, AcmeChallenge, ContentPolicyMode, ImpossiblePhone, Language, LogFormat, Registration, TlsMode,
    acme_directory, base_url, count, days, directory, duration, hours, listen, percent,
};
use crate::model::{egress::EgressEntry, instance::ConnectorKind};
use ipnet::IpNet;
use serde::Deserialize;
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// Everything an admin can set.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where everything is kept that must survive.
    #[serde(deserialize_with = "directory")]
    pub data_dir: PathBuf,
    /// The key of the secrets in the database; none: `secret.key` in `data_dir`, made at first start.
    #[serde(deserialize_with = "values::file")]
    pub key_file: Option<PathBuf>,
    /// `https://…` without a final slash; none: the local listener's address.
    #[serde(deserialize_with = "base_url")]
    pub public_url: Option<String>,
    /// Shown where a text says "contact support"; may be empty.
    pub support_contact: String,
    /// Addresses to listen on.
    pub listen: Listen,
    /// Bounds of the HTTP server.
    pub limits: LimitsConfig,
    /// The certificate of the public listener.
    pub tls: Tls,
    /// What may be called.
    pub egress: EgressConfig,
    /// The walk of a message.
    pub sending: SendingConfig,
    /// The guard's thresholds.
    pub guard: Guard,
    /// The web pages.
    pub portal: Portal,
    /// How owner and admin are told, besides the portal.
    pub notices: NoticesConfig,
    /// Files in and out.
    pub media: MediaConfig,
    /// Customers' endpoints.
    pub webhooks: WebhooksConfig,
    /// How long what is kept.
    pub retention: RetentionConfig,
    /// The Chattu dialect.
    pub chattu: ChattuConfig,
    pub backup: BackupConfig,
    /// A second machine that stands ready.
    pub standby: StandbyConfig,
    pub threecx: ThreecxConfig,
    pub log: LogConfig,
}

/// Addresses to listen on; none is off.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// Plain HTTP for integrations on this machine.
    #[serde(deserialize_with = "listen")]
    pub local: Option<SocketAddr>,
    #[serde(deserialize_with = "listen")]
    pub public: Option<SocketAddr>,
    /// ACME's http-01 and the redirect to TLS.
    #[serde(deserialize_with = "listen")]
    pub http: Option<SocketAddr>,
    /// `/metrics` alone; none: on the local listener.
    #[serde(deserialize_with = "listen")]
    pub metrics: Option<SocketAddr>,
    /// Proxies whose `X-Forwarded-For` is believed.
    #[serde(deserialize_with = "values::nets")]
    pub trusted_proxies: Vec<IpNet>,
}

/// Bounds of the HTTP server.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// Connections at once.
    #[serde(deserialize_with = "count")]
    pub connections: u32,
    /// Connections at once from one address other than this machine; at most `connections`.
    #[serde(deserialize_with = "count")]
    pub connections_per_address: u32,
    /// Until the header has arrived.
    #[serde(deserialize_with = "duration")]
    pub header_timeout: Duration,
    /// Until a small body has arrived; the longest pause of a large one.
    #[serde(deserialize_with = "duration")]
    pub body_timeout: Duration,
    /// Until a silent connection is closed.
    #[serde(deserialize_with = "duration")]
    pub idle_timeout: Duration,
    /// Until the TLS handshake is done.
    #[serde(deserialize_with = "duration")]
    pub handshake_timeout: Duration,
}

/// The certificate of the public listener.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Where it comes from.
    pub mode: TlsMode,
    /// PEM chain; there when the mode is `files`.
    #[serde(deserialize_with = "values::file")]
    pub certificate: Option<PathBuf>,
    /// PEM key; there when the mode is `files`.
    #[serde(deserialize_with = "values::file")]
    pub key: Option<PathBuf>,
    /// Names for ACME; not empty when the mode is `acme`.
    #[serde(deserialize_with = "values::host_names")]
    pub acme_domains: Vec<String>,
    /// Where the authority writes to; may be empty.
    #[serde(deserialize_with = "values::email")]
    pub acme_email: String,
    /// Empty: Let's Encrypt; `staging`: its test system; else an address.
    #[serde(deserialize_with = "acme_directory")]
    pub acme_directory: String,
    /// How the authority makes sure.
    pub acme_challenge: AcmeChallenge,
    /// PEM; whom to trust besides the usual ones when the authority's directory is called.
    #[serde(deserialize_with = "values::file")]
    pub acme_root: Option<PathBuf>,
    /// PEM; whose client certificates Meta's calls must come with. None: they need not.
    #[serde(deserialize_with = "values::file")]
    pub meta_client_ca: Option<PathBuf>,
}

/// What may be called.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EgressConfig {
    /// Private places that may be called all the same.
    #[serde(deserialize_with = "values::egress_entries")]
    pub allow: Vec<EgressEntry>,
}

/// The walk of a message.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendingConfig {
    /// The longest that a caller waits; no attempt after it.
    #[serde(deserialize_with = "duration")]
    pub answer_timeout: Duration,
    /// How long an idempotency key is remembered, in hours.
    #[serde(deserialize_with = "hours")]
    pub idempotency_hours: u32,
    /// How late a scheduled message may still be sent.
    #[serde(deserialize_with = "duration")]
    pub schedule_grace: Duration,
}

/// The guard's thresholds.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// Messages a minute, per instance.
    #[serde(deserialize_with = "count")]
    pub throttle_per_minute: u32,
    /// Messages at once, per instance.
    #[serde(deserialize_with = "count")]
    pub throttle_burst: u32,
    /// Messages a minute, per recipient.
    #[serde(deserialize_with = "count")]
    pub recipient_per_minute: u32,
    /// Messages at once, per recipient.
    #[serde(deserialize_with = "count")]
    pub recipient_burst: u32,
    /// Authentication messages within the window, per recipient.
    #[serde(deserialize_with = "count")]
    pub authentication_limit: u32,
    /// The window of `authentication_limit`.
    #[serde(deserialize_with = "duration")]
    pub authentication_window: Duration,
    /// What becomes of a phone whose length no number of its country has.
    pub impossible_phone: ImpossiblePhone,
    /// Whether signals act.
    pub content_policy: ContentPolicyMode,
    /// Score from which a message is refused, 1 to 100.
    #[serde(deserialize_with = "percent")]
    pub refuse_score: u32,
    /// Score from which a message is listed for review, 1 to `refuse_score`.
    #[serde(deserialize_with = "percent")]
    pub review_score: u32,
    /// Strikes within the window that pause an instance.
    #[serde(deserialize_with = "count")]
    pub strikes: u32,
    /// The window of `strikes`.
    #[serde(deserialize_with = "duration")]
    pub strikes_window: Duration,
    /// People who may get one text: support.
    #[serde(deserialize_with = "count")]
    pub repetition_support: u32,
    /// People who may get one text: transactional.
    #[serde(deserialize_with = "count")]
    pub repetition_transactional: u32,
    /// People who may get one text: operational.
    #[serde(deserialize_with = "count")]
    pub repetition_operational: u32,
    /// People who may get one text: internal_team.
    #[serde(deserialize_with = "count")]
    pub repetition_internal_team: u32,
    /// The window of repetition.
    #[serde(deserialize_with = "duration")]
    pub repetition_window: Duration,
    /// Strangers who may be written to: support.
    #[serde(deserialize_with = "count")]
    pub outreach_support: u32,
    /// Strangers who may be written to: the other purposes.
    #[serde(deserialize_with = "count")]
    pub outreach_other: u32,
    /// The window of outreach.
    #[serde(deserialize_with = "duration")]
    pub outreach_window: Duration,
    /// Messages from which health is judged.
    #[serde(deserialize_with = "count")]
    pub health_min_messages: u32,
    /// Percent failed for reasons of the recipient above which an instance is throttled.
    #[serde(deserialize_with = "percent")]
    pub health_failed_percent: u32,
    /// Percent opted out above which an instance is throttled.
    #[serde(deserialize_with = "percent")]
    pub health_opted_out_percent: u32,
    /// How many times those percentages pause an instance.
    #[serde(deserialize_with = "percent")]
    pub health_pause_factor: u32,
    /// The window of health.
    #[serde(deserialize_with = "duration")]
    pub health_window: Duration,
    /// The admin's own rules; need not exist.
    #[serde(deserialize_with = "directory")]
    pub policy_dir: PathBuf,
    /// Whether one-time codes reach suppressed people.
    pub suppressed_may_get_authentication: bool,
}

/// The web pages.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Portal {
    /// Whether people can register.
    pub registration: Registration,
    /// The language before a user has chosen.
    pub language: Language,
    /// IANA name: the time zone of new accounts for which none is named.
    #[serde(deserialize_with = "values::timezone")]
    pub timezone: String,
    /// Webhooks, keys and instances that an account's own people may have, of each; 0: as many as they like.
    pub owners_may_make: u32,
}

/// Files in and out.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaConfig {
    /// The largest picture or sticker, in MB.
    #[serde(deserialize_with = "count")]
    pub image_mb: u32,
    /// The largest film, in MB.
    #[serde(deserialize_with = "count")]
    pub video_mb: u32,
    /// The largest sound, in MB.
    #[serde(deserialize_with = "count")]
    pub audio_mb: u32,
    /// The largest other file, in MB.
    #[serde(deserialize_with = "count")]
    pub document_mb: u32,
    /// How long the file behind a `media_url` may take to be had.
    #[serde(deserialize_with = "duration")]
    pub download_timeout: Duration,
    /// All files together, in MB; beyond it the oldest are removed.
    #[serde(deserialize_with = "count")]
    pub disk_budget_mb: u32,
}

/// Customers' endpoints. Nothing to set yet.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhooksConfig {}

/// How long what is kept, in days.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionConfig {
    /// Texts of messages, in and out.
    #[serde(deserialize_with = "days")]
    pub texts_days: u32,
    /// Rows of the log, of inbound messages and of calls.
    #[serde(deserialize_with = "days")]
    pub log_days: u32,
    #[serde(deserialize_with = "days")]
    pub media_days: u32,
    /// Events and their deliveries.
    #[serde(deserialize_with = "days")]
    pub deliveries_days: u32,
    /// Who changed what.
    #[serde(deserialize_with = "days")]
    pub audit_days: u32,
    /// Notices whose cause is gone.
    #[serde(deserialize_with = "days")]
    pub notices_days: u32,
}

/// The Chattu dialect. A count of 0 is no bound.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChattuConfig {
    /// Guesses at a key of one address in an hour.
    #[serde(deserialize_with = "values::count_or_none")]
    pub sensitive_per_hour: u32,
    /// Deletions of one address in 15 minutes.
    #[serde(deserialize_with = "values::count_or_none")]
    pub deletes_per_15_minutes: u32,
    /// Requests with one key from one address in 15 minutes.
    #[serde(deserialize_with = "values::count_or_none")]
    pub requests_per_15_minutes: u32,
    /// Requests of one person in the browser in a minute.
    #[serde(deserialize_with = "values::count_or_none")]
    pub chat_per_minute: u32,
    /// The connector of clients that `/api/add-number` makes; none: the best that this build has.
    #[serde(deserialize_with = "values::connector_or_best")]
    pub new_client_connector: Option<ConnectorKind>,
    /// The settings of that connector, `key=value` or `key=@/path`.
    #[serde(deserialize_with = "values::settings")]
    pub new_client_settings: Vec<String>,
}

/// Telephone systems (3CX).
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThreecxConfig {
    /// Unproven requests of one address in a minute, beyond which it is not listened to.
    #[serde(deserialize_with = "count")]
    pub failures_per_minute: u32,
}

#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupConfig {
    /// Where to; none: no scheduled backups.
    #[serde(deserialize_with = "values::file")]
    pub directory: Option<PathBuf>,
    /// From one to the next.
    #[serde(deserialize_with = "duration")]
    pub every: Duration,
    /// How many are kept.
    #[serde(deserialize_with = "count")]
    pub keep: u32,
    /// Its first line encrypts them; none: they are not.
    #[serde(deserialize_with = "values::file")]
    pub passphrase_file: Option<PathBuf>,
}

/// A second machine that stands ready.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandbyConfig {
    /// The directory that both machines see; none: there is no second machine.
    #[serde(deserialize_with = "values::file")]
    pub place: Option<PathBuf>,
    /// How long is sent on while the place cannot be read and written.
    #[serde(deserialize_with = "duration")]
    pub alone_for: Duration,
    /// The program that copies the database: a path, or a name that is looked for.
    #[serde(deserialize_with = "directory")]
    pub litestream: PathBuf,
}

#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// A level, or several `part=level`, as tracing's filters spell them.
    #[serde(deserialize_with = "values::log_level")]
    pub level: String,
    /// How lines are written.
    pub format: LogFormat,
}
