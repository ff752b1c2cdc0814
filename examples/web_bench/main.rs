//! How fast the gateway sends as a linked device, beside the sandbox in the same run, on the machine it is run on:
//! `cargo run --release --features whatsapp-web-double --example web_bench [-- SECONDS]`.
//!
//! The real server runs in a process of its own on a real file, with `synchronous=FULL` and the content policy on; it is
//! loaded over HTTP with 1, 16 and 64 connections. WhatsApp is the tests' own, in a process of its own: it takes each
//! message, encrypted for the one device of its recipient, and acknowledges it; that device is not there, so no receipt
//! comes. So few people are written to because a linked device may look up only so many numbers an hour. The first
//! message to a person asks WhatsApp for their number, devices and keys, and begins a session; it is measured by itself,
//! once for each of them, before the runs. Limits and rates are raised, because the guard would rightly stop this.

#[expect(dead_code, reason = "the tests shut it, too")]
#[path = "../../tests/it/harness/door.rs"]
mod door;
#[path = "../send_bench/load.rs"]
mod load;
#[path = "../send_bench/machine.rs"]
mod machine;
#[expect(dead_code, reason = "the other bench orders more")]
#[path = "../web_idle/provider.rs"]
mod provider;
#[path = "../send_bench/runs.rs"]
mod runs;
#[path = "../send_bench/server.rs"]
mod server;
#[expect(dead_code, reason = "the tests make it misbehave")]
#[path = "../../tests/it/harness/whatsapp/mod.rs"]
mod whatsapp;

use provider::Provider;
use serde_json::Value;
use server::{Line, Server};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use wa_gateway::{
    app::{
        commands::{Command, InstancePair, InstanceStatus},
        control,
    },
    connectors::{
        Boxed, Connector as _, Ear, InstanceSetup, NotRecorded, ProviderEvent, registry::Deps,
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

/// The instance's number, and whose device all recipients have.
const OWN: u64 = 966_511_000_000;
const READER: u64 = 966_512_000_000;
/// How many people are written to.
const PEOPLE: usize = 200;
const A_MOMENT: Duration = Duration::from_millis(20);

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let first = args.next();
    let ended = match first.as_deref() {
        Some(server::SERVE) => return server::serve(args),
        Some(provider::PROVIDE) => runtime().and_then(|runtime| runtime.block_on(provider::provide(READER))),
        given => run(Duration::from_secs(given.and_then(|s| s.parse().ok()).unwrap_or(5))),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("web_bench: {e}");
            ExitCode::FAILURE
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

fn run(time: Duration) -> Result<(), Failure> {
    let dir = PathBuf::from("target/web_bench");
    let _ = std::fs::remove_dir_all(&dir);
    for of in ["sandbox", "web"] {
        std::fs::create_dir_all(dir.join(of))?;
    }
    let sandbox = Line {
        connector: "sandbox",
        settings: [("receipts".to_owned(), "none".to_owned())].into(),
        allow: String::new(),
    };
    let server = Server::start(&dir.join("sandbox"), sandbox)?;
    println!("the sandbox; idle memory {:.1} MiB", server.memory_mib());
    runs::print(server, &dir.join("sandbox"), time, PEOPLE)?;

    let mut provider = Provider::start()?;
    let web = Line { connector: "whatsapp-web", settings: settings(&provider), allow: provider.place().to_owned() };
    let server = Server::start(&dir.join("web"), web)?;
    runtime()?.block_on(link(&dir.join("web/data"), &mut provider))?;
    for n in 0..PEOPLE {
        let number = load::phone(n).trim_start_matches('+').parse()?;
        provider.alias(number, READER)?;
    }
    println!("the linked device; idle memory {:.1} MiB", server.memory_mib());
    begin_chats(&server)?;
    runs::print(server, &dir.join("web"), time, PEOPLE)
}

/// Writes once to each of the people, one after the other, and prints what that takes.
fn begin_chats(server: &Server) -> Result<(), Failure> {
    let (address, key, time) = (server.address, server.key.clone(), Duration::from_secs(600));
    let load = load::Load { address, key, connections: 1, time, people: PEOPLE, messages: PEOPLE };
    let before = server.cpu();
    let first = load.run()?;
    let cpu = (server.cpu() - before).as_secs_f64() * 1000.0 / first.sent.max(1) as f64;
    println!(
        "first messages to {PEOPLE} people, one after the other: {:.0} a second, p50 {:.2} ms, p99 {:.2} ms, CPU {cpu:.3} ms \
         each, {} other answers",
        first.per_second(),
        first.percentile(50.0),
        first.percentile(99.0),
        first.others
    );
    Ok(())
}

/// Brings the keys of the recipients' device, which then goes away, and links the instance.
async fn link(data: &Path, provider: &mut Provider) -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let deps = Deps {
        data_dir: dir.path().to_owned(),
        egress: Egress::system(vec![provider.place().parse()?], clock.clone()),
        clock: clock.clone(),
        random: Arc::new(SystemRandom),
        ear: Arc::new(Nobody),
        public_url: "http://127.0.0.1:8080".to_owned(),
        fence: Fence::default(),
    };
    let (id, settings) = (InstanceId::from_text("reader"), settings(provider));
    let setup =
        InstanceSetup { id, account: AccountId(1), connector: ConnectorKind::WhatsappWeb, settings, closed: None };
    let reader = WhatsappWeb::open(&deps, &setup, &Arc::default())?;
    let code = loop {
        if let Some(code) = reader.pairing().and_then(|p| p.qr) {
            break code;
        }
        clock.sleep_until(clock.now().plus(A_MOMENT)).await;
    };
    provider.scan(READER, &code)?;
    while reader.standing().state != InstanceState::Open {
        clock.sleep_until(clock.now().plus(A_MOMENT)).await;
    }
    reader.stop().await;

    let shown = ask(data, InstancePair { id: "bench".into() }.into()).await?;
    provider.scan(OWN, shown["qr"].as_str().ok_or("no code")?)?;
    while ask(data, InstanceStatus { id: "bench".into() }.into()).await?["state"] != "open" {
        clock.sleep_until(clock.now().plus(A_MOMENT)).await;
    }
    Ok(())
}

fn settings(provider: &Provider) -> BTreeMap<String, String> {
    let all = [("ws_url", provider.url.as_str()), ("version", "2.3000.1035194821"), ("warm_up_days", "0")];
    all.map(|(k, v)| (k.into(), v.into())).into()
}

/// Hears, and keeps nothing.
struct Nobody;

impl Ear for Nobody {
    fn hear(&self, _: ProviderEvent) -> Boxed<'_, Result<(), NotRecorded>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

async fn ask(data: &Path, command: Command) -> Result<Value, Failure> {
    Ok(control::ask(data, &command).await.ok_or("the server's control socket is not there")??)
}
