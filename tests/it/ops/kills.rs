//! kill -9 of the real program at chosen changes of files, in the middle of a write: what is left is whole, or swept, or
//! the program says what to do. A sample of the changes is tried
//! here, the first and the last ones among them; `tests/fire` tries each.

use crate::{
    harness::{
        kill_at::{KillAt, changes, some},
        program::{Place, Ran, run},
    },
    store::migrations::older_with,
};
use rusqlite::Connection;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};
use wa_gateway::store::{SCHEMA_VERSION, check_file};

const KILLED: i32 = -9;

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A used data directory with files beside its database.
fn used() -> Place {
    let place = Place::new();
    place.furnish("line");
    let sent = place.run(&["send", "--instance", "line", "--to", "+966501234567", "--purpose", "support", "Hello."]);
    assert_eq!(sent.code, 0, "{sent:?}");
    for (folder, name) in [("media/ab", "abcdef"), ("media/cd", "cdefgh"), ("tls", "kept.pem")] {
        fs::create_dir_all(place.data.join(folder)).expect("a folder");
        fs::write(place.data.join(folder).join(name), format!("the bytes of {name}")).expect("a file");
    }
    place
}

/// Runs a command on `data`, which dies at change `at` of the files below `below`.
fn killed(place: &Place, args: &[&str], below: &Path, at: usize) -> Ran {
    let mut command = place.program(args);
    KillAt { below, at }.arm(&mut command);
    run(command, "")
}

/// All files below `dir` by their path.
fn tree(dir: &Path) -> BTreeSet<String> {
    fn walk(dir: &Path, at: &Path, all: &mut BTreeSet<String>) {
        for entry in fs::read_dir(at).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            let name = text(path.strip_prefix(dir).expect("below")).to_owned();
            if path.is_dir() {
                walk(dir, &path, all);
            }
            all.insert(name);
        }
    }
    let mut all = BTreeSet::new();
    walk(dir, dir, &mut all);
    all
}

/// What a gateway keeps, without what comes and goes while it is used.
fn kept(dir: &Path) -> BTreeSet<String> {
    let mut all = tree(dir);
    all.retain(|name| name != "lock" && !name.ends_with("-wal") && !name.ends_with("-shm"));
    all
}

fn fresh(place: &Place, name: &str, n: usize) -> PathBuf {
    place.dir.path().join(format!("{name}{n}"))
}

#[test]
fn a_restore_killed_at_any_change_is_refused_or_whole_and_the_next_one_begins_anew() {
    let place = used();
    let backup = place.dir.path().join("backup");
    place.json(&["backup", text(&backup)]);
    let control = place.dir.path().join("control");
    let command = place.program(&["--data-dir", text(&control), "restore", text(&backup)]);
    let all = changes(command, &control);
    let whole = kept(&control);
    assert!(all > 30 && whole.contains("media/ab/abcdef"), "{all}: {whole:?}");
    let (mut refused, mut served, mut last) = (0, 0, None);
    for n in some(all, 8) {
        let to = fresh(&place, "to", n);
        let dir = ["--data-dir", text(&to)];
        let ran = killed(&place, &[&dir[..], &["restore", text(&backup)]].concat(), &to, n);
        assert_eq!(ran.code, KILLED, "change {n} of {all}: {ran:?}");
        // A gateway does not start on half of it, and makes nothing new there.
        if to.join(".restoring").exists() {
            let ran = place.run(&[&dir[..], &["serve"]].concat());
            assert!(ran.code == 1 && ran.line().contains("run `wa-gateway restore` again"), "change {n}: {ran:?}");
            refused += 1;
        }
        if !to.join(".restoring").exists() && to.join("wa-gateway.db").exists() {
            served += 1;
        } else {
            let ran = place.run(&[&dir[..], &["restore", text(&backup)]].concat());
            assert_eq!(ran.code, 0, "change {n}: the next restore: {ran:?}; {:?}", tree(&to));
            assert_eq!(kept(&to), whole, "change {n}");
        }
        check_file(&to.join("wa-gateway.db")).expect("sound");
        assert_eq!(number(&to.join("wa-gateway.db"), MESSAGES), 1, "change {n}");
        last = Some(to);
    }
    // What a kill left beside a whole directory goes with the next start.
    let to = last.expect("the last kill");
    assert!(to.join(".restored").exists(), "the control: it was killed in the middle of clearing up");
    place.json(&["--data-dir", text(&to), "account", "list"]);
    assert_eq!(kept(&to), whole);
    assert!(refused > 3 && served > 0, "{refused} refused, {served} whole");
}

