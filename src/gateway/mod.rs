//! The slices, put together: what the HTTP side, the command line's socket, the scheduler and the portal work with.
//!
//! Made once by `app.rs`. It holds no wire: sending goes through [`Sending`].

pub mod inbound;
pub mod retention;

use crate::{
    accounts::{Accounts, Scope},
    connectors::Registry,
    events::{live::Live, notice_delivery::Digests, webhooks::Webhooks},
    gateway::retention::{ErasureReport, Retention, RetentionError},
    instances::Instances,
    model::{clock::Clock, fence::Fence, once::DoneOnce, phone::Recipient, random::Random, threads::ThreadsApart},
    ops::{
        backup::BackupPlans, egress_allowlist::EgressAllowlist, keeper::Keeper, listen_addresses::ListenAddresses,
        meta_calls::MetaCalls, metrics::Metrics, page_settings::PageSecrets,
    },
    people::{media::Media, presence::Attention, suppression::Erased},
    sending::{Sending, schedule::Schedules},
    store::{Store, count_former},
};
use std::{
    path::PathBuf,
    sync::{Arc, OnceLock, atomic::AtomicBool},
};
use tokio::sync::Notify;

/// The running gateway.
pub struct Gateway {
    /// Where everything lies.
    pub data_dir: PathBuf,
    /// Whether it may send, where a second machine stands ready.
    pub fence: Fence,
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    /// Customers, users, keys.
    pub accounts: Arc<Accounts>,
    pub instances: Arc<Instances>,
    /// Their connectors; for state and for playing the sandbox's phones.
    pub registry: Registry,
    /// The guarded sender.
    pub sending: Arc<Sending>,
    /// What the people of a chat are told of whoever answers them.
    pub attention: Attention,
    /// Messages to be sent later.
    pub schedules: Arc<Schedules>,
    /// Customers' endpoints and the outbox.
    pub webhooks: Arc<Webhooks>,
    /// The public listener's certificate, once there is such a listener.
    pub keeper: OnceLock<Keeper>,
    /// Where it listens, once it does.
    pub listening: OnceLock<ListenAddresses>,
    /// Where pages are made.
    pub pages: ThreadsApart,
    /// Where places are called that customers name.
    pub calls: Arc<ThreadsApart>,
    /// Scheduled backups, if there are to be any.
    pub backups: BackupPlans,
    /// The secrets of what is set up on pages.
    pub page_secrets: PageSecrets,
    /// Forms that make something, as far as they were sent.
    pub forms: DoneOnce,
    /// Whether somebody asked for a backup that is being made.
    pub backing_up: Arc<AtomicBool>,
    /// The private places that may be called.
    pub reach: Arc<EgressAllowlist>,
    /// How long what is kept, and what is kept of one person.
    pub retention: Retention,
    /// Suppressions of people who were erased.
    pub erased: Erased,
    /// Files in and out.
    pub media: Arc<Media>,
    /// Letters about notices.
    pub digests: Arc<Digests>,
    /// What open pages are told.
    pub live: Arc<Live>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Tells whoever serves the control socket to look whether it is still there.
    pub look_at_control: Notify,
    /// Whether Meta's calls must come with its certificate; none: they need not.
    pub meta_calls: Option<MetaCalls>,
    /// Proxies whose `X-Forwarded-*` are believed.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// Where people reach this gateway: `https://…` as configured, else the local listener; no slash at the end.
    pub public_url: String,
    /// Where people reach the portal, for the links that commands print; no slash at the end.
    pub portal_url: String,
    /// The language of the pages before a visitor has chosen one: `en`, `ar` or `he`.
    pub language: &'static str,
    /// Whether people can register: `off`, `invite` or `open`.
    pub registration: &'static str,
    /// Webhooks, keys and instances that an account's own people may have, of each; 0: as many as they like.
    pub owners_may_make: u32,
    /// Shown where a page says "contact support"; may be empty.
    pub support_contact: String,
}

impl Gateway {
    /// Whether an account that has so many of something may have one more of its own making.
    pub const fn may_make(&self, there: usize) -> bool {
        self.owners_may_make == 0 || there < self.owners_may_make as usize
    }

    /// Erases the person with this number, or the contact of this number, from one account or from all of them: what the
    /// database has, and what the phones of sandboxes keep in files of their own.
    ///
    /// # Errors
    /// Nobody is known by it, messages to them are on their way, a file that cannot be written, the store's.
    pub async fn erase_person(
        &self,
        who: &Recipient,
        scope: Scope,
        actor: &str,
    ) -> Result<ErasureReport, RetentionError> {
        let (mut report, phones) = self.retention.erase(who, scope, actor).await?;
        let instances = self.instances.list(scope).await.map_err(|e| RetentionError::Sandbox(e.to_string()))?;
        for id in instances.into_iter().map(|i| i.id) {
            if let Some(sandbox) = self.registry.sandbox(&id) {
                let numbers = phones.clone();
                let forget = move || {
                    numbers.iter().try_for_each(|number| sandbox.forget(number).map(drop).map_err(|e| e.to_string()))
                };
                let forgot = tokio::task::spawn_blocking(forget);
                let forgot = forgot.await.map_err(|e| e.to_string()).and_then(|done| done);
                forgot.map_err(|e| RetentionError::Sandbox(format!("{id}: {e}")))?;
            }
        }
        report.copies = count_former(&self.data_dir);
        Ok(report)
    }
}
