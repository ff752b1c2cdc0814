//! The ground goes away: the data directory, the database, the key or the lock is removed, moved, replaced or emptied,
//! while the gateway runs or before it starts. Then nothing is acknowledged, and no new gateway is made beside old data.

use crate::harness::{
    program::Place,
    wait,
    world::{World, message},
};
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    time::Duration,
};
use tokio::net::UnixStream;
use wa_gateway::app::scheduler::Scheduler;

const KEY: &str = "secret.key";
const DATABASE: &str = "wa-gateway.db";

/// Asks for readiness until it is (not) there; the gateway looks once a second by itself.
async fn is_ready(world: &World) -> bool {
    world.get("/readyz").await.status == 200
}

async fn assert_refuses(world: &World, what: &str) {
    let ready = world.get("/readyz").await;
    assert_eq!((ready.status, ready.header("retry-after")), (503, Some("5")), "{what}: {}", ready.body);
    let reply = world.send(&message()).await;
    assert_eq!(reply.status, 503, "{what}: {}", reply.body);
    assert!(reply.header("retry-after").is_some(), "{what}");
}

#[tokio::test]
async fn what_goes_away_while_it_runs_is_refused_and_taken_again_when_it_is_back() {
    let world = World::start().await;
    let (dir, aside) = (world.dir.path().to_owned(), world.dir.path().with_extension("aside"));
    assert_eq!(world.send(&message()).await.status, 200);
    let log = format!("{DATABASE}-wal");
    for name in [DATABASE, log.as_str(), KEY] {
        let (file, away) = (dir.join(name), dir.join("away"));
        fs::rename(&file, &away).expect("moved away");
        assert_refuses(&world, &format!("{name} is gone")).await;
        fs::rename(&away, &file).expect("moved back");
        assert!(is_ready(&world).await, "{name} is back");
        assert_eq!(world.send(&message()).await.status, 200, "{name} is back");
        fs::copy(&file, &away).expect("a copy");
        fs::rename(&file, dir.join("kept")).expect("moved away");
        if name != KEY {
            fs::rename(&away, &file).expect("another in its place");
            assert_refuses(&world, &format!("{name} was replaced")).await;
        }
        fs::rename(dir.join("kept"), &file).expect("moved back");
        assert!(is_ready(&world).await, "{name} is back");
    }
    let key = fs::read(dir.join(KEY)).expect("the key");
    for (bytes, what) in [(Vec::new(), "emptied"), (vec![7; 32], "another one")] {
        fs::write(dir.join(KEY), bytes).expect("written");
        assert_refuses(&world, &format!("{KEY} {what}")).await;
        fs::write(dir.join(KEY), &key).expect("written");
        assert!(is_ready(&world).await, "the same key is as good: {what}");
    }
    fs::rename(&dir, &aside).expect("moved away");
    assert_refuses(&world, "the directory is gone").await;
    fs::rename(&aside, &dir).expect("moved back");
    assert_eq!(world.send(&message()).await.status, 200, "all is as it was");
    assert!(is_ready(&world).await);
}

#[tokio::test]
async fn a_lock_that_was_removed_is_taken_again_and_a_second_gateway_stays_out() {
    let world = World::start().await;
    fs::remove_file(world.dir.path().join("lock")).expect("removed");
    assert_eq!(world.send(&message()).await.status, 200);
    assert!(world.dir.path().join("lock").exists(), "taken again");
    let second = wa_gateway::store::Store::lock(world.dir.path()).map(drop);
    assert!(second.is_err(), "a second one was let in");
    // Where the second was quicker, the first one stops writing.
    fs::remove_file(world.dir.path().join("lock")).expect("removed");
    let quicker = wa_gateway::store::Store::lock(world.dir.path()).expect("quicker");
    assert_refuses(&world, "somebody else has the lock").await;
    drop(quicker);
}

