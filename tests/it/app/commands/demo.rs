//! `wa-gateway demo`: what it prints works as it stands, what it made is there the next time, and its port gives way.

use super::*;
use crate::harness::http;
use std::net::{SocketAddr, TcpListener};
use tempfile::TempDir;

/// What one start prints.
struct Printed {
    serving: Serving,
    text: String,
}

fn start(dir: &Path, listen: SocketAddr) -> Printed {
    let mut command = program(dir);
    command.args(["demo", "--listen", &listen.to_string()]);
    let mut serving = Serving::start(command, &dir.join("demo.log"));
    let text = serving.head.clone() + &serving.text_until("Ctrl+C");
    Printed { serving, text }
}

impl Printed {
    /// The rest of the line that begins with `name`.
    fn line(&self, name: &str) -> &str {
        let found = self.text.lines().find_map(|l| l.strip_prefix(name));
        found.unwrap_or_else(|| panic!("no {name:?} in {}", self.text)).trim()
    }

    /// The command of several lines, as somebody would copy it.
    fn curl(&self) -> &str {
        let from = self.text.find("curl -i").expect("a curl line");
        let rest = &self.text[from..];
        &rest[..rest.find("\n\n").expect("its end")]
    }

    /// The command that stands below a heading.
    fn line_after(&self, heading: &str) -> &str {
        let (_, rest) = self.text.split_once(heading).unwrap_or_else(|| panic!("no {heading:?} in {}", self.text));
        rest.trim_start().lines().next().expect("a line")
    }

    fn get(&self, url: &str) -> http::Reply {
        let path = url.strip_prefix(&format!("http://{}", self.serving.address)).expect("an address of this gateway");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(http::call(self.serving.address, "GET", path, &[], &[]))
    }
}

/// Where the system chooses the port: what is printed is the one that it chose.
fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn interrupt(serving: Serving) {
    serving.signal(rustix::process::Signal::INT);
    assert_eq!(serving.ended().0, 0, "Ctrl+C is a clean end");
}

#[test]
fn the_first_start_prints_all_that_is_needed_and_it_works() {
    let dir = TempDir::new().expect("a directory");
    let demo = start(dir.path(), any_port());
    assert_eq!(demo.line("Instance"), "demo-support-line");
    assert!(demo.line("API key").starts_with("wg_live_"));
    assert!(demo.line("Sent").starts_with("one message was sent"), "{}", demo.text);
    assert!(demo.get(demo.line("Portal")).status < 400);
    assert!(!demo.text.contains("is in use"), "nobody asked for a certain port: {}", demo.text);
    let link = demo.line("Log in").split(' ').next().expect("a link").to_owned();
    let login = demo.get(&link);
    assert!(login.status < 400, "{login:?}");

    if Command::new("curl").arg("--version").output().is_err() {
        println!("skipped: there is no curl here to run the line with");
    } else {
        let mut shell = Command::new("sh");
        shell.args(["-c", demo.curl()]).env("no_proxy", "127.0.0.1");
        let answer = run(shell, "");
        assert_eq!(answer.code, 0, "{answer:?}");
        assert!(answer.stdout.starts_with("HTTP/1.1 200"), "{}", answer.stdout);
        assert!(answer.stdout.contains(r#""success":true"#), "{}", answer.stdout);
        let mut inbox = program(dir.path());
        let data = ["--data-dir", "wa-gateway-demo", "--json"];
        inbox.args(data).args(["sandbox", "inbox", "--instance", "demo-support-line"]);
        let phones = run(inbox, "").json();
        assert_eq!(phones.as_array().map(Vec::len), Some(2), "the demo's own and curl's: {phones}");
    }
    // From another directory, by a shell that finds no wa-gateway in its path.
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", demo.line_after("Look at the phones:")]).current_dir("/").env("PATH", "/nowhere");
    let shown = run(shell, "");
    assert!(shown.code == 0 && shown.stdout.contains("Your order #2041"), "{shown:?}");
    interrupt(demo.serving);
}

#[test]
fn the_doctor_finds_a_demo_where_it_listens() {
    let dir = TempDir::new().expect("a directory");
    let demo = start(dir.path(), any_port());
    let mut doctor = program(dir.path());
    doctor.args(["--data-dir", "wa-gateway-demo", "--json", "doctor"]);
    let report = run(doctor, "").json();
    let checks = report["checks"].as_array().expect("a list");
    let listens: Vec<&Value> =
        checks.iter().filter(|c| c["check"].as_str().is_some_and(|name| name.starts_with("listen."))).collect();
    assert!(!listens.is_empty() && listens.iter().all(|c| c["status"] == "ok"), "{listens:?}");
    let local = format!("{} takes connections", demo.serving.address);
    assert!(listens[0]["text"].as_str().is_some_and(|text| text.starts_with(&local)), "{listens:?}");
    interrupt(demo.serving);
}

#[test]
fn the_second_start_goes_on_where_the_first_ended() {
    let dir = TempDir::new().expect("a directory");
    let first = start(dir.path(), any_port());
    let (key, link) = (first.line("API key").to_owned(), first.line("Log in").to_owned());
    interrupt(first.serving);
    let second = start(dir.path(), any_port());
    assert_ne!(second.line("API key"), key, "a new key at each start");
    assert_ne!(second.line("Log in"), link, "a new link at each start");
    assert!(second.line("Sent").ends_with("log id 2"), "{}", second.text);
    let list = |what: &[&str]| {
        let mut command = program(dir.path());
        command.args(["--data-dir", "wa-gateway-demo", "--json"]).args(what);
        run(command, "").json().as_array().map(Vec::len)
    };
    assert_eq!(
        (list(&["account", "list"]), list(&["instance", "list"]), list(&["user", "list"])),
        (Some(1), Some(1), Some(1))
    );
    interrupt(second.serving);
}

#[test]
fn a_busy_port_gives_the_next_free_one_and_says_so() {
    let dir = TempDir::new().expect("a directory");
    let busy = TcpListener::bind("127.0.0.1:0").expect("a port");
    let wanted = busy.local_addr().expect("an address");
    let demo = start(dir.path(), wanted);
    let said = demo.text.lines().find(|l| l.contains("is in use")).expect("it says so");
    assert!(said.starts_with(&wanted.to_string()) && said.contains(&demo.serving.address.to_string()), "{said}");
    assert!(demo.serving.address.port() > wanted.port());
    assert_eq!(demo.line("Portal"), format!("http://{}/", demo.serving.address));
    interrupt(demo.serving);
}

#[test]
fn with_json_it_prints_one_value() {
    let dir = TempDir::new().expect("a directory");
    let mut command = program(dir.path());
    command.args(["--json", "demo", "--listen", &any_port().to_string()]);
    let mut serving = Serving::start(command, &dir.path().join("demo.log"));
    let value: Value = serde_json::from_str(&serving.head).expect("JSON on the first line");
    for name in ["portal", "login", "key", "instance", "curl"] {
        assert!(value[name].is_string(), "{name}: {value}");
    }
    serving.signal(rustix::process::Signal::INT);
    assert_eq!(serving.rest(), "", "and nothing after it");
    assert_eq!(serving.ended().0, 0);
}
