//! The gateway in this process, and what is asked of it.

use super::{Failure, receiver::micros};
use serde_json::Value;
use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;
use wa_gateway::{
    app::{
        App, Running,
        commands::{AccountCreate, Command, InstanceCreate, WebhookCreate},
    },
    config::Config,
    connectors::{inbound_event::RemoteParty, sandbox::Sandbox},
    model::{clock::SystemClock, ids::InstanceId, random::SystemRandom},
};

const INSTANCE: &str = "bench-line";

pub struct World {
    running: Running,
    sandbox: Arc<Sandbox>,
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
pub fn now() -> Instant {
    Instant::now()
}

/// Processor time of this process so far.
pub fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let rest: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |i: usize| rest.get(i).and_then(|t| t.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

/// Resident memory of this process, in MiB.
pub fn memory_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

impl World {
    pub async fn start(dir: &Path, allow: &[SocketAddr]) -> Result<Self, Failure> {
        let mut config = Config { data_dir: dir.to_owned(), ..Config::default() };
        config.listen.local = None;
        config.listen.public = None;
        config.egress.allow = allow.iter().map(|a| a.to_string().parse()).collect::<Result<_, _>>()?;
        let app = App::open(config, Arc::new(SystemClock), Arc::new(SystemRandom)).await?;
        let running = app.serve().await?;
        let gateway = running.gateway.clone();
        let ask = async |command: Command| command.execute(&gateway).await.map_err(Failure::from);
        ask(AccountCreate { name: "Bench".into(), plan: "scale".into(), ..Default::default() }.into()).await?;
        ask(InstanceCreate {
            account: 1,
            id: INSTANCE.into(),
            name: "Bench".into(),
            connector: "sandbox".into(),
            settings: [("receipts".to_owned(), "none".to_owned())].into(),
            ..Default::default()
        }
        .into())
        .await?;
        let sandbox = gateway.registry.sandbox(&InstanceId::from_text(INSTANCE)).ok_or("no sandbox")?;
        Ok(Self { running, sandbox })
    }

    async fn ask(&self, command: Command) -> Result<Value, Failure> {
        Ok(command.execute(&self.running.gateway).await?)
    }

    pub async fn add_endpoint(&self, url: String) -> Result<(), Failure> {
        let events = vec!["message.received".to_owned()];
        self.ask(WebhookCreate { account: 1, url, events, ..Default::default() }.into()).await.map(drop)
    }

    /// People write: `phones` of them at once, as fast as they are heard or `rate` a second in all. Answers with how
    /// many messages are on the disk.
    #[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
    pub async fn bring(&self, phones: usize, rate: Option<u64>, time: Duration) -> Result<u64, Failure> {
        let (end, brought) = (now() + time, Arc::new(AtomicU64::new(0)));
        let mut writers = JoinSet::new();
        for phone in 0..phones {
            let (sandbox, brought) = (self.sandbox.clone(), brought.clone());
            writers.spawn(async move {
                let phone = format!("+9665010{phone:05}");
                let mut next = tokio::time::Instant::now();
                while now() < end {
                    if let Some(rate) = rate {
                        next += Duration::from_micros(1_000_000 / rate);
                        tokio::time::sleep_until(next).await;
                    }
                    let from = RemoteParty { phone: Some(phone.clone()), ..RemoteParty::default() };
                    if sandbox.receive(from, &micros().to_string()).await.is_ok() {
                        brought.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        while writers.join_next().await.is_some() {}
        Ok(brought.load(Ordering::Relaxed))
    }

    /// Deliveries that are not done and not given up, and those that are neither there nor done.
    pub async fn deliveries(&self) -> Result<(i64, i64), Failure> {
        let read = self.running.gateway.store.read(|tx| {
            tx.one(
                "SELECT (SELECT count(*) FROM deliveries WHERE state = 'pending'),
                        (SELECT count(*) FROM events) * (SELECT count(*) FROM endpoints)
                        - (SELECT count(*) FROM deliveries)
                        - (SELECT count(*) FROM events e JOIN endpoints n ON n.created_at > e.created_at)",
                [],
                |r| Ok((r.get(0)?, r.get(1)?)),
            )
        });
        read.await.map_err(|e: wa_gateway::store::StoreError| e.to_string().into())
    }

    pub async fn stop(self) {
        self.running.stop().await;
    }
}
