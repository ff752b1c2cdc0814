//! The composition root: configuration → slices → listeners and workers. Tests start this same App, on port 0, with a
//! clock of their own.
//!
//! [`App::open`] makes everything that works without a listener (the command line uses it when no gateway runs);
//! [`App::serve`] adds listeners, the control socket and the scheduler.

use crate::{
    accounts::Accounts,
    config::{self, Config},
    connectors::{Registry, registry::Deps},
    control,
    egress::Egress,
    gateway::Gateway,
    http::{Door, gateway_service, server},
    inbound::Inbound,
    instances::Instances,
    model::{clock::Clock, random::Random},
    ops::{backup, metrics::Metrics, tls},
    scheduler::Scheduler,
    sending::{Parts, Recovered, Rules, Sending, policy::content::ContentPolicy},
    store::{Store, StoreError, Vault},
    webhooks::Webhooks,
};
use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

/// How long a stop waits for messages on their way.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// The gateway, put together.
pub struct App {
    config: Config,
    gateway: Arc<Gateway>,
    recovered: Recovered,
}

/// What keeps the gateway from starting; one line each.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An address that cannot be listened on.
    #[error("cannot listen on {address} ({key}): {problem}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Its key in the configuration.
        key: &'static str,
        /// What the system says.
        problem: io::Error,
    },
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    /// Rules of the content policy.
    #[error("{0}")]
    Policy(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// A gateway that serves. Dropping it does not stop it: call [`Running::stop`].
pub struct Running {
    /// What it works with.
    pub gateway: Arc<Gateway>,
    /// Where the local listener really listens.
    pub local: Option<SocketAddr>,
    /// Where the public listener really listens.
    pub public: Option<SocketAddr>,
    /// Where the metrics listener really listens.
    pub metrics: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    scheduler: tokio_cron_scheduler::JobScheduler,
    certificate: Option<Arc<tls::Certificate>>,
}

impl App {
    /// Opens the data directory and puts the slices together; settles what an earlier run left under way.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn open(config: Config, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Self, StartError> {
        let locked = Store::lock(&config.data_dir)?;
        // Compiling the rules takes longer than opening the database: both at once, on two cores.
        let policy_dir = config.guard.policy_dir.clone();
        let content = tokio::task::spawn_blocking(move || content_policy(&policy_dir));
        let store = locked.open(clock.now())?;
        let accounts = Arc::new(Accounts::open(store.clone(), clock.clone(), random.clone()).await?);
        let inbound = Arc::new(Inbound::new(store.clone(), clock.clone(), random.clone()));
        let (registry, wire) = Registry::new(Deps {
            data_dir: config.data_dir.clone(),
            clock: clock.clone(),
            random: random.clone(),
            ear: inbound.clone(),
        });
        let sending = Arc::new(Sending::new(Parts {
            store: store.clone(),
            clock: clock.clone(),
            random: random.clone(),
            registry: registry.clone(),
            wire,
            rules: rules(&config),
            content: content.await.map_err(|e| StartError::Other(e.to_string()))??,
        }));
        inbound.attach(sending.clone());
        let recovered = sending.recover().await?;
        let instances = Arc::new(Instances::new(store.clone(), clock.clone(), random.clone(), registry.clone()));
        instances.start_all().await?;
        let vault = Vault::open(&config.data_dir, random.clone())?;
        let egress = Egress::system(config.egress.allow.clone(), clock.clone());
        let webhooks = Arc::new(Webhooks::new(store.clone(), clock.clone(), random.clone(), vault, egress));
        let gateway = Gateway {
            data_dir: config.data_dir.clone(),
            backups: backups(&config),
            store,
            metrics: Arc::new(Metrics::new(clock.clone())),
            clock,
            random,
            accounts,
            instances,
            registry,
            sending,
            webhooks,
            trusted_proxies: config.listen.trusted_proxies.clone(),
            public_url: config.public_url.clone().unwrap_or_default(),
            support_contact: config.support_contact.clone(),
        };
        Ok(Self { config, gateway: Arc::new(gateway), recovered })
    }

    /// What the command line works with when no gateway runs.
    pub fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    /// What an earlier run left under way.
    pub const fn recovered(&self) -> Recovered {
        self.recovered
    }

    /// Ends an app that does not serve.
    pub async fn close(self) {
        self.gateway.sending.stop().await;
        self.gateway.store.close().await;
    }

    /// Listens, and starts the workers. When this returns, requests are answered.
    ///
    /// # Errors
    /// An address that is taken, a certificate that cannot be used.
    pub async fn serve(self) -> Result<Running, StartError> {
        let Self { config, gateway, .. } = self;
        let (stop, stopping) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let limits = server_limits(&config);
        let open = |address: Option<SocketAddr>, key: &'static str| bind(address, key);
        let local = open(config.listen.local, "listen.local").await?;
        let metrics = open(config.listen.metrics, "listen.metrics").await?;
        let public = open(config.listen.public, "listen.public").await?;
        let mut certificate = None;
        let address = |l: &Option<TcpListener>| l.as_ref().and_then(|l| l.local_addr().ok());
        let addresses = (address(&local), address(&public), address(&metrics));
        for (listener, door) in [(local, Door::Local), (metrics, Door::Metrics)] {
            if let Some(listener) = listener {
                let service = gateway_service(&gateway, door);
                tasks.spawn(server::serve(listener, None, service, limits.clone(), stopping.clone()));
            }
        }
        if let Some(listener) = public {
            let loaded = Arc::new(load_certificate(&config, &*gateway.clock)?);
            let service = gateway_service(&gateway, Door::Public);
            let tls = Some(loaded.server_config());
            tasks.spawn(server::serve(listener, tls, service, limits, stopping.clone()));
            certificate = Some(loaded);
        }
        let socket = control::listen(&gateway.data_dir).map_err(|e| StartError::Other(e.to_string()))?;
        tasks.spawn(control::serve(socket, gateway.clone(), stopping.clone()));
        tasks.spawn(gateway.webhooks.clone().run(stopping));
        let scheduler = Scheduler(gateway.clone()).start().await.map_err(|e| StartError::Other(e.to_string()))?;
        let (local, public, metrics) = addresses;
        Ok(Running { gateway, local, public, metrics, stop, tasks, scheduler, certificate })
    }
}

