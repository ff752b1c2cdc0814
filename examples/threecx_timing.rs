//! Whether the time that a refused 3CX request takes tells why it was refused.
//!
//! `cargo run --release --example threecx_timing [SAMPLES]` (20,000 of each case without it) starts a gateway in this
//! process and sends it, over one connection and in an order that is drawn anew in each round, requests that fail in
//! different ways. One case is sent twice in each round, under two names: what its two runs differ by is the noise that
//! every other difference is held against. A difference that is larger than the noise, and than what chance alone makes
//! of so many samples (three standard errors), is told as such, and the program ends with 1.

use std::{
    error::Error,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::ExitCode,
    sync::Arc,
};
use wa_gateway::{
    app::{
        App, Running,
        commands::{AccountCreate, Command, InstanceCreate, ThreecxCreate, ThreecxSettings},
    },
    config::Config,
    model::{
        clock::SystemClock,
        random::{Random, SystemRandom},
    },
};

type Failure = Box<dyn Error>;

const SAMPLES: usize = 20_000;
/// The first of them are not counted: caches, pools and the kernel's buffers fill up.
const WARM_UP: usize = 500;
/// The slowest part of each case that is left out: the machine did something else. On a busy one that is a good part.
const LEFT_OUT: f64 = 0.25;
const BODY: &str = r#"{"event_type":"missed_call","caller":"+966500000000","queue":"Sales"}"#;

/// What the control's body has more, in bytes.
const MORE: usize = 2 << 10;

/// One way to fail.
struct Case {
    name: &'static str,
    is_control: bool,
    request: Vec<u8>,
    nanos: Vec<u64>,
}

/// An integration as its administrator knows it.
struct Known {
    id: String,
    secret: String,
}

struct Figures {
    mean: f64,
    median: f64,
    error: f64,
}

fn main() -> Result<ExitCode, Failure> {
    let samples = std::env::args().nth(1).map_or(Ok(SAMPLES), |text| text.parse())?;
    let dir = tempfile::TempDir::new()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let running = runtime.block_on(start(dir.path().to_owned()))?;
    let mut cases = runtime.block_on(cases(&running))?;
    let address = running.local.ok_or("it listens nowhere")?;
    measure(address, &mut cases, samples)?;
    runtime.block_on(running.stop());
    Ok(if report(&mut cases, samples) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn start(data_dir: std::path::PathBuf) -> Result<Running, Failure> {
    let mut config = Config { data_dir, ..Config::default() };
    config.listen.local = Some("127.0.0.1:0".parse()?);
    config.listen.public = None;
    // All of them come from one address, and all of them fail.
    config.threecx.failures_per_minute = 0;
    let app = App::open(config, Arc::new(SystemClock), Arc::new(SystemRandom)).await?;
    Ok(app.serve().await?)
}

async fn cases(running: &Running) -> Result<Vec<Case>, Failure> {
    let gateway = &running.gateway;
    let account =
        AccountCreate { name: "Shop".into(), plan: "scale".into(), modules: vec!["3cx".into()], ..Default::default() };
    let account = Command::from(account).execute(gateway).await?["id"].as_i64().ok_or("no account")?;
    let instance = InstanceCreate {
        account,
        id: "shop-line".into(),
        name: "Shop".into(),
        connector: "sandbox".into(),
        ..Default::default()
    };
    Command::from(instance).execute(gateway).await?;
    let make = async |settings: ThreecxSettings| -> Result<Known, Failure> {
        let request = ThreecxCreate { account, instance: "shop-line".into(), settings };
        let made = Command::from(request).execute(gateway).await?;
        let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
        Ok(Known { id: text("id"), secret: text("secret") })
    };
    let plain = make(ThreecxSettings::default()).await?;
    let off = make(ThreecxSettings { enabled: Some(false), ..Default::default() }).await?;
    let signing = make(ThreecxSettings { signing: Some(true), ..Default::default() }).await?;
    let allow = Some(vec!["192.0.2.0/24".to_owned()]);
    let elsewhere = make(ThreecxSettings { allow, ..Default::default() }).await?;
    let nobody: String = plain.id.chars().map(|c| if c == 'a' { 'b' } else { 'a' }).collect();
    let first = format!("{}{}", other(plain.secret.chars().next()), &plain.secret[1..]);
    let last = format!("{}{}", &plain.secret[..plain.secret.len() - 1], other(plain.secret.chars().last()));
    Ok(vec![
        case("wrong first byte", &plain.id, &first),
        case("wrong first byte, again", &plain.id, &first),
        case("wrong last byte", &plain.id, &last),
        case("unknown integration", &nobody, &plain.secret),
        case("switched off, right secret", &off.id, &off.secret),
        case("bad signature, right secret", &signing.id, &signing.secret),
        case("address not allowed, right secret", &elsewhere.id, &elsewhere.secret),
        Case { is_control: true, ..request("control: a longer body", &plain.id, &first, &" ".repeat(MORE)) },
    ])
}

fn other(c: Option<char>) -> char {
    if c == Some('x') { 'y' } else { 'x' }
}

/// All requests have the same length and the same headers.
fn case(name: &'static str, id: &str, secret: &str) -> Case {
    request(name, id, secret, "")
}

fn request(name: &'static str, id: &str, secret: &str, more: &str) -> Case {
    let signature = "0".repeat(64);
    let request = format!(
        "POST /integrations/3cx/webhook/{id} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         X-WhatsApp-Gateway-3CX-Secret: {secret}\r\nX-WhatsApp-Gateway-Timestamp: 1780000000\r\n\
         X-WhatsApp-Gateway-Signature: sha256={signature}\r\nContent-Length: {}\r\n\r\n{BODY}{more}",
        BODY.len() + more.len()
    );
    Case { name, is_control: false, request: request.into_bytes(), nanos: Vec::new() }
}

#[expect(clippy::disallowed_methods, reason = "a measuring program measures")]
fn measure(address: SocketAddr, cases: &mut [Case], samples: usize) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut answer = vec![0; answer_length(&mut stream, &cases[0].request)?];
    let mut order: Vec<usize> = (0..cases.len()).collect();
    for round in 0..samples + WARM_UP {
        shuffle(&mut order);
        for at in &order {
            let case = &mut cases[*at];
            let begun = std::time::Instant::now();
            stream.write_all(&case.request)?;
            stream.read_exact(&mut answer)?;
            let took = begun.elapsed();
            if !answer.starts_with(b"HTTP/1.1 401 ") || !answer.ends_with(b"}") {
                return Err(format!("{}: {}", case.name, String::from_utf8_lossy(&answer)).into());
            }
            if round >= WARM_UP {
                case.nanos.push(u64::try_from(took.as_nanos())?);
            }
        }
    }
    Ok(())
}

/// All answers have the same length; the first one tells it.
fn answer_length(stream: &mut TcpStream, request: &[u8]) -> Result<usize, Failure> {
    stream.write_all(request)?;
    let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
    while !all.ends_with(b"}") {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Err("the connection was closed".into());
        }
        all.extend_from_slice(&buffer[..n]);
    }
    Ok(all.len())
}

