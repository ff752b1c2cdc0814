//! What numbers that are linked devices cost at rest and over a day, on the machine it is run on:
//! `cargo run --release --features whatsapp-web-double --example web_idle [-- INSTANCES [RECONNECTS]]`.
//!
//! The connectors run in this process, each linked to a phone, with its keys in a file of its own; WhatsApp is the tests'
//! own, in a process of its own. The resident memory is read before the first one begins, and when all of them are open
//! and quiet. Then an hour passes by the library's clock and every connection breaks, as often as `RECONNECTS` says (24: a
//! day), and each is made again, as it is after an hour that was quiet; the memory is read on the way. At the end somebody
//! writes to every number, and each has to hear it: one that does not is deaf.

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
        atomic::{AtomicI64, AtomicUsize, Ordering},
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
        clock::{Clock, SystemClock},
        fence::Fence,
        ids::{AccountId, InstanceId},
        instance::{ConnectorKind, InstanceState},
        random::SystemRandom,
    },
};
use whatsapp_rust::wacore::time::{TimeProvider, set_time_provider};

const FIRST: u64 = 966_511_000_000;
/// Whoever writes.
const SOMEBODY: u64 = 966_501_234_567;
const QUIET: Duration = Duration::from_secs(5);
/// How long anything that is waited for may take.
const PATIENCE: Duration = Duration::from_secs(120);
const HOUR_MS: i64 = 3_600_000;

/// How far the library's clock is ahead of the machine's, in milliseconds. A connection that broke within half a minute is
/// made again later and later; one that stood for an hour is made again at once.
static AHEAD: AtomicI64 = AtomicI64::new(0);

/// The library's clock.
struct SteppedClock;

impl TimeProvider for SteppedClock {
    fn now_millis(&self) -> i64 {
        SystemClock.now().millis() + AHEAD.load(Ordering::Relaxed)
    }
}

type Failure = Box<dyn std::error::Error>;

/// Counts the messages and the connections that it hears of, and keeps nothing.
#[derive(Default)]
struct CountingEar {
    messages: AtomicUsize,
    opened: AtomicUsize,
}

impl Ear for CountingEar {
    fn hear(&self, heard: ProviderEvent) -> Boxed<'_, Result<(), NotRecorded>> {
        match heard.what {
            EventKind::Message(_) => self.messages.fetch_add(1, Ordering::Relaxed),
            EventKind::State(news) if news.state == InstanceState::Open => self.opened.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
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
    set_time_provider(SteppedClock)?;
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
            fence: Fence::default(),
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
        let mut first = after;
        for round in 1..=reconnects {
            break_all(&*clock, &mut provider, (&all, &ear)).await?;
            if round == 1 || round == reconnects || round.is_multiple_of(6) {
                pause(&*clock, QUIET).await;
                let now = resident()?;
                first = if round == 1 { now } else { first };
                println!(
                    "after {round:>3} reconnects of each: {now} KiB, {:+} KiB since the first",
                    now.cast_signed() - first.cast_signed()
                );
            }
        }
        for n in 0..count {
            provider.write(FIRST + n, &format!("3A{n:018X}"))?;
        }
        let wanted = usize::try_from(count)?;
        let heard = until(&*clock, || ear.messages.load(Ordering::Relaxed) >= wanted).await;
        let deaf = wanted.saturating_sub(ear.messages.load(Ordering::Relaxed));
        println!("{deaf} of {count} are deaf; {} connections in all", ear.opened.load(Ordering::Relaxed));
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
    let connector = WhatsappWeb::open(deps, &setup, &Arc::default())?;
    let code = || connector.pairing().and_then(|p| p.qr);
    if !until(&*deps.clock, || code().is_some()).await {
        return Err("no code is shown".into());
    }
    provider.scan(FIRST + n, &code().ok_or("the code ran out")?)?;
    let is_open = until(&*deps.clock, || connector.standing().state == InstanceState::Open).await;
    if is_open { Ok(connector) } else { Err("it does not open".into()) }
}

/// An hour later every connection breaks, and each is made again.
async fn break_all(
    clock: &dyn Clock,
    provider: &mut Provider,
    (all, ear): (&[WhatsappWeb], &CountingEar),
) -> Result<(), Failure> {
    AHEAD.fetch_add(HOUR_MS, Ordering::Relaxed);
    let before = ear.opened.load(Ordering::Relaxed);
    for n in 0..all.len() as u64 {
        provider.cut(FIRST + n)?;
    }
    let opened = || ear.opened.load(Ordering::Relaxed) - before;
    let is_open = |connector: &WhatsappWeb| connector.standing().state == InstanceState::Open;
    let back = until(clock, || opened() >= all.len() && all.iter().all(is_open)).await;
    if back { Ok(()) } else { Err(format!("of {} only {} came back", all.len(), opened()).into()) }
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
