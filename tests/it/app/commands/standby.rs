//! A second machine, by its commands: what it refuses, and how it becomes the one that serves. In the place of Litestream
//! stands a script that copies a file; the real one is tried by `tests/beside/standby`.

use crate::harness::{
    load::{Asked, Client},
    program::{Place, wait_until},
};
use serde_json::Value;
use std::{
    fs::{self, File},
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

const LINE: &str = "shop-line";

/// Restores what lies in the replica as `copy.db`, and follows by doing it once.
const LITESTREAM: &str = r#"#!/bin/sh
follows=no
while [ $# -gt 0 ]; do
    case "$1" in
        -o) to=$2; shift ;;
        -f) follows=yes ;;
        file://*) from=${1#file://} ;;
    esac
    shift
done
cp "$from/copy.db" "$to" || exit 1
if [ $follows = yes ]; then
    echo 0000000000000001 >"$to-txid"
    exec sleep 1000
fi
"#;

/// Two machines that see one place.
struct Pair {
    place: PathBuf,
    first: Place,
    second: Place,
    key: String,
    _dir: TempDir,
}

impl Pair {
    /// The first one has an account, and was copied.
    fn new() -> Self {
        let dir = TempDir::new().expect("a directory");
        let (place, litestream) = (dir.path().join("place"), dir.path().join("litestream"));
        fs::create_dir(&place).expect("a place");
        fs::write(&litestream, LITESTREAM).expect("a program");
        fs::set_permissions(&litestream, fs::Permissions::from_mode(0o755)).expect("a mode");
        let more = format!("[standby]\nplace = {place:?}\nlitestream = {litestream:?}\n");
        let (first, second) = (Place::with(&more), Place::with(&more));
        let key = first.furnish(LINE);
        let pair = Self { place, first, second, key, _dir: dir };
        pair.copy();
        pair
    }

    fn epoch(&self, epoch: u64) -> PathBuf {
        self.place.join(format!("epoch-{epoch}"))
    }

    /// The first machine's database, as of now, is in the place.
    fn copy(&self) {
        let replica = self.epoch(1).join("db");
        fs::create_dir_all(replica.join("ltx/9")).expect("a replica");
        fs::copy(self.first.database(), replica.join("copy.db")).expect("a copy");
        fs::write(replica.join("ltx/9/0000000000000001-0000000000000001.ltx"), "").expect("its name");
    }

    /// The copy in the place is opened and changed.
    fn change_copy(&self, sql: &str) {
        let copy = rusqlite::Connection::open(self.epoch(1).join("db/copy.db")).expect("a database");
        copy.execute_batch(sql).expect("changed");
        copy.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("in the file");
    }

    /// The key is brought by hand.
    fn bring_key(&self) {
        fs::create_dir_all(&self.second.data).expect("a directory");
        fs::copy(self.first.data.join("secret.key"), self.second.data.join("secret.key")).expect("a key");
    }

    fn refused(&self, args: &[&str], why: &str) {
        let ran = self.second.run(&[&["--json"], args].concat());
        assert!(ran.code == 1 && ran.line().contains(why), "{args:?}: {ran:?}");
        assert!(!self.second.database().exists(), "nothing was taken");
    }
}

/// The status and the body of the answer to the `n`th message.
fn send(address: SocketAddr, key: &str, n: u32) -> (u16, Value) {
    let mut client = Client::connect(address, key, LINE).expect("a connection");
    let reply = client.send(&Asked { name: format!("n{n}"), phone: "+966501234567".into() }).expect("an answer");
    (reply.status, reply.json())
}

#[test]
fn what_cannot_take_over_says_why_and_leaves_the_first_machine_alone() {
    let pair = Pair::new();
    let none = Place::new();
    let ran = none.run(&["takeover"]);
    assert!(ran.code == 1 && ran.line().contains("standby.place names no directory"), "{ran:?}");
    let takeover = ["takeover", "--other-is-off"];
    pair.refused(&["standby", "--status"], "no standby ran here");
    pair.refused(&["standby"], "is missing: bring it here");
    pair.refused(&takeover, "is missing: bring it here");
    pair.refused(&["replicate"], "there is no gateway's data here");
    fs::write(pair.second.data.join("secret.key"), [7; 32]).expect("another key");
    pair.refused(&takeover, "is not the key that belongs to this database");
    pair.bring_key();
    pair.change_copy("PRAGMA user_version = 9999");
    pair.refused(&takeover, "the database has schema 9999");
    pair.copy();
    pair.change_copy("PRAGMA application_id = 7");
    pair.refused(&takeover, "this is not a wa-gateway database");
    fs::write(pair.epoch(1).join("db/copy.db"), "no database at all").expect("damage");
    pair.refused(&takeover, "damaged");
    fs::remove_dir_all(pair.epoch(1).join("db")).expect("removed");
    pair.refused(&takeover, "there is no replica in it");
    pair.copy();
    // Somebody has the directory.
    let lock = File::create(pair.second.data.join("lock")).expect("a lock");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("held");
    pair.refused(&["standby"], "uses this data directory");
    drop(lock);
    pair.refused(&["takeover"], "gives no sign: if it is off");
    assert!(!pair.epoch(2).exists(), "no epoch was begun");
    let serving = pair.first.serve();
    assert_eq!(send(serving.address, &pair.key, 1).0, 200, "and the first machine sends");
}

#[test]
fn the_second_machine_takes_over_and_the_first_sends_nothing() {
    let pair = Pair::new();
    pair.bring_key();
    let wrong = pair.first.run(&["standby"]);
    assert!(wrong.code == 1 && wrong.line().contains("is a gateway's own"), "{wrong:?}");
    let first = pair.first.serve();
    assert_eq!(send(first.address, &pair.key, 2).0, 200);
    // Whoever says that the first machine is off need not be right: it reads the place.
    fs::write(pair.epoch(1).join("complete"), "").expect("all is there");
    let taken = pair.second.json(&["takeover", "--other-is-off"]);
    assert_eq!((&taken["epoch"], &taken["from_epoch"], &taken["complete"]), (&2.into(), &1.into(), &true.into()));
    let again = pair.second.run(&["takeover", "--other-is-off"]);
    assert!(again.code == 1 && again.line().contains("holds a gateway's data already"), "{again:?}");
    let second = pair.second.serve();
    assert_eq!(send(second.address, &pair.key, 3).0, 200);
    wait_until("the first machine reads the place", || send(first.address, &pair.key, 100).0 == 503);
    let (_, body) = send(first.address, &pair.key, 101);
    assert!(body["message"].as_str().is_some_and(|text| text.contains("another machine took over")), "{body}");
    let refused = pair.first.run(&["--json", "account", "list"]);
    assert!(refused.code == 1 && refused.line().contains("another machine took over"), "{refused:?}");
    let doctor = pair.first.run(&["--json", "doctor"]).json();
    let found = doctor["checks"].as_array().expect("checks").iter().find(|c| c["check"] == "second machine");
    let found = found.expect("it is looked at");
    assert!(
        found["status"] == "fail" && found["text"].as_str().is_some_and(|t| t.contains("are here alone")),
        "{found}"
    );
    drop(first);
    let first = pair.first.serve();
    assert_eq!(send(first.address, &pair.key, 5).0, 503, "nor after a start");
    assert_eq!(send(second.address, &pair.key, 6).0, 200);
    assert_eq!(files(&pair.second.data).iter().filter(|name| name.starts_with("standby")).count(), 0);
}

fn files(dir: &Path) -> Vec<String> {
    fs::read_dir(dir).expect("read").map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}
