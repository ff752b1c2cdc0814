//! A linked phone moves to a second machine: the real program on two data directories, the real Litestream between them,
//! a phone on the other side. The second machine goes on with the same keys, the phone is not linked anew, and at no
//! moment are two clients connected with them.
//!
//! Where Litestream is not here (`tests/run` brings it), nothing is tried, and it says so.

use super::{
    rig::OWN,
    trial::{LINE, Trial},
};
use crate::harness::{
    load::{Asked, Client},
    program::{Place, wait_until},
};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// The Litestream that `tests/run` prepares, or the machine's own.
fn litestream() -> Option<PathBuf> {
    let prepared = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/bin/litestream");
    let found = [prepared, PathBuf::from("litestream")].into_iter().find(|program| {
        let tried = Command::new(program).arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    });
    if found.is_none() {
        println!("no Litestream: a takeover with a linked phone is not tried");
    }
    found
}

/// A command that runs beside, killed when it is dropped.
struct Beside(Child);

impl Beside {
    fn start(place: &Place, command: &str) -> Self {
        let log = fs::File::create(place.dir.path().join(format!("{command}.log"))).expect("a log");
        let mut command = place.program(&[command]);
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Self(command.spawn().expect("it starts"))
    }

    /// SIGKILL to what it started and to itself: whatever was not copied is not copied.
    fn kill_with_children(mut self) {
        let id = self.0.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).expect("its children");
        assert!(!children.trim().is_empty(), "it has started Litestream");
        for child in children.split_whitespace() {
            let pid = rustix::process::Pid::from_raw(child.parse().expect("a number")).expect("a process");
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it runs");
        }
        self.0.kill().expect("it runs");
        self.0.wait().expect("its end");
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A first machine with a linked phone, what copies it, and a second machine that has everything.
struct Machines {
    trial: Trial,
    /// The machine that does not serve.
    other: Place,
    copies: Option<Beside>,
    _follows: Beside,
    shared: TempDir,
}

impl Machines {
    fn start(litestream: &Path) -> Self {
        let shared = TempDir::new().expect("a directory both see");
        let place = shared.path().to_str().expect("UTF-8");
        let standby = format!("[standby]\nplace = {place:?}\nalone_for = \"10m\"\nlitestream = {litestream:?}\n");
        let trial = Trial::unlinked_with(&standby);
        trial.link();
        trial.send("before").join().expect("sent").expect("an answer");
        trial.until_status("delivered");
        let other = trial.another_place(&standby);
        fs::DirBuilder::new().mode(0o700).create(&other.data).expect("a directory");
        fs::copy(trial.place.data.join("secret.key"), other.data.join("secret.key")).expect("brought by hand");
        let copies = Some(Beside::start(&trial.place, "replicate"));
        let follows = Beside::start(&other, "standby");
        let machines = Self { trial, other, copies, _follows: follows, shared };
        machines.wait_for_the_copy();
        machines
    }

    /// The second machine is up to date, with the keys of the phone as they are.
    fn wait_for_the_copy(&self) {
        let followed = self.other.data.join(format!("standby/files/whatsapp-web/{LINE}.db"));
        wait_until("the second machine has everything", || {
            let ran = self.other.run(&["--json", "standby", "--status"]);
            ran.code == 0 && ran.json()["behind_changes"] == 0 && followed.exists()
        });
        // The store as it lies in the place shows nothing of the keys.
        let sealed = self.shared.path().join(format!("epoch-1/files/whatsapp-web/{LINE}.db"));
        assert!(!fs::read(sealed).expect("the copy").starts_with(b"SQLite format 3"));
    }

    /// The other machine takes over and serves; returns what the command said.
    fn take_over(&mut self, args: &[&str]) -> Value {
        let told = self.other.json(&[&["takeover"], args].concat());
        assert_eq!(told["epoch"], 2, "{told}");
        std::mem::swap(&mut self.trial.place, &mut self.other);
        let first = self.trial.serving.take();
        if let Some(first) = first {
            // It runs still, and has let go of the phone before the second one has the keys.
            assert!(!self.trial.service.is_online(OWN), "the first machine's client is gone");
            self.trial.start();
            self.trial.until_open();
            first.kill();
        } else {
            self.trial.start();
            self.trial.until_open();
        }
        told
    }

    /// The same phone is linked, with the same keys, and both directions work.
    fn goes_on(&self, names: &[&str]) {
        let trial = &self.trial;
        for name in names {
            trial.send(name).join().expect("sent").expect("an answer");
            let id = trial.service.taken().last().expect("it is taken").2.clone();
            let got = trial.runtime.block_on(trial.customer.got(&id));
            assert_eq!(got.text, Some(format!("Your order {name} has been shipped.")));
        }
        trial.write("msg_01AFTER", "thanks");
        wait_until("it is heard", || trial.heard().contains(&"thanks".to_owned()));
        assert!(trial.arrived().values().all(|times| *times == 1), "{:?}", trial.arrived());
    }

    /// The first machine comes back, looks into the place, and calls nobody.
    fn the_first_stays_away(&mut self) {
        let calls = self.trial.service.calls();
        let serving = self.other.serve();
        let sign = self.shared.path().join("epoch-1/sign.json");
        let mut seen = std::collections::BTreeSet::new();
        wait_until("it looked into the place three times", || {
            seen.extend(fs::read_to_string(&sign).ok());
            seen.len() > 3
        });
        let mut caller = Client::connect(serving.address, &self.trial.key, LINE).expect("it listens");
        let asked = Asked { name: "late".to_owned(), phone: self.trial.customer.phone() };
        assert_eq!(caller.send(&asked).expect("an answer").status, 503);
        assert_eq!(self.trial.service.calls(), calls, "nobody called WhatsApp since");
        assert_eq!(self.trial.service.most_clients(OWN), 1, "never two clients with the same keys");
    }

    /// The count sees two, where somebody serves the first machine's data without the place, which nobody must.
    fn two_would_be_seen(&self) {
        let third = self.trial.another_place("");
        fs::rename(&self.other.data, &third.data).expect("moved");
        let _serving = third.serve();
        wait_until("two are connected", || self.trial.service.most_clients(OWN) == 2);
    }
}

#[test]
fn both_run_and_the_phone_moves() {
    let Some(litestream) = litestream() else { return };
    let mut machines = Machines::start(&litestream);
    let told = machines.take_over(&[]);
    assert_eq!((&told["complete"], &told["uncertain_messages"]), (&Value::from(true), &Value::from(0)), "{told}");
    machines.goes_on(&["one", "two"]);
    machines.the_first_stays_away();
    machines.two_would_be_seen();
}

/// The copy of the keys is older than what the first machine did with them: messages went out and one came since.
#[test]
fn the_first_machine_dies_and_the_phone_moves_with_older_keys() {
    let Some(litestream) = litestream() else { return };
    let mut machines = Machines::start(&litestream);
    machines.copies.take().expect("it runs").kill_with_children();
    let trial = &mut machines.trial;
    for n in 0..12 {
        trial.send(&format!("uncopied-{n}")).join().expect("sent").expect("an answer");
        if n == 5 {
            trial.write("msg_01UNCOPIED", "and blue, please");
            wait_until("it is heard", || trial.heard().len() == 1);
        }
    }
    trial.kill();
    let told = machines.take_over(&["--other-is-off"]);
    assert_eq!(told["complete"], Value::from(false), "{told}");
    machines.goes_on(&["one", "two", "three"]);
    assert_eq!(machines.trial.arrived().len(), 16, "each that was taken is read once");
    machines.the_first_stays_away();
}
