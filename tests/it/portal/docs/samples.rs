//! The documentation's samples, as a reader would paste them: run by their interpreter, or compiled and run, against a
//! running gateway. What is not there is passed over; curl and a shell always are.

use crate::harness::deps::for_everything;
use crate::harness::{
    http, ports,
    world::{INSTANCE, PHONE, World, message, message_to},
};
use serde_json::{Value, json};
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use wa_gateway::{
    app::commands::{ThreecxSettings, WebhookCreate},
    model::clock::{Clock, SystemClock},
    portal::docs::source,
};

/// In real time: an interpreter that has not started by then never will.
const STARTED: Duration = Duration::from_secs(60);

/// In real time: other processes are looked after this often, and left the processor in between.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// What C# is compiled with, where it is Mono's; its pieces come in packages of their own.
const MCS: &str = "mcs -r:System.Net.Http,System.Runtime.Serialization,System.Xml,System.Xml.Linq";

/// What runs a sample.
fn interpreter(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("php") => "php",
        Some("py") => "python3",
        Some("mjs") => "node",
        // It compiles a single file by itself, where it is a whole development kit.
        Some("java") => "java",
        Some("go") => "go",
        Some("cs") => "mcs",
        _ => "sh",
    }
}

fn is_there(program: &str) -> bool {
    let succeeds = |line: &str| {
        Command::new("sh")
            .args(["-c", line])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    };
    match program {
        "java" => succeeds("command -v javac"),
        // A compiler without its libraries compiles nothing.
        "mcs" => succeeds(&format!(
            "command -v mono && at=$(mktemp -d) && echo 'class A {{ static void Main() {{ }} }}' >$at/a.cs && \
             {MCS} -out:$at/a.exe $at/a.cs && rm -r $at"
        )),
        program => succeeds(&format!("command -v {program}")),
    }
}

/// The command that runs a sample which lies at `path`.
fn command(path: &Path) -> Command {
    let program = interpreter(path.file_name().and_then(|name| name.to_str()).unwrap_or_default());
    let made = match program {
        // Not `go run`, whose program outlives it where it is ended.
        "go" => Some("go build -o \"$1.exe\" \"$1\" && exec \"$1.exe\"".to_owned()),
        "mcs" => Some(format!("{MCS} -out:\"$1.exe\" \"$1\" && exec mono \"$1.exe\"")),
        _ => None,
    };
    let mut command = Command::new(if made.is_some() { "sh" } else { program });
    if let Some(line) = made {
        command.args(["-c", &line, "sh"]);
    }
    command.arg(path);
    command
}

/// A sample with the reader's own values in it, as a file.
fn pasted(world: &World, dir: &TempDir, name: &str, values: &[(&str, &str)]) -> PathBuf {
    let mut text = source::file(&format!("samples/{name}")).unwrap_or_else(|| panic!("no sample {name}"));
    let base_url = format!("http://{}", world.address());
    let own = [("{{base_url}}", base_url.as_str()), ("{{api_key}}", &world.key), ("{{instance_id}}", INSTANCE)];
    for (place, value) in own.iter().chain(values) {
        text = text.replace(place, value);
    }
    assert!(!text.contains("{{"), "{name}: {text}");
    let path = dir.path().join(name);
    fs::write(&path, text).expect("a file");
    path
}

