//! Backups: everything acknowledged before one began is in it, damage anywhere in it is found, and what is restored is
//! never mixed with what is there.

use crate::harness::{
    load::Load,
    program::{self, Place},
    world::{World, message},
};
use rusqlite::Connection;
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;
use wa_gateway::{
    app::scheduler::Scheduler,
    model::{clock::Time, random::SystemRandom},
    ops::backup::{BackupError, Making, Passphrase, Restored, restore, write},
    store::{StoreError, check_file},
};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

pub fn making(passphrase: Option<&Passphrase>) -> Making<'_> {
    Making {
        now: Time::parse("2026-06-01T08:00:00Z").expect("a time"),
        random: &SystemRandom,
        passphrase,
        key_file: None,
    }
}

fn entries(dir: &Path) -> BTreeSet<String> {
    let all = fs::read_dir(dir).expect("a directory");
    all.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

/// A data directory that nobody uses, with a few rows.
fn data(place: &Place) -> &Path {
    place.furnish("line");
    let sent = place.run(&["send", "--instance", "line", "--to", "+966501234567", "--purpose", "support", "Hello."]);
    assert_eq!(sent.code, 0, "{sent:?}");
    &place.data
}

/// A restore in this process. Another test may be starting a child at this moment, which holds the directory's lock
/// until it has become another program.
pub fn put_back(bytes: &[u8], dir: &Path, passphrase: Option<&Passphrase>) -> Result<Restored, BackupError> {
    let mut done = restore(bytes, dir, passphrase);
    program::wait_until("the lock", || {
        let is_locked = matches!(done, Err(BackupError::Store(StoreError::Locked { .. })));
        if is_locked {
            done = restore(bytes, dir, passphrase);
        }
        !is_locked
    });
    done
}

#[test]
fn a_backup_under_load_has_everything_that_was_acknowledged_before_it_began() {
    let place = Place::new();
    let key = place.furnish("line");
    let serving = place.serve();
    let before = Load::start(serving.address, &key, "line", "before", 4);
    before.until_sent(50);
    let before = before.end();
    let during = Load::start(serving.address, &key, "line", "during", 4);
    during.until_sent(10);
    let file = place.dir.path().join("one.wabackup");
    let report = place.json(&["backup", text(&file)]);
    during.until_sent(10);
    let during = during.end();
    assert_eq!((&report["ok"], &report["encrypted"]), (&true.into(), &false.into()));
    assert_eq!(fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o600);

    // Refused while a gateway runs, into its directory; nothing is changed by it.
    let refused = place.run(&["restore", text(&file)]);
    assert_eq!(refused.code, 1);
    assert!(refused.line().contains("another wa-gateway"), "{refused:?}");
    assert_eq!(serving.stop().0, 0);

    let restored = place.dir.path().join("restored");
    place.json(&["--data-dir", text(&restored), "restore", text(&file)]);
    let database = Connection::open(restored.join("wa-gateway.db")).expect("the database");
    let kept: BTreeSet<String> = {
        let mut rows = database.prepare("SELECT body FROM messages WHERE status = 'sent'").expect("SQL");
        rows.query_map([], |r| r.get::<_, String>(0)).expect("rows").map(|r| r.expect("a row")).collect()
    };
    let sent = |told: &[crate::harness::load::Told]| -> BTreeSet<String> {
        let sent = told.iter().filter(|t| t.reply.as_ref().is_some_and(|r| r.status == 200));
        sent.map(|t| t.asked.text()).collect()
    };
    let (before, during) = (sent(&before), sent(&during));
    assert!(before.len() > 20, "{}", before.len());
    let missing: Vec<_> = before.difference(&kept).collect();
    assert!(missing.is_empty(), "{} of {} are missing", missing.len(), before.len());
    assert!(during.difference(&kept).next().is_some(), "the control: what came later is not in it");
    for (name, mode) in [("wa-gateway.db", 0o600), ("secret.key", 0o600)] {
        assert_eq!(fs::metadata(restored.join(name)).expect(name).permissions().mode() & 0o777, mode);
    }
    assert_eq!(
        fs::read(restored.join("secret.key")).expect("a key"),
        fs::read(place.data.join("secret.key")).expect("a key")
    );
    // And a gateway runs on it.
    let mut command = place.program(&["--data-dir", text(&restored), "serve"]);
    command.env("WA_GATEWAY_LISTEN__LOCAL", "127.0.0.1:0");
    let again = program::Serving::start(command, &place.dir.path().join("again.log"));
    assert_eq!(again.stop().0, 0);
}

#[test]
fn a_flipped_byte_anywhere_is_found_and_leaves_the_directory_empty() {
    let place = Place::new();
    let data = data(&place);
    let mut good = Vec::new();
    write(data, place.dir.path(), &mut good, &making(None)).expect("a backup");
    let target = TempDir::new().expect("a directory");
    let dir = target.path().join("data");
    let step = (good.len() / 120).max(1);
    let mut tried = 0;
    for at in (0..good.len()).step_by(step).chain(good.len() - 1100..good.len() - 1000) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        let said = put_back(&bad, &dir, None);
        assert!(matches!(said, Err(BackupError::Damaged(_))), "byte {at}: {said:?}");
        assert_eq!(entries(&dir), ["lock".to_owned()].into(), "byte {at}");
        tried += 1;
    }
    for cut in [0, 100, good.len() / 2, good.len() - 1] {
        let said = put_back(&good[..cut], &dir, None);
        assert!(matches!(said, Err(BackupError::Damaged(_))), "cut at {cut}: {said:?}");
    }
    assert!(tried > 200, "{tried}");
    let restored = put_back(&good, &dir, None).expect("the control: it is good");
    assert_eq!(restored.made_at, "2026-06-01T08:00:00Z");
    check_file(&dir.join("wa-gateway.db")).expect("sound");
}

