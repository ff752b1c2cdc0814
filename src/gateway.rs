//! The slices, put together: what the HTTP side, the command line's socket, the scheduler and the portal work with.
//!
//! Made once by `app.rs`. It holds no wire: sending goes through [`Sending`].

use crate::{
    accounts::Accounts,
    chattu::Chattu,
    connectors::Registry,
    instances::Instances,
    live::Live,
    media::Media,
    model::{clock::Clock, random::Random},
    ops::{backup::Plan, keeper::Keeper, metrics::Metrics},
    retention::Retention,
    schedule::Schedules,
    sending::Sending,
    store::Store,
    suppression::Erased,
    threecx::Threecx,
    webhooks::Webhooks,
};
use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

/// The running gateway.
pub struct Gateway {
    /// Where everything lies.
    pub data_dir: PathBuf,
    /// The database.
    pub store: Store,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// Customers, users, keys.
    pub accounts: Arc<Accounts>,
    /// Numbers.
    pub instances: Arc<Instances>,
    /// Their connectors; for state and for playing the sandbox's phones.
    pub registry: Registry,
    /// The guarded sender.
    pub sending: Arc<Sending>,
    /// What the Chattu dialect shows and does.
    pub chattu: Arc<Chattu>,
    /// Messages to be sent later.
    pub schedules: Arc<Schedules>,
    /// Customers' endpoints and the outbox.
    pub webhooks: Arc<Webhooks>,
    /// The public listener's certificate, once there is such a listener.
    pub keeper: OnceLock<Keeper>,
    /// Scheduled backups, if there are to be any.
    pub backups: Option<Plan>,
    /// How long what is kept, and what is kept of one person.
    pub retention: Retention,
    /// Suppressions of people who were erased.
    pub erased: Erased,
    /// Files in and out.
    pub media: Arc<Media>,
    /// Telephone systems.
    pub threecx: Arc<Threecx>,
    /// What open pages are told.
    pub live: Arc<Live>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Proxies whose `X-Forwarded-*` are believed.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// Where people reach this gateway: `https://…` as configured, else the local listener; no slash at the end.
    pub public_url: String,
    /// The language of the pages before a visitor has chosen one: `en`, `ar` or `he`.
    pub language: &'static str,
    /// Shown where a page says "contact support"; may be empty.
    pub support_contact: String,
}
