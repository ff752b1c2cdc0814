//! What numbers that are linked devices cost at rest, on the machine it is run on:
//! `cargo run --release --features whatsapp-web-double --example web_idle [-- INSTANCES]`.
//!
//! The connectors run in this process, each linked to a phone, with its keys in a file of its own; WhatsApp is the tests'
//! own, in a process of its own. The resident memory is read before the first one begins, and when all of them are open
//! and quiet.

#[expect(dead_code, reason = "the tests shut it, too")]
#[path = "../../tests/it/harness/door.rs"]
mod door;
#[expect(dead_code, reason = "the tests make it misbehave")]
#[path = "../../tests/it/harness/whatsapp/mod.rs"]
mod whatsapp;

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, Command, ExitCode, Stdio},
    sync::Arc,
    time::Duration,
};
use wa_gateway::{
    connectors::{
        Boxed, Connector as _, Ear, InstanceSetup, NotRecorded, ProviderEvent, registry::Deps,
        whatsapp_web::WhatsappWeb,
    },
    egress::Egress,
    model::{
        clock::{Clock, SystemClock},
        ids::InstanceId,
        instance::{ConnectorKind, InstanceState},
        random::SystemRandom,
    },
};
use whatsapp::WhatsApp;

/// The argument by which this program is WhatsApp.
const PROVIDE: &str = "--as-whatsapp";
const FIRST: u64 = 966_511_000_000;
const QUIET: Duration = Duration::from_secs(10);

type Failure = Box<dyn std::error::Error>;

/// Hears, and keeps nothing.
struct Nobody;

impl Ear for Nobody {
    fn hear(&self, _: ProviderEvent) -> Boxed<'_, Result<(), NotRecorded>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

fn main() -> ExitCode {
    let argument = std::env::args().nth(1);
    let ended = match argument.as_deref() {
        Some(PROVIDE) => runtime().and_then(|runtime| runtime.block_on(provide())),
        Some(count) => count.parse().map_err(Failure::from).and_then(measure),
        None => measure(50),
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

/// WhatsApp: tells its address, then scans what it is given, a number and a code a line.
async fn provide() -> Result<(), Failure> {
    let service = WhatsApp::start().await;
    println!("{}", service.url());
    let (lines, mut read) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            let _ = lines.send(line);
        }
    });
    while let Some(line) = read.recv().await {
        let (number, code) = line.split_once(' ').ok_or("a number and a code")?;
        service.scan(number.parse()?, code);
    }
    Ok(())
}

struct Provider {
    child: Child,
    scan: ChildStdin,
    url: String,
}

impl Provider {
    fn start() -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg(PROVIDE).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut url = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut url)?;
        let scan = child.stdin.take().ok_or("no input")?;
        Ok(Self { child, scan, url: url.trim().to_owned() })
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn measure(count: u64) -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let mut provider = Provider::start()?;
    runtime()?.block_on(async {
        let host = provider.url.trim_start_matches("ws://").split('/').next().unwrap_or_default();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let deps = Deps {
            data_dir: dir.path().to_owned(),
            egress: Egress::system(vec![host.parse()?], clock.clone()),
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
            ear: Arc::new(Nobody),
            public_url: "http://127.0.0.1:8080".to_owned(),
        };
        let before = resident()?;
        let mut all = Vec::new();
        for n in 0..count {
            let settings: BTreeMap<String, String> =
                [("ws_url", provider.url.as_str()), ("version", "2.3000.1035194821")]
                    .map(|(k, v)| (k.into(), v.into()))
                    .into();
            let id = InstanceId::from_text(format!("line-{n}"));
            let setup = InstanceSetup { id, connector: ConnectorKind::WhatsappWeb, settings, closed: None };
            let connector = WhatsappWeb::open(&deps, &setup)?;
            let code = loop {
                if let Some(code) = connector.pairing().and_then(|p| p.qr) {
                    break code;
                }
                pause(&*clock, Duration::from_millis(20)).await;
            };
            writeln!(provider.scan, "{} {code}", FIRST + n)?;
            while connector.standing().state != InstanceState::Open {
                pause(&*clock, Duration::from_millis(20)).await;
            }
            all.push(connector);
        }
        pause(&*clock, QUIET).await;
        let after = resident()?;
        let open = all.iter().filter(|c| c.standing().state == InstanceState::Open).count();
        let each = (after - before) as f64 / count as f64 / 1024.0;
        println!("{open} of {count} open; {before} KiB before, {after} KiB after: {each:.2} MiB each");
        for connector in &all {
            connector.stop().await;
        }
        Ok(())
    })
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
