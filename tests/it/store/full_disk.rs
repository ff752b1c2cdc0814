//! A disk that runs full under the real program: it says 503, loses nothing, and goes on by itself when there is room.
//!
//! The disk is a small tmpfs in a mount namespace of the child's own (`unshare`), so that nothing is left mounted
//! whatever happens. Where the system forbids that, the tests say so and are skipped.

use crate::{
    harness::{
        load::{Asked, Client, Load},
        program::{Place, Serving, run, wait_until},
    },
    sending::crash::checker::{Acknowledged, compare, judge_database, read_log, read_phones},
};
use rusqlite::Connection;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

const INSTANCE: &str = "shop-line";
/// Room for the write-ahead log, which may grow to 16 MB before it is folded in, and for what the load leaves.
const SIZE: &str = "64m";

/// A gateway whose data directory is a small disk.
struct SmallDisk {
    place: Place,
    serving: Serving,
    key: String,
    /// The directory, as it is seen from outside the namespace.
    seen: PathBuf,
}

impl SmallDisk {
    /// None, with a word about it, where the system does not let us mount.
    fn start(more: &str) -> Option<Self> {
        let place = Place::with(more);
        fs::create_dir(&place.data).expect("a mount point");
        if run(in_namespace(&place.data, &Command::new("true")), "").code != 0 {
            println!("skipped: this system lets us make no mount namespace");
            return None;
        }
        let command = in_namespace(&place.data, &place.program(&["serve"]));
        let serving = Serving::start(command, &place.dir.path().join("serve.log"));
        let inside = place.data.strip_prefix("/").expect("an absolute path");
        let seen = Path::new("/proc").join(serving.pid().to_string()).join("root").join(inside);
        let mut disk = Self { place, serving, key: String::new(), seen };
        // The commands find the running gateway through its socket, as it is seen from here.
        disk.key = disk.place.furnish_at(&disk.seen, INSTANCE);
        Some(disk)
    }

    fn client(&self) -> Client {
        Client::connect(self.serving.address, &self.key, INSTANCE).expect("the gateway listens")
    }

    /// Writes until nothing fits any more.
    fn fill(&self) {
        let mut file = fs::File::create(self.seen.join("fill")).expect("a file");
        let mut size = 1 << 22;
        while size > 0 {
            if file.write_all(&vec![0; size]).is_err() {
                size /= 2;
            }
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.seen.join("fill")).expect("room");
    }

    /// Whether the gateway says that it is ready.
    fn is_ready(&self) -> bool {
        self.status("/readyz") == 200
    }

    fn status(&self, path: &str) -> u16 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(crate::harness::http::call(self.serving.address, "GET", path, &[], &[])).status
    }

    /// A copy of the database as it is now. SQLite itself would follow /proc's link out of the namespace.
    fn copy(&self) -> Connection {
        for name in ["wa-gateway.db", "wa-gateway.db-wal"] {
            fs::copy(self.seen.join(name), self.place.dir.path().join(name)).expect("a copy");
        }
        Connection::open(self.place.dir.path().join("wa-gateway.db")).expect("the copy")
    }

    /// Whether the log has a message without an outcome.
    fn has_under_way(&self) -> bool {
        let data = self.seen.to_str().expect("UTF-8");
        let list = |status| self.place.json(&["--data-dir", data, "message", "list", "--status", status]);
        ["accepted", "sending"].iter().any(|status| list(status) != serde_json::json!([]))
    }

    /// Holds the acknowledged against the log and the phones. Nobody may be writing.
    fn judge(&self, told: &[Acknowledged]) {
        let db = self.copy();
        let mut problems = compare(told, &read_log(&db), &read_phones(&self.seen, INSTANCE));
        problems.extend(judge_database(&db));
        problems.truncate(20);
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }
}

/// `command` with a small disk mounted over `dir`. It becomes the shell's process, so that its id is the child's.
fn in_namespace(dir: &Path, command: &Command) -> Command {
    let script = r#"mount -t tmpfs -o mode=700,size="$2" tmpfs "$1" && shift 2 && exec "$@""#;
    let mut wrapped = Command::new("unshare");
    wrapped.args(["--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(dir).arg(SIZE);
    wrapped.arg(command.get_program()).args(command.get_args());
    if let Some(dir) = command.get_current_dir() {
        wrapped.current_dir(dir);
    }
    wrapped
}

fn asked(name: &str) -> Asked {
    Asked { name: name.to_owned(), phone: "+966501234567".into() }
}

#[test]
fn a_full_disk_is_503_until_there_is_room_again() {
    let Some(disk) = SmallDisk::start("") else { return };
    let mut client = disk.client();
    let first = client.send(&asked("before")).expect("an answer");
    assert_eq!(first.status, 200, "{}", first.body);
    disk.fill();
    for n in 0..10 {
        let refused = client.send(&asked(&format!("full-{n}"))).expect("an answer");
        assert_eq!((refused.status, refused.error().as_str()), (503, "service_unavailable"), "{}", refused.body);
        let seconds = refused.header("retry-after").and_then(|s| s.parse::<u32>().ok());
        assert!(seconds.is_some_and(|s| s > 0), "{refused:?}");
    }
    assert_eq!((disk.status("/healthz"), disk.status("/readyz")), (200, 503));
    disk.make_room();
    wait_until("it is ready again", || disk.is_ready());
    // What was refused is sent when it is asked again, with the same Idempotency-Key.
    let told = (0..10).map(|n| {
        let asked = asked(&format!("full-{n}"));
        let reply = client.send(&asked).expect("an answer");
        assert_eq!(reply.status, 200, "{}", reply.body);
        let message_id = reply.json()["message_id"].as_str().expect("an id").to_owned();
        Acknowledged { message_id, text: asked.text() }
    });
    let told: Vec<_> = told.collect();
    disk.judge(&told);
    assert_eq!(read_phones(&disk.seen, INSTANCE).len(), 11, "nothing left while the disk was full");
    assert_eq!(disk.serving.stop().0, 0);
}

#[test]
fn a_disk_that_runs_full_under_load_loses_nothing() {
    // Short, because the sandbox cannot write either, and a provider that cannot is asked again while there is time.
    let Some(disk) = SmallDisk::start("[sending]\nanswer_timeout = \"300ms\"") else { return };
    let load = Load::start(disk.serving.address, &disk.key, INSTANCE, "load", 6);
    load.until_sent(10);
    disk.fill();
    load.until_refused(6);
    disk.make_room();
    wait_until("it is ready again", || disk.is_ready());
    load.until_sent(10);
    let told = load.end();
    let of = |status: u16| told.iter().filter(|t| t.reply.as_ref().is_some_and(|r| r.status == status)).count();
    let counts = (of(200), of(502), of(503));
    println!("(200, 502, 503): {counts:?}");
    assert!(counts.0 > 0 && counts.1 + counts.2 > 0, "some are sent and some are not: {counts:?}");
    assert_eq!(counts.0 + counts.1 + counts.2, told.len(), "and nobody is told anything else");
    let told: Vec<_> = crate::sending::crash::acknowledged(&told).collect();
    // What went out while its outcome could not be written is written as soon as there is room.
    wait_until("every message has its outcome", || !disk.has_under_way());
    disk.judge(&told);
    assert_eq!(disk.serving.stop().0, 0);
}
