//! How fast the portal's pages answer over a long log: `cargo run --release --example portal_bench [-- MESSAGES]`
//! (1,000,000 without it).
//!
//! The real gateway runs in this process on a real file that is filled first: messages of ninety days to twenty thousand
//! people, every fifth of whom wrote back, with events and deliveries. Then an admin's browser asks for each page over
//! one connection, and for the searches of the message log; and a program for each list of the guarded API. Beside it,
//! what the first page weighs as a browser gets it.

mod fill;
mod visitor;

use serde_json::Value;
use std::{path::Path, sync::Arc, time::Duration};
use visitor::Visitor;
use wa_gateway::{
    app::{
        App, Running,
        commands::{AccountCreate, Command, InstanceCreate, KeyCreate, UserCreate, UserLoginLink, WebhookCreate},
    },
    config::Config,
    model::{clock::SystemClock, random::SystemRandom},
    store::StoreError,
};

type Failure = Box<dyn std::error::Error>;

const MESSAGES: u64 = 1_000_000;
/// How often each page is asked for.
const TIMES: usize = 41;
const EMAIL: &str = "admin@bench.example";

const PAGES: &[&str] = &[
    "/overview",
    "/message-logs",
    "/message-logs/{half}",
    "/message-logs?status=failed",
    "/message-logs?instance=bench-line&purpose=support",
    "/message-logs?q=%2B966500007777",
    "/message-logs?q={half}",
    "/message-logs?q=msg_{padded}",
    "/message-logs?q=order-{half}",
    "/message-logs?q=pharmacy&from={day}&to={day}",
    "/inbound-logs",
    "/instances",
    "/instances/bench-line/manage",
    "/suppressed-recipients",
    "/webhooks",
    "/webhooks/deliveries/{newest}",
    "/api-keys",
    "/integrations/3cx",
    "/security",
    "/chat",
    "/scheduled",
    "/account",
    "/notices",
    "/admin/accounts",
    "/admin/reviews",
    "/admin/audit",
    "/admin/system",
    "/docs",
    "/docs/endpoints",
];

/// What programs ask for, by a key that reads.
const LISTS: &[&str] = &[
    "/api/messages",
    "/api/messages?limit=200",
    "/api/messages?cursor={cursor}",
    "/api/messages?status=failed",
    "/api/messages?to=%2B966500007777",
    "/api/messages?reference=order-{half}",
    "/api/messages?instance_id=bench-line&since={day}T00:00:00Z",
    "/api/messages?q=pharmacy&since={recent}T00:00:00Z",
    "/api/inbound-messages",
    "/api/inbound-messages?from=%2B966500007777",
    "/api/conversations",
    "/api/conversations?phone=%2B966500007777",
    "/api/contacts",
    "/api/contacts?phone=%2B966500007777",
    "/api/suppressions",
    "/api/templates",
    "/api/instances",
    "/api/usage",
    "/api/events",
    "/api/events?since={recent}T00:00:00Z",
];

fn main() -> Result<(), Failure> {
    let messages = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(MESSAGES);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(messages))
}

async fn run(messages: u64) -> Result<(), Failure> {
    let dir = Path::new("target/portal_bench");
    let _ = std::fs::remove_dir_all(dir);
    std::fs::create_dir_all(dir)?;
    let (running, link, key) = start(dir).await?;
    let now = running.gateway.clock.now();
    fill::fill(&running, messages, now).await?;
    let address = running.local.ok_or("no listener")?;
    let mut visitor = Visitor::log_in(address, &link).await?;
    let half = messages / 2;
    let day = now.minus(Duration::from_secs(45 * 86_400)).rfc3339()[..10].to_owned();
    println!("{messages} messages; milliseconds of {TIMES} answers each");
    println!("{:<52} {:>7} {:>7} {:>8} {:>8}", "page", "median", "p95", "slowest", "KiB");
    // The oldest may be gone: what is too old is deleted while this runs.
    let newest = running.gateway.store.read(|tx| tx.one("SELECT max(id) FROM deliveries", [], |r| r.get::<_, i64>(0)));
    let newest = newest.await.map_err(|e: StoreError| e.to_string())?.to_string();
    let mut slowest: f64 = 0.0;
    for page in PAGES {
        let page = page
            .replace("{newest}", &newest)
            .replace("{half}", &half.to_string())
            .replace("{padded}", &fill::padded(half))
            .replace("{day}", &day);
        let seen = visitor.look(&page, TIMES).await?;
        println!("{page:<52} {:>7.2} {:>7.2} {:>8.2} {:>8.1}", seen.median, seen.p95, seen.slowest, seen.kib);
        slowest = slowest.max(seen.p95);
    }
    println!("the slowest p95: {slowest:.2} ms");
    let mut program = Visitor::with_key(address, &key).await?;
    let cursor = program.next_cursor("/api/messages?limit=200").await?;
    let recent = now.minus(Duration::from_secs(2 * 86_400)).rfc3339()[..10].to_owned();
    let mut slowest: f64 = 0.0;
    for list in LISTS {
        let list = list
            .replace("{cursor}", &cursor)
            .replace("{half}", &half.to_string())
            .replace("{recent}", &recent)
            .replace("{day}", &day);
        let seen = program.look(&list, TIMES).await?;
        println!("{list:<52} {:>7.2} {:>7.2} {:>8.2} {:>8.1}", seen.median, seen.p95, seen.slowest, seen.kib);
        slowest = slowest.max(seen.p95);
    }
    println!("the slowest p95 of a list: {slowest:.2} ms");
    let weight = visitor.first_load("/overview").await?;
    println!("the first load of a page with all that it needs, compressed: {weight:.1} KiB");
    running.stop().await;
    Ok(())
}

/// The gateway with an account, its instance and an admin; the link by which the admin logs in; and a key that reads.
async fn start(dir: &Path) -> Result<(Running, String, String), Failure> {
    let mut config = Config { data_dir: dir.to_owned(), ..Config::default() };
    config.listen.local = Some("127.0.0.1:0".parse()?);
    config.listen.public = None;
    let app = App::open(config, Arc::new(SystemClock), Arc::new(SystemRandom)).await?;
    let running = app.serve().await?;
    let gateway = running.gateway.clone();
    let ask = async |command: Command| command.execute(&gateway).await.map_err(Failure::from);
    let modules = vec!["api_access".into(), "3cx".into()];
    let (name, plan, timezone) = ("Bench".into(), "scale".into(), "Asia/Riyadh".into());
    ask(AccountCreate { name, plan, timezone, modules, ..Default::default() }.into()).await?;
    let (id, name, connector) = ("bench-line".into(), "Bench".into(), "sandbox".into());
    ask(InstanceCreate { account: 1, id, name, connector, ..Default::default() }.into()).await?;
    let scopes = vec!["send".into(), "read".into()];
    let key = ask(KeyCreate { account: 1, name: "shop".into(), scopes, ..Default::default() }.into()).await?;
    let url = "https://shop.example/hook".into();
    let events = vec!["message.sent".into()];
    ask(WebhookCreate { account: 1, url, events, ..Default::default() }.into()).await?;
    ask(UserCreate { account: Some(1), email: EMAIL.into(), role: "admin".into(), ..Default::default() }.into())
        .await?;
    let link = ask(UserLoginLink { email: EMAIL.into() }.into()).await?;
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or("no text");
    Ok((running, text(&link["link"])?, text(&key["key"])?))
}
