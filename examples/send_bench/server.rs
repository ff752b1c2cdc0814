//! The server under load: this program again, as `wa-gateway serve`.

#[path = "process.rs"]
mod process;

use serde_json::Value;
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use wa_gateway::app::{
    commands::{self, AccountCreate, AccountUpdate, InstanceCreate, KeyCreate},
    control,
};

/// The argument by which this program is the server.
pub const SERVE: &str = "--as-server";

type Failure = Box<dyn std::error::Error>;

/// Runs as the gateway.
pub fn serve(args: impl Iterator<Item = String>) -> ExitCode {
    let args = std::iter::once("wa-gateway".to_owned()).chain(args).map(OsString::from);
    wa_gateway::app::cli::main(args, std::iter::empty())
}

/// A running server with an account, an instance and a key.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    pub key: String,
}

/// The instance that is sent by.
pub struct Line {
    pub connector: &'static str,
    pub settings: BTreeMap<String, String>,
    /// What the server may call: an entry of `egress.allow`, or nothing.
    pub allow: String,
}

/// A server that was killed and started again.
pub struct Restarted {
    pub ready_ms: f64,
    pub database_mib: f64,
}

impl Server {
    pub fn start(dir: &Path, line: Line) -> Result<Self, Failure> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let config = format!(
            "data_dir = {:?}\n[listen]\nlocal = \"{address}\"\npublic = \"\"\n[guard]\n\
             throttle_per_minute = 1000000\nthrottle_burst = 1000000\nrepetition_transactional = 1000000\n\
             recipient_per_minute = 1000000\nrecipient_burst = 1000000\noutreach_other = 1000000\n\
             [egress]\nallow = [{}]\n[log]\nlevel = \"warn\"\n",
            fs::canonicalize(dir)?.join("data"),
            if line.allow.is_empty() { String::new() } else { format!("{:?}", line.allow) },
        );
        fs::write(dir.join("config.toml"), config)?;
        let child = spawn(dir, address)?.0;
        // From here on the process ends with this value, whatever goes wrong.
        let mut server = Self { child, address, key: String::new() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        server.key = runtime.block_on(set_up(&dir.join("data"), line))?;
        Ok(server)
    }

    /// CPU time used so far, user and system.
    pub fn cpu(&self) -> Duration {
        process::cpu(self.child.id())
    }

    /// Resident memory.
    pub fn memory_mib(&self) -> f64 {
        process::memory_mib(self.child.id())
    }

    /// Runs `work` and says how much memory the server had at most meanwhile.
    pub fn watch_memory<T>(&self, work: impl FnOnce() -> T) -> (T, f64) {
        let done = Arc::new(AtomicBool::new(false));
        let (id, stop) = (self.child.id(), done.clone());
        let watcher = std::thread::spawn(move || {
            let mut most: f64 = 0.0;
            while !stop.load(Ordering::Relaxed) {
                most = most.max(process::memory_mib(id));
                std::thread::sleep(Duration::from_millis(100));
            }
            most
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        (result, watcher.join().unwrap_or(0.0))
    }

    /// Kills it without a word and starts it again.
    pub fn restart(mut self, dir: &Path) -> Result<Restarted, Failure> {
        self.child.kill()?;
        self.child.wait()?;
        let database_mib = fs::metadata(dir.join("data/wa-gateway.db"))?.len() as f64 / f64::from(1 << 20);
        let (child, ready_ms) = spawn(dir, self.address)?;
        self.child = child;
        Ok(Restarted { ready_ms, database_mib })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the server and waits until it listens and takes commands; says how long that took.
#[expect(clippy::disallowed_methods, reason = "a measuring program measures")]
fn spawn(dir: &Path, address: SocketAddr) -> Result<(Child, f64), Failure> {
    let begun = std::time::Instant::now();
    let mut child = Command::new(std::env::current_exe()?)
        .args([SERVE, "--config"])
        .arg(dir.join("config.toml"))
        .arg("serve")
        .stdout(Stdio::null())
        .spawn()?;
    while TcpStream::connect(address).is_err() || !dir.join("data/control.sock").exists() {
        if begun.elapsed() > Duration::from_secs(10) {
            child.kill()?;
            return Err("the server does not listen".into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok((child, begun.elapsed().as_secs_f64() * 1000.0))
}

async fn set_up(data_dir: &Path, line: Line) -> Result<String, Failure> {
    let account =
        ask(data_dir, AccountCreate { name: "Bench".into(), plan: "scale".into(), ..Default::default() }.into())
            .await?["id"]
            .as_i64()
            .ok_or("no account id")?;
    let grant = AccountUpdate {
        id: account,
        grant_daily: Some(1_000_000_000),
        grant_monthly: Some(1_000_000_000),
        reason: Some("measuring".into()),
        ..Default::default()
    };
    ask(data_dir, grant.into()).await?;
    let Line { connector, settings, .. } = line;
    let (id, name, connector) = ("bench".into(), "Bench".into(), connector.to_owned());
    ask(data_dir, InstanceCreate { account, id, name, connector, settings, ..Default::default() }.into()).await?;
    let key = KeyCreate { account, name: "bench".into(), ..Default::default() };
    let key = ask(data_dir, key.into()).await?;
    Ok(key["key"].as_str().ok_or("no key")?.to_owned())
}

async fn ask(data_dir: &Path, command: commands::Command) -> Result<Value, Failure> {
    Ok(control::ask(data_dir, &command).await.ok_or("the server's control socket is not there")??)
}