/// The file by which commands reach a running gateway is lost (a tool that tidies up): it is made again within a minute, and
/// nothing is made in a directory that somebody else has now.
#[tokio::test]
async fn a_control_socket_that_was_removed_is_made_again_where_the_directory_is_ours() {
    let world = World::start().await;
    let (socket, lock) = (world.dir.path().join("control.sock"), world.dir.path().join("lock"));
    let look = async || Scheduler(world.gateway().clone()).step().await;
    fs::remove_file(&socket).expect("removed");
    look().await;
    wait::until("it is there again", async || UnixStream::connect(&socket).await.is_ok()).await;
    assert_eq!(fs::symlink_metadata(&socket).expect("there").permissions().mode() & 0o777, 0o600);
    fs::remove_file(&socket).expect("removed");
    fs::write(&socket, "no socket").expect("written");
    look().await;
    wait::until("it is there again", async || UnixStream::connect(&socket).await.is_ok()).await;
    // It answers, and was not made anew where nothing was wrong.
    let file = || fs::symlink_metadata(&socket).expect("there").ino();
    let before = file();
    look().await;
    world.settle().await;
    assert_eq!(file(), before);

    fs::remove_file(&lock).expect("removed");
    let other = wa_gateway::store::Store::lock(world.dir.path()).expect("quicker");
    fs::remove_file(&socket).expect("removed");
    fs::write(&socket, "the other's").expect("written");
    look().await;
    assert_refuses(&world, "somebody else has the directory").await;
    assert_eq!(fs::read_to_string(&socket).expect("read"), "the other's");
    drop(other);
    wait::until("the directory is ours again", async || is_ready(&world).await).await;
    look().await;
    wait::until("and so is the socket", async || UnixStream::connect(&socket).await.is_ok()).await;
}

#[tokio::test]
async fn an_unnoticed_loss_is_noticed_within_moments_by_itself() {
    let place = Place::new();
    place.furnish("line");
    let serving = place.serve();
    fs::rename(place.data.join(DATABASE), place.data.join("away")).expect("moved away");
    wait::until("a line in the log", async || place.log().contains("wa-gateway.db is gone while the gateway ran"))
        .await;
    // Workers and jobs say in warnings of their own what they could not do for it.
    let log = place.log();
    let said = log.lines().filter(|line| line.contains("ERROR") && line.contains("is gone while"));
    assert_eq!(said.count(), 1, "said once: {log}");
    fs::rename(place.data.join("away"), place.data.join(DATABASE)).expect("moved back");
    wait::until("a line in the log", async || place.log().contains("messages are taken again")).await;
    drop(serving);
}

