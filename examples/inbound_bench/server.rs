//! The server that hears and tells: this program again as `wa-gateway`, or another build's program.

use super::{Failure, Receiver, process, strangers};
use serde_json::Value;
use std::{
    cell::Cell,
    ffi::OsString,
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

/// The argument by which this program is the gateway.
pub const SERVE: &str = "--as-server";

/// Runs as the gateway.
pub fn serve(args: impl Iterator<Item = String>) -> ExitCode {
    let args = std::iter::once("wa-gateway".to_owned()).chain(args).map(OsString::from);
    wa_gateway::app::cli::main(args, std::iter::empty())
}

#[expect(clippy::disallowed_methods, reason = "a measuring program measures")]
pub fn now() -> Instant {
    Instant::now()
}

pub struct Server {
    child: Child,
    program: Option<PathBuf>,
    config: PathBuf,
    pub address: SocketAddr,
    endpoints: Cell<u64>,
}

impl Server {
    /// With an account, and an instance of the Cloud API that only hears.
    pub fn start(dir: &Path, program: Option<PathBuf>, receiver: &Receiver) -> Result<Self, Failure> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let config = dir.join("config.toml");
        fs::write(
            &config,
            format!(
                "data_dir = {:?}\n[listen]\nlocal = \"{address}\"\npublic = \"\"\n[egress]\nallow = {:?}\n\
                 [log]\nlevel = \"warn\"\n",
                fs::canonicalize(dir)?.join("data"),
                receiver.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ),
        )?;
        let child = command(program.as_deref(), &config)?.arg("serve").stdout(Stdio::null()).spawn()?;
        // From here on the process ends with this value, whatever goes wrong.
        let server = Self { child, program, config, address, endpoints: Cell::new(0) };
        let begun = now();
        while TcpStream::connect(address).is_err() || !dir.join("data/control.sock").exists() {
            if begun.elapsed() > Duration::from_secs(10) {
                return Err("the server does not listen".into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        server.ask(&["account", "create", "--name", "Bench", "--plan", "scale"])?;
        let secret = format!("app_secret={}", strangers::APP_SECRET);
        let number = format!("phone_number_id={}", strangers::NUMBER_ID);
        let mut create = vec!["instance", "create", "--account", "1", "--id", "bench", "--name", "Bench"];
        create.extend(["--connector", "cloud-api", "--set", &secret, "--set", &number, "--set", "access_token=bench"]);
        create.extend(["--set", "verify_token=bench-verify"]);
        server.ask(&create)?;
        Ok(server)
    }

    /// From now on, tells of what it hears: to so many endpoints in all.
    pub fn tell(&self, receiver: &Receiver, endpoints: u64) -> Result<(), Failure> {
        for n in self.endpoints.replace(endpoints)..endpoints {
            let url = format!("http://{}/hook", receiver.addresses[n as usize]);
            self.ask(&["webhook", "create", "--account", "1", "--url", &url, "--events", "message.received"])?;
        }
        Ok(())
    }

    fn ask(&self, arguments: &[&str]) -> Result<Value, Failure> {
        let output = command(self.program.as_deref(), &self.config)?.args(arguments).arg("--json").output()?;
        if !output.status.success() {
            let said = [output.stdout, output.stderr].concat();
            return Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&said)).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// CPU time used so far, user and system.
    pub fn cpu(&self) -> Duration {
        process::cpu(self.child.id())
    }

    /// Resident memory.
    pub fn memory_mib(&self) -> f64 {
        process::memory_mib(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(program: Option<&Path>, config: &Path) -> Result<Command, Failure> {
    let mut command = match program {
        Some(program) => Command::new(program),
        None => {
            let mut own = Command::new(std::env::current_exe()?);
            own.arg(SERVE);
            own
        }
    };
    command.arg("--config").arg(config);
    Ok(command)
}
