//! The real binary as a child process, on a data directory of its own.

use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Longer than anything here takes on a machine that is busy with other things.
pub const BOUND: Duration = Duration::from_secs(90);

/// A place with a configuration file and a data directory, in which commands are run.
pub struct Place {
    /// Removed when the place ends.
    pub dir: TempDir,
    /// Where the database is; not made before the first command.
    pub data: PathBuf,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// A gateway that serves. Killed when it is dropped.
pub struct Serving {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it printed up to and with the line that says so.
    pub head: String,
}

impl Place {
    /// Quiet: on a free port, no TLS, limits that no test reaches by accident.
    pub fn new() -> Self {
        Self::with("")
    }

    /// The same with more lines for the configuration file: sections of their own.
    pub fn with(more: &str) -> Self {
        let dir = TempDir::new().expect("a directory");
        let data = dir.path().join("data");
        let text = format!(
            "data_dir = {data:?}\n\
             [listen]\nlocal = \"127.0.0.1:0\"\npublic = \"\"\n\
             [guard]\nthrottle_per_minute = 1000000\nthrottle_burst = 1000000\nrecipient_per_minute = 1000000\n\
             recipient_burst = 1000000\nrepetition_transactional = 1000000\noutreach_other = 1000000\n\
             health_min_messages = 1000000\npolicy_dir = {:?}\n{more}\n",
            dir.path().join("policy.d"),
        );
        fs::write(dir.path().join("wa-gateway.toml"), text).expect("a configuration");
        Self { dir, data }
    }

    /// The program, with this place's configuration file and nothing of our own environment that it would read.
    pub fn program(&self, args: &[&str]) -> Command {
        let mut command = program(self.dir.path());
        command.arg("--config").arg(self.dir.path().join("wa-gateway.toml")).args(args);
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        run(self.program(args), "")
    }

    /// Runs a command that must succeed, with `--json`; answers with the one value on stdout.
    pub fn json(&self, args: &[&str]) -> Value {
        let ran = run(self.program(&[&["--json"], args].concat()), "");
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        ran.json()
    }

    /// An account on Scale with room for a million messages, one sandbox instance; answers with a key.
    pub fn furnish(&self, instance: &str) -> String {
        self.furnish_at(&self.data, instance)
    }

    /// The same in another data directory.
    pub fn furnish_at(&self, data: &Path, instance: &str) -> String {
        let data = data.to_str().expect("UTF-8");
        let json = |args: &[&str]| self.json(&[&["--data-dir", data], args].concat());
        let account = json(&["account", "create", "--name", "Shop", "--plan", "scale"])["id"].to_string();
        let grant = ["--grant-daily", "1000000", "--grant-monthly", "1000000", "--reason", "load"];
        json(&[&["account", "update", account.as_str()], &grant[..]].concat());
        let made = ["instance", "create", "--account", account.as_str(), "--id", instance, "--name", "Line"];
        json(&[&made[..], &["--connector", "sandbox", "--set", "receipts=none"]].concat());
        let key = json(&["key", "create", "--account", account.as_str()]);
        key["key"].as_str().expect("a key").to_owned()
    }

    /// Starts the gateway and waits until it says where it listens.
    pub fn serve(&self) -> Serving {
        Serving::start(self.program(&["serve"]), &self.dir.path().join("serve.log"))
    }

    /// What the gateway logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("serve.log")).unwrap_or_default()
    }

    /// The database's file.
    pub fn database(&self) -> PathBuf {
        self.data.join("wa-gateway.db")
    }
}

/// The program in a working directory, without the variables that it would read as configuration.
pub fn program(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wa-gateway"));
    command.current_dir(dir);
    for (name, _) in std::env::vars_os().filter(|(n, _)| n.to_string_lossy().starts_with("WA_GATEWAY_")) {
        command.env_remove(name);
    }
    command
}

/// Runs `command` to its end with `input` on stdin.
pub fn run(mut command: Command, input: &str) -> Ran {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    // It may not want to read it.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let done = child.wait_with_output().expect("its end");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: code(done.status), stdout: text(done.stdout), stderr: text(done.stderr) }
}

/// The exit code; minus the signal's number when a signal ended it.
pub fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| -status.signal().unwrap_or(0))
}

impl Ran {
    /// The one JSON value on stdout: nothing before it, nothing after it.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("not one JSON value ({e}): {self:?}"))
    }

    /// The one line on stderr.
    pub fn line(&self) -> &str {
        let line = self.stderr.strip_suffix('\n').unwrap_or(&self.stderr);
        assert!(!line.is_empty() && !line.contains('\n'), "not one line: {self:?}");
        line
    }
}

impl Serving {
    /// Starts `command` and waits for the line that says where it listens; the log goes to `log`.
    pub fn start(command: Command, log: &Path) -> Self {
        Self::start_with(command, log, Stdio::null())
    }

    /// The same with something on stdin.
    pub fn start_with(mut command: Command, log: &Path, stdin: Stdio) -> Self {
        let log = fs::OpenOptions::new().create(true).append(true).open(log).expect("a log");
        // Its own group, so that nothing sent to the tests' terminal reaches it by accident.
        command.stdin(stdin).stdout(Stdio::piped()).stderr(log).process_group(0);
        let mut child = command.spawn().expect("the program starts");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let address = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut serving = Self { child, stdout, address, head: String::new() };
        serving.head = serving.text_until("http://");
        let rest = serving.head.split("http://").nth(1).expect("an address");
        let end = rest.find(['/', '"', '\n']).unwrap_or(rest.len());
        serving.address = rest[..end].parse().expect("an address");
        serving
    }

    /// Everything that it prints from here up to and with the line that contains `text`.
    pub fn text_until(&mut self, text: &str) -> String {
        let mut all = String::new();
        while !all.contains(text) {
            assert!(self.stdout.read_line(&mut all).expect("its stdout") > 0, "it ended after {all:?}");
        }
        all
    }

    /// What it prints from here to its end.
    pub fn rest(&mut self) -> String {
        let mut all = String::new();
        self.stdout.read_to_string(&mut all).expect("its stdout");
        all
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.child.id().try_into().expect("a pid")).expect("a pid");
        rustix::process::kill_process(pid, signal).expect("it runs");
    }

    /// Waits for its end; answers with the exit code and how long that took.
    pub fn ended(mut self) -> (i32, Duration) {
        let begun = now();
        let mut status = None;
        wait_until("its end", || {
            status = self.child.try_wait().expect("its state");
            status.is_some()
        });
        (code(status.expect("its end")), begun.elapsed())
    }

    /// SIGTERM, and its end.
    pub fn stop(self) -> (i32, Duration) {
        self.signal(rustix::process::Signal::TERM);
        self.ended()
    }

    /// SIGKILL: nothing is told to it.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("its end");
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Real time: what is measured here is a process of its own.
#[expect(clippy::disallowed_methods, reason = "a child process lives in real time")]
pub fn now() -> Instant {
    Instant::now()
}

/// Waits for something that can be seen from outside.
pub fn wait_until(what: &str, mut seen: impl FnMut() -> bool) {
    let begun = now();
    while !seen() {
        assert!(begun.elapsed() < BOUND, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A pause between two looks at what another process or task does; what is waited for is looked at, not hoped for.
#[expect(clippy::disallowed_methods, reason = "the other process lives in real time")]
pub async fn moment() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}
