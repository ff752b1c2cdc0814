//! From names to addresses.
//!
//! - [`Resolve`] is what a test replaces; [`SystemResolver`] is what the machine knows: `/etc/hosts`, else the name
//!   servers of `/etc/resolv.conf`. It is written in Rust throughout, because a static binary has no glibc to ask.
//! - Both files are read again when they changed, so that a laptop that joins another network needs no restart.
//! - An answer is only a claim. Whether an address may be called is judged elsewhere, for each one.

use super::permit::{LOOPBACK, is_loopback_name};
use crate::model::clock::{Clock, Time};
use futures_util::future::BoxFuture;
use hickory_resolver::{
    Hosts, TokioResolver,
    config::{LookupIpStrategy, ResolveHosts},
    net::NetError,
    proto::{
        op::Query,
        rr::{Name, RecordType},
    },
};
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

/// Who knows the addresses of a name.
pub trait Resolve: Send + Sync + 'static {
    /// The addresses of `host`, a name in lower case without a final dot; what is wrong when there are none.
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, String>>;
}

const HOSTS: &str = "/etc/hosts";
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long one name server may take to answer one question, and how often it is asked.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
const ATTEMPTS: usize = 2;

/// The machine's own files and name servers.
pub struct SystemResolver {
    clock: Arc<dyn Clock>,
    state: Mutex<ResolverState>,
}

#[derive(Default)]
struct ResolverState {
    looked: Option<Time>,
    stamps: [Option<Stamp>; 2],
    loaded: Option<Arc<LoadedResolver>>,
}

/// What tells one version of a file from the next.
type Stamp = (SystemTime, u64);

struct LoadedResolver {
    hosts: Hosts,
    dns: Result<TokioResolver, String>,
}

impl SystemResolver {
    /// Reads nothing before the first name is asked for.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    fn loaded(&self) -> Arc<LoadedResolver> {
        let now = self.clock.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(looked), Some(loaded)) = (state.looked, &state.loaded)
            && now >= looked
            && now.since(looked) < LOOK_EVERY
        {
            return loaded.clone();
        }
        state.looked = Some(now);
        let stamps = [HOSTS, RESOLV_CONF].map(stamp);
        if let Some(loaded) = &state.loaded
            && stamps == state.stamps
        {
            return loaded.clone();
        }
        let loaded = Arc::new(LoadedResolver::read());
        state.stamps = stamps;
        state.loaded = Some(loaded.clone());
        loaded
    }
}

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, String>> {
        Box::pin(async move {
            if is_loopback_name(host) {
                return Ok(LOOPBACK.to_vec());
            }
            self.loaded().resolve(host).await
        })
    }
}

impl LoadedResolver {
    fn read() -> Self {
        let dns = TokioResolver::builder_tokio().and_then(|mut builder| {
            let options = builder.options_mut();
            options.timeout = ANSWER_WITHIN;
            options.attempts = ATTEMPTS;
            options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
            // Asked here, before any name server: hickory would still ask for the family that the file lacks.
            options.use_hosts_file = ResolveHosts::Never;
            builder.build()
        });
        let dns = dns.map_err(|e| format!("{RESOLV_CONF}: {e}"));
        Self { hosts: Hosts::from_system().unwrap_or_default(), dns }
    }

    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        let name = Name::from_utf8(host).map_err(|e| e.to_string())?;
        let written = self.in_hosts_file(&name);
        if !written.is_empty() {
            return Ok(written);
        }
        let dns = self.dns.as_ref().map_err(Clone::clone)?;
        let found = dns.lookup_ip(name).await.map_err(|e| said(&e))?;
        Ok(found.iter().collect())
    }

    fn in_hosts_file(&self, name: &Name) -> Vec<IpAddr> {
        let absolute = || {
            let mut name = name.clone();
            name.set_fqdn(true);
            name
        };
        [RecordType::A, RecordType::AAAA]
            .into_iter()
            .filter_map(|kind| self.hosts.lookup_static_host(&Query::query(absolute(), kind)))
            .flat_map(|lookup| lookup.answers().iter().filter_map(|r| r.data.ip_addr()).collect::<Vec<_>>())
            .collect()
    }
}

fn said(error: &NetError) -> String {
    if error.is_nx_domain() || error.is_no_records_found() {
        return "there is no such name, or it has no address".to_owned();
    }
    error.to_string()
}

fn stamp(path: &str) -> Option<Stamp> {
    let file = std::fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.len()))
}