#[test]
fn an_encrypted_backup_needs_its_passphrase_and_shows_nothing() {
    let place = Place::new();
    data(&place);
    let (file, right, wrong) =
        (place.dir.path().join("b"), place.dir.path().join("right"), place.dir.path().join("wrong"));
    fs::write(&right, "correct horse battery staple\n").expect("written");
    fs::write(&wrong, "incorrect horse\n").expect("written");
    let report = place.json(&["backup", text(&file), "--passphrase-file", text(&right)]);
    assert_eq!(report["encrypted"], true);
    let bytes = fs::read(&file).expect("the file");
    assert!(!bytes.windows(16).any(|w| w == b"SQLite format 3\0" || w == b"manifest.json\0\0\0"));
    let to = place.dir.path().join("to");
    for (more, said) in [
        (&[][..], "it is encrypted: name its --passphrase-file"),
        (&["--passphrase-file", text(&wrong)], "the passphrase is another one"),
        (&["--passphrase-file", "missing"], "No such file"),
    ] {
        let ran = place.run(&[&["--data-dir", text(&to), "restore", text(&file)], more].concat());
        assert_eq!(ran.code, 1);
        assert!(ran.line().contains(said.trim_start_matches("it ")), "{said}: {ran:?}");
    }
    let key = Passphrase::from_text("correct horse battery staple").expect("a passphrase");
    let dir = TempDir::new().expect("a directory");
    for at in [0, 30, 44, 60, bytes.len() / 2, bytes.len() - 1] {
        let mut bad = bytes.clone();
        bad[at] ^= 4;
        assert!(matches!(put_back(&bad, dir.path(), Some(&key)), Err(BackupError::Damaged(_))), "byte {at}");
        assert_eq!(entries(dir.path()), ["lock".to_owned()].into(), "byte {at}");
    }
    place.json(&["--data-dir", text(&to), "restore", text(&file), "--passphrase-file", text(&right)]);
    assert_eq!(
        fs::read(to.join("secret.key")).expect("a key"),
        fs::read(place.data.join("secret.key")).expect("a key")
    );
}