impl Running {
    /// Reads the certificate's files again, or renews a self-signed one; a broken one leaves the old in place.
    ///
    /// # Errors
    /// What is wrong with the new one.
    pub fn reload_certificate(&self) -> Result<(), StartError> {
        match &self.certificate {
            Some(certificate) => Ok(certificate.reload(&*self.gateway.clock)?),
            None => Ok(()),
        }
    }

    /// Takes no more requests, waits for messages on their way (10 s at most; then the next start finds them and makes
    /// them `unknown`), and closes the database.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        let _ = self.scheduler.shutdown().await;
        let late = self.gateway.clock.now().plus(STOP_WITHIN);
        let done = async {
            self.gateway.sending.stop().await;
            while self.tasks.join_next().await.is_some() {}
        };
        tokio::select! {
            () = done => {}
            () = self.gateway.clock.sleep_until(late) => tracing::warn!("stopped with messages on their way"),
        }
        // Else they would go on telling a closed database what they hear.
        self.gateway.registry.stop_all().await;
        self.gateway.store.close().await;
        control::forget(&self.gateway.data_dir);
    }
}

async fn bind(address: Option<SocketAddr>, key: &'static str) -> Result<Option<TcpListener>, StartError> {
    let Some(address) = address else { return Ok(None) };
    let bound = TcpListener::bind(address).await;
    bound.map(Some).map_err(|problem| StartError::Listen { address, key, problem })
}

