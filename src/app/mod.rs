//! The composition root: configuration → slices → listeners and workers. Tests start this same App, on port 0, with a
//! clock of their own.
//!
//! [`App::open`] makes everything that works without a listener (the command line uses it when no gateway runs);
//! [`App::serve`] adds listeners, the control socket and the scheduler.

use crate::{
    accounts::Accounts,
    config::Config,
    connectors::{Registry, registry::Deps},
    dialects::{
        AppState,
        chattu::{self, Chattu},
        threecx::{self, Threecx},
    },
    egress::{Egress, SystemResolver},
    events::{
        live::Live,
        notice_delivery::{self, Digests},
        webhooks::Webhooks,
    },
    gateway::{Gateway, inbound::Inbound, retention::Retention},
    instances::Instances,
    model::{clock::Clock, fence::Fence, once::DoneOnce, random::Random, threads::ThreadsApart},
    ops::{
        backup,
        egress_allowlist::EgressAllowlist,
        keeper::Keeper,
        listen_addresses::ListenAddresses,
        meta_calls::MetaCalls,
        metrics::Metrics,
        page_settings::{self, PageSecrets},
        standby::Vigil,
    },
    people::{media::Media, presence::Attention, suppression::Erased},
    sending::{Parts, Recovered, Sending, schedule::Schedules},
    store::Store,
    web::{Listener, redirect::TlsRedirect, server},
};
use from_config::{
    backups, content_policy, new_client, periods, portal_at, rates, reachable_at, rules, server_limits, shelf, vigil,
};
use futures_util::future::BoxFuture;
use scheduler::Scheduler;
use service::gateway_service;
use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

mod access;
mod certificates;
pub mod cli;
pub mod commands;
pub mod control;
mod from_config;
pub mod interface;
mod listeners;
pub mod root;
mod router;
pub mod routes;
pub mod scheduler;
mod service;
mod start_error;
mod workers;

pub use access::Access;
pub use listeners::Inherited;
pub use start_error::StartError;

/// How long a stop waits for messages on their way.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// How long of that requests have that were in when it began.
const REQUESTS_WITHIN: Duration = Duration::from_secs(8);

/// A future of this crate's own code. It is boxed so that its code is generated here, once; an `async fn` would be compiled
/// again, with all that it awaits, in each program that awaits it.
type AppFuture<T> = BoxFuture<'static, T>;

/// The gateway, put together.
pub struct App {
    config: Config,
    gateway: Arc<AppState>,
    egress: Egress,
    recovered: Recovered,
    vigil: Option<Vigil>,
}