#[test]
fn connectors_stores_are_copied_whole_and_what_passes_is_left_out() {
    let place = Place::new();
    let data = data(&place).to_owned();
    let dir = data.join("whatsapp-web");
    fs::create_dir(&dir).expect("a directory");
    let store = Connection::open(dir.join("line.db")).expect("a store");
    // The row is in the log only: whoever copies the file alone misses it.
    store
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
             CREATE TABLE keys (k TEXT NOT NULL) STRICT; INSERT INTO keys VALUES ('identity');",
        )
        .expect("a row");
    fs::write(dir.join("half.part"), "half").expect("written");
    fs::write(data.join("media-of-the-week.bin"), vec![3; 300_000]).expect("written");
    fs::create_dir_all(data.join("backups")).expect("a directory");
    fs::write(data.join("backups/old.wabackup"), "old").expect("written");
    std::os::unix::fs::symlink("/etc/passwd", data.join("link")).expect("a link");
    let mut bytes = Vec::new();
    write(&data, place.dir.path(), &mut bytes, &making(None)).expect("a backup");
    let to = place.dir.path().join("to");
    put_back(&bytes, &to, None).expect("restored");
    let all = entries(&to);
    for absent in ["backups", "link", "control.sock", ".restoring"] {
        assert!(!all.contains(absent), "{absent}: {all:?}");
    }
    assert_eq!(entries(&to.join("whatsapp-web")), ["line.db".to_owned()].into());
    let copy = Connection::open(to.join("whatsapp-web/line.db")).expect("the copy");
    assert_eq!(copy.query_row("SELECT k FROM keys", [], |r| r.get::<_, String>(0)), Ok("identity".into()));
    assert_eq!(fs::read(to.join("media-of-the-week.bin")).expect("media"), vec![3; 300_000]);
    assert!(entries(place.dir.path()).iter().all(|name| !name.contains("copy")), "nothing is left behind");
}

#[test]
fn what_is_there_is_never_replaced() {
    let place = Place::new();
    let data = data(&place).to_owned();
    let file = place.dir.path().join("b");
    place.json(&["backup", text(&file)]);
    let again = place.run(&["backup", text(&file)]);
    assert!(again.code == 1 && again.line().contains("is there already"), "{again:?}");
    let full = place.run(&["restore", text(&file)]);
    assert!(full.code == 1 && full.line().contains("is not empty"), "{full:?}");
    let nothing = place.run(&["--data-dir", text(&place.dir.path().join("no")), "backup", "x"]);
    assert!(nothing.code == 1 && nothing.line().contains("no database"), "{nothing:?}");
    // What a killed restore left is no hindrance; a database of a newer version is.
    let to = place.dir.path().join("to");
    fs::create_dir_all(to.join(".restoring/half")).expect("a directory");
    place.json(&["--data-dir", text(&to), "restore", text(&file)]);
    let newer = Connection::open(data.join("wa-gateway.db")).expect("the database");
    newer.execute_batch("PRAGMA user_version = 99").expect("written");
    let file = place.dir.path().join("newer");
    place.json(&["backup", text(&file)]);
    let refused = place.run(&["--data-dir", text(&place.dir.path().join("old")), "restore", text(&file)]);
    assert!(refused.code == 1 && refused.line().contains("schema 99"), "{refused:?}");
}

