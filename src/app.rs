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
    http::{Door, gateway_service, plain::Plain, server},
    inbound::Inbound,
    instances::Instances,
    model::{clock::Clock, random::Random},
    ops::{backup, keeper::Keeper, metrics::Metrics, tls},
    scheduler::Scheduler,
    sending::{Parts, Recovered, Rules, Sending, policy::content::ContentPolicy},
    store::{Store, StoreError, Vault},
    webhooks::Webhooks,
};
use std::{
    io,
    net::SocketAddr,
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

mod certificates;
mod doors;

pub use doors::Inherited;

/// How long a stop waits for messages on their way.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// The gateway, put together.
pub struct App {
    config: Config,
    gateway: Arc<Gateway>,
    egress: Egress,
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
    /// Where the listener for ACME and redirects really listens.
    pub http: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    scheduler: tokio_cron_scheduler::JobScheduler,
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
        let vault = match &config.key_file {
            Some(file) => Vault::with_key_file(file, random.clone())?,
            None => Vault::open(&config.data_dir, random.clone())?,
        };
        let egress = Egress::system(config.egress.allow.clone(), clock.clone());
        let (registry, wire) = Registry::new(Deps {
            data_dir: config.data_dir.clone(),
            clock: clock.clone(),
            random: random.clone(),
            ear: inbound.clone(),
            egress: egress.clone(),
            public_url: reachable_at(&config),
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
        let instances = Instances::new(store.clone(), clock.clone(), random.clone(), vault.clone(), registry.clone());
        let instances = Arc::new(instances);
        instances.start_all().await?;
        let webhooks = Arc::new(Webhooks::new(store.clone(), clock.clone(), random.clone(), vault, egress.clone()));
        let gateway = Gateway {
            data_dir: config.data_dir.clone(),
            keeper: OnceLock::new(),
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
            public_url: reachable_at(&config),
            support_contact: config.support_contact.clone(),
        };
        Ok(Self { config, gateway: Arc::new(gateway), egress, recovered })
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
        self.serve_on(Inherited::default()).await
    }

    /// The same with sockets that are open already.
    ///
    /// # Errors
    /// As [`Self::serve`].
    pub async fn serve_on(self, mut inherited: Inherited) -> Result<Running, StartError> {
        let Self { config, gateway, egress, .. } = self;
        let (stop, stopping) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let limits = server_limits(&config);
        let local = doors::open(&mut inherited, config.listen.local, "listen.local").await?;
        let metrics = doors::open(&mut inherited, config.listen.metrics, "listen.metrics").await?;
        let public = doors::open(&mut inherited, config.listen.public, "listen.public").await?;
        let http = doors::open(&mut inherited, config.listen.http, "listen.http").await?;
        doors::close_rest(inherited);
        let address = |l: &Option<TcpListener>| l.as_ref().and_then(|l| l.local_addr().ok());
        let (local_at, public_at, metrics_at) = (address(&local), address(&public), address(&metrics));
        let http_at = address(&http);
        for (listener, door) in [(local, Door::Local), (metrics, Door::Metrics)] {
            if let Some(listener) = listener {
                let service = gateway_service(&gateway, door);
                tasks.spawn(server::serve(listener, None, service, limits.clone(), stopping.clone()));
            }
        }
        let mut challenges = Arc::default();
        if let Some(listener) = public {
            let (certificate, acme) = certificates::open(&config, &gateway, &egress)?;
            challenges = acme.as_ref().map_or(challenges, |acme| acme.challenges());
            let service = gateway_service(&gateway, Door::Public);
            let tls = Some(certificate.server_config());
            tasks.spawn(server::serve(listener, tls, service, limits.clone(), stopping.clone()));
            let _ = gateway.keeper.set(Keeper::new(certificate, acme, gateway.clock.clone()));
            // Not a minute later, when the scheduler first ticks: somebody is waiting for the first certificate.
            tasks.spawn(certificates::first(gateway.clone(), stopping.clone()));
        }
        if let Some(listener) = http {
            let tls_port = public_at.map(|a| a.port());
            let plain = Plain { challenges, public_url: config.public_url.clone(), tls_port };
            tasks.spawn(server::serve(listener, None, plain.service(), limits, stopping.clone()));
        }
        let socket = control::listen(&gateway.data_dir).map_err(|e| StartError::Other(e.to_string()))?;
        tasks.spawn(control::serve(socket, gateway.clone(), stopping.clone()));
        tasks.spawn(gateway.webhooks.clone().run(stopping));
        let scheduler = Scheduler(gateway.clone()).start().await.map_err(|e| StartError::Other(e.to_string()))?;
        Ok(Running {
            gateway,
            local: local_at,
            public: public_at,
            metrics: metrics_at,
            http: http_at,
            stop,
            tasks,
            scheduler,
        })
    }
}

impl Running {
    /// Reads the certificate's files again, or renews a self-signed one; a broken one leaves the old in place.
    ///
    /// # Errors
    /// What is wrong with the new one.
    pub fn reload_certificate(&self) -> Result<(), StartError> {
        match self.gateway.keeper.get() {
            Some(keeper) => Ok(keeper.certificate().reload(&*self.gateway.clock)?),
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
        key_file: config.key_file.clone(),
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

/// Where this gateway is reached from outside: as configured, else by the local listener, without a slash at the end.
fn reachable_at(config: &Config) -> String {
    let configured = config.public_url.as_deref().unwrap_or_default().trim_end_matches('/');
    match (configured, config.listen.local) {
        ("", Some(address)) => format!("http://{address}"),
        (configured, _) => configured.to_owned(),
    }
}