/// A gateway that serves. Dropping it does not stop it: call [`Running::stop`].
pub struct Running {
    /// What it works with.
    pub gateway: Arc<AppState>,
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
    pub fn open(config: Config, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> AppFuture<Result<Self, StartError>> {
        Box::pin(Self::opened(config, clock, random))
    }

    async fn opened(config: Config, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Self, StartError> {
        let locked = Store::lock(&config.data_dir)?;
        backup::sweep(&config.data_dir);
        // Compiling the rules takes longer than opening the database: both at once, on two cores.
        let policy_dir = config.guard.policy_dir.clone();
        let content = tokio::task::spawn_blocking(move || content_policy(&policy_dir));
        let store = locked.open(clock.now())?;
        let vault = store.vault(config.key_file.as_deref(), random.clone()).await?;
        let page_secrets = PageSecrets::new(vault.clone());
        let chosen = page_secrets.chosen(&store, &config.notices).await?;
        let accounts = Accounts::open(store.clone(), clock.clone(), random.clone(), vault.clone()).await?;
        let accounts = Arc::new(accounts);
        let egress = Egress::system(config.egress.allow.clone(), clock.clone());
        let reach =
            EgressAllowlist::open(store.clone(), clock.clone(), egress.clone(), config.egress.allow.clone()).await?;
        let shelf = shelf(&config, &vault, &egress, random.clone());
        let erased = Erased::new(&vault.derive("erased suppressions"));
        let (ear_shelf, ear_erased) = (shelf.clone(), erased.clone());
        let inbound = Arc::new(Inbound::new(store.clone(), clock.clone(), random.clone(), ear_shelf, ear_erased));
        let fence = Fence::default();
        let vigil = vigil(&config, &store, (clock.clone(), random.clone()), &fence);
        let (registry, wire) = Registry::new(Deps {
            data_dir: config.data_dir.clone(),
            clock: clock.clone(),
            random: random.clone(),
            ear: inbound.clone(),
            egress: egress.clone(),
            public_url: reachable_at(&config),
            fence: fence.clone(),
        });
        let (content, content_files) = content.await.map_err(|e| StartError::Other(e.to_string()))??;
        let sending = Arc::new(Sending::new(Parts {
            store: store.clone(),
            clock: clock.clone(),
            random: random.clone(),
            registry: registry.clone(),
            wire,
            rules: rules(&config),
            content,
            content_files,
            shelf: shelf.clone(),
            erased: erased.clone(),
        }));
        sending.adopt_tuning().await?;
        inbound.attach(sending.clone());
        let instances = Instances::new(store.clone(), clock.clone(), random.clone(), vault.clone(), registry.clone());
        let instances = Arc::new(instances);
        let webhooks =
            Arc::new(Webhooks::new(store.clone(), clock.clone(), random.clone(), vault.clone(), egress.clone()));
        webhooks.seal_old_addresses().await?;
        let threecx = Threecx::open(threecx::Parts {
            store: store.clone(),
            clock: clock.clone(),
            random: random.clone(),
            vault: vault.clone(),
            sending: sending.clone(),
            webhooks: webhooks.clone(),
            failures_per_minute: config.threecx.failures_per_minute,
        });
        let threecx = Arc::new(threecx.await?);
        // Whatever the start needs was read by now: one that comes upon damage has written nothing.
        let setups = instances.all_setups().await?;
        backup::settle_restored(&config.data_dir, &sending).await?;
        let recovered = sending.recover().await?;
        if let Some(vigil) = &vigil {
            vigil.look().await;
        }
        instances.start_all(setups).await;
        let media = Arc::new(Media::new(store.clone(), clock.clone(), registry.clone(), shelf));
        let schedules = Arc::new(Schedules::new(
            store.clone(),
            clock.clone(),
            random.clone(),
            sending.clone(),
            config.sending.schedule_grace,
        ));
        inbound.attach_calls(registry.clone(), webhooks.reply_notify());
        let periods = periods(&config);
        let retention = Retention::new(store.clone(), clock.clone(), media.clone(), erased.clone(), periods);
        let digests = Arc::new(Digests::new(notice_delivery::Parts {
            store: store.clone(),
            clock: clock.clone(),
            resolver: Arc::new(SystemResolver::new(clock.clone())),
            egress: egress.clone(),
            settings: config.notices.clone(),
            language: config.portal.language.as_str().to_owned(),
            public_url: reachable_at(&config),
        }));
        let backups = page_settings::adopt(chosen, backups(&config), |told, password| digests.choose(told, password));
        let gateway = Gateway {
            calls: media.shelf().calls().clone(),
            digests,
            schedules,
            retention,
            erased,
            media,
            data_dir: config.data_dir.clone(),
            fence,
            keeper: OnceLock::new(),
            listening: OnceLock::new(),
            pages: ThreadsApart::of_pages(),
            backups,
            page_secrets,
            forms: DoneOnce::default(),
            backing_up: Arc::default(),
            reach: Arc::new(reach),
            live: Arc::new(Live::new(store.clone())),
            attention: Attention::new(store.clone(), clock.clone(), random.clone(), registry.clone()),
            store,
            metrics: Arc::new(Metrics::new(clock.clone())),
            clock,
            random,
            accounts,
            instances,
            registry,
            sending,
            webhooks,
            look_at_control: tokio::sync::Notify::new(),
            meta_calls: config.tls.meta_client_ca.as_ref().map(|_| MetaCalls::default()),
            trusted_proxies: config.listen.trusted_proxies.clone(),
            public_url: reachable_at(&config),
            portal_url: portal_at(&config),
            language: config.portal.language.as_str(),
            registration: config.portal.registration.as_str(),
            owners_may_make: config.portal.owners_may_make,
            support_contact: config.support_contact.clone(),
        };
        let gateway = Arc::new(gateway);
        let rates = chattu::ChattuRates::new(rates(&config));
        let chattu = Chattu::new(gateway.clone(), vault, rates, new_client(&config)?);
        let state = AppState { gateway, chattu: Arc::new(chattu), threecx, interface: &interface::INTERFACE };
        Ok(Self { config, gateway: Arc::new(state), egress, recovered, vigil })
    }

    /// What the command line works with when no gateway runs.
    pub fn gateway(&self) -> &Arc<AppState> {
        &self.gateway
    }

    /// What an earlier run left under way.
    pub const fn recovered(&self) -> Recovered {
        self.recovered
    }

    /// Ends an app that does not serve.
    pub fn close(self) -> AppFuture<()> {
        Box::pin(async move {
            self.gateway.sending.stop().await;
            self.gateway.registry.stop_all().await;
            self.gateway.store.close().await;
        })
    }

    /// Listens, and starts the workers. When this returns, requests are answered.
    ///
    /// # Errors
    /// An address that is taken, a certificate that cannot be used.
    pub fn serve(self) -> AppFuture<Result<Running, StartError>> {
        self.serve_on(Inherited::default())
    }

    /// The same with sockets that are open already.
    ///
    /// # Errors
    /// As [`Self::serve`].
    pub fn serve_on(self, inherited: Inherited) -> AppFuture<Result<Running, StartError>> {
        Box::pin(self.served(inherited))
    }

    async fn served(self, mut inherited: Inherited) -> Result<Running, StartError> {
        let Self { config, gateway, egress, vigil, .. } = self;
        let (stop, stopping) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let limits = server_limits(&config);
        let local = listeners::open(&mut inherited, config.listen.local, "listen.local").await?;
        let metrics = listeners::open(&mut inherited, config.listen.metrics, "listen.metrics").await?;
        let public = listeners::open(&mut inherited, config.listen.public, "listen.public").await?;
        let http = listeners::open(&mut inherited, config.listen.http, "listen.http").await?;
        listeners::close_rest(inherited);
        backup::forget_restored(&config.data_dir)?;
        let address = |l: &Option<TcpListener>| l.as_ref().and_then(|l| l.local_addr().ok());
        let listening = ListenAddresses {
            local: address(&local),
            public: address(&public),
            http: address(&http),
            metrics: address(&metrics),
        };
        let _ = gateway.listening.set(listening);
        for (listener, door) in [(local, Listener::Local), (metrics, Listener::Metrics)] {
            if let Some(listener) = listener {
                let service = gateway_service(&gateway, door);
                tasks.spawn(server::serve(listener, None, service, limits.clone(), stopping.clone()));
            }
        }
        let mut challenges = Arc::default();
        if let Some(listener) = public {
            let (certificate, acme) = certificates::open(&config, &gateway, &egress)?;
            challenges = acme.as_ref().map_or(challenges, |acme| acme.challenges());
            let service = gateway_service(&gateway, Listener::Public);
            let tls = Some(certificate.server_config());
            tasks.spawn(server::serve(listener, tls, service, limits.clone(), stopping.clone()));
            let _ = gateway.keeper.set(Keeper::new(certificate, acme, gateway.clock.clone()));
            // Not a minute later, when the scheduler first ticks: somebody is waiting for the first certificate.
            tasks.spawn(certificates::first(gateway.gateway.clone(), stopping.clone()));
        }
        if let Some(listener) = http {
            let tls_port = listening.public.map(|a| a.port());
            let redirect = TlsRedirect { challenges, public_url: config.public_url.clone(), tls_port };
            tasks.spawn(server::serve(listener, None, redirect.service(), limits, stopping.clone()));
        }
        let socket = control::listen(&gateway.data_dir).map_err(|e| StartError::Other(e.to_string()))?;
        tasks.spawn(control::serve(socket, gateway.clone(), stopping.clone()));
        match vigil {
            None => workers::start(&mut tasks, &gateway, &stopping),
            Some(vigil) => drop(tasks.spawn(workers::run_within_fence(gateway.clone(), vigil, stopping))),
        }
        let scheduler = Scheduler(gateway.clone()).start().await.map_err(|e| StartError::Other(e.to_string()))?;
        Ok(Running {
            gateway,
            local: listening.local,
            public: listening.public,
            metrics: listening.metrics,
            http: listening.http,
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

    /// Asks the certificate authority now, if it failed last: whoever reloads has mended the cause. Ends when it answered.
    pub async fn ask_authority_now(&self) {
        let Some(keeper) = self.gateway.keeper.get().filter(|keeper| keeper.failure().is_some()) else { return };
        if let Err(e) = keeper.try_now().await {
            tracing::warn!("no new certificate: {e}");
        }
    }

    /// Takes no more connections, lets requests that are in finish and send what they came to send, then waits for
    /// messages on their way (10 s at most in all; then the next start finds them and makes them `unknown`), and closes
    /// the database.
    pub fn stop(self) -> AppFuture<()> {
        Box::pin(self.stopped())
    }

    async fn stopped(mut self) {
        let _ = self.stop.send(true);
        let _ = self.scheduler.shutdown().await;
        let clock = self.gateway.clock.clone();
        let late = clock.now().plus(STOP_WITHIN);
        let requests = async { while self.tasks.join_next().await.is_some() {} };
        // A client that is slow to ask is no reason to leave the others' messages alone.
        tokio::select! {
            () = requests => {}
            () = clock.sleep_until(clock.now().plus(REQUESTS_WITHIN)) => {}
        }
        tokio::select! {
            () = self.gateway.sending.stop() => {}
            () = clock.sleep_until(late) => tracing::warn!("stopped with messages on their way"),
        }
        self.tasks.abort_all();
        // Else they would go on telling a closed database what they hear.
        self.gateway.registry.stop_all().await;
        self.gateway.store.close().await;
        control::forget(&self.gateway.data_dir);
    }
}