#[test]
fn a_key_that_lies_elsewhere_is_in_the_backup() {
    let place = Place::new();
    let key = place.dir.path().join("kept-apart.key");
    let file = place.dir.path().join("wa-gateway.toml");
    let rest = fs::read_to_string(&file).expect("a file");
    fs::write(&file, format!("key_file = {key:?}\n{rest}")).expect("written");
    let refused = place.run(&["account", "create", "--name", "Shop", "--plan", "scale"]);
    assert!(refused.code == 1 && refused.line().contains("kept-apart.key"), "{refused:?}");
    fs::write(&key, [7; 32]).expect("written");
    place.furnish("line");
    assert!(!place.data.join("secret.key").exists());
    let (backup, to) = (place.dir.path().join("b"), place.dir.path().join("to"));
    place.json(&["backup", text(&backup)]);
    place.json(&["--data-dir", text(&to), "restore", text(&backup)]);
    assert_eq!(fs::read(to.join("secret.key")).expect("a key"), [7; 32]);
}

#[test]
fn a_backup_goes_through_pipes() {
    let place = Place::new();
    data(&place);
    let out = place.program(&["backup", "-"]).output().expect("it runs");
    assert!(out.status.success(), "{out:?}");
    let file = place.dir.path().join("piped");
    fs::write(&file, &out.stdout).expect("written");
    let to = place.dir.path().join("to");
    let mut command = place.program(&["--data-dir", text(&to), "restore", "-"]);
    let done = command.stdin(fs::File::open(&file).expect("a file")).output().expect("it runs");
    assert!(done.status.success(), "{done:?}");
    check_file(&to.join("wa-gateway.db")).expect("sound");
}

/// How many locks the kernel knows on a file.
fn locks_on(path: &Path) -> usize {
    let file = format!(":{} ", fs::metadata(path).expect("a file").ino());
    fs::read_to_string("/proc/locks").expect("the kernel's").lines().filter(|line| line.contains(&file)).count()
}

#[tokio::test]
async fn scheduled_backups_are_made_on_time_and_the_oldest_go() {
    let dir = TempDir::new().expect("a directory");
    let backups: PathBuf = dir.path().join("backups");
    let world = World::start_with(|c| {
        c.backup.directory = Some(backups.clone());
        c.backup.every = DAY;
        c.backup.keep = 3;
    })
    .await;
    let step = || async { Scheduler(world.gateway().clone()).step().await };
    assert_eq!(world.send(&message()).await.status, 200);
    step().await;
    // A lock that the process lost would let the next program that looks into the database take itself for the only one.
    let locked = || locks_on(&world.dir.path().join("wa-gateway.db"));
    assert!(locked() > 0, "the running gateway holds its database");
    let first = entries(&backups);
    assert_eq!(first, ["wa-gateway-20260601T080000Z.wabackup".to_owned()].into());
    fs::write(backups.join("mine.txt"), "mine").expect("written");
    for _ in 0..23 {
        world.later(Duration::from_secs(3600));
        step().await;
    }
    assert_eq!(entries(&backups).len(), 2, "not yet");
    for _ in 0..4 {
        world.later(DAY);
        step().await;
    }
    let left = entries(&backups);
    assert_eq!(left.iter().filter(|n| n.ends_with(".wabackup")).count(), 3, "{left:?}");
    assert!(left.contains("mine.txt") && left.is_disjoint(&first), "{left:?}");
    let newest = left.iter().rfind(|n| n.ends_with(".wabackup")).expect("one");
    let to = dir.path().join("to");
    put_back(&fs::read(backups.join(newest)).expect("a file"), &to, None).expect("it is good");

    // A place that cannot be used is noted, and tried again.
    fs::remove_dir_all(&backups).expect("removed");
    fs::write(&backups, "no directory").expect("written");
    world.later(DAY);
    step().await;
    let read = world
        .gateway()
        .store
        .read(|tx| tx.one("SELECT last_error FROM jobs WHERE name = 'backup'", [], |r| r.get::<_, Option<String>>(0)));
    let noted = read.await.map_err(|e: StoreError| e.to_string()).expect("a row").unwrap_or_default();
    assert!(noted.contains("backups"), "{noted}");
    fs::remove_file(&backups).expect("removed");
    world.later(Duration::from_secs(600));
    step().await;
    assert_eq!(entries(&backups).len(), 1);
    world.stop().await;
}