/// A directory that a gateway has used, closed cleanly.
fn used() -> Place {
    let place = Place::new();
    place.furnish("line");
    fs::create_dir_all(place.data.join("media/ab")).expect("a folder");
    fs::write(place.data.join("media/ab/cd"), "a file").expect("a file");
    place
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a directory");
    let mut names: Vec<_> = entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Some pages are read late in a start, which settles what was under way at its end. What is left of database and log is for
/// whoever mends them.
#[test]
fn a_start_that_comes_upon_damage_late_leaves_database_and_log_as_they_are() {
    const READ_AT_START: [&str; 5] =
        ["guard_settings", "egress_entries", "threecx_integrations", "endpoints", "instance_secrets"];
    let place = used();
    let serving = place.serve();
    let send = ["send", "--instance", "line", "--to", "+966501234567", "--purpose", "transactional", "It is ready."];
    place.json(&send);
    let other = rusqlite::Connection::open(place.database()).expect("opened beside the gateway");
    let changed = other.execute("UPDATE messages SET status = 'sending'", []);
    assert_eq!(changed, Ok(1), "the next start settles it");
    let page_of = |table: &str| -> u64 {
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
        other.query_row(sql, [table], |r| r.get(0)).unwrap_or_else(|e| panic!("{table}: {e}"))
    };
    let pages = READ_AT_START.map(|table| (table, page_of(table)));
    serving.kill();
    let names = [DATABASE.to_owned(), format!("{DATABASE}-wal")];
    let files = || names.each_ref().map(|n| fs::read(place.data.join(n)).expect("a file"));
    let whole = files();
    assert!(!whole[1].is_empty(), "there is a log");
    for (table, page) in pages {
        names.iter().zip(&whole).for_each(|(n, bytes)| fs::write(place.data.join(n), bytes).expect("put back"));
        let file = fs::OpenOptions::new().write(true).open(place.database()).expect("the database");
        std::os::unix::fs::FileExt::write_all_at(&file, &[0; 4096], (page - 1) * 4096).expect("damaged");
        let before = files();
        let ran = place.run(&["account", "list"]);
        assert!(ran.code == 1 && ran.stderr.contains("damaged"), "{table}: {ran:?}");
        assert!(files() == before, "{table}: they were changed");
    }
}

#[test]
fn no_new_gateway_is_made_beside_what_is_left_of_an_old_one() {
    let lost = |what: &str, act: &dyn Fn(&Path), says: &str| {
        let place = used();
        act(&place.data);
        let before = names(&place.data);
        for command in [&["serve"][..], &["account", "list"]] {
            let ran = place.run(command);
            assert_eq!(ran.code, 1, "{what}, {command:?}: {ran:?}");
            assert!(ran.stderr.contains(says), "{what}, {command:?}: {}", ran.stderr);
            assert_eq!(ran.stderr.lines().count(), 1, "{what}, {command:?}: {}", ran.stderr);
        }
        let made: Vec<_> = names(&place.data).into_iter().filter(|n| !before.contains(n) && n != "lock").collect();
        assert_eq!(made, Vec::<String>::new(), "{what}");
    };
    lost("key removed", &|dir| fs::remove_file(dir.join(KEY)).expect("removed"), "the key of this database's secrets");
    lost("key emptied", &|dir| fs::write(dir.join(KEY), "").expect("emptied"), "the key of this database's secrets");
    lost("key cut", &|dir| fs::write(dir.join(KEY), "short").expect("cut"), "is no key");
    lost("another key", &|dir| fs::write(dir.join(KEY), [7; 32]).expect("written"), "not the key that belongs");
    lost("database emptied", &|dir| fs::write(dir.join(DATABASE), "").expect("emptied"), "missing or empty");
    lost(
        "half a restore",
        &|dir| {
            fs::create_dir(dir.join(".restoring")).expect("a stage");
        },
        "restore did not come to its end",
    );
    // Without the database the command line says that nothing is there; the gateway says what is left.
    let place = used();
    fs::remove_file(place.data.join(DATABASE)).expect("removed");
    let ran = place.run(&["serve"]);
    assert!(ran.code == 1 && ran.stderr.contains("missing or empty"), "{ran:?}");
    let ran = place.run(&["account", "list"]);
    assert!(ran.code == 1 && ran.stderr.contains("no gateway's data here"), "{ran:?}");
    assert!(!place.data.join(DATABASE).exists());
    // And in a place where nothing ever was, a question makes nothing.
    let place = Place::new();
    let ran = place.run(&["account", "list"]);
    assert!(ran.code == 1 && ran.stderr.contains("no gateway's data here"), "{ran:?}");
    assert!(!place.data.exists(), "nothing was made");
}

#[test]
fn a_key_that_is_lost_for_good_can_be_given_up() {
    let place = used();
    fs::remove_file(place.data.join(KEY)).expect("removed");
    assert_eq!(place.run(&["account", "list"]).code, 1);
    fs::write(place.data.join("secret.key.lost"), "").expect("said");
    assert_eq!(place.run(&["account", "list"]).code, 0);
    assert!(!place.data.join("secret.key.lost").exists(), "it is said once");
    let mode = fs::metadata(place.data.join(KEY)).expect("a new key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(place.run(&["account", "list"]).code, 0, "the new key belongs to it");
}

#[test]
fn the_doctor_compares_the_key_and_looks_at_modes() {
    let place = used();
    let check = |name: &str| {
        let ran = place.run(&["--json", "doctor"]);
        let checks = ran.json()["checks"].as_array().expect("a list").clone();
        let found = checks.into_iter().find(|c| c["check"] == name).expect("the check");
        (found["status"].as_str().expect("a status").to_owned(), found["text"].to_string())
    };
    let (status, text) = check("key");
    assert!(status == "ok" && text.contains("belongs to the database"), "{text}");
    let key = fs::read(place.data.join(KEY)).expect("the key");
    fs::write(place.data.join(KEY), [7; 32]).expect("another");
    assert_eq!(check("key").0, "fail");
    fs::write(place.data.join(KEY), key).expect("the right one");
    fs::set_permissions(place.data.join(DATABASE), fs::Permissions::from_mode(0o644)).expect("a mode");
    let (status, text) = check("database");
    assert!(status == "warn" && text.contains("chmod 600"), "{text}");
    assert_eq!(place.run(&["account", "list"]).code, 0);
    let mode = fs::metadata(place.data.join(DATABASE)).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "the next start closes it");
}

/// Somebody reads the log all the time, as Litestream does: an erasure and a stop wait for nobody.
#[tokio::test]
async fn a_reader_of_the_log_holds_up_no_message() {
    let world = World::start().await;
    assert_eq!(world.send(&message()).await.status, 200);
    let reader = rusqlite::Connection::open(world.dir.path().join(DATABASE)).expect("the database");
    reader.execute_batch("BEGIN").expect("a read");
    reader.query_row("SELECT count(*) FROM messages", [], |r| r.get::<_, i64>(0)).expect("a row");
    let all = async {
        let request = wa_gateway::app::commands::PersonErase { phone: crate::harness::world::PHONE.into() };
        world.command(request).await.expect("erased");
        assert_eq!(world.send(&message()).await.status, 200);
        world.stop().await;
    };
    // It was 5 s for the erasure and 5 s for the stop.
    tokio::time::timeout(Duration::from_secs(4), all).await.expect("somebody waited for the reader");
    drop(reader);
}
