//! What numbers that are linked devices cost at rest and over a day, on the machine it is run on:
//! `cargo run --release --features whatsapp-web-double --example web_idle [-- INSTANCES [RECONNECTS]]`.
//!
//! The connectors run in this process, each linked to a phone, with its keys in a file of its own; WhatsApp is the tests'
//! own, in a process of its own. The resident memory is read before the first one begins, and when all of them are open
//! and quiet. Then every connection breaks, as often as `RECONNECTS` says (24: once an hour of a day), and each is made
//! again; the memory is read on the way. At the end somebody writes to every number, and each has to hear it.

#[expect(dead_code, reason = "the tests shut it, too")]
#[path = "../../tests/it/harness/door.rs"]
mod door;
#[expect(dead_code, reason = "the other bench orders more")]
mod provider;
#[expect(dead_code, reason = "the tests make it misbehave")]
#[path = "../../tests/it/harness/whatsapp/mod.rs"]
mod whatsapp;

use provider::Provider;
use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use wa_gateway::{
    connectors::{
        Boxed, Connector as _, Ear, EventKind, InstanceSetup, NotRecorded, ProviderEvent, registry::Deps,
        whatsapp_web::WhatsappWeb,
    },
    egress::Egress,
    model::{
        clock::{Clock, SystemClock, Time},
        ids::{AccountId, InstanceId},
        instance::{ConnectorKind, InstanceState},
        random::SystemRandom,
    },
};

const FIRST: u64 = 966_511_000_000;
/// Whoever writes.
const SOMEBODY: u64 = 966_501_234_567;
const QUIET: Duration = Duration::from_secs(10);
/// How long anything that is waited for may take.
const PATIENCE: Duration = Duration::from_secs(300);

type Failure = Box<dyn std::error::Error>;

/// Counts the messages that it hears, and keeps nothing.
#[derive(Default)]
struct CountingEar(AtomicUsize);

impl Ear for CountingEar {
    fn hear(&self, heard: ProviderEvent) -> Boxed<'_, Result<(), NotRecorded>> {
        let is_message = matches!(heard.what, EventKind::Message(_));
        self.0.fetch_add(usize::from(is_message), Ordering::Relaxed);
        Box::pin(std::future::ready(Ok(())))
    }
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let first = args.next();
    let ended = if first.as_deref() == Some(provider::PROVIDE) {
        runtime().and_then(|runtime| runtime.block_on(provider::provide(SOMEBODY)))
    } else {
        let number =
            |text: Option<String>, default| text.map_or(Ok(default), |text| text.parse().map_err(Failure::from));
        number(first, 50).and_then(|count| measure(count, number(args.next(), 24)?))
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("web_idle: {e}");
            ExitCode::FAILURE
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

fn measure(count: u64, reconnects: u64) -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let mut provider = Provider::start()?;
    runtime()?.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let ear = Arc::new(CountingEar::default());
        let deps = Deps {
            data_dir: dir.path().to_owned(),
            egress: Egress::system(vec![provider.place().parse()?], clock.clone()),
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
            ear: ear.clone(),
            public_url: "http://127.0.0.1:8080".to_owned(),
        };
        let before = resident()?;
        let mut all = Vec::new();
        for n in 0..count {
            all.push(linked(&deps, &mut provider, n).await?);
        }
        pause(&*clock, QUIET).await;
        let after = resident()?;
        let each = after.saturating_sub(before) as f64 / count as f64 / 1024.0;
        println!("{count} open; {before} KiB before, {after} KiB at rest: {each:.2} MiB each");
        for round in 1..=reconnects {
            break_all(&*clock, &mut provider, &all).await?;
            if round == 1 || round == reconnects || round.is_multiple_of(6) {
                pause(&*clock, QUIET).await;
                println!("after {round:>3} reconnects of each: {} KiB", resident()?);
            }
        }
        for n in 0..count {
            provider.write(FIRST + n, &format!("3A{n:018X}"))?;
        }
        let wanted = usize::try_from(count)?;
        let heard = until(&*clock, || ear.0.load(Ordering::Relaxed) >= wanted).await;
        println!("{} of {count} heard what was written to them", ear.0.load(Ordering::Relaxed));
        for connector in &all {
            connector.stop().await;
        }
        if heard { Ok(()) } else { Err("some are deaf".into()) }
    })
}

/// The `n`th instance, linked and open.
async fn linked(deps: &Deps, provider: &mut Provider, n: u64) -> Result<WhatsappWeb, Failure> {
    let settings: BTreeMap<String, String> =
        [("ws_url", provider.url.as_str()), ("version", "2.3000.1035194821")].map(|(k, v)| (k.into(), v.into())).into();
    let id = InstanceId::from_text(format!("line-{n}"));
    let setup =
        InstanceSetup { id, account: AccountId(1), connector: ConnectorKind::WhatsappWeb, settings, closed: None };
    let connector = WhatsappWeb::open(deps, &setup)?;
    let code = || connector.pairing().and_then(|p| p.qr);
    if !until(&*deps.clock, || code().is_some()).await {
        return Err("no code is shown".into());
    }
    provider.scan(FIRST + n, &code().ok_or("the code ran out")?)?;
    let is_open = until(&*deps.clock, || connector.standing().state == InstanceState::Open).await;
    if is_open { Ok(connector) } else { Err("it does not open".into()) }
}

/// Every connection breaks, and each is made again.
async fn break_all(clock: &dyn Clock, provider: &mut Provider, all: &[WhatsappWeb]) -> Result<(), Failure> {
    let begun: Time = clock.now();
    for n in 0..all.len() as u64 {
        provider.cut(FIRST + n)?;
    }
    let is_back = |connector: &WhatsappWeb| {
        let standing = connector.standing();
        standing.state == InstanceState::Open && standing.last_heard_at.is_some_and(|at| at > begun)
    };
    // All of them notice it first; whoever is back before the last one noticed counts all the same.
    let back = until(clock, || all.iter().all(is_back)).await;
    if back { Ok(()) } else { Err("some did not come back".into()) }
}

/// Waits until something is so.
async fn until(clock: &dyn Clock, is_so: impl Fn() -> bool) -> bool {
    let end = clock.now().plus(PATIENCE);
    while !is_so() {
        if clock.now() > end {
            return false;
        }
        pause(clock, Duration::from_millis(20)).await;
    }
    true
}

async fn pause(clock: &dyn Clock, time: Duration) {
    clock.sleep_until(clock.now().plus(time)).await;
}

/// KiB.
fn resident() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