#[test]
fn a_restore_that_cannot_go_on_leaves_the_directory_empty() {
    let place = used();
    let (backup, to) = (place.dir.path().join("backup"), place.dir.path().join("to"));
    place.json(&["backup", text(&backup)]);
    // What is in its way came while it ran: a file where a folder of its own has to be.
    let part = fs::read(&backup).expect("the backup");
    let mut command = place.program(&["--data-dir", text(&to), "restore", "-"]);
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut pipe, &part[..600]).expect("it reads");
    crate::harness::program::wait_until("its stage", || to.join(".restoring").exists());
    fs::write(to.join("media"), "in the way").expect("written");
    std::io::Write::write_all(&mut pipe, &part[600..]).expect("it reads");
    drop(pipe);
    let done = child.wait_with_output().expect("its end");
    assert!(!done.status.success() && String::from_utf8_lossy(&done.stderr).contains("media"), "{done:?}");
    assert_eq!(tree(&to), ["lock".to_owned(), "media".to_owned()].into());
}

#[test]
fn a_killed_backup_is_not_there_and_what_it_left_is_swept() {
    let place = used();
    let folder = place.dir.path().join("backups of mine");
    fs::create_dir(&folder).expect("a folder");
    let before = kept(&place.data);
    let all = changes(place.program(&["backup", text(&folder.join("first"))]), place.dir.path());
    assert!(all > 10, "{all}");
    let mut left = 0;
    for n in some(all, 10) {
        let file = folder.join(format!("n{n}"));
        let ran = killed(&place, &["backup", text(&file)], place.dir.path(), n);
        assert_eq!(ran.code, KILLED, "change {n} of {all}: {ran:?}");
        left += tree(&folder).iter().filter(|name| name.ends_with(".part")).count();
        if file.exists() {
            let to = fresh(&place, "to", n);
            let ran = place.run(&["--data-dir", text(&to), "restore", text(&file)]);
            assert_eq!(ran.code, 0, "change {n}: a backup that has its name is whole: {ran:?}");
        }
        assert_eq!(kept(&place.data), before, "change {n}");
    }
    assert!(left > 0, "the control: kills do leave something");
    place.json(&["backup", text(&folder.join("last"))]);
    assert!(tree(&folder).iter().all(|name| !name.ends_with(".part")), "{:?}", tree(&folder));

    // To stdout: its copies lie in the data directory, and the next start of anything there takes them away.
    let all = changes(place.program(&["backup", "-"]), &place.data);
    let mut left = 0;
    for n in some(all, 2) {
        assert_eq!(killed(&place, &["backup", "-"], &place.data, n).code, KILLED, "change {n} of {all}");
        left += kept(&place.data).difference(&before).count();
        place.json(&["account", "list"]);
        assert_eq!(kept(&place.data), before, "change {n}");
    }
    assert!(left > 0, "the control: kills do leave something");
}