/// Runs it to its end; `None` where the interpreter is not there.
async fn run(world: &World, name: &'static str, values: &[(&str, &str)]) -> Option<Output> {
    let program = interpreter(name);
    if !is_there(program) {
        return None;
    }
    let dir = TempDir::new().expect("a directory");
    let path = pasted(world, &dir, name, values);
    let run = move || command(&path).output();
    let output = tokio::task::spawn_blocking(run).await.expect("it runs").expect("it started");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name}: {said}");
    Some(output)
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sending_sample_brings_one_message_to_the_phone() {
    for name in [
        "first-message.sh",
        "send.sh",
        "retry.sh",
        "send.php",
        "send.py",
        "send.mjs",
        "Send.java",
        "send.cs",
        "send.go",
    ] {
        let world = World::start().await;
        let Some(output) = run(&world, name, &[]).await else { continue };
        assert!(text(&output).contains("msg_"), "{name}: {}", text(&output));
        let inbox = world.inbox().await;
        assert_eq!(inbox.len(), 1, "{name}: {inbox:?}");
        assert!(inbox[0]["text"].as_str().is_some_and(|t| t.starts_with("Your order 204")), "{name}");
        if name != "first-message.sh" {
            run(&world, name, &[]).await;
            assert_eq!(world.inbox().await.len(), 1, "{name}: the second run has the same Idempotency-Key");
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upload_sample_sends_a_file_of_this_machine() {
    let world = World::start().await;
    let dir = TempDir::new().expect("a directory");
    let file = dir.path().join("invoice-2041.pdf");
    fs::write(&file, "%PDF-1.7 an invoice").expect("a file");
    let output = run(&world, "upload.sh", &[("@invoice-2041.pdf", &format!("@{}", file.display()))]).await;
    assert!(text(&output.expect("curl is there")).contains("msg_"));
    let inbox = world.inbox().await;
    assert_eq!((&inbox[0]["kind"], &inbox[0]["file_name"]), (&json!("document"), &json!("invoice-2041.pdf")));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sending_sample_waits_as_long_as_it_is_asked_to() {
    let samples = ["retry.sh", "send.php", "send.py", "send.mjs", "Send.java", "send.cs", "send.go"];
    let samples: Vec<&str> = samples.into_iter().filter(|name| is_there(interpreter(name))).collect();
    // One message in two seconds to one person, and nobody waits that long inside a request.
    let world = World::start_with(|config| {
        config.guard.recipient_per_minute = 30;
        config.guard.recipient_burst = 1;
        config.sending.answer_timeout = Duration::from_secs(1);
    })
    .await;
    // Everybody has just had a message.
    let phone = |n: usize| format!("+96650123450{n}");
    for n in 0..samples.len() {
        assert_eq!(world.send(&message_to(&phone(n))).await.status, 200);
    }
    let throttled = world.send(&message_to(&phone(0))).await;
    assert_eq!((throttled.status, throttled.header("retry-after")), (429, Some("2")), "{}", throttled.body);
    let dir = TempDir::new().expect("a directory");
    let running: Vec<Child> = samples
        .iter()
        .enumerate()
        .map(|(n, name)| {
            let own = [(PHONE, phone(n)), ("order-20", format!("order-{n}-")), ("-2042-", format!("-{n}-"))];
            let own: Vec<(&str, &str)> = own.iter().map(|(place, own)| (*place, own.as_str())).collect();
            let path = pasted(&world, &dir, name, &own);
            command(&path).stdout(Stdio::piped()).spawn().expect("it starts")
        })
        .collect();
    // Each is refused once. Only then does the gateway's clock go on; theirs goes on by itself.
    let refused = "SELECT coalesce(sum(1 + repeats), 0) FROM messages WHERE status = 'blocked'";
    reached(&world, refused, 1 + i64::try_from(samples.len()).expect("few")).await;
    world.later(Duration::from_secs(600));
    for (child, name) in running.into_iter().zip(&samples) {
        let ended = tokio::task::spawn_blocking(|| child.wait_with_output()).await.expect("it runs").expect("it ends");
        assert!(ended.status.success() && text(&ended).contains("msg_"), "{name}: {}", text(&ended));
    }
    assert_eq!(world.inbox().await.len(), 2 * samples.len());
    world.stop().await;
}

/// Waits until a number is reached, in real time, because other processes bring it about.
async fn reached(world: &World, query: &'static str, at_least: i64) {
    let waiting = async {
        while world.number(query).await < at_least {
            tokio::task::block_in_place(|| std::thread::sleep(LOOK_AGAIN));
        }
    };
    tokio::time::timeout(STARTED, waiting).await.unwrap_or_else(|_| panic!("{query} never reached {at_least}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_sample_finds_the_message() {
    let world = World::start().await;
    let sent = world.send(&message()).await.json();
    let output = run(&world, "status.sh", &[("/123'", &format!("/{}'", sent["log_id"]))]).await.expect("curl is there");
    let found: Value = serde_json::from_str(&text(&output)).expect("JSON");
    assert_eq!(found["message_id"], sent["message_id"]);
    let shown = source::file("samples/status.json").expect("the sample");
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    let names = |v: &Value| v.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&shown), names(&found), "what is shown is what is answered");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_receiver_believes_the_gateway_and_nobody_else() {
    for name in ["receive.php", "receive.py", "receive.mjs", "Receive.java", "receive.cs", "receive.go"] {
        if !is_there(interpreter(name)) {
            continue;
        }
        let port = ports::free();
        let now = SystemClock.now().rfc3339();
        let entry = for_everything(&port);
        let world = World::start_at(&now, |config| config.egress.allow = vec![entry]).await;
        let request = WebhookCreate {
            account: world.account,
            url: format!("http://{port}/"),
            events: vec!["message.received".into()],
            ..Default::default()
        };
        let made = world.command(request).await.expect("an endpoint");
        let dir = TempDir::new().expect("a directory");
        let secret = made["secret"].as_str().expect("a secret");
        let path = pasted(&world, &dir, name, &[("YOUR_WEBHOOK_SECRET", secret)]);
        let receiver = Running(receiver(name, &path, port));
        listens(port).await;
        let forged = http::call(port, "POST", "/", &["Content-Type: application/json".into()], b"{}").await;
        assert_eq!(forged.status, 401, "{name}");
        world.hears(PHONE, "Where is my order?").await;
        reached(&world, "SELECT count(*) FROM deliveries WHERE state = 'delivered'", 1).await;
        drop(receiver);
        world.stop().await;
    }
}

fn receiver(name: &str, path: &Path, port: SocketAddr) -> Child {
    let mut command = command(path);
    if name.ends_with(".php") {
        command = Command::new("php");
        command.arg("-S").arg(port.to_string()).arg(path);
    }
    command.env("PORT", port.port().to_string());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
}

/// Ended with the test, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn listens(at: SocketAddr) {
    let connected = async {
        while tokio::net::TcpStream::connect(at).await.is_err() {
            tokio::task::block_in_place(|| std::thread::sleep(LOOK_AGAIN));
        }
    };
    tokio::time::timeout(STARTED, connected).await.expect("it listens");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_3cx_samples_do_what_they_say() {
    let now = SystemClock.now().rfc3339();
    let world = World::start_at(&now, |_| {}).await;
    let settings = ThreecxSettings { call_events: Some(true), ..Default::default() };
    let pbx = world.pbx(settings).await;
    world.template(&pbx, "missed_call", Some("Sorry that we missed you.")).await;
    world.hears(PHONE, "Hello?").await;
    let values =
        [("INTEGRATION_ID", pbx.id.as_str()), ("YOUR_3CX_SECRET", &pbx.secret), ("YOUR_SIGNING_SECRET", &pbx.signing)];
    for (name, status) in [("3cx-test.sh", "ok"), ("3cx-reply.sh", "sent"), ("3cx-missed-call.sh", "sent")] {
        let output = run(&world, name, &values).await.expect("curl is there");
        assert!(text(&output).contains(&format!("\"status\":\"{status}\"")), "{name}: {}", text(&output));
    }
    assert_eq!(world.inbox().await.len(), 2);
    world.set_pbx(&pbx, ThreecxSettings { signing: Some(true), ..Default::default() }).await;
    if let Some(output) = run(&world, "3cx-signed.py", &values).await {
        assert!(text(&output).contains("\"status\":\"ok\""), "{}", text(&output));
    }
    let unsigned = run(&world, "3cx-test.sh", &values).await.expect("curl is there");
    assert!(text(&unsigned).contains("401"), "signing is on: {}", text(&unsigned));
    world.stop().await;
}

#[tokio::test]
async fn the_bodies_that_are_shown_are_taken() {
    let world = World::start().await;
    world.hears("+966501234567", "It works").await;
    for name in ["image.json", "template.json", "reaction.json"] {
        let body = source::file(&format!("samples/{name}")).expect("a sample").replace("{{instance_id}}", INSTANCE);
        let body = body.replace("inb_2041", "inb_1");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        let reply = world.send(&body).await;
        // The sandbox may not serve a template, and calls nobody outside for a file: but no field is malformed.
        let fields = &reply.json()["details"]["fields"];
        let known = [json!(null), json!(["template"]), json!(["media_url"]), json!(["media_url", "media_type"])];
        assert!(known.contains(fields), "{name}: {}", reply.body);
    }
    world.stop().await;
}

/// In the contract, and on their way: `backup` and `restore`, the privacy tools, and sending from the command line.
const AWAITED: [&str; 5] = ["backup", "restore", "export", "erase", "send"];

#[test]
fn every_command_that_is_shown_is_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/docs/samples");
    let mut seen = 0;
    for entry in fs::read_dir(root).expect("a directory").flatten().filter(|e| e.path().is_file()) {
        let text = fs::read_to_string(entry.path()).expect("a sample");
        for line in text.lines().filter_map(|line| line.trim_start_matches("sudo ").strip_prefix("wa-gateway ")) {
            let words: Vec<&str> =
                line.split(' ').take_while(|w| w.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')).collect();
            let words: Vec<&str> = words.into_iter().take_while(|w| !w.starts_with('-')).collect();
            if AWAITED.contains(&words[0]) {
                continue;
            }
            seen += 1;
            let help = Command::new(env!("CARGO_BIN_EXE_wa-gateway")).args(&words).arg("--help").output();
            assert!(help.is_ok_and(|output| output.status.success()), "{words:?} is no command");
        }
    }
    assert!(seen >= 10, "{seen} commands were found");
}