fn content_policy(dir: &Path) -> Result<ContentPolicy, StartError> {
    let mut files = Vec::new();
    let Ok(entries) = std::fs::read_dir(dir) else {
        return ContentPolicy::with_extra(files).map_err(|e| StartError::Policy(e.to_string()));
    };
    let mut paths: Vec<_> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.sort();
    for path in paths.into_iter().filter(|p| p.extension().is_some_and(|e| e == "toml")) {
        let text =
            std::fs::read_to_string(&path).map_err(|e| StartError::Policy(format!("{}: {e}", path.display())))?;
        files.push((path.display().to_string(), text));
    }
    ContentPolicy::with_extra(files).map_err(|e| StartError::Policy(e.to_string()))
}

fn backups(config: &Config) -> Option<backup::Plan> {
    let plan = &config.backup;
    plan.directory.clone().map(|directory| backup::Plan {
        data_dir: config.data_dir.clone(),
        directory,
        every: plan.every,
        keep: plan.keep as usize,
        passphrase_file: plan.passphrase_file.clone(),
    })
}

fn rules(config: &Config) -> Rules {
    let guard = &config.guard;
    let score = |n: u32| u8::try_from(n).unwrap_or(100);
    Rules {
        answer_timeout: config.sending.answer_timeout,
        throttle_per_minute: guard.throttle_per_minute,
        throttle_burst: guard.throttle_burst,
        recipient_per_minute: guard.recipient_per_minute,
        recipient_burst: guard.recipient_burst,
        authentication_limit: guard.authentication_limit,
        authentication_window: guard.authentication_window,
        repetition_support: guard.repetition_support,
        repetition_transactional: guard.repetition_transactional,
        repetition_operational: guard.repetition_operational,
        repetition_internal_team: guard.repetition_internal_team,
        repetition_window: guard.repetition_window,
        outreach_support: guard.outreach_support,
        outreach_other: guard.outreach_other,
        outreach_window: guard.outreach_window,
        health_min_messages: guard.health_min_messages,
        health_failed_percent: guard.health_failed_percent,
        health_opted_out_percent: guard.health_opted_out_percent,
        health_pause_factor: guard.health_pause_factor,
        health_window: guard.health_window,
        refuse_score: score(guard.refuse_score),
        review_score: score(guard.review_score),
        strikes: guard.strikes,
        strikes_window: guard.strikes_window,
        observe: guard.content_policy == config::ContentPolicy::Observe,
        suppressed_may_get_authentication: guard.suppressed_may_get_authentication,
        idempotency_life: Duration::from_secs(u64::from(config.sending.idempotency_hours) * 3600),
    }
}

fn server_limits(config: &Config) -> server::Limits {
    let limits = &config.limits;
    server::Limits {
        connections: limits.connections as usize,
        per_address: limits.connections_per_address as usize,
        per_address_loopback: limits.connections as usize,
        handshake: limits.handshake_timeout,
        header: limits.header_timeout,
        body: limits.body_timeout,
        idle: limits.idle_timeout,
        ..server::Limits::default()
    }
}

fn load_certificate(config: &Config, clock: &dyn Clock) -> Result<tls::Certificate, StartError> {
    match (config.tls.mode, &config.tls.certificate, &config.tls.key) {
        (config::TlsMode::Files, Some(chain), Some(key)) => Ok(tls::Certificate::from_files(chain, key)?),
        (config::TlsMode::Acme, ..) => {
            Err(StartError::Other("tls.mode = \"acme\" is not part of this version: use self-signed or files".into()))
        }
        _ => Ok(tls::Certificate::self_signed(&config.data_dir, &host_names(config), clock)?),
    }
}

/// The names that a self-signed certificate is made for.
fn host_names(config: &Config) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let public = config.public_url.as_deref().and_then(|url| url.split("://").nth(1));
    let public = public.map(|rest| rest.split(['/', ':']).next().unwrap_or_default().to_owned());
    for name in public.into_iter().chain([host]).filter(|n| !n.is_empty()) {
        if !names.contains(&name) {
            names.insert(0, name);
        }
    }
    names
}