#[test]
fn a_migration_killed_at_any_change_has_whole_copies_and_goes_on() {
    const FROM: usize = 18;
    let place = Place::new();
    let make = |dir: &Path| {
        fs::create_dir_all(dir).expect("a folder");
        let rows = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 3000)
                    INSERT INTO jobs (name, due_at) SELECT 'job ' || n, n FROM n";
        drop(older_with(&dir.join("wa-gateway.db"), FROM, |n| if n == 0 { rows } else { "" }));
    };
    let control = place.dir.path().join("control");
    make(&control);
    let all = changes(place.program(&["--data-dir", text(&control), "account", "list"]), &control);
    assert!(all > 50, "{all}");
    let (mut copies, mut halves) = (0, 0);
    for n in some(all, 10) {
        let data = fresh(&place, "data", n);
        make(&data);
        let dir = ["--data-dir", text(&data)];
        let ran = killed(&place, &[&dir[..], &["account", "list"]].concat(), &data, n);
        assert_eq!(ran.code, KILLED, "change {n} of {all}: {ran:?}");
        for name in tree(&data.join("backups")) {
            if !name.ends_with(".db") {
                halves += 1;
                continue;
            }
            let copy = data.join("backups").join(&name);
            check_file(&copy).unwrap_or_else(|e| panic!("change {n}: {name}: {e}"));
            let to: usize = name.split('-').nth(2).and_then(|n| n.parse().ok()).expect("a schema");
            assert_eq!((number(&copy, SCHEMA), number(&copy, JOBS)), (to - 1, 3000), "change {n}: {name}");
            copies += 1;
        }
        place.json(&[&dir[..], &["account", "list"]].concat());
        let database = data.join("wa-gateway.db");
        assert_eq!((number(&database, SCHEMA), number(&database, JOBS)), (SCHEMA_VERSION, 3000), "change {n}");
        check_file(&data.join("wa-gateway.db")).expect("sound");
        let left: Vec<_> = tree(&data.join("backups")).into_iter().filter(|name| !name.ends_with(".db")).collect();
        assert_eq!(left, Vec::<String>::new(), "change {n}");
    }
    assert!(copies > 0 && halves > 0, "the control: {copies} whole, {halves} half");
}

const SCHEMA: &str = "PRAGMA user_version";
const JOBS: &str = "SELECT count(*) FROM jobs WHERE name LIKE 'job %'";
const MESSAGES: &str = "SELECT count(*) FROM messages";
const SUPPRESSIONS: &str = "SELECT count(*) FROM suppressions";

fn number(database: &Path, sql: &str) -> usize {
    let db = Connection::open(database).expect("a database");
    db.query_row(sql, [], |r| r.get(0)).expect("a number")
}

#[test]
fn a_list_whose_import_is_killed_is_in_whole_or_not_at_all() {
    const ROWS: usize = 2000;
    let place = Place::new();
    place.furnish("line");
    let list = place.dir.path().join("list.csv");
    let rows: String = (0..ROWS).map(|n| format!("+9665{n:08},asked\n")).collect();
    fs::write(&list, rows).expect("a list");
    let import = ["suppress", "import", "--account", "1", text(&list)];
    let base = place.dir.path().join("base");
    let copy = |to: &Path| {
        fs::create_dir_all(to).expect("a folder");
        for name in ["wa-gateway.db", "secret.key"] {
            fs::copy(place.data.join(name), to.join(name)).expect("a copy");
        }
    };
    copy(&base);
    let all = changes(place.program(&[&["--data-dir", text(&base)], &import[..]].concat()), &base);
    assert_eq!(number(&base.join("wa-gateway.db"), SUPPRESSIONS), ROWS, "the control");
    let (mut none, mut whole) = (0, 0);
    for n in some(all, 8) {
        let data = fresh(&place, "data", n);
        copy(&data);
        let ran = killed(&place, &[&["--data-dir", text(&data)], &import[..]].concat(), &data, n);
        assert_eq!(ran.code, KILLED, "change {n} of {all}: {ran:?}");
        match number(&data.join("wa-gateway.db"), SUPPRESSIONS) {
            0 => none += 1,
            ROWS => whole += 1,
            some => panic!("change {n} of {all}: {some} of {ROWS}"),
        }
    }
    assert!(none > 0 && whole > 0, "{none} with none, {whole} with all");
}