fn shuffle(order: &mut [usize]) {
    for last in (1..order.len()).rev() {
        let with = usize::try_from(SystemRandom.u64() % (last as u64 + 1)).unwrap_or(0);
        order.swap(last, with);
    }
}

/// Prints the table; says whether nothing can be told from the times.
fn report(cases: &mut [Case], samples: usize) -> bool {
    let figures: Vec<Figures> = cases.iter_mut().map(|case| figures(&mut case.nanos)).collect();
    let (base, again) = (&figures[0], &figures[1]);
    let noise = (base.mean - again.mean).abs();
    println!("{samples} samples of each case, the slowest {:.0} % left out; microseconds", LEFT_OUT * 100.0);
    println!("{:<36} {:>9} {:>9} {:>11} {:>9}", "case", "mean", "median", "difference", "3 errors");
    let mut nothing_to_tell = true;
    for (case, found) in cases.iter().zip(&figures) {
        let difference = found.mean - base.mean;
        let chance = 3.0 * found.error.hypot(base.error);
        let told = difference.abs() > noise.max(chance);
        nothing_to_tell &= told == case.is_control;
        let micros = [found.mean, found.median, difference, chance].map(|nanos| nanos / 1000.0);
        let verdict = match (told, case.is_control) {
            (true, true) => "  can be told, as it must",
            (false, true) => "  <- cannot be told: these figures prove nothing",
            (true, false) => "  <- can be told",
            (false, false) => "",
        };
        let [mean, median, difference, chance] = micros;
        println!("{:<36} {mean:>9.2} {median:>9.2} {difference:>+11.3} {chance:>9.3}{verdict}", case.name);
    }
    println!("two runs of the same case differ by {:.3}", noise / 1000.0);
    nothing_to_tell
}

fn figures(nanos: &mut [u64]) -> Figures {
    nanos.sort_unstable();
    let kept = &nanos[..nanos.len() - (nanos.len() as f64 * LEFT_OUT) as usize];
    let n = kept.len() as f64;
    let mean = kept.iter().map(|t| *t as f64).sum::<f64>() / n;
    let variance = kept.iter().map(|t| (*t as f64 - mean).powi(2)).sum::<f64>() / (n - 1.0);
    Figures { mean, median: nanos[nanos.len() / 2] as f64, error: (variance / n).sqrt() }
}
